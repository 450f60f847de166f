//! Azure refuses a request: the object shows the obstacle, and continues once it is removed.

use serde_json::{Value, json};
use synapse_spark_operator::api::Reason;
use synapse_spark_operator::azure::Error;
use synapse_spark_operator::azure::codes::{Meaning, Row, TABLE};
use synapse_spark_operator::controller::observe::fault;

use crate::support::World;

/// Answers that users reported in public, each with its source.
fn reports() -> Vec<Value> {
    serde_json::from_str(include_str!("refusals.json")).expect("JSON")
}

/// A message with the text of the row.
fn text(row: &Row) -> String {
    format!("The text of Azure: {}.", row.message_contains)
}

/// The answer of a row, and the reason that the object is to have.
fn case(row: &Row) -> (Value, Reason) {
    let usual = match row.meaning {
        Meaning::Conflict | Meaning::Refused(_) => 409,
        Meaning::Forbidden => 403,
        Meaning::Unauthenticated => 401,
        Meaning::WorkspaceNotFound | Meaning::SubscriptionNotFound => 404,
        Meaning::Rejected => 400,
    };
    let status = row.statuses.first().copied().unwrap_or(usual);
    let body = json!({"error": {"code": row.code, "message": text(row)}});
    let reason = fault(Error::of_answer(status, None, None, body.to_string().as_bytes())).kind.reason();
    (json!({"status": status, "body": body, "times": 1000}), reason)
}

#[test]
fn each_known_error_code_is_shown_on_the_object_with_its_own_advice() {
    let world = World::new("codes");
    let cases: Vec<_> = TABLE.iter().enumerate().map(|(at, row)| (format!("row{at:02}"), row, case(row))).collect();
    for (name, _, (answer, _)) in &cases {
        world.fault("PUT", name, answer);
        world.apply(name, "one", &[]);
    }
    for (name, row, (_, reason)) in &cases {
        let message = world.ready_shows(name, "False", reason.as_str());
        assert!(message.contains(row.code) && message.contains(&text(row)), "{}: Azure's text is not in: {message}", row.code);
        assert!(message.contains(reason.advice()), "{}: the advice is not in: {message}", row.code);
        let is_patient = row.meaning == Meaning::Conflict;
        assert_eq!(world.condition(name, "Stalled").is_some(), !is_patient, "{}: {message}", row.code);
    }
    assert_eq!(world.computes(), 0);
}

#[test]
fn errors_from_public_reports_are_recognized() {
    let world = World::new("reports");
    for (at, report) in reports().iter().enumerate() {
        let name = format!("report{at}");
        let mut answer = report["answer"].clone();
        answer["times"] = json!(1000);
        world.fault("PUT", &name, &answer);
        world.apply(&name, "one", &[]);
    }
    for (at, report) in reports().iter().enumerate() {
        let reason = report["reason"].as_str().expect("a reason");
        let message = world.ready_shows(&format!("report{at}"), "False", reason);
        let contains = report["contains"].as_str().expect("a text");
        assert!(message.contains(contains), "{contains} is not in: {message}");
    }
}

#[test]
fn deleted_object_under_a_lock_stalls_with_advice_and_is_removed_once_the_lock_is_gone() {
    let world = World::new("locked");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let message =
        "The scope cannot perform delete operation because following scope(s) are locked: '/subscriptions/s/resourceGroups/g'.";
    world.fault("DELETE", "nightly", &json!({"status": 409, "code": "ScopeLocked", "message": message}));
    world.delete("nightly");
    let shown = world.stalled("nightly", "ResourceLocked");
    for part in ["resourceGroups/g", "az lock delete", "synapse-spark.dev/on-delete=abandon"] {
        assert!(shown.contains(part), "{part} is not in: {shown}");
    }
    assert_eq!(world.computes(), 1);
    world.request_reconcile("nightly");
    world.gone("nightly");
    assert_eq!(world.computes(), 0);
}

#[test]
fn firewall_of_synapse_is_named_instead_of_a_missing_permission() {
    let world = World::new("firewall");
    // The shape of Synapse: an error without `error`.
    let refused =
        json!({"status": 403, "body": {"code": "ClientIpAddressNotAuthorized", "message": "Client Ip address : 203.0.113.7"}});
    world.role_fault("GET", &refused);
    world.apply("nightly", "one", &["identity: {type: SystemAssigned}", "synapseRole: {name: Synapse Compute Operator}"]);
    let shown = world.ready_shows("nightly", "False", "NetworkDenied");
    assert!(shown.contains("203.0.113.7") && !shown.contains("az synapse role assignment create"), "{shown}");
    world.request_reconcile("nightly");
    world.ready("nightly");
}

#[test]
fn page_of_a_proxy_is_not_mistaken_for_an_answer_of_azure() {
    let world = World::new("pages");
    let page = "<html><head><title>Access denied</title></head><body>Ask your administrator.</body></html>";
    for (name, status) in [("denied", 403), ("missing", 404), ("accepted", 200)] {
        world.fault("PUT", name, &json!({"status": status, "body": page, "times": 1}));
        world.apply(name, "one", &[]);
        let shown = world.ready_shows(name, "False", "NetworkDenied");
        assert!(shown.contains("Access denied") && !shown.contains("Grant"), "{shown}");
        world.ready(name);
    }
    // What is attached stays Ready while the proxy answers in place of Azure.
    world.fault(
        "GET",
        "denied",
        &json!({"path": format!("{}/computes", world.workspace()), "status": 404, "body": page, "times": 6}),
    );
    world.ready_shows("denied", "True", "NetworkDenied");
    world.ready_shows("denied", "True", "Attached");
    assert_eq!(world.writes("denied"), ["PUT", "PUT"]);
}

#[test]
fn service_unavailable_with_retry_after_is_not_throttling() {
    let world = World::new("unavailable");
    world.fault(
        "PUT",
        "nightly",
        &json!({"status": 503, "retryAfter": 7, "code": "ServiceUnavailable", "message": "Try again later."}),
    );
    world.apply("nightly", "one", &[]);
    let shown = world.ready_shows("nightly", "False", "AzureUnavailable");
    assert!(shown.contains("ServiceUnavailable"), "{shown}");
    world.ready("nightly");
}

#[test]
fn user_assigned_identity_that_does_not_exist_is_named_at_once() {
    let world = World::new("no-identity");
    let identity = world.identity("misspelled");
    world.apply(
        "nightly",
        "one",
        &[&format!("identity: {{type: UserAssigned, userAssignedIdentities: [{{resourceId: {identity}}}]}}")],
    );
    let message = world.stalled("nightly", "IdentityNotFound");
    assert!(message.contains(&identity) && message.contains("az identity create"), "{message}");
    assert_eq!(world.writes("nightly"), ["PUT"]);
    world.add(&json!({"identities": [{"id": identity}]}));
    world.request_reconcile("nightly");
    world.ready("nightly");
}
