//! Decision + outcome + previous status → the new status: what the user reads.

mod condition_change;
mod conditions;
mod dependency_conditions;
mod details;
pub mod drift;
pub mod failure;
mod force;
mod jobs;
pub mod jobs_ready;
pub mod last_drift;
mod message;
pub mod outputs;
mod queue;
mod record;
pub mod report;
mod safety_stop;
pub mod shown;
pub mod time;

pub use message::shortened;
pub use record::with_outcome_of;
pub use report::Report;
pub use shown::{condition, is_called_invalid, is_identity_refused};

use crate::api::v1alpha1::AttachmentStatus;
use crate::planner::cause::Health;
use crate::planner::roles;

/// The status after a reconcile. Equal to the previous one where nothing changed.
#[must_use]
pub fn status(previous: &AttachmentStatus, report: &Report<'_>) -> AttachmentStatus {
    if let Some(queued) = queue::queued(previous, report) {
        return queued;
    }
    let operation = record::operation(previous, report);
    let corrections = drift::corrections(previous, report);
    let (last_handled_force_at, last_forced_at) = force::handled(previous, report);
    let mut next = AttachmentStatus {
        observed_generation: report.object.generation,
        conditions: conditions::conditions(previous, report),
        drift: drift::drift(previous, report, &corrections),
        corrections,
        last_drift: last_drift::last_drift(previous, report),
        failure: failure::failure(previous, report),
        last_handled_reconcile_at: handled_request(previous, report),
        last_handled_force_at,
        last_forced_at,
        applied: record::applied(previous, report),
        unanswered_put_at: record::unanswered_put(previous, report, operation.as_ref()),
        operation,
        safety_stop: safety_stop::safety_stop(previous, report),
        waiting_for_jobs: jobs::waiting_for_jobs(previous, report),
        role_assignments: roles::status::role_assignments(previous, report),
        ..AttachmentStatus::default()
    };
    next.conditions.extend(drift::out_of_sync(previous, report, &next.drift));
    next.conditions.extend(safety_stop::stopped(previous, report));
    next.conditions.extend(dependency_conditions::conditions(previous, report));
    let (outputs, written) = outputs::outputs(previous, report);
    next.outputs = outputs;
    next.conditions.extend(written);
    details::show(&mut next, previous, report);
    next
}

/// A request is handled once Azure has answered.
fn handled_request(previous: &AttachmentStatus, report: &Report<'_>) -> Option<String> {
    let is_silent = report.decision.cause.health() == Health::Unanswered;
    let is_answered = !is_silent && report.observed.is_none_or(|seen| seen.compute.is_answered());
    let handled = report.object.requested.filter(|_| is_answered).map(ToOwned::to_owned);
    handled.or_else(|| previous.last_handled_reconcile_at.clone())
}
