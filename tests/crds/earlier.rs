//! Objects and definitions of an earlier version, and of a later one.

use serde_json::{Value, json};
use synapse_spark_operator::api::v1alpha1::{AttachmentStatus, definition};

fn schema(definition: &Value) -> &Value {
    &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

fn earlier() -> Value {
    serde_saphyr::from_str(include_str!("../fixtures/earlier/definition.yaml")).expect("a definition is YAML")
}

/// A status with every field that the earlier version could store.
fn status() -> Value {
    serde_json::from_str(include_str!("../fixtures/earlier/status.json")).expect("a status is JSON")
}

/// What a schema no longer accepts of what an earlier one did, as far as bounds and types show it.
fn narrowed(path: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    if new.is_null() {
        found.push(format!("{path}: the field is gone"));
        return;
    }
    if old["type"] != new["type"] {
        found.push(format!("{path}: {} has become {}", old["type"], new["type"]));
    }
    for bound in ["maxLength", "maxItems", "maxProperties"] {
        if new[bound].as_u64().is_some_and(|new| old[bound].as_u64().is_none_or(|old| new < old)) {
            found.push(format!("{path}: {bound} is smaller"));
        }
    }
    let list = |schema: &Value, key: &str| schema[key].as_array().cloned().unwrap_or_default();
    found.extend(
        list(new, "required")
            .iter()
            .filter(|one| !list(old, "required").contains(one))
            .map(|one| format!("{path}: {one} is required")),
    );
    if !new["enum"].is_null() {
        found.extend(
            list(old, "enum")
                .iter()
                .filter(|one| !list(new, "enum").contains(one))
                .map(|one| format!("{path}: {one} is refused")),
        );
    }
    for (name, field) in old["properties"].as_object().into_iter().flatten() {
        narrowed(&format!("{path}.{name}"), field, &new["properties"][name], found);
    }
    for inner in ["items", "additionalProperties"] {
        if old[inner].is_object() {
            narrowed(&format!("{path}[]"), &old[inner], &new[inner], found);
        }
    }
}

/// An operator that is rolled back, and objects that are stored, find every field that they had.
#[test]
fn definition_accepts_every_field_and_value_of_an_earlier_one() {
    let (old, new) = (earlier(), serde_json::to_value(definition()).expect("a definition is JSON"));
    let mut found = Vec::new();
    narrowed("", schema(&old), schema(&new), &mut found);
    assert!(found.is_empty(), "{found:#?}");

    let mut strict = new.clone();
    strict["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["description"] =
        json!({"type": "integer", "maxLength": 10});
    narrowed("", schema(&old), schema(&strict), &mut found);
    assert_eq!(found, [".spec.description: \"string\" has become \"integer\"", ".spec.description: maxLength is smaller"]);
}

#[test]
fn status_of_an_earlier_version_is_read_without_a_loss() {
    let earlier_definition = earlier();
    let fields = schema(&earlier_definition)["properties"]["status"]["properties"].as_object().expect("fields");
    let missing: Vec<_> = fields.keys().filter(|name| status()[*name].is_null()).collect();
    assert!(missing.is_empty(), "the fixture lacks {missing:?}");
    let decoded: AttachmentStatus = serde_json::from_value(status()).expect("it is decoded");
    assert_eq!(serde_json::to_value(decoded).expect("a status is JSON"), status());
}

/// A version that is rolled back while the definition stays meets fields and words that it does not have.
#[test]
fn status_of_a_later_version_is_read_as_far_as_it_is_known() {
    fn add(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.values_mut().for_each(add);
                map.insert("later".to_owned(), json!({"a": [1]}));
            }
            Value::Array(items) => items.iter_mut().for_each(add),
            _ => {}
        }
    }
    let mut later = status();
    add(&mut later);
    later["conditions"][0]["reason"] = json!("LaterReason");
    later["conditions"][1]["type"] = json!("LaterCondition");
    let mut decoded: AttachmentStatus = serde_json::from_value(later).expect("it is decoded");
    // Reasons and types are texts of any version.
    assert_eq!((&*decoded.conditions[0].reason, &*decoded.conditions[1].type_), ("LaterReason", "LaterCondition"));
    "Updating".clone_into(&mut decoded.conditions[0].reason);
    "Reconciling".clone_into(&mut decoded.conditions[1].type_);
    assert_eq!(serde_json::to_value(decoded).expect("a status is JSON"), status());
}
