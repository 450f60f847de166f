//! `terraform show -json`, of a state or of a plan: every attached Spark pool in it, of the providers azurerm and azapi.
//!
//! Source: <https://developer.hashicorp.com/terraform/internals/json-format>.

mod azapi;
mod azurerm;
mod changes;
mod resource;

use serde_json::Value;

use super::super::manifest::ManifestBuilder;
use super::fields::Notes;
use changes::Changes;
pub(super) use resource::Resource;
use resource::{Fate, Kind};

/// The resource types that attach a Spark pool, as messages name them.
pub(super) const KINDS: &str = "azurerm_machine_learning_synapse_spark, and no azapi_resource that is a compute";

/// Whether Terraform has printed it.
pub(super) fn is(document: &Value) -> bool {
    let has = |key: &str| !document[key].is_null();
    // A state without resources has only this version.
    let is_alone = || document.as_object().is_some_and(|map| map.len() == 1);
    document["format_version"].is_string() && (has("values") || has("planned_values") || has("terraform_version") || is_alone())
}

/// Whether it is a Terraform state file, whose format is internal to Terraform.
pub(super) fn is_state_file(document: &Value) -> bool {
    document["terraform_version"].is_string() && document["lineage"].is_string()
}

/// Whether it is a line of the log that `terraform plan -json` and `terraform apply -json` write.
pub(super) fn is_log_line(document: &Value) -> bool {
    document["@level"].is_string() && document["@message"].is_string()
}

/// All resources of a state or a plan that attach a Spark pool, also those that the plan removes.
pub(super) fn resources(document: &Value) -> Vec<Resource<'_>> {
    let changes = Changes::of(document);
    let is_state = document["values"].is_object();
    let mut found = resource::of_module(if is_state { &document["values"] } else { &document["planned_values"] });
    for resource in &mut found {
        changes.complete(resource);
    }
    let others = changes.not_among(&found);
    found.extend(others);
    found
}

/// The manifest of a resource; nothing if it is skipped.
pub(super) fn convert(resource: &Resource<'_>, place: &str, notes: &mut Notes) -> Option<Result<ManifestBuilder, String>> {
    let skipped = match resource.fate {
        Fate::Deposed => Some(("deposed_key", "skipped: Terraform has replaced it and will delete it.")),
        Fate::Destroyed => Some((
            "change.actions",
            "skipped: the plan destroys it. To import it, let a removed block with destroy = false release it, and import that plan.",
        )),
        Fate::Deferred => {
            Some(("deferred_changes", "skipped: Terraform defers it. Apply the plan and import the state instead."))
        }
        Fate::Kept | Fate::Forgotten => None,
    };
    if let Some((field, words)) = skipped {
        notes.add(field, words);
        return None;
    }
    match resource.kind {
        Kind::Azurerm => Some(azurerm::convert(resource, place, notes)),
        Kind::Azapi => azapi::convert(resource, place, notes),
        Kind::Other => {
            notes.add("type", &format!("skipped: {} reads or changes a compute that is attached elsewhere.", resource.type_name));
            None
        }
    }
}
