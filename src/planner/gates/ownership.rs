//! Gate: the compute belongs to this object, or is adopted by it.

use std::ops::ControlFlow;

use crate::api::v1alpha1::{AdoptionPolicy, OperationKind};
use crate::planner::cause::Cause;
use crate::planner::compute::{Compute, Progress};
use crate::planner::decision::Decision;
use crate::planner::gates::update::update;
use crate::planner::gates::{answer, claims, drift, operation};
use crate::planner::goal::Attached;
use crate::planner::observed::Observed;
use crate::planner::owner::Ownership;
use crate::resource_id::PoolId;

/// The compute, if it is an attached Spark pool and belongs to this object.
///
/// The owner of a compute keeps it, also against an older object: otherwise neither would attach it.
pub fn ours<'a>(goal: &Attached, pool: &PoolId, compute: &'a Compute, seen: &Observed) -> ControlFlow<Decision, &'a Compute> {
    if let Some(unreadable) = compute.unreadable_type() {
        return ControlFlow::Break(answer::unreadable(unreadable, seen));
    }
    match &compute.owner {
        _ if !compute.is_spark() => ControlFlow::Break(Decision::blocked(Cause::ComputeTypeMismatch(compute.kind.clone()))),
        Ownership::Ours => ControlFlow::Continue(compute),
        Ownership::Another(tag) => {
            claims::oldest(seen)?;
            ControlFlow::Break(Decision::blocked(Cause::OwnedByAnother(tag.clone())))
        }
        Ownership::Transferred => transferred(goal, pool, compute, seen),
        Ownership::Unowned => unowned(goal, pool, compute, seen),
    }
}

/// A compute that its former owner handed over to this object. So no policy of adoption is asked, nor an older object that claims
/// it; but another pool is still replaced only if the spec allows it.
fn transferred<'a>(goal: &Attached, pool: &PoolId, compute: &Compute, seen: &Observed) -> ControlFlow<Decision, &'a Compute> {
    if let Some(put) = seen.put().filter(|put| put.is_ongoing()) {
        return ControlFlow::Break(Decision::poll(Cause::AdoptingTransferred, put.age));
    }
    match compute.readable_pool() {
        Ok(attached) if attached == pool || goal.policy.replace => {}
        Ok(attached) => return ControlFlow::Break(Decision::blocked(Cause::PoolMismatch(attached.clone()))),
        Err(unreadable) => return ControlFlow::Break(answer::unreadable(unreadable, seen)),
    }
    not_yet_adopted(compute, &Cause::AdoptingTransferred, seen)?;
    ControlFlow::Break(update(goal, pool, (compute, seen), Cause::AdoptingTransferred))
}

/// A compute without an owner: it was created by this object and does not show the tag, or it may be adopted.
fn unowned<'a>(goal: &Attached, pool: &PoolId, compute: &'a Compute, seen: &Observed) -> ControlFlow<Decision, &'a Compute> {
    match seen.put() {
        // Azure may show the owner tag only when the operation ends.
        Some(put) if put.is_ongoing() => {
            let cause = if put.kind == OperationKind::Attach { Cause::Attaching } else { Cause::Adopting };
            ControlFlow::Break(operation::polling(cause, seen))
        }
        _ if seen.has_created(compute) => ControlFlow::Continue(compute),
        _ => {
            claims::oldest(seen)?;
            may_adopt(goal, pool, compute, seen)?;
            not_yet_adopted(compute, &Cause::Adopting, seen)?;
            ControlFlow::Break(update(goal, pool, (compute, seen), Cause::Adopting))
        }
    }
}

/// The policies allow the operator to adopt the compute.
fn may_adopt(goal: &Attached, pool: &PoolId, compute: &Compute, seen: &Observed) -> ControlFlow<Decision> {
    let attached = match compute.readable_pool() {
        Ok(attached) => attached,
        Err(unreadable) => return ControlFlow::Break(answer::unreadable(unreadable, seen)),
    };
    let refusal = match goal.policy.adopt {
        AdoptionPolicy::IfSamePool | AdoptionPolicy::Always if attached == pool => return ControlFlow::Continue(()),
        AdoptionPolicy::Always if goal.policy.replace => return ControlFlow::Continue(()),
        AdoptionPolicy::Always => Cause::PoolMismatch(attached.clone()),
        AdoptionPolicy::Never | AdoptionPolicy::IfSamePool | AdoptionPolicy::Unknown => {
            Cause::AdoptionNotAllowed(attached.clone())
        }
    };
    ControlFlow::Break(Decision::blocked(refusal))
}

/// Azure is not changing the compute, and no adoption of ours is unanswered or has just failed. `adopting` is the cause of the adoption.
fn not_yet_adopted(compute: &Compute, adopting: &Cause, seen: &Observed) -> ControlFlow<Decision> {
    match &seen.operation {
        _ if compute.progress == Progress::Unreadable => {
            ControlFlow::Break(answer::unreadable(compute.unreadable_progress(), seen))
        }
        _ if compute.progress.is_ongoing() || !drift::is_reported(compute, seen) => {
            ControlFlow::Break(operation::polling(adopting.clone(), seen))
        }
        Some(_) if seen.is_retry_due() => ControlFlow::Continue(()),
        Some(write) if write.is_unheard() => ControlFlow::Break(operation::unheard(seen)),
        Some(_) => {
            let causes = (adopting.clone(), Cause::DriftPersists);
            ControlFlow::Break(operation::without_effect(OperationKind::Attach, causes, seen))
        }
        None => ControlFlow::Continue(()),
    }
}
