//! Gate: the desired role assignments exist, and no others of ours.

use std::ops::ControlFlow;

use crate::planner::backoff::Requeue;
use crate::planner::cause::{Cause, Suspension};
use crate::planner::decision::{Decision, Step};
use crate::planner::goal::Attached;
use crate::planner::observed::Observed;
use crate::planner::roles::decide::{Next, next};

/// The role assignments are in sync.
pub fn assigned(goal: &Attached, seen: &Observed) -> ControlFlow<Decision> {
    let Some(next) = next(&seen.roles, seen.object.reconcile_requested) else { return ControlFlow::Continue(()) };
    ControlFlow::Break(match next {
        _ if goal.policy.suspend => Decision::blocked(Cause::Suspended(Suspension::Roles)),
        Next::AwaitAnswer(fault) => Decision::read_failed(fault, seen),
        Next::AwaitPrincipal => {
            let so_far = seen.object.reconciling_for.unwrap_or_default();
            Decision::wait(Cause::AwaitingPrincipal, Requeue::Backoff(so_far))
        }
        Next::Assign(one) => Decision::write(Step::AssignRole(one.clone()), Cause::AssigningRole(one)),
        Next::Revoke(one) => Decision::write(Step::RevokeRole(one.clone()), Cause::RevokingRole(one)),
    })
}
