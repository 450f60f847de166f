//! The manifests of `plan -f`. A field of `spec` that the API server would refuse is refused here, too.

use std::path::Path;

use serde_json::Value;

use super::super::input::{Document, read};
use super::super::output::{printable, remark};
use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::definition;

const KIND: &str = "SynapseSparkAttachment";

/// The attachments of a file.
pub(super) fn objects(file: &Path) -> Result<Vec<SynapseSparkAttachment>, String> {
    let name = file.display();
    let mut objects = Vec::new();
    let documents = read(file)?;
    documents.notes.iter().for_each(|line| remark(&printable(line)));
    let schema = schema();
    for Document { place, value } in documents.all {
        let kind = value["kind"].as_str().unwrap_or_default();
        if kind != KIND {
            return Err(other_kind(&place, kind, &value));
        }
        if let Some(field) = unknown_field("spec", &schema, &value["spec"]) {
            return Err(format!("-f {place}: unknown field {field:?}: kubectl explain ssa.spec lists the fields"));
        }
        objects.push(serde_json::from_value(value).map_err(|error| format!("-f {place}: {error}"))?);
    }
    if objects.is_empty() {
        return Err(format!("-f {name}: contains no {KIND}"));
    }
    Ok(objects)
}

/// A document that is no attachment. One without `kind` is most often of another tool, such as `az ml`.
fn other_kind(place: &str, kind: &str, value: &Value) -> String {
    if kind.is_empty() && value.get("apiVersion").is_none() {
        return format!(
            "-f {place}: has no kind, so it is not a {KIND}. If it is a file of another tool, such as az ml, Terraform or Bicep, convert it first: synapse-spark-operator import -f FILE"
        );
    }
    format!("-f {place}: kind is {kind:?}, must be {KIND}")
}

/// The schema of `spec`.
fn schema() -> Value {
    let definition = serde_json::to_value(definition()).expect("a definition is JSON");
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].clone()
}

/// The path of the first field that the schema does not have.
fn unknown_field(path: &str, schema: &Value, value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) => {
            let (known, any) = (schema["properties"].as_object(), &schema["additionalProperties"]);
            fields.iter().find_map(|(name, value)| {
                let path = format!("{path}.{name}");
                match known.and_then(|known| known.get(name)) {
                    Some(field) => unknown_field(&path, field, value),
                    None if any.is_null() => Some(path),
                    None => unknown_field(&path, any, value),
                }
            })
        }
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| unknown_field(&format!("{path}[{at}]"), &schema["items"], item))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn first_field_that_the_definition_does_not_have_is_named() {
        for (spec, field) in [
            (json!({"workspace": {"name": "w"}, "tags": {"any": "thing"}, "description": "d"}), None),
            (json!({"tag": {"a": "b"}}), Some("spec.tag")),
            (json!({"workspace": {"subscriptionID": "s"}}), Some("spec.workspace.subscriptionID")),
            (
                json!({"identity": {"userAssignedIdentities": [{"resourceId": "r"}, {"resource_id": "r"}]}}),
                Some("spec.identity.userAssignedIdentities[1].resource_id"),
            ),
        ] {
            assert_eq!(unknown_field("spec", &schema(), &spec).as_deref(), field, "{spec}");
        }
    }
}
