//! The fields of the custom resource: which ones a schema lacks, and what a status is without them.

use serde_json::{Map, Value};

use crate::api::v1alpha1::{self, AttachmentStatus};

/// Fields of the status that users read and on which no decision rests. Every other one is needed before a write to Azure: those
/// of the spec, and those by which a write is found again after a crash, its attempts are counted, or a request is answered.
const ONLY_SHOWN: [&str; 9] = [
    "computeId",
    "computeName",
    "provisioningState",
    "location",
    "createdOn",
    "modifiedOn",
    "pool",
    "provisioningErrors",
    "queuedUntil",
];

/// The paths of the fields that this version has and the served schema has not. Of a missing object, its own path alone; of a
/// value that a field of the status may not have, `PATH=VALUE`.
pub(super) fn missing(document: &Value) -> Vec<String> {
    let mut missing = Vec::new();
    let Some(served) = document["components"]["schemas"].as_object().and_then(|all| all.values().find(|one| is_ours(one))) else {
        return vec!["spec".to_owned(), "status".to_owned()];
    };
    let definition = serde_json::to_value(v1alpha1::definition()).expect("a definition is JSON");
    let own = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    for field in ["spec", "status"] {
        compare(field, &own["properties"][field], &served["properties"][field], &mut missing);
    }
    missing
}

/// Whether this is the schema of the attachment, and not that of its list.
fn is_ours(schema: &Value) -> bool {
    let kinds = schema["x-kubernetes-group-version-kind"].as_array();
    kinds.is_some_and(|kinds| kinds.iter().any(|one| one["kind"] == "SynapseSparkAttachment"))
}

fn compare(path: &str, own: &Value, served: &Value, missing: &mut Vec<String>) {
    if served["x-kubernetes-preserve-unknown-fields"] == true {
        return;
    }
    if served.is_null() {
        missing.push(path.to_owned());
        return;
    }
    // A status with a value that is not declared is refused. In a spec, the API server refuses the user's request instead.
    if path.starts_with("status") && served["enum"].is_array() {
        let declared = served["enum"].as_array().into_iter().flatten().collect::<Vec<_>>();
        let values = own["enum"].as_array().into_iter().flatten().filter(|value| !declared.contains(value));
        missing.extend(values.map(|value| format!("{path}={}", value.as_str().unwrap_or_default())));
    }
    for (name, field) in own["properties"].as_object().into_iter().flatten() {
        compare(&format!("{path}.{name}"), field, &served["properties"][name], missing);
    }
    for below in ["items", "additionalProperties"] {
        // A schema of its own; else it is absent, or true.
        if own[below].is_object() {
            compare(path, &own[below], &served[below], missing);
        }
    }
}

/// Whether users read this field and the operator does not.
pub(super) fn is_only_shown(path: &str) -> bool {
    path.strip_prefix("status.").is_some_and(|field| ONLY_SHOWN.contains(&top(field)))
}

fn top(field: &str) -> &str {
    field.split(['.', '=']).next().unwrap_or(field)
}

/// The status without each of its fields that is missing, or in which one is.
pub(super) fn without(status: AttachmentStatus, missing: &[String]) -> AttachmentStatus {
    let removed: Vec<_> =
        missing.iter().filter(|path| is_only_shown(path)).filter_map(|path| path.strip_prefix("status.")).collect();
    let Ok(Value::Object(fields)) = serde_json::to_value(&status) else { return status };
    let kept: Map<_, _> = fields.into_iter().filter(|(name, _)| !removed.iter().any(|path| top(path) == name)).collect();
    serde_json::from_value(Value::Object(kept)).unwrap_or(status)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::v1alpha1::PoolStatus;

    /// The document of an API server with this definition, but for a change of it.
    fn document(change: impl FnOnce(&mut Value)) -> Value {
        let mut definition = serde_json::to_value(v1alpha1::definition()).expect("JSON");
        let mut schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take();
        change(&mut schema["properties"]);
        schema["x-kubernetes-group-version-kind"] = json!([{"kind": "SynapseSparkAttachment"}]);
        let list = json!({"x-kubernetes-group-version-kind": [{"kind": "SynapseSparkAttachmentList"}]});
        json!({"components": {"schemas": {"a.List": list, "b.Attachment": schema, "c.ObjectMeta": {}}}})
    }

    fn remove(schema: &mut Value, field: &str) {
        schema["properties"].as_object_mut().expect("an object").remove(field).expect("it was there");
    }

    #[test]
    fn names_each_field_that_the_served_schema_lacks() {
        type Change = fn(&mut Value);
        #[rustfmt::skip]
        let table: [(&str, Change, &[&str], bool); 9] = [
            ("the same",               |_| {},                                                        &[],                           false),
            ("a newer one",            |all| all["spec"]["properties"]["more"] = json!({}),           &[],                           false),
            ("a field that is shown",  |all| remove(&mut all["status"], "pool"),                      &["status.pool"],              false),
            ("a part of it",           |all| remove(&mut all["status"]["properties"]["pool"], "nodeCount"), &["status.pool.nodeCount"], false),
            ("of the write intent",    |all| remove(&mut all["status"]["properties"]["operation"], "pending"), &["status.operation.pending"], true),
            ("inside a list",          |all| remove(&mut all["status"]["properties"]["roleAssignments"]["items"], "phase"), &["status.roleAssignments.phase"], true),
            ("of the spec",            |all| remove(&mut all["spec"], "suspend"),                     &["spec.suspend"],             true),
            ("a value of the status",  |all| all["status"]["properties"]["operation"]["properties"]["kind"]["enum"] = json!(["Attach", "Update", "Detach"]), &["status.operation.kind=Transfer"], true),
            ("anything is accepted",   |all| all["spec"] = json!({"x-kubernetes-preserve-unknown-fields": true}), &[],               false),
        ];
        for (case, change, wanted, is_needed) in table {
            let missing = missing(&document(change));
            assert_eq!(missing, wanted, "{case}");
            assert_eq!(missing.iter().any(|field| !is_only_shown(field)), is_needed, "{case}");
        }
    }

    #[test]
    fn document_without_the_kind_lacks_everything() {
        assert_eq!(missing(&json!({"components": {"schemas": {}}})), ["spec", "status"]);
    }

    #[test]
    fn status_loses_only_what_is_missing() {
        let status = AttachmentStatus {
            pool: Some(PoolStatus { name: "one".into(), ..PoolStatus::default() }),
            location: Some("westeurope".into()),
            observed_generation: Some(1),
            ..AttachmentStatus::default()
        };
        let left = without(status.clone(), &["status.pool.nodeCount".into(), "status.operation.pending".into()]);
        assert_eq!(left, AttachmentStatus { pool: None, ..status });
    }

    #[test]
    fn fields_that_are_only_shown_exist_and_may_be_left_out() {
        let definition = serde_json::to_value(v1alpha1::definition()).expect("JSON");
        let status = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
        for field in ONLY_SHOWN {
            assert!(status["properties"][field].is_object(), "{field}");
        }
        assert_eq!(status["required"], Value::Null);
    }
}
