//! Workspaces in a seed, and the network of a Synapse workspace.

use serde::{Deserialize, Serialize};

use super::LOCATION;

/// A Machine Learning workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Workspace {
    pub(crate) id: String,
    pub(crate) location: String,
    /// The ID of its storage account, in which it then has the datastores with which Azure creates a workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storage_account: Option<String>,
    /// `accessKey` or `identity`: how these datastores are authenticated to.
    pub(crate) system_datastores_auth_mode: String,
    /// `Enabled` or `Disabled`.
    pub(crate) public_network_access: String,
    /// `Disabled`, `AllowInternetOutbound` or `AllowOnlyApprovedOutbound`.
    pub(crate) isolation_mode: String,
}

impl Default for Workspace {
    fn default() -> Self {
        Self {
            id: String::new(),
            location: LOCATION.into(),
            storage_account: None,
            system_datastores_auth_mode: "accessKey".into(),
            public_network_access: "Enabled".into(),
            isolation_mode: "Disabled".into(),
        }
    }
}

/// A Synapse workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SynapseWorkspace {
    pub(crate) id: String,
    pub(crate) location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default_data_lake_storage: Option<DataLake>,
    /// `default`, or absent if the workspace has no managed virtual network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) managed_virtual_network: Option<String>,
    pub(crate) prevent_data_exfiltration: bool,
    /// `Enabled` or `Disabled`.
    pub(crate) public_network_access: String,
}

impl Default for SynapseWorkspace {
    fn default() -> Self {
        Self {
            id: String::new(),
            location: LOCATION.into(),
            default_data_lake_storage: None,
            managed_virtual_network: None,
            prevent_data_exfiltration: false,
            public_network_access: "Enabled".into(),
        }
    }
}

/// The primary storage of a Synapse workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DataLake {
    /// The ID of the storage account.
    pub(crate) resource_id: String,
    pub(crate) filesystem: String,
    #[serde(default)]
    pub(crate) create_managed_private_endpoint: bool,
}

/// A rule of the firewall of a Synapse workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FirewallRule {
    pub(crate) id: String,
    pub(crate) start_ip_address: String,
    pub(crate) end_ip_address: String,
}

/// A managed private endpoint of a Synapse workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ManagedPrivateEndpoint {
    pub(crate) id: String,
    /// The ID of the resource to which it leads.
    pub(crate) private_link_resource_id: String,
    /// The service of this resource, such as `blob` or `dfs`.
    pub(crate) group_id: String,
    #[serde(default = "succeeded")]
    pub(crate) provisioning_state: String,
    /// `Approved`, `Pending` or `Rejected` by the owner of the resource.
    pub(crate) status: String,
}

fn succeeded() -> String {
    "Succeeded".into()
}
