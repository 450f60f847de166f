//! Synapse workspaces and their Spark pools, as Azure Resource Manager shows them.

use serde_json::{Value, json};

use super::group::read;
use super::{Call, authorize, in_group, no_parent, not_allowed, not_found, page, within};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::world::seed::SynapseWorkspace;
use crate::world::{FIREWALL_TYPE, POOL_TYPE, SYNAPSE_TYPE};

/// GET of a workspace (SPEC).
pub(super) fn workspace(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let known = read(azure, call, segments, (SYNAPSE_TYPE, &azure.world.synapse))?;
    Ok(Answer::json(200, &body(known, &call.token.tenant)))
}

/// LIST of the workspaces in a subscription or in a resource group (SPEC).
pub(super) fn workspaces(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let scope = within(azure, call, &format!("{SYNAPSE_TYPE}/read"), segments)?;
    let all = azure.world.synapse.iter().filter(|(key, _)| id::is_within(key, &id::fold(&scope)));
    let all = all.map(|(_, workspace)| body(workspace, &call.token.tenant));
    page(azure, call, &format!("/{}", segments.join("/")), all)
}

/// GET of a pool (SPEC).
pub(super) fn pool(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let resource = format!("/{}", segments.join("/"));
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    authorize(&azure.world, &call.token, &format!("{POOL_TYPE}/read"), &resource)?;
    parent(azure, &format!("/{}", segments[..8].join("/")), "bigDataPools")?;
    let pool = azure.world.pools.get(&id::fold(&resource));
    let missing = || not_found(&format!("{SYNAPSE_TYPE}/{}/bigDataPools/{}", segments[7], segments[9]), &resource);
    Ok(Answer::json(200, &azure.world.pool_body(pool.ok_or_else(missing)?)))
}

/// LIST of a workspace's pools (SPEC).
pub(super) fn pools(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let at = format!("/{}", segments[..8].join("/"));
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    authorize(&azure.world, &call.token, &format!("{POOL_TYPE}/read"), &at)?;
    let workspace = parent(azure, &at, "bigDataPools")?;
    let scope = id::fold(&workspace.id);
    let all = azure.world.pools.range(scope.clone()..).take_while(|(key, _)| key.starts_with(&scope));
    let all = all.filter(|(key, _)| id::is_within(key, &scope));
    let all = all.map(|(_, pool)| azure.world.pool_body(pool));
    page(azure, call, &format!("{}/bigDataPools", workspace.id), all)
}

/// LIST of the rules of a workspace's firewall (SPEC).
pub(super) fn firewall_rules(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let at = format!("/{}", segments[..8].join("/"));
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    authorize(&azure.world, &call.token, &format!("{FIREWALL_TYPE}/read"), &at)?;
    let scope = id::fold(&parent(azure, &at, "firewallRules")?.id);
    let all = azure.world.firewall_rules.iter().filter(|(key, _)| id::is_within(key, &scope)).map(|(_, rule)| {
        let addresses = json!({
            "provisioningState": "Succeeded", "startIpAddress": rule.start_ip_address, "endIpAddress": rule.end_ip_address,
        });
        json!({"id": rule.id, "name": id::name(&rule.id), "type": FIREWALL_TYPE, "properties": addresses})
    });
    page(azure, call, &format!("/{}", segments.join("/")), all)
}

fn parent<'a>(azure: &'a Azure, resource: &str, children: &str) -> Result<&'a SynapseWorkspace, Refusal> {
    in_group(&azure.world, resource)?;
    let workspace = azure.world.synapse.get(&id::fold(resource));
    workspace.ok_or_else(|| no_parent(resource, &format!("workspaces/{children}"), "read"))
}

fn body(workspace: &SynapseWorkspace, tenant: &str) -> Value {
    let guid = |what: &str| id::guid(what, &workspace.id);
    let name = id::name(&workspace.id);
    let mut properties = json!({
        "provisioningState": "Succeeded",
        "workspaceUID": guid("workspace"),
        "connectivityEndpoints": {
            "web": format!("https://web.azuresynapse.net?workspace={}", workspace.id),
            "dev": format!("https://{name}.dev.azuresynapse.net"),
            "sql": format!("{name}.sql.azuresynapse.net"),
            "sqlOnDemand": format!("{name}-ondemand.sql.azuresynapse.net"),
        },
        "privateEndpointConnections": [],
        "publicNetworkAccess": workspace.public_network_access,
    });
    if let Some(lake) = &workspace.default_data_lake_storage {
        properties["defaultDataLakeStorage"] = json!({
            "accountUrl": format!("https://{}.dfs.core.windows.net", id::name(&lake.resource_id)),
            "filesystem": lake.filesystem,
            "resourceId": lake.resource_id,
            "createManagedPrivateEndpoint": lake.create_managed_private_endpoint,
        });
    }
    if let Some(network) = &workspace.managed_virtual_network {
        properties["managedVirtualNetwork"] = json!(network);
        properties["managedVirtualNetworkSettings"] = json!({
            "preventDataExfiltration": workspace.prevent_data_exfiltration,
            "linkedAccessCheckOnTargetResource": workspace.prevent_data_exfiltration,
            "allowedAadTenantIdsForLinking": [],
        });
    }
    json!({
        "id": workspace.id,
        "name": name,
        "type": SYNAPSE_TYPE,
        "location": workspace.location,
        "tags": {},
        "identity": {"type": "SystemAssigned", "principalId": guid("principal"), "tenantId": tenant},
        "properties": properties,
    })
}
