//! Azure refuses, fails, is silent, or asks for a pause.

use serde_json::json;

use crate::support::World;

#[test]
fn an_attach_that_leaves_a_failed_compute_stalls_until_it_succeeds() {
    let world = World::new("nopool");
    // Who may not see the pool hears of it from the attach.
    world.pool_fault("missing", &json!({"status": 403, "code": "AuthorizationFailed", "times": 1000}));
    world.apply("nightly", "missing", &[]);
    let message = world.stalled("nightly", "AttachFailed");
    assert!(message.contains("UserError") && message.contains("missing"), "Azure's code and words are not in: {message}");
    let object = world.object("nightly").expect("it is there");
    assert_eq!(object["status"]["provisioningState"], "Failed");
    assert!(object["status"]["provisioningErrors"][0]["code"].is_string(), "{object}");
    assert!(object["status"]["failure"]["since"].is_string(), "{object}");
    world.event("nightly", "AttachFailed", "UserError");
    let available = world.condition("nightly", "PoolAvailable").expect("it says that it cannot see");
    assert_eq!((&available["status"], &available["reason"]), (&json!("Unknown"), &json!("PoolUnreadable")));

    world.add(&json!({"pools": [{"id": world.pool("missing")}]}));
    world.ask("nightly");
    world.ready("nightly");
    assert_eq!(world.object("nightly").expect("it is there")["status"]["failure"], json!(null));
    assert_eq!(world.computes(), 1);
    assert!(world.writes("nightly").iter().all(|method| method == "PUT"), "nothing was detached");
}

#[test]
fn a_failed_operation_is_tried_again_by_itself() {
    let world = World::new("failed");
    world.fault("PUT", "nightly", &json!({"failOperation": {"code": "InternalServerError", "message": "the cluster is unwell"}}));
    world.apply("nightly", "one", &[]);
    let message = world.stalled("nightly", "AttachFailed");
    assert!(message.contains("InternalServerError: the cluster is unwell"), "{message}");
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "PUT"]);
}

#[test]
fn throttled_it_stays_ready_and_heeds_the_pause() {
    let world = World::new("throttled");
    world.apply("nightly", "one", &[]);
    world.apply("other", "one", &[]);
    world.ready("nightly");
    world.ready("other");
    world.fault("GET", "nightly", &json!({"status": 429, "retryAfter": 8, "message": "slow down"}));
    let message = world.says("nightly", "True", "Throttled");
    assert!(message.contains("slow down"), "{message}");
    assert_eq!(world.condition("nightly", "Stalled"), None);
    world.says("nightly", "True", "Attached");

    // Azure closes a subscription, not an object: nobody else asks in it either.
    let asked = world.asked();
    let closed = asked.iter().position(|one| one.status == Some(429)).expect("it was throttled");
    // What was on its way came a moment later.
    let next = asked[closed + 1..].iter().find(|one| one.at > asked[closed].at + 2_000).expect("it asked again");
    assert!(next.at - asked[closed].at >= 8_000, "asked after {} ms: {next:?}", next.at - asked[closed].at);
    assert_eq!((world.writes("nightly").len(), world.writes("other").len()), (1, 1));
}

#[test]
fn a_throttled_write_waits_too() {
    let world = World::new("writes");
    world.fault("PUT", "nightly", &json!({"status": 429, "retryAfter": 7}));
    world.apply("nightly", "one", &[]);
    world.says("nightly", "False", "Throttled");
    assert!(world.condition("nightly", "Reconciling").is_some_and(|is| is["status"] == "True"));
    world.apply("other", "one", &[]);
    world.ready("nightly");
    world.ready("other");
    let asked = world.asked();
    let puts: Vec<_> = asked.iter().filter(|one| one.method == "PUT").map(|one| one.at).collect();
    assert_eq!(puts.len(), 3, "{asked:?}");
    assert!(puts[1] - puts[0] >= 7_000, "a PUT came after {} ms", puts[1] - puts[0]);
}

#[test]
fn without_an_answer_it_stays_ready() {
    let world = World::new("silent");
    for name in ["failing", "pausing", "reset"] {
        world.apply(name, "one", &[]);
        world.ready(name);
    }
    world.fault("GET", "failing", &json!({"status": 500, "code": "InternalServerError", "message": "no luck", "times": 2}));
    world.fault("GET", "pausing", &json!({"status": 503, "retryAfter": 7}));
    world.fault("GET", "reset", &json!({"reset": true, "times": 2}));
    let message = world.says("failing", "True", "AzureUnavailable");
    assert!(message.contains("InternalServerError: no luck"), "{message}");
    world.says("pausing", "True", "AzureUnavailable");
    world.says("reset", "True", "AzureUnavailable");
    for name in ["failing", "pausing", "reset"] {
        world.says(name, "True", "Attached");
        assert_eq!(world.writes(name), ["PUT"], "nothing is undone");
    }
    let asked = world.asked();
    let mut looks = asked.iter().filter(|one| one.path.ends_with("/pausing") && one.method == "GET");
    let closed = looks.find(|one| one.status == Some(503)).expect("it was told to wait").at;
    let next = looks.next().expect("it asked again").at;
    assert!(next - closed >= 7_000, "asked after {} ms", next - closed);
}

