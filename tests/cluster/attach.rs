//! Attaching: a new compute, an existing one, one that another owns, and one that two objects want.

use serde_json::json;

use crate::support::{OWNER_TAG, World};

/// An attachment of pool `one` with a user-assigned identity.
fn attached(name: &str) -> World {
    let world = World::new(name);
    let identity =
        format!("identity: {{type: UserAssigned, userAssignedIdentities: [{{resourceId: {}}}]}}", world.identity("first"));
    world.apply("nightly", "one", &[&identity, "description: nightly features", "tags: {team: data}"]);
    world.ready("nightly");
    world
}

#[test]
fn attaches_with_one_put() {
    let world = attached("attach");
    assert_eq!(world.writes("nightly"), ["PUT"]);
    let compute = world.compute("nightly").expect("it is attached");
    assert_eq!(compute["properties"]["resourceId"], world.pool("one"));
    assert_eq!(compute["properties"]["description"], "nightly features");
    assert_eq!(compute["identity"]["type"], "UserAssigned");
    assert_eq!(compute["tags"]["team"], "data");
    assert_eq!(compute["location"], "eastus2");
    world.event("nightly", "Attached", "is attached and in sync");
}

#[test]
fn owner_tag_of_a_compute_names_the_object() {
    let world = attached("owner");
    let compute = world.compute("nightly").expect("it is attached");
    let object = world.object("nightly").expect("it is there");
    let owner = compute["tags"][OWNER_TAG].as_str().expect("it has an owner");
    let uid = object["metadata"]["uid"].as_str().expect("it has a UID");
    assert!(owner.ends_with(&format!("/{}/nightly/{uid}", world.namespace)), "{owner}");
}

#[test]
fn status_has_what_azure_reports_of_the_compute() {
    let world = attached("status");
    let status = &world.object("nightly").expect("it is there")["status"];
    assert_eq!(status["conditions"][0]["reason"], "Attached");
    let kinds: Vec<_> = status["conditions"].as_array().expect("conditions").iter().map(|one| &one["type"]).collect();
    assert_eq!(kinds, ["Ready", "PoolAvailable"], "{status}");
    assert_eq!(status["observedGeneration"], 1);
    assert_eq!(status["computeId"].as_str().map(str::to_lowercase), Some(world.id("nightly").to_lowercase()));
    assert_eq!(status["provisioningState"], "Succeeded");
    assert_eq!(status["location"], "eastus2");
    assert_eq!(status["identity"]["userAssigned"].as_array().map(Vec::len), Some(1));
    assert_eq!(status["pool"]["name"], "one");
    assert_eq!(status["pool"]["sparkVersion"], "3.4");
    assert_eq!(status["operation"], json!(null));
    assert!(status["createdOn"].is_string() && status["modifiedOn"].is_string(), "{status}");
}

#[test]
fn wide_output_of_kubectl_has_workspace_pool_and_identity() {
    let world = attached("wide");
    let wide = world.kubectl(&["get", "ssa", "-o", "wide"]);
    for word in ["nightly", "True", "Attached", "ml-ws", "one", "UserAssigned", "3.4", "Small", "WORKSPACE", "NODE SIZE"] {
        assert!(wide.contains(word), "{word} is not in\n{wide}");
    }
}

#[test]
fn every_type_of_identity_is_attached() {
    let world = World::new("identity");
    let user = format!("userAssignedIdentities: [{{resourceId: {}}}]", world.identity("second"));
    world.apply("none", "one", &[]);
    world.apply("system", "one", &["identity: {type: SystemAssigned}"]);
    world.apply("both", "one", &[&format!("identity: {{type: 'SystemAssigned,UserAssigned', {user}}}")]);
    for name in ["none", "system", "both"] {
        world.ready(name);
        assert_eq!(world.writes(name), ["PUT"]);
    }
    assert_eq!(world.object("none").expect("it is there")["status"]["identity"], json!(null));
    for name in ["system", "both"] {
        let object = world.object(name).expect("it is there");
        assert!(object["status"]["identity"]["principalId"].is_string(), "{object}");
        assert_eq!(
            object["status"]["identity"]["principalId"],
            world.compute(name).expect("it is there")["identity"]["principalId"]
        );
    }
}

