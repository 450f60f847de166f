//! Observes one object, its compute and its dependencies, and turns Azure's answers into the planner's terms.

mod active_jobs;
pub mod compute;
mod dependencies;
mod fault;
pub mod jobs;
mod operation;
pub mod reading;
mod request;
pub(crate) mod roles;
mod spec_identity;
mod user_identities;

use std::time::Duration;

use jiff::Timestamp;

pub use active_jobs::active_jobs;
pub use compute::compute;
pub use fault::fault;
pub use jobs::{Known, Reads, job_facts, job_facts_of};
pub use reading::{ComputeReading, Reading};
pub use request::{forced, is_annotated, is_reconcile_requested, requested};
pub use spec_identity::spec_identity;

use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::AttachmentStatus;
use crate::azure::{self, Source};
use crate::controller::claims::Others;
use crate::planner::brake::{Losses, Safety};
use crate::planner::force::Force;
use crate::planner::status::condition;
use crate::planner::status::drift::corrections_of;
use crate::planner::status::failure::history;
use crate::planner::status::time::elapsed;
use crate::planner::{Finding, Goal, ObjectState, Observed};

/// What exists, for this goal of this object; and where the compute's state comes from, if it was observed.
pub async fn observe(
    azure: &azure::Client,
    object: &SynapseSparkAttachment,
    goal: &Goal,
    others: Others,
    (reading, now): (Reading, Timestamp),
) -> (Observed, Option<Source>) {
    let status = object.status.clone().unwrap_or_default();
    let has_finalizer = object.has_finalizer();
    let mut dependencies = dependencies::link(azure, goal, &status, reading.dependencies).await;
    let (mut compute, source) = match goal.compute() {
        // Without the finalizer, the compute of a deleted object does not matter.
        Some(id) if has_finalizer || matches!(goal, Goal::Attached(_)) => {
            compute::observe(azure, id, (goal.owner(), &status), reading.compute).await
        }
        Some(_) | None => (Finding::Absent, None),
    };
    user_identities::read(azure, goal, &mut compute, reading.dependencies).await;
    let operation = operation::observe(azure, goal, &status, (&compute, &dependencies), now).await;
    dependencies.pool = dependencies::pool(azure, goal, &dependencies, &compute, reading.dependencies).await;
    let verified = (&compute, others.pending_verification);
    let roles = roles::observe(azure, (goal, &status), &dependencies, verified, (reading.roles, now));
    let observed = Observed {
        roles: roles.await,
        object: object_state(object, &status, others.older_claimant, now),
        compute,
        absent_for: None,
        operation,
        applied: status.applied.clone(),
        failure: status.failure.as_ref().map(|failure| history(failure, now)),
        dependencies,
        jobs: None,
    };
    (observed, source)
}

/// What the object itself shows.
fn object_state(
    object: &SynapseSparkAttachment,
    status: &AttachmentStatus,
    older_claimant: Option<String>,
    now: Timestamp,
) -> ObjectState {
    ObjectState {
        has_finalizer: object.has_finalizer(),
        older_claimant,
        reconcile_requested: is_reconcile_requested(object),
        reconciling_for: reconciling_for(status, now),
        // A time in the future is unknown: the write may have been sent just now.
        unanswered_put_age: status.unanswered_put_at.as_ref().map(|at| elapsed(at.0, now).unwrap_or_default()),
        waited_for_jobs: waited_for_jobs(status, now),
        reported_drift: status.drift.clone(),
        corrections: corrections_of(status, now),
        force: Force {
            is_requested: request::forced(object).is_some(),
            last: status.last_forced_at.as_ref().map(|at| elapsed(at.0, now).unwrap_or_default()),
        },
        safety: Safety {
            losses: Losses::default(),
            is_stopped: status.safety_stop.is_some(),
            is_allowed: status.safety_stop.as_ref().is_some_and(|stop| request::allows_recreate(object, stop)),
        },
        // For how long Azure has not answered, and for how long the object has waited, comes from memory and not from an
        // observation.
        ..ObjectState::default()
    }
}

/// For how long a detach has waited for jobs. A time in the future is unknown: the wait begins again.
fn waited_for_jobs(status: &AttachmentStatus, now: Timestamp) -> Duration {
    status.waiting_for_jobs.as_ref().and_then(|wait| elapsed(wait.since.0, now)).unwrap_or_default()
}

/// For how long the condition Reconciling has been true; none if the time lies in the future.
fn reconciling_for(status: &AttachmentStatus, now: Timestamp) -> Option<Duration> {
    condition(status, "Reconciling").map_or(Some(Duration::ZERO), |since| elapsed(since.last_transition_time.0, now))
}
