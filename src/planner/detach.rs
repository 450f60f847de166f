//! The decision for an object that is being deleted: a chain of gates. The order of the text is the policy.

use std::ops::ControlFlow;

use crate::api::v1alpha1::FailedStep;
use crate::planner::backoff::{ABSENCE_CONFIRMED_AFTER, STUCK_AFTER};
use crate::planner::cause::{Cause, Suspension};
use crate::planner::compute::{Compute, Progress};
use crate::planner::decision::{Decision, Step};
use crate::planner::finding::{FaultKind, Finding};
use crate::planner::gates::{answer, jobs, operation, transfer};
use crate::planner::goal::Detached;
use crate::planner::observed::Observed;
use crate::planner::owner::Ownership;
use crate::planner::roles::decide::to_revoke;
use crate::resource_id::ComputeId;

pub(super) fn decide(goal: &Detached, seen: &Observed) -> Decision {
    let (ControlFlow::Break(decision) | ControlFlow::Continue(decision)) = chain(goal, seen);
    revoke_first(goal, seen, decision)
}

/// Each gate ends the chain with a decision, or hands on what it has established.
fn chain(goal: &Detached, seen: &Observed) -> ControlFlow<Decision, Decision> {
    has_finalizer(seen)?;
    let id = wanted(goal)?;
    workspace_exists(seen)?;
    let Some(compute) = answer::compute(seen)? else {
        nothing_appears(seen)?;
        return ControlFlow::Continue(Decision::remove_finalizer(Cause::Detached(Vec::new())));
    };
    if let Some(to) = &goal.transfer_to {
        transfer::handed_over(to, compute, seen)?;
    }
    ours(compute, seen)?;
    if let (Some(to), false) = (&goal.transfer_to, goal.suspend) {
        return ControlFlow::Continue(transfer::hand_over(id, to, compute, seen));
    }
    if goal.transfer_to.is_none() {
        transfer::not_under_way(Some(compute), Cause::Detaching(Vec::new()), seen)?;
    }
    azure_is_done(compute, seen)?;
    if goal.suspend {
        let what = if goal.transfer_to.is_some() { Suspension::Transfer } else { Suspension::Detach };
        return ControlFlow::Continue(Decision::blocked(Cause::Suspended(what)));
    }
    understood(goal)?;
    operation::not_detaching(Cause::Detaching(Vec::new()), seen)?;
    jobs::ended(goal.waits_for_jobs, seen)?;
    ControlFlow::Continue(Decision::write(Step::Detach(id.clone()), Cause::Detaching(Vec::new())))
}

/// Without the finalizer nothing is left to do.
fn has_finalizer(seen: &Observed) -> ControlFlow<Decision> {
    if seen.object.has_finalizer {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(Decision::done(Cause::Detached(Vec::new())))
    }
}

/// With a misspelled value, the user may have meant to keep the compute.
fn understood(goal: &Detached) -> ControlFlow<Decision> {
    match &goal.unknown_annotation {
        Some(invalid) => ControlFlow::Break(Decision::invalid(invalid)),
        None => ControlFlow::Continue(()),
    }
}

/// The compute, if it is to be detached at all.
fn wanted(goal: &Detached) -> ControlFlow<Decision, &ComputeId> {
    match &goal.compute {
        _ if goal.retain => ControlFlow::Break(Decision::remove_finalizer(Cause::Retained)),
        None => ControlFlow::Break(Decision::remove_finalizer(Cause::Detached(Vec::new()))),
        Some(id) => ControlFlow::Continue(id),
    }
}

/// If the workspace is gone, its computes are gone too, and a write of ours can no longer create one.
fn workspace_exists(seen: &Observed) -> ControlFlow<Decision> {
    match &seen.compute {
        Finding::Unknown(fault) if fault.kind == FaultKind::WorkspaceNotFound => {
            confirmed(seen)?;
            ControlFlow::Break(Decision::remove_finalizer(Cause::Detached(Vec::new())))
        }
        _ => ControlFlow::Continue(()),
    }
}

/// The absence is certain. A detach that Azure accepted makes it certain.
fn confirmed(seen: &Observed) -> ControlFlow<Decision> {
    let absent_for = seen.absent_since_put();
    let is_certain = absent_for.is_some_and(|absent| absent >= ABSENCE_CONFIRMED_AFTER);
    if seen.accepted_detach().is_some() || is_certain {
        return ControlFlow::Continue(());
    }
    ControlFlow::Break(answer::observe_again(Cause::ConfirmingDetached, absent_for))
}

