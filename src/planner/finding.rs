//! The result of an observation of Azure: the resource, its absence, or a fault.

use std::time::Duration;

use crate::api::Reason;
use crate::refusal::Refusal;
use crate::service_error::ServiceError;

/// What is known of a resource in Azure.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding<T> {
    /// It exists, and this is its state.
    Present(T),
    /// It does not exist: Azure answered 404 for the resource itself.
    Absent,
    /// Azure gave no usable answer.
    Unknown(Fault),
}

impl<T> Finding<T> {
    /// The resource, if it exists.
    #[must_use]
    pub const fn present(&self) -> Option<&T> {
        match self {
            Self::Present(thing) => Some(thing),
            Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// Why there is no usable answer.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Unknown(fault) => Some(fault),
            Self::Present(_) | Self::Absent => None,
        }
    }

    /// Whether Azure gave an answer, including a refusal.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        match self {
            Self::Unknown(fault) => fault.kind.is_answer(),
            Self::Present(_) | Self::Absent => true,
        }
    }
}

/// Why an observation had no usable answer, or why a write was not accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What can be done about it.
    pub kind: FaultKind,
    /// Azure's error, or the transport's.
    pub error: ServiceError,
}

/// What can be done about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// No answer, or a 5xx: retry. Azure may name a pause.
    Unavailable(Option<Duration>),
    /// The answer does not come from Azure but, for example, from a proxy: retry.
    Intercepted,
    /// The certificate of the server is not trusted: the request was not sent. Retry.
    Untrusted,
    /// Another operation or the state of the resource conflicts with the request. Retry.
    Conflict,
    /// 429: retry after the pause.
    Throttled(Duration),
    /// Azure's limits do not allow the request yet: it was not sent. Its turn is expected after the pause.
    Queued(Duration),
    /// No access token, or 401: the credential has to be fixed.
    Unauthenticated,
    /// A permission is missing.
    Forbidden,
    /// The workspace or its resource group does not exist.
    WorkspaceNotFound,
    /// The subscription does not exist, or this tenant cannot see it: this does not prove that a resource is gone.
    SubscriptionNotFound,
    /// An obstacle prevents the request, although it is valid and the identity has the permission: it has to be removed.
    Refused(Refusal),
    /// Another 4xx: only another request helps.
    Rejected,
}

impl FaultKind {
    /// Whether Azure gave an answer, including a refusal. A request that is unanswered, queued, throttled or in conflict with
    /// another one has none: it may succeed later as it is.
    #[must_use]
    pub const fn is_answer(self) -> bool {
        !matches!(
            self,
            Self::Unavailable(_) | Self::Intercepted | Self::Untrusted | Self::Throttled(_) | Self::Queued(_) | Self::Conflict
        )
    }

    /// Whether a write with this result was certainly not carried out.
    ///
    /// A gateway may answer 5xx, and a proxy with a page of its own, although the request is carried out. A request that is
    /// throttled or in conflict is refused before anything is done.
    #[must_use]
    pub const fn is_conclusive(self) -> bool {
        !matches!(self, Self::Unavailable(_) | Self::Intercepted)
    }

    /// The reason of the conditions and events.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Unavailable(_) => Reason::AzureUnavailable,
            Self::Throttled(_) => Reason::Throttled,
            Self::Queued(_) => Reason::Queued,
            Self::Conflict => Reason::Conflict,
            Self::Unauthenticated => Reason::AuthenticationFailed,
            Self::Forbidden => Reason::AuthorizationFailed,
            Self::WorkspaceNotFound => Reason::WorkspaceNotFound,
            Self::Rejected => Reason::RequestRejected,
            Self::Intercepted | Self::Refused(Refusal::Network) => Reason::NetworkDenied,
            Self::Untrusted => Reason::CertificateNotTrusted,
            Self::SubscriptionNotFound | Self::Refused(Refusal::Subscription) => Reason::SubscriptionUnavailable,
            Self::Refused(Refusal::Lock) => Reason::ResourceLocked,
            Self::Refused(Refusal::Provider) => Reason::ProviderNotRegistered,
            Self::Refused(Refusal::Policy) => Reason::PolicyDenied,
            Self::Refused(Refusal::Quota) => Reason::QuotaExceeded,
            Self::Refused(Refusal::Dependency) => Reason::DependencyFailed,
            Self::Refused(Refusal::Update) => Reason::UpdateNotSupported,
            Self::Refused(Refusal::Identity) => Reason::IdentityNotFound,
        }
    }
}
