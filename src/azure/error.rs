//! The errors of the client, by what the caller can do about them.

use std::time::Duration;

use crate::azure::wire;
use crate::service_error::{Service, ServiceError};

/// A request to Azure that did not succeed.
///
/// A variant determines what the caller can do, not which status or code the answer had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The network, a time-out, a 5xx, or an answer that is not Azure's. A retry may help.
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
    /// The request was not sent: Azure's limits do not allow it yet, and others are to be served first.
    #[error("waiting for Azure's request limit, about {} s", wait.as_secs())]
    Queued {
        /// When its turn is expected, from now.
        wait: Duration,
        /// What the user reads.
        error: ServiceError,
    },
    /// The request was not sent: its deadline passed before, or no access token could be had in time. A retry may help.
    #[error("request not sent: {0}")]
    NotSent(ServiceError),
    /// 409: another operation on the same resource is in progress, or a lock or the state of the resource is in the way. A retry
    /// may help.
    #[error("conflicts with another operation: {0}")]
    Conflict(ServiceError),
    /// 401: Azure does not accept the access token.
    #[error("access token not accepted: {0}")]
    Unauthenticated(ServiceError),
    /// 403: the identity lacks a right.
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

    /// The same, of a request that was not sent because of it.
    pub(super) fn before_sending(self) -> Self {
        match self {
            Self::Unavailable { error, .. } => Self::NotSent(error),
            other => other,
        }
    }

    /// Whether the request was certainly not sent: a credential that is refused is refused before.
    #[must_use]
    pub const fn was_not_sent(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::CredentialUnavailable(_))
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
            | Self::Rejected(error)
            | Self::CredentialUnavailable(error) => error,
        }
    }

    /// Whether others who send the same request share this failure. A queued request concerns its sender alone: each sender has a
    /// place in line of its own.
    pub(super) const fn concerns_all(&self) -> bool {
        !matches!(self, Self::Queued { .. })
    }

    /// Azure asked for a pause that is not over: the request was not sent.
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
            | Self::Rejected(error)
            | Self::CredentialUnavailable(error) => error,
        }
    }

    /// The meaning of an answer that is no success.
    pub(super) fn of_answer(status: u16, retry_after: Option<Duration>, correlation_id: Option<String>, body: &[u8]) -> Self {
        let Some((code, message)) = wire::error_of(body) else {
            let message = format!("HTTP {status} without an error of Azure in it");
            let error = ServiceError { message, correlation_id, ..ServiceError::default() };
            return match status {
                // The 404 of a proxy does not prove that a resource is absent.
                404 => Self::Unavailable { error, retry_after: None },
                _ => Self::of_status(status, retry_after, error),
            };
        };
        let error = ServiceError { code, message, correlation_id, ..ServiceError::default() };
        match status {
            404 => Self::of_absence(error),
            // Also "resource already exists. This may be due to a pending delete operation": the former identity of
            // the same name is still being deleted.
            400 if error.code == "FailedIdentityOperation" => Self::Conflict(error),
            _ => Self::of_status(status, retry_after, error),
        }
    }

    fn of_status(status: u16, retry_after: Option<Duration>, error: ServiceError) -> Self {
        match status {
            401 => Self::Unauthenticated(error),
            403 => Self::Forbidden(error),
            409 => Self::Conflict(error),
            429 => Self::Throttled { retry_after: retry_after.unwrap_or(DEFAULT_RETRY_AFTER), error },
            408 | 500.. => Self::Unavailable { error, retry_after },
            _ => Self::Rejected(error),
        }
    }

    /// Which resource a 404 is about.
    fn of_absence(error: ServiceError) -> Self {
        match error.code.to_ascii_lowercase().as_str() {
            "subscriptionnotfound" | "invalidsubscriptionid" => Self::SubscriptionNotFound(error),
            // These are about the API version or the cloud. They do not prove that a resource is absent.
            "invalidresourcetype" | "invalidresourcenamespace" | "noregisteredproviderfound" | "invalidapiversionparameter" => {
                Self::Rejected(error)
            }
            "parentresourcenotfound" | "resourcegroupnotfound" | "workspacenotfound" => Self::ParentNotFound(error),
            _ => Self::NotFound(error),
        }
    }
}

/// The pause after a 429 that names none.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(10);
