//! A compute as Azure shows it: `az resource show`, `az rest`, the JSON view of the portal.

use serde_json::{Value, json};

use super::super::manifest::ManifestBuilder;
use super::arm::{Body, is_compute, other_type};
use super::fields::{Fields, Notes, plain_id};
use crate::azure::wire;
use crate::resource_id::{ComputeId, WorkspaceId};
use crate::unmanaged::Unmanaged;

/// What Azure or a tool adds.
const READ_ONLY: [&str; 10] = [
    "id",
    "name",
    "type",
    "apiVersion",
    "resourceGroup",
    "systemData",
    "etag",
    "createdTime",
    "changedTime",
    "provisioningState",
];

/// Whether it is a compute, of whatever type.
pub(super) fn is(document: &Value) -> bool {
    document["type"].as_str().is_some_and(is_compute) || document["properties"]["computeType"].is_string()
}

/// The resources of a list, as `az rest` prints one.
pub(super) fn items(document: &Value) -> Option<&Vec<Value>> {
    document["value"].as_array().filter(|items| document["type"].is_null() && items.iter().all(|one| one["id"].is_string()))
}

/// Whether a list has further pages, which are not in the document.
pub(super) fn is_cut_short(document: &Value) -> bool {
    document["nextLink"].as_str().is_some_and(|link| !link.is_empty())
}

/// The body of a response, if it is the output of `Invoke-AzRestMethod`.
pub(super) fn is_response(document: &Value) -> bool {
    document["StatusCode"].is_number() && document["Content"].is_string()
}

/// The manifest; nothing if the compute is skipped.
pub(super) fn convert(
    document: &Value,
    workspace: Option<&WorkspaceId>,
    place: &str,
    notes: &mut Notes,
) -> Option<Result<ManifestBuilder, String>> {
    if let Some(kind) = other_type(document) {
        notes.add("properties.computeType", &format!("skipped: a compute of type {kind}, not a Synapse Spark pool."));
        return None;
    }
    match document["properties"]["provisioningState"].as_str() {
        Some("Deleting") => {
            notes.add("properties.provisioningState", "skipped: it is being detached.");
            return None;
        }
        Some("Failed") => {
            notes.add("properties.provisioningState", "its state is Failed; the operator will attach it again.");
        }
        _ => {}
    }
    Some(manifest(document, workspace, place, notes))
}

/// Whether Azure returned the document: the body of a request has no ID.
fn is_answer(document: &Value) -> bool {
    document["id"].is_string()
}

/// The compute as Azure shows it, with IDs that are not percent-encoded.
fn shown(document: &Value) -> Result<wire::Compute, String> {
    let mut plain = document.clone();
    if let Some(pool) = document["properties"]["resourceId"].as_str() {
        plain["properties"]["resourceId"] = json!(plain_id(pool));
    }
    if let Some(ids) = document["identity"]["userAssignedIdentities"].as_object() {
        let ids = ids.iter().map(|(id, one)| (plain_id(id), one.clone()));
        plain["identity"]["userAssignedIdentities"] = Value::Object(ids.collect());
    }
    wire::Compute::of(&plain).map_err(|error| error.to_string())
}

/// The document without the fields that an update of the compute keeps: no note has to say that they are left out.
fn without_kept(document: &Value) -> Value {
    let kept = Unmanaged::of(document);
    let mut rest = document.clone();
    if let Some(map) = rest.as_object_mut() {
        map.retain(|key, _| !["location", "sku"].contains(&key.as_str()));
    }
    if let Some(properties) = rest["properties"].as_object_mut() {
        // A snapshot of the pool.
        properties.retain(|key, _| key != "properties" && !kept.properties.contains_key(key));
    }
    rest
}

fn manifest(
    document: &Value,
    workspace: Option<&WorkspaceId>,
    place: &str,
    notes: &mut Notes,
) -> Result<ManifestBuilder, String> {
    if document["properties"].is_null() {
        return Err(
            "properties: is missing, as in the output of az resource list: import the output of az resource show --ids ID instead"
                .to_owned(),
        );
    }
    let rest = if is_answer(document) { without_kept(document) } else { document.clone() };
    let mut part = Fields::of(&rest)?;
    let (id, name) = (part.text("id")?, part.text("name")?);
    let id = id.map(|id| ComputeId::parse(&plain_id(&id)).map_err(|error| format!("id: {error}"))).transpose()?;
    part.pass_over(&READ_ONLY);
    let (owner, name) = if let Some(id) = id {
        (id.workspace().clone(), id.name().to_owned())
    } else {
        let owner = workspace.ok_or("id: is missing: name the workspace with --workspace SUBSCRIPTION/GROUP/WORKSPACE")?;
        (owner.clone(), name.ok_or("name: is missing: add the name of the compute")?)
    };
    if let Some(other) = workspace.filter(|other| **other != owner) {
        notes.add("id", &format!("is in the workspace {owner}, which is used instead of {other} of --workspace."));
    }
    let body = Body::of(&mut part, notes)?;
    part.finish(notes);
    let shown = is_answer(document).then(|| shown(document)).transpose()?;
    Ok(ManifestBuilder { shown: shown.map(Box::new), ..body.builder(place, owner, name) })
}
