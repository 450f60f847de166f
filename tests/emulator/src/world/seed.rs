//! A seed, which adds resources to the world: JSON without unknown keys.

mod access;
mod entra;
mod storage;
mod workspaces;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use access::{AzureRole, AzureRoleAssignment, Group, ManagementGroup};
pub(crate) use entra::{Issuer, Principal};
pub(crate) use storage::{CredentialsType, Datastore, DatastoreType, StorageAccount};
pub(crate) use workspaces::{FirewallRule, ManagedPrivateEndpoint, SynapseWorkspace, Workspace};

/// The location of parents that the seed does not define.
pub(super) const LOCATION: &str = "eastus2";

/// The resources to add to the world, or the resources in it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
// Many fields: one per kind of resource.
pub struct Seed {
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) principals: Vec<Principal>,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) resource_groups: Vec<String>,
    pub(crate) workspaces: Vec<Workspace>,
    pub(crate) synapse_workspaces: Vec<SynapseWorkspace>,
    pub(crate) pools: Vec<Pool>,
    pub(crate) identities: Vec<Identity>,
    pub(crate) computes: Vec<Value>,
    pub(crate) jobs: Vec<Value>,
    pub(crate) linked_services: Vec<LinkedService>,
    pub(crate) role_assignments: Vec<RoleAssignment>,
    pub(crate) policies: Vec<Policy>,
    pub(crate) storage_accounts: Vec<StorageAccount>,
    pub(crate) datastores: Vec<Datastore>,
    pub(crate) firewall_rules: Vec<FirewallRule>,
    pub(crate) managed_private_endpoints: Vec<ManagedPrivateEndpoint>,
    pub(crate) management_groups: Vec<ManagementGroup>,
    pub(crate) groups: Vec<Group>,
    pub(crate) azure_roles: Vec<AzureRole>,
    pub(crate) azure_role_assignments: Vec<AzureRoleAssignment>,
}

/// An assignment of Azure Policy with the effect `modify`: each PUT of a compute gets these tags, regardless of those in the
/// request (DOC).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Policy {
    pub(crate) scope: String,
    pub(crate) set_tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    /// Absent: that of the first principal.
    #[serde(default)]
    pub(crate) tenant_id: Option<String>,
}

/// A Spark pool of Synapse.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
// Many fields: one per property of a pool.
pub(crate) struct Pool {
    pub(crate) id: String,
    pub(crate) spark_version: String,
    pub(crate) node_size: String,
    pub(crate) node_size_family: String,
    pub(crate) node_count: u32,
    pub(crate) auto_scale: AutoScale,
    pub(crate) auto_pause: AutoPause,
    pub(crate) dynamic_executor_allocation: DynamicAllocation,
    /// For example `Failed`, for a broken pool.
    pub(crate) provisioning_state: String,
    pub(crate) tags: BTreeMap<String, String>,
    /// Absent: that of its workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    /// Absent: the time at which it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) creation_date: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct AutoScale {
    pub(crate) enabled: bool,
    pub(crate) min_node_count: u32,
    pub(crate) max_node_count: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct AutoPause {
    pub(crate) enabled: bool,
    pub(crate) delay_in_minutes: u32,
}

/// Spark's dynamic allocation of executors; the counts go with `enabled` (SPEC).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct DynamicAllocation {
    pub(crate) enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min_executors: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_executors: Option<u32>,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            id: String::new(),
            spark_version: "3.4".into(),
            node_size: "Small".into(),
            node_size_family: "MemoryOptimized".into(),
            node_count: 3,
            auto_scale: AutoScale::default(),
            auto_pause: AutoPause::default(),
            dynamic_executor_allocation: DynamicAllocation::default(),
            provisioning_state: "Succeeded".into(),
            tags: BTreeMap::new(),
            location: None,
            creation_date: None,
        }
    }
}

impl Default for AutoScale {
    fn default() -> Self {
        Self { enabled: true, min_node_count: 3, max_node_count: 10 }
    }
}

impl Default for AutoPause {
    fn default() -> Self {
        Self { enabled: true, delay_in_minutes: 15 }
    }
}

/// A user-assigned managed identity.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Identity {
    pub(crate) id: String,
    /// Absent: a new GUID.
    #[serde(default)]
    pub(crate) principal_id: Option<String>,
    /// Absent: a new GUID.
    #[serde(default)]
    pub(crate) client_id: Option<String>,
}

/// A linked service, from SDK v1: the connection of a Machine Learning workspace to a Synapse workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LinkedService {
    pub(crate) id: String,
    #[serde(rename = "linkedServiceResourceId")]
    pub(crate) linked: String,
    /// Absent: that of its workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    /// Absent: a new GUID.
    #[serde(default)]
    pub(crate) principal_id: Option<String>,
    /// Absent: that of its subscription.
    #[serde(default)]
    pub(crate) tenant_id: Option<String>,
    /// Absent: the time at which it was added.
    #[serde(default)]
    pub(crate) created_time: Option<String>,
    #[serde(default)]
    pub(crate) modified_time: Option<String>,
}

/// A Synapse role assignment, which takes effect at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RoleAssignment {
    /// The ID of the Synapse workspace.
    pub(crate) workspace: String,
    /// Absent: a new GUID.
    #[serde(default)]
    pub(crate) id: Option<String>,
    /// A GUID, or the name of the role.
    pub(crate) role_id: String,
    /// The object ID.
    pub(crate) principal_id: String,
    #[serde(default)]
    pub(crate) principal_type: Option<String>,
    /// Absent: the workspace.
    #[serde(default)]
    pub(crate) scope: Option<String>,
}

impl LinkedService {
    pub(crate) fn new(id: &str, linked: &str, location: Option<&str>) -> Self {
        Self {
            id: id.to_owned(),
            linked: linked.to_owned(),
            location: location.map(str::to_owned),
            principal_id: None,
            tenant_id: None,
            created_time: None,
            modified_time: None,
        }
    }
}

impl Seed {
    /// The default resources: those of Microsoft's documentation.
    ///
    /// # Panics
    ///
    /// Never: the file is part of the program, and tests parse it.
    #[must_use]
    pub fn documented() -> Self {
        serde_json::from_str(include_str!("../../seeds/default.json")).expect("the default seed is tested")
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// The text names the unknown key, or the invalid value.
    pub fn from_json(value: Value) -> Result<Self, String> {
        let seed: Self = serde_json::from_value(value).map_err(|e| e.to_string())?;
        seed.resolved(Path::new(""))
    }

    /// Reads one from a file; `jwksFile` in it is relative to its folder.
    ///
    /// # Errors
    ///
    /// The text names the file and what is wrong with it.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let of = |e: String| format!("{}: {e}", path.display());
        let text = std::fs::read_to_string(path).map_err(|e| of(e.to_string()))?;
        let seed: Self = serde_json::from_str(&text).map_err(|e| of(e.to_string()))?;
        seed.resolved(path.parent().unwrap_or(Path::new(""))).map_err(of)
    }

    fn resolved(mut self, folder: &Path) -> Result<Self, String> {
        for issuer in &mut self.issuers {
            if let Some(file) = issuer.jwks_file.take() {
                let text = std::fs::read_to_string(folder.join(&file)).map_err(|e| format!("jwksFile {file}: {e}"))?;
                issuer.jwks = Some(serde_json::from_str(&text).map_err(|e| format!("jwksFile {file}: {e}"))?);
            }
        }
        Ok(self)
    }
}
