//! A compute that is missing may be attached again.

use std::ops::ControlFlow;

use crate::planner::cause::Cause;
use crate::planner::decision::Decision;
use crate::planner::observed::Observed;

/// The compute never existed, or not many of its workspace are missing at once.
pub fn released(seen: &Observed) -> ControlFlow<Decision> {
    match () {
        () if seen.is_missing() && seen.object.safety.stops() => ControlFlow::Break(Decision::blocked(Cause::SafetyStop)),
        () => ControlFlow::Continue(()),
    }
}
