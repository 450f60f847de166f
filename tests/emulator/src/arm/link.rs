//! The linked services of a Machine Learning workspace, from SDK v1: its connections to Synapse workspaces.

use serde_json::{Value, json};

use super::workspace::{WORKSPACES, parent};
use super::{Call, authorize, not_allowed, not_found};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::world::seed::LinkedService;
use crate::world::{LINK_TYPE, SYNAPSE_TYPE};

/// LIST, without pages (SPEC).
pub(super) fn list(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let at = format!("/{}", segments[..8].join("/"));
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    authorize(&azure.world, &call.token, &format!("{LINK_TYPE}/read"), &at)?;
    let workspace = parent(azure, &at, "linkedServices", "read")?;
    let scope = id::fold(&workspace.id);
    let all = azure.world.links.iter().filter(|(key, _)| id::is_within(key, &scope));
    let all: Vec<Value> = all.map(|(_, link)| body(link, &workspace.location)).collect();
    Ok(Answer::json(200, &json!({"value": all})))
}

/// One linked service: GET, PUT, DELETE, each complete when it is answered (SPEC).
pub(super) fn one(azure: &mut Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let (at, name) = (format!("/{}", segments[..8].join("/")), segments[9].as_str());
    let resource = format!("{at}/linkedServices/{name}");
    let verb = match call.request.method.as_str() {
        "GET" => "read",
        "PUT" => "write",
        "DELETE" => "delete",
        other => return Err(not_allowed(other)),
    };
    authorize(&azure.world, &call.token, &format!("{LINK_TYPE}/{verb}"), &resource)?;
    let workspace = parent(azure, &at, "linkedServices", verb)?;
    let key = format!("{}/linkedservices/{}", id::fold(&workspace.id), id::fold(name));
    match verb {
        "read" => {
            // The code is one that SDK v1 accepts (SDK); Azure's own is NF.
            let missing = || not_found(&format!("{WORKSPACES}/{}/linkedServices/{name}", id::name(&workspace.id)), &resource);
            let link = azure.world.links.get(&key).ok_or_else(missing)?;
            Ok(Answer::json(200, &body(link, &workspace.location)))
        }
        "write" => {
            if !azure.settings.linked_services_creatable {
                // That new ones can no longer be created is announced (DOC); the text of the refusal is INF.
                return Err(Refusal::user_error(
                    "Creating a linked service is no longer supported. Attach the Synapse Spark pool to the workspace directly.",
                ));
            }
            let link = wanted(call, &format!("{}/linkedServices/{name}", workspace.id))?;
            let link = azure.world.add_link(call.now, link, &call.token.tenant);
            Ok(Answer::json(200, &body(link, &workspace.location)))
        }
        _ => Ok(Answer::empty(if azure.world.links.remove(&key).is_some() { 200 } else { 204 })),
    }
}

fn wanted(call: &Call<'_>, id: &str) -> Result<LinkedService, Refusal> {
    let body: Value = super::json_body(call)?;
    let linked = body["properties"]["linkedServiceResourceId"].as_str().unwrap_or_default();
    if !id::has_type(linked, SYNAPSE_TYPE) {
        return Err(Refusal::user_error(format!(
            "The 'linkedServiceResourceId' '{linked}' is not the ID of a Synapse workspace."
        )));
    }
    Ok(LinkedService::new(id, linked, body["location"].as_str()))
}

/// As in the specification's example of a PUT; its GET lacks `linkType` and the times, which a client must tolerate (SPEC).
fn body(link: &LinkedService, location: &str) -> Value {
    json!({
        "id": link.id,
        "name": id::name(&link.id),
        "location": link.location.as_deref().unwrap_or(location),
        "type": LINK_TYPE,
        "identity": {"type": "SystemAssigned", "principalId": link.principal_id, "tenantId": link.tenant_id},
        "properties": {
            "linkedServiceResourceId": link.linked,
            "linkType": "Synapse",
            "createdTime": link.created_time,
            "modifiedTime": link.modified_time,
        }
    })
}
