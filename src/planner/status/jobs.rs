//! The wait for jobs in the status: a new leader finds there when it began.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::v1alpha1::{AttachmentStatus, JobStatus, WaitingForJobs};
use crate::planner::active_jobs::Jobs;
use crate::planner::cause::Cause;
use crate::planner::decision::Step;
use crate::planner::finding::Finding;
use crate::planner::goal::Goal;
use crate::planner::status::report::Report;
use crate::planner::status::time::{not_after, stored};

/// The wait: from the first decision to wait until the compute is gone or need not be detached any more. A failed detach does not
/// begin another one.
pub(super) fn waiting_for_jobs(previous: &AttachmentStatus, report: &Report<'_>) -> Option<WaitingForJobs> {
    let before = previous.waiting_for_jobs.as_ref();
    let Some(goal) = report.goal else { return before.cloned() };
    let timeout = goal.waits_for_jobs()?;
    let (count, jobs) = match &report.decision.cause {
        Cause::WaitingForJobs(Jobs { count, first }) => (*count, first.as_slice()),
        Cause::JobsUnreadable(_) => (0, [].as_slice()),
        // The time runs while the request waits for its turn, too.
        Cause::Queued(_) if report.observed.is_some_and(|seen| seen.jobs.is_some()) => (0, [].as_slice()),
        _ if before.is_none() || is_over(goal, report) => return None,
        _ => (0, [].as_slice()),
    };
    let jobs = jobs.iter().map(|job| JobStatus { name: job.name.clone(), status: job.status.clone() }).collect();
    let (since, until) = span(previous, report, timeout);
    let timed_out = before.is_some_and(|before| before.timed_out) || is_timed_out(report);
    Some(WaitingForJobs { since, until, count, jobs, timed_out })
}

/// The message while jobs have not ended.
pub(super) fn waiting(jobs: &Jobs, until: Timestamp, compute: &str) -> String {
    let have = if jobs.count == 1 { "1 job has".to_owned() } else { format!("{} jobs have", jobs.count) };
    format!("Waiting until no job uses {compute}, and until {until} at the latest; {have} not ended: {jobs}")
}

/// The message while they cannot be read.
pub(super) fn unreadable(until: Timestamp, compute: &str) -> String {
    format!("Cannot read the jobs that use {compute}; it will be detached at {until} whether or not they have ended")
}

/// When the wait ends at the latest.
pub(super) fn until(previous: &AttachmentStatus, report: &Report<'_>) -> Timestamp {
    let timeout = report.goal.and_then(Goal::waits_for_jobs).unwrap_or_default();
    span(previous, report, timeout).1.0
}

/// When the wait began, or begins now; and when it ends at the latest.
fn span(previous: &AttachmentStatus, report: &Report<'_>, timeout: Duration) -> (Time, Time) {
    let since = previous.waiting_for_jobs.as_ref().map(|before| not_after(&before.since, report.now));
    let since = since.unwrap_or_else(|| stored(report.now));
    let until = Time(since.0.checked_add(timeout).unwrap_or(since.0));
    (since, until)
}

/// The compute is not about to be detached any longer: the next detach waits for as long again.
fn is_over(goal: &Goal, report: &Report<'_>) -> bool {
    let cause = &report.decision.cause;
    if matches!(cause, Cause::Suspended(_) | Cause::Duplicate(_) | Cause::PoolMismatch(_) | Cause::InvalidSpec(_)) {
        return true;
    }
    let Some(seen) = report.observed else { return false };
    match (goal, &seen.compute) {
        // One observation that does not show the compute is not certain.
        (_, Finding::Unknown(_)) | (Goal::Detached(_), Finding::Absent) => false,
        (Goal::Attached(_), Finding::Absent) => !matches!(cause, Cause::ConfirmingAbsence),
        (Goal::Detached(_), Finding::Present(_)) => false,
        (Goal::Attached(goal), Finding::Present(compute)) => {
            compute.pool.id().is_some() && compute.pool.id() == seen.dependencies.resolve(&goal.pool).as_ref()
        }
    }
}

/// The compute is being detached although its jobs have not ended, or cannot be read.
fn is_timed_out(report: &Report<'_>) -> bool {
    let is_detaching = matches!(report.written, Some((decision, _)) if matches!(decision.step, Step::Detach(_)));
    let jobs = report.observed.and_then(|seen| seen.jobs.as_ref());
    is_detaching && jobs.is_some_and(|jobs| *jobs != Finding::Absent)
}
