//! Gate: Azure answered, and its answer is certain enough.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::planner::backoff::{ABSENCE_CONFIRMED_AFTER, Requeue};
use crate::planner::cause::Cause;
use crate::planner::compute::{Compute, Unreadable};
use crate::planner::decision::Decision;
use crate::planner::finding::Finding;
use crate::planner::observed::Observed;

/// The compute; none if it is absent.
pub fn compute(seen: &Observed) -> ControlFlow<Decision, Option<&Compute>> {
    match &seen.compute {
        Finding::Present(compute) => ControlFlow::Continue(Some(compute)),
        Finding::Absent => ControlFlow::Continue(None),
        Finding::Unknown(fault) => ControlFlow::Break(Decision::read_failed(fault.clone(), seen)),
    }
}

/// A compute that is known to have existed is created again only when its absence is certain.
pub fn absence_confirmed(seen: &Observed) -> ControlFlow<Decision> {
    match () {
        () if !seen.has_disappeared() || seen.is_absence_confirmed() => ControlFlow::Continue(()),
        () => ControlFlow::Break(observe_again(Cause::ConfirmingAbsence, seen.absent_for)),
    }
}

/// Waits until the absence of the compute, which has lasted for this long, is certain.
pub fn observe_again(cause: Cause, absent_for: Option<Duration>) -> Decision {
    let left = ABSENCE_CONFIRMED_AFTER.saturating_sub(absent_for.unwrap_or_default());
    Decision::wait(cause, Requeue::After(left))
}

/// When to observe a compute again that cannot be parsed.
fn retry(seen: &Observed) -> Requeue {
    Requeue::Backoff(seen.failing_for())
}

/// No decision depends on a state that cannot be parsed.
pub fn unreadable(unreadable: Unreadable, seen: &Observed) -> Decision {
    Decision::wait(Cause::StateUnreadable(unreadable), retry(seen))
}
