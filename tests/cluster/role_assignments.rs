//! Role assignments in the Synapse workspace.

use serde_json::{Value, json};

use crate::support::World;

const ADMINISTRATOR: &str = "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78";
pub const SYSTEM: &str = "identity: {type: SystemAssigned}";
const ROLE: &str = "synapseRole: {name: Synapse Administrator}";

fn principal(world: &World, name: &str) -> String {
    let object = world.object(name).expect("it is there");
    object["status"]["identity"]["principalId"].as_str().expect("it has a principal").to_owned()
}

/// Role, principal and scope of all assignments, in order.
pub fn held(world: &World) -> Vec<(String, String, String)> {
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let mut all: Vec<_> =
        world.roles().iter().map(|one| (text(one, "roleId"), text(one, "principalId"), text(one, "scope"))).collect();
    all.sort();
    all
}

fn on_pool(world: &World, pool: &str) -> String {
    format!("workspaces/{}/bigDataPools/{pool}", world.synapse_name(""))
}

#[test]
fn the_role_is_granted_before_ready_and_taken_back_before_the_detach() {
    let world = World::new("role");
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    world.ready("nightly");
    let principal = principal(&world, "nightly");
    assert_eq!(held(&world), [(ADMINISTRATOR.into(), principal.clone(), on_pool(&world, "one"))]);
    assert_eq!(world.all_writes(), ["PUT compute", "PUT role"]);
    let granted = world.condition("nightly", "RoleAssigned").expect("it is asked for");
    assert_eq!((&granted["status"], &granted["reason"]), (&json!("True"), &json!("RoleAssigned")), "{granted}");
    assert!(granted["message"].as_str().is_some_and(|message| message.contains("Synapse Administrator")), "{granted}");
    let kept = &world.object("nightly").expect("it is there")["status"]["roleAssignments"];
    assert_eq!(kept[0]["principalId"], json!(principal), "{kept}");
    let wide = world.kubectl(&["get", "ssa", "-o", "wide"]);
    assert!(wide.contains("ROLE") && wide.contains("RoleAssigned") && wide.contains("one"), "{wide}");

    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.all_writes(), ["PUT compute", "PUT role", "DELETE role", "DELETE compute"]);
    assert!(held(&world).is_empty());
}

#[test]
fn a_user_assigned_identity_gets_it_on_the_workspace() {
    let world = World::new("role-user");
    let identity = format!(
        "identity: {{type: UserAssigned, userAssignedIdentities: [{{resourceId: {}}}, {{resourceId: {}}}]}}",
        world.identity("second"),
        world.identity("first")
    );
    let role = "synapseRole: {name: Synapse Compute Operator, scope: Workspace}";
    world.apply("nightly", "one", &[&identity, role]);
    world.ready("nightly");
    let object = world.object("nightly").expect("it is there");
    let first = object["status"]["identity"]["userAssigned"][0]["principalId"].as_str().expect("a principal");
    let scope = format!("workspaces/{}", world.synapse_name(""));
    assert_eq!(held(&world), [("e3844cc7-4670-42cb-9349-9bdac1ee7881".into(), first.to_owned(), scope)]);
}

#[test]
fn without_the_right_it_says_what_to_run_and_is_not_ready() {
    let world = World::new("role-no");
    let words = "The principal does not have the required Synapse RBAC permission";
    world.role_fault("PUT", &json!({"status": 403, "code": "Unauthorized", "message": words, "times": 1000}));
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    let message = world.stalled("nightly", "RoleAssignmentForbidden");
    let principal = principal(&world, "nightly");
    let command = format!(
        "az synapse role assignment create --workspace-name {} --role \"Synapse Administrator\" --assignee-object-id {principal} --assignee-principal-type ServicePrincipal --scope {}",
        world.synapse_name(""),
        on_pool(&world, "one")
    );
    assert!(message.contains(&command) && message.contains(words), "{message}");
    let granted = world.condition("nightly", "RoleAssigned").expect("it is asked for");
    assert_eq!((&granted["status"], &granted["reason"]), (&json!("False"), &json!("RoleAssignmentForbidden")), "{granted}");
    world.event("nightly", "RoleAssignmentForbidden", "az synapse role assignment create");

    // Somebody with rights runs the command.
    let scope = on_pool(&world, "one");
    world.add(&json!({"roleAssignments": [{"workspace": world.synapse(""), "id": "aaaaaaaa-0000-4000-8000-000000000001", "roleId": ADMINISTRATOR, "principalId": principal, "scope": scope}]}));
    world.ask("nightly");
    world.ready("nightly");
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(held(&world).len(), 1, "it was not the operator's, so it stays");
    assert_eq!(world.all_writes(), ["PUT compute", "DELETE compute"]);
}

