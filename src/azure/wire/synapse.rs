//! Synapse workspaces and their managed private endpoints, as received.

use serde::Deserialize;

use crate::azure::wire::null::or_default;

/// `GET …/Microsoft.Synapse/workspaces/{ws}`: only what is read.
///
/// Source: `Microsoft.Synapse` 2021-06-01, `Workspace`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct SynapseWorkspace {
    /// Its storage and its network.
    #[serde(deserialize_with = "or_default")]
    pub properties: SynapseWorkspaceProperties,
}

/// The properties of a Synapse workspace.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct SynapseWorkspaceProperties {
    /// Its primary storage.
    #[serde(deserialize_with = "or_default")]
    pub default_data_lake_storage: DataLakeStorage,
    /// `default` if it has a managed virtual network, else absent or empty.
    pub managed_virtual_network: Option<String>,
    /// The settings of that network.
    #[serde(deserialize_with = "or_default")]
    pub managed_virtual_network_settings: ManagedVirtualNetworkSettings,
    /// `Enabled` or `Disabled`; absent means enabled.
    pub public_network_access: Option<String>,
}

/// `defaultDataLakeStorage`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct DataLakeStorage {
    /// `https://{account}.dfs.core.windows.net`.
    pub account_url: Option<String>,
    /// The storage account's resource ID; absent in older workspaces.
    pub resource_id: Option<String>,
}

/// `managedVirtualNetworkSettings`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct ManagedVirtualNetworkSettings {
    /// Whether data exfiltration protection is on.
    #[serde(deserialize_with = "or_default")]
    pub prevent_data_exfiltration: bool,
}

/// A rule of the firewall of a Synapse workspace.
///
/// Source: `Microsoft.Synapse` 2021-06-01, `IpFirewallRuleInfo`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct FirewallRule {
    /// Its addresses.
    #[serde(deserialize_with = "or_default")]
    pub properties: FirewallRuleProperties,
}

/// The addresses that a rule lets in. From and to `0.0.0.0` stands for Azure's services.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct FirewallRuleProperties {
    /// The first address.
    #[serde(deserialize_with = "or_default")]
    pub start_ip_address: String,
    /// The last address.
    #[serde(deserialize_with = "or_default")]
    pub end_ip_address: String,
}

/// A managed private endpoint: only what is read.
///
/// Source: Synapse data plane 2020-12-01, `ManagedPrivateEndpoint`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct ManagedPrivateEndpoint {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Where it leads.
    #[serde(deserialize_with = "or_default")]
    pub properties: ManagedPrivateEndpointProperties,
}

/// The properties of a managed private endpoint.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct ManagedPrivateEndpointProperties {
    /// The resource that it leads to.
    #[serde(deserialize_with = "or_default")]
    pub private_link_resource_id: String,
    /// `blob`, `dfs`, …
    #[serde(deserialize_with = "or_default")]
    pub group_id: String,
    /// Whether the owner of the resource has approved it.
    #[serde(deserialize_with = "or_default")]
    pub connection_state: ConnectionState,
}

/// Whether a connection of a private endpoint is approved.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct ConnectionState {
    /// `Pending`, `Approved` or `Rejected`.
    pub status: Option<String>,
}
