//! Datastores of Machine Learning and storage accounts, as received.

use serde::Deserialize;

use crate::azure::wire::null::or_default;
use crate::service_error::ServiceError;

/// `GET …/workspaces/{ws}/datastores`, an element: only what is read.
///
/// Source: `Microsoft.MachineLearningServices` 2024-04-01, `DatastoreResource`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct Datastore {
    /// The name inside the workspace.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Where it is.
    #[serde(deserialize_with = "or_default")]
    pub properties: DatastoreProperties,
}

/// The properties of a datastore. Only those in a storage account have the last three.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct DatastoreProperties {
    /// Whether it is the workspace's default datastore.
    #[serde(deserialize_with = "or_default")]
    pub is_default: bool,
    /// The storage account's name.
    pub account_name: Option<String>,
    /// The storage account's subscription.
    pub subscription_id: Option<String>,
    /// The storage account's resource group.
    pub resource_group: Option<String>,
}

/// `GET …/storageAccounts/{name}`: only what is read.
///
/// Source: `Microsoft.Storage` 2023-05-01, `StorageAccount`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct StorageAccount {
    /// Its network.
    #[serde(deserialize_with = "or_default")]
    pub properties: StorageAccountProperties,
}

/// The properties of a storage account.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct StorageAccountProperties {
    /// `Enabled`, `Disabled` or `SecuredByPerimeter`; absent means enabled.
    pub public_network_access: Option<String>,
    /// The rules of its firewall.
    #[serde(deserialize_with = "or_default")]
    pub network_acls: NetworkAcls,
    /// Whether it has a hierarchical namespace (Data Lake Storage Gen2).
    #[serde(deserialize_with = "or_default")]
    pub is_hns_enabled: bool,
}

/// `networkAcls`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct NetworkAcls {
    /// `Allow` or `Deny`: what happens to addresses without a rule; absent means allow.
    pub default_action: Option<String>,
}

/// The error of an answer of Azure Storage: the code from its header, and code and message from its XML body.
///
/// Source: <https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2>.
#[must_use]
pub fn storage_error(code: Option<String>, body: &[u8]) -> Option<ServiceError> {
    let text = String::from_utf8_lossy(body);
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(inner, _)| inner)
    };
    let code = code.or_else(|| element("Code").map(ToOwned::to_owned)).filter(|code| !code.is_empty())?;
    // The next lines have the ID and the time of the request.
    let message = element("Message").and_then(|message| message.lines().next()).unwrap_or_default().trim().to_owned();
    Some(ServiceError { code, message, ..ServiceError::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_storage_is_read_from_its_header_and_its_body() {
        // As in the document of the error codes.
        let body = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthorizationFailure</Code><Message>This request is not authorized to perform this operation.\nRequestId:1\nTime:2</Message></Error>";
        let text = |code: Option<&str>, body: &str| {
            storage_error(code.map(ToOwned::to_owned), body.as_bytes()).map(|error| error.to_string())
        };
        let shown = "AuthorizationFailure: This request is not authorized to perform this operation.";
        #[rustfmt::skip]
        let table = [
            (None,                         body,                                 Some(shown)),
            (Some("AuthorizationFailure"), "",                                   Some("AuthorizationFailure")),
            (None,                         "<html><title>Sign in</title></html>", None),
            (None,                         "",                                   None),
        ];
        for (code, body, expected) in table {
            assert_eq!(text(code, body).as_deref(), expected, "{code:?} {body}");
        }
    }
}
