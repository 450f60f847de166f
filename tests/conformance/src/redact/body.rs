//! Bodies: what of them is kept at all.

use serde_json::{Map, Value, json};

/// The names of the keys that are kept of the properties of a workspace or a pool: the rest belongs to its owner.
const KEPT: [&str; 12] = [
    "provisioningState",
    "discoveryUrl",
    "sparkVersion",
    "nodeCount",
    "nodeSize",
    "nodeSizeFamily",
    "autoScale",
    "autoPause",
    "dynamicExecutorAllocation",
    "isComputeIsolationEnabled",
    "isAutotuneEnabled",
    "creationDate",
];

/// The tags that probes send, but for the numbered ones.
const OWN_TAGS: [&str; 3] = ["created-by", "round", "patched"];

/// Drops what this run did not create: other values of a LIST, and what the owner of a workspace or a pool wrote into it.
pub(super) fn reduced(body: &Value, url: &str, prefix: &str) -> Value {
    let mut body = body.clone();
    let values = body.get_mut("value").and_then(Value::as_array_mut).filter(|_| !url.contains("/roleAssignments"));
    if let Some(values) = values {
        let count = values.len();
        values.retain(|value| value.to_string().contains(prefix));
        if values.len() < count {
            values.push(json!({"redacted": format!("{} that this run did not create", count - values.len())}));
        }
    }
    if is_policy(&body) {
        body = json!({"error": {"code": body["error"]["code"], "message": "REDACTED"}});
    }
    let kind = body["type"].as_str().unwrap_or_default().to_ascii_lowercase();
    if kind.ends_with("/workspaces") || kind.ends_with("/bigdatapools") {
        let properties = body["properties"].as_object().cloned().unwrap_or_default();
        let kept: Map<_, _> = properties.into_iter().filter(|(key, _)| KEPT.contains(&key.as_str())).collect();
        body = json!({"id": body["id"], "name": body["name"], "type": body["type"], "location": body["location"], "properties": kept});
    }
    body
}

/// Whether an error names a policy, whose name and text are its owner's.
#[must_use]
pub fn is_policy(body: &Value) -> bool {
    body["error"]["code"].as_str().is_some_and(|code| code.contains("Policy"))
}

/// The tags that probes send; a policy may add others.
pub(super) fn own_tags(tags: &Map<String, Value>) -> Value {
    let is_own = |key: &str| OWN_TAGS.contains(&key) || key.strip_prefix("tag").is_some_and(|rest| rest.parse::<u8>().is_ok());
    let shown = tags.iter().enumerate().map(|(number, (key, value))| {
        if is_own(key) { (key.clone(), value.clone()) } else { (format!("other-{number}"), json!("REDACTED")) }
    });
    shown.collect::<Map<_, _>>().into()
}
