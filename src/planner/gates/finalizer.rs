//! Gate: the finalizer is on the object, so that its compute does not remain when the object is deleted.

use std::ops::ControlFlow;

use crate::planner::backoff::Requeue;
use crate::planner::cause::Cause;
use crate::planner::decision::{Decision, Step};
use crate::planner::goal::Attached;
use crate::planner::observed::Observed;

/// The finalizer is on an object whose compute already belongs to it.
pub fn present(goal: &Attached, seen: &Observed) -> ControlFlow<Decision> {
    if seen.object.has_finalizer || goal.policy.suspend { ControlFlow::Continue(()) } else { ControlFlow::Break(add()) }
}

/// Adds the finalizer.
pub fn add() -> Decision {
    Decision { step: Step::AddFinalizer, cause: Cause::AddingFinalizer, requeue: Requeue::OnChange }
}
