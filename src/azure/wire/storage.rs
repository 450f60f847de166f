//! Datastores of Machine Learning and storage accounts, as received.

use serde::Deserialize;

use crate::azure::wire::null::or_default;

/// `GET …/workspaces/{ws}/datastores`, an element: only what is read.
///
/// Source: `Microsoft.MachineLearningServices` 2024-04-01, `DatastoreResource`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct Datastore {
    /// The name inside the workspace.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Where it is.
    #[serde(deserialize_with = "or_default")]
    pub properties: DatastoreProperties,
}

/// The properties of a datastore. Only those in a storage account have the last three.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct DatastoreProperties {
    /// Whether it is the workspace's default datastore.
    #[serde(deserialize_with = "or_default")]
    pub is_default: bool,
    /// The storage account's name.
    pub account_name: Option<String>,
    /// The storage account's subscription.
    pub subscription_id: Option<String>,
    /// The storage account's resource group.
    pub resource_group: Option<String>,
}

/// `GET …/storageAccounts/{name}`: only what is read.
///
/// Source: `Microsoft.Storage` 2023-05-01, `StorageAccount`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct StorageAccount {
    /// Its network.
    #[serde(deserialize_with = "or_default")]
    pub properties: StorageAccountProperties,
}

/// The properties of a storage account.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct StorageAccountProperties {
    /// `Enabled`, `Disabled` or `SecuredByPerimeter`; absent means enabled.
    pub public_network_access: Option<String>,
    /// The rules of its firewall.
    #[serde(deserialize_with = "or_default")]
    pub network_acls: NetworkAcls,
    /// Whether it has a hierarchical namespace (Data Lake Storage Gen2).
    #[serde(deserialize_with = "or_default")]
    pub is_hns_enabled: bool,
    /// The private endpoints that are connected, or ask for it.
    #[serde(deserialize_with = "or_default")]
    pub private_endpoint_connections: Vec<PrivateEndpointConnection>,
}

/// `networkAcls`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct NetworkAcls {
    /// `Allow` or `Deny`: what happens to addresses without a rule; absent means allow.
    pub default_action: Option<String>,
}

/// A connection of a private endpoint to a storage account.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct PrivateEndpointConnection {
    /// Its resource ID.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// Its state.
    #[serde(deserialize_with = "or_default")]
    pub properties: PrivateEndpointConnectionProperties,
}

/// The properties of a connection of a private endpoint.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct PrivateEndpointConnectionProperties {
    /// Whether it is approved.
    #[serde(deserialize_with = "or_default")]
    pub private_link_service_connection_state: ConnectionState,
}

/// Whether a connection of a private endpoint is approved.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct ConnectionState {
    /// `Pending`, `Approved` or `Rejected`.
    pub status: Option<String>,
}
