//! Managed identities, as received.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::azure::wire::null::or_default;

/// A managed identity, as received.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct Identity {
    /// `SystemAssigned`, `Systemassigned`, `SystemAssigned, UserAssigned`, …
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    /// The system-assigned identity's object ID.
    pub principal_id: Option<String>,
    /// Its tenant.
    pub tenant_id: Option<String>,
    /// By resource ID, in the order of the wire.
    #[serde(deserialize_with = "or_default")]
    pub user_assigned_identities: Map<String, Value>,
}

impl Identity {
    /// Whether `type` contains this kind of identity, in any case and spacing.
    ///
    /// azure-ai-ml 1.35.2 sends `"Systemassigned"` and `"Systemassigned,Userassigned"` for what Python code gives it.
    #[must_use]
    pub fn has(&self, kind: &str) -> bool {
        self.kind.split(',').any(|part| part.trim().eq_ignore_ascii_case(kind))
    }
}

/// `GET …/userAssignedIdentities/{name}`: only what is read.
///
/// Source: `Microsoft.ManagedIdentity` 2023-01-31, `Identity`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct UserIdentity {
    /// Its principal.
    #[serde(deserialize_with = "or_default")]
    pub properties: UserIdentityProperties,
}

/// The properties of a user-assigned identity.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct UserIdentityProperties {
    /// Its object ID in Entra.
    pub principal_id: Option<String>,
}
