//! An attachment as its user would write it: without what the API server, the operator and kubectl add.

use std::collections::BTreeMap;

use kube::ResourceExt as _;
use serde_json::{Value, json};

use super::super::manifest::{as_json, yaml};
use crate::api::v1alpha1::SynapseSparkAttachmentSpec;
use crate::api::{FORCE_REQUESTED_AT, RECONCILE_REQUESTED_AT, SynapseSparkAttachment};

/// The annotation in which kubectl keeps a manifest.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The manifest as text: YAML, or JSON if YAML cannot represent it.
pub(super) fn text(object: &SynapseSparkAttachment) -> String {
    written(object, &[LAST_APPLIED, RECONCILE_REQUESTED_AT, FORCE_REQUESTED_AT])
}

/// The same, with requests for a reconcile.
pub(super) fn complete(object: &SynapseSparkAttachment) -> String {
    written(object, &[LAST_APPLIED])
}

fn written(object: &SynapseSparkAttachment, without: &[&str]) -> String {
    let manifest = manifest(object, without);
    yaml(std::slice::from_ref(&manifest)).unwrap_or_else(|_| as_json(vec![manifest]))
}

fn manifest(object: &SynapseSparkAttachment, without: &[&str]) -> Value {
    let mut metadata = json!({"name": object.name_any()});
    if let Some(namespace) = object.namespace() {
        metadata["namespace"] = json!(namespace);
    }
    if !object.labels().is_empty() {
        metadata["labels"] = json!(object.labels());
    }
    let annotations: BTreeMap<_, _> = object.annotations().iter().filter(|(name, _)| !without.contains(&name.as_str())).collect();
    if !annotations.is_empty() {
        metadata["annotations"] = json!(annotations);
    }
    let (mut spec, default) = (json!(object.spec), json!(SynapseSparkAttachmentSpec::default()));
    if let Value::Object(fields) = &mut spec {
        // The API server adds defaults.
        fields.retain(|name, value| default.get(name) != Some(value));
    }
    json!({"apiVersion": "synapse-spark.dev/v1alpha1", "kind": "SynapseSparkAttachment", "metadata": metadata, "spec": spec})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_add_is_left_out() {
        let object: SynapseSparkAttachment = serde_json::from_value(json!({
            "metadata": {
                "name": "one", "namespace": "team-a", "uid": "u", "resourceVersion": "7", "generation": 3,
                "creationTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["synapse-spark.dev/detach"],
                "labels": {"team": "data"},
                "annotations": {
                    "owner": "yes", RECONCILE_REQUESTED_AT: "now", FORCE_REQUESTED_AT: "now",
                    "kubectl.kubernetes.io/last-applied-configuration": "{}",
                },
                "managedFields": [{"manager": "kubectl"}],
            },
            "spec": {
                "workspace": {"subscriptionId": "s", "resourceGroup": "g", "name": "w"}, "resourceId": "x",
                "deletionPolicy": "Detach", "replacePolicy": "Recreate", "suspend": false, "tags": {"a": "1"},
            },
            "status": {"observedGeneration": 3},
        }))
        .expect("an attachment");
        let expected = "\
apiVersion: synapse-spark.dev/v1alpha1
kind: SynapseSparkAttachment
metadata:
  name: one
  namespace: team-a
  labels:
    team: data
  annotations:
    owner: \"yes\"
spec:
  workspace:
    subscriptionId: s
    resourceGroup: g
    name: w
  resourceId: x
  tags:
    a: \"1\"
  replacePolicy: Recreate
";
        assert_eq!(text(&object), expected);
    }
}
