//! The outcome of the last write that was sent to Azure.

use jiff::Timestamp;

use crate::api::v1alpha1::{AttachmentStatus, OperationKind};
use crate::azure;
use crate::planner::drift::shows_success;
use crate::planner::status::time::elapsed;
use crate::planner::{Compute, Dependencies, Finding, Goal, Operation, Outcome};
use crate::resource_id::PoolId;

/// The operation that the status records, and its outcome.
pub(super) async fn observe(
    azure: &azure::Client,
    goal: &Goal,
    status: &AttachmentStatus,
    (compute, dependencies): (&Finding<Compute>, &Dependencies),
    now: Timestamp,
) -> Option<Operation> {
    let recorded = status.operation.as_ref()?;
    let outcome = match shown(goal, status, recorded.kind, (compute, dependencies)) {
        _ if recorded.pending => Outcome::Unknown,
        Some(outcome) => outcome,
        None => read(azure, goal, recorded.path.as_deref()).await,
    };
    Some(Operation {
        kind: recorded.kind,
        is_accepted: !recorded.pending,
        pool: recorded.pool.as_deref().and_then(|id| PoolId::parse(id).ok()),
        started_at: recorded.started_at.0,
        age: elapsed(recorded.started_at.0, now),
        outcome,
        ended_for: None,
    })
}

/// The outcome as the compute itself shows it: then the operation need not be read. While Azure changes the compute, its state
/// is enough.
fn shown(
    goal: &Goal,
    status: &AttachmentStatus,
    kind: OperationKind,
    (compute, dependencies): (&Finding<Compute>, &Dependencies),
) -> Option<Outcome> {
    let compute = match compute {
        Finding::Unknown(_) => return Some(Outcome::Unknown),
        Finding::Absent => return (kind == OperationKind::Detach).then_some(Outcome::Unknown),
        Finding::Present(compute) if compute.progress.is_ongoing() => return Some(Outcome::Unknown),
        // As long as the compute shows the tag of its owner, the hand-over has had no effect.
        Finding::Present(_) if kind == OperationKind::Transfer => return None,
        Finding::Present(compute) => compute,
    };
    let Goal::Attached(goal) = goal else { return None };
    let pool = dependencies.resolve(&goal.pool).filter(|_| kind != OperationKind::Detach)?;
    shows_success(goal, &pool, compute, status.applied.as_ref()).then_some(Outcome::Ended)
}

async fn read(azure: &azure::Client, goal: &Goal, path: Option<&str>) -> Outcome {
    let Some(id) = goal.compute() else { return Outcome::Unknown };
    let Some(path) = path else { return Outcome::Ended };
    match azure.operation(id.workspace().subscription(), path).await {
        Ok(azure::State::Running(state)) => Outcome::Running(state),
        Ok(azure::State::Succeeded | azure::State::Forgotten) => Outcome::Ended,
        Ok(azure::State::Failed(error)) => Outcome::Failed(error),
        Err(
            azure::Error::Forbidden(_)
            | azure::Error::Rejected(_)
            | azure::Error::Refused(..)
            | azure::Error::SubscriptionNotFound(_),
        ) => Outcome::Unreadable,
        Err(_) => Outcome::Unknown,
    }
}
