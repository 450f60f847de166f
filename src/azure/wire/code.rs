//! Code versions of Machine Learning, as received.

use serde::Deserialize;

use crate::azure::wire::null::or_default;

/// The answer of `startPendingUpload`: only what is read.
///
/// Source: `Microsoft.MachineLearningServices` 2024-04-01, `PendingUploadResponseDto`.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct PendingUpload {
    #[serde(deserialize_with = "or_default")]
    blob_reference_for_consumption: BlobReference,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct BlobReference {
    blob_uri: Option<String>,
    #[serde(deserialize_with = "or_default")]
    credential: SasCredential,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct SasCredential {
    sas_uri: Option<String>,
}

/// Where files are uploaded to: a container.
///
/// It has no `Debug`: one of its URLs is a secret.
pub struct UploadPlace {
    /// The URL of the container.
    pub container: String,
    /// The same URL with a SAS, which is a secret. It allows to read, write and list.
    pub with_sas: String,
}

impl PendingUpload {
    /// The place that the answer names, if it names one.
    #[must_use]
    pub fn place(self) -> Option<UploadPlace> {
        let BlobReference { blob_uri, credential } = self.blob_reference_for_consumption;
        Some(UploadPlace { container: blob_uri?, with_sas: credential.sas_uri? })
    }
}
