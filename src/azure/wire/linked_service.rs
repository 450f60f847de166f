//! Linked services of Machine Learning, as received.

use serde::Deserialize;

use crate::azure::wire::identity::Identity;
use crate::azure::wire::null::or_default;

/// `GET …/linkedServices/{name}` of Machine Learning: only what is read.
///
/// Source: `Microsoft.MachineLearningServices` 2020-09-01-preview, `LinkedServiceResponse`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct LinkedService {
    /// The name inside the workspace.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its own identity.
    pub identity: Option<Identity>,
    /// Where it leads.
    #[serde(deserialize_with = "or_default")]
    pub properties: LinkedServiceProperties,
}

/// The properties of a linked service.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct LinkedServiceProperties {
    /// The ID of what is linked: a Synapse workspace.
    #[serde(deserialize_with = "or_default")]
    pub linked_service_resource_id: String,
}
