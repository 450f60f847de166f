//! Deletion of an object: what happens in Azure, and when the object is removed.

use std::time::Duration;

use serde_json::json;

use crate::support::{OWNER_TAG, World};

#[test]
fn deleted_object_is_detached_before_its_finalizer_is_removed() {
    let world = World::new("delete");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let finalizers = world.object("nightly").expect("it is there")["metadata"]["finalizers"].clone();
    assert_eq!(finalizers, json!(["synapse-spark.dev/detach"]));
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "DELETE"]);
    assert_eq!(world.compute("nightly"), None);
    // The operator saw that the compute was gone.
    let asked = world.requests();
    let detach = asked.iter().position(|one| one.method == "DELETE").expect("it was detached");
    assert!(asked[detach..].iter().any(|one| one.status == Some(404)), "{asked:?}");
    world.event("nightly", "Detaching", "Detaching compute nightly");
}

#[test]
fn suspended_object_is_removed_if_its_compute_is_gone() {
    let world = World::new("left");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.patch("nightly", &json!({"spec": {"suspend": true}}));
    world.ready_shows("nightly", "True", "Suspended");
    world.remove(&world.id("nightly"));
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"]);
}

#[test]
fn deleted_object_is_removed_if_its_workspace_is_gone() {
    let world = World::new("workspace");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.remove(&world.workspace());
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"]);
}

#[test]
fn deleted_object_is_removed_if_its_resource_group_is_gone() {
    let world = World::new("group");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.remove(&format!("/subscriptions/{}/resourceGroups/rg", world.subscription));
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"]);
}

#[test]
fn compute_of_a_retained_object_stays_and_is_adopted_by_the_next_of_that_name() {
    let world = World::new("retain");
    world.apply("retained", "one", &["deletionPolicy: Retain"]);
    world.ready("retained");
    world.delete("retained");
    world.gone("retained");
    assert_eq!(world.writes("retained"), ["PUT"]);
    assert!(world.compute("retained").is_some());
    world.apply("retained", "one", &[]);
    world.ready("retained");
    assert_eq!(world.writes("retained"), ["PUT", "PUT"]);
}

#[test]
fn compute_of_an_abandoned_object_stays() {
    let world = World::new("abandon");
    world.apply("abandoned", "one", &[]);
    world.ready("abandoned");
    world.kubectl(&["annotate", "ssa", "abandoned", "synapse-spark.dev/on-delete=abandon"]);
    world.delete("abandoned");
    world.gone("abandoned");
    assert_eq!(world.writes("abandoned"), ["PUT"]);
    assert!(world.compute("abandoned").is_some());
}

#[test]
fn compute_that_now_has_another_owner_is_not_detached() {
    let world = World::new("lost");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let owner = "11111111-0000-4000-8000-000000000001/prod/nightly/22222222-0000-4000-8000-000000000002";
    world.change_compute("nightly", &json!({"tags": {OWNER_TAG: owner}}));
    world.stalled("nightly", "OwnedByAnother");
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"]);
    assert_eq!(world.compute("nightly").expect("it stays")["tags"][OWNER_TAG], owner);
}

/// An object that waits, since Azure refused to detach its compute.
fn refused(name: &str) -> World {
    let world = World::new(name);
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let refusal = json!({"status": 403, "code": "AuthorizationFailed", "message": "may not detach", "times": 1});
    world.fault("DELETE", "nightly", &refusal);
    world.delete("nightly");
    let message = world.stalled("nightly", "AuthorizationFailed");
    assert!(message.contains("AuthorizationFailed: may not detach"), "{message}");
    assert!(world.compute("nightly").is_some());
    world
}

#[test]
fn refused_detach_is_retried_on_request() {
    let world = refused("refused");
    world.request_reconcile("nightly");
    world.gone("nightly");
    assert_eq!(world.compute("nightly"), None);
}

/// The policy of the chart for the annotation, disabled until this is dropped.
struct Lifted<'a>(&'a World);

impl<'a> Lifted<'a> {
    fn of(world: &'a World) -> Self {
        world.plane().must(&["delete", "validatingadmissionpolicybinding", "synapse-spark-operator-on-delete"]);
        Self(world)
    }
}

impl Drop for Lifted<'_> {
    fn drop(&mut self) {
        self.0.plane().must(&["apply", "-f", concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/install.yaml")]);
    }
}

#[test]
fn misspelled_annotation_holds_the_deletion_until_it_is_corrected() {
    let world = World::alone("misspelled", Duration::from_millis(200));
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let annotate = |value: &str| {
        let annotation = format!("synapse-spark.dev/on-delete={value}");
        world.plane().kubectl(&["annotate", "--overwrite", "ssa", "nightly", &annotation, "--namespace", &world.namespace], "")
    };
    // As one that was stored before the policy of the chart was there.
    let lifted = Lifted::of(&world);
    world.until("the policy is not in force", || annotate("Abandon").ok());
    drop(lifted);
    let refused = || {
        let other = ["annotate", "--overwrite", "ssa", "nightly", "synapse-spark.dev/on-delete=ABANDON", "--dry-run=server"];
        world.plane().kubectl(&[&other[..], &["--namespace", &world.namespace]].concat(), "").err()
    };
    let refusal = world.until("the policy is in force again", refused);
    assert!(refusal.contains("\"ABANDON\" is unknown") && refusal.contains("\"abandon\" leaves"), "{refusal}");

    world.delete("nightly");
    let message = world.stalled("nightly", "InvalidSpec");
    assert!(message.contains("on-delete") && message.contains("\"Abandon\"") && message.contains("\"abandon\""), "{message}");
    assert_eq!(world.writes("nightly"), ["PUT"], "nothing is detached");
    annotate("abandon").expect("the correction is accepted");
    world.gone("nightly");
    assert!(world.compute("nightly").is_some());
}

#[test]
fn object_whose_detach_is_refused_can_be_abandoned() {
    let world = refused("refused-left");
    world.kubectl(&["annotate", "ssa", "nightly", "synapse-spark.dev/on-delete=abandon"]);
    world.gone("nightly");
    assert!(world.compute("nightly").is_some());
}

#[test]
fn deleted_namespace_is_removed_after_its_objects_are_detached() {
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
