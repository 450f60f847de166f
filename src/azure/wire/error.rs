//! The shapes of an error.

use serde_json::Value;

/// Code and message of an error, out of any of the shapes that the service has:
/// `{"error":{…}}`, `{"error":{"error":{…}}}`, or the error itself.
#[must_use]
pub fn error_of(body: &[u8]) -> Option<(String, String)> {
    serde_json::from_slice::<Value>(body).ok().and_then(|value| error_in(&value))
}

/// As [`error_of`], of JSON that is parsed already.
#[must_use]
pub fn error_in(value: &Value) -> Option<(String, String)> {
    let mut at = value;
    // `error` may be nested in `error`: azureml-core's `_get_operation_state` reads it so. No client reads a deeper nesting.
    for _ in 0..3 {
        match at.get("error") {
            Some(inner) if inner.is_object() => at = inner,
            _ => break,
        }
    }
    let details = at.get("details").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    // Where the error itself has no text, the first of its details that has one counts.
    let text = |key: &str| {
        let own = at.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        own.or_else(|| details.iter().find_map(|detail| detail.get(key)?.as_str())).unwrap_or_default().to_owned()
    };
    let (code, message) = (text("code"), text("message"));
    (!code.is_empty() || !message.is_empty()).then_some((code, message))
}

/// All errors of `provisioningErrors`, as code and message.
#[must_use]
pub fn errors_of(errors: Option<&Value>) -> Vec<(String, String)> {
    match errors {
        Some(Value::Array(all)) => all.iter().filter_map(error_in).collect(),
        Some(one) => error_in(one).into_iter().collect(),
        None => Vec::new(),
    }
}
