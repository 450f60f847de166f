//! `kubectl synapse status`.

use serde_json::{Value, json};

use super::plugin::{has, keys, kubectl, said, shown, synapse};
use crate::support::World;

#[test]
fn status_tells_how_a_ready_one_is() {
    let world = World::new("status");
    world.apply("nightly", "one", &["identity: {type: SystemAssigned}", "tags: {team: data}"]);
    world.ready("nightly");
    world.event("nightly", "Attached", "is attached and in sync");
    let (code, out, complaint) = synapse(&world, &["status", "nightly"]);
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{out}");
    let id = world.id("nightly");
    has(&out, &[&format!("{}/nightly  Ready: Attached", world.namespace), "do         Nothing.", &id]);
    has(&out, &["identity SystemAssigned, principal ", "tag team=data", "Spark 3.4", "Normal Attached: "]);

    let one = shown(&world, "nightly");
    // A promise to scripts: a key may come, none may go.
    assert_eq!(
        keys(&one),
        [
            "namespace",
            "name",
            "state",
            "reason",
            "message",
            "since",
            "advice",
            "command",
            "generation",
            "observedGeneration",
            "deletionTimestamp",
            "failure",
            "wanted",
            "found",
            "drift",
            "operation",
            "events"
        ]
    );
    assert_eq!(
        keys(&one["found"]),
        [
            "computeId",
            "provisioningState",
            "location",
            "createdOn",
            "modifiedOn",
            "pool",
            "identity",
            "linkedService",
            "roleAssignments",
            "provisioningErrors",
            "conditions"
        ]
    );
    assert_eq!(one["found"]["conditions"][0]["type"], "PoolAvailable");
    assert_eq!((&one["state"], &one["reason"], &one["command"]), (&json!("Ready"), &json!("Attached"), &Value::Null));
    assert_eq!(one["wanted"], world.object("nightly").expect("it is there")["spec"]);

    // All of them; and one that is not ready makes the exit code.
    let (code, out, _) = synapse(&world, &["status"]);
    assert_eq!(code, Some(0), "{out}");
    has(&out, &["NAME      STATE   REASON     SINCE", "nightly   Ready   Attached"]);
    world.apply("missing", "missing", &[]);
    world.stalled("missing", "PoolNotFound");
    let (code, out, _) = synapse(&world, &["status"]);
    assert_eq!(code, Some(2), "{out}");
    has(&out, &["missing   Stalled   PoolNotFound", "nightly   Ready     Attached"]);
    let all = kubectl(&world, &world.plane().kubeconfig, &["synapse", "status", "-A"], &[]);
    has(&said(&all).1, &["NAMESPACE", &world.namespace]);

    let (code, _, complaint) = synapse(&world, &["status", "nope"]);
    assert_eq!(code, Some(1));
    has(&complaint, &[&format!("there is no SynapseSparkAttachment nope in namespace {}", world.namespace)]);

    // kubectl completes names.
    let completed =
        kubectl(&world, &world.plane().kubeconfig, &["__complete", "synapse", "status", "-n", &world.namespace, ""], &[]);
    has(&said(&completed).1, &["missing\nnightly\n:4\n"]);
}

#[test]
fn colours_are_for_terminals() {
    let world = World::new("colours");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let args = ["synapse", "status", "nightly", "-n", &world.namespace];
    let colours = |env: &[(&str, &str)]| {
        let out = kubectl(&world, &world.plane().kubeconfig, &args, env).stdout;
        out.contains(&0x1b)
    };
    assert!(!colours(&[]), "into a pipe");
    assert!(colours(&[("CLICOLOR_FORCE", "1")]), "there are some");
    assert!(!colours(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), "NO_COLOR");
}
