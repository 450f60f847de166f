//! Gate: the Spark pool exists and can run jobs.

use std::ops::ControlFlow;

use crate::planner::cause::Cause;
use crate::planner::decision::Decision;
use crate::planner::finding::{FaultKind, Finding};
use crate::planner::observed::Observed;
use crate::resource_id::PoolId;

/// The pool is usable, or may not be read. Azure would also refuse an attach to an unusable one, but only minutes later.
pub fn usable(pool: &PoolId, seen: &Observed) -> ControlFlow<Decision> {
    match &seen.dependencies.pool {
        Some(Finding::Absent) => ControlFlow::Break(Decision::blocked(Cause::PoolNotFound(pool.clone()))),
        Some(Finding::Present(found)) if !found.is_usable() => {
            ControlFlow::Break(Decision::blocked(Cause::PoolFailed { pool: pool.clone(), state: found.state.clone() }))
        }
        // The request is sent when its turn comes.
        Some(Finding::Unknown(fault)) if matches!(fault.kind, FaultKind::Queued(_)) => {
            ControlFlow::Break(Decision::read_failed(fault.clone(), seen))
        }
        Some(Finding::Present(_) | Finding::Unknown(_)) | None => ControlFlow::Continue(()),
    }
}