#[test]
fn what_was_never_granted_stands_in_nobodys_way() {
    let world = World::new("role-never");
    for method in ["GET", "PUT", "DELETE"] {
        world.role_fault(method, &json!({"status": 403, "code": "Unauthorized", "message": "no", "times": 1000}));
    }
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    world.stalled("nightly", "RoleAssignmentForbidden");
    let role = world.object("nightly").expect("it is there")["status"]["roleAssignments"][0].clone();
    assert_eq!((&role["phase"], &role["assignedAt"]), (&json!("Denied"), &json!(null)), "{role}");
    // As its message says.
    world.patch("nightly", &json!({"spec": {"synapseRole": null}}));
    world.ready("nightly");
    assert_eq!(world.condition("nightly", "RoleAssigned"), None);
    world.delete("nightly");
    world.gone("nightly");
    let told = world.kubectl(&["get", "events"]);
    assert!(told.contains("RoleAssignmentForbidden") && !told.contains("RoleAssignmentOrphaned"), "{told}");
}

#[test]
fn an_answer_that_was_lost_makes_no_second_and_is_taken_back() {
    let world = World::new("role-lost");
    world.role_fault("PUT", &json!({"lostAnswer": true}));
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    world.ready("nightly");
    assert_eq!(held(&world).len(), 1);
    world.delete("nightly");
    world.gone("nightly");
    assert!(held(&world).is_empty(), "{:?}", held(&world));
}

#[test]
fn who_may_not_list_grants_and_accepts_that_it_is_there() {
    let world = World::new("role-blind");
    world.role_fault("GET", &json!({"status": 403, "code": "Unauthorized", "message": "workspaces/read", "times": 1000}));
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    world.ready("nightly");
    // Another object grants the same to the same: on the same pool, by the same user-assigned identity. Whose it is, is known
    // also where the answer was lost.
    world.role_fault("PUT", &json!({"lostAnswer": true}));
    let identity =
        format!("identity: {{type: UserAssigned, userAssignedIdentities: [{{resourceId: {}}}]}}", world.identity("first"));
    for name in ["first", "second"] {
        world.apply(name, "one", &[&identity, ROLE]);
        world.ready(name);
    }
    assert_eq!(held(&world).len(), 2, "one for the system-assigned identity, one for the other: {:?}", held(&world));
    // The one that made it goes: the other cannot see that, and is told. It does not forget, though Synapse fails just then.
    world.role_fault("PUT", &json!({"status": 503}));
    world.delete("first");
    world.gone("first");
    world.until("it is granted again", || (held(&world).len() == 2).then_some(()));
    for name in ["nightly", "second"] {
        world.delete(name);
        world.gone(name);
    }
    assert!(held(&world).is_empty());
}

#[test]
fn of_two_that_share_a_role_the_one_that_stays_has_it() {
    let world = World::new("role-two");
    let identity =
        format!("identity: {{type: UserAssigned, userAssignedIdentities: [{{resourceId: {}}}]}}", world.identity("first"));
    for name in ["first", "second"] {
        world.apply(name, "one", &[&identity, ROLE]);
        world.ready(name);
    }
    assert_eq!(held(&world).len(), 1);
    world.delete("first");
    world.gone("first");
    world.until("the other grants it anew", || (held(&world).len() == 1).then_some(()));
    world.ready("second");
    world.delete("second");
    world.gone("second");
    assert!(held(&world).is_empty(), "and takes that back: {:?}", held(&world));
}

