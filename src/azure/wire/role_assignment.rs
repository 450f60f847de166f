//! Role assignments of Synapse's data plane, as received and as sent.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::azure::wire::null::or_default;

/// A page of `GET /roleAssignments` of Synapse's data plane.
///
/// Source: Synapse data plane 2020-12-01, `RoleAssignmentDetailsList`.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct RoleAssignments {
    /// The assignments of this page.
    #[serde(deserialize_with = "or_default")]
    pub value: Vec<RoleAssignment>,
}

/// A role assignment of Synapse.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct RoleAssignment {
    /// Its GUID.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// The GUID of the role.
    #[serde(deserialize_with = "or_default")]
    pub role_definition_id: String,
    /// The object ID of the principal in Entra.
    #[serde(deserialize_with = "or_default")]
    pub principal_id: String,
    /// `User`, `Group` or `ServicePrincipal`.
    #[serde(deserialize_with = "or_default")]
    pub principal_type: String,
    /// `workspaces/{workspace}`, or an item of it.
    #[serde(deserialize_with = "or_default")]
    pub scope: String,
}

impl RoleAssignment {
    /// Whether it assigns this role to this principal on this scope.
    pub(crate) fn is(&self, wanted: &RoleAssignmentRequest) -> bool {
        self.role_definition_id.eq_ignore_ascii_case(&wanted.role)
            && self.principal_id.eq_ignore_ascii_case(&wanted.principal)
            && self.scope.eq_ignore_ascii_case(&wanted.scope)
    }
}

/// A role to a principal on a scope, as the data plane of Synapse names them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleAssignmentRequest {
    /// The Synapse workspace's name.
    pub workspace: String,
    /// The role's GUID.
    pub role: String,
    /// The principal's object ID in Entra.
    pub principal: String,
    /// `workspaces/{workspace}`, or `workspaces/{workspace}/bigDataPools/{pool}`.
    pub scope: String,
}

impl RoleAssignmentRequest {
    /// The body of the request that assigns the role.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({
            "roleId": self.role,
            "principalId": self.principal,
            "scope": self.scope,
            "principalType": "ServicePrincipal",
        })
    }
}
