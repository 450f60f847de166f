//! Azure refuses a request, fails, does not answer, or throttles.

use serde_json::json;

use crate::support::World;

/// An object whose attach failed: the pool is missing, which the operator, who may not read it, learns from the attach.
fn attach_failed(name: &str) -> (World, String) {
    let world = World::new(name);
    world.pool_fault("missing", &json!({"status": 403, "code": "AuthorizationFailed", "times": 1000}));
    world.apply("nightly", "missing", &[]);
    let message = world.stalled("nightly", "AttachFailed");
    (world, message)
}

#[test]
fn failed_attach_reports_azures_error() {
    let (world, message) = attach_failed("nopool");
    assert!(message.contains("UserError") && message.contains("missing"), "Azure's code and text are not in: {message}");
    let object = world.object("nightly").expect("it is there");
    assert_eq!(object["status"]["provisioningState"], "Failed");
    assert!(object["status"]["provisioningErrors"][0]["code"].is_string(), "{object}");
    assert!(object["status"]["failure"]["since"].is_string(), "{object}");
    world.event("nightly", "AttachFailed", "UserError");
}

#[test]
fn availability_of_a_pool_that_may_not_be_read_is_unknown() {
    let (world, _) = attach_failed("pool-unread");
    let available = world.condition("nightly", "PoolAvailable").expect("it is there");
    assert_eq!((&available["status"], &available["reason"]), (&json!("Unknown"), &json!("PoolUnreadable")));
}

#[test]
fn failed_compute_becomes_ready_when_the_attach_succeeds() {
    let (world, _) = attach_failed("pool-later");
    world.add(&json!({"pools": [{"id": world.pool("missing")}]}));
    world.request_reconcile("nightly");
    world.ready("nightly");
    assert_eq!(world.object("nightly").expect("it is there")["status"]["failure"], json!(null));
    assert_eq!(world.computes(), 1);
    assert!(world.writes("nightly").iter().all(|method| method == "PUT"), "nothing was detached");
}

#[test]
fn failed_operation_is_retried() {
    let world = World::new("failed");
    world.fault("PUT", "nightly", &json!({"failOperation": {"code": "InternalServerError", "message": "the cluster is unwell"}}));
    world.apply("nightly", "one", &[]);
    let message = world.stalled("nightly", "AttachFailed");
    assert!(message.contains("InternalServerError: the cluster is unwell"), "{message}");
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "PUT"]);
}

/// Two objects of one subscription, whose reads Azure throttles once.
fn throttled(name: &str) -> World {
    let world = World::new(name);
    for name in ["nightly", "other"] {
        world.apply(name, "one", &[]);
        world.ready(name);
    }
    world.fault("GET", "nightly", &json!({"path": computes(&world), "status": 429, "retryAfter": 8, "message": "slow down"}));
    world
}

/// The path of the LIST of computes, which the path of each compute contains.
fn computes(world: &World) -> String {
    format!("{}/computes", world.workspace())
}

#[test]
fn throttled_object_stays_ready() {
    let world = throttled("throttled");
    let message = world.ready_shows("nightly", "True", "Throttled");
    assert!(message.contains("slow down"), "{message}");
    assert_eq!(world.condition("nightly", "Stalled"), None);
    world.ready_shows("nightly", "True", "Attached");
}

#[test]
fn no_object_of_a_throttled_subscription_sends_a_request_before_retry_after() {
    let world = throttled("paused");
    world.ready_shows("nightly", "True", "Throttled");
    world.ready_shows("nightly", "True", "Attached");
    let asked = world.requests();
    let closed = asked.iter().position(|one| one.status == Some(429)).expect("it was throttled");
    // Requests that were already sent arrived a moment later.
    let next = asked[closed + 1..].iter().find(|one| one.at > asked[closed].at + 2_000).expect("it asked again");
    assert!(next.at - asked[closed].at >= 8_000, "asked after {} ms: {next:?}", next.at - asked[closed].at);
    assert_eq!((world.writes("nightly").len(), world.writes("other").len()), (1, 1));
}

