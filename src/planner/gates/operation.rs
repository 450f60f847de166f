//! No write of ours is in progress, unheard or recently failed.

use std::ops::ControlFlow;

use crate::api::v1alpha1::OperationKind;
use crate::planner::cause::Cause;
use crate::planner::compute::{Compute, Progress};
use crate::planner::decision::Decision;
use crate::planner::gates::answer;
use crate::planner::observed::{Observed, Outcome};
use crate::resource_id::PoolId;
use crate::service_error::ServiceError;

/// The compute is absent, and no PUT of ours is about to create it or has just failed to.
pub fn idle(seen: &Observed) -> ControlFlow<Decision> {
    match seen.put() {
        Some(put) if put.is_ongoing() => ControlFlow::Break(polling(Cause::Attaching, seen)),
        Some(_) if seen.is_retry_due() => ControlFlow::Continue(()),
        Some(put) if put.is_unheard() => ControlFlow::Break(unheard(seen)),
        // Azure accepted our PUT and ended it, but shows no compute.
        Some(_) => ControlFlow::Break(Decision::retry_later(Cause::AttachFailed(error(seen)), seen)),
        None => ControlFlow::Continue(()),
    }
}

/// Azure is not changing the compute.
pub fn idle_on(pool: &PoolId, ours: &Compute, seen: &Observed) -> ControlFlow<Decision> {
    let is_other_pool = ours.pool.id().is_some_and(|attached| attached != pool);
    let cause = match ours.progress {
        Progress::Deleting if is_other_pool || seen.detach().is_some() => Cause::Replacing,
        Progress::Working if seen.put().is_some_and(|put| put.kind == OperationKind::Update) => Cause::Updating,
        Progress::Deleting | Progress::Working => Cause::Attaching,
        Progress::Unreadable => return ControlFlow::Break(answer::unreadable(ours.unreadable_progress(), seen)),
        Progress::Succeeded | Progress::Failed => return ControlFlow::Continue(()),
    };
    ControlFlow::Break(polling(cause, seen))
}

/// No detach of ours is in progress, unheard or recently failed.
pub fn not_detaching(seen: &Observed) -> ControlFlow<Decision> {
    match seen.detach() {
        Some(detach) if detach.is_ongoing() => ControlFlow::Break(polling(Cause::Detaching(Vec::new()), seen)),
        Some(_) if seen.is_retry_due() => ControlFlow::Continue(()),
        Some(detach) if detach.is_unheard() => ControlFlow::Break(unheard(seen)),
        Some(_) => ControlFlow::Break(Decision::retry_later(Cause::DetachFailed(error(seen)), seen)),
        None => ControlFlow::Continue(()),
    }
}

/// Waits for Azure, which has been working for as long as the status records.
pub fn polling(cause: Cause, seen: &Observed) -> Decision {
    Decision::poll(cause, seen.working_for())
}

/// Waits for a write without an answer, until its effect shows or it is due to be sent again.
pub fn unheard(seen: &Observed) -> Decision {
    Decision::retry_later(Cause::AwaitingWrite, seen)
}

/// Azure's error of an operation that failed.
pub fn error(seen: &Observed) -> Option<ServiceError> {
    seen.operation.as_ref().and_then(|operation| match &operation.outcome {
        Outcome::Failed(error) => Some(error.clone()),
        _ => None,
    })
}
