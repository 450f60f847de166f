//! A resource of a state or a plan.

use serde_json::Value;

use super::super::arm::is_compute;
use super::super::fields::Notes;

/// The resource type of the provider azurerm.
const AZURERM: &str = "azurerm_machine_learning_synapse_spark";

/// Which provider a resource is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Azurerm,
    Azapi,
    /// A data source or an action, which does not attach the compute.
    Other,
}

/// What Terraform does with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    /// A `removed` block releases it.
    Forgotten,
    Destroyed,
    /// It was replaced, and is yet to be deleted.
    Deposed,
    Deferred,
}

#[derive(Clone)]
/// A resource, with what Terraform shows of it in addition to its values.
pub(in super::super) struct Resource<'a> {
    pub(in super::super) address: &'a str,
    pub(super) kind: Kind,
    pub(super) fate: Fate,
    pub(super) values: &'a Value,
    /// What will be known after the apply of a plan.
    pub(super) unknown: &'a Value,
    /// What Terraform itself does not print.
    pub(super) sensitive: &'a Value,
    pub(super) type_name: &'a str,
}

impl<'a> Resource<'a> {
    /// An entry with an address and a type, if it is about a compute. `values` has the type of an azapi resource.
    pub(super) fn of(entry: &'a Value, values: &'a Value) -> Option<Self> {
        let type_name = entry["type"].as_str()?;
        let is_compute = || values["type"].as_str().is_some_and(|kind| is_compute(kind.split('@').next().unwrap_or_default()));
        let kind = match type_name {
            AZURERM => Kind::Azurerm,
            "azapi_resource" if is_compute() && entry["mode"] != "data" => Kind::Azapi,
            "azapi_resource" | "azapi_update_resource" | "azapi_resource_action" if is_compute() => Kind::Other,
            _ => return None,
        };
        Some(Self {
            address: entry["address"].as_str().unwrap_or(type_name),
            kind: if entry["mode"] == "data" { Kind::Other } else { kind },
            fate: Fate::Kept,
            values,
            unknown: &Value::Null,
            sensitive: &Value::Null,
            type_name,
        })
    }

    /// Reports the fields whose values are known only after the apply, and those that are sensitive if they go into a
    /// manifest.
    pub(super) fn note_marks(&self, notes: &mut Notes, is_carried: impl Fn(&str) -> bool) -> Result<(), String> {
        let unknown = marked(self.unknown, "");
        for field in &unknown {
            match field.as_str() {
                // Azure's own, in every plan for a new one.
                "id" | "output" | "identity[0].principal_id" | "identity[0].tenant_id" => {}
                wanted if wanted.starts_with("identity") => {
                    return Err(format!(
                        "{field}: is known only after the apply, and a manifest without it would remove the identity. Apply the plan and import the state instead"
                    ));
                }
                "body" | "body.properties" | "body.properties.resourceId" => return Err(format!("{field}: {LATER}")),
                _ => notes.add(field, "left out: it is known only after the apply. Apply the plan and import the state instead."),
            }
        }
        for field in marked(self.sensitive, "").iter().filter(|field| !unknown.contains(field) && is_carried(field)) {
            notes.add(field, "is sensitive in Terraform, but is plain text in the manifest.");
        }
        Ok(())
    }
}

/// Why a field that a manifest needs is not there.
pub(super) const LATER: &str =
    "is missing: in a plan it may be known only after the apply. Apply the plan and import the state instead";

/// The resources about computes in the values of a state or a plan, also in modules.
pub(super) fn of_module(values: &Value) -> Vec<Resource<'_>> {
    let mut found = Vec::new();
    let mut modules = vec![&values["root_module"]];
    while let Some(module) = modules.pop() {
        for entry in module["resources"].as_array().into_iter().flatten() {
            if let Some(resource) = Resource::of(entry, &entry["values"]) {
                let fate = if entry["deposed_key"].is_null() { Fate::Kept } else { Fate::Deposed };
                found.push(Resource { fate, sensitive: &entry["sensitive_values"], ..resource });
            }
        }
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
