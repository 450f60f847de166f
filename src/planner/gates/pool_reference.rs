//! Gate: the compute is attached to the pool that the spec names.

use std::ops::ControlFlow;

use crate::planner::cause::Cause;
use crate::planner::compute::Compute;
use crate::planner::decision::{Decision, Step};
use crate::planner::finding::Finding;
use crate::planner::gates::{answer, claims, jobs, operation};
use crate::planner::goal::{Attached, PoolReference};
use crate::planner::observed::Observed;
use crate::resource_id::PoolId;

/// The pool that the spec names, by its ID or through a linked service.
pub fn resolve(goal: &Attached, seen: &Observed) -> ControlFlow<Decision, PoolId> {
    if let Some(pool) = seen.dependencies.resolve(&goal.pool) {
        return ControlFlow::Continue(pool);
    }
    let name = match &goal.pool {
        PoolReference::Link(link) => link.name.clone(),
        PoolReference::Id(id) => return ControlFlow::Continue(id.clone()),
    };
    ControlFlow::Break(match &seen.dependencies.link {
        Some(Finding::Unknown(fault)) => Decision::read_failed(fault.clone(), seen),
        Some(Finding::Present(link)) => {
            Decision::blocked(Cause::LinkedServiceUnusable { name, resource_id: link.resource_id.clone() })
        }
        Some(Finding::Absent) | None => {
            Decision::blocked(Cause::LinkedServiceNotFound { name, others: seen.dependencies.other_links.clone() })
        }
    })
}

/// The compute is attached to that pool. Another pool is replaced by a detach, if the spec allows it.
pub fn same(goal: &Attached, pool: &PoolId, ours: &Compute, seen: &Observed) -> ControlFlow<Decision> {
    let attached = match ours.readable_pool() {
        Ok(attached) if attached == pool => return ControlFlow::Continue(()),
        Ok(attached) => attached,
        Err(unreadable) => return ControlFlow::Break(answer::unreadable(unreadable, seen)),
    };
    if !goal.policy.replace {
        return ControlFlow::Break(Decision::blocked(Cause::PoolMismatch(attached.clone())));
    }
    // The older object would take the name, so the pool of the spec would not be attached again.
    claims::oldest(seen)?;
    operation::not_detaching(Cause::Replacing, seen)?;
    if !goal.policy.suspend {
        jobs::ended(goal.policy.waits_for_jobs, seen)?;
    }
    ControlFlow::Break(Decision::write(Step::Detach(goal.compute.clone()), Cause::Replacing))
}
