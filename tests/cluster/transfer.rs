//! A compute goes to another owner without a detach: to another namespace, to another name, to an attachment of this cluster after
//! another one is lost.

use serde_json::{Value, json};

use super::attach::wait_to_be_younger;
use super::plugin::synapse_with_azure;
use super::plugin::{has, synapse};
use super::role_assignments::{ROLE, SYSTEM, held};
use crate::support::{OWNER_TAG, World};

/// The same manifest in the namespace of another test's world.
fn apply_to(to: &World, from: &World, name: &str, more: &[&str]) {
    let manifest = from.manifest(name, "one", more);
    let namespace = |world: &World| format!("namespace: {}\n", world.namespace);
    let manifest = manifest.replace(&namespace(from), &namespace(to));
    to.plane().kubectl(&["apply", "-f", "-"], &manifest).unwrap_or_else(|complaint| panic!("{complaint}\n{manifest}"));
}

fn principal(world: &World, compute: &str) -> Value {
    let principal = world.compute(compute).expect("the compute exists")["identity"]["principalId"].clone();
    assert!(principal.is_string(), "{principal}");
    principal
}

/// The parts of the owner tag.
fn owner(world: &World, compute: &str) -> Vec<String> {
    let compute = world.compute(compute).expect("the compute exists");
    compute["tags"][OWNER_TAG].as_str().expect("an owner tag").split('/').map(ToOwned::to_owned).collect()
}

#[test]
fn a_compute_moves_to_another_namespace_with_its_principal() {
    let (from, to) = (World::new("move-from"), World::new("move-to"));
    from.apply("nightly", "one", &[SYSTEM, ROLE]);
    from.ready("nightly");
    let (before, roles) = (principal(&from, "nightly"), held(&from));
    assert_eq!(roles.len(), 1);
    wait_to_be_younger(&from, "nightly");
    // Whatever the spec of the other team is, it gets nothing without the consent of the owner.
    apply_to(&to, &from, "nightly", &[SYSTEM, ROLE, "adoptionPolicy: Always", "replacePolicy: Recreate"]);
    to.stalled("nightly", "Duplicate");
    assert_eq!(from.writes("nightly"), ["PUT"]);

    let transfer = ["transfer", "nightly", "--to-namespace", &to.namespace];
    let (code, out, plan) = synapse(&from, &[&transfer[..], &["--dry-run"]].concat());
    assert_eq!((code, out.as_str()), (Some(0), ""), "{plan}");
    has(&plan, &[&format!("{}/nightly -> {}/nightly", from.namespace, to.namespace), "exists, and adopts the compute"]);
    let (code, out, complaint) = synapse(&from, &transfer);
    assert_eq!(code, Some(1), "{out}{complaint}");
    has(&complaint, &["--yes"]);
    assert_eq!(from.writes("nightly"), ["PUT"]);

    let (code, out, progress) = synapse(&from, &[&transfer[..], &["--yes"]].concat());
    assert_eq!(code, Some(0), "{out}{progress}");
    has(&out, &["handed over to"]);
    to.ready("nightly");
    assert_eq!(owner(&from, "nightly")[1..3], [to.namespace.as_str(), "nightly"]);
    let message = from.ready_shows("nightly", "False", "Transferred");
    has(&message, &[&to.namespace, "az synapse role assignment delete", "Delete this object"]);
    let (code, out, complaint) = synapse(&from, &[&transfer[..], &["--yes"]].concat());
    assert_eq!(code, Some(0), "{out}{complaint}");
    has(&out, &["nothing to hand over"]);
    from.request_reconcile("nightly");
    from.delete("nightly");
    from.gone("nightly");
    to.request_reconcile("nightly");
    to.ready("nightly");
    assert_eq!((principal(&from, "nightly"), held(&from)), (before, roles), "jobs run on as before");
    assert_eq!(from.writes("nightly"), ["PUT", "PUT", "PUT"], "attached, handed over, adopted");
}

#[test]
fn a_compute_stays_when_its_attachment_gets_another_name() {
    let world = World::new("rename");
    let spec = [SYSTEM, "computeName: spark", "deletionPolicy: Retain"];
    world.apply("former", "one", &spec);
    world.ready("former");
    let before = principal(&world, "spark");
    wait_to_be_younger(&world, "former");
    world.apply("renamed", "one", &spec);
    world.stalled("renamed", "Duplicate");
    world.delete("former");
    world.gone("former");
    world.ready("renamed");
    assert_eq!((principal(&world, "spark"), owner(&world, "spark")[2].as_str()), (before, "renamed"));
    assert_eq!(world.writes("spark"), ["PUT", "PUT"]);
}

