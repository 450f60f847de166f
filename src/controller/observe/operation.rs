//! The outcome of the last write that was sent to Azure.

use jiff::Timestamp;

use crate::api::v1alpha1::{AttachmentStatus, OperationKind, OperationStatus};
use crate::azure;
use crate::planner::status::time::elapsed;
use crate::planner::{Compute, Finding, Goal, Operation, Outcome};
use crate::resource_id::PoolId;

/// The operation that the status records, and what became of it.
pub(super) async fn observe(
    azure: &azure::Client,
    goal: &Goal,
    status: &AttachmentStatus,
    compute: &Finding<Compute>,
    now: Timestamp,
) -> Option<Operation> {
    let recorded = status.operation.as_ref()?;
    Some(Operation {
        kind: recorded.kind,
        is_accepted: !recorded.pending,
        pool: recorded.pool.as_deref().and_then(|id| PoolId::parse(id).ok()),
        started_at: recorded.started_at.0,
        age: elapsed(recorded.started_at.0, now),
        outcome: outcome(azure, goal, recorded, compute).await,
        ended_for: None,
    })
}

/// Reads an operation only if the compute itself does not show the outcome: while Azure changes it, its state is enough.
async fn outcome(azure: &azure::Client, goal: &Goal, recorded: &OperationStatus, compute: &Finding<Compute>) -> Outcome {
    let is_told_by_compute = match compute {
        Finding::Present(compute) => compute.progress.is_ongoing(),
        Finding::Absent => recorded.kind == OperationKind::Detach,
        Finding::Unknown(_) => true,
    };
    let (false, false, Some(id)) = (is_told_by_compute, recorded.pending, goal.compute()) else { return Outcome::Unknown };
    let Some(path) = &recorded.path else { return Outcome::Ended };
    match azure.operation(id.workspace().subscription(), path).await {
        Ok(azure::State::Running(state)) => Outcome::Running(state),
        Ok(azure::State::Succeeded | azure::State::Forgotten) => Outcome::Ended,
        Ok(azure::State::Failed(error)) => Outcome::Failed(error),
        Err(azure::Error::Forbidden(_) | azure::Error::Rejected(_) | azure::Error::SubscriptionNotFound(_)) => {
            Outcome::Unreadable
        }
        Err(_) => Outcome::Unknown,
    }
}
