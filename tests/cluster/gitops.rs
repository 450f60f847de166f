//! What scripts and GitOps tools read of an object is of the spec that it has now.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::World;

/// `kubectl wait` for Ready, which looks once and does not wait.
fn is_ready(world: &World, name: &str) -> Result<String, String> {
    let object = format!("ssa/{name}");
    world.plane().kubectl(&["wait", "-n", &world.namespace, &object, "--for=condition=Ready", "--timeout=0"], "")
}

fn team(world: &World, compute: &str) -> Value {
    world.compute(compute).expect("it is there")["tags"]["team"].clone()
}

#[test]
fn a_ready_of_a_former_spec_is_not_taken_for_this_one() {
    let world = World::alone("wait", Duration::from_secs(1));
    world.apply("nightly", "one", &["tags: {team: data}"]);
    world.ready("nightly");
    is_ready(&world, "nightly").expect("it is ready");

    // From here on nobody looks at what changes.
    world.operator().kill();
    world.apply("new", "one", &[]);
    let status = world.object("new").expect("it is there")["status"].clone();
    assert_eq!(status, json!({"observedGeneration": -1}), "a status that kstatus does not take for done");
    world.patch("nightly", &json!({"spec": {"tags": {"team": "ml"}}}));
    assert_eq!(world.condition("nightly", "Ready").expect("it was ready")["status"], "True");
    for name in ["nightly", "new"] {
        let complaint = is_ready(&world, name).expect_err("nobody has looked at it");
        assert!(complaint.contains("condition not met"), "{complaint}");
    }
    // A JSON path knows of no generation: docs/waiting.md.
    let path = "--for=jsonpath={.status.conditions[?(@.type==\"Ready\")].status}=True";
    world.kubectl(&["wait", "ssa/nightly", path, "--timeout=0"]);

    // Whoever waits meanwhile comes back when Azure has it.
    std::thread::scope(|scope| {
        let changed = scope.spawn(|| {
            world.ready("nightly");
            team(&world, "nightly")
        });
        let attached = scope.spawn(|| {
            world.ready("new");
            world.compute("new").expect("it is attached")["properties"]["provisioningState"].clone()
        });
        world.restart();
        assert_eq!(changed.join().expect("it waits"), "ml");
        assert_eq!(attached.join().expect("it waits"), "Succeeded");
    });
}

#[test]
fn every_wait_after_a_change_comes_back_with_the_change_in_azure() {
    let world = World::alone("wait", Duration::from_secs(1));
    world.apply("nightly", "one", &["tags: {team: '0'}"]);
    world.ready("nightly");
    for turn in 1..=5 {
        let wanted = turn.to_string();
        world.patch("nightly", &json!({"spec": {"tags": {"team": wanted}}}));
        world.ready("nightly");
        assert_eq!(team(&world, "nightly"), wanted);
    }
    // A request makes no new generation; its echo says that it was heard, and what there was to do is under way.
    world.meddle("nightly", &json!({"tags": {"team": "sales"}}));
    world.kubectl(&["annotate", "ssa", "nightly", "synapse-spark.dev/reconcile-requested-at=now"]);
    world.wait("nightly", "jsonpath={.status.lastHandledReconcileAt}=now");
    world.ready("nightly");
    assert_eq!(team(&world, "nightly"), "5");
}

#[test]
fn the_settings_of_argo_cd_go_into_its_config_map() {
    let world = World::new("argocd");
    world.kubectl(&["create", "configmap", "argocd-cm", "--from-literal=application.instanceLabelKey=app"]);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/argocd/argocd-cm.yaml");
    let patch =
        std::fs::read_to_string(file).expect("a patch").replace("namespace: argocd", &format!("namespace: {}", world.namespace));
    world.kubectl(&["patch", "configmap", "argocd-cm", "--patch", &patch]);
    let all: Value = serde_json::from_str(&world.kubectl(&["get", "configmap", "argocd-cm", "-o", "json"])).expect("JSON");
    let data = all["data"].as_object().expect("a map");
    assert_eq!(data.len(), 3, "what was there stays: {:?}", data.keys());
    let health = data["resource.customizations.health.synapse-spark.dev_SynapseSparkAttachment"].as_str().expect("a script");
    assert!(health.contains("\"Degraded\""), "{health}");
}