#[test]
fn compute_without_an_owner_of_the_same_pool_is_adopted() {
    let world = World::new("adopt");
    world.add_compute("byhand", "one", &json!({"tags": {"cost": "77"}}));
    world.apply("byhand", "one", &["tags: {team: data}"]);
    world.ready("byhand");
    assert_eq!(world.writes("byhand"), ["PUT"]);
    let tags = &world.compute("byhand").expect("it is there")["tags"];
    assert_eq!((&tags["cost"], &tags["team"]), (&json!("77"), &json!("data")));
    assert!(tags[OWNER_TAG].is_string());
    world.event("byhand", "Adopting", "which has no owner");
}

/// What the spec has no field for: adoption and update change only what the spec names.
#[test]
fn fields_that_the_spec_does_not_name_are_kept_when_a_compute_is_adopted_and_updated() {
    let world = World::new("carried");
    world.add_compute("byhand", "one", &json!({"tags": {"env": "prod"}}));
    world.change_compute("byhand", &json!({"properties": {"disableLocalAuth": true, "computeLocation": "westus2"}}));
    world.apply("byhand", "one", &[]);
    world.ready("byhand");
    world.patch("byhand", &json!({"spec": {"description": "ours"}}));
    world.until("the description", || (world.compute("byhand")?["properties"]["description"] == "ours").then_some(()));
    let properties = &world.compute("byhand").expect("it is there")["properties"];
    assert_eq!((&properties["disableLocalAuth"], &properties["computeLocation"]), (&json!(true), &json!("westus2")));
    assert_eq!(world.writes("byhand"), ["PUT", "PUT"]);
}

#[test]
fn compute_that_may_not_be_adopted_is_not_changed() {
    let world = World::new("notours");
    world.add_compute("otherpool", "two", &json!({}));
    world.add_compute("never", "one", &json!({}));
    world.add_compute("always", "two", &json!({}));
    world.add_compute("cluster", "one", &json!({"computeType": "AmlCompute"}));
    world.apply("otherpool", "one", &[]);
    world.apply("never", "one", &["adoptionPolicy: Never"]);
    world.apply("always", "one", &["adoptionPolicy: Always"]);
    world.apply("cluster", "one", &["adoptionPolicy: Always", "replacePolicy: Recreate"]);
    let table = [
        ("otherpool", "AdoptionNotAllowed", "bigDataPools/two", "spec.adoptionPolicy"),
        ("never", "AdoptionNotAllowed", "bigDataPools/one", "spec.adoptionPolicy"),
        ("always", "PoolMismatch", "bigDataPools/two", "spec.replacePolicy"),
        ("cluster", "ComputeTypeMismatch", "AmlCompute", "spec.computeName"),
    ];
    for (name, reason, found, field) in table {
        let message = world.stalled(name, reason);
        assert!(message.contains(found) && message.contains(field), "{message}");
    }
    for name in ["otherpool", "never", "always", "cluster"] {
        assert!(world.writes(name).is_empty(), "{name} was written to");
        assert_eq!(world.object(name).expect("it is there")["metadata"]["finalizers"], json!(null));
    }
}

#[test]
fn deletion_leaves_a_compute_that_the_object_may_not_adopt() {
    let world = World::new("notours-gone");
    world.add_compute("never", "one", &json!({}));
    world.apply("never", "one", &["adoptionPolicy: Never"]);
    world.stalled("never", "AdoptionNotAllowed");
    world.delete("never");
    world.gone("never");
    assert!(world.compute("never").is_some() && world.writes("never").is_empty());
}

/// An object whose compute another object owns, and the owner tag.
fn owned_by_another(name: &str) -> (World, &'static str) {
    let world = World::new(name);
    let owner = "11111111-0000-4000-8000-000000000001/prod/nightly/22222222-0000-4000-8000-000000000002";
    world.add_compute("nightly", "one", &json!({"tags": {OWNER_TAG: owner}}));
    world.apply("nightly", "one", &["adoptionPolicy: Always", "replacePolicy: Recreate"]);
    let message = world.stalled("nightly", "OwnedByAnother");
    assert!(message.contains(owner), "{message}");
    (world, owner)
}

