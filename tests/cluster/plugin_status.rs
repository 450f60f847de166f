//! `kubectl synapse status`.

use serde_json::{Value, json};

use super::plugin::{has, keys, kubectl, said, shown, synapse};
use crate::support::World;

/// An attachment that is ready, and whose event is published.
fn ready(name: &str) -> World {
    let world = World::new(name);
    world.apply("nightly", "one", &["identity: {type: SystemAssigned}", "tags: {team: data}"]);
    world.ready("nightly");
    world.event("nightly", "Attached", "is attached and in sync");
    world
}

#[test]
fn status_of_a_ready_object_shows_what_is_attached() {
    let world = ready("status");
    let (code, out, complaint) = synapse(&world, &["status", "nightly"]);
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{out}");
    let id = world.id("nightly");
    has(&out, &[&format!("{}/nightly  Ready: Attached", world.namespace), "do         Nothing.", &id]);
    has(&out, &["identity SystemAssigned, principal ", "tag team=data", "Spark 3.4", "Normal Attached: "]);
}

/// Scripts rely on these keys: one may be added, and none removed.
#[test]
// Longer than other functions: a table with one row per case.
fn status_as_json_has_the_keys_that_scripts_rely_on() {
    let world = ready("status-keys");
    let one = shown(&world, "nightly");
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
            "lastDrift",
            "operation",
            "waitingForJobs",
            "outputs",
            "jobChecks",
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
}

#[test]
fn status_as_json_has_the_state_and_the_spec() {
    let world = ready("status-json");
    let one = shown(&world, "nightly");
    assert_eq!(one["found"]["conditions"][0]["type"], "PoolAvailable");
    assert_eq!((&one["state"], &one["reason"], &one["command"]), (&json!("Ready"), &json!("Attached"), &Value::Null));
    assert_eq!(one["wanted"], world.object("nightly").expect("it is there")["spec"]);
}

#[test]
fn status_lists_the_objects_of_a_namespace_and_ends_with_2_if_one_is_not_ready() {
    let world = ready("status-all");
    let (code, out, _) = synapse(&world, &["status"]);
    assert_eq!(code, Some(0), "{out}");
    has(&out, &["NAME      STATE   REASON     SINCE", "nightly   Ready   Attached"]);
    world.apply("missing", "missing", &[]);
    world.stalled("missing", "PoolNotFound");
    let (code, out, _) = synapse(&world, &["status"]);
    assert_eq!(code, Some(2), "{out}");
    has(&out, &["missing   Stalled   PoolNotFound", "nightly   Ready     Attached"]);
}

#[test]
fn status_of_all_namespaces_names_them() {
    let world = ready("status-wide");
    let all = kubectl(&world, &world.plane().kubeconfig, &["synapse", "status", "-A"], &[]);
    has(&said(&all).1, &["NAMESPACE", &world.namespace]);
}

#[test]
fn status_of_an_object_that_does_not_exist_ends_with_1() {
    let world = World::new("status-none");
    let (code, _, complaint) = synapse(&world, &["status", "nope"]);
    assert_eq!(code, Some(1));
    has(&complaint, &[&format!("there is no SynapseSparkAttachment nope in namespace {}", world.namespace)]);
}

#[test]
fn kubectl_completes_the_names_of_objects() {
    let world = World::new("completion");
    for name in ["missing", "nightly"] {
        world.apply(name, "one", &["suspend: true"]);
    }
    for subcommand in ["status", "transfer"] {
        let words = ["__complete", "synapse", subcommand, "-n", &world.namespace, ""];
        let completed = kubectl(&world, &world.plane().kubeconfig, &words, &[]);
        has(&said(&completed).1, &["missing\nnightly\n:4\n"]);
    }
}

#[test]
fn colours_are_used_on_terminals_only() {
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

#[test]
fn status_of_a_stalled_object_shows_azures_error_and_what_to_do() {
    let world = World::new("status-stalled");
    let denial = "The client '2222' does not have authorization to perform action 'Microsoft.Something/write'";
    world.fault("PUT", "nightly", &json!({"status": 403, "code": "AuthorizationFailed", "message": denial}));
    world.apply("nightly", "one", &[]);
    world.stalled("nightly", "AuthorizationFailed");
    world.event("nightly", "AuthorizationFailed", "x-ms-correlation-request-id");
    let (code, out, _) = synapse(&world, &["status", "nightly"]);
    assert_eq!(code, Some(2), "{out}");
    let command = format!("kubectl synapse reconcile nightly -n {}", world.namespace);
    has(&out, &["Stalled: AuthorizationFailed", "AuthorizationFailed", denial, "Grant the identity the action", &command]);
    let one = shown(&world, "nightly");
    assert_eq!((&one["state"], &one["command"]), (&json!("Stalled"), &json!(command)));
    let events = one["events"].as_array().expect("a list");
    let correlation = events.iter().find_map(|event| event["correlationId"].as_str()).expect("Azure's correlation ID");
    has(&out, &[&format!("correlation ID {correlation}")]);
}
