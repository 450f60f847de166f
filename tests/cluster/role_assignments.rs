//! Role assignments in the Synapse workspace.

use serde_json::{Value, json};

use crate::support::World;

const ADMINISTRATOR: &str = "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78";
pub const SYSTEM: &str = "identity: {type: SystemAssigned}";
pub const ROLE: &str = "synapseRole: {name: Synapse Administrator}";

/// The principal of the compute's own identity.
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

/// The scope of a pool.
fn on_pool(world: &World, pool: &str) -> String {
    format!("workspaces/{}/bigDataPools/{pool}", world.synapse_name(""))
}

/// An attachment that has its role.
fn ready(name: &str) -> World {
    let world = World::new(name);
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    world.ready("nightly");
    world
}

#[test]
fn assigns_the_role_before_the_object_is_ready() {
    let world = ready("role");
    let principal = principal(&world, "nightly");
    assert_eq!(held(&world), [(ADMINISTRATOR.into(), principal.clone(), on_pool(&world, "one"))]);
    assert_eq!(world.all_writes(), ["PUT compute", "PUT role"]);
    let assigned = world.condition("nightly", "RoleAssigned").expect("it is asked for");
    assert_eq!((&assigned["status"], &assigned["reason"]), (&json!("True"), &json!("RoleAssigned")), "{assigned}");
    assert!(assigned["message"].as_str().is_some_and(|message| message.contains("Synapse Administrator")), "{assigned}");
    let recorded = &world.object("nightly").expect("it is there")["status"]["roleAssignments"];
    assert_eq!(recorded[0]["principalId"], json!(principal), "{recorded}");
}

#[test]
fn wide_output_of_kubectl_has_the_role() {
    let world = ready("role-wide");
    let wide = world.kubectl(&["get", "ssa", "-o", "wide"]);
    assert!(wide.contains("ROLE") && wide.contains("RoleAssigned") && wide.contains("one"), "{wide}");
}

#[test]
fn deletes_the_role_assignment_before_detaching() {
    let world = ready("role-delete");
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.all_writes(), ["PUT compute", "PUT role", "DELETE role", "DELETE compute"]);
    assert!(held(&world).is_empty());
}

