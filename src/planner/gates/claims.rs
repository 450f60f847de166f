//! Gate: if several objects claim one compute, the oldest wins.

use std::ops::ControlFlow;

use crate::planner::cause::Cause;
use crate::planner::decision::Decision;
use crate::planner::observed::Observed;

/// No older object claims the same compute.
pub fn oldest(seen: &Observed) -> ControlFlow<Decision> {
    match &seen.object.older_claimant {
        Some(older) => ControlFlow::Break(Decision::blocked(Cause::Duplicate(older.clone()))),
        None => ControlFlow::Continue(()),
    }
}
