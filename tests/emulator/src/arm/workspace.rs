//! Machine Learning workspaces.

use serde_json::{Value, json};

use super::group::read;
use super::{Call, in_group, page, within};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::world::seed::Workspace;

pub(super) const WORKSPACES: &str = "Microsoft.MachineLearningServices/workspaces";

/// GET of a workspace (SDK: as recorded against its clients).
pub(super) fn one(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let known = read(azure, call, segments, (WORKSPACES, &azure.world.workspaces))?;
    Ok(Answer::json(200, &body(azure, call, known)))
}

/// LIST of those in a subscription or in a resource group (SPEC).
pub(super) fn list(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let scope = within(azure, call, &format!("{WORKSPACES}/read"), segments)?;
    let all = azure.world.workspaces.iter().filter(|(key, _)| id::is_within(key, &id::fold(&scope)));
    let all = all.map(|(_, workspace)| body(azure, call, workspace));
    page(azure, call, &format!("/{}", segments.join("/")), all)
}

fn body(azure: &Azure, call: &Call<'_>, workspace: &Workspace) -> Value {
    let guid = |what: &str| id::guid(what, &workspace.id);
    let (name, location) = (id::name(&workspace.id), &workspace.location);
    let discovery = if azure.settings.own_discovery { call.origin.clone() } else { format!("https://{location}.api.azureml.ms") };
    let mut properties = json!({
        "provisioningState": "Succeeded",
        "friendlyName": name,
        "discoveryUrl": format!("{discovery}/discovery"),
        "workspaceId": guid("workspace"),
        "publicNetworkAccess": workspace.public_network_access,
        "managedNetwork": {"isolationMode": workspace.isolation_mode},
        "systemDatastoresAuthMode": workspace.system_datastores_auth_mode,
    });
    if let Some(account) = &workspace.storage_account {
        properties["storageAccount"] = json!(account);
    }
    json!({
        "id": workspace.id,
        "name": name,
        "type": WORKSPACES,
        "location": location,
        "tags": {},
        "kind": "Default",
        "identity": {"type": "SystemAssigned", "principalId": guid("principal"), "tenantId": call.token.tenant},
        "sku": {"name": "Basic", "tier": "Basic"},
        "properties": properties,
    })
}

/// The workspace of these children; ARM calls it the parent if it does not exist (DOC).
pub(super) fn parent(azure: &Azure, resource: &str, children: &str, verb: &str) -> Result<Workspace, Refusal> {
    in_group(&azure.world, resource)?;
    let workspace = azure.world.workspaces.get(&id::fold(resource)).cloned();
    workspace.ok_or_else(|| super::no_parent(resource, &format!("workspaces/{children}"), verb))
}
