//! The pool behind an attachment.

use serde_json::json;

use crate::support::World;

/// Waits until the condition `PoolAvailable` says this.
fn available(world: &World, name: &str, status: &str, reason: &str) -> String {
    world.until(&format!("PoolAvailable={status} {reason}"), || {
        let is = world.condition(name, "PoolAvailable").filter(|is| is["status"] == status && is["reason"] == reason)?;
        Some(is["message"].as_str().unwrap_or_default().to_owned())
    })
}

#[test]
fn a_pool_that_is_not_there_is_refused_before_anything_is_written() {
    let world = World::new("pool-no");
    world.apply("nightly", "missing", &[]);
    let message = world.stalled("nightly", "PoolNotFound");
    assert!(message.contains(&world.pool("missing")), "{message}");
    assert_eq!((world.writes("nightly").len(), world.computes()), (0, 0));
    world.add(&json!({"pools": [{"id": world.pool("missing"), "sparkVersion": "4.0", "provisioningState": "Failed"}]}));
    world.ask("nightly");
    world.stalled("nightly", "PoolFailed");
    assert!(world.writes("nightly").is_empty());
    world.meddle_pool("missing", &json!({"provisioningState": "Succeeded"}));
    world.ask("nightly");
    world.ready("nightly");
    available(&world, "nightly", "True", "PoolAvailable");
    assert_eq!(world.writes("nightly"), ["PUT"]);
}

#[test]
fn what_becomes_of_the_pool_is_told_and_the_attachment_stays() {
    let world = World::new("pool-life");
    world.meddle_pool("one", &json!({"sparkVersion": "4.0"}));
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.meddle_pool("one", &json!({"nodeSize": "Large", "sparkVersion": "3.3"}));
    world.ask("nightly");
    let message = available(&world, "nightly", "True", "SparkVersionUnsupported");
    assert!(message.contains("Spark 3.3, whose support ended on 2025-03-31"), "{message}");
    world.event("nightly", "PoolChanged", "sparkVersion: 4.0 → 3.3; nodeSize: Small → Large");
    world.event("nightly", "SparkVersionUnsupported", "2025-03-31");
    let pool = &world.object("nightly").expect("it is there")["status"]["pool"];
    assert_eq!((&pool["nodeSize"], &pool["sparkVersion"]), (&json!("Large"), &json!("3.3")), "{pool}");
    world.ready("nightly");

    world.meddle_pool("one", &json!({"provisioningState": "Failed"}));
    world.ask("nightly");
    world.stalled("nightly", "PoolFailed");
    available(&world, "nightly", "False", "PoolFailed");
    world.remove(&world.pool("one"));
    world.ask("nightly");
    world.stalled("nightly", "PoolNotFound");
    available(&world, "nightly", "False", "PoolNotFound");
    assert_eq!(world.writes("nightly"), ["PUT"], "nothing of the attachment is changed");
    world.delete("nightly");
    world.gone("nightly");
}

#[test]
fn one_look_at_a_pool_serves_all_its_attachments() {
    let world = World::new("pool-share");
    for name in ["first", "second", "third"] {
        world.apply(name, "one", &[]);
    }
    for name in ["first", "second", "third"] {
        world.ready(name);
    }
    let looks = || world.asked().iter().filter(|one| one.path == world.pool("one")).count();
    let before = looks();
    world.more_looks("first", 3);
    world.more_looks("third", 3);
    assert_eq!(looks(), before, "settled, it is looked at every ten minutes");
}

#[test]
fn who_may_not_read_the_pool_is_told_once_and_goes_on() {
    let world = World::new("pool-blind");
    world
        .pool_fault("one", &json!({"status": 403, "code": "AuthorizationFailed", "message": "bigDataPools/read", "times": 1000}));
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let message = available(&world, "nightly", "Unknown", "PoolUnreadable");
    assert!(message.contains("bigDataPools/read"), "{message}");
    assert_eq!(world.object("nightly").expect("it is there")["status"]["pool"]["sparkVersion"], "3.4", "Machine Learning's word");
    world.event("nightly", "PoolUnreadable", "bigDataPools/read");
}
