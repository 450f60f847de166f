//! `terraform show -json`, of a state or of a plan: every `azurerm_machine_learning_synapse_spark` in it.
//!
//! Source: <https://developer.hashicorp.com/terraform/internals/json-format>.

use serde_json::Value;

use super::super::manifest::ManifestBuilder;
use super::fields::{Fields, LOCAL_AUTH, LOCATION, Notes, identity, note_order};
use crate::resource_id::WorkspaceId;

const KIND: &str = "azurerm_machine_learning_synapse_spark";

/// The fields that go into a manifest.
const CARRIED: [&str; 6] = ["name", "machine_learning_workspace_id", "synapse_spark_pool_id", "identity", "description", "tags"];

/// Whether Terraform has printed it.
pub(super) fn is(document: &Value) -> bool {
    document["format_version"].is_string() && (document["values"].is_object() || document["planned_values"].is_object())
}

/// Whether it is a Terraform state file, whose format is internal to Terraform.
pub(super) fn is_state_file(document: &Value) -> bool {
    document["terraform_version"].is_string() && document["lineage"].is_string()
}

/// A resource, with what Terraform shows of it in addition to its values.
pub(super) struct Resource<'a> {
    pub(super) address: &'a str,
    /// It was replaced, and is yet to be deleted.
    pub(super) is_deposed: bool,
    values: &'a Value,
    /// What will be known after the apply of a plan.
    unknown: &'a Value,
    /// What Terraform itself does not print.
    sensitive: &'a Value,
}

pub(super) fn resources(document: &Value) -> Vec<Resource<'_>> {
    let changes = document["resource_changes"].as_array().map_or(&[][..], Vec::as_slice);
    let change = |address: &Value| changes.iter().find(|one| one["address"] == *address && one["deposed"].is_null());
    let values = if document["values"].is_object() { &document["values"] } else { &document["planned_values"] };
    let mut found = Vec::new();
    let mut modules = vec![&values["root_module"]];
    while let Some(module) = modules.pop() {
        let resources = module["resources"].as_array().into_iter().flatten();
        found.extend(resources.filter(|one| one["type"] == KIND && one["mode"] != "data").map(|one| Resource {
            address: one["address"].as_str().unwrap_or(KIND),
            is_deposed: !one["deposed_key"].is_null(),
            values: &one["values"],
            unknown: change(&one["address"]).map_or(&Value::Null, |change| &change["change"]["after_unknown"]),
            sensitive: &one["sensitive_values"],
        }));
        modules.extend(module["child_modules"].as_array().into_iter().flatten().rev());
    }
    found
}

/// The fields that are marked with true, as messages name them.
fn marked(marks: &Value, path: &str) -> Vec<String> {
    match marks {
        Value::Bool(true) => vec![path.to_owned()],
        Value::Array(items) => items.iter().enumerate().flat_map(|(at, inner)| marked(inner, &format!("{path}[{at}]"))).collect(),
        Value::Object(map) => {
            let dot = if path.is_empty() { "" } else { "." };
            map.iter().flat_map(|(key, inner)| marked(inner, &format!("{path}{dot}{key}"))).collect()
        }
        _ => Vec::new(),
    }
}

pub(super) fn convert(resource: &Resource<'_>, place: &str, notes: &mut Notes) -> Result<ManifestBuilder, String> {
    const LATER: &str = "is missing: in a plan it may be known only after the apply. Apply the plan and import the state instead";
    let mut part = Fields::of(resource.values)?;
    part.pass_over(&["id", "timeouts"]);
    let mut need = |key: &str| part.text(key)?.ok_or_else(|| format!("{key}: {LATER}"));
    let (name, workspace, pool) = (need("name")?, need("machine_learning_workspace_id")?, need("synapse_spark_pool_id")?);
    let workspace = WorkspaceId::parse(&workspace).map_err(|error| format!("machine_learning_workspace_id: {error}"))?;
    let unknown = marked(resource.unknown, "");
    for field in &unknown {
        match field.as_str() {
            // Azure's own, in every plan for a new one.
            "id" | "identity[0].principal_id" | "identity[0].tenant_id" => {}
            wanted if wanted.starts_with("identity") => {
                return Err(format!(
                    "{field}: is known only after the apply, and a manifest without it would remove the identity. Apply the plan and import the state instead"
                ));
            }
            _ => notes.add(field, "left out: it is known only after the apply. Apply the plan and import the state instead."),
        }
    }
    let mut builder = ManifestBuilder::new(place, workspace, name, pool);
    builder.description = part.text("description")?;
    builder.tags = part.tags("tags")?;
    for mut one in part.list("identity")? {
        one.pass_over(&["principal_id", "tenant_id"]);
        let (kind, ids) = (one.text("type")?, one.texts("identity_ids")?);
        builder.identity = identity("identity", kind.as_deref(), ids)?;
        note_order(notes, &one.field("identity_ids"), builder.identity.as_ref());
        one.finish(notes);
    }
    for field in marked(resource.sensitive, "").iter().filter(|field| !unknown.contains(field)) {
        if CARRIED.iter().any(|carried| field.starts_with(carried)) {
            notes.add(field, "is sensitive in Terraform, but is plain text in the manifest.");
        }
    }
    part.leave_out("location", &Value::Null, notes, LOCATION);
    part.leave_out("local_auth_enabled", &Value::Bool(true), notes, LOCAL_AUTH);
    part.finish(notes);
    Ok(builder)
}
