//! Snapshots of the folders with the code of steps.

use std::time::Duration;

use serde_json::{Value, json};

use super::Call;
use crate::azure::Azure;
use crate::blob;
use crate::exchange::{Answer, Refusal};
use crate::world::blob::{ARTIFACTS, Store};
use crate::world::later;

/// For how long a file can be uploaded (INF).
const UPLOAD: Duration = Duration::from_hours(1);

/// The ID of the snapshot before the first one (SDK).
const NONE: &str = "00000000-0000-0000-0000-000000000000";

/// The tree of the newest snapshot, with which the client compares its folder.
pub(super) fn latest(azure: &mut Azure, call: &Call<'_>) -> Answer {
    let studio = call.studio(azure);
    let known = studio.latest.as_ref().and_then(|guid| Some((guid.as_str(), studio.snapshots.get(guid)?.clone())));
    let (guid, root) = known.unwrap_or((NONE, json!({})));
    Answer::json(200, &json!({"id": guid, "root": root}))
}

/// Where to upload these files: one SAS for each.
pub(super) fn places(azure: &mut Azure, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.body()?;
    let account = Store::of(&call.workspace).account;
    let key = azure.world.account_key(&account).unwrap_or_default();
    let folder = format!("snapshots/{}", azure.world.guid());
    let until = later(call.now, UPLOAD);
    let files = body["FileNames"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let places = files.map(|file| {
        let path = format!("{ARTIFACTS}/{folder}/{file}");
        let (url, sas) = (address(&account, &path), blob::sas(&key, &account, &path, until));
        json!({"fullName": file, "blobUri": format!("{url}?{sas}")})
    });
    Ok(Answer::json(200, &json!({"fileNodes": places.collect::<Vec<_>>()})))
}

/// Saves a snapshot whose new files were uploaded, and whose other files are those of its parent.
pub(super) fn save(azure: &mut Azure, call: &Call<'_>, guid: &str) -> Result<Answer, Refusal> {
    let mut body = call.body()?;
    let account = Store::of(&call.workspace).account;
    for file in body["FileRevisionList"]["FileNodes"].as_array().into_iter().flatten() {
        let uri = file["BlobUri"].as_str().unwrap_or_default();
        let is_there = |((of, container, name), _): (&(String, String, String), _)| {
            *of == account && uri.split('?').next() == Some(address(of, &format!("{container}/{name}")).as_str())
        };
        if !azure.world.blobs.iter().any(is_there) {
            return Err(Refusal::user_error(format!("The file {} of the snapshot was not uploaded.", file["FullName"])));
        }
    }
    let studio = call.studio(azure);
    let parent = body["ParentSnapshotId"].as_str().unwrap_or(NONE);
    if parent != NONE && !studio.snapshots.contains_key(parent) {
        return Err(Refusal::user_error(format!("There is no snapshot '{parent}', which is to be the parent.")));
    }
    studio.snapshots.insert(guid.to_owned(), body["DirTreeNode"].take());
    studio.latest = Some(guid.to_owned());
    Ok(Answer::json(200, &json!({"id": guid})))
}

/// The URL of a blob in the public cloud, whose form the client takes apart (SDK).
fn address(account: &str, path: &str) -> String {
    let encoded = path.split('/').map(|segment| url::form_urlencoded::byte_serialize(segment.as_bytes()).collect::<String>());
    format!("https://{account}{}/{}", blob::SUFFIXES[0], encoded.collect::<Vec<_>>().join("/").replace('+', "%20"))
}
