//! Changes of an attachment: by its spec, by somebody in Azure, to another pool; and none while it is in sync.

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
fn each_change_of_the_spec_is_one_put() {
    let world = World::new("update");
    world.apply("nightly", "one", &["identity: {type: SystemAssigned}", "tags: {team: data, old: tag}"]);
    world.ready("nightly");
    world.change_compute("nightly", &json!({"tags": {"cost": "77"}}));
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
fn drift_is_corrected_and_published() {
    let world = World::new("drift");
    world.apply("nightly", "one", &["identity: {type: SystemAssigned}", "tags: {team: data}"]);
    world.ready("nightly");
    world.change_compute("nightly", &json!({"tags": {"team": "sales", "cost": "77"}, "identity": null}));
    world.event("nightly", "Updating", "tags.team: want \"data\", have \"sales\"");
    world.event("nightly", "Updating", "identity.type: want \"SystemAssigned\", have \"None\"");
    world.ready_shows("nightly", "True", "Attached");
    assert_eq!((&tags(&world)["team"], &tags(&world)["cost"]), (&json!("data"), &json!("77")));
    assert_eq!(world.compute("nightly").expect("it is there")["identity"]["type"], "SystemAssigned");
    assert_eq!(world.writes("nightly"), ["PUT", "PUT"]);
}

#[test]
fn owner_tag_that_somebody_removed_is_restored() {
    let world = World::new("untagged");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.change_compute("nightly", &json!({"tags": {OWNER_TAG: null}}));
    world.until("the owner tag is back", || tags(&world)[OWNER_TAG].is_string().then_some(()));
    assert_eq!(world.writes("nightly"), ["PUT", "PUT"]);
}

#[test]
fn compute_that_somebody_detached_is_attached_again() {
    let world = World::new("vanished");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.remove(&world.id("nightly"));
    world.until("it is attached again", || world.compute("nightly").map(|_| ()));
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "PUT"]);
}

#[test]
fn change_of_the_pool_detaches_and_attaches() {
    let world = World::new("recreate");
    world.apply("nightly", "one", &["identity: {type: SystemAssigned}", "replacePolicy: Recreate"]);
    world.ready("nightly");
    let principal = |world: &World| world.object("nightly").expect("it is there")["status"]["identity"]["principalId"].clone();
    let before = principal(&world);
    world.patch("nightly", &json!({"spec": {"resourceId": world.pool("two")}}));
    world.ready("nightly");
    // Azure refuses the second attach until the former identity is deleted.
    let accepted = world.requests().into_iter().filter(|one| one.path == world.id("nightly") && one.status < Some(300));
    let accepted: Vec<_> = accepted.map(|one| one.method).filter(|method| method != "GET").collect();
    assert_eq!(accepted, ["PUT", "DELETE", "PUT"]);
    // The operator saw that the compute was gone before it attached again.
    let asked = world.requests();
    let detach = asked.iter().position(|one| one.method == "DELETE").expect("it was detached");
    let attach = asked.iter().rposition(|one| one.method == "PUT").expect("it was attached");
    assert!(asked[detach..attach].iter().any(|one| one.status == Some(404) && one.path.ends_with("nightly")), "{asked:?}");
    let object = world.object("nightly").expect("it is there");
    assert_eq!((&object["status"]["pool"]["name"], &object["status"]["pool"]["nodeSize"]), (&json!("two"), &json!("Medium")));
    assert_ne!(principal(&world), before, "a new attachment has a new principal, and the status shows it");
    world.event("nightly", "Replacing", "another pool");
}

#[test]
fn adopted_compute_of_another_pool_is_replaced_if_both_policies_allow_it() {
    let world = World::new("always");
    world.add_compute("nightly", "two", &json!({}));
    world.apply("nightly", "one", &["adoptionPolicy: Always", "replacePolicy: Recreate"]);
    world.ready("nightly");
    // The owner tag first, so that the detached compute is ours.
    assert_eq!(world.writes("nightly"), ["PUT", "DELETE", "PUT"]);
    assert_eq!(world.compute("nightly").expect("it is there")["properties"]["resourceId"], world.pool("one"));
}

