//! The settings of a client of Azure, for unit tests and integration tests.

use super::{Credential, Limits, Settings};

/// The settings for this Azure Resource Manager and this Entra.
pub fn settings(endpoint: &str, authority: &str, credential: Credential) -> Settings {
    Settings {
        endpoint: endpoint.into(),
        authority: authority.into(),
        scope: format!("{endpoint}/.default"),
        synapse_endpoint: "https://{workspace}.synapse.example".into(),
        synapse_scope: "https://synapse.example/.default".into(),
        machine_learning_scope: "https://ml.example/.default".into(),
        token_audience: "api://AzureADTokenExchange".into(),
        api_version: "2024-04-01".into(),
        credential,
        limits: Limits::default(),
    }
}
