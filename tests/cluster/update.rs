//! What was attached changes: by the user, by somebody in Azure, to another pool; or it doesn't.

use serde_json::json;

use crate::support::{OWNER_TAG, World};

fn tags(world: &World) -> serde_json::Value {
    world.compute("nightly").expect("it is there")["tags"].clone()
}

/// The names of the user-assigned identities, in order.
fn identities(world: &World) -> Vec<String> {
    let compute = world.compute("nightly").expect("it is there");
    let all = compute["identity"]["userAssignedIdentities"].as_object().cloned().unwrap_or_default();
    all.keys().map(|id| id.rsplit('/').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_changed_spec_is_one_put_in_place_each() {
    let world = World::new("update");
    world.apply("nightly", "one", &["identity: {type: SystemAssigned}", "tags: {team: data, old: tag}"]);
    world.ready("nightly");
    world.meddle("nightly", &json!({"tags": {"cost": "77"}}));
    let mut puts = 1;
    let mut change = |spec: serde_json::Value| {
        world.patch("nightly", &json!({"spec": spec}));
        world.ready("nightly");
        puts += 1;
        assert_eq!(world.writes("nightly"), vec!["PUT"; puts], "after {spec}");
        assert_eq!(tags(&world)["cost"], "77", "others' tags stay");
        assert!(tags(&world)[OWNER_TAG].is_string());
    };
    let order =
        |first: &str, second: &str| json!([{"resourceId": world.identity(first)}, {"resourceId": world.identity(second)}]);

    change(json!({"description": "nightly features"}));
    assert_eq!(world.compute("nightly").expect("it is there")["properties"]["description"], "nightly features");
    change(json!({"tags": {"team": "ml", "old": null}}));
    assert_eq!((&tags(&world)["team"], &tags(&world)["old"]), (&json!("ml"), &json!(null)));
    change(json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": order("first", "second")}}));
    assert_eq!(identities(&world), ["first", "second"]);
    change(json!({"identity": {"userAssignedIdentities": order("second", "first")}}));
    assert_eq!(identities(&world), ["second", "first"]);
    change(json!({"identity": null}));
    assert!(identities(&world).is_empty());
    assert_eq!(world.computes(), 1);
}

#[test]
fn what_somebody_changed_in_azure_is_put_right() {
    let world = World::new("drift");
    world.apply("nightly", "one", &["identity: {type: SystemAssigned}", "tags: {team: data}"]);
    world.ready("nightly");
    world.meddle("nightly", &json!({"tags": {"team": "sales", "cost": "77"}, "identity": null}));
    world.event("nightly", "Updating", "tags.team: want \"data\", have \"sales\"");
    world.event("nightly", "Updating", "identity.type: want \"SystemAssigned\", have \"None\"");
    world.says("nightly", "True", "Attached");
    assert_eq!((&tags(&world)["team"], &tags(&world)["cost"]), (&json!("data"), &json!("77")));
    assert_eq!(world.compute("nightly").expect("it is there")["identity"]["type"], "SystemAssigned");
    assert_eq!(world.writes("nightly"), ["PUT", "PUT"]);

    // Without the tag it is still the very compute that the object made.
    world.meddle("nightly", &json!({"tags": {OWNER_TAG: null}}));
    world.until("the owner tag is back", || tags(&world)[OWNER_TAG].is_string().then_some(()));
    assert_eq!(world.writes("nightly"), ["PUT", "PUT", "PUT"]);
}

#[test]
fn what_somebody_detached_in_azure_is_attached_again() {
    let world = World::new("vanished");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.remove(&world.id("nightly"));
    world.until("it is attached again", || world.compute("nightly").map(|_| ()));
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "PUT"]);
}

#[test]
fn another_pool_is_detached_and_attached() {
    let world = World::new("recreate");
    world.apply("nightly", "one", &["identity: {type: SystemAssigned}", "replacePolicy: Recreate"]);
    world.ready("nightly");
    let principal = |world: &World| world.object("nightly").expect("it is there")["status"]["identity"]["principalId"].clone();
    let before = principal(&world);
    world.patch("nightly", &json!({"spec": {"resourceId": world.pool("two")}}));
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "DELETE", "PUT"]);
    // Gone was seen, not guessed.
    let asked = world.asked();
    let detach = asked.iter().position(|one| one.method == "DELETE").expect("it was detached");
    let attach = asked.iter().rposition(|one| one.method == "PUT").expect("it was attached");
    assert!(asked[detach..attach].iter().any(|one| one.status == Some(404) && one.path.ends_with("nightly")), "{asked:?}");
    let object = world.object("nightly").expect("it is there");
    assert_eq!((&object["status"]["pool"]["name"], &object["status"]["pool"]["nodeSize"]), (&json!("two"), &json!("Medium")));
    assert_ne!(principal(&world), before, "a new attachment has a new principal, and the status shows it");
    world.event("nightly", "Replacing", "another pool");
}

