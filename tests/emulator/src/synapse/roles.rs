//! Role definitions, role assignments, and the access that they grant.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Call, may, may_read};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::settings::AbsentAssignee;
use crate::world::{ADMINISTRATOR, Grant, Role};

/// A bare array (SPEC); with `scope`, those that can be assigned there.
pub(super) fn definitions(azure: &Azure, call: &Call<'_>) -> Result<Answer, Refusal> {
    may_read(azure, call)?;
    let scope = call.request.query_value("scope");
    let fits = |role: &&Role| scope.as_ref().is_none_or(|s| role.is_assignable(&call.name, s));
    Ok(Answer::json(200, &Value::Array(Role::all().iter().filter(fits).map(role_body).collect())))
}

pub(super) fn definition(azure: &Azure, call: &Call<'_>, guid: &str) -> Result<Answer, Refusal> {
    may_read(azure, call)?;
    let role = Role::all().iter().find(|r| r.id == guid);
    let missing = || Refusal::new(404, "RoleDefinitionNotFound", format!("There is no role '{guid}'."));
    role.map(|r| Answer::json(200, &role_body(r))).ok_or_else(missing)
}

fn role_body(role: &Role) -> Value {
    json!({
        "id": role.id,
        "name": role.name,
        "isBuiltIn": true,
        "description": role.name,
        "permissions": [{"actions": [], "notActions": [], "dataActions": role.data_actions, "notDataActions": []}],
        "scopes": role.scopes,
        "availabilityStatus": "Available",
    })
}

/// Where a role can be assigned at all: a bare array of templates (SPEC).
pub(super) fn scopes(azure: &Azure, call: &Call<'_>) -> Result<Answer, Refusal> {
    may_read(azure, call)?;
    let all: BTreeSet<&String> = Role::all().iter().flat_map(|r| &r.scopes).collect();
    Ok(Answer::json(200, &json!(all)))
}

/// LIST: the next page is requested with the value of `x-ms-continuation` (SPEC); the size of a page is NF.
pub(super) fn list(azure: &Azure, call: &Call<'_>) -> Result<Answer, Refusal> {
    may_read(azure, call)?;
    let skip = match call.request.header("x-ms-continuation") {
        None => 0,
        Some(text) => text.parse::<usize>().map_err(|_| invalid(format!("The continuation token '{text}' is not valid.")))?,
    };
    let asked = |key: &str| call.request.query_value(key);
    let (role, principal, scope) = (asked("roleId"), asked("principalId"), asked("scope"));
    let fits = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|w| w.eq_ignore_ascii_case(is));
    let found: Vec<Value> = (azure.world.grants(&call.workspace))
        .filter(|(_, g)| fits(&role, &g.role.id) && fits(&principal, &g.principal) && fits(&scope, &g.scope))
        .map(|(guid, grant)| body(guid, grant))
        .collect();
    let (size, count) = (azure.settings.page_size, found.len());
    let page: Vec<Value> = found.into_iter().skip(skip).take(size).collect();
    let answer = Answer::json(200, &json!({"count": page.len(), "value": page}));
    let next = skip.saturating_add(size);
    Ok(if next < count { answer.with("x-ms-continuation", next.to_string()) } else { answer })
}

pub(super) fn show(azure: &Azure, call: &Call<'_>, guid: &str) -> Result<Answer, Refusal> {
    may_read(azure, call)?;
    let found = azure.world.grants.get(&key(call, guid));
    let found =
        found.ok_or_else(|| Refusal::new(404, "RoleAssignmentNotFound", format!("There is no role assignment '{guid}'.")))?;
    Ok(Answer::json(200, &body(guid, found)))
}

/// PUT. A second assignment of the same role, principal and scope is refused, whatever its GUID is (REAL; its status 409 is INF).
/// The codes of the other refusals are INF.
// Longer than other functions: one check per refusal.
pub(super) fn create(azure: &mut Azure, call: &Call<'_>, guid: &str) -> Result<Answer, Refusal> {
    let wanted: Value = serde_json::from_slice(&call.request.body).map_err(|e| invalid(format!("The body is no JSON: {e}.")))?;
    let text = |key: &str| wanted[key].as_str().ok_or_else(|| invalid(format!("The field '{key}' is required.")));
    let (role_id, principal, scope) = (text("roleId")?, text("principalId")?, text("scope")?);
    may_assign(azure, call, "write", scope)?;
    for guid in [guid, principal] {
        Uuid::parse_str(guid).map_err(|_| invalid(format!("'{guid}' is no GUID.")))?;
    }
    let kind = match wanted["principalType"].as_str() {
        // Azure looks it up in Entra; here any type is accepted (INF).
        None => "ServicePrincipal",
        Some(kind @ ("User" | "Group" | "ServicePrincipal")) => kind,
        Some(other) => return Err(invalid(format!("'{other}' is no type of principal."))),
    };
    let role = Role::find(role_id).filter(|r| r.id.eq_ignore_ascii_case(role_id));
    let role = role.ok_or_else(|| Refusal::new(400, "RoleDefinitionNotFound", format!("There is no role '{role_id}'.")))?;
    if !role.is_assignable(&call.name, scope) {
        return Err(Refusal::new(
            400,
            "InvalidScope",
            format!("The role '{}' can't be assigned at the scope '{scope}'.", role.name),
        ));
    }
    if azure.settings.absent_assignee == AbsentAssignee::Refuse {
        assignee_is_there(azure, call, (principal, kind), scope)?;
    }
    if azure.world.grants(&call.workspace).any(|(_, grant)| grant.is_same(role_id, principal, scope)) {
        let message = format!(
            "Role Assignment with roleId '{role_id}', principalId '{principal}' and scope '{scope}' within workspace '{}' already exists.",
            call.name
        );
        return Err(Refusal::new(409, "RoleAssignmentAlreadyExists", message));
    }
    if azure.world.grants.contains_key(&key(call, guid)) {
        return Err(Refusal::new(
            409,
            "RoleAssignmentUpdateNotPermitted",
            format!("The role assignment '{guid}' can't be changed."),
        ));
    }
    let grant = Grant {
        role,
        principal: principal.to_owned(),
        principal_type: kind.to_owned(),
        scope: scope.to_owned(),
        workspace: call.workspace.clone(),
        granted: Some(call.now),
    };
    let answer = Answer::json(200, &body(guid, &grant));
    azure.world.grants.insert(key(call, guid), grant);
    Ok(answer)
}

