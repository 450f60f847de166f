//! The object is deleted: what happens in Azure, and when the object goes.

use serde_json::json;

use crate::support::{OWNER_TAG, World};

#[test]
fn deleted_it_is_detached_and_then_goes() {
    let world = World::new("delete");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let finalizers = world.object("nightly").expect("it is there")["metadata"]["finalizers"].clone();
    assert_eq!(finalizers, json!(["synapse-spark.dev/detach"]));
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "DELETE"]);
    assert_eq!(world.compute("nightly"), None);
    // Gone was seen, not guessed.
    let asked = world.asked();
    let detach = asked.iter().position(|one| one.method == "DELETE").expect("it was detached");
    assert!(asked[detach..].iter().any(|one| one.status == Some(404)), "{asked:?}");
    world.event("nightly", "Detaching", "Detaching compute nightly");
}

#[test]
fn the_finalizer_goes_where_nothing_is_left_to_detach() {
    let world = World::new("left");
    for name in ["compute", "wsgone"] {
        world.apply(name, "one", &[]);
        world.ready(name);
    }
    world.patch("compute", &json!({"spec": {"suspend": true}}));
    world.says("compute", "True", "Suspended");
    world.remove(&world.id("compute"));
    world.delete("compute");
    world.gone("compute");
    assert_eq!(world.writes("compute"), ["PUT"]);

    world.remove(&world.workspace());
    world.delete("wsgone");
    world.gone("wsgone");
    assert_eq!(world.writes("wsgone"), ["PUT"]);
}

#[test]
fn the_finalizer_goes_where_the_resource_group_is_gone() {
    let world = World::new("group");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.remove(&format!("/subscriptions/{}/resourceGroups/rg", world.subscription));
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"]);
}

#[test]
fn retained_and_abandoned_it_stays_in_azure() {
    let world = World::new("retain");
    world.apply("retained", "one", &["deletionPolicy: Retain"]);
    world.apply("abandoned", "one", &[]);
    world.ready("retained");
    world.ready("abandoned");
    world.kubectl(&["annotate", "ssa", "abandoned", "synapse-spark.dev/on-delete=abandon"]);
    for name in ["retained", "abandoned"] {
        world.delete(name);
        world.gone(name);
        assert_eq!(world.writes(name), ["PUT"]);
        assert!(world.compute(name).is_some());
    }
    // What it left is nobody's: the same name takes it up again.
    world.apply("retained", "one", &[]);
    world.ready("retained");
    assert_eq!(world.writes("retained"), ["PUT", "PUT"]);
}

#[test]
fn what_has_become_anothers_is_not_detached() {
    let world = World::new("lost");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let owner = "11111111-0000-4000-8000-000000000001/prod/nightly/22222222-0000-4000-8000-000000000002";
    world.meddle("nightly", &json!({"tags": {OWNER_TAG: owner}}));
    world.stalled("nightly", "OwnedByAnother");
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"]);
    assert_eq!(world.compute("nightly").expect("it stays")["tags"][OWNER_TAG], owner);
}

#[test]
fn a_refused_detach_waits_until_it_is_allowed_or_abandoned() {
    let world = World::new("refused");
    for name in ["allowed", "abandoned"] {
        world.apply(name, "one", &[]);
        world.ready(name);
        world.fault(
            "DELETE",
            name,
            &json!({"status": 403, "code": "AuthorizationFailed", "message": "may not detach", "times": 1}),
        );
        world.delete(name);
    }
    for name in ["allowed", "abandoned"] {
        let message = world.stalled(name, "AuthorizationFailed");
        assert!(message.contains("AuthorizationFailed: may not detach"), "{message}");
        assert!(world.compute(name).is_some());
    }
    world.ask("allowed");
    world.gone("allowed");
    assert_eq!(world.compute("allowed"), None);
    world.kubectl(&["annotate", "ssa", "abandoned", "synapse-spark.dev/on-delete=abandon"]);
    world.gone("abandoned");
    assert!(world.compute("abandoned").is_some());
}

#[test]
fn a_deleted_namespace_detaches_all_and_goes() {
    let world = World::new("namespace");
    for name in ["one", "two", "three"] {
        world.apply(name, "one", &[]);
    }
    for name in ["one", "two", "three"] {
        world.ready(name);
    }
    world.plane().must(&["delete", "namespace", &world.namespace, "--timeout=60s"]);
    for name in ["one", "two", "three"] {
        assert_eq!(world.writes(name), ["PUT", "DELETE"]);
    }
    assert_eq!(world.computes(), 0);
}
