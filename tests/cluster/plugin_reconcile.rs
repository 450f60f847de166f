//! `kubectl synapse reconcile`.

use std::time::Duration;

use serde_json::{Value, json};

use super::plugin::{has, keys, shown, synapse};
use crate::support::World;

/// An attachment whose first PUTs Azure refuses, and that is stalled.
fn refused(name: &str, times: u32) -> World {
    let world = World::new(name);
    world.fault("PUT", "nightly", &json!({"status": 403, "code": "AuthorizationFailed", "message": "no", "times": times}));
    world.apply("nightly", "one", &[]);
    world.stalled("nightly", "AuthorizationFailed");
    // The next retry is far away, so a further PUT is one that was requested.
    assert_eq!(world.writes("nightly"), ["PUT"]);
    world
}

#[test]
fn reconcile_retries_at_once_and_ends_with_2_if_the_object_is_still_stalled() {
    let world = refused("reconcile-stalled", 2);
    let (code, out, _) = synapse(&world, &["reconcile", "nightly"]);
    assert_eq!((code, world.writes("nightly").len()), (Some(2), 2), "{out}");
    has(&out, &["Stalled: AuthorizationFailed", "AuthorizationFailed"]);
}

#[test]
fn reconcile_waits_for_the_answer_to_its_own_request() {
    let world = refused("reconcile-own", 1);
    world.fault("GET", "nightly", &json!({"delay": "1s"}));
    let (code, out, complaint) = synapse(&world, &["reconcile", "nightly", "-o", "json"]);
    assert_eq!((code, world.writes("nightly").len()), (Some(0), 2), "{out}{complaint}");
    let answer: Value = serde_json::from_str(&out).expect("JSON, whatever is printed meanwhile");
    assert_eq!((&answer["attachment"]["state"], keys(&answer)), (&json!("Ready"), vec!["requestedAt", "attachment"]));
    let object = world.object("nightly").expect("it is there");
    assert_eq!(object["status"]["lastHandledReconcileAt"], answer["requestedAt"]);
    assert_eq!(object["metadata"]["annotations"]["synapse-spark.dev/reconcile-requested-at"], answer["requestedAt"]);
}

#[test]
fn status_shows_the_running_operation_of_azure() {
    let world = World::alone("status-busy", Duration::from_secs(5));
    world.apply("nightly", "one", &[]);
    world.wait("nightly", "jsonpath={.status.operation.kind}=Attach");
    let (code, out, _) = synapse(&world, &["status", "nightly"]);
    assert_eq!(code, Some(2), "{out}");
    let path = world.object("nightly").expect("it is there")["status"]["operation"]["path"].clone();
    let id = shown(&world, "nightly")["operation"]["id"].clone();
    assert!(path.as_str().is_some_and(|path| path.contains(id.as_str().expect("an ID"))), "{path} {id}");
    has(&out, &["Reconciling: Attaching", "operation  Attach, requested ", id.as_str().expect("an ID")]);
}

#[test]
fn reconcile_returns_when_azure_has_attached() {
    let world = World::alone("reconcile", Duration::from_secs(6));
    world.apply("nightly", "one", &[]);
    world.wait("nightly", "jsonpath={.status.operation.kind}=Attach");
    let (code, out, progress) = synapse(&world, &["reconcile", "nightly"]);
    assert_eq!(code, Some(0), "{out}{progress}");
    assert_eq!(world.compute("nightly").expect("it is there")["properties"]["provisioningState"], "Succeeded");
    has(&progress, &["Attaching: Attaching compute nightly"]);
    has(&out, &["Ready: Attached"]);
}

#[test]
fn forced_reconcile_sends_the_compute_once_in_five_minutes() {
    let world = World::new("reconcile-force");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let forced = |expected| {
        let (code, out, progress) = synapse(&world, &["reconcile", "nightly", "--force", "-o", "json"]);
        assert_eq!(code, Some(expected), "{out}{progress}");
        let answer: Value = serde_json::from_str(&out).expect("JSON, whatever is printed meanwhile");
        assert_eq!(world.object("nightly").expect("it exists")["status"]["lastHandledForceAt"], answer["requestedAt"]);
        progress
    };
    let progress = forced(0);
    assert_eq!(world.writes("nightly"), ["PUT", "PUT"], "{progress}");
    assert!(!progress.contains("was not sent"), "{progress}");
    has(&forced(2), &["the compute was not sent to Azure again", "within the last five minutes"]);
    world.more_observations("nightly", 2);
    assert_eq!(world.writes("nightly"), ["PUT", "PUT"]);

    // As if the first one had been sent long ago.
    let long_ago = json!({"status": {"lastForcedAt": "2026-01-01T00:00:00Z"}});
    world.kubectl(&["patch", "ssa", "nightly", "--subresource=status", "--type=merge", "--patch", &long_ago.to_string()]);
    let (code, out, _) = synapse(&world, &["reconcile", "nightly"]);
    assert_eq!((code, world.writes("nightly").len()), (Some(0), 2), "a request that is not forced: {out}");
    forced(0);
    assert_eq!(world.writes("nightly"), ["PUT", "PUT", "PUT"]);
}

#[test]
fn reconcile_of_a_deleted_object_returns_when_it_is_gone() {
    let world = World::alone("reconcile-gone", Duration::from_secs(1));
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.delete("nightly");
    let (code, out, _) = synapse(&world, &["reconcile", "nightly"]);
    assert_eq!((code, world.object("nightly")), (Some(0), None), "{out}");
}

/// An object that no operator has seen.
fn unseen(name: &str) -> World {
    let world = World::without_operator(name, Duration::ZERO);
    world.apply("unseen", "one", &[]);
    world
}

#[test]
fn status_of_an_object_that_no_operator_has_seen_names_what_to_check() {
    let world = unseen("status-unseen");
    let (code, out, _) = synapse(&world, &["status", "unseen"]);
    assert_eq!(code, Some(2));
    has(&out, &["Unseen", "the operator has not observed this object yet", "kubectl synapse check"]);
}

#[test]
fn reconcile_that_no_operator_handles_times_out_with_1() {
    let world = unseen("reconcile-unseen");
    let (code, _, complaint) = synapse(&world, &["reconcile", "unseen", "--timeout", "1s"]);
    assert_eq!(code, Some(1));
    has(&complaint, &["after 1s", "the operator has not handled the request", "kubectl synapse check"]);
}

#[test]
fn reconcile_without_waiting_succeeds_without_an_operator() {
    let world = unseen("reconcile-nowait");
    let (code, out, _) = synapse(&world, &["reconcile", "unseen", "--no-wait"]);
    assert_eq!(code, Some(0), "{out}");
}