/// The compute is absent, and no write of ours will bring it back.
fn nothing_appears(seen: &Observed) -> ControlFlow<Decision> {
    match seen.put() {
        Some(put) if put.is_ongoing() => return ControlFlow::Break(Decision::poll(Cause::Detaching(Vec::new()), put.age)),
        Some(put) if put.is_unheard() => return ControlFlow::Break(Decision::poll(Cause::AwaitingWrite, put.age)),
        Some(_) | None => {}
    }
    if seen.is_put_unanswered() {
        return ControlFlow::Break(Decision::poll(Cause::AwaitingWrite, seen.object.unanswered_put_age));
    }
    confirmed(seen)
}

/// Only a compute that belongs to this object, or was handed over to it, is detached.
fn ours(compute: &Compute, seen: &Observed) -> ControlFlow<Decision> {
    if let Some(unreadable) = compute.unreadable_type() {
        return ControlFlow::Break(answer::unreadable(unreadable, seen));
    }
    match &compute.owner {
        _ if !compute.is_spark() => ControlFlow::Break(Decision::remove_finalizer(Cause::Retained)),
        Ownership::Ours => ControlFlow::Continue(()),
        Ownership::Another(_) | Ownership::Unowned | Ownership::Transferred => not_shown_as_ours(compute, seen),
    }
}

/// The compute does not show this object's owner tag: it stays in Azure, unless this object created it, or received it from its
/// former owner. A write of ours that may still be carried out would make it this object's.
fn not_shown_as_ours(compute: &Compute, seen: &Observed) -> ControlFlow<Decision> {
    let wait = |cause, so_far| ControlFlow::Break(Decision::poll(cause, so_far));
    let is_unowned = compute.owner == Ownership::Unowned;
    match (seen.put(), compute.readable_pool()) {
        // Azure may show the owner tag only when the operation ends.
        (Some(put), _) if put.is_ongoing() => wait(Cause::Detaching(Vec::new()), put.age),
        // Its former owner no longer detaches it.
        _ if compute.owner == Ownership::Transferred => ControlFlow::Continue(()),
        _ if is_unowned && seen.has_created(compute) => ControlFlow::Continue(()),
        (Some(put), _) if put.is_unheard() => wait(Cause::AwaitingWrite, put.age),
        _ if seen.is_put_unanswered() => wait(Cause::AwaitingWrite, seen.object.unanswered_put_age),
        // Azure may answer a read with what was there before the adoption ended.
        (Some(put), _) if is_unowned && put.is_recent() && !seen.has_failed(put) => wait(Cause::Detaching(Vec::new()), put.age),
        (_, Err(unreadable)) if is_unowned && seen.may_have_created(compute) => {
            ControlFlow::Break(answer::unreadable(unreadable, seen))
        }
        _ => ControlFlow::Break(Decision::remove_finalizer(Cause::Retained)),
    }
}

/// Azure is not changing the compute, or has been for too long.
fn azure_is_done(compute: &Compute, seen: &Observed) -> ControlFlow<Decision> {
    let is_stuck = seen.working_for().is_some_and(|so_far| so_far >= STUCK_AFTER);
    match compute.progress {
        Progress::Unreadable => ControlFlow::Break(answer::unreadable(compute.unreadable_progress(), seen)),
        Progress::Deleting => ControlFlow::Break(operation::polling(Cause::Detaching(Vec::new()), seen)),
        Progress::Working if !is_stuck => ControlFlow::Break(operation::polling(Cause::Detaching(Vec::new()), seen)),
        Progress::Working | Progress::Succeeded | Progress::Failed => ControlFlow::Continue(()),
    }
}

/// Role assignments of ours are revoked before the compute is detached, if they can be; those of a compute whose jobs are waited
/// for, when it is gone: a job may begin after the jobs were read, and needs its role as long as it runs.
fn revoke_first(goal: &Detached, seen: &Observed, decision: Decision) -> Decision {
    let waits_for_jobs = goal.waits_for_jobs.is_some();
    let is_due = match decision.step {
        Step::Detach(_) => !waits_for_jobs,
        // The jobs that run on a compute that is handed over need its roles.
        Step::RemoveFinalizer => !goal.retain && !matches!(decision.cause, Cause::Transferred { .. }),
        _ => false,
    };
    if !is_due {
        return decision;
    }
    // Once the detach has been sent, its retries do not wait for roles again.
    let is_tried = !waits_for_jobs && seen.failure.is_some_and(|failure| failure.step == FailedStep::Detach);
    match to_revoke(&seen.roles) {
        Some(assignment) if !goal.suspend && !is_tried => {
            Decision::write(Step::RevokeRole(assignment), Cause::Detaching(Vec::new()))
        }
        // While suspended, nothing is written; an object whose compute is gone is released.
        _ => with_orphaned(decision, seen.roles.orphaned()),
    }
}

fn with_orphaned(decision: Decision, orphaned: Vec<String>) -> Decision {
    let cause = match decision.cause {
        Cause::Detaching(_) => Cause::Detaching(orphaned),
        Cause::Detached(_) => Cause::Detached(orphaned),
        other => other,
    };
    Decision { cause, ..decision }
}
