//! The records that must survive a crash: the write intent, the operation, and what was applied.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::v1alpha1::{Applied, AttachmentStatus, OperationKind, OperationStatus};
use crate::planner::backoff::UNHEARD_WRITE_PATIENCE;
use crate::planner::cause::Cause;
use crate::planner::compute::Compute;
use crate::planner::compute_spec;
use crate::planner::decision::Step;
use crate::planner::drift::is_in_sync;
use crate::planner::goal::{Attached, Goal};
use crate::planner::status::report::Report;
use crate::planner::status::time::{elapsed, not_after, stored};
use crate::planner::write::WriteResult;

/// The last write that was sent to Azure, while it is not known to have succeeded.
pub(super) fn operation(previous: &AttachmentStatus, report: &Report<'_>) -> Option<OperationStatus> {
    let before = || {
        let operation = previous.operation.clone()?;
        // An attach whose compute shows was carried out, with or without an answer.
        let pending = operation.pending && !(operation.kind == OperationKind::Attach && shows_ours(report));
        let started_at = not_after(&operation.started_at, report.now);
        Some(OperationStatus { pending, started_at, ..operation })
    };
    let Some((kind, result)) = written_kind(report) else {
        let is_handed_over = matches!(report.decision.cause, Cause::Transferred { .. });
        let is_over = is_handed_over || is_compute_in_sync(report) || report.decision.step == Step::RemoveFinalizer;
        return before().filter(|_| !is_over);
    };
    let pool = sent_pool(report);
    let sent = |pending, path| Some(OperationStatus { kind, pending, path, pool, started_at: stored(report.now) });
    match result {
        WriteResult::Intent => sent(true, None),
        WriteResult::Accepted(path) => sent(false, path.clone()),
        WriteResult::AlreadyExists => sent(false, None),
        // An earlier write without an answer may still be carried out.
        WriteResult::NotSent(_) => before(),
        WriteResult::Failed(fault) if !fault.kind.is_conclusive() => sent(true, None),
        // Nothing was carried out. A 404 makes the absence of the compute no more certain: another replica may still show it.
        WriteResult::Failed(_) | WriteResult::NotFound => before().filter(|earlier| earlier.pending),
    }
}

fn shows_ours(report: &Report<'_>) -> bool {
    let seen = report.observed.and_then(|seen| Some((seen.compute.present()?, seen)));
    seen.is_some_and(|(compute, seen)| seen.owns(compute))
}

/// When the last attach or update was sent whose answer was not received, and that is not what `operation` records any longer.
///
/// Azure may still carry it out for [`UNHEARD_WRITE_PATIENCE`], whatever was written after it.
pub(super) fn unanswered_put(
    previous: &AttachmentStatus,
    report: &Report<'_>,
    operation: Option<&OperationStatus>,
) -> Option<Time> {
    let is_current = |one: &OperationStatus| operation.is_some_and(|now| now.started_at == one.started_at);
    let replaced = previous
        .operation
        .as_ref()
        .filter(|one| one.pending && one.kind != OperationKind::Detach && !is_current(one) && !is_carried_out(one, report));
    let last = replaced.map(|one| &one.started_at).or(previous.unanswered_put_at.as_ref())?;
    let last = not_after(last, report.now);
    let age = elapsed(last.0, report.now).unwrap_or_default();
    (age < UNHEARD_WRITE_PATIENCE).then_some(last)
}

/// Whether Azure shows the effect of a PUT: a compute that is ours, and that has changed since.
fn is_carried_out(put: &OperationStatus, report: &Report<'_>) -> bool {
    let compute = report.observed.and_then(|seen| seen.compute.present()).filter(|_| shows_ours(report));
    compute.is_some_and(|compute| {
        let details = &compute.details;
        let shown = if put.kind == OperationKind::Attach { &details.created_on } else { &details.modified_on };
        let at = shown.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        at.is_some_and(|at| at >= put.started_at.0)
    })
}