#[test]
fn throttled_write_is_sent_after_retry_after() {
    let world = World::new("writes");
    world.fault("PUT", "nightly", &json!({"status": 429, "retryAfter": 7}));
    world.apply("nightly", "one", &[]);
    world.ready_shows("nightly", "False", "Throttled");
    assert!(world.condition("nightly", "Reconciling").is_some_and(|is| is["status"] == "True"));
    world.apply("other", "one", &[]);
    world.ready("nightly");
    world.ready("other");
    let asked = world.requests();
    let puts: Vec<_> = asked.iter().filter(|one| one.method == "PUT").map(|one| one.at).collect();
    assert_eq!(puts.len(), 3, "{asked:?}");
    assert!(puts[1] - puts[0] >= 7_000, "a PUT came after {} ms", puts[1] - puts[0]);
}

#[test]
fn object_stays_ready_while_azure_does_not_answer() {
    let faults = [
        ("failing", json!({"status": 500, "code": "InternalServerError", "message": "no luck", "times": 2})),
        ("pausing", json!({"status": 503, "retryAfter": 7, "message": "no luck"})),
        ("reset", json!({"reset": true, "times": 2})),
    ];
    for (name, fault) in faults {
        let world = World::new(name);
        world.apply("nightly", "one", &[]);
        world.ready("nightly");
        world.fault("GET", "nightly", &fault);
        let message = world.ready_shows("nightly", "True", "AzureUnavailable");
        assert!(name == "reset" || message.contains("no luck"), "{message}");
        world.ready_shows("nightly", "True", "Attached");
        assert_eq!(world.writes("nightly"), ["PUT"], "nothing is undone");
    }
}

#[test]
fn failed_list_is_reported_by_all_attachments_of_the_workspace() {
    let world = World::new("listing");
    for name in ["nightly", "other"] {
        world.apply(name, "one", &[]);
        world.ready(name);
    }
    // A LIST, and the GET that checks whether Azure answers that; twice, if the two are not due at the same time yet.
    let fault = json!({"path": computes(&world), "status": 500, "code": "InternalServerError", "message": "no luck", "times": 4});
    world.fault("GET", "nightly", &fault);
    for name in ["nightly", "other"] {
        let message = world.ready_shows(name, "True", "AzureUnavailable");
        assert!(message.contains("InternalServerError: no luck"), "{message}");
    }
    for name in ["nightly", "other"] {
        world.ready_shows(name, "True", "Attached");
        assert_eq!(world.writes(name), ["PUT"], "nothing is undone");
    }
}

#[test]
fn retry_after_of_a_503_is_respected() {
    let world = World::new("pausing");
    world.apply("pausing", "one", &[]);
    world.ready("pausing");
    world.fault("GET", "pausing", &json!({"status": 503, "retryAfter": 7}));
    world.ready_shows("pausing", "True", "AzureUnavailable");
    world.ready_shows("pausing", "True", "Attached");
    let asked = world.requests();
    let mut looks = asked.iter().filter(|one| one.path.ends_with("/pausing") && one.method == "GET");
    let closed = looks.find(|one| one.status == Some(503)).expect("it was told to wait").at;
    let next = looks.next().expect("it asked again").at;
    assert!(next - closed >= 7_000, "asked after {} ms", next - closed);
}

#[test]
fn unanswered_put_is_sent_at_most_once_more() {
    let world = World::new("lostput");
    world.fault("PUT", "lost", &json!({"lostAnswer": true}));
    world.fault("PUT", "failed", &json!({"status": 500}));
    world.apply("lost", "one", &[]);
    world.apply("failed", "one", &[]);
    world.ready_shows("failed", "False", "AzureUnavailable");
    world.ready("lost");
    world.ready("failed");
    assert_eq!(world.writes("failed"), ["PUT", "PUT"]);
    assert!(world.writes("lost").len() <= 2, "{:?}", world.writes("lost"));
    assert_eq!(world.computes(), 2);
}

#[test]
fn object_is_removed_after_a_detach_whose_answer_was_lost() {
    let world = World::new("lostdelete");
    for name in ["lost", "other"] {
        world.apply(name, "one", &[]);
        world.ready(name);
    }
    world.fault("DELETE", "lost", &json!({"lostAnswer": true}));
    world.delete("lost");
    world.gone("lost");
    assert_eq!(world.computes(), 1);
}

