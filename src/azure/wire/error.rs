//! The shapes of an error.

use serde_json::Value;

/// Errors that are nested deeper are ignored.
const MAX_DEPTH: usize = 5;
/// Of the details of an error the first ones name the cause.
const MAX_DETAILS: usize = 3;
/// The beginning of a page's title is enough to recognize the proxy that sent it.
const MAX_TITLE: usize = 80;

/// The text of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorText {
    /// Its code; may be empty.
    pub code: String,
    /// Its message; may be empty.
    pub message: String,
    /// The message for users, with the details.
    pub shown: String,
    /// Codes and messages of the errors inside it, the outermost first: Azure wraps a specific error into a general one.
    pub inner: Vec<(String, String)>,
}

/// The error of an answer, in any of the shapes that Azure uses: `{"error":{…}}`, `{"error":{"error":{…}}}`, the error itself, or
/// one of these as JSON in the message of another.
#[must_use]
pub fn error_of(body: &[u8]) -> Option<ErrorText> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let (code, message) = error_in(&value)?;
    let mut inner = Vec::new();
    collect(&value, MAX_DEPTH, &mut inner);
    Some(ErrorText { shown: with_details(&message, &value), code, message, inner })
}

/// Code and message, as [`error_of`] reads them, of JSON that is parsed already.
fn error_in(value: &Value) -> Option<(String, String)> {
    let at = innermost(value);
    let details = at.get("details").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    // Where the error itself has no text, the first of its details that has one counts.
    let text = |key: &str| {
        let own = at.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        own.or_else(|| details.iter().find_map(|detail| detail.get(key)?.as_str())).unwrap_or_default().to_owned()
    };
    let (code, message) = (text("code"), text("message"));
    // A service that forwards the answer of another one may put all of it into its own message.
    if let Some(inner) = in_message(&message) {
        return error_in(&inner).or(Some((code, message)));
    }
    (!code.is_empty() || !message.is_empty()).then_some((code, message))
}

/// The message for users: Azure's, and in brackets the texts of the details that are not in it. They name the cause.
///
/// It is not for [`codes`](crate::azure::codes): the text of a detail does not belong to the code of the outer error.
#[must_use]
pub fn with_details(message: &str, value: &Value) -> String {
    let details = innermost(value).get("details").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let texts = details.iter().filter_map(|detail| {
        let text = |key: &str| detail.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        text("message").or_else(|| text("code"))
    });
    let mut more: Vec<&str> = Vec::new();
    for text in texts.filter(|text| !message.contains(text)) {
        if more.len() < MAX_DETAILS && !more.contains(&text) {
            more.push(text);
        }
    }
    if more.is_empty() { message.to_owned() } else { format!("{message} ({})", more.join("; ")) }
}

/// `error` may be nested in `error`: azureml-core's `_get_operation_state` reads it so. No client reads a deeper nesting.
fn innermost(value: &Value) -> &Value {
    let mut at = value;
    for _ in 0..3 {
        match at.get("error") {
            Some(inner) if inner.is_object() => at = inner,
            _ => break,
        }
    }
    at
}

/// An error as JSON in a message.
fn in_message(message: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(message.trim_start().starts_with('{').then_some(message)?).ok()?;
    (value.get("error").is_some() || value.get("code").is_some()).then_some(value)
}

/// Every error in an error: itself, its details, its inner errors, and an error in its message.
fn collect(value: &Value, depth: usize, errors: &mut Vec<(String, String)>) {
    let at = innermost(value);
    let Some(depth) = depth.checked_sub(1) else { return };
    let text = |key: &str| at.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    errors.push((text("code"), text("message")));
    let details = at.get("details").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let nested = ["innererror", "innerError"].iter().filter_map(|key| at.get(*key));
    for inner in details.iter().chain(nested) {
        collect(inner, depth, errors);
    }
    if let Some(inner) = in_message(&text("message")) {
        collect(&inner, depth, errors);
    }
}

/// Code and message of an error, with its details.
#[must_use]
pub fn shown(error: &Value) -> Option<(String, String)> {
    error_in(error).map(|(code, message)| (code, with_details(&message, error)))
}

/// All errors of `provisioningErrors`, as code and message for users.
#[must_use]
pub fn errors_of(errors: Option<&Value>) -> Vec<(String, String)> {
    match errors {
        Some(Value::Array(all)) => all.iter().filter_map(shown).collect(),
        Some(one) => shown(one).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Whether a body is an HTML page: no service of Azure answers an API request with one.
#[must_use]
pub fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// What a body without an error of Azure is, for a message.
#[must_use]
pub fn without_error(body: &[u8]) -> String {
    if body.trim_ascii().is_empty() {
        return "with an empty body".to_owned();
    }
    if !is_page(body) {
        return "without an error of Azure in it".to_owned();
    }
    let text = String::from_utf8_lossy(body);
    let title = text.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map(|(title, _)| title.trim());
    match title.filter(|title| !title.is_empty()) {
        Some(title) => format!("with the page {:?}", title.chars().take(MAX_TITLE).collect::<String>()),
        None => "with a page of HTML".to_owned(),
    }
}
