//! The decision for an object that is being deleted: a chain of gates. The order of the text is the policy.

use std::ops::ControlFlow;

use crate::planner::backoff::STUCK_AFTER;
use crate::planner::cause::{Cause, Suspension};
use crate::planner::compute::{Compute, Progress};
use crate::planner::decision::{Decision, Step};
use crate::planner::finding::{FaultKind, Finding};
use crate::planner::gates::{answer, operation};
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
    ours(compute, seen)?;
    azure_is_done(compute, seen)?;
    if goal.suspend {
        return ControlFlow::Continue(Decision::blocked(Cause::Suspended(Suspension::Detach)));
    }
    operation::not_detaching(seen)?;
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

/// The compute, if it is to be detached at all.
fn wanted(goal: &Detached) -> ControlFlow<Decision, &ComputeId> {
    match &goal.compute {
        _ if goal.retain => ControlFlow::Break(Decision::remove_finalizer(Cause::Retained)),
        None => ControlFlow::Break(Decision::remove_finalizer(Cause::Detached(Vec::new()))),
        Some(id) => ControlFlow::Continue(id),
    }
}

/// A workspace that is gone took its computes with it.
fn workspace_exists(seen: &Observed) -> ControlFlow<Decision> {
    match &seen.compute {
        Finding::Unknown(fault) if fault.kind == FaultKind::WorkspaceNotFound => {
            ControlFlow::Break(Decision::remove_finalizer(Cause::Detached(Vec::new())))
        }
        _ => ControlFlow::Continue(()),
    }
}

/// The compute is absent, and no write of ours will bring it back. A detach that Azure accepted makes its absence certain.
fn nothing_appears(seen: &Observed) -> ControlFlow<Decision> {
    match seen.put() {
        Some(put) if put.is_ongoing() => return ControlFlow::Break(Decision::poll(Cause::Detaching(Vec::new()), put.age)),
        Some(put) if put.is_unheard() => return ControlFlow::Break(Decision::poll(Cause::AwaitingWrite, put.age)),
        Some(_) | None => {}
    }
    match seen.detach() {
        Some(detach) if detach.is_after_unheard_put() => {
            ControlFlow::Break(Decision::poll(Cause::AwaitingWrite, detach.unheard_put_age))
        }
        Some(detach) if detach.is_accepted => ControlFlow::Continue(()),
        _ if seen.is_absence_confirmed() => ControlFlow::Continue(()),
        _ => ControlFlow::Break(answer::observe_again(Cause::ConfirmingDetached, seen)),
    }
}

/// Only a compute that belongs to this object is detached.
fn ours(compute: &Compute, seen: &Observed) -> ControlFlow<Decision> {
    let retained = || ControlFlow::Break(Decision::remove_finalizer(Cause::Retained));
    if let Some(unreadable) = compute.unreadable_type() {
        return ControlFlow::Break(Decision::wait(Cause::StateUnreadable(unreadable), answer::retry(seen)));
    }
    match &compute.owner {
        _ if !compute.is_spark() => retained(),
        Ownership::Ours => ControlFlow::Continue(()),
        Ownership::Another(_) => retained(),
        Ownership::Unowned => match seen.put() {
            // Azure may show the owner tag only when the operation ends.
            Some(put) if put.is_ongoing() => ControlFlow::Break(Decision::poll(Cause::Detaching(Vec::new()), put.age)),
            _ if seen.has_created(compute) => ControlFlow::Continue(()),
            Some(put) if put.is_unheard() => ControlFlow::Break(Decision::poll(Cause::AwaitingWrite, put.age)),
            Some(_) | None => retained(),
        },
    }
}

/// Azure is not changing the compute, or has been for too long.
fn azure_is_done(compute: &Compute, seen: &Observed) -> ControlFlow<Decision> {
    let is_stuck = seen.object.reconciling_for.is_some_and(|so_far| so_far >= STUCK_AFTER);
    match compute.progress {
        Progress::Deleting => ControlFlow::Break(operation::polling(Cause::Detaching(Vec::new()), seen)),
        Progress::Working if !is_stuck => ControlFlow::Break(operation::polling(Cause::Detaching(Vec::new()), seen)),
        Progress::Working | Progress::Succeeded | Progress::Failed => ControlFlow::Continue(()),
    }
}

/// Role assignments of ours are revoked before the compute is detached, if they can be.
fn revoke_first(goal: &Detached, seen: &Observed, decision: Decision) -> Decision {
    if goal.retain || !matches!(decision.step, Step::Detach(_) | Step::RemoveFinalizer) {
        return decision;
    }
    match to_revoke(&seen.roles) {
        Some(assignment) if !goal.suspend => Decision::write(Step::RevokeRole(assignment), Cause::Detaching(Vec::new())),
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
