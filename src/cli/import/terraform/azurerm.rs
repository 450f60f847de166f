//! An `azurerm_machine_learning_synapse_spark`.

use serde_json::Value;

use super::super::super::manifest::ManifestBuilder;
use super::super::fields::{Fields, LOCAL_AUTH, LOCATION, Notes, identity, note_order, plain_id};
use super::resource::{LATER, Resource};
use crate::resource_id::WorkspaceId;

/// The fields that go into a manifest.
const CARRIED: [&str; 6] = ["name", "machine_learning_workspace_id", "synapse_spark_pool_id", "identity", "description", "tags"];

pub(super) fn convert(resource: &Resource<'_>, place: &str, notes: &mut Notes) -> Result<ManifestBuilder, String> {
    let mut part = Fields::of(resource.values).map_err(|_| format!("values: {LATER}"))?;
    part.pass_over(&["id", "timeouts"]);
    let mut need = |key: &str| part.text(key)?.ok_or_else(|| format!("{key}: {LATER}"));
    let (name, workspace, pool) = (need("name")?, need("machine_learning_workspace_id")?, need("synapse_spark_pool_id")?);
    let workspace =
        WorkspaceId::parse(&plain_id(&workspace)).map_err(|error| format!("machine_learning_workspace_id: {error}"))?;
    resource.note_marks(notes, |field| CARRIED.iter().any(|carried| field.starts_with(carried)))?;
    let mut builder = ManifestBuilder::new(place, workspace, name, plain_id(&pool));
    builder.description = part.text("description")?;
    builder.tags = part.tags("tags")?;
    for mut one in part.list("identity")? {
        one.pass_over(&["principal_id", "tenant_id"]);
        let (kind, ids) = (one.text("type")?, one.texts("identity_ids")?);
        builder.identity = identity("identity", kind.as_deref(), ids)?;
        note_order(notes, &one.field("identity_ids"), builder.identity.as_ref());
        one.finish(notes);
    }
    part.leave_out("location", &Value::Null, notes, LOCATION);
    part.leave_out("local_auth_enabled", &Value::Bool(true), notes, LOCAL_AUTH);
    part.finish(notes);
    Ok(builder)
}