#[test]
fn suspended_object_is_observed_and_not_attached_until_it_is_resumed() {
    let world = World::new("suspend");
    world.apply("nightly", "one", &["suspend: true"]);
    world.ready_shows("nightly", "False", "Suspended");
    world.more_observations("nightly", 1);
    assert!(world.writes("nightly").is_empty());
    world.patch("nightly", &json!({"spec": {"suspend": false}}));
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"]);
}

/// An attachment that is ready and then suspended.
fn suspended(name: &str) -> World {
    let world = World::new(name);
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.patch("nightly", &json!({"spec": {"suspend": true}}));
    world.ready_shows("nightly", "True", "Suspended");
    world
}

#[test]
fn drift_of_a_suspended_object_is_reported_and_not_corrected() {
    let world = suspended("suspend-drift");
    world.patch("nightly", &json!({"spec": {"tags": {"team": "data"}}}));
    world.ready_shows("nightly", "False", "Suspended");
    let drift = world.object("nightly").expect("it is there")["status"]["drift"].clone();
    assert_eq!(drift[0]["field"], "tags.team", "{drift}");
    world.change_compute("nightly", &json!({"properties": {"description": "by hand"}}));
    world.more_observations("nightly", 1);
    assert_eq!(world.writes("nightly"), ["PUT"], "it is suspended");
}

#[test]
fn deleted_object_that_is_suspended_is_detached_when_it_is_resumed() {
    let world = suspended("suspend-delete");
    world.delete("nightly");
    world.until("the deletion is observed", || {
        let object = world.object("nightly")?;
        let generation = &object["metadata"]["generation"];
        (object["metadata"]["deletionTimestamp"].is_string() && &object["status"]["observedGeneration"] == generation)
            .then_some(())
    });
    world.ready_shows("nightly", "False", "Suspended");
    assert_eq!(world.writes("nightly"), ["PUT"], "it is suspended");

    world.patch("nightly", &json!({"spec": {"suspend": false}}));
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "DELETE"]);
    assert_eq!(world.compute("nightly"), None);
}

#[test]
fn nothing_is_written_while_object_and_compute_are_in_sync() {
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
    world.more_observations("nightly", 1);
    let version = |name: &str| world.object(name).expect("it is there")["metadata"]["resourceVersion"].clone();
    let before = (version("nightly"), version("bare"));
    world.more_observations("nightly", 5);
    world.more_observations("nightly", 5);
    assert_eq!((version("nightly"), version("bare")), before, "an object was written");
    assert_eq!((world.writes("nightly").len(), world.writes("bare").len()), (1, 1), "Azure was written to");
}

/// An Azure Policy that sets its own value of a tag with each PUT.
#[test]
fn tag_that_a_policy_rewrites_is_left_alone_after_three_writes_and_the_attachment_stays_ready() {
    let world = World::new("contested");
    world.add(&json!({"policies": [{"scope": format!("/subscriptions/{}", world.subscription), "setTags": {"team": "sales", "createdBy": "policy"}}]}));
    world.apply("nightly", "one", &["tags: {team: data, cost: \"77\"}"]);
    let shown = |writes: u64| {
        world.until("the correction to be counted", || {
            let object = world.object("nightly")?;
            (object["status"]["drift"][0]["writes"] == writes).then_some(object)
        })
    };
    let object = shown(1);
    assert_eq!(object["status"]["drift"][0]["field"], "tags.team", "{object}");
    let in_sync = world.until("the condition InSync", || world.condition("nightly", "InSync"));
    assert_eq!((&in_sync["status"], &in_sync["reason"]), (&json!("False"), &json!("DriftPersists")));
    assert_eq!(world.condition("nightly", "Ready").expect("a condition")["status"], "True");
    for writes in 2..=3 {
        world.request_reconcile("nightly");
        shown(writes);
    }
    world.more_observations("nightly", 3);
    assert_eq!(world.writes("nightly").len(), 4, "an attach and three corrections");
    let tags = &world.compute("nightly").expect("it is there")["tags"];
    assert_eq!((&tags["createdBy"], &tags["cost"]), (&json!("policy"), &json!("77")), "{tags}");
}

