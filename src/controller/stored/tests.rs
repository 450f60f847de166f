use serde_json::json;

use super::*;

/// The annotation that names a recipient with names of this length.
fn recipient(length: usize) -> String {
    let name = "n".repeat(length);
    format!("0b5d1f5e-3c1c-4c55-9a4e-1f2a3b4c5d6e/{name}/{name}")
}

/// A whole event of the watch, as the API server sends it.
fn event() -> Value {
    json!({"type": "ADDED", "object": {
        "apiVersion": "synapse-spark.dev/v1alpha1",
        "kind": "SynapseSparkAttachment",
        "metadata": {
            "name": "nightly", "namespace": "team-a", "uid": "u", "resourceVersion": "7", "generation": 3,
            "creationTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["synapse-spark.dev/detach"],
            "labels": {"huge": "label"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "o"}],
            "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}],
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "synapse-spark.dev/on-delete": "abandon",
                "synapse-spark.dev/reconcile-requested-at": "now",
                "synapse-spark.dev/transfer-to": recipient(63),
            },
        },
        "spec": {"workspace": {"subscriptionId": "s", "resourceGroup": "g", "name": "w"}, "resourceId": "p"},
        "status": {"observedGeneration": 2},
    }})
}

fn read(object: &Value) -> Stored {
    let event: kube::core::WatchEvent<Stored> = serde_json::from_str(&object.to_string()).expect("an event");
    match event {
        kube::core::WatchEvent::Added(stored) => stored,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_the_parts_of_an_object_that_the_operator_reads_are_kept() {
    let object = read(&event()).0.expect("it can be decoded");
    let mut kept = event()["object"].take();
    let metadata = kept["metadata"].as_object_mut().expect("metadata");
    for dropped in ["labels", "ownerReferences", "managedFields"] {
        metadata.remove(dropped);
    }
    metadata["annotations"].as_object_mut().expect("annotations").remove("kubectl.kubernetes.io/last-applied-configuration");
    let kept: SynapseSparkAttachment = serde_json::from_value(kept).expect("an object");
    assert_eq!(object, kept);
}

#[test]
fn no_more_is_kept_of_a_recipient_than_the_longest_names_need() {
    let mut event = event();
    event["object"]["metadata"]["annotations"]["synapse-spark.dev/transfer-to"] = recipient(100_000).into();
    let object = read(&event).0.expect("it can be decoded");
    let kept = &object.metadata.annotations.expect("annotations")["synapse-spark.dev/transfer-to"];
    assert_eq!(kept.chars().count(), recipient(63).len());
}

#[test]
fn an_object_without_status_or_annotations_is_read() {
    let mut event = event();
    let object = event["object"].as_object_mut().expect("an object");
    object.remove("status");
    object["metadata"].as_object_mut().expect("metadata").remove("annotations");
    let object = read(&event).0.expect("it can be decoded");
    assert_eq!((object.status, object.metadata.annotations), (None, None));
    event["object"]["metadata"]["annotations"] = Value::Null;
    assert_eq!(read(&event).0.expect("it can be decoded").metadata.annotations, None);
}

#[test]
fn an_object_that_cannot_be_decoded_still_has_its_name() {
    let mut event = event();
    event["object"]["spec"] = json!({"workspace": "w"});
    let invalid = read(&event).0.expect_err("it cannot be decoded");
    assert_eq!((invalid.metadata.name.as_deref(), invalid.metadata.namespace.as_deref()), (Some("nightly"), Some("team-a")));
    event["object"]["spec"] = super::tests::event()["object"]["spec"].take();
    event["object"]["metadata"]["finalizers"] = (0..65).map(|number| format!("example.com/{number}")).collect();
    assert!(read(&event).0.expect_err("it has too many").error.contains("65 finalizers"));
}

#[test]
fn a_long_value_is_capped_and_a_changed_one_is_still_another() {
    let long = |end: char| format!("{}{end}", "ü".repeat(100_000));
    assert_eq!(capped("2026-11-28T20:00:00+00:00"), "2026-11-28T20:00:00+00:00");
    assert_eq!(capped(&"ü".repeat(64)), "ü".repeat(64));
    let first = capped(&long('1')).into_owned();
    assert_eq!(first.chars().count(), 64);
    assert_ne!(first, capped(&long('2')));
    assert_eq!(capped(&first), first, "once is enough");
}