#[test]
fn a_grant_that_was_under_way_at_the_deletion_is_taken_back() {
    let world = World::new("role-race");
    // The answer never comes, and the object goes.
    world.role_fault("PUT", &json!({"lostAnswer": true}));
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    world.until("it is granted", || (held(&world).len() == 1).then_some(()));
    world.delete("nightly");
    world.gone("nightly");
    assert!(held(&world).is_empty(), "{:?}", held(&world));
}

#[test]
fn a_new_principal_gets_it_anew_and_the_old_grant_goes() {
    let world = World::new("role-new");
    world.apply("nightly", "one", &[SYSTEM, ROLE, "replacePolicy: Recreate"]);
    world.ready("nightly");
    let before = principal(&world, "nightly");
    world.patch("nightly", &json!({"spec": {"resourceId": world.pool("two")}}));
    world.ready("nightly");
    let after = principal(&world, "nightly");
    assert_ne!(before, after);
    world.until("the old grant is gone", || {
        (held(&world) == [(ADMINISTRATOR.to_owned(), after.clone(), on_pool(&world, "two"))]).then_some(())
    });
    // It is larger, but nobody resized it.
    world.event("nightly", "Replacing", "");
    let told = world.kubectl(&["get", "events"]);
    assert!(!told.contains("PoolChanged"), "{told}");
}

#[test]
fn it_is_taken_back_when_it_is_no_longer_wanted_and_granted_again_when_somebody_took_it() {
    let world = World::new("role-off");
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    world.ready("nightly");
    let id = world.roles()[0]["id"].as_str().expect("a GUID").to_owned();
    world.take_role(&id);
    world.ask("nightly");
    world.until("it is granted again", || (held(&world).len() == 1).then_some(()));
    world.ready("nightly");
    world.patch("nightly", &json!({"spec": {"synapseRole": null}}));
    world.until("it is taken back", || held(&world).is_empty().then_some(()));
    world.ready("nightly");
    assert_eq!(world.condition("nightly", "RoleAssigned"), None);
    assert_eq!(world.object("nightly").expect("it is there")["status"]["roleAssignments"], json!(null));
    assert_eq!(world.writes("nightly"), ["PUT"], "the compute is not touched");
}

#[test]
fn a_detach_does_not_wait_for_a_role_that_may_not_be_taken_back() {
    let world = World::new("role-stay");
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    world.ready("nightly");
    world.role_fault("DELETE", &json!({"status": 403, "code": "Unauthorized", "message": "no", "times": 1000}));
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(held(&world).len(), 1);
    world.event("nightly", "RoleAssignmentOrphaned", "az synapse role assignment delete");
    assert_eq!(world.compute("nightly"), None);
}

#[test]
fn admission_names_what_a_role_and_a_link_need() {
    let world = World::new("role-bad");
    let link = "linkedService: {name: link1, poolName: one}";
    #[rustfmt::skip]
    let table = [
        (vec![ROLE],                                                        "spec.synapseRole needs spec.identity"),
        (vec!["identity: {type: None}", ROLE],                              "spec.synapseRole needs spec.identity"),
        (vec![SYSTEM, "synapseRole: {name: Owner}"],                        "must be Synapse Administrator, Synapse Compute Operator, or a role's GUID"),
        (vec![SYSTEM, "synapseRole: {name: Synapse Administrator, scope: Everywhere}"], "Unsupported value: \"Everywhere\""),
        (vec![SYSTEM, "synapseRole: {name: Synapse Administrator, linkedService: true}"], "needs spec.linkedService"),
        (vec![link],                                                        "spec.linkedService instead of it; not both"),
    ];
    for (lines, says) in table {
        let manifest = world.manifest("bad", "one", &lines);
        let refused = world.plane().kubectl(&["apply", "--dry-run=server", "-f", "-"], &manifest);
        assert!(refused.as_ref().is_err_and(|text| text.contains(says)), "{lines:?}: {refused:?}");
    }
}
