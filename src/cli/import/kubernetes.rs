//! What the objects of other operators have in common: who they are, and what their annotations ask for.

use serde_json::{Map, Value};

use super::part::{Notes, Part};

/// An object's metadata, as far as a manifest takes it over.
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    annotations: Map<String, Value>,
}

/// What the API server or a tool writes.
const OF_THE_SERVER: [&str; 7] =
    ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "finalizers", "selfLink"];

/// Whose annotations are of no use to another operator, or are read here.
const OF_TOOLS: [&str; 3] = ["kubectl.kubernetes.io/", "serviceoperator.azure.com/", "crossplane.io/"];

const YOURS: &str = "write those into the manifest that you want";

impl Metadata {
    pub(super) fn of(object: &mut Part<'_>, notes: &mut Notes) -> Result<Self, String> {
        object.pass_over(&["apiVersion", "kind", "status"]);
        let mut part = object.part("metadata")?.ok_or("metadata: is missing")?;
        part.pass_over(&OF_THE_SERVER);
        let annotations = part.take("annotations").and_then(Value::as_object).cloned().unwrap_or_default();
        let made = Self {
            name: part.text("name")?.ok_or("metadata.name: is missing")?,
            namespace: part.text("namespace")?,
            annotations,
        };
        part.leave_out("labels", &Value::Null, notes, YOURS);
        if made.annotations.keys().any(|key| !OF_TOOLS.iter().any(|tool| key.starts_with(tool))) {
            notes.say("metadata.annotations", &format!("left out: {YOURS}"));
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

/// What a status says, by its path.
pub(super) fn shown<'a>(document: &'a Value, path: &str) -> Option<&'a str> {
    document.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty())
}
