//! What an answer of Azure means to whoever asked.

use std::time::Duration;

use crate::azure::wire;

/// Azure's words for an error, and the ID under which its support finds it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// `error.code`; empty if the answer had none.
    pub code: String,
    /// `error.message`.
    pub message: String,
    /// `x-ms-correlation-request-id`.
    pub correlation: Option<String>,
}

impl std::fmt::Display for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", message) => f.write_str(message),
            (code, "") => f.write_str(code),
            (code, message) => write!(f, "{code}: {message}"),
        }
    }
}

/// A call to Azure that did not give what was asked.
///
/// A variant says what the caller can do about it, not where the code stood.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No answer: the network, a time-out, a 5xx, or an answer that is not Azure's. Trying again may help.
    #[error("no answer of Azure: {0}")]
    Unanswered(Words),
    /// 429. Azure names the pause in its `Retry-After` header.
    #[error("throttled, to be asked again in {} s: {words}", pause.as_secs())]
    Throttled {
        /// How long to stay away.
        pause: Duration,
        /// Azure's words.
        words: Words,
    },
    /// 409. Another command is at work on the same thing. Trying again will help.
    #[error("in conflict with another command: {0}")]
    Conflict(Words),
    /// 401 or 403: another identity, or other rights.
    #[error("not authorized: {0}")]
    Unauthorized(Words),
    /// 404, said by Azure itself of the thing that was asked for.
    #[error("not found: {0}")]
    NotFound(Words),
    /// 404, said by Azure of the workspace or resource group around it.
    #[error("the workspace is not found: {0}")]
    ParentNotFound(Words),
    /// 404, said by Azure of the subscription: also what a tenant sees of others' subscriptions.
    #[error("the subscription is not found: {0}")]
    SubscriptionNotFound(Words),
    /// Any other 4xx. Only another request will help.
    #[error("refused: {0}")]
    Refused(Words),
    /// Entra gives no token.
    #[error("no token: {0}")]
    NoCredential(Words),
}

impl Error {
    pub(crate) fn unanswered(message: impl Into<String>) -> Self {
        Self::Unanswered(Words { message: message.into(), ..Words::default() })
    }

    /// Reads an answer that is no success.
    pub(crate) fn of(status: u16, retry_after: Option<Duration>, correlation: Option<String>, body: &[u8]) -> Self {
        let said = wire::error_of(body);
        let is_azure = said.is_some();
        let (code, message) = said.unwrap_or_else(|| (String::new(), format!("HTTP {status} without an error of Azure in it")));
        let words = Words { code, message, correlation };
        match status {
            429 => Self::Throttled { pause: retry_after.unwrap_or(UNNAMED_PAUSE), words },
            // A 404 of something in between (a proxy's page) proves nothing gone.
            404 if !is_azure => Self::Unanswered(words),
            404 => match words.code.to_ascii_lowercase().as_str() {
                "subscriptionnotfound" | "invalidsubscriptionid" => Self::SubscriptionNotFound(words),
                // Of the API version or the cloud, not of the thing: no proof that anything is gone.
                "invalidresourcetype"
                | "invalidresourcenamespace"
                | "noregisteredproviderfound"
                | "invalidapiversionparameter" => Self::Refused(words),
                "parentresourcenotfound" | "resourcegroupnotfound" | "workspacenotfound" => Self::ParentNotFound(words),
                _ => Self::NotFound(words),
            },
            401 | 403 => Self::Unauthorized(words),
            409 => Self::Conflict(words),
            // Also "resource already exists. This may be due to a pending delete operation": an identity's namesake is still going.
            400 if words.code == "FailedIdentityOperation" => Self::Conflict(words),
            408 | 500.. => match retry_after {
                Some(pause) => Self::Throttled { pause, words },
                None => Self::Unanswered(words),
            },
            _ => Self::Refused(words),
        }
    }
}

/// The pause after a 429 that names none.
const UNNAMED_PAUSE: Duration = Duration::from_secs(10);
