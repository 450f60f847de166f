//! Objects that need the same role of the same identity share one assignment.

use serde_json::json;

use super::role_assignments::{ROLE, SYSTEM, held};
use crate::support::World;

/// Applies two objects with the same user-assigned identity and the same role, one after the other is ready.
fn apply_both(world: &World) {
    let identity =
        format!("identity: {{type: UserAssigned, userAssignedIdentities: [{{resourceId: {}}}]}}", world.identity("first"));
    for name in ["first", "second"] {
        world.apply(name, "one", &[&identity, ROLE]);
        world.ready(name);
    }
}

/// A workspace whose role assignments the operator may make and delete, but not list.
fn unlisted(name: &str) -> World {
    let world = World::new(name);
    world.role_fault("GET", &json!({"status": 403, "code": "Unauthorized", "message": "workspaces/read", "times": 1000}));
    world
}

fn delete(world: &World, name: &str) {
    world.delete(name);
    world.gone(name);
}

#[test]
fn two_objects_share_one_assignment() {
    let world = World::new("role-two");
    apply_both(&world);
    assert_eq!(held(&world).len(), 1);
}

#[test]
fn shared_assignment_is_recreated_when_the_object_that_created_it_is_deleted() {
    let world = World::new("role-first");
    apply_both(&world);
    delete(&world, "first");
    world.until("the other assigns it again", || (held(&world).len() == 1).then_some(()));
    world.ready("second");
    delete(&world, "second");
    assert!(held(&world).is_empty(), "and revokes it: {:?}", held(&world));
}

#[test]
fn role_is_assigned_without_permission_to_list_assignments() {
    let world = unlisted("role-blind");
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    world.ready("nightly");
    assert_eq!(held(&world).len(), 1);
    delete(&world, "nightly");
    assert!(held(&world).is_empty());
}

#[test]
fn shared_assignment_is_known_after_a_lost_answer_without_permission_to_list() {
    let world = unlisted("role-unheard");
    world.role_fault("PUT", &json!({"lostAnswer": true}));
    apply_both(&world);
    assert_eq!(held(&world).len(), 1, "{:?}", held(&world));
    for name in ["second", "first"] {
        delete(&world, name);
    }
    assert!(held(&world).is_empty());
}

#[test]
fn shared_assignment_is_recreated_without_permission_to_list_and_after_one_failure_of_synapse() {
    let world = unlisted("role-failing");
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    world.ready("nightly");
    world.role_fault("PUT", &json!({"lostAnswer": true}));
    apply_both(&world);
    assert_eq!(held(&world).len(), 2, "one for the system-assigned identity, one for the other: {:?}", held(&world));
    // The other object cannot see that the assignment is deleted, and Synapse fails just then.
    world.role_fault("PUT", &json!({"status": 503}));
    delete(&world, "first");
    world.until("it is assigned again", || (held(&world).len() == 2).then_some(()));
    for name in ["nightly", "second"] {
        delete(&world, name);
    }
    assert!(held(&world).is_empty());
}
