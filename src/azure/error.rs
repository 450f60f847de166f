//! The errors of the client, by what the caller can do about them.

use std::time::Duration;

use crate::azure::clock::Clock;
use crate::azure::codes::{self, Meaning};
use crate::azure::wire;
use crate::refusal::Refusal;
use crate::service_error::{Service, ServiceError};

/// A request to Azure that did not succeed.
///
/// The variants differ in what the caller can do, and not in status or code.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The network, a timeout or a 5xx. A retry may help.
    #[error("Azure is unavailable: {error}")]
    Unavailable {
        /// Azure's error text, or the client's where there is no answer.
        error: ServiceError,
        /// The pause that a 5xx names in its `Retry-After` header.
        retry_after: Option<Duration>,
    },
    /// 429: too many requests.
    #[error("throttled by Azure, retry after {} s: {error}", retry_after.as_secs())]
    Throttled {
        /// The pause in Azure's `Retry-After` header.
        retry_after: Duration,
        /// Azure's error text.
        error: ServiceError,
    },
    /// The answer does not come from Azure but from a proxy, a firewall or a sign-in page. It shows nothing of Azure's state.
    #[error("the answer is not Azure's: {0}")]
    Intercepted(ServiceError),
    /// The certificate of the server is not trusted: the request was not sent.
    #[error("certificate not trusted: {0}")]
    Untrusted(ServiceError),
    /// The request was not sent: Azure's limits do not allow it yet, and others are to be served first.
    #[error("waiting for Azure's request limit, about {} s", wait.as_secs())]
    Queued {
        /// When its turn is expected, from now.
        wait: Duration,
        /// What the user reads.
        error: ServiceError,
    },
    /// The request was not sent: its deadline passed before, or no access token was available in time. A retry may help.
    #[error("request not sent: {0}")]
    NotSent(ServiceError),
    /// Another operation on the same resource is in progress, or its state conflicts with the request. A retry may help.
    #[error("conflicts with another operation: {0}")]
    Conflict(ServiceError),
    /// 401: Azure does not accept the access token.
    #[error("access token not accepted: {0}")]
    Unauthenticated(ServiceError),
    /// The identity lacks a permission.
    #[error("not authorized: {0}")]
    Forbidden(ServiceError),
    /// 404 of the requested resource, answered by Azure itself.
    #[error("not found: {0}")]
    NotFound(ServiceError),
    /// 404 of the workspace or resource group that contains the resource.
    #[error("workspace not found: {0}")]
    ParentNotFound(ServiceError),
    /// 404 of the subscription. A tenant also gets it for the subscriptions of others.
    #[error("subscription not found: {0}")]
    SubscriptionNotFound(ServiceError),
    /// An obstacle prevents the request, although it is valid and the identity has the permission. It stays until it is removed.
    #[error("refused: {1}")]
    Refused(Refusal, ServiceError),
    /// Any other 4xx. Only another request will help.
    #[error("request rejected: {0}")]
    Rejected(ServiceError),
    /// Microsoft Entra ID issues no access token.
    #[error("cannot obtain an access token: {0}")]
    CredentialUnavailable(ServiceError),
}

