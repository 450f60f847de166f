//! The condition `JobsReady`: whether Spark jobs can run, as the checks show. Ready does not depend on it.

use crate::api::Reason;
use crate::api::v1alpha1::AttachmentStatus;
use crate::planner::cause::Cause;
use crate::planner::finding::Finding;
use crate::planner::goal::Goal;
use crate::planner::jobs::Conclusion;
use crate::planner::status::condition_change::{Change, set};
use crate::planner::status::report::Report;
use crate::planner::status::shown::condition;

/// The type of the condition.
pub const JOBS_READY: &str = "JobsReady";

pub(super) fn jobs_ready(previous: &AttachmentStatus, report: &Report<'_>) -> Change {
    let Some(Goal::Attached(goal)) = report.goal else { return Change::Keep };
    if !goal.checks_jobs {
        return Change::Remove;
    }
    let Some(seen) = report.observed else { return Change::Keep };
    let is_gone = seen.compute == Finding::Absent && !matches!(report.decision.cause, Cause::ConfirmingAbsence);
    match &seen.object.job_checks {
        // What was checked was about a compute, and an identity, that do not exist any longer.
        _ if is_gone => Change::Remove,
        None => Change::Keep,
        Some(Conclusion::Known { status, reason, message }) => set(status, *reason, message),
        Some(Conclusion::Unanswered) if condition(previous, JOBS_READY).is_some() => Change::Keep,
        Some(Conclusion::Unanswered) => {
            set("Unknown", Reason::JobChecksUnreadable, "Azure has not answered what the checks need; retrying")
        }
    }
}
