//! The condition `JobsReady`: whether Spark jobs can run, as the checks show. Ready does not depend on it.

use crate::api::Reason;
use crate::api::v1alpha1::AttachmentStatus;
use crate::planner::cause::Cause;
use crate::planner::finding::Finding;
use crate::planner::goal::Goal;
use crate::planner::jobs::{Conclusion, unanswered};
use crate::planner::status::condition_change::{Change, set};
use crate::planner::status::report::Report;
use crate::planner::status::shown::condition;

/// The type of the condition.
pub const JOBS_READY: &str = "JobsReady";

const CHANGED: &str =
    "The spec, the pool or an identity has changed; the checks for Spark jobs are made again once the compute is in sync";

pub(super) fn jobs_ready(previous: &AttachmentStatus, report: &Report<'_>) -> Change {
    let Some(Goal::Attached(goal)) = report.goal else { return Change::Keep };
    if !goal.checks_jobs {
        return Change::Remove;
    }
    let before = condition(previous, JOBS_READY);
    let is_current = before.is_some_and(|before| before.observed_generation == report.object.generation);
    let is_gone = report.observed.is_some_and(|seen| seen.compute == Finding::Absent)
        && !matches!(report.decision.cause, Cause::ConfirmingAbsence);
    match report.observed.and_then(|seen| seen.object.job_checks.as_ref()) {
        // What was checked was about a compute, and an identity, that do not exist any longer.
        _ if is_gone => Change::Remove,
        Some(Conclusion::Known { status, reason, message }) => set(status, *reason, message),
        Some(Conclusion::Unanswered { is_lasting: false, .. }) if is_current => Change::Keep,
        Some(Conclusion::Unanswered { checks, .. }) => set("Unknown", Reason::JobChecksUnreadable, unanswered(checks)),
        None | Some(Conclusion::SubjectChanged) if before.is_none() => Change::Keep,
        None if is_current => Change::Keep,
        // The condition is about something else.
        None | Some(Conclusion::SubjectChanged) => set("Unknown", Reason::JobChecksPending, CHANGED),
    }
}
