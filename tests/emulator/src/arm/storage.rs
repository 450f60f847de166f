//! Storage accounts, as Azure Resource Manager shows them.

use serde_json::{Value, json};

use super::Call;
use super::group::read;
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::world::STORAGE_TYPE;
use crate::world::seed::StorageAccount;

/// GET of an account (SPEC).
pub(super) fn one(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let known = read(azure, call, segments, (STORAGE_TYPE, &azure.world.storage))?;
    Ok(Answer::json(200, &body(known)))
}

fn body(account: &StorageAccount) -> Value {
    let name = id::name(&account.id);
    let endpoints: serde_json::Map<String, Value> = ["dfs", "web", "blob", "queue", "table", "file"]
        .iter()
        .map(|service| ((*service).to_owned(), json!(format!("https://{name}.{service}.core.windows.net/"))))
        .collect();
    let acls = &account.network_acls;
    let connections: Vec<Value> = account
        .private_endpoint_connections
        .iter()
        .map(|one| {
            json!({
                "id": format!("{}/privateEndpointConnections/{}", account.id, one.name),
                "name": one.name,
                "type": format!("{STORAGE_TYPE}/privateEndpointConnections"),
                "properties": {
                    "provisioningState": "Succeeded",
                    "privateEndpoint": {"id": one.private_endpoint},
                    "privateLinkServiceConnectionState": {"status": one.status, "description": "", "actionRequired": "None"},
                },
            })
        })
        .collect();
    json!({
        "sku": {"name": "Standard_LRS", "tier": "Standard"},
        "kind": "StorageV2",
        "id": account.id,
        "name": name,
        "type": STORAGE_TYPE,
        "location": account.location,
        "tags": {},
        "properties": {
            "provisioningState": "Succeeded",
            "publicNetworkAccess": account.public_network_access,
            "allowSharedKeyAccess": account.allow_shared_key_access,
            "isHnsEnabled": account.is_hns_enabled,
            "supportsHttpsTrafficOnly": true,
            "privateEndpointConnections": connections,
            "networkAcls": {
                "resourceAccessRules": acls.resource_access_rules,
                "bypass": acls.bypass,
                "virtualNetworkRules": acls.virtual_network_rules,
                "ipRules": acls.ip_rules,
                "defaultAction": acls.default_action,
            },
            "primaryEndpoints": endpoints,
            "primaryLocation": account.location,
            "statusOfPrimary": "available",
        },
    })
}