/// An object whose PUT Azure refused because of a missing permission, and its message.
fn unauthorized(name: &str) -> (World, String) {
    let world = World::new(name);
    let action = "Microsoft.MachineLearningServices/workspaces/computes/write";
    let said = format!(
        "The client '2222' does not have authorization to perform action '{action}' over scope '{}'",
        world.id("nightly")
    );
    world.fault("PUT", "nightly", &json!({"status": 403, "code": "AuthorizationFailed", "message": said}));
    world.apply("nightly", "one", &[]);
    let message = world.stalled("nightly", "AuthorizationFailed");
    (world, message)
}

#[test]
fn missing_permission_is_named_with_its_action_and_scope() {
    let (world, message) = unauthorized("rights");
    let action = "Microsoft.MachineLearningServices/workspaces/computes/write";
    assert!(
        message.contains("AuthorizationFailed") && message.contains(action) && message.contains(&world.id("nightly")),
        "{message}"
    );
    world.event("nightly", "AuthorizationFailed", "x-ms-correlation-request-id");
}

#[test]
fn refused_put_is_retried_slowly_unless_a_reconcile_is_requested() {
    let (world, _) = unauthorized("rights-later");
    assert_eq!(world.writes("nightly"), ["PUT"]);
    world.request_reconcile("nightly");
    world.ready("nightly");
}

/// Applies an object of another workspace than the test's.
fn apply_elsewhere(world: &World, name: &str, field: &str, own: &str, other: &str) {
    let manifest = world.manifest(name, "one", &[]).replace(&format!("{field}: {own}"), &format!("{field}: {other}"));
    world.plane().kubectl(&["apply", "-f", "-"], &manifest).expect("admission can't see it");
}

#[test]
fn missing_workspace_is_named() {
    let world = World::new("nowhere");
    apply_elsewhere(&world, "elsewhere", "name", "ml-ws", "no-such-ws");
    let message = world.stalled("elsewhere", "WorkspaceNotFound");
    assert!(message.contains("no-such-ws"), "{message}");
}

#[test]
fn workspace_that_is_created_later_is_found() {
    let world = World::new("later");
    apply_elsewhere(&world, "elsewhere", "name", "ml-ws", "no-such-ws");
    world.stalled("elsewhere", "WorkspaceNotFound");
    world.add(&json!({"workspaces": [{"id": world.workspace().replace("ml-ws", "no-such-ws")}]}));
    world.request_reconcile("elsewhere");
    world.ready("elsewhere");
}

#[test]
fn workspace_of_an_unknown_subscription_is_not_found() {
    let world = World::new("unknown");
    apply_elsewhere(&world, "unknown", "subscriptionId", &world.subscription, "00000000-0000-4000-8000-ffffffffffff");
    world.stalled("unknown", "SubscriptionUnavailable");
}

#[test]
fn subscription_of_another_tenant_is_an_authentication_failure() {
    let world = World::new("tenant");
    let foreign = "00000000-0000-4000-9000-0000000000aa";
    world.add(&json!({"subscriptions": [{"id": foreign, "tenantId": "99999999-0000-4000-8000-000000000001"}]}));
    apply_elsewhere(&world, "foreign", "subscriptionId", &world.subscription, foreign);
    let message = world.stalled("foreign", "AuthenticationFailed");
    assert!(message.contains("InvalidAuthenticationTokenTenant") && message.contains("wrong issuer"), "{message}");
}

#[test]
fn invalid_spec_that_admission_cannot_detect_stalls_and_names_the_field() {
    let world = World::new("invalid");
    // The API server compares ASCII letters alone in any case.
    world.apply("twice", "one", &["tags: {équipe: data, Équipe: sales}"]);
    let message = world.stalled("twice", "InvalidSpec");
    assert!(message.starts_with("Invalid object: spec.tags: "), "{message}");
    assert_eq!(world.computes(), 0);
    world.patch("twice", &json!({"spec": {"tags": {"Équipe": null}}}));
    world.ready("twice");
}