#[test]
fn compute_of_another_owner_is_not_changed_and_the_owner_is_named() {
    let (world, owner) = owned_by_another("owned");
    world.event("nightly", "OwnedByAnother", owner);
    assert!(world.writes("nightly").is_empty());
}

#[test]
fn deletion_leaves_a_compute_of_another_owner() {
    let (world, _) = owned_by_another("owned-gone");
    world.delete("nightly");
    world.gone("nightly");
    assert!(world.writes("nightly").is_empty());
    assert!(world.compute("nightly").is_some());
}

/// Waits until a new object would be younger than this one: creation times have whole seconds, and of two objects of the same
/// second the UID decides.
pub fn wait_to_be_younger(world: &World, than: &str) {
    let created = world.object(than).expect("it is there")["metadata"]["creationTimestamp"].clone();
    world.until("the clock is a second further", || {
        let made = world
            .plane()
            .kubectl(&["create", "--dry-run=server", "-o", "json", "-f", "-"], &world.manifest("probe", "one", &[]))
            .ok()?;
        let made: serde_json::Value = serde_json::from_str(&made).ok()?;
        (made["metadata"]["creationTimestamp"] != created).then_some(())
    });
}

/// A younger object that waits for the older claimant of its compute, which is attached.
fn younger_waits(name: &str) -> World {
    let world = World::new(name);
    world.apply("older", "one", &["computeName: shared"]);
    world.ready("older");
    wait_to_be_younger(&world, "older");
    world.apply("younger", "one", &["computeName: Shared", "tags: {team: young}"]);
    let message = world.stalled("younger", "Duplicate");
    assert!(message.contains(&format!("{}/older", world.namespace)), "{message}");
    world
}

#[test]
fn older_claimant_wins() {
    let world = younger_waits("twice");
    assert_eq!(world.writes("shared"), ["PUT"]);
}

#[test]
fn younger_claimant_attaches_when_the_older_is_deleted() {
    let world = younger_waits("twice-later");
    world.delete("older");
    world.gone("older");
    world.ready("younger");
    assert_eq!(world.writes("shared"), ["PUT", "DELETE", "PUT"]);
    assert_eq!(world.compute("shared").expect("it is there")["tags"]["team"], "young");
    assert_eq!(world.computes(), 1);
}

#[test]
fn only_one_of_two_simultaneous_claimants_attaches() {
    let world = World::new("race");
    // Delayed, so that both objects exist before anything is attached.
    let computes = format!("{}/computes", world.workspace());
    world.fault("GET", "shared", &json!({"path": computes, "status": 503, "times": 2}));
    let both = world.manifest("first", "one", &["computeName: shared"])
        + "---\n"
        + &world.manifest("second", "one", &["computeName: shared"]);
    world.plane().kubectl(&["apply", "-f", "-"], &both).expect("both are accepted");
    let ready = world.until("one of two is ready", || {
        ["first", "second"].into_iter().find(|name| world.condition(name, "Ready").is_some_and(|ready| ready["status"] == "True"))
    });
    let other = if ready == "first" { "second" } else { "first" };
    world.until("the other is stalled", || {
        let stalled = world.condition(other, "Stalled")?;
        (stalled["reason"] == "Duplicate" || stalled["reason"] == "OwnedByAnother").then_some(())
    });
    assert_eq!(world.writes("shared"), ["PUT"]);
}

#[test]
fn younger_claimant_waits_even_if_the_older_has_attached_nothing() {
    let world = World::new("duplicate");
    world.apply("older", "nosuch", &["computeName: shared"]);
    world.stalled("older", "PoolNotFound");
    wait_to_be_younger(&world, "older");
    world.apply("younger", "one", &["computeName: shared"]);
    let message = world.stalled("younger", "Duplicate");
    assert!(message.contains(&format!("{}/older", world.namespace)), "{message}");
    assert!(world.writes("shared").is_empty());
    world.delete("older");
    world.gone("older");
    world.ready("younger");
    assert_eq!(world.writes("shared"), ["PUT"]);
}
