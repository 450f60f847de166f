//! Computes whose objects do not exist: the operator's metric, and `kubectl synapse audit`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::plugin::{Said, has, keys, synapse_with_azure};
use crate::support::{OWNER_TAG, World};

/// The UID of the cluster, as owner tags spell it.
fn cluster(world: &World) -> String {
    world.plane().must(&["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"]).trim().to_owned()
}

fn start(world: &World) {
    world.put_operator(world.operator_with(&["--leader-election", "false", "--watch-namespaces", &world.namespace]));
}

/// A world with two attachments that are Ready, so that the operator lists their workspace.
#[track_caller]
fn world(name: &str) -> World {
    let world = World::without_operator(name, Duration::ZERO);
    start(&world);
    for name in ["first", "second"] {
        world.apply(name, "one", &[]);
    }
    for name in ["first", "second"] {
        world.ready(name);
    }
    world
}

/// A compute with the tag of an object of this namespace that does not exist.
fn leave_over(world: &World, name: &str, cluster: &str) {
    let tag = format!("{cluster}/{}/{name}/00000000-0000-4000-8000-000000000001", world.namespace);
    world.add_compute(name, "one", &json!({"tags": {OWNER_TAG: tag}}));
}

fn until_orphans(world: &World, count: &str) {
    let line = format!("synapse_spark_operator_orphaned_computes {count}");
    world.until(&format!("{count} orphans"), || {
        let (_, text) = world.operator().get("/metrics")?;
        text.lines().any(|one| one == line).then_some(())
    });
}

/// `kubectl synapse audit`.
fn audit(world: &World, args: &[&str]) -> Said {
    synapse_with_azure(world, &[&["audit"], args].concat())
}

fn as_json(world: &World, args: &[&str]) -> (Option<i32>, Value) {
    let (code, out, complaint) = audit(world, &[args, &["-o", "json"]].concat());
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{complaint}")))
}

#[test]
fn a_compute_is_orphaned_when_the_finalizer_of_its_object_is_removed_by_force() {
    let world = world("orphan");
    world.apply("forced", "one", &[]);
    world.ready("forced");
    until_orphans(&world, "0");
    assert_eq!(audit(&world, &[]), (Some(0), "No orphaned computes.\n".to_owned(), String::new()));
    world.operator().kill();
    world.delete("forced");
    world.patch("forced", &json!({"metadata": {"finalizers": null}}));
    world.gone("forced");
    start(&world);
    until_orphans(&world, "1");
    has(&world.operator().log("orphaned compute found"), &["computes/forced"]);
    let (code, out, _) = audit(&world, &[]);
    assert_eq!(code, Some(2), "{out}");
    let detach = format!(
        "az ml compute detach --name forced --workspace-name ml-ws --resource-group rg --subscription {} --yes",
        world.subscription
    );
    has(&out, &["forced", "orphan: the object does not exist", &detach]);
    assert_eq!(world.writes("forced"), ["PUT"], "the operator leaves it alone");
    world.remove(&world.id("forced"));
    until_orphans(&world, "0");
    assert_eq!(audit(&world, &[]).0, Some(0));
}

#[test]
fn a_compute_that_was_kept_on_purpose_is_not_counted() {
    let world = world("kept");
    world.apply("retained", "one", &["deletionPolicy: Retain"]);
    world.apply("abandoned", "one", &[]);
    for name in ["retained", "abandoned"] {
        world.ready(name);
    }
    world.kubectl(&["annotate", "ssa", "abandoned", "synapse-spark.dev/on-delete=abandon"]);
    for name in ["retained", "abandoned"] {
        world.delete(name);
        world.gone(name);
    }
    // It is seen later than the other two, and so counts later.
    leave_over(&world, "leftover", &cluster(&world));
    until_orphans(&world, "1");
    assert_eq!(world.operator().log("orphaned compute found").matches("orphaned compute found").count(), 1);
}

#[test]
fn audit_distinguishes_orphans_from_computes_of_others() {
    let world = world("audit");
    leave_over(&world, "leftover", &cluster(&world));
    leave_over(&world, "foreign", "99999999-0000-4000-8000-000000000001");
    world.add_compute("byhand", "one", &json!({}));
    let (code, found) = as_json(&world, &[]);
    assert_eq!(code, Some(2), "{found}");
    assert_eq!(keys(&found), ["orphans", "otherClusters", "undetermined"]);
    let names = |list: &str| -> Vec<_> {
        let all = found[list].as_array().expect("a list").iter();
        all.map(|one| one["computeId"].as_str().expect("an ID").rsplit('/').next().expect("a name").to_owned()).collect()
    };
    assert_eq!((names("orphans"), names("otherClusters")), (vec!["leftover".to_owned()], vec!["foreign".to_owned()]));
    let workspace = format!("{}/rg/ml-ws", world.subscription);
    assert_eq!(as_json(&world, &["--workspace", &workspace]).1, found, "named, or by the attachments of the namespace");
}

#[test]
fn audit_that_cannot_be_completed_ends_with_1() {
    let world = world("audit-no");
    let (code, _, complaint) = audit(&world, &["--workspace", &format!("{}/rg/none", world.subscription)]);
    assert_eq!(code, Some(1));
    has(&complaint, &["its computes cannot be listed", "could not be determined"]);
    for name in ["first", "second"] {
        world.delete(name);
        world.gone(name);
    }
    let (code, _, complaint) = audit(&world, &[]);
    assert_eq!(code, Some(1));
    has(&complaint, &["no attachment in namespace", "--workspace"]);
}
