//! Patches: an apply of a status over the version that it names, and JSON patches of an object.

use axum::http::Response;
use serde_json::Value;

use super::{Api, Key, absent, failure, ok, refuse};

impl Api {
    pub(super) fn patch(&self, key: &Key, patch: &Value) -> Response<axum::body::Body> {
        let mut state = self.state();
        let Some(mut object) = state.objects.get(key).cloned() else { return absent() };
        if let Some(operations) = patch.as_array() {
            if !operations.iter().all(|one| operate(&mut object, one)) {
                return refuse(&failure(422, "Invalid", "the server rejected our request due to an error in our request"));
            }
        } else {
            let version = &patch["metadata"]["resourceVersion"];
            if version.is_string() && *version != object["metadata"]["resourceVersion"] {
                return refuse(&failure(409, "Conflict", "the object has been modified"));
            }
            // An apply of the status removes all that it leaves out.
            object["status"] = patch["status"].clone();
        }
        ok(&state.store(object))
    }
}

/// Carries out an operation of RFC 6902 as kube-apiserver does. Returns whether that was possible.
fn operate(object: &mut Value, operation: &Value) -> bool {
    let path = operation["path"].as_str().unwrap_or_default();
    let wanted = &operation["value"];
    if operation["op"] == "test" {
        return object.pointer(path).unwrap_or(&Value::Null) == wanted;
    }
    let Some((parent, last)) = path.rsplit_once('/') else { return false };
    match (operation["op"].as_str(), object.pointer_mut(parent)) {
        (Some("add"), Some(Value::Array(all))) if last == "-" => all.push(wanted.clone()),
        (Some("add"), Some(Value::Object(fields))) => drop(fields.insert(last.to_owned(), wanted.clone())),
        (Some("remove"), Some(Value::Array(all))) => match last.parse::<usize>() {
            Ok(at) if at < all.len() => drop(all.remove(at)),
            _ => return false,
        },
        _ => return false,
    }
    true
}

/// RFC 7386, without the removal of keys.
pub fn merge(into: &mut Value, patch: &Value) {
    match patch.as_object() {
        Some(patch) => patch.iter().for_each(|(key, value)| merge(&mut into[key], value)),
        None => into.clone_from(patch),
    }
}
