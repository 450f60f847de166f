//! Observes one object, its compute and its dependencies, and turns Azure's answers into the planner's terms.

pub mod compute;
mod dependencies;
mod fault;
mod operation;
mod request;
pub(crate) mod roles;

use std::time::Duration;

use jiff::Timestamp;

pub use compute::compute;
pub use fault::fault;
pub use request::{freshness, is_reconcile_requested, requested};

use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::AttachmentStatus;
use crate::azure::{self, Freshness};
use crate::controller::claims::Others;
use crate::controller::finalizer;
use crate::planner::status::condition;
use crate::planner::status::failure::history;
use crate::planner::status::time::elapsed;
use crate::planner::{Finding, Goal, ObjectState, Observed};

/// What exists, for this goal of this object.
pub async fn observe(
    azure: &azure::Client,
    object: &SynapseSparkAttachment,
    goal: &Goal,
    others: Others,
    (freshness, now): (Freshness, Timestamp),
) -> Observed {
    let status = object.status.clone().unwrap_or_default();
    let has_finalizer = finalizer::is_present(object);
    let mut dependencies = dependencies::link(azure, goal, &status, freshness).await;
    let compute = match goal.compute() {
        // Nothing rests on the compute of a deleted object without the finalizer.
        Some(id) if has_finalizer || matches!(goal, Goal::Attached(_)) => {
            compute::observe(azure, id, (goal.owner(), &status), freshness).await
        }
        Some(_) | None => Finding::Absent,
    };
    let operation = operation::observe(azure, goal, &status, &compute, now).await;
    dependencies.pool = dependencies::pool(azure, goal, &dependencies, &compute, freshness).await;
    let roles = roles::observe(azure, (goal, &status), &dependencies, (&compute, others.pending_verification), (freshness, now));
    Observed {
        roles: roles.await,
        object: ObjectState {
            has_finalizer,
            older_claimant: others.older_claimant,
            reconcile_requested: is_reconcile_requested(object),
            reconciling_for: reconciling_for(&status, now),
            // A time in the future is unknown: the write may have been sent just now.
            unanswered_put_age: status.unanswered_put_at.as_ref().map(|at| elapsed(at.0, now).unwrap_or_default()),
            reported_drift: status.drift.clone(),
            // How long Azure is silent, and how long the object waits, is not observed but remembered.
            ..ObjectState::default()
        },
        compute,
        absent_for: None,
        operation,
        applied: status.applied.clone(),
        failure: status.failure.as_ref().map(|failure| history(failure, now)),
        dependencies,
    }
}

/// For how long the condition Reconciling has been true; none if the time lies in the future.
fn reconciling_for(status: &AttachmentStatus, now: Timestamp) -> Option<Duration> {
    condition(status, "Reconciling").map_or(Some(Duration::ZERO), |since| elapsed(since.last_transition_time.0, now))
}
