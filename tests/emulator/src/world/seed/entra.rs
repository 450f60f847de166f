//! Issuers of assertions and applications of Entra in a seed, and what these may do.

use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Serialize};

/// An issuer of federated assertions.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Issuer {
    #[serde(rename = "issuer")]
    pub(crate) url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jwks: Option<JwkSet>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) jwks_file: Option<String>,
}

/// An application of Entra.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Principal {
    pub(crate) tenant_id: String,
    pub(crate) client_id: String,
    pub(crate) object_id: String,
    /// Its name in the Activity Log, as if it were a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_principal_name: Option<String>,
    #[serde(default, skip_serializing)]
    pub(crate) secret: Option<String>,
    #[serde(default)]
    pub(crate) federated: Vec<Federated>,
    /// Absent: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rights: Option<Vec<Right>>,
}

/// A federated credential of an application.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Federated {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) audience: String,
}

/// Actions, with `*` for any part, at a scope and below.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Right {
    pub(crate) scope: String,
    pub(crate) actions: Vec<String>,
}
