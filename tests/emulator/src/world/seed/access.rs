//! Azure's own roles, their assignments, groups and management groups in a seed.

use serde::{Deserialize, Serialize};

/// A definition of a role.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AzureRole {
    /// A GUID.
    pub(crate) id: String,
    pub(crate) role_name: String,
    #[serde(default)]
    pub(crate) description: String,
    /// Where it can be assigned, and below.
    pub(crate) assignable_scopes: Vec<String>,
    pub(crate) permissions: Vec<Permission>,
}

/// What a role allows, with `*` for any part.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Permission {
    pub(crate) actions: Vec<String>,
    pub(crate) not_actions: Vec<String>,
    pub(crate) data_actions: Vec<String>,
    pub(crate) not_data_actions: Vec<String>,
}

/// An assignment of one of Azure's own roles, which takes effect at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AzureRoleAssignment {
    /// Absent: a new GUID.
    #[serde(default)]
    pub(crate) id: Option<String>,
    /// A management group, a subscription, a resource group, a resource, or `/`.
    pub(crate) scope: String,
    /// A GUID, or the name of the role.
    pub(crate) role_id: String,
    /// The object ID.
    pub(crate) principal_id: String,
    /// Absent: `Group` for a group of the world, else `ServicePrincipal`.
    #[serde(default)]
    pub(crate) principal_type: Option<String>,
    /// With a condition, the emulator does not consider it as sufficient for a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) condition: Option<String>,
    /// Absent: the time at which it was added.
    #[serde(default)]
    pub(crate) created_on: Option<String>,
}

/// A group of Entra.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) object_id: String,
    /// The object IDs of principals and of other groups.
    #[serde(default)]
    pub(crate) members: Vec<String>,
    /// The IDs of scopes whose managed identities are members: those of computes, and the user-assigned ones. In Azure an
    /// administrator has to add each of them.
    #[serde(default)]
    pub(crate) identities_within: Vec<String>,
}

/// A management group.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ManagementGroup {
    /// `/providers/Microsoft.Management/managementGroups/NAME`.
    pub(crate) id: String,
    /// The ID of the one that contains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<String>,
    /// The subscriptions that are directly in it.
    #[serde(default)]
    pub(crate) subscriptions: Vec<String>,
}
