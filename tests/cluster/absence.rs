//! An absence is confirmed over a new connection: one that is kept alive may lead to a front end of Azure that is behind.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::World;

/// Lets Azure answer 404 for a compute on every connection that carried another request before.
fn hide_on_kept_connections(world: &World, compute: &str) {
    world.fault("GET", compute, &json!({"status": 404, "reusedConnection": true, "times": 10_000}));
}

/// The reads of a compute that Azure answered with 404: of each, whether its connection carried another request before.
fn absences(world: &World, compute: &str) -> Vec<bool> {
    let (mut known, mut found) = (BTreeSet::new(), Vec::new());
    let journal = world.azure().control("GET", "journal", None).expect("a journal");
    for one in journal["requests"].as_array().expect("a list") {
        let is_reused = !known.insert(one["connection"].as_u64().expect("it came over a socket"));
        let is_of_compute = one["path"].as_str().is_some_and(|path| path.eq_ignore_ascii_case(&world.id(compute)));
        if is_of_compute && one["method"] == "GET" && one["status"] == 404 {
            found.push(is_reused);
        }
    }
    found
}

#[test]
fn finalizer_is_removed_after_a_new_connection_confirms_the_absence() {
    let world = World::new("absent");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    // Suspended, it isn't attached again before it is deleted.
    world.patch("nightly", &json!({"spec": {"suspend": true}}));
    world.ready_shows("nightly", "True", "Suspended");
    let before = absences(&world, "nightly").len();
    world.remove(&world.id("nightly"));
    world.delete("nightly");
    world.gone("nightly");
    let after = &absences(&world, "nightly")[before..];
    assert!(after.len() > 2 && after.ends_with(&[false, false]), "reused connection or not: {after:?}");
}

#[test]
fn compute_that_only_new_connections_show_is_detached_before_the_finalizer_is_removed() {
    let world = World::new("stale");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    hide_on_kept_connections(&world, "nightly");
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "DELETE"]);
    assert_eq!(world.compute("nightly"), None);
}

#[test]
fn compute_that_only_new_connections_show_is_not_attached_again() {
    let world = World::new("stale");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    hide_on_kept_connections(&world, "nightly");
    world.ready_shows("nightly", "False", "Attaching");
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"]);
}