#[test]
fn a_strangers_other_pool_is_replaced_only_when_both_policies_say_so() {
    let world = World::new("always");
    world.add_compute("nightly", "two", &json!({}));
    world.apply("nightly", "one", &["adoptionPolicy: Always", "replacePolicy: Recreate"]);
    world.ready("nightly");
    // The tag first: so that what is detached is ours.
    assert_eq!(world.writes("nightly"), ["PUT", "DELETE", "PUT"]);
    assert_eq!(world.compute("nightly").expect("it is there")["properties"]["resourceId"], world.pool("one"));
}

#[test]
fn suspended_it_looks_and_writes_nothing() {
    let world = World::new("suspend");
    world.apply("nightly", "one", &["suspend: true"]);
    world.says("nightly", "False", "Suspended");
    world.more_looks("nightly", 1);
    assert!(world.writes("nightly").is_empty());
    world.patch("nightly", &json!({"spec": {"suspend": false}}));
    world.ready("nightly");

    world.patch("nightly", &json!({"spec": {"suspend": true}}));
    world.says("nightly", "True", "Suspended");
    world.patch("nightly", &json!({"spec": {"tags": {"team": "data"}}}));
    world.says("nightly", "False", "Suspended");
    let drift = world.object("nightly").expect("it is there")["status"]["drift"].clone();
    assert_eq!(drift[0]["field"], "tags.team", "{drift}");
    world.meddle("nightly", &json!({"properties": {"description": "by hand"}}));
    world.more_looks("nightly", 1);
    world.delete("nightly");
    world.until("it says that it may not detach", || {
        let object = world.object("nightly")?;
        let generation = &object["metadata"]["generation"];
        (object["metadata"]["deletionTimestamp"].is_string() && &object["status"]["observedGeneration"] == generation)
            .then_some(())
    });
    world.says("nightly", "False", "Suspended");
    assert_eq!(world.writes("nightly"), ["PUT"], "it is suspended");

    world.patch("nightly", &json!({"spec": {"suspend": false}}));
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "DELETE"]);
    assert_eq!(world.compute("nightly"), None);
}

#[test]
fn settled_it_looks_and_writes_nothing_anywhere() {
    let world = World::new("settled");
    let user = format!(
        "userAssignedIdentities: [{{resourceId: {}}}, {{resourceId: {}}}]",
        world.identity("second"),
        world.identity("first")
    );
    let identity = format!("identity: {{type: 'SystemAssigned,UserAssigned', {user}}}");
    world.apply("nightly", "one", &[&identity, "tags: {Team: data}", "description: ''"]);
    world.apply("bare", "one", &[]);
    world.ready("nightly");
    world.ready("bare");
    world.more_looks("nightly", 1);
    let version = |name: &str| world.object(name).expect("it is there")["metadata"]["resourceVersion"].clone();
    let before = (version("nightly"), version("bare"));
    world.more_looks("nightly", 5);
    world.more_looks("nightly", 5);
    assert_eq!((version("nightly"), version("bare")), before, "an object was written");
    assert_eq!((world.writes("nightly").len(), world.writes("bare").len()), (1, 1), "Azure was written to");
}
