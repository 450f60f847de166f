//! A compute that its owner hands over to another object: the owner tag becomes the recipient's, and nothing else changes.

use std::ops::ControlFlow;

use crate::api::v1alpha1::OperationKind;
use crate::planner::annotations::TRANSFER_FIELD;
use crate::planner::backoff::STUCK_AFTER;
use crate::planner::cause::Cause;
use crate::planner::compute::{Compute, Progress};
use crate::planner::compute_spec::ComputeSpec;
use crate::planner::decision::{Decision, Step};
use crate::planner::gates::{answer, operation};
use crate::planner::goal::Attached;
use crate::planner::observed::Observed;
use crate::planner::operation::Operation;
use crate::planner::owner::Ownership;
use crate::planner::recipient::{Receipt, Recipient};
use crate::resource_id::ComputeId;

/// The decision for an object that exists, and hands its compute over.
///
/// It never attaches and never adopts. Without the finalizer it has handed its compute over already, or never had one; and what
/// becomes of the compute no longer matters.
pub fn decide(goal: &Attached, to: &Recipient, seen: &Observed) -> ControlFlow<Decision, Decision> {
    let ours = seen.compute.present().filter(|compute| compute.is_spark() && seen.owns(compute));
    if let Some(compute) = ours {
        return ControlFlow::Continue(hand_over(&goal.compute, to, compute, seen));
    }
    if !seen.object.has_finalizer && !is_received(seen) {
        return ControlFlow::Break(Decision::blocked(transferred(to, seen)));
    }
    let compute = answer::compute(seen)?;
    if let Some(compute) = compute {
        handed_over(to, compute, seen)?;
    }
    nothing_appears(to, seen)?;
    if compute.is_none() && !seen.is_absence_confirmed() {
        return ControlFlow::Break(answer::observe_again(Cause::Transferring(to.clone()), seen.absent_for));
    }
    ControlFlow::Break(nothing_to_transfer(goal, to, compute))
}

/// Whether the compute was handed over to this object, which has not adopted it.
fn is_received(seen: &Observed) -> bool {
    seen.compute.present().is_some_and(|compute| compute.is_spark() && compute.owner == Ownership::Transferred)
}

/// The compute does not show the owner tag of the recipient. Otherwise this object is done with it.
pub fn handed_over(to: &Recipient, compute: &Compute, seen: &Observed) -> ControlFlow<Decision> {
    if let Some(unreadable) = compute.unreadable_type() {
        return ControlFlow::Break(answer::unreadable(unreadable, seen));
    }
    let receipt = match &compute.owner {
        Ownership::Another(tag) if compute.is_spark() => to.receipt(tag),
        _ => None,
    };
    let is_changing = compute.progress.is_ongoing() && !is_stuck(seen);
    match receipt {
        None => ControlFlow::Continue(()),
        // If the operation fails, the tag may become this object's again.
        Some(Receipt::HandedOver) if is_changing || seen.put().is_some_and(Operation::is_ongoing) => {
            ControlFlow::Break(operation::polling(Cause::Transferring(to.clone()), seen))
        }
        Some(_) => ControlFlow::Break(Decision::remove_finalizer(transferred(to, seen))),
    }
}

