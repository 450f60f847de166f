//! The failure history that the status stores: pauses between attempts grow with it.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::v1alpha1::{AttachmentStatus, FailedStep, FailureStatus, OperationKind};
use crate::planner::backoff::FailureHistory;
use crate::planner::cause::{Cause, Health};
use crate::planner::finding::FaultKind;
use crate::planner::status::report::Report;
use crate::planner::status::time::{elapsed, stored};
use crate::planner::write::{NoEffect, WriteResult};

/// The failure history of a status.
#[must_use]
pub fn history(failure: &FailureStatus, now: Timestamp) -> FailureHistory {
    // A time in the future is unknown. The backoff starts again, and what is due stays due.
    let failing_for = elapsed(failure.since.0, now).unwrap_or_default();
    let since_attempt = elapsed(failure.last_attempt.0, now);
    FailureHistory {
        failing_for,
        failing_at_attempt: failing_for.saturating_sub(since_attempt.unwrap_or_default()),
        since_attempt,
        step: failure.step,
    }
}

/// The failure history after a reconcile.
///
/// It is reset by a success, another spec and a deletion. An observation that was throttled or had no answer
/// changes nothing.
pub(super) fn failure(previous: &AttachmentStatus, report: &Report<'_>) -> Option<FailureStatus> {
    let kept = previous.failure.clone().filter(|_| previous.observed_generation == report.object.generation);
    let Some((step, is_refused, is_new)) = failed(report) else {
        return match report.decision.cause.health() {
            Health::Ready | Health::Halted => None,
            Health::Progressing | Health::Stalled | Health::Unanswered => kept,
        };
    };
    let (now, same) = (stored(report.now), kept.filter(|kept| is_same_kind(kept.step, step)));
    let is_future = |time: &Time| elapsed(time.0, report.now).is_none();
    match same {
        Some(kept) if !is_new && !is_future(&kept.last_attempt) => Some(kept),
        Some(kept) => {
            let since = if is_future(&kept.since) { now.clone() } else { kept.since };
            // A failed observation is not an attempt of a write.
            let (step, refused) = match step {
                FailedStep::Observe if !is_new => (kept.step, kept.refused),
                _ => (step, is_refused),
            };
            Some(FailureStatus { since, last_attempt: now, step, refused })
        }
        None => Some(FailureStatus { since: now.clone(), last_attempt: now, step, refused: is_refused }),
    }
}

/// What failed in this reconcile: the step, whether it was refused, and whether it is an attempt that is not recorded yet.
fn failed(report: &Report<'_>) -> Option<(FailedStep, bool, bool)> {
    if matches!(report.written, Some((_, WriteResult::NotFound))) {
        return Some((FailedStep::Detach, false, true));
    }
    if let Some((decision, WriteResult::Failed(fault) | WriteResult::NotSent(fault))) = report.written {
        let step = decision.step.write()?.failed_step();
        // A throttled request is not a failure: Azure has not processed it. But a role assignment must not delay a detach, or
        // Ready, for as long as Synapse throttles.
        if matches!(fault.kind, FaultKind::Throttled(_)) && matches!(step, FailedStep::Put | FailedStep::Detach) {
            return None;
        }
        let is_refused = fault.kind.is_conclusive() && fault.kind.is_answer();
        return Some((step, is_refused, true));
    }
    let is_new = report.observed.is_some_and(|seen| seen.recorded_failure().is_none());
    match &report.decision.cause {
        Cause::AttachFailed(_)
        | Cause::UpdateFailed(_)
        | Cause::DriftPersists
        | Cause::NoEffect(NoEffect::Attach)
        | Cause::OperationStuck {
            kind: OperationKind::Attach | OperationKind::Update | OperationKind::Transfer | OperationKind::Unknown,
            ..
        } => Some((FailedStep::Put, false, is_new)),
        Cause::DetachFailed(_)
        | Cause::NoEffect(NoEffect::Detach | NoEffect::DetachNotFound)
        | Cause::OperationStuck { kind: OperationKind::Detach, .. } => Some((FailedStep::Detach, false, is_new)),
        Cause::ReadFailed(fault) if fault.kind.is_answer() => Some((FailedStep::Observe, true, false)),
        Cause::StateUnreadable(_) | Cause::InternalError(_) => Some((FailedStep::Observe, false, false)),
        _ => None,
    }
}

/// A failed observation keeps the history of a write: the write is retried when it is due, whatever happened in between. A
/// role fails only after the compute succeeded.
fn is_same_kind(before: FailedStep, now: FailedStep) -> bool {
    let is_role = |step| matches!(step, FailedStep::AssignRole | FailedStep::RevokeRole);
    match now {
        FailedStep::Observe | FailedStep::Unknown => true,
        FailedStep::Put | FailedStep::Detach => !is_role(before),
        FailedStep::AssignRole | FailedStep::RevokeRole => is_role(before),
    }
}
