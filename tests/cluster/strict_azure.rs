//! Behaviour that Azure may have and the operator has to handle: one setting of the emulator in each test.

use std::time::Duration;

use serde_json::{Value, json};

use super::role_assignments::{ROLE, SYSTEM, held};
use crate::support::World;

/// An operator with an emulator of its own, which has this setting.
fn strict(name: &str, settings: &Value) -> World {
    let world = World::alone(name, Duration::from_millis(200));
    world.azure().control("PATCH", "settings", Some(settings)).expect("there are settings");
    world
}

#[test]
fn recreated_attachment_waits_until_azure_has_deleted_the_former_identity() {
    let world = strict("pending-delete", &json!({"identityDeletion": "1h"}));
    world.apply("nightly", "one", &[SYSTEM]);
    world.ready("nightly");
    world.delete("nightly");
    world.gone("nightly");
    world.apply("nightly", "one", &[SYSTEM]);
    let message = world.ready_shows("nightly", "False", "Conflict");
    assert!(message.contains("FailedIdentityOperation") && message.contains("pending delete operation"), "{message}");
    assert_eq!(world.condition("nightly", "Stalled"), None, "it only takes time");
    // The hour is over: the former identity is deleted.
    world.remove(&world.id("nightly"));
    world.request_reconcile("nightly");
    world.ready("nightly");
}

#[test]
fn pool_that_failed_is_attached_when_it_works_again() {
    let world = strict("failed-pool", &json!({"unusablePool": "fail"}));
    // The operator may not read the pool, so the attach is the first to show its state.
    world.pool_fault("one", &json!({"status": 403, "code": "AuthorizationFailed", "times": 1000}));
    world.change_pool("one", &json!({"provisioningState": "Failed"}));
    world.apply("nightly", "one", &[]);
    let message = world.stalled("nightly", "AttachFailed");
    assert!(message.contains("UserError") && message.contains("is in the state 'Failed'"), "{message}");
    world.change_pool("one", &json!({"provisioningState": "Succeeded"}));
    world.request_reconcile("nightly");
    world.ready("nightly");
    assert!(world.writes("nightly").iter().all(|method| method == "PUT"), "nothing was detached");
}

/// Attaches, changes and detaches; all of it has to end.
fn lives(world: &World) {
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.apply("nightly", "one", &["tags: {team: data}"]);
    world.until("the tag is there", || (world.compute("nightly")?["tags"]["team"] == "data").then_some(()));
    world.ready("nightly");
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.computes(), 0);
    assert_eq!(world.writes("nightly"), ["PUT", "PUT", "DELETE"], "each once");
}

#[test]
fn attachment_works_without_the_result_of_its_operation() {
    for (name, settings) in [
        ("no-header", json!({"operationHeader": false})),
        ("no-right", json!({"operationRights": true})),
        ("gone-operation", json!({"detachedOperation": "notFound"})),
        ("slow-reads", json!({"staleReads": "1s"})),
    ] {
        let world = strict(name, &settings);
        if name == "no-right" {
            let actions = ["computes/read", "computes/write", "computes/delete", "read"];
            let actions: Vec<_> = actions.iter().map(|a| format!("Microsoft.MachineLearningServices/workspaces/{a}")).collect();
            world.restrict(&json!([{"scope": world.workspace(), "actions": actions}]));
        }
        lives(&world);
    }
}

#[test]
fn api_version_that_a_cloud_does_not_serve_is_named() {
    let world = strict("old-cloud", &json!({"apiVersions": {"microsoft.machinelearningservices": ["2022-10-01"]}}));
    world.apply("nightly", "one", &[]);
    let message = world.stalled("nightly", "ProviderNotRegistered");
    assert!(message.contains("2022-10-01") && message.contains("--api-version"), "{message}");
    assert_eq!(world.writes("nightly"), Vec::<String>::new());
}

#[test]
fn write_that_azure_answered_with_500_and_carried_out_is_not_repeated() {
    let world = World::new("hidden-success");
    world.fault("PUT", "nightly", &json!({"status": 500, "processed": true}));
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.fault("DELETE", "nightly", &json!({"status": 500, "processed": true}));
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!((world.computes(), world.writes("nightly")), (0, vec!["PUT".to_owned(), "DELETE".to_owned()]));
}

#[test]
fn details_of_a_failed_operation_are_shown_and_a_canceled_one_is_named() {
    let world = World::new("details");
    let details = json!([{"code": "Conflict of a kind", "message": "the disk is full"}, {"message": "ask the owner"}]);
    let failure = json!({"code": "InternalServerError", "message": "it broke", "statusCode": 500, "details": details});
    world.fault("PUT", "nightly", &json!({"failOperation": failure, "times": 100}));
    world.apply("nightly", "one", &[]);
    let message = world.stalled("nightly", "AttachFailed");
    assert!(
        message.contains("it broke") && message.contains("the disk is full") && message.contains("ask the owner"),
        "{message}"
    );

    let canceled = json!({"status": "Canceled", "code": "OperationCanceled", "message": "stopped by an administrator"});
    world.fault("PUT", "weekly", &json!({"failOperation": canceled, "times": 1}));
    world.apply("weekly", "one", &[]);
    let message = world.stalled("weekly", "AttachFailed");
    assert!(message.contains("stopped by an administrator"), "{message}");
    world.ready("weekly");
}

#[test]
fn role_is_assigned_once_synapse_knows_the_new_principal() {
    let world = strict("new-principal", &json!({"principalPropagation": "1h"}));
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    let shown = world
        .until("Synapse refused", || world.condition("nightly", "RoleAssigned").filter(|shown| shown["reason"] == "Conflict"));
    assert!(shown["message"].as_str().is_some_and(|message| message.contains("PrincipalNotFound")), "{shown}");
    assert_eq!(world.condition("nightly", "Stalled"), None, "it only takes time");
    world.azure().control("PATCH", "settings", Some(&json!({"principalPropagation": "0s"}))).expect("there are settings");
    world.request_reconcile("nightly");
    world.ready("nightly");
    assert_eq!(held(&world).len(), 1);
}