pub(super) fn written_kind<'a>(report: &Report<'a>) -> Option<(OperationKind, &'a WriteResult)> {
    let (decision, result) = report.written?;
    match &decision.step {
        Step::Put(spec) => Some((spec.kind, result)),
        Step::Detach(_) => Some((OperationKind::Detach, result)),
        Step::Wait | Step::Done | Step::AddFinalizer | Step::RemoveFinalizer | Step::AssignRole(_) | Step::RevokeRole(_) => None,
    }
}

/// The pool that the PUT names.
fn sent_pool(report: &Report<'_>) -> Option<String> {
    match &report.written?.0.step {
        Step::Put(spec) => Some(spec.pool.to_string()),
        _ => None,
    }
}

fn is_compute_in_sync(report: &Report<'_>) -> bool {
    match (report.goal, report.observed) {
        (Some(Goal::Attached(goal)), Some(seen)) => is_in_sync(goal, seen),
        _ => false,
    }
}

/// The values that the operator last wrote. They are stored with the intent, so that a lost answer loses nothing, and rebuilt
/// from a compute that is ours, if the status has lost it.
pub(super) fn applied(previous: &AttachmentStatus, report: &Report<'_>) -> Option<Applied> {
    let applied = match (report.goal, report.observed, written_kind(report)) {
        // A hand-over leaves all as it is but for the owner tag.
        (Some(Goal::Attached(goal)), Some(seen), Some((OperationKind::Attach | OperationKind::Update, result)))
            if !result.is_certainly_not_carried_out() =>
        {
            let known = observed_applied(previous, report);
            let before = if seen.compute.present().is_some() { known.as_ref() } else { seen.applied.as_ref() };
            Some(compute_spec::recorded(goal, before))
        }
        _ => observed_applied(previous, report),
    };
    applied.filter(|applied| *applied != Applied::default())
}

/// What is recorded, now that the compute was observed.
///
/// Nothing is recorded of a compute that is not ours: otherwise it could be taken for the one that this object created.
fn observed_applied(previous: &AttachmentStatus, report: &Report<'_>) -> Option<Applied> {
    let Some(seen) = report.observed else { return previous.applied.clone() };
    let Some(compute) = seen.compute.present() else { return previous.applied.clone() };
    if !seen.owns(compute) {
        let may_become_ours = seen.put().is_some_and(|put| put.is_ongoing() || put.is_unheard());
        return previous.applied.clone().filter(|_| may_become_ours);
    }
    let mut applied = previous.applied.clone().unwrap_or_default();
    applied.created_on = compute.details.created_on.clone().or(applied.created_on);
    match report.goal {
        // A tag that is to be removed in Azure stays recorded until it is removed.
        Some(Goal::Attached(goal)) if is_in_sync(goal, seen) && report.shown_drift().is_empty() => {
            Some(in_sync(goal, compute, applied))
        }
        _ => Some(applied),
    }
}

fn in_sync(goal: &Attached, compute: &Compute, applied: Applied) -> Applied {
    let is_in_order = compute.identity.ids() == goal.identity.user;
    let order_kept = applied.order_kept.or((!applied.identities.is_empty()).then_some(is_in_order));
    Applied { order_kept, created_on: applied.created_on, ..compute_spec::in_sync(goal) }
}

/// The live status, with what a write changed: where another reconcile has written the status in between, only the outcome of
/// the write is recorded over it.
#[must_use]
pub fn with_outcome_of(live: &AttachmentStatus, next: &AttachmentStatus) -> AttachmentStatus {
    AttachmentStatus {
        operation: next.operation.clone(),
        unanswered_put_at: next.unanswered_put_at.clone(),
        applied: next.applied.clone(),
        failure: next.failure.clone(),
        corrections: next.corrections.clone(),
        last_drift: next.last_drift.clone(),
        role_assignments: next.role_assignments.clone(),
        last_handled_force_at: next.last_handled_force_at.clone(),
        last_forced_at: next.last_forced_at.clone(),
        waiting_for_jobs: next.waiting_for_jobs.clone(),
        ..live.clone()
    }
}