/// Writes the owner tag of the recipient on a compute that is this object's.
pub fn hand_over(id: &ComputeId, to: &Recipient, compute: &Compute, seen: &Observed) -> Decision {
    let transferring = || Cause::Transferring(to.clone());
    match seen.detach() {
        // It would detach the recipient's compute.
        Some(detach) if detach.is_unheard() => return Decision::poll(Cause::AwaitingWrite, detach.age),
        Some(detach) if detach.is_ongoing() || seen.has_just_ended() => return operation::polling(transferring(), seen),
        Some(_) | None => {}
    }
    match compute.progress {
        Progress::Unreadable => return answer::unreadable(compute.unreadable_progress(), seen),
        Progress::Working | Progress::Deleting if !is_stuck(seen) => return operation::polling(transferring(), seen),
        Progress::Working | Progress::Deleting | Progress::Succeeded | Progress::Failed => {}
    }
    let spec = match ComputeSpec::transfer(id, to, compute, seen.applied.as_ref()) {
        Ok(spec) => spec,
        Err(unreadable) => return answer::unreadable(unreadable, seen),
    };
    let put = |cause| Decision::write(Step::Put(spec), cause);
    match seen.put() {
        // It would write this object's own tag again, over the recipient's.
        _ if seen.is_put_unanswered() => Decision::poll(Cause::AwaitingWrite, seen.object.unanswered_put_age),
        Some(earlier) if earlier.kind != OperationKind::Transfer => match () {
            () if earlier.is_unheard() => Decision::poll(Cause::AwaitingWrite, earlier.age),
            () if earlier.is_ongoing() => operation::polling(transferring(), seen),
            () => put(transferring()),
        },
        Some(transfer) if transfer.is_ongoing() => operation::polling(transferring(), seen),
        Some(_) if seen.is_retry_due() => put(transferring()),
        Some(transfer) if transfer.is_unheard() => operation::unheard(seen),
        Some(_) => operation::without_effect(OperationKind::Transfer, (transferring(), Cause::DriftPersists), seen),
        None => put(transferring()),
    }
}

/// No hand-over of ours, whose annotation is gone, may still give the compute away. `waiting` is the cause while Azure works on it.
pub fn not_under_way(compute: Option<&Compute>, waiting: Cause, seen: &Observed) -> ControlFlow<Decision> {
    let is_anothers = compute.is_some_and(|compute| matches!(compute.owner, Ownership::Another(_)));
    match seen.unfinished_transfer() {
        Some(_) if is_anothers => ControlFlow::Continue(()),
        Some(transfer) if transfer.is_unheard() => ControlFlow::Break(Decision::poll(Cause::AwaitingWrite, transfer.age)),
        Some(_) => ControlFlow::Break(operation::polling(waiting, seen)),
        None => ControlFlow::Continue(()),
    }
}

/// Whether Azure has been changing the compute for too long.
fn is_stuck(seen: &Observed) -> bool {
    seen.working_for().is_some_and(|so_far| so_far >= STUCK_AFTER)
}

/// This object is done with the compute. Its role assignments stay for the jobs that run on it.
fn transferred(to: &Recipient, seen: &Observed) -> Cause {
    Cause::Transferred { to: to.clone(), roles: seen.roles.orphaned() }
}

/// No write of ours will still make the compute this object's.
fn nothing_appears(to: &Recipient, seen: &Observed) -> ControlFlow<Decision> {
    match seen.put() {
        Some(put) if put.is_ongoing() => ControlFlow::Break(operation::polling(Cause::Transferring(to.clone()), seen)),
        Some(put) if put.is_unheard() => ControlFlow::Break(Decision::poll(Cause::AwaitingWrite, put.age)),
        _ if seen.is_put_unanswered() => ControlFlow::Break(Decision::poll(Cause::AwaitingWrite, seen.object.unanswered_put_age)),
        Some(_) | None => ControlFlow::Continue(()),
    }
}

/// There is no compute of this object, so there is nothing to hand over.
fn nothing_to_transfer(goal: &Attached, to: &Recipient, compute: Option<&Compute>) -> Decision {
    let name = goal.compute.name();
    let why = match compute.map(|compute| &compute.owner) {
        Some(Ownership::Transferred) => {
            return Decision::blocked(Cause::InvalidSpec(format!(
                "{TRANSFER_FIELD}: compute {name} was handed over to this object, which adopts it only without the annotation, and \
                 can then hand it over to {to}. Remove the annotation"
            )));
        }
        None => format!("compute {name} does not exist"),
        Some(Ownership::Another(tag)) => format!("compute {name} belongs to {tag}"),
        Some(_) => format!("compute {name} does not belong to this object"),
    };
    Decision::blocked(Cause::InvalidSpec(format!(
        "{TRANSFER_FIELD}: {why}, so it cannot be handed over to {to}. Remove the annotation"
    )))
}
