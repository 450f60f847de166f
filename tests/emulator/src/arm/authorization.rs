//! Azure's own roles and their assignments, at any scope.

use serde_json::{Value, json};

use super::page::page_by;
use super::{Call, authenticated, authorize, in_group, is_for_arm, not_allowed, quota};
use crate::api_versions;
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::incoming::Incoming;
use crate::world::seed::AzureRole;
use crate::world::{Assignment, World};

const ASSIGNMENTS: &str = "Microsoft.Authorization/roleAssignments";
const DEFINITIONS: &str = "Microsoft.Authorization/roleDefinitions";

/// The scope of a request, which is `depth` segments shorter than its path. Whether the resource itself exists is not checked
/// (INF).
fn scope(azure: &Azure, call: &Call<'_>, segments: &[String], depth: usize, action: &str) -> Result<String, Refusal> {
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    let scope = format!("/{}", segments[..segments.len() - depth].join("/"));
    authorize(&azure.world, &call.token, action, &scope)?;
    if id::part(&scope, "resourceGroups").is_some() {
        in_group(&azure.world, &scope)?;
    }
    Ok(scope)
}

/// LIST of the assignments of a scope. Without a filter these are those at it, above it and below it (DOC: of deny assignments,
/// which are listed in the same way).
pub(super) fn assignments(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let scope = scope(azure, call, segments, 3, &format!("{ASSIGNMENTS}/read"))?;
    let filter = Filter::parse(&call.request.query_value("$filter").unwrap_or_default())?;
    let (world, at) = (&azure.world, id::fold(&scope));
    // `assignedTo` accepts no group (DOC); here it finds nothing for one (INF).
    let who = filter.assigned_to.as_ref().map(|principal| world.with_groups(principal));
    let fits = |(of, one): &(String, &Assignment)| {
        let principal = id::fold(&one.seed.principal_id);
        (world.is_at_or_above(of, &at) || (!filter.at_scope && id::is_within(of, &at)))
            && filter.principal.as_ref().is_none_or(|wanted| *wanted == principal)
            && who.as_ref().is_none_or(|all| all.contains(&principal))
    };
    let found = world.assignments().filter(fits).map(|(_, one)| assignment_body(one));
    page_by("$skipToken", azure, call, &format!("/{}", segments.join("/")), found)
}

/// GET of one assignment, at its own scope (SPEC).
pub(super) fn assignment(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    scope(azure, call, segments, 4, &format!("{ASSIGNMENTS}/read"))?;
    let wanted = id::fold(&format!("/{}", segments.join("/")));
    let found = azure.world.assignments().find(|(_, one)| id::fold(&one.id()) == wanted);
    let missing = || {
        let name = segments.last().map_or("", String::as_str);
        Refusal::new(404, "RoleAssignmentNotFound", format!("The role assignment '{name}' is not found."))
    };
    found.map(|(_, one)| Answer::json(200, &assignment_body(one))).ok_or_else(missing)
}

/// LIST of the roles that can be assigned at a scope; also those of the scopes below with `atScopeAndBelow()` (DOC).
pub(super) fn definitions(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let scope = scope(azure, call, segments, 3, &format!("{DEFINITIONS}/read"))?;
    let filter = call.request.query_value("$filter").unwrap_or_default();
    let quoted = |field: &str| value_of(&filter, &format!("{field} eq "));
    let (name, kind, below) = (quoted("roleName"), quoted("type"), filter.trim().eq_ignore_ascii_case("atScopeAndBelow()"));
    if name.is_none() && kind.is_none() && !below && !filter.trim().is_empty() {
        return Err(unsupported(&filter, "'atScopeAndBelow()' or 'roleName eq '{value}' or type eq '{value}'"));
    }
    let fits = |role: &&AzureRole| {
        (is_assignable(&azure.world, role, &scope) || (below && is_below(role, &scope)))
            && name.as_ref().is_none_or(|wanted| role.role_name == *wanted)
            && kind.as_ref().is_none_or(|wanted| type_of(role).eq_ignore_ascii_case(wanted))
    };
    let found = azure.world.azure_roles().filter(fits).map(|role| definition_body(role, &scope));
    page_by("$skipToken", azure, call, &format!("/{}", segments.join("/")), found)
}

/// GET of one role (SPEC). The code of a missing one is REAL, of a PUT of an assignment; its status is INF.
pub(super) fn definition(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let scope = scope(azure, call, segments, 4, &format!("{DEFINITIONS}/read"))?;
    let guid = segments.last().map_or("", String::as_str);
    let found = azure.world.azure_roles().find(|role| role.id.eq_ignore_ascii_case(guid));
    let found = found.filter(|role| is_assignable(&azure.world, role, &scope));
    let missing = || {
        let message = format!("The specified role definition with ID '{}' does not exist.", guid.replace('-', ""));
        Refusal::new(404, "RoleDefinitionDoesNotExist", message)
    };
    found.map(|role| Answer::json(200, &definition_body(role, &scope))).ok_or_else(missing)
}

/// Roles at the scope of the tenant, `/`: the ID of a role in an assignment at a management group begins there (SPEC).
pub(super) fn of_tenant(
    azure: &mut Azure,
    incoming: &Incoming<'_>,
    segments: &[String],
    path: &[&str],
) -> Result<Answer, Refusal> {
    let request = incoming.request;
    let origin = azure.origin(request);
    let token = authenticated(azure, incoming, &origin, |audience| is_for_arm(azure, &origin, audience))?;
    let version = api_versions::asked(request)?;
    api_versions::check(&azure.settings.api_versions, &version, path)?;
    let counted = quota::Counted { now: incoming.now, method: &request.method, path, token: &token };
    let remaining = quota::of_tenant(azure, &counted)?;
    let call = Call { now: incoming.now, request, origin, version, token, doomed: None };
    let answer = if path.len() == 3 { definitions(azure, &call, segments) } else { definition(azure, &call, segments) };
    let mut answer = answer.unwrap_or_else(Refusal::answer);
    answer.headers.extend(remaining);
    Ok(answer)
}

