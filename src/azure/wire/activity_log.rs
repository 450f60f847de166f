//! Entries of the Activity Log, as received.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::azure::wire::null::or_default;

/// The claim with the object ID of the sender.
const OBJECT_ID: &str = "http://schemas.microsoft.com/identity/claims/objectidentifier";
/// The claim with the user principal name of the sender.
const USER_PRINCIPAL_NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";

/// `EventData`: only what is read.
///
/// Source: `Microsoft.Insights` 2015-04-01, `activityLogs_API.json`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct ActivityEntry {
    /// The claims of the sender's access token. They have personal data, so only single ones are read.
    #[serde(deserialize_with = "or_default")]
    claims: Map<String, Value>,
    /// The entries of one request share it.
    #[serde(deserialize_with = "or_default")]
    pub correlation_id: String,
    /// The time at which Azure processed the request.
    #[serde(deserialize_with = "or_default")]
    pub event_timestamp: String,
    #[serde(deserialize_with = "or_default")]
    http_request: HttpRequest,
    /// `Microsoft.MachineLearningServices/workspaces/computes/write`, …
    #[serde(deserialize_with = "or_default")]
    pub operation_name: Text,
    /// `Started`, `Accepted`, `Succeeded`, `Failed`, …
    #[serde(deserialize_with = "or_default")]
    pub status: Text,
}

/// `HttpRequestInfo`: only what is read.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
struct HttpRequest {
    #[serde(deserialize_with = "or_default")]
    client_request_id: String,
}

/// `LocalizableString`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct Text {
    /// The value that does not depend on a language.
    #[serde(deserialize_with = "or_default")]
    pub value: String,
}

impl ActivityEntry {
    /// The object ID of the sender.
    #[must_use]
    pub fn caller(&self) -> Option<&str> {
        self.claim(OBJECT_ID)
    }

    /// The user principal name of the sender; service principals have none.
    #[must_use]
    pub fn caller_name(&self) -> Option<&str> {
        self.claim(USER_PRINCIPAL_NAME)
    }

    /// The ID that the sender gave the request, if the entry has one: usually it does
    /// (<https://learn.microsoft.com/azure/azure-monitor/essentials/activity-log-schema>).
    #[must_use]
    pub fn client_request_id(&self) -> Option<&str> {
        Some(self.http_request.client_request_id.as_str()).filter(|id| !id.is_empty())
    }

    fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str().filter(|value| !value.is_empty())
    }
}
