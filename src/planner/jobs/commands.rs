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

/// Lets Azure's services through the firewall of a Synapse workspace.
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

/// Approves the connection that awaits it. With none or several it is unknown which one it is, so they are listed.
pub(super) fn approve_endpoint(to: &StorageAccountId, pending: &[String]) -> Fix {
    Fix::Command(match pending {
        [one] => format!("az network private-endpoint-connection approve --id {one} --description \"Spark jobs\""),
        _ => format!("az network private-endpoint-connection list --id {to}"),
    })
}
