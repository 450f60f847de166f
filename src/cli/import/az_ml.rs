//! A compute of `az ml`: the file that `az ml compute attach` takes, or what `az ml compute show` prints.

use serde_json::{Map, Value, json};

use super::super::manifest::ManifestBuilder;
use super::fields::{Fields, LOCATION, Notes, identity, plain_id};
use crate::azure::wire;
use crate::resource_id::{ComputeId, WorkspaceId};

/// What `show` prints of the pool, and `attach` does not take.
const OF_THE_POOL: [&str; 6] =
    ["node_family", "node_size", "node_count", "spark_version", "scale_settings", "auto_pause_settings"];

/// Whether it is an attached Spark pool in the format of az ml.
pub(super) fn is(document: &Value) -> bool {
    document["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("synapsespark"))
}

pub(super) fn convert(
    document: &Value,
    workspace: Option<&WorkspaceId>,
    place: &str,
    notes: &mut Notes,
) -> Result<ManifestBuilder, String> {
    let mut part = Fields::of(document)?;
    part.pass_over(&[
        "$schema",
        "type",
        "created_on",
        "provisioning_state",
        "provisioning_errors",
        "resourceGroup",
        "creation_context",
    ]);
    let name = part.text("name")?.ok_or("name: is missing: the name of the compute")?;
    let shown = part.text("id")?.and_then(|id| ComputeId::parse(&plain_id(&id)).ok());
    let pool = part.text("resource_id")?.ok_or("resource_id: is missing: the ID of the Spark pool")?;
    let workspace = owner(shown.as_ref().map(ComputeId::workspace), workspace, notes)?;
    let mut builder = ManifestBuilder::new(place, workspace, name, plain_id(&pool));
    builder.description = part.text("description")?;
    builder.tags = part.tags("tags")?;
    if let Some(mut wanted) = part.fields("identity")? {
        wanted.pass_over(&["principal_id", "tenant_id"]);
        let kind = wanted.text("type")?;
        let ids = ids(&mut wanted, notes)?;
        builder.identity = identity("identity", kind.as_deref(), ids)?;
        wanted.finish(notes);
    }
    part.leave_out("location", &Value::Null, notes, LOCATION);
    for field in OF_THE_POOL {
        part.leave_out(field, &Value::Null, notes, "it belongs to the pool, and is shown in status.pool");
    }
    part.finish(notes);
    if shown.is_some_and(|id| *id.workspace() == builder.workspace) {
        builder.shown = Some(Box::new(compute(document, &builder)?));
    }
    Ok(builder)
}

/// The compute that `show` printed, as Azure Resource Manager shows it. `az ml` prints no field that an update keeps.
fn compute(document: &Value, builder: &ManifestBuilder) -> Result<wire::Compute, String> {
    let identity = builder.identity.as_ref().map(|identity| {
        let ids = identity.user_assigned_identities.iter().map(|one| (one.resource_id.clone(), json!({})));
        json!({"type": identity.kind, "userAssignedIdentities": ids.collect::<Map<_, _>>()})
    });
    // As azure-ai-ml prints it: `ProvisioningState.SUCCEEDED`.
    let state = document["provisioning_state"].as_str().and_then(|state| state.rsplit('.').next());
    let shown = json!({
        "name": builder.compute, "tags": builder.tags, "identity": identity,
        "properties": {
            "computeType": "SynapseSpark", "resourceId": builder.pool, "description": builder.description,
            "provisioningState": state,
        },
    });
    wire::Compute::of(&shown).map_err(|error| error.to_string())
}

/// The workspace: as the command line names it, else as `show` printed it.
fn owner(shown: Option<&WorkspaceId>, named: Option<&WorkspaceId>, notes: &mut Notes) -> Result<WorkspaceId, String> {
    if let (Some(named), Some(shown)) = (named, shown)
        && named != shown
    {
        notes.add("id", &format!("is in the workspace {shown}; that of --workspace is used instead."));
    }
    named
        .or(shown)
        .cloned()
        .ok_or_else(|| "the document names no workspace: pass --workspace SUBSCRIPTION/GROUP/WORKSPACE".to_owned())
}

/// The user-assigned identities: IDs, or mappings with an ID.
fn ids(identity: &mut Fields<'_>, notes: &mut Notes) -> Result<Vec<String>, String> {
    const KEY: &str = "user_assigned_identities";
    if let Ok(texts) = identity.texts(KEY) {
        return Ok(texts);
    }
    let mut ids = Vec::new();
    for mut one in identity.list(KEY)? {
        one.pass_over(&["principal_id", "client_id"]);
        ids.push(one.text("resource_id")?.ok_or_else(|| format!("{}: is missing", one.field("resource_id")))?);
        one.finish(notes);
    }
    Ok(ids)
}
