//! Gate: the compute is as in the spec, or a PUT corrects it.

use std::ops::ControlFlow;

use crate::api::v1alpha1::OperationKind;
use crate::planner::cause::Cause;
use crate::planner::compute::{Compute, Progress};
use crate::planner::decision::Decision;
use crate::planner::drift::{is_in_sync, is_next_correction_due};
use crate::planner::gates::operation;
use crate::planner::gates::update::update;
use crate::planner::goal::Attached;
use crate::planner::observed::Observed;
use crate::planner::operation::Outcome;
use crate::resource_id::PoolId;

/// Nothing differs from the spec.
pub fn corrected(goal: &Attached, pool: &PoolId, ours: &Compute, seen: &Observed) -> ControlFlow<Decision> {
    if is_in_sync(goal, seen) {
        return ControlFlow::Continue(());
    }
    if !is_reported(ours, seen) {
        return ControlFlow::Break(operation::polling(Cause::Updating, seen));
    }
    let put = |cause| ControlFlow::Break(update(goal, pool, (ours, seen), cause));
    let kind = seen.put().map_or(OperationKind::Attach, |put| put.kind);
    let writing = || if kind == OperationKind::Attach { Cause::Attaching } else { Cause::Updating };
    let has_failed = ours.progress == Progress::Failed || seen.put().is_some_and(|put| matches!(put.outcome, Outcome::Failed(_)));
    let without_effect = |no_effect| ControlFlow::Break(operation::without_effect(kind, (writing(), no_effect), seen));
    match seen.put() {
        // A failed compute may lack what Azure does not show, such as the order of identities.
        _ if has_failed && seen.is_retry_due() => put(writing()),
        // A read may lag behind the write that corrects it.
        Some(write) if write.is_ongoing() && matches!(write.outcome, Outcome::Running(_)) => {
            ControlFlow::Break(operation::polling(writing(), seen))
        }
        _ if has_failed => without_effect(operation::failed(kind, None)),
        Some(_) if is_next_correction_due(goal, pool, ours, seen) => put(Cause::Updating),
        Some(write) if write.is_ongoing() => ControlFlow::Break(operation::polling(Cause::Updating, seen)),
        Some(_) if seen.is_retry_due() => put(Cause::Updating),
        Some(write) if write.is_unheard() => ControlFlow::Break(operation::unheard(seen)),
        Some(_) => without_effect(Cause::DriftPersists),
        None => put(Cause::Updating),
    }
}

/// Whether the status shows each identity whose ID cannot be parsed: the PUT removes it, and its ID must not be lost.
pub fn is_reported(ours: &Compute, seen: &Observed) -> bool {
    let is_shown = |id: &String| seen.object.reported_drift.iter().any(|shown| shown.have.contains(id.as_str()));
    ours.identity.unreadable.iter().all(is_shown)
}
