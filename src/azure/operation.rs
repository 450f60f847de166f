//! Azure's asynchronous operations: where one is asked for, and what it answers.
//!
//! Machine Learning answers a write with `Azure-AsyncOperation` and neither
//! `Location` nor `Retry-After` (real traffic: `tests/fixtures/aml-compute-lro-2022-08-30.json`). The URL is used
//! as it came; it may carry a signature, so it is never logged.

use azure_core::http::Url;
use serde::Deserialize;
use serde_json::Value;

use crate::azure::error::Words;
use crate::azure::wire;

/// What came of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Azure is at it.
    Running,
    /// It has ended well.
    Succeeded,
    /// It has failed or was canceled.
    Failed(Words),
    /// Azure has forgotten it, as it does some time after the end.
    Forgotten,
}

#[derive(Deserialize)]
struct Answer {
    status: Option<String>,
}

/// Reads the answer to a poll.
pub(crate) fn state(body: &[u8], correlation: Option<String>) -> Option<State> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let status = Answer::deserialize(&value).ok()?.status?;
    Some(match status.to_ascii_lowercase().as_str() {
        "succeeded" => State::Succeeded,
        "failed" | "canceled" => {
            let (code, message) = wire::error_in(&value).unwrap_or_else(|| (status.clone(), String::new()));
            State::Failed(Words { code, message, correlation })
        }
        _ => State::Running,
    })
}

/// Whether a path is one of Machine Learning's operations in this subscription.
///
/// The status keeps the path, and others than the operator may be able to write a status: they must not send our token through
/// all of Azure Resource Manager. No operation's path has an escape in it, which ARM might undo.
pub(crate) fn is_of(subscription: &str, path: &str) -> bool {
    let under = format!("/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/");
    path.get(..under.len()).is_some_and(|start| start.eq_ignore_ascii_case(&under)) && !path.contains('%')
}

/// Path and query of a URL: what is kept of it, so that no host can be smuggled into the status.
pub(crate) fn path(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}
