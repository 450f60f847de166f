//! Gate: a missing compute may be attached again.

use std::ops::ControlFlow;

use crate::planner::cause::Cause;
use crate::planner::decision::Decision;
use crate::planner::observed::Observed;

/// The compute never existed, or only few computes of its workspace are missing.
pub fn released(seen: &Observed) -> ControlFlow<Decision> {
    match () {
        () if seen.is_missing() && seen.object.safety.stops() => ControlFlow::Break(Decision::blocked(Cause::SafetyStop)),
        () => ControlFlow::Continue(()),
    }
}
