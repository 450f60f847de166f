//! The definition in `crds/` is the one that the code has, and reads what other versions stored.

#[path = "crds/earlier.rs"]
mod earlier;

use serde_json::{Value, json};
use synapse_spark_operator::api::v1alpha1::{AttachmentStatus, definition};

#[test]
fn the_committed_definition_is_the_generated_one() {
    let committed = include_str!("../crds/synapsesparkattachments.yaml");
    let generated = serde_saphyr::to_string(&definition()).expect("a definition is YAML");
    assert!(committed == generated, "crds/synapsesparkattachments.yaml is outdated: run `make generate`");
}

/// As etcd stores it; and room is left below the 256 KiB that client-side `kubectl apply` can put into an annotation.
#[test]
fn the_definition_stays_below_its_size_limit() {
    let stored = serde_json::to_vec(&definition()).expect("a definition is JSON").len();
    assert!(stored < 40_000, "{stored} bytes");
}

#[test]
fn every_field_is_explained() {
    fn walk(path: &str, schema: &serde_json::Value, silent: &mut Vec<String>) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            if field["description"].as_str().unwrap_or_default().len() < 10 {
                silent.push(path.clone());
            }
            assert!(field.get("nullable").is_none(), "{path} is nullable");
            walk(&path, field, silent);
            walk(&path, &field["items"], silent);
        }
    }
    let definition = serde_json::to_value(definition()).expect("a definition is JSON");
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let mut silent = Vec::new();
    walk("", &schema["properties"]["spec"], &mut silent);
    walk("", &schema["properties"]["status"], &mut silent);
    // metav1.Condition has its own descriptions, or none.
    silent.retain(|path| !path.starts_with(".conditions"));
    assert!(silent.is_empty(), "without a word: {silent:?}");
}

/// An API server refuses a status with any word that is not in the schema, so an operator that is rolled back could store none.
#[test]
fn words_of_a_newer_operator_are_not_written_back() {
    let newer = json!({
        "roleAssignments": [{"assignmentId": "a", "roleId": "r", "principalId": "p", "scope": "s", "phase": "Expiring"}],
        "operation": {"kind": "Restart", "startedAt": "2026-01-01T00:00:00Z"},
        "failure": {"since": "2026-01-01T00:00:00Z", "lastAttempt": "2026-01-01T00:00:00Z", "step": "Restart"},
    });
    let decoded: AttachmentStatus = serde_json::from_value(newer).expect("an older operator reads it");
    let written = serde_json::to_value(decoded).expect("a status is JSON");
    let definition = serde_json::to_value(definition()).expect("a definition is JSON");
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
    assert_eq!(refused("status", schema, &written), [""; 0]);
    // What may exist is still revoked, and a write that may have been sent is still waited for.
    assert_eq!(written["roleAssignments"][0]["phase"], "Pending");
    assert_eq!(written["operation"]["kind"], "Update");
    assert_eq!(written["failure"]["step"], "Observe");
}

/// The values that an enumeration of the schema does not have.
fn refused(path: &str, schema: &Value, value: &Value) -> Vec<String> {
    let is_listed = schema["enum"].as_array().is_none_or(|listed| listed.contains(value));
    let mut all: Vec<_> = (!is_listed).then(|| format!("{path}: {value}")).into_iter().collect();
    for (name, field) in value.as_object().into_iter().flatten() {
        all.extend(refused(&format!("{path}.{name}"), &schema["properties"][name], field));
    }
    for item in value.as_array().into_iter().flatten() {
        all.extend(refused(path, &schema["items"], item));
    }
    all
}
