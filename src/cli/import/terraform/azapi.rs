//! An `azapi_resource` that is a compute.
//!
//! Source: <https://registry.terraform.io/providers/Azure/azapi/latest/docs/resources/resource>.

use serde_json::Value;

use super::super::super::manifest::ManifestBuilder;
use super::super::arm::{Body, other_type};
use super::super::fields::{Fields, LOCATION, Notes, identity, plain_id};
use super::resource::{LATER, Resource};
use crate::resource_id::WorkspaceId;

/// How the provider sends the resource, and what it shows of it.
const OF_THE_PROVIDER: [&str; 23] = [
    "id",
    "type",
    "output",
    "timeouts",
    "retry",
    "locks",
    "schema_validation_enabled",
    "ignore_casing",
    "ignore_missing_property",
    "ignore_null_property",
    "ignore_body_changes",
    "removing_special_chars",
    "response_export_values",
    "list_unique_id_property",
    "replace_triggers_external_values",
    "replace_triggers_refs",
    "sensitive_body_version",
    "create_headers",
    "create_query_parameters",
    "read_headers",
    "read_query_parameters",
    "update_headers",
    "update_query_parameters",
];

/// Of a deletion, which is the operator's from now on.
const OF_DELETION: [&str; 2] = ["delete_headers", "delete_query_parameters"];

/// The manifest; nothing if the compute is skipped.
pub(super) fn convert(resource: &Resource<'_>, place: &str, notes: &mut Notes) -> Option<Result<ManifestBuilder, String>> {
    let body = match body(&resource.values["body"]) {
        Ok(body) => body,
        Err(why) => return Some(Err(why)),
    };
    if let Some(kind) = other_type(&body) {
        notes.add("body.properties.computeType", &format!("skipped: a compute of type {kind}, not a Synapse Spark pool."));
        return None;
    }
    Some(manifest(resource, &body, place, notes))
}

/// The body: a text of JSON in version 1 of the provider, a mapping in version 2.
fn body(value: &Value) -> Result<Value, String> {
    match value {
        Value::String(text) => serde_json::from_str(text).map_err(|error| format!("body: is not JSON: {error}")),
        Value::Object(_) => Ok(value.clone()),
        Value::Null => Err(format!("body: {LATER}")),
        _ => Err("body: must be a mapping, or a JSON string".to_owned()),
    }
}

fn manifest(resource: &Resource<'_>, body: &Value, place: &str, notes: &mut Notes) -> Result<ManifestBuilder, String> {
    let mut part = Fields::of(resource.values)?;
    part.pass_over(&OF_THE_PROVIDER);
    part.pass_over(&OF_DELETION);
    part.pass_over(&["body"]);
    let mut need = |key: &str| part.text(key)?.ok_or_else(|| format!("{key}: {LATER}"));
    let (name, parent) = (need("name")?, need("parent_id")?);
    let workspace = WorkspaceId::parse(&plain_id(&parent)).map_err(|error| format!("parent_id: {error}"))?;
    resource.note_marks(notes, |field| {
        ["name", "parent_id", "identity", "tags", "body"].iter().any(|carried| field.starts_with(carried))
    })?;
    let mut inner = Fields::at("body".to_owned(), body)?;
    let mut builder = Body::of(&mut inner, notes)?.builder(place, workspace, name);
    inner.finish(notes);
    builder.tags.extend(part.tags("tags")?);
    for mut one in part.list("identity")? {
        one.pass_over(&["principal_id", "tenant_id"]);
        let (kind, ids) = (one.text("type")?, one.texts("identity_ids")?);
        builder.identity = identity("identity", kind.as_deref(), ids)?;
        one.finish(notes);
    }
    part.leave_out("location", &Value::Null, notes, LOCATION);
    part.finish(notes);
    Ok(builder)
}
