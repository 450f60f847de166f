//! Gate: no write of ours is in progress, unanswered or recently failed.

use std::ops::ControlFlow;

use crate::api::v1alpha1::OperationKind;
use crate::planner::cause::Cause;
use crate::planner::compute::{Compute, Progress};
use crate::planner::decision::Decision;
use crate::planner::gates::answer;
use crate::planner::observed::Observed;
use crate::planner::operation::Outcome;
use crate::planner::write::NoEffect;
use crate::resource_id::PoolId;
use crate::service_error::ServiceError;

/// The compute is absent, and no PUT of ours is about to create it or has just failed to.
pub fn idle(seen: &Observed) -> ControlFlow<Decision> {
    match seen.put() {
        Some(put) if put.is_ongoing() => ControlFlow::Break(polling(Cause::Attaching, seen)),
        Some(_) if seen.is_retry_due() => ControlFlow::Continue(()),
        Some(put) if put.is_unheard() => ControlFlow::Break(unheard(seen)),
        Some(_) => {
            ControlFlow::Break(without_effect(OperationKind::Attach, (Cause::Attaching, Cause::NoEffect(NoEffect::Attach)), seen))
        }
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

/// No detach of ours is in progress, unanswered or recently failed. `detaching` is the cause of the detach.
pub fn not_detaching(detaching: Cause, seen: &Observed) -> ControlFlow<Decision> {
    match seen.detach() {
        Some(detach) if detach.is_ongoing() => ControlFlow::Break(polling(detaching, seen)),
        Some(_) if seen.is_retry_due() => ControlFlow::Continue(()),
        Some(detach) if detach.is_unheard() => ControlFlow::Break(unheard(seen)),
        Some(_) => {
            ControlFlow::Break(without_effect(OperationKind::Detach, (detaching, Cause::NoEffect(NoEffect::Detach)), seen))
        }
        None => ControlFlow::Continue(()),
    }
}

/// Azure accepted a write of this kind, which has ended or takes too long, but shows no effect of it. For a short time after the
/// end a read may lag behind: the object is then still `writing`.
pub fn without_effect(kind: OperationKind, (writing, no_effect): (Cause, Cause), seen: &Observed) -> Decision {
    let Some(operation) = &seen.operation else { return Decision::retry_later(no_effect, seen) };
    let cause = match &operation.outcome {
        _ if seen.has_just_ended() => return Decision::poll(writing, operation.ended_for),
        Outcome::Failed(error) => failed(kind, Some(error.clone())),
        Outcome::Running(state) => {
            Cause::OperationStuck { kind: operation.kind, state: state.clone(), since: operation.started_at }
        }
        Outcome::Ended | Outcome::Unknown | Outcome::Unreadable => no_effect,
    };
    Decision::retry_later(cause, seen)
}

/// The cause for a write that Azure accepted and that failed.
pub const fn failed(kind: OperationKind, error: Option<ServiceError>) -> Cause {
    match kind {
        OperationKind::Attach => Cause::AttachFailed(error),
        OperationKind::Update | OperationKind::Transfer | OperationKind::Unknown => Cause::UpdateFailed(error),
        OperationKind::Detach => Cause::DetachFailed(error),
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