/// Refuses a principal or a pool that does not exist. The world has no users and groups, so all of these are accepted. The code
/// and the text are those of Azure's own roles (DOC); that Synapse answers the same is INF.
fn assignee_is_there(azure: &Azure, call: &Call<'_>, (principal, kind): (&str, &str), scope: &str) -> Result<(), Refusal> {
    let spread = azure.settings.principal_propagation;
    if kind == "ServicePrincipal" && !azure.world.knows_principal(principal, call.now, spread) {
        let message = format!("Principal {} does not exist in the directory {}.", principal.replace('-', ""), call.token.tenant);
        return Err(Refusal::new(400, "PrincipalNotFound", message));
    }
    match scope.split('/').collect::<Vec<_>>().as_slice() {
        [_, _, kind, pool] if kind.eq_ignore_ascii_case("bigDataPools") => {
            let id = format!("{}/bigDataPools/{pool}", call.workspace);
            let missing = || Refusal::new(400, "InvalidScope", format!("There is no Spark pool '{pool}'."));
            azure.world.pools.get(&id::fold(&id)).map(drop).ok_or_else(missing)
        }
        _ => Ok(()),
    }
}

/// 200, or 204 if there is none (SPEC); with `scope`, only if it is at that scope (INF).
pub(super) fn delete(azure: &mut Azure, call: &Call<'_>, guid: &str) -> Result<Answer, Refusal> {
    let key = key(call, guid);
    let asked = call.request.query_value("scope");
    let found = azure.world.grants.get(&key).map(|g| g.scope.clone());
    let scope = asked.clone().or_else(|| found.clone()).unwrap_or_else(|| format!("workspaces/{}", call.name));
    may_assign(azure, call, "delete", &scope)?;
    if found.is_none_or(|is| asked.is_some_and(|a| !a.eq_ignore_ascii_case(&is))) {
        return Ok(Answer::empty(204));
    }
    azure.world.grants.remove(&key);
    Ok(Answer::empty(200))
}

/// What a principal may do: everything for an administrator, else the data actions, as far as they are known (REAL form).
pub(super) fn check(azure: &Azure, call: &Call<'_>) -> Result<Answer, Refusal> {
    may_read(azure, call)?;
    let asked: Value = serde_json::from_slice(&call.request.body).map_err(|e| invalid(format!("The body is no JSON: {e}.")))?;
    let (principal, scope) = (asked["subject"]["principalId"].as_str(), asked["scope"].as_str());
    let (Some(principal), Some(scope)) = (principal, scope) else {
        return Err(invalid("'subject.principalId' and 'scope' are required."));
    };
    let decided = asked["actions"].as_array().into_iter().flatten().map(|action| {
        let action = action["id"].as_str().unwrap_or_default();
        let allows = |grant: &Grant| {
            grant.covers(principal, scope)
                && (grant.role.id == ADMINISTRATOR || grant.role.data_actions.iter().any(|a| a.eq_ignore_ascii_case(action)))
        };
        match azure.world.grants(&call.workspace).find(|(_, grant)| allows(grant)) {
            Some((guid, grant)) => json!({"accessDecision": "Allowed", "actionId": action, "roleAssignment": body(guid, grant)}),
            None => json!({"accessDecision": "NotAllowed", "actionId": action}),
        }
    });
    Ok(Answer::json(200, &json!({"AccessDecisions": decided.collect::<Vec<_>>()})))
}

/// An administrator of the scope may do this, and so may a principal that ARM allows to.
fn may_assign(azure: &Azure, call: &Call<'_>, verb: &str, scope: &str) -> Result<(), Refusal> {
    let action = format!("Microsoft.Synapse/workspaces/roleAssignments/{verb}");
    may(azure, call, &action, scope, |grant| grant.role.id == ADMINISTRATOR && grant.covers(&call.token.object, scope))
}

fn key(call: &Call<'_>, guid: &str) -> (String, String) {
    (id::fold(&call.workspace), id::fold(guid))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationError", message)
}

/// `roleId` in requests, `roleDefinitionId` in answers (SPEC).
fn body(guid: &str, grant: &Grant) -> Value {
    json!({
        "id": guid,
        "roleDefinitionId": grant.role.id,
        "principalId": grant.principal,
        "scope": grant.scope,
        "principalType": grant.principal_type,
    })
}
