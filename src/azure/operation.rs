//! Azure's asynchronous operations.
//!
//! Machine Learning answers a write with `Azure-AsyncOperation` and neither
//! `Location` nor `Retry-After` (real traffic: `tests/fixtures/aml-compute-lro-2022-08-30.json`). The URL is used
//! as it came. It may carry a signature, so it is never logged.

use azure_core::http::Url;
use serde::Deserialize;
use serde_json::Value;

use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::transport::Answer;
use crate::azure::wire;
use crate::service_error::ServiceError;

/// The state of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is in progress, in this state by Azure's name: any state that is not terminal
    /// (<https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations>).
    Running(String),
    /// It has succeeded.
    Succeeded,
    /// It has failed or was canceled.
    Failed(ServiceError),
    /// Azure no longer has it, as happens some time after its end.
    Forgotten,
}

impl Client {
    /// The state of an operation. A path that is no operation of Machine Learning in this subscription is not requested.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not return a state; this is no statement about the operation.
    pub async fn operation(&self, subscription: &str, path: &str) -> Result<State, Error> {
        let Some(url) = self.origin.admit(path).ok().filter(|url| is_operation_in(subscription, url.path())) else {
            return Ok(State::Forgotten);
        };
        match self.get(Call::Operation, subscription, url.as_str()).await {
            Ok(answer) => state(answer).ok_or_else(|| Error::unavailable("the answer has no state of an operation")),
            Err(Error::NotFound(_) | Error::ParentNotFound(_)) => Ok(State::Forgotten),
            Err(error) => Err(error),
        }
    }
}

/// Path and query of a URL. The status has no more of it, so that it cannot bring another host in.
pub(super) fn path(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

#[derive(Deserialize)]
struct Operation {
    status: Option<String>,
}

fn state(answer: Answer) -> Option<State> {
    let value: Value = serde_json::from_slice(&answer.body).ok()?;
    let status = Operation::deserialize(&value).ok()?.status?;
    Some(match status.to_ascii_lowercase().as_str() {
        "succeeded" => State::Succeeded,
        "failed" | "canceled" => {
            let (code, message) = wire::shown(&value).unwrap_or_else(|| (status.clone(), String::new()));
            State::Failed(ServiceError { code, message, correlation_id: answer.correlation_id, ..ServiceError::default() })
        }
        _ => State::Running(status),
    })
}

/// Whether a path is one of Machine Learning's operations in this subscription.
///
/// The path comes from the status, and others than the operator may be allowed to write a status. They must not be
/// able to send the operator's token to any other path of Azure Resource Manager. The path of an operation has no
/// percent-encoding, which Azure Resource Manager might decode.
fn is_operation_in(subscription: &str, path: &str) -> bool {
    let under = format!("/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/");
    path.get(..under.len()).is_some_and(|start| start.eq_ignore_ascii_case(&under)) && !path.contains('%')
}
