//! What the objects of other operators have in common: metadata and annotations.

use serde_json::{Map, Value};

use super::fields::{Fields, Notes};

/// An object's metadata, as far as a manifest takes it over.
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    annotations: Map<String, Value>,
}

/// What the API server or a tool writes.
const OF_THE_SERVER: [&str; 7] =
    ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "finalizers", "selfLink"];

/// Annotations that are read here, or are what a tool keeps for itself.
const OF_TOOLS: [&str; 12] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    POLICY,
    RESOURCE_ID,
    "serviceoperator.azure.com/latest-reconciled-generation",
    "serviceoperator.azure.com/operator-namespace",
    "serviceoperator.azure.com/poller-resume-id",
    "serviceoperator.azure.com/poller-resume-token",
    EXTERNAL_NAME,
    PAUSED,
    "crossplane.io/external-create-failed",
    "crossplane.io/external-create-pending",
    "crossplane.io/external-create-succeeded",
];

/// What Azure Service Operator may do. Source: <https://azure.github.io/azure-service-operator/guide/annotations/>.
pub(super) const POLICY: &str = "serviceoperator.azure.com/reconcile-policy";
/// The ID that Azure Service Operator has for it in Azure.
pub(super) const RESOURCE_ID: &str = "serviceoperator.azure.com/resource-id";
/// The Secret with the identity that Azure Service Operator uses.
const CREDENTIAL: &str = "serviceoperator.azure.com/credential-from";
/// The name that Crossplane has for it in Azure.
pub(super) const EXTERNAL_NAME: &str = "crossplane.io/external-name";
/// Whether Crossplane leaves it alone.
pub(super) const PAUSED: &str = "crossplane.io/paused";

const YOURS: &str = "add those that you want to the manifest";

/// Which identity is used in Azure, and how to select another.
pub(super) const WHO_ASKS: &str =
    "the operator uses its own identity, or that of the ServiceAccount in spec.serviceAccountName (docs/namespace-identity.md)";

impl Metadata {
    pub(super) fn of(object: &mut Fields<'_>, notes: &mut Notes) -> Result<Self, String> {
        object.pass_over(&["apiVersion", "kind", "status"]);
        let mut part = object.fields("metadata")?.ok_or("metadata: is missing")?;
        part.pass_over(&OF_THE_SERVER);
        let annotations = part.take("annotations").and_then(Value::as_object).cloned().unwrap_or_default();
        let made = Self {
            name: part.text("name")?.ok_or("metadata.name: is missing")?,
            namespace: part.text("namespace")?,
            annotations,
        };
        part.leave_out("labels", &Value::Null, notes, YOURS);
        if made.annotation(CREDENTIAL).is_some() {
            notes.add(&format!("metadata.annotations.{CREDENTIAL}"), &format!("left out: {WHO_ASKS}"));
        }
        if made.annotations.keys().any(|key| key != CREDENTIAL && !OF_TOOLS.contains(&key.as_str())) {
            notes.add("metadata.annotations", &format!("left out: {YOURS}"));
        }
        part.finish(notes);
        Ok(made)
    }

    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).and_then(Value::as_str)
    }
}

/// The group of an object's `apiVersion`, and its kind.
pub(super) fn group_kind(document: &Value) -> Option<(&str, &str)> {
    let (group, _) = document["apiVersion"].as_str()?.split_once('/')?;
    Some((group, document["kind"].as_str()?))
}

/// Whether its deletion has begun.
pub(super) fn is_going(document: &Value) -> bool {
    !document["metadata"]["deletionTimestamp"].is_null()
}

/// A value of a status, by its path.
pub(super) fn shown<'a>(document: &'a Value, path: &str) -> Option<&'a str> {
    document.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty())
}
