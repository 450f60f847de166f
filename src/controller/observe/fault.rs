//! Azure's errors, in the planner's terms.

use crate::azure;
use crate::planner::{Fault, FaultKind};

/// An error of the client, in the planner's terms.
#[must_use]
pub fn fault(error: azure::Error) -> Fault {
    use azure::Error as E;
    let (kind, error) = match error {
        E::Unavailable { error, retry_after } => (FaultKind::Unavailable(retry_after), error),
        E::NotSent(error) => (FaultKind::Unavailable(None), error),
        E::Conflict(error) => (FaultKind::Conflict, error),
        E::Throttled { retry_after, error } => (FaultKind::Throttled(retry_after), error),
        E::Queued { wait, error } => (FaultKind::Queued(wait), error),
        E::Forbidden(error) => (FaultKind::Forbidden, error),
        E::Unauthenticated(error) | E::CredentialUnavailable(error) => (FaultKind::Unauthenticated, error),
        E::Intercepted(error) => (FaultKind::Intercepted, error),
        E::Untrusted(error) => (FaultKind::Untrusted, error),
        E::Refused(refusal, error) => (FaultKind::Refused(refusal), error),
        E::ParentNotFound(error) => (FaultKind::WorkspaceNotFound, error),
        E::SubscriptionNotFound(error) => (FaultKind::SubscriptionNotFound, error),
        E::NotFound(error) | E::Rejected(error) => (FaultKind::Rejected, error),
    };
    Fault { kind, error }
}
