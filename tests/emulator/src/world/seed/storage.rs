//! Storage accounts and datastores in a seed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::LOCATION;

/// A storage account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct StorageAccount {
    pub(crate) id: String,
    pub(crate) location: String,
    pub(crate) is_hns_enabled: bool,
    pub(crate) allow_shared_key_access: bool,
    /// `Enabled` or `Disabled`.
    pub(crate) public_network_access: String,
    pub(crate) network_acls: NetworkAcls,
    pub(crate) private_endpoint_connections: Vec<PrivateEndpointConnection>,
}

/// The firewall of a storage account, in the form of its GET (SPEC).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct NetworkAcls {
    pub(crate) bypass: String,
    /// `Allow` or `Deny`.
    pub(crate) default_action: String,
    pub(crate) ip_rules: Vec<Value>,
    pub(crate) virtual_network_rules: Vec<Value>,
    pub(crate) resource_access_rules: Vec<Value>,
}

/// A private endpoint that is connected to a storage account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PrivateEndpointConnection {
    pub(crate) name: String,
    /// The ID of the private endpoint.
    pub(crate) private_endpoint: String,
    /// `Approved`, `Pending` or `Rejected`.
    pub(crate) status: String,
}

impl Default for StorageAccount {
    fn default() -> Self {
        Self {
            id: String::new(),
            location: LOCATION.into(),
            is_hns_enabled: true,
            allow_shared_key_access: true,
            public_network_access: "Enabled".into(),
            network_acls: NetworkAcls::default(),
            private_endpoint_connections: Vec::new(),
        }
    }
}

impl Default for NetworkAcls {
    fn default() -> Self {
        Self {
            bypass: "AzureServices".into(),
            default_action: "Allow".into(),
            ip_rules: Vec::new(),
            virtual_network_rules: Vec::new(),
            resource_access_rules: Vec::new(),
        }
    }
}

/// A datastore of a Machine Learning workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Datastore {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) is_default: bool,
    #[serde(rename = "datastoreType", default)]
    pub(crate) kind: DatastoreType,
    /// The ID of the storage account.
    pub(crate) storage_account: String,
    /// The name of the container, the filesystem or the file share.
    pub(crate) container: String,
    #[serde(default)]
    pub(crate) credentials_type: CredentialsType,
}

/// The types of datastores in a storage account (SPEC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DatastoreType {
    #[default]
    AzureBlob,
    AzureDataLakeGen2,
    AzureFile,
}

/// How a datastore is authenticated to: with the key of the account, or as the identity of the one that uses it (SPEC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CredentialsType {
    #[default]
    AccountKey,
    None,
}
