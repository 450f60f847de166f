//! The pool of an attachment.

use serde_json::json;

use crate::support::World;

/// Waits until the condition `PoolAvailable` has this status and reason; returns its message.
fn available(world: &World, name: &str, status: &str, reason: &str) -> String {
    world.until(&format!("PoolAvailable={status} {reason}"), || {
        let is = world.condition(name, "PoolAvailable").filter(|is| is["status"] == status && is["reason"] == reason)?;
        Some(is["message"].as_str().unwrap_or_default().to_owned())
    })
}

#[test]
fn missing_pool_stalls_before_anything_is_written() {
    let world = World::new("pool-no");
    world.apply("nightly", "missing", &[]);
    let message = world.stalled("nightly", "PoolNotFound");
    assert!(message.contains(&world.pool("missing")), "{message}");
    assert_eq!((world.writes("nightly").len(), world.computes()), (0, 0));
}

#[test]
fn failed_pool_stalls_before_anything_is_written_and_is_attached_once_it_succeeds() {
    let world = World::new("pool-failed");
    world.add(&json!({"pools": [{"id": world.pool("missing"), "sparkVersion": "4.0", "provisioningState": "Failed"}]}));
    world.apply("nightly", "missing", &[]);
    world.stalled("nightly", "PoolFailed");
    assert!(world.writes("nightly").is_empty());
    world.change_pool("missing", &json!({"provisioningState": "Succeeded"}));
    world.request_reconcile("nightly");
    world.ready("nightly");
    available(&world, "nightly", "True", "PoolAvailable");
    assert_eq!(world.writes("nightly"), ["PUT"]);
}

#[test]
fn pool_that_is_created_later_is_attached() {
    let world = World::new("pool-later");
    world.apply("nightly", "missing", &[]);
    world.stalled("nightly", "PoolNotFound");
    world.add(&json!({"pools": [{"id": world.pool("missing")}]}));
    world.request_reconcile("nightly");
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"]);
}

#[test]
fn change_of_the_pool_is_published_and_an_unsupported_version_is_a_warning() {
    let world = World::new("pool-life");
    world.change_pool("one", &json!({"sparkVersion": "4.0"}));
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.change_pool("one", &json!({"nodeSize": "Large", "sparkVersion": "3.3"}));
    world.request_reconcile("nightly");
    let message = available(&world, "nightly", "True", "SparkVersionUnsupported");
    assert!(message.contains("Spark 3.3, whose support ended on 2025-03-31"), "{message}");
    world.event("nightly", "PoolChanged", "sparkVersion: 4.0 → 3.3; nodeSize: Small → Large");
    world.event("nightly", "SparkVersionUnsupported", "2025-03-31");
    let pool = &world.object("nightly").expect("it is there")["status"]["pool"];
    assert_eq!((&pool["nodeSize"], &pool["sparkVersion"]), (&json!("Large"), &json!("3.3")), "{pool}");
    world.ready("nightly");
    // The compute still shows the pool as it was when it was attached: that is no change.
    world.delete("nightly");
    world.gone("nightly");
    let published = world.kubectl(&[
        "get",
        "events",
        "--field-selector=reason=PoolChanged",
        "-o",
        "jsonpath={range .items[*]}{.message}{\"\\n\"}{end}",
    ]);
    assert_eq!(published.lines().count(), 1, "{published}");
}

#[test]
fn attachment_stays_when_its_pool_fails_or_is_deleted() {
    let world = World::new("pool-lost");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.change_pool("one", &json!({"provisioningState": "Failed"}));
    world.request_reconcile("nightly");
    world.stalled("nightly", "PoolFailed");
    available(&world, "nightly", "False", "PoolFailed");
    world.remove(&world.pool("one"));
    world.request_reconcile("nightly");
    world.stalled("nightly", "PoolNotFound");
    available(&world, "nightly", "False", "PoolNotFound");
    assert_eq!(world.writes("nightly"), ["PUT"], "the attachment is not changed");
    world.delete("nightly");
    world.gone("nightly");
}

#[test]
fn attachments_of_one_pool_share_its_observation() {
    let world = World::new("pool-share");
    for name in ["first", "second", "third"] {
        world.apply(name, "one", &[]);
    }
    for name in ["first", "second", "third"] {
        world.ready(name);
    }
    let reads = || world.requests().iter().filter(|one| one.path == world.pool("one")).count();
    let before = reads();
    world.more_observations("first", 3);
    world.more_observations("third", 3);
    assert_eq!(reads(), before, "a pool at rest is read every ten minutes");
}

#[test]
fn attachment_is_ready_although_its_pool_may_not_be_read() {
    let world = World::new("pool-blind");
    world
        .pool_fault("one", &json!({"status": 403, "code": "AuthorizationFailed", "message": "bigDataPools/read", "times": 1000}));
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let message = available(&world, "nightly", "Unknown", "PoolUnreadable");
    for says in ["bigDataPools/read. This does not prevent the attachment", "Grant the operator's identity"] {
        assert!(message.contains(says), "{says:?} is not in: {message}");
    }
    assert_eq!(
        world.object("nightly").expect("it is there")["status"]["pool"]["sparkVersion"],
        "3.4",
        "as Machine Learning has it"
    );
    world.event("nightly", "PoolUnreadable", "bigDataPools/read");
    let kind = world.kubectl(&["get", "events", "--field-selector=reason=PoolUnreadable", "-o", "jsonpath={.items[0].type}"]);
    assert_eq!(kind, "Normal", "nothing is wrong");
}