#[test]
fn first_user_assigned_identity_gets_the_role_on_the_workspace() {
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

/// An attachment whose role the operator may not assign, and its message.
fn forbidden(name: &str) -> (World, String) {
    let world = World::new(name);
    let words = "The principal does not have the required Synapse RBAC permission";
    world.role_fault("PUT", &json!({"status": 403, "code": "Unauthorized", "message": words, "times": 1000}));
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    let message = world.stalled("nightly", "RoleAssignmentForbidden");
    assert!(message.contains(words), "{message}");
    (world, message)
}

#[test]
fn missing_permission_to_assign_roles_names_the_command_to_run() {
    let (world, message) = forbidden("role-no");
    let command = format!(
        "az synapse role assignment create --workspace-name {} --role \"Synapse Administrator\" --assignee-object-id {} --assignee-principal-type ServicePrincipal --scope {}",
        world.synapse_name(""),
        principal(&world, "nightly"),
        on_pool(&world, "one")
    );
    assert!(message.contains(&command), "{message}");
    let assigned = world.condition("nightly", "RoleAssigned").expect("it is asked for");
    assert_eq!((&assigned["status"], &assigned["reason"]), (&json!("False"), &json!("RoleAssignmentForbidden")), "{assigned}");
    world.event("nightly", "RoleAssignmentForbidden", "az synapse role assignment create");
}

#[test]
fn role_that_somebody_else_assigned_is_used_and_stays_after_the_detach() {
    let (world, _) = forbidden("role-theirs");
    let (scope, principal) = (on_pool(&world, "one"), principal(&world, "nightly"));
    world.add(&json!({"roleAssignments": [{"workspace": world.synapse(""), "id": "aaaaaaaa-0000-4000-8000-000000000001", "roleId": ADMINISTRATOR, "principalId": principal, "scope": scope}]}));
    world.request_reconcile("nightly");
    world.ready("nightly");
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(held(&world).len(), 1, "it was not the operator's, so it stays");
    assert_eq!(world.all_writes(), ["PUT compute", "DELETE compute"]);
}

/// An attachment whose role was never assigned, in a workspace whose role assignments the operator may not access.
fn denied(name: &str) -> World {
    let world = World::new(name);
    for method in ["GET", "PUT", "DELETE"] {
        world.role_fault(method, &json!({"status": 403, "code": "Unauthorized", "message": "no", "times": 1000}));
    }
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    world.stalled("nightly", "RoleAssignmentForbidden");
    world
}

#[test]
fn object_becomes_ready_when_a_role_that_was_never_assigned_is_removed_from_the_spec() {
    let world = denied("role-never");
    let role = world.object("nightly").expect("it is there")["status"]["roleAssignments"][0].clone();
    assert_eq!((&role["phase"], &role["assignedAt"]), (&json!("Denied"), &json!(null)), "{role}");
    world.patch("nightly", &json!({"spec": {"synapseRole": null}}));
    world.ready("nightly");
    assert_eq!(world.condition("nightly", "RoleAssigned"), None);
}

#[test]
fn detach_reports_no_orphan_of_a_role_that_was_never_assigned() {
    let world = denied("role-none");
    world.patch("nightly", &json!({"spec": {"synapseRole": null}}));
    world.ready("nightly");
    world.delete("nightly");
    world.gone("nightly");
    let events = world.kubectl(&["get", "events"]);
    assert!(events.contains("RoleAssignmentForbidden") && !events.contains("RoleAssignmentOrphaned"), "{events}");
}

#[test]
fn lost_answer_to_an_assignment_creates_no_second_one() {
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
fn assignment_whose_answer_is_pending_at_the_deletion_is_revoked() {
    let world = World::new("role-race");
    world.role_fault("PUT", &json!({"lostAnswer": true}));
    world.apply("nightly", "one", &[SYSTEM, ROLE]);
    world.until("it is assigned", || (held(&world).len() == 1).then_some(()));
    world.delete("nightly");
    world.gone("nightly");
    assert!(held(&world).is_empty(), "{:?}", held(&world));
}

#[test]
fn replaced_compute_gets_the_role_and_the_former_assignment_is_revoked() {
    let world = World::new("role-new");
    world.apply("nightly", "one", &[SYSTEM, ROLE, "replacePolicy: Recreate"]);
    world.ready("nightly");
    let before = principal(&world, "nightly");
    world.patch("nightly", &json!({"spec": {"resourceId": world.pool("two")}}));
    world.ready("nightly");
    let after = principal(&world, "nightly");
    assert_ne!(before, after);
    world.until("the former assignment is revoked", || {
        (held(&world) == [(ADMINISTRATOR.to_owned(), after.clone(), on_pool(&world, "two"))]).then_some(())
    });
    // The other pool is larger, but nobody resized it.
    world.event("nightly", "Replacing", "");
    let events = world.kubectl(&["get", "events"]);
    assert!(!events.contains("PoolChanged"), "{events}");
}

#[test]
fn assignment_that_a_user_deleted_is_recreated() {
    let world = ready("role-again");
    let id = world.roles()[0]["id"].as_str().expect("a GUID").to_owned();
    world.take_role(&id);
    world.request_reconcile("nightly");
    world.until("it is assigned again", || (held(&world).len() == 1).then_some(()));
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"], "the compute is not written");
}

#[test]
fn role_removed_from_the_spec_is_revoked() {
    let world = ready("role-off");
    world.patch("nightly", &json!({"spec": {"synapseRole": null}}));
    world.until("it is revoked", || held(&world).is_empty().then_some(()));
    world.ready("nightly");
    assert_eq!(world.condition("nightly", "RoleAssigned"), None);
    assert_eq!(world.object("nightly").expect("it is there")["status"]["roleAssignments"], json!(null));
    assert_eq!(world.writes("nightly"), ["PUT"], "the compute is not written");
}

#[test]
fn detach_does_not_wait_for_a_role_that_may_not_be_revoked() {
    let world = ready("role-stay");
    world.role_fault("DELETE", &json!({"status": 403, "code": "Unauthorized", "message": "no", "times": 1000}));
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(held(&world).len(), 1);
    world.event("nightly", "RoleAssignmentOrphaned", "az synapse role assignment delete");
    assert_eq!(world.compute("nightly"), None);
}
