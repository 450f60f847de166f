//! Role assignments and role definitions of Azure, as received.

use serde::Deserialize;

use crate::azure::wire::null::or_default;

/// A role assignment of Azure: only what is read.
///
/// Source: `Microsoft.Authorization` 2022-04-01, `RoleAssignment`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct AzureRoleAssignment {
    /// Role, principal and scope.
    #[serde(deserialize_with = "or_default")]
    pub properties: AzureRoleAssignmentProperties,
}

/// The properties of a role assignment of Azure.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct AzureRoleAssignmentProperties {
    /// The ID of the role, which ends with its GUID.
    #[serde(deserialize_with = "or_default")]
    pub role_definition_id: String,
    /// The scope that the role is assigned on.
    #[serde(deserialize_with = "or_default")]
    pub scope: String,
    /// A condition, if the role is granted under one only.
    pub condition: Option<String>,
}

/// A role of Azure: only what is read.
///
/// Source: `Microsoft.Authorization` 2022-04-01, `RoleDefinition`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct RoleDefinition {
    /// Its name and what it permits.
    #[serde(deserialize_with = "or_default")]
    pub properties: RoleDefinitionProperties,
}

/// The properties of a role of Azure.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct RoleDefinitionProperties {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub role_name: String,
    /// What it permits, together.
    #[serde(deserialize_with = "or_default")]
    pub permissions: Vec<RolePermission>,
}

/// What a role permits: actions without those that are excepted.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct RolePermission {
    /// In Azure Resource Manager.
    #[serde(deserialize_with = "or_default")]
    pub actions: Vec<String>,
    /// Excepted from these.
    #[serde(deserialize_with = "or_default")]
    pub not_actions: Vec<String>,
    /// On data.
    #[serde(deserialize_with = "or_default")]
    pub data_actions: Vec<String>,
    /// Excepted from these.
    #[serde(deserialize_with = "or_default")]
    pub not_data_actions: Vec<String>,
}
