//! A compute of `az ml`: the file that `az ml compute attach` takes, or what `az ml compute show` prints.

use serde_json::Value;

use super::super::manifest::Draft;
use super::fields::{LOCATION, Notes, Part, identity, without_scheme};
use crate::resource_id::{ComputeId, WorkspaceId};

/// What `show` prints of the pool, and `attach` does not take.
const OF_THE_POOL: [&str; 6] =
    ["node_family", "node_size", "node_count", "spark_version", "scale_settings", "auto_pause_settings"];

/// Whether it is an attached Spark pool in the words of az ml.
pub(super) fn is(document: &Value) -> bool {
    document["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("synapsespark"))
}

pub(super) fn convert(
    document: &Value,
    workspace: Option<&WorkspaceId>,
    place: &str,
    notes: &mut Notes,
) -> Result<Draft, String> {
    let mut part = Part::of(document)?;
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
    let shown = part.text("id")?.and_then(|id| ComputeId::parse(without_scheme(&id)).ok());
    let pool = part.text("resource_id")?.ok_or("resource_id: is missing: the ID of the Spark pool")?;
    let workspace = match (workspace, shown.as_ref().map(ComputeId::workspace)) {
        (Some(named), Some(other)) if named != other => {
            notes.say("id", &format!("is in the workspace {other}; the one of --workspace counts."));
            named.clone()
        }
        (Some(named), _) => named.clone(),
        (None, Some(shown)) => shown.clone(),
        (None, None) => {
            return Err("the workspace does not stand in it: name it with --workspace SUBSCRIPTION/GROUP/WORKSPACE".to_owned());
        }
    };
    let mut draft = Draft::new(place, workspace, name, without_scheme(&pool).to_owned());
    draft.description = part.text("description")?;
    draft.tags = part.tags("tags")?;
    if let Some(mut wanted) = part.part("identity")? {
        wanted.pass_over(&["principal_id", "tenant_id"]);
        let kind = wanted.text("type")?;
        let ids = ids(&mut wanted, notes)?;
        draft.identity = identity("identity", kind.as_deref(), ids)?;
        wanted.finish(notes);
    }
    part.leave_out("location", &Value::Null, notes, LOCATION);
    for field in OF_THE_POOL {
        part.leave_out(field, &Value::Null, notes, "it is the pool's own, and shown in status.pool");
    }
    part.finish(notes);
    Ok(draft)
}

/// The user-assigned identities: IDs, or mappings with an ID.
fn ids(identity: &mut Part<'_>, notes: &mut Notes) -> Result<Vec<String>, String> {
    const KEY: &str = "user_assigned_identities";
    if let Ok(texts) = identity.texts(KEY) {
        return Ok(texts);
    }
    let mut ids = Vec::new();
    for mut one in identity.parts(KEY)? {
        one.pass_over(&["principal_id", "client_id"]);
        ids.push(one.text("resource_id")?.ok_or_else(|| format!("{}: is missing", one.field("resource_id")))?);
        one.finish(notes);
    }
    Ok(ids)
}
