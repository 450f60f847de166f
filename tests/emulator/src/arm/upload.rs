//! Uploads of code.

use std::time::Duration;

use serde_json::json;

use super::workspace::{WORKSPACES, parent};
use super::{Call, authorize, json_body, not_allowed};
use crate::azure::Azure;
use crate::blob;
use crate::exchange::{Answer, Refusal};
use crate::world::blob::Store;
use crate::world::later;

/// How long a SAS for an upload is valid (NF).
const VALID_FOR: Duration = Duration::from_hours(1);

/// POST of `startPendingUpload`: a new container each time (SDK), with a SAS to read, write and list (SPEC).
///
/// In Azure, both URLs are those of the storage account. Here the one with the SAS is at the emulator's own address, so that
/// clients need not resolve the name of the account.
pub(super) fn start(azure: &mut Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let at = format!("/{}", segments[..8].join("/"));
    let resource = format!("/{}", segments[..12].join("/"));
    if call.request.method != "POST" {
        return Err(not_allowed(&call.request.method));
    }
    // The action is INF: the role AzureML Data Scientist allows every write below a workspace (DOC).
    authorize(&azure.world, &call.token, &format!("{WORKSPACES}/codes/versions/write"), &resource)?;
    let workspace = parent(azure, &at, "codes", "write")?;
    let kind = json_body(call)?["pendingUploadType"].take();
    if kind != "TemporaryBlobReference" {
        return Err(Refusal::user_error(format!("The emulator serves uploads of the type TemporaryBlobReference, not {kind}.")));
    }
    let store = Store::of(&workspace);
    let (account, upload) = (&store.account, azure.world.guid());
    let container = store.upload(&upload.to_string());
    let key = azure.world.account_key(account).unwrap_or_default();
    let sas = blob::sas(&key, account, &container, later(call.now, VALID_FOR));
    let shown = azure.world.account(account).map(|account| account.id.clone());
    Ok(Answer::json(
        200,
        &json!({
            "blobReferenceForConsumption": {
                "blobUri": format!("https://{account}{}/{container}", blob::SUFFIXES[0]),
                "storageAccountArmId": shown,
                "credential": {"credentialType": "SAS", "sasUri": format!("{}/blob/{account}/{container}?{sas}", call.origin)},
            },
            "pendingUploadId": upload,
            "pendingUploadType": "TemporaryBlobReference",
        }),
    ))
}
