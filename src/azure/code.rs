//! Code versions of Machine Learning: the files of a job.
//!
//! The same requests as azure-ai-ml 1.35.2 sends for a local folder (`operations/_code_operations.py`): Machine Learning names a
//! place for the files, with a SAS for it; the files are uploaded there; and a code version is created that refers to them. The
//! caller needs no right on the storage account, and no key of it is read.

use serde_json::json;

use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::wire::{PendingUpload, UploadPlace};
use crate::resource_id::WorkspaceId;

/// A code version of a workspace, by its name. It has only one version.
#[derive(Debug, Clone)]
pub struct Code<'a> {
    /// The workspace.
    pub workspace: &'a WorkspaceId,
    /// A GUID.
    pub name: String,
}

impl Code<'_> {
    /// The resource ID of the version.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/codes/{}/versions/1", self.workspace, self.name)
    }
}

impl Client {
    /// Where the files of a code version are uploaded to.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure names no place.
    pub async fn start_upload(&self, code: &Code<'_>) -> Result<UploadPlace, Error> {
        let path = self.machine_learning(&format!("{}/startPendingUpload", code.id()));
        let mut request = self.request(Call::StartUpload, code.workspace.subscription(), &path)?;
        request.body = Some(json!({"pendingUploadType": "TemporaryBlobReference"}).to_string().into_bytes());
        let answer = self.send(request).await?;
        // The text of a decoding error may contain the SAS.
        let unreadable = || Error::unavailable("Azure's answer with the place of the upload cannot be decoded");
        let upload: PendingUpload = answer.read().map_err(|_| unreadable())?;
        upload.place().ok_or_else(|| Error::unavailable("Azure returned no place for the upload"))
    }

    /// Creates a code version of the files in a folder.
    ///
    /// # Errors
    ///
    /// [`Error`]; after [`Error::Unavailable`] it is unknown whether the code version exists.
    pub async fn put_code(&self, code: &Code<'_>, folder: &str) -> Result<(), Error> {
        let path = self.machine_learning(&code.id());
        let mut request = self.request(Call::PutCode, code.workspace.subscription(), &path)?;
        let body = json!({"properties": {"codeUri": folder, "isAnonymous": true, "properties": {}}});
        request.body = Some(body.to_string().into_bytes());
        self.send(request).await.map(drop)
    }

    /// Deletes a code version; its files stay. It is no error if there is none.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not delete it.
    pub async fn delete_code(&self, code: &Code<'_>) -> Result<(), Error> {
        let path = self.machine_learning(&code.id());
        match self.send(self.request(Call::DeleteCode, code.workspace.subscription(), &path)?).await {
            Ok(_) | Err(Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
