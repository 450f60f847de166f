//! A user may request that the compute is sent to Azure although nothing differs.

use std::ops::ControlFlow;

use crate::planner::cause::Cause;
use crate::planner::compute::Compute;
use crate::planner::decision::Decision;
use crate::planner::gates::update::update;
use crate::planner::goal::Attached;
use crate::planner::observed::Observed;
use crate::resource_id::PoolId;

/// No such request is due. While suspended none is ever due.
pub fn unrequested(goal: &Attached, pool: &PoolId, ours: &Compute, seen: &Observed) -> ControlFlow<Decision> {
    match () {
        () if seen.object.force.is_due() && !goal.policy.suspend => {
            ControlFlow::Break(update(goal, pool, (ours, seen), Cause::Resending))
        }
        () => ControlFlow::Continue(()),
    }
}
