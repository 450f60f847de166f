//! The compute is as in the spec, or a PUT corrects it.

use std::ops::ControlFlow;

use crate::api::v1alpha1::OperationKind;
use crate::planner::cause::Cause;
use crate::planner::compute::{Compute, Progress};
use crate::planner::compute_spec::ComputeSpec;
use crate::planner::decision::{Decision, Step};
use crate::planner::drift::is_in_sync;
use crate::planner::gates::operation;
use crate::planner::goal::Attached;
use crate::planner::observed::{Observed, Outcome};
use crate::resource_id::PoolId;

/// Nothing differs from the spec.
pub fn corrected(goal: &Attached, pool: &PoolId, ours: &Compute, seen: &Observed) -> ControlFlow<Decision> {
    if is_in_sync(goal, seen) {
        return ControlFlow::Continue(());
    }
    if !is_reported(ours, seen) {
        return ControlFlow::Break(operation::polling(Cause::Updating, seen));
    }
    let put = |cause| {
        let spec = ComputeSpec::update(goal, pool, ours, seen.applied.as_ref());
        ControlFlow::Break(Decision::write(Step::Put(spec), cause))
    };
    let is_update = seen.put().is_some_and(|put| put.kind == OperationKind::Update);
    let failed = |error| if is_update { Cause::UpdateFailed(error) } else { Cause::AttachFailed(error) };
    let has_failed = ours.progress == Progress::Failed || seen.put().is_some_and(|put| matches!(put.outcome, Outcome::Failed(_)));
    match seen.put() {
        // A failed compute may lack what Azure does not show, such as the order of identities.
        _ if has_failed && seen.is_retry_due() => put(if is_update { Cause::Updating } else { Cause::Attaching }),
        _ if has_failed => ControlFlow::Break(Decision::retry_later(failed(operation::error(seen)), seen)),
        Some(write) if write.is_ongoing() => ControlFlow::Break(operation::polling(Cause::Updating, seen)),
        Some(_) if seen.is_retry_due() => put(Cause::Updating),
        Some(write) if write.is_unheard() => ControlFlow::Break(operation::unheard(seen)),
        // Azure ended our PUT successfully, and still shows another state.
        Some(_) => ControlFlow::Break(Decision::retry_later(Cause::DriftPersists, seen)),
        None => put(Cause::Updating),
    }
}

/// Whether the status shows each identity whose ID cannot be parsed: the PUT removes it, and its ID must not be lost.
pub fn is_reported(ours: &Compute, seen: &Observed) -> bool {
    let is_shown = |id: &String| seen.object.reported_drift.iter().any(|shown| shown.have.contains(id.as_str()));
    ours.identity.unreadable.iter().all(is_shown)
}