#[test]
fn without_an_answer_to_the_put_it_is_put_once_more_at_most() {
    let world = World::new("lostput");
    world.fault("PUT", "lost", &json!({"lostAnswer": true}));
    world.fault("PUT", "failed", &json!({"status": 500}));
    world.apply("lost", "one", &[]);
    world.apply("failed", "one", &[]);
    world.says("failed", "False", "AzureUnavailable");
    world.ready("lost");
    world.ready("failed");
    assert_eq!(world.writes("failed"), ["PUT", "PUT"]);
    assert!(world.writes("lost").len() <= 2, "{:?}", world.writes("lost"));
    assert_eq!(world.computes(), 2);
    world.fault("DELETE", "lost", &json!({"lostAnswer": true}));
    world.delete("lost");
    world.gone("lost");
    assert_eq!(world.computes(), 1);
}

#[test]
fn a_missing_right_is_named() {
    let world = World::new("rights");
    let action = "Microsoft.MachineLearningServices/workspaces/computes/write";
    let said = format!(
        "The client '2222' does not have authorization to perform action '{action}' over scope '{}'",
        world.id("nightly")
    );
    world.fault("PUT", "nightly", &json!({"status": 403, "code": "AuthorizationFailed", "message": said}));
    world.apply("nightly", "one", &[]);
    let message = world.stalled("nightly", "AuthorizationFailed");
    assert!(
        message.contains("AuthorizationFailed") && message.contains(action) && message.contains(&world.id("nightly")),
        "{message}"
    );
    world.event("nightly", "AuthorizationFailed", "x-ms-correlation-request-id");
    // Tried again slowly, unless it is asked for.
    assert_eq!(world.writes("nightly"), ["PUT"]);
    world.ask("nightly");
    world.ready("nightly");
}

#[test]
fn a_missing_workspace_and_another_tenant_are_named() {
    let world = World::new("nowhere");
    world.apply("nowhere", "one", &["computeName: nowhere"]);
    world.ready("nowhere");
    let elsewhere = world.manifest("elsewhere", "one", &[]).replace("name: ml-ws", "name: no-such-ws");
    world.plane().kubectl(&["apply", "-f", "-"], &elsewhere).expect("admission can't see it");
    let message = world.stalled("elsewhere", "WorkspaceNotFound");
    assert!(message.contains("no-such-ws"), "{message}");

    let unknown = world
        .manifest("unknown", "one", &[])
        .replace(&format!("subscriptionId: {}", world.subscription), "subscriptionId: 00000000-0000-4000-8000-ffffffffffff");
    world.plane().kubectl(&["apply", "-f", "-"], &unknown).expect("admission can't see it");
    world.stalled("unknown", "WorkspaceNotFound");

    let foreign = "00000000-0000-4000-9000-0000000000aa";
    world.add(&json!({"subscriptions": [{"id": foreign, "tenantId": "99999999-0000-4000-8000-000000000001"}]}));
    let manifest = world
        .manifest("foreign", "one", &[])
        .replace(&format!("subscriptionId: {}", world.subscription), &format!("subscriptionId: {foreign}"));
    world.plane().kubectl(&["apply", "-f", "-"], &manifest).expect("admission can't see it");
    let message = world.stalled("foreign", "AuthenticationFailed");
    assert!(message.contains("InvalidAuthenticationTokenTenant") && message.contains("wrong issuer"), "{message}");

    // A workspace that comes later is found.
    world.add(&json!({"workspaces": [{"id": world.workspace().replace("ml-ws", "no-such-ws")}]}));
    world.ask("elsewhere");
    world.ready("elsewhere");
}

#[test]
fn what_only_the_operator_can_see_is_wrong_stalls_by_the_field() {
    let world = World::new("invalid");
    world.apply("twice", "one", &["tags: {team: data, Team: sales}"]);
    let message = world.stalled("twice", "InvalidSpec");
    assert!(message.starts_with("Invalid spec: spec.tags: "), "{message}");
    assert_eq!(world.computes(), 0);
    world.patch("twice", &json!({"spec": {"tags": {"Team": null}}}));
    world.ready("twice");
}
