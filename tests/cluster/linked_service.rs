//! The linked service of a machine learning workspace, by which an attachment names its pool.

use serde_json::json;

use super::role_assignments::{SYSTEM, held};
use crate::support::World;

const SPARK_ADMINISTRATOR: &str = "c3a6d2f1-a26f-4810-9b0f-591308d5cbf1";

/// A manifest that goes through a link.
fn linked(world: &World, name: &str, link: &str, more: &[&str]) -> String {
    let manifest = world.manifest(name, "one", more);
    manifest.replace(
        &format!("  resourceId: {}\n", world.pool("one")),
        &format!("  linkedService: {{name: {link}, poolName: one}}\n"),
    )
}

fn add_link(world: &World, name: &str, leads: &str) {
    let id = format!("{}/linkedServices/{name}", world.workspace());
    world.add(&json!({"linkedServices": [{"id": id, "linkedServiceResourceId": leads, "principalId": "11111111-aaaa-4000-8000-000000000001"}]}));
}

#[test]
fn a_link_leads_to_the_pool_and_its_identity_gets_its_role() {
    let world = World::new("link");
    let apply = |manifest: &str| world.plane().kubectl(&["apply", "-f", "-"], manifest).expect("it is taken");
    add_link(&world, "other1", &world.synapse(""));
    let both = "synapseRole: {name: Synapse Administrator, linkedService: true}";
    apply(&linked(&world, "nightly", "link1", &[SYSTEM, both]));
    let message = world.stalled("nightly", "LinkedServiceNotFound");
    assert!(message.contains("link1; it has: other1") && message.contains("no longer creates linked services"), "{message}");
    assert!(world.all_writes().is_empty(), "Azure is left as it is");

    add_link(&world, "link1", &world.synapse(""));
    world.ask("nightly");
    world.ready("nightly");
    assert_eq!(world.compute("nightly").expect("it is attached")["properties"]["resourceId"], world.pool("one"));
    let link = &world.object("nightly").expect("it is there")["status"]["linkedService"];
    assert_eq!(link["resourceId"], world.synapse(""), "{link}");
    let workspace = format!("workspaces/{}", world.synapse_name(""));
    let of_link = (SPARK_ADMINISTRATOR.to_owned(), "11111111-aaaa-4000-8000-000000000001".to_owned(), workspace);
    assert!(held(&world).contains(&of_link), "{:?}", held(&world));
    assert_eq!(held(&world).len(), 2);

    // Somebody hides it from the operator.
    let link = format!("{}/linkedServices/link1", world.workspace());
    let hidden = json!({"method": "GET", "path": link, "status": 403, "code": "AuthorizationFailed", "message": "no"});
    world.azure().control("POST", "faults", Some(&hidden)).expect("it is taken");
    world.ask("nightly");
    world.stalled("nightly", "AuthorizationFailed");

    // Somebody points it elsewhere: as another resourceId.
    world.add(&json!({"pools": [{"id": format!("{}/bigDataPools/one", world.synapse("b"))}]}));
    add_link(&world, "link1", &world.synapse("b"));
    world.ask("nightly");
    world.stalled("nightly", "PoolMismatch");
    assert_eq!(world.writes("nightly"), ["PUT"], "the compute is not touched");

    add_link(&world, "link1", &world.synapse(""));
    world.ask("nightly");
    world.ready("nightly");
    world.delete("nightly");
    world.gone("nightly");
    assert!(held(&world).is_empty(), "{:?}", held(&world));
}

#[test]
fn who_may_not_list_and_is_asked_asks_for_each_role() {
    let world = World::new("role-both");
    world.role_fault("GET", &json!({"status": 403, "code": "Unauthorized", "message": "workspaces/read", "times": 1000}));
    add_link(&world, "link1", &world.synapse(""));
    let identity =
        format!("identity: {{type: UserAssigned, userAssignedIdentities: [{{resourceId: {}}}]}}", world.identity("first"));
    let both = "synapseRole: {name: Synapse Administrator, linkedService: true}";
    for name in ["first", "second"] {
        let manifest = linked(&world, name, "link1", &[&identity, both]);
        world.plane().kubectl(&["apply", "-f", "-"], &manifest).expect("it is taken");
        world.ready(name);
    }
    assert_eq!(held(&world).len(), 2, "both share both: {:?}", held(&world));
    for role in world.roles() {
        world.take_role(role["id"].as_str().expect("a GUID"));
    }
    world.ask("second");
    world.until("both are granted again", || (held(&world).len() == 2).then_some(()));
    for name in ["second", "first"] {
        world.delete(name);
        world.gone(name);
    }
    assert!(held(&world).is_empty(), "{:?}", held(&world));
}

#[test]
fn a_link_and_the_pools_own_id_are_the_same_pool() {
    let world = World::new("link-id");
    add_link(&world, "link1", &world.synapse(""));
    world
        .plane()
        .kubectl(&["apply", "-f", "-"], &linked(&world, "nightly", "link1", &["replacePolicy: Recreate"]))
        .expect("taken");
    world.ready("nightly");
    world.patch("nightly", &json!({"spec": {"linkedService": null, "resourceId": world.pool("one")}}));
    world.until("it is looked at", || world.object("nightly").filter(|it| it["status"]["observedGeneration"] == 2));
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"]);
    assert_eq!(world.object("nightly").expect("it is there")["status"]["linkedService"], json!(null));
}
