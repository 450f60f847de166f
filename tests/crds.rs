//! The definition in `crds/` is the one that the code has.

use synapse_spark_operator::api::v1alpha1::definition;

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
    assert!(stored < 22_000, "{stored} bytes");
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