impl Error {
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        let error = ServiceError { message: message.into(), ..ServiceError::default() };
        Self::Unavailable { error, retry_after: None }
    }

    /// The answer is not what Azure documents.
    pub(super) fn undecodable(error: &serde_json::Error) -> Self {
        Self::unavailable(format!("the answer cannot be decoded: {error}"))
    }

    /// The same, of a request that was not sent because of it.
    pub(super) fn before_sending(self) -> Self {
        match self {
            Self::Unavailable { error, .. } | Self::Intercepted(error) => Self::NotSent(error),
            other => other,
        }
    }

    /// Whether Azure gave no answer. It may be carrying out the request nevertheless.
    #[must_use]
    pub const fn is_no_answer(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Intercepted(_) | Self::Untrusted(_))
    }

    /// Whether the request was certainly not sent: a credential that is refused is refused before.
    #[must_use]
    pub const fn was_not_sent(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::CredentialUnavailable(_) | Self::Untrusted(_))
    }

    /// The same, from this service, unless it comes from another one than Azure Resource Manager already.
    #[must_use]
    pub fn of(mut self, service: Service) -> Self {
        let error = self.service_error_mut();
        if error.service == Service::ResourceManager {
            error.service = service;
        }
        self
    }

    const fn service_error_mut(&mut self) -> &mut ServiceError {
        match self {
            Self::Unavailable { error, .. }
            | Self::Throttled { error, .. }
            | Self::NotSent(error)
            | Self::Queued { error, .. }
            | Self::Conflict(error)
            | Self::Unauthenticated(error)
            | Self::Forbidden(error)
            | Self::NotFound(error)
            | Self::ParentNotFound(error)
            | Self::SubscriptionNotFound(error)
            | Self::Intercepted(error)
            | Self::Untrusted(error)
            | Self::Refused(_, error)
            | Self::Rejected(error)
            | Self::CredentialUnavailable(error) => error,
        }
    }

    /// The same, with what else to do if it is about a token: a wrong clock makes tokens invalid.
    pub(super) fn with_clock(mut self, clock: &Clock) -> Self {
        if let Self::Unauthenticated(error) | Self::CredentialUnavailable(error) = &mut self
            && let Some(advice) = clock.advice()
        {
            error.hint = Some(error.hint.take().map_or(advice.clone(), |hint| format!("{hint}; {advice}")));
        }
        self
    }

    /// Whether others who send the same request share this failure. A queued request concerns its sender alone: each sender has a
    /// place in line of its own.
    pub(super) const fn concerns_all(&self) -> bool {
        !matches!(self, Self::Queued { .. })
    }

    /// Azure required a pause that is not over: the request was not sent.
    pub(super) fn paused(retry_after: Duration) -> Self {
        let message = "Waiting as Azure requested in Retry-After".to_owned();
        Self::Throttled { retry_after, error: ServiceError { message, ..ServiceError::default() } }
    }

    /// There is a place in line for the request.
    pub(super) fn queued(wait: Duration) -> Self {
        Self::Queued { wait, error: ServiceError::default() }
    }

    /// Azure's error text.
    #[must_use]
    pub const fn service_error(&self) -> &ServiceError {
        match self {
            Self::Unavailable { error, .. }
            | Self::Throttled { error, .. }
            | Self::NotSent(error)
            | Self::Queued { error, .. }
            | Self::Conflict(error)
            | Self::Unauthenticated(error)
            | Self::Forbidden(error)
            | Self::NotFound(error)
            | Self::ParentNotFound(error)
            | Self::SubscriptionNotFound(error)
            | Self::Intercepted(error)
            | Self::Untrusted(error)
            | Self::Refused(_, error)
            | Self::Rejected(error)
            | Self::CredentialUnavailable(error) => error,
        }
    }

    /// What prevented an answer, from the text of the transport's error chain.
    #[must_use]
    pub fn of_transport(text: String) -> Self {
        let of = |message| ServiceError { message, ..ServiceError::default() };
        // rustls' words, behind those of hyper and reqwest.
        if text.contains("invalid peer certificate") {
            return Self::Untrusted(of(text));
        }
        // hyper-util's, where a proxy does not open a connection to Azure.
        if text.contains("tunnel error") {
            return Self::Intercepted(of(format!("the proxy refuses the connection: {text}")));
        }
        Self::unavailable(text)
    }

    /// The meaning of an answer other than a success; see [`codes`].
    #[must_use]
    pub fn of_answer(status: u16, retry_after: Option<Duration>, correlation_id: Option<String>, body: &[u8]) -> Self {
        let Some(wire::ErrorText { code, message, shown, inner }) = wire::error_of(body) else {
            let message = format!("HTTP {status} {}", wire::without_error(body));
            let error = ServiceError { message, correlation_id, ..ServiceError::default() };
            return Self::of_status_alone(status, retry_after, error);
        };
        let errors: Vec<_> = std::iter::once((code.clone(), message.clone())).chain(inner).collect();
        let meaning = codes::meaning(status, &errors);
        let error = ServiceError { code, message: shown, correlation_id, ..ServiceError::default() };
        match meaning {
            Some(Meaning::Conflict) => Self::Conflict(error),
            Some(Meaning::Forbidden) => Self::Forbidden(error),
            Some(Meaning::Unauthenticated) => Self::Unauthenticated(error),
            Some(Meaning::WorkspaceNotFound) => Self::ParentNotFound(error),
            Some(Meaning::SubscriptionNotFound) => Self::SubscriptionNotFound(error),
            Some(Meaning::Rejected) => Self::Rejected(error),
            Some(Meaning::Refused(refusal)) => Self::Refused(refusal, error),
            None => Self::of_status(status, retry_after, error),
        }
    }

    /// The meaning of an answer that contains no Azure error.
    fn of_status_alone(status: u16, retry_after: Option<Duration>, error: ServiceError) -> Self {
        match status {
            // These statuses mean that the same request may succeed later.
            408 | 409 | 429 | 500.. => Self::of_status(status, retry_after, error),
            401 => Self::Unauthenticated(error),
            // Azure names an error in each of its refusals. The 404 of a proxy does not prove that a resource is absent, and its
            // 403 not that a permission is missing.
            _ => Self::Intercepted(error),
        }
    }

    pub(super) fn of_status(status: u16, retry_after: Option<Duration>, error: ServiceError) -> Self {
        match status {
            401 => Self::Unauthenticated(error),
            403 => Self::Forbidden(error),
            404 => Self::NotFound(error),
            409 => Self::Conflict(error),
            424 => Self::Refused(Refusal::Dependency, error),
            429 => Self::Throttled { retry_after: retry_after.unwrap_or(DEFAULT_RETRY_AFTER), error },
            408 | 500.. => Self::Unavailable { error, retry_after },
            _ => Self::Rejected(error),
        }
    }
}

/// The pause after a 429 that names none.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(10);