#[test]
fn an_attachment_that_is_deleted_while_it_hands_its_compute_over_does_not_detach_it() {
    let world = World::new("move-deleted");
    world.apply("nightly", "one", &[SYSTEM]);
    world.ready("nightly");
    let cluster = owner(&world, "nightly")[0].clone();
    let annotate = |value: &str| {
        let value = format!("synapse-spark.dev/transfer-to={value}");
        world.plane().kubectl(&["annotate", "--overwrite", "ssa", "nightly", &value, "--namespace", &world.namespace], "")
    };
    let too_long = format!("{cluster}/team-b/{}", ["n"; 33].join("."));
    for wrong in ["team-b/nightly", &format!("{cluster}/team-b/a..b"), &format!("{cluster}/team-b/a.-b"), &too_long] {
        let refusal = annotate(wrong).expect_err("it names no attachment");
        has(&refusal, &["must be <cluster>/<namespace>/<name>"]);
    }
    world.patch("nightly", &json!({"spec": {"suspend": true}}));
    world.wait("nightly", "jsonpath={.status.conditions[?(@.type==\"Ready\")].reason}=Suspended");
    annotate(&format!("{cluster}/team-b/else.where")).expect("it is accepted");
    world.delete("nightly");
    has(&world.ready_shows("nightly", "False", "Suspended"), &["will not be handed over"]);
    assert_eq!(world.writes("nightly"), ["PUT"]);
    world.patch("nightly", &json!({"spec": {"suspend": false}}));
    world.gone("nightly");
    assert_eq!(owner(&world, "nightly"), [cluster.as_str(), "team-b", "else.where", "transferred"]);
    assert_eq!(world.writes("nightly"), ["PUT", "PUT"]);
}

#[test]
fn an_attachment_takes_the_compute_of_a_cluster_that_is_lost() {
    let world = World::new("take");
    world.apply("own", "one", &[]);
    world.ready("own");
    let tag = "00000000-0000-4000-8000-00000000dead/team-a/nightly/00000000-0000-4000-8000-00000000beef";
    let identity = json!({"type": "SystemAssigned", "principalId": "00000000-0000-4000-8000-00000000cafe"});
    world.add_compute("nightly", "one", &json!({"tags": {OWNER_TAG: tag, "team": "data"}, "identity": identity}));
    world.apply("nightly", "one", &[SYSTEM]);
    let message = world.stalled("nightly", "OwnedByAnother");
    has(&message, &["kubectl synapse transfer --take NAME"]);
    // One that belongs to an attachment that exists stays with it.
    let taken = json!({"tags": {OWNER_TAG: owner(&world, "own").join("/")}});
    world.add_compute("taken", "one", &taken);
    world.apply("taken", "one", &[]);
    world.stalled("taken", "OwnedByAnother");
    // So does one that is handed over to an attachment that exists.
    let given = format!("{}/transferred", owner(&world, "own")[..3].join("/"));
    let given = json!({"tags": {OWNER_TAG: given}});
    world.add_compute("given", "one", &given);
    world.apply("given", "one", &[]);
    world.stalled("given", "OwnedByAnother");
    world.apply("going", "one", &["suspend: true"]);
    world.patch("going", &json!({"metadata": {"finalizers": ["example.com/hold"]}}));
    world.delete("going");

    let (code, out, plan) = synapse_with_azure(&world, &["transfer", "--take", "nightly", "taken", "given", "going", "--yes"]);
    world.patch("going", &json!({"metadata": {"finalizers": []}}));
    assert_eq!(code, Some(1), "{out}{plan}");
    has(&out, &["nightly: owns compute nightly", "taken: its owner", "own exists: let it hand the compute over"]);
    has(&out, &["given: the compute is handed over to", "own, which exists", "going: it is being deleted"]);
    has(&plan, &[tag]);
    world.ready("nightly");
    assert_eq!(owner(&world, "nightly")[2], "nightly");
    let compute = world.compute("nightly").expect("it exists");
    assert_eq!((&compute["identity"]["principalId"], &compute["tags"]["team"]), (&identity["principalId"], &json!("data")));
    let requests = world.requests();
    let puts = requests.iter().filter(|one| one.method == "PUT" && one.path.ends_with("/computes/nightly"));
    let clients: Vec<_> = puts.map(|one| one.client.as_str()).collect();
    assert_eq!(clients, ["11111111-2222-3333-4444-555555555555"], "not the operator's identity");
    assert_eq!((world.writes("taken"), world.writes("given")), (vec![], vec![]));
}
