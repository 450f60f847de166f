//! The decision for an object that exists: a chain of gates. The order of the text is the policy.

use std::ops::ControlFlow;

use crate::planner::activity_log::awaited;
use crate::planner::cause::{Cause, Suspension};
use crate::planner::compute_spec::ComputeSpec;
use crate::planner::decision::{Decision, Step};
use crate::planner::drift::next_correction;
use crate::planner::finding::Finding;
use crate::planner::gates::{
    answer, brake, claims, drift, finalizer, force, operation, ownership, pool_reference, pool_state, roles, transfer,
};
use crate::planner::goal::Attached;
use crate::planner::observed::Observed;
use crate::planner::owner::Ownership;

pub(super) fn decide(goal: &Attached, seen: &Observed) -> Decision {
    let (ControlFlow::Break(decision) | ControlFlow::Continue(decision)) = chain(goal, seen);
    awaited(guard(goal, seen, decision), seen)
}

/// Each gate ends the chain with a decision, or hands on what it has established.
fn chain(goal: &Attached, seen: &Observed) -> ControlFlow<Decision, Decision> {
    if let Some(to) = &goal.transfer_to {
        return transfer::decide(goal, to, seen);
    }
    let pool = pool_reference::resolve(goal, seen)?;
    let compute = answer::compute(seen)?;
    transfer::not_under_way(compute, if compute.is_some() { Cause::Updating } else { Cause::Attaching }, seen)?;
    let Some(compute) = compute else {
        claims::oldest(seen)?;
        operation::idle(seen)?;
        answer::absence_confirmed(seen)?;
        brake::released(seen)?;
        pool_state::usable(&pool, seen)?;
        let spec = ComputeSpec::create(goal, &pool);
        return ControlFlow::Continue(Decision::write(Step::Put(spec), Cause::Attaching));
    };
    let ours = ownership::ours(goal, &pool, compute, seen)?;
    operation::idle_on(&pool, ours, seen)?;
    pool_reference::same(goal, &pool, ours, seen)?;
    drift::corrected(goal, &pool, ours, seen)?;
    finalizer::present(goal, seen)?;
    pool_state::usable(&pool, seen)?;
    force::unrequested(goal, &pool, ours, seen)?;
    roles::assigned(goal, seen)?;
    ControlFlow::Continue(Decision::attached(next_correction(goal, &pool, ours, seen)))
}

/// The rules for every decision: nothing is written while suspended, and nothing before the finalizer is on the object.
fn guard(goal: &Attached, seen: &Observed, decision: Decision) -> Decision {
    match &decision.step {
        // The retry would not be sent when it is due.
        Step::Wait if goal.policy.suspend && decision.cause.awaits_retry() => {
            Decision::blocked(Cause::Suspended(suspended(&decision.cause, seen)))
        }
        Step::Wait | Step::AddFinalizer | Step::RemoveFinalizer => decision,
        Step::Done if goal.policy.suspend => Decision::done(Cause::Suspended(Suspension::InSync)),
        Step::Done => decision,
        Step::Put(_) | Step::Detach(_) | Step::AssignRole(_) | Step::RevokeRole(_) => match () {
            () if goal.policy.suspend => Decision::blocked(Cause::Suspended(suspended(&decision.cause, seen))),
            () if !seen.object.has_finalizer => finalizer::add(),
            () => decision,
        },
    }
}

/// What is suspended, given the cause of the write that is not sent.
fn suspended(cause: &Cause, seen: &Observed) -> Suspension {
    match (cause, &seen.compute) {
        (_, Finding::Absent) => Suspension::Attach,
        (Cause::Transferring(_), _) => Suspension::Transfer,
        (Cause::AssigningRole(_) | Cause::RevokingRole(_), _) => Suspension::Roles,
        (_, Finding::Present(compute)) if compute.owner == Ownership::Transferred => Suspension::Adoption,
        (_, Finding::Present(compute)) if compute.owner == Ownership::Unowned && !seen.has_created(compute) => {
            Suspension::Adoption
        }
        _ => Suspension::Update,
    }
}
