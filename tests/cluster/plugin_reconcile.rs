//! `kubectl synapse reconcile`.

use std::time::Duration;

use serde_json::{Value, json};

use super::plugin::{has, keys, shown, synapse};
use crate::support::World;

#[test]
fn status_tells_why_one_is_stalled_and_reconcile_asks_azure_again() {
    let world = World::new("plugin");
    let said = "The client '2222' does not have authorization to perform action 'Microsoft.Something/write'";
    world.fault("PUT", "nightly", &json!({"status": 403, "code": "AuthorizationFailed", "message": said, "times": 2}));
    world.apply("nightly", "one", &[]);
    world.stalled("nightly", "AuthorizationFailed");
    world.event("nightly", "AuthorizationFailed", "x-ms-correlation-request-id");

    let (code, out, _) = synapse(&world, &["status", "nightly"]);
    assert_eq!(code, Some(2), "{out}");
    let command = format!("kubectl synapse reconcile nightly -n {}", world.namespace);
    has(&out, &["Stalled: AuthorizationFailed", "AuthorizationFailed", said, "Grant the identity the action", &command]);
    let one = shown(&world, "nightly");
    assert_eq!((&one["state"], &one["command"]), (&json!("Stalled"), &json!(command)));
    let events = one["events"].as_array().expect("a list");
    let correlation = events.iter().find_map(|event| event["correlationId"].as_str()).expect("Azure's correlation ID");
    has(&out, &[&format!("correlation ID {correlation}")]);

    // It is tried again slowly, unless it is asked for: what is written now is what was asked for.
    assert_eq!(world.writes("nightly"), ["PUT"]);
    let (code, out, _) = synapse(&world, &["reconcile", "nightly"]);
    assert_eq!((code, world.writes("nightly").len()), (Some(2), 2), "{out}");
    has(&out, &["Stalled: AuthorizationFailed", "AuthorizationFailed"]);
    // What was said to the request before is no answer to this one.
    world.fault("GET", "nightly", &json!({"delay": "1s"}));
    let (code, out, complaint) = synapse(&world, &["reconcile", "nightly", "-o", "json"]);
    assert_eq!((code, world.writes("nightly").len()), (Some(0), 3), "{out}{complaint}");
    let answer: Value = serde_json::from_str(&out).expect("JSON, whatever is told meanwhile");
    assert_eq!((&answer["attachment"]["state"], keys(&answer)), (&json!("Ready"), vec!["requestedAt", "attachment"]));
    let object = world.object("nightly").expect("it is there");
    assert_eq!(object["status"]["lastHandledReconcileAt"], answer["requestedAt"]);
    assert_eq!(object["metadata"]["annotations"]["synapse-spark.dev/reconcile-requested-at"], answer["requestedAt"]);
}

#[test]
fn reconcile_returns_when_azure_is_done() {
    let world = World::alone("reconcile", Duration::from_secs(12));
    world.apply("nightly", "one", &[]);
    world.wait("nightly", "jsonpath={.status.operation.kind}=Attach");
    let (code, out, _) = synapse(&world, &["status", "nightly"]);
    assert_eq!(code, Some(2), "{out}");
    let path = world.object("nightly").expect("it is there")["status"]["operation"]["path"].clone();
    let id = shown(&world, "nightly")["operation"]["id"].clone();
    assert!(path.as_str().is_some_and(|path| path.contains(id.as_str().expect("an ID"))), "{path} {id}");
    has(&out, &["Reconciling: Attaching", "operation  Attach, asked for ", id.as_str().expect("an ID")]);

    let (code, out, progress) = synapse(&world, &["reconcile", "nightly"]);
    assert_eq!(code, Some(0), "{out}{progress}");
    assert_eq!(world.compute("nightly").expect("it is there")["properties"]["provisioningState"], "Succeeded");
    has(&progress, &["Attaching: Attaching compute nightly"]);
    has(&out, &["Ready: Attached"]);
    world.azure().control("PATCH", "settings", Some(&json!({"operationDuration": "1s"})));

    // Of one that is being deleted the end is that it is gone.
    world.delete("nightly");
    let (code, out, _) = synapse(&world, &["reconcile", "nightly"]);
    assert_eq!((code, world.object("nightly")), (Some(0), None), "{out}");

    // Nobody is there to take it up.
    world.operator().kill();
    world.apply("unseen", "one", &[]);
    let (code, out, _) = synapse(&world, &["status", "unseen"]);
    assert_eq!(code, Some(2));
    has(&out, &["Unseen", "the operator has not looked at it yet", "kubectl get pods -A"]);
    let (code, _, complaint) = synapse(&world, &["reconcile", "unseen", "--timeout", "1s"]);
    assert_eq!(code, Some(1));
    has(&complaint, &["after 1s", "the operator has not taken up the request", "kubectl get pods -A"]);
    let (code, out, _) = synapse(&world, &["reconcile", "unseen", "--no-wait"]);
    assert_eq!(code, Some(0), "{out}");
}