/// The filter of a LIST of assignments.
#[derive(Debug, Default, PartialEq, Eq)]
struct Filter {
    /// Only those at the scope and above it (SPEC).
    at_scope: bool,
    /// Those of the principal and of its groups (DOC).
    assigned_to: Option<String>,
    /// Those of the principal itself (DOC).
    principal: Option<String>,
}

impl Filter {
    /// The filters of the documentation; all others are refused (REAL: azure-rest-api-specs#28255; a principal without
    /// apostrophes is one of them).
    fn parse(text: &str) -> Result<Self, Refusal> {
        let refused = || unsupported(text, "'atScope()' or 'principalId eq '{value}' or assignedTo('{value}')'");
        let whole = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_at_scope = |text: &str| text.eq_ignore_ascii_case("atScope()");
        let assigned = |text: &str| value_of(text.strip_suffix(')')?, "assignedTo(");
        let found = match whole.split_once(" and ") {
            None if whole.is_empty() => Some(Self::default()),
            None if is_at_scope(&whole) => Some(Self { at_scope: true, ..Self::default() }),
            None => match (assigned(&whole), value_of(&whole, "principalId eq ")) {
                (None, None) => None,
                (assigned_to, principal) => Some(Self { at_scope: false, assigned_to, principal }),
            },
            Some((first, second)) if is_at_scope(first) => {
                assigned(second).map(|one| Self { at_scope: true, assigned_to: Some(one), principal: None })
            }
            Some(_) => None,
        };
        found.map(|one| Self { principal: one.principal.map(|p| id::fold(&p)), ..one }).ok_or_else(refused)
    }
}

/// The text between the apostrophes that follow these words, if there is nothing else.
fn value_of(text: &str, words: &str) -> Option<String> {
    let head = text.get(..words.len()).filter(|head| head.eq_ignore_ascii_case(words))?;
    let value = text[head.len()..].strip_prefix('\'')?.strip_suffix('\'')?;
    (!value.is_empty() && !value.contains('\'')).then(|| value.to_owned())
}

fn unsupported(filter: &str, supported: &str) -> Refusal {
    let message = format!("The filter '{filter}' is not supported. Supported filters are either {supported}.");
    Refusal::new(400, "UnsupportedQuery", message)
}

fn type_of(role: &AzureRole) -> &'static str {
    if World::is_built_in(role) { "BuiltInRole" } else { "CustomRole" }
}

fn is_assignable(world: &World, role: &AzureRole, scope: &str) -> bool {
    role.assignable_scopes.iter().any(|one| world.is_at_or_above(&id::fold(one), &id::fold(scope)))
}

fn is_below(role: &AzureRole, scope: &str) -> bool {
    role.assignable_scopes.iter().any(|one| id::is_within(&id::fold(one), &id::fold(scope)))
}

/// The ID of a role, as seen from a scope: with its subscription, if it has one (SPEC: both forms).
fn definition_id(role: &AzureRole, scope: &str) -> String {
    let subscription = id::subscription(scope).map(|one| format!("/subscriptions/{one}")).unwrap_or_default();
    format!("{subscription}/providers/{DEFINITIONS}/{}", role.id)
}

fn assignment_body(one: &Assignment) -> Value {
    let seed = &one.seed;
    json!({
        "properties": {
            "roleDefinitionId": definition_id(&one.role, one.scope()),
            "principalId": seed.principal_id,
            "principalType": seed.principal_type,
            "scope": if one.scope().is_empty() { "/" } else { one.scope() },
            "condition": seed.condition,
            "conditionVersion": seed.condition.as_ref().map(|_| "2.0"),
            "createdOn": seed.created_on,
            "updatedOn": seed.created_on,
            "createdBy": null,
            "updatedBy": null,
            "delegatedManagedIdentityResourceId": null,
            "description": null,
        },
        "id": one.id(),
        "type": ASSIGNMENTS,
        "name": one.name,
    })
}

fn definition_body(role: &AzureRole, scope: &str) -> Value {
    json!({
        "properties": {
            "roleName": role.role_name,
            "type": type_of(role),
            "description": role.description,
            "assignableScopes": role.assignable_scopes,
            "permissions": role.permissions,
        },
        "id": definition_id(role, scope),
        "type": DEFINITIONS,
        "name": role.id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_those_of_the_documentation() {
        let of = |at_scope, assigned_to: Option<&str>, principal: Option<&str>| {
            Some(Filter { at_scope, assigned_to: assigned_to.map(str::to_owned), principal: principal.map(str::to_owned) })
        };
        for (text, expected) in [
            ("", of(false, None, None)),
            ("atScope()", of(true, None, None)),
            ("assignedTo('a')", of(false, Some("a"), None)),
            ("atScope() and assignedTo('a')", of(true, Some("a"), None)),
            ("ATSCOPE()  and  AssignedTo('a')", of(true, Some("a"), None)),
            ("principalId eq 'A'", of(false, None, Some("a"))),
            ("principalId eq a", None),
            ("principalId eq ''", None),
            ("principalId eq 'a' and roleDefinitionId eq 'b'", None),
            ("atScope() and principalId eq 'a'", None),
            ("assignedTo('a') and atScope()", None),
            ("assignedTo('a'", None),
            ("roleDefinitionId eq 'b'", None),
        ] {
            assert_eq!(Filter::parse(text).ok(), expected, "{text}");
        }
    }
}
