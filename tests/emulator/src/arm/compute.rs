//! The computes of a Machine Learning workspace.

use uuid::Uuid;

use super::workspace::{WORKSPACES, parent};
use super::{Call, authorize, checks, is_allowed, json_body, not_allowed, not_found, operation, page};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::settings::{UnknownKeys, WrongLocation};
use crate::world::seed::Workspace;
use crate::world::{Started, Wanted};

const ASSIGN: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";

/// LIST of a workspace's computes.
pub(super) fn list(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let at = format!("/{}", segments[..8].join("/"));
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    authorize(&azure.world, &call.token, &format!("{WORKSPACES}/computes/read"), &at)?;
    let workspace = parent(azure, &at, "computes", "read")?;
    page(azure, call, &format!("{}/computes", workspace.id), azure.world.computes_of(&id::fold(&workspace.id)))
}

/// One compute: GET, PUT, PATCH, DELETE.
pub(super) fn one(azure: &mut Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let (at, name) = (format!("/{}", segments[..8].join("/")), segments[9].as_str());
    let resource = format!("{at}/computes/{name}");
    let verb = match call.request.method.as_str() {
        "GET" => "read",
        "PUT" | "PATCH" => "write",
        "DELETE" => "delete",
        other => return Err(not_allowed(other)),
    };
    authorize(&azure.world, &call.token, &format!("{WORKSPACES}/computes/{verb}"), &resource)?;
    let workspace = parent(azure, &at, "computes", verb)?;
    let key = format!("{}/computes/{}", id::fold(&workspace.id), id::fold(name));
    // The code of a missing compute is NF; ARM's own is ResourceNotFound (INF).
    let missing = || not_found(&format!("{WORKSPACES}/{}/computes/{name}", id::name(&workspace.id)), &resource);
    match call.request.method.as_str() {
        "GET" => azure.world.read(&key).map(|body| Answer::json(200, body)).ok_or_else(missing),
        "PUT" => attach(azure, call, &workspace, name),
        "DELETE" => detach(azure, call, &workspace, &key),
        // Only the scale settings of an AmlCompute can be patched (SPEC).
        _ if azure.world.computes.contains_key(&key) => {
            Err(Refusal::user_error("Only the scale settings of an AmlCompute can be patched; use PUT."))
        }
        _ => Err(missing()),
    }
}

/// 201 for a new compute and for an existing one; `Azure-AsyncOperation`, and neither `Location` nor `Retry-After` (REAL).
fn attach(azure: &mut Azure, call: &Call<'_>, workspace: &Workspace, name: &str) -> Result<Answer, Refusal> {
    let (body, key) = (json_body(call)?, id::fold(&workspace.id));
    checks::tags(&body, azure.settings.tag_limit)?;
    if azure.settings.tag_rules {
        checks::tag_rules(&body)?;
    }
    if azure.settings.unknown_keys == UnknownKeys::Refuse {
        checks::keys(&body)?;
    }
    if azure.settings.wrong_location == WrongLocation::Refuse {
        let before = azure.world.computes.get(&format!("{key}/computes/{}", id::fold(name)));
        checks::location(&body, workspace, name, before.map(|c| &c.body))?;
    }
    let wanted = Wanted::parse(name, body)?;
    for user in &wanted.identity.users {
        if !is_allowed(&azure.world, &call.token, ASSIGN, user) {
            let client = &call.token.object;
            return Err(Refusal::new(
                403,
                "LinkedAuthorizationFailed",
                format!(
                    "The client '{client}' with object id '{client}' has permission to perform action '{WORKSPACES}/computes/write' on scope '{}/computes/{name}'; however, it does not have permission to perform action(s) '{ASSIGN}' on the linked scope(s) '{user}' (respectively) or the linked scope(s) are invalid.",
                    workspace.id
                ),
            ));
        }
    }
    let Started { body, operation } = azure.world.attach(call.now, &azure.settings, &key, &wanted, call.doomed.clone())?;
    Ok(accepted(azure, call, workspace, operation, Answer::json(201, &body)))
}

/// 202 with `Azure-AsyncOperation` and an empty body (REAL); 204 if there is none (SPEC).
fn detach(azure: &mut Azure, call: &Call<'_>, workspace: &Workspace, key: &str) -> Result<Answer, Refusal> {
    // Required (SPEC); v1 sends it in lower case (SDK).
    let action = call.request.query_value("underlyingResourceAction").unwrap_or_default();
    let deletes = action.eq_ignore_ascii_case("Delete");
    if !deletes && !action.eq_ignore_ascii_case("Detach") {
        return Err(Refusal::user_error(format!(
            "The query parameter underlyingResourceAction is '{action}'; it must be Delete or Detach."
        )));
    }
    let spark = azure.world.computes.get(key).is_some_and(|c| c.body["properties"]["computeType"] == "SynapseSpark");
    if deletes && spark {
        // What the service does is NF; the message of v1 is "Delete is not supported for Synapse object" (SDK, INF).
        return Err(Refusal::user_error("Delete is not supported for a SynapseSpark compute. Use Detach instead."));
    }
    let started = azure.world.detach(call.now, &azure.settings, key, call.doomed.clone())?;
    Ok(match started {
        None => Answer::empty(204),
        Some(operation) => accepted(azure, call, workspace, operation, Answer::empty(202).with("Content-Length", "0")),
    })
}

fn accepted(azure: &Azure, call: &Call<'_>, workspace: &Workspace, operation: Uuid, answer: Answer) -> Answer {
    let link = operation::link(call, &workspace.id, &workspace.location, operation);
    let answer = if azure.settings.operation_header { answer.with("Azure-AsyncOperation", link) } else { answer };
    match azure.settings.operation_retry_after {
        Some(seconds) => answer.with("Retry-After", seconds.to_string()),
        None => answer,
    }
}