#[test]
fn tags_of_others_count_towards_azures_limit_before_anything_is_written() {
    let world = World::new("tags-of-others");
    let theirs: serde_json::Map<_, _> = (0..30).map(|at| (format!("theirs{at}"), json!("x"))).collect();
    world.add_compute("nightly", "one", &json!({"tags": theirs}));
    let ours = (0..20).map(|at| format!("ours{at}: x")).collect::<Vec<_>>().join(", ");
    world.apply("nightly", "one", &[&format!("tags: {{{ours}}}")]);
    let message = world.stalled("nightly", "InvalidSpec");
    assert!(
        message.contains("20 tags") && message.contains("30 tags that others set") && message.contains("are 51"),
        "{message}"
    );
    assert_eq!(world.writes("nightly"), [""; 0]);
    world.patch("nightly", &json!({"spec": {"tags": {"ours0": null}}}));
    world.ready("nightly");
}

/// The name of a resource group may have letters of any script.
#[test]
fn resource_group_with_letters_of_any_script_is_reached() {
    let world = World::new("scripts");
    let group = "Instruktører-データ";
    let of = |id: &str| {
        id.replacen(
            &id[id.find("/resourceGroups/").expect("a group") + 16..id.find("/providers/").expect("a provider")],
            group,
            1,
        )
    };
    world.add(&json!({"workspaces": [{"id": of(&world.workspace())}], "pools": [{"id": of(&world.pool("one"))}]}));
    let own = world.workspace();
    let own = &own[own.find("/resourceGroups/").expect("a group") + 16..own.find("/providers/").expect("a provider")];
    let manifest = world.manifest("nightly", "one", &[]).replace(own, group);
    world.plane().kubectl(&["apply", "-f", "-"], &manifest).expect("admission takes it");
    world.ready("nightly");
    world.delete("nightly");
    world.gone("nightly");
}

#[test]
fn identity_created_again_under_its_name_is_put_with_its_new_principal() {
    let world = World::new("rotated");
    let id = world.identity("first");
    let user_assigned = format!("identity: {{type: UserAssigned, userAssignedIdentities: [{{resourceId: {id}}}]}}");
    world.apply("nightly", "one", &[&user_assigned]);
    world.ready("nightly");
    let principal = "00000000-0000-4000-8000-00000000aaaa";
    world.add(&json!({"identities": [{"id": id, "principalId": principal}]}));
    let is_new = |shown: &serde_json::Value| {
        let all = shown.as_object().expect("identities");
        all.len() == 1 && all.values().all(|one| one["principalId"] == principal)
    };
    let shown = || world.compute("nightly").expect("it is there")["identity"]["userAssignedIdentities"].clone();
    assert!(!is_new(&shown()), "Azure keeps the former principal until a PUT: {}", shown());

    world.request_reconcile("nightly");
    world.until("the compute has the new principal", || is_new(&shown()).then_some(()));
    world.event("nightly", "Updating", "identity.userAssignedIdentities");
    world.wait("nightly", &format!("jsonpath={{.status.identity.userAssigned[0].principalId}}={principal}"));
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "PUT"]);

    let reads = || world.requests().iter().filter(|one| one.path.eq_ignore_ascii_case(&id)).count();
    let before = reads();
    world.more_observations("nightly", 3);
    assert_eq!((reads(), world.writes("nightly").len()), (before, 2), "nothing more is read or written while it is in sync");
}
