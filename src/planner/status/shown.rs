//! The conditions of kstatus as one value.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::Reason;
use crate::api::v1alpha1::AttachmentStatus;
use crate::planner::backoff::UNAVAILABLE_RESYNCS;
use crate::planner::cause::{Cause, Health};
use crate::planner::status::report::Report;

/// The condition of this type.
#[must_use]
pub fn condition<'a>(status: &'a AttachmentStatus, kind: &str) -> Option<&'a Condition> {
    status.conditions.iter().find(|condition| condition.type_ == kind)
}

/// Whether Azure or Entra has refused the object's identity, for this generation of its spec: then it can do nothing.
#[must_use]
pub fn is_identity_refused(status: &AttachmentStatus, generation: Option<i64>) -> bool {
    matches!(reason(status, generation), Some(Reason::AuthorizationFailed | Reason::AuthenticationFailed))
}

/// Whether the status of this generation shows that the object asks for what cannot be done.
#[must_use]
pub fn is_called_invalid(status: &AttachmentStatus, generation: Option<i64>) -> bool {
    reason(status, generation) == Some(Reason::InvalidSpec)
}

fn reason(status: &AttachmentStatus, generation: Option<i64>) -> Option<Reason> {
    let ready = condition(status, "Ready").filter(|ready| ready.observed_generation == generation)?;
    Reason::parse(&ready.reason)
}

/// The state of the conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Ready=True.
    Ready,
    /// Ready=True, as it was when Azure last answered.
    StillReady,
    /// Ready=False, Reconciling=True.
    Reconciling,
    /// Ready=False, Stalled=True.
    Stalled,
    /// Ready=False.
    Suspended,
    /// Ready=Unknown, Reconciling=True: Azure has given no answer for too long.
    Unknown,
}

/// The state of the conditions after this reconcile.
#[must_use]
pub fn shown(previous: &AttachmentStatus, report: &Report<'_>) -> Shown {
    let is_current = previous.observed_generation == report.object.generation;
    let ready = condition(previous, "Ready").filter(|_| is_current).map(|ready| ready.status.as_str());
    let unanswered_for = match (&report.decision.cause, report.observed) {
        // While no request is sent, Azure does not count as unavailable, but its last answer becomes outdated.
        (Cause::Queued(queued), _) => queued.waited,
        (_, Some(seen)) => seen.object.unavailable_for,
        (_, None) => Duration::ZERO,
    };
    let is_long = unanswered_for >= report.resync.saturating_mul(UNAVAILABLE_RESYNCS);
    match (report.decision.cause.health(), ready) {
        (Health::Ready, _) => Shown::Ready,
        (Health::Progressing, _) => Shown::Reconciling,
        (Health::Stalled, _) => Shown::Stalled,
        (Health::Halted, _) => Shown::Suspended,
        // Without an answer Ready keeps its value, unless something is known to be missing.
        (Health::Unanswered, Some("True")) if report.is_known_out_of_sync() => Shown::Reconciling,
        (Health::Unanswered, Some("True")) if !is_long => Shown::StillReady,
        (Health::Unanswered, Some("True" | "Unknown")) => Shown::Unknown,
        (Health::Unanswered, _) => Shown::Reconciling,
    }
}
