//! The commands of Azure CLI that meet a requirement.

use crate::planner::jobs::outcome::Fix;
use crate::resource_id::{IdentityId, StorageAccountId, SynapseWorkspaceId};

/// Assigns a role of Azure at a storage account.
pub(super) fn assign_role(role: &str, principal: &str, account: &StorageAccountId) -> Fix {
    Fix::Command(format!(
        "az role assignment create --role \"{role}\" --assignee-object-id {principal} --assignee-principal-type ServicePrincipal --scope {account}"
    ))
}

/// Creates a user-assigned identity.
pub(super) fn create_identity(id: &IdentityId) -> Fix {
    let (subscription, group) = (id.subscription(), id.resource_group());
    Fix::Command(format!("az identity create --subscription {subscription} --resource-group {group} --name {}", id.name()))
}

/// Lets a Synapse workspace accept connections from public networks.
pub(super) fn open_synapse(id: &SynapseWorkspaceId) -> Fix {
    Fix::Command(format!("az resource update --ids {id} --api-version 2021-06-01 --set properties.publicNetworkAccess=Enabled"))
}

/// Makes the firewall of a Synapse workspace accept connections from Azure's services.
pub(super) fn admit_azure(id: &SynapseWorkspaceId) -> Fix {
    Fix::Command(format!(
        "az synapse workspace firewall-rule create --subscription {} --resource-group {} --workspace-name {} --name AllowAllWindowsAzureIps --start-ip-address 0.0.0.0 --end-ip-address 0.0.0.0",
        id.subscription(),
        id.resource_group(),
        id.name()
    ))
}

/// Ways to a storage account from a Synapse workspace without a managed virtual network. None is a command to be run unseen: one
/// opens the account to all public networks.
pub(super) fn reach_storage(id: &StorageAccountId) -> Fix {
    Fix::Advice(format!(
        "Attach a pool of a Synapse workspace with a managed virtual network and a managed private endpoint to the storage. Or, if your security rules allow it, open the storage to all public networks: az storage account update --subscription {} --resource-group {} --name {} --public-network-access Enabled --default-action Allow",
        id.subscription(),
        id.resource_group(),
        id.name()
    ))
}

/// Creates a managed private endpoint from a Synapse workspace to a storage account.
pub(super) fn create_endpoint(from: &SynapseWorkspaceId, to: &StorageAccountId, group: &str) -> Fix {
    Fix::Command(format!(
        "az synapse managed-private-endpoints create --workspace-name {} --pe-name {}-{group} --file '{{\"privateLinkResourceId\": \"{to}\", \"groupId\": \"{group}\"}}'",
        from.name(),
        to.name()
    ))
}

/// How to approve a managed private endpoint. No command approves it by itself: neither the endpoint nor the connection at the
/// storage refers to the other, and anyone may request a connection to a storage account whose ID they know.
///
/// Source: `ManagedPrivateEndpointProperties` of Synapse's data plane 2020-12-01 and `PrivateEndpointConnection` of
/// `Microsoft.Storage` 2023-05-01.
pub(super) fn approve_endpoint(from: &SynapseWorkspaceId, endpoint: &str, to: &StorageAccountId) -> Fix {
    Fix::Advice(format!(
        "Have the owner of the storage list the pending connections: az resource show --ids {to} --query \"properties.privateEndpointConnections[?properties.privateLinkServiceConnectionState.status=='Pending'].{{id:id, endpoint:properties.privateEndpoint.id}}\". Azure does not show which of them belongs to {endpoint}: compare the name of its private endpoint with {endpoint} and {}. Then approve only that one: az storage account private-endpoint-connection approve --id CONNECTION_ID",
        from.name()
    ))
}
