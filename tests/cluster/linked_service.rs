//! The linked service of a machine learning workspace, by which an attachment names its pool.

use serde_json::json;

use super::role_assignments::{SYSTEM, held};
use crate::support::World;

const SPARK_ADMINISTRATOR: &str = "c3a6d2f1-a26f-4810-9b0f-591308d5cbf1";
/// The role for the identity of the attachment and for that of the linked service.
const BOTH: &str = "synapseRole: {name: Synapse Administrator, linkedService: true}";
/// The principal of every linked service.
const PRINCIPAL: &str = "11111111-aaaa-4000-8000-000000000001";

/// Applies an object that names its pool by the linked service `link1`.
fn apply(world: &World, name: &str, more: &[&str]) {
    let manifest = world.manifest(name, "one", more);
    let linked =
        manifest.replace(&format!("  resourceId: {}\n", world.pool("one")), "  linkedService: {name: link1, poolName: one}\n");
    world.plane().kubectl(&["apply", "-f", "-"], &linked).expect("it is accepted");
}

fn id(world: &World, name: &str) -> String {
    format!("{}/linkedServices/{name}", world.workspace())
}

/// Adds a linked service that leads to this Synapse workspace, or changes where it leads.
fn add(world: &World, name: &str, synapse: &str) {
    let link = json!({"id": id(world, name), "linkedServiceResourceId": world.synapse(synapse), "principalId": PRINCIPAL});
    world.add(&json!({"linkedServices": [link]}));
}

/// An attachment through a linked service, with both roles.
fn ready(name: &str) -> World {
    let world = World::new(name);
    add(&world, "link1", "");
    apply(&world, "nightly", &[SYSTEM, BOTH]);
    world.ready("nightly");
    world
}

#[test]
fn missing_linked_service_stalls_and_the_message_lists_the_others() {
    let world = World::new("link-no");
    add(&world, "other1", "");
    apply(&world, "nightly", &[SYSTEM, BOTH]);
    let message = world.stalled("nightly", "LinkedServiceNotFound");
    assert!(message.contains("link1; it has: other1") && message.contains("no longer creates linked services"), "{message}");
    assert!(world.all_writes().is_empty(), "nothing is written to Azure");
    add(&world, "link1", "");
    world.request_reconcile("nightly");
    world.ready("nightly");
}

#[test]
fn pool_of_a_linked_service_is_attached() {
    let world = ready("link");
    assert_eq!(world.compute("nightly").expect("it is attached")["properties"]["resourceId"], world.pool("one"));
    let link = &world.object("nightly").expect("it is there")["status"]["linkedService"];
    assert_eq!(link["resourceId"], world.synapse(""), "{link}");
}

#[test]
fn identity_of_the_linked_service_gets_its_role_until_the_detach() {
    let world = ready("link-role");
    let of_link = (SPARK_ADMINISTRATOR.to_owned(), PRINCIPAL.to_owned(), format!("workspaces/{}", world.synapse_name("")));
    assert!(held(&world).contains(&of_link), "{:?}", held(&world));
    assert_eq!(held(&world).len(), 2);
    world.delete("nightly");
    world.gone("nightly");
    assert!(held(&world).is_empty(), "{:?}", held(&world));
}

#[test]
fn linked_service_that_may_not_be_read_stalls() {
    let world = ready("link-hidden");
    let hidden =
        json!({"method": "GET", "path": id(&world, "link1"), "status": 403, "code": "AuthorizationFailed", "message": "no"});
    world.azure().control("POST", "faults", Some(&hidden)).expect("it is accepted");
    world.request_reconcile("nightly");
    world.stalled("nightly", "AuthorizationFailed");
    assert_eq!(world.writes("nightly"), ["PUT"], "the compute is not written");
}

#[test]
fn linked_service_that_now_leads_to_another_workspace_is_a_pool_mismatch() {
    let world = ready("link-moved");
    world.add(&json!({"pools": [{"id": format!("{}/bigDataPools/one", world.synapse("b"))}]}));
    add(&world, "link1", "b");
    world.request_reconcile("nightly");
    world.stalled("nightly", "PoolMismatch");
    assert_eq!(world.writes("nightly"), ["PUT"], "the compute is not written");
    add(&world, "link1", "");
    world.request_reconcile("nightly");
    world.ready("nightly");
    world.delete("nightly");
    world.gone("nightly");
    assert!(held(&world).is_empty(), "{:?}", held(&world));
}

#[test]
fn both_deleted_assignments_are_recreated_without_permission_to_list() {
    let world = World::new("role-both");
    world.role_fault("GET", &json!({"status": 403, "code": "Unauthorized", "message": "workspaces/read", "times": 1000}));
    add(&world, "link1", "");
    let identity =
        format!("identity: {{type: UserAssigned, userAssignedIdentities: [{{resourceId: {}}}]}}", world.identity("first"));
    for name in ["first", "second"] {
        apply(&world, name, &[&identity, BOTH]);
        world.ready(name);
    }
    assert_eq!(held(&world).len(), 2, "both share both: {:?}", held(&world));
    for role in world.roles() {
        world.take_role(role["id"].as_str().expect("a GUID"));
    }
    world.request_reconcile("second");
    world.until("both are assigned again", || (held(&world).len() == 2).then_some(()));
    for name in ["second", "first"] {
        world.delete(name);
        world.gone(name);
    }
    assert!(held(&world).is_empty(), "{:?}", held(&world));
}

#[test]
fn linked_service_can_be_replaced_by_the_id_of_its_pool() {
    let world = World::new("link-id");
    add(&world, "link1", "");
    apply(&world, "nightly", &["replacePolicy: Recreate"]);
    world.ready("nightly");
    world.patch("nightly", &json!({"spec": {"linkedService": null, "resourceId": world.pool("one")}}));
    world.until("it is observed", || world.object("nightly").filter(|it| it["status"]["observedGeneration"] == 2));
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"]);
    assert_eq!(world.object("nightly").expect("it is there")["status"]["linkedService"], json!(null));
}
