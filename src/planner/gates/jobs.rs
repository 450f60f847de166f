//! Gate: no job uses the compute that is about to be detached, or the time for which the detach waits has passed.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::planner::backoff::{Requeue, exponential};
use crate::planner::cause::Cause;
use crate::planner::decision::Decision;
use crate::planner::finding::{FaultKind, Finding};
use crate::planner::observed::Observed;
use crate::planner::queue::Queued;

/// No job is to be waited for. `timeout` is how long the detach waits; none if it does not wait.
pub fn ended(timeout: Option<Duration>, seen: &Observed) -> ControlFlow<Decision> {
    let Some(timeout) = timeout else { return ControlFlow::Continue(()) };
    let waited = seen.object.waited_for_jobs;
    let left = timeout.saturating_sub(waited);
    let wait = |cause| ControlFlow::Break(Decision::wait(cause, Requeue::After(exponential(waited).min(left))));
    match &seen.jobs {
        // Also after the timeout: the event names the jobs.
        None => wait(Cause::ReadingJobs),
        Some(Finding::Absent) => ControlFlow::Continue(()),
        Some(_) if left.is_zero() => ControlFlow::Continue(()),
        Some(Finding::Present(jobs)) => wait(Cause::WaitingForJobs(jobs.clone())),
        Some(Finding::Unknown(fault)) => match fault.kind {
            FaultKind::Queued(wait) => {
                ControlFlow::Break(Decision::queued(Queued { wait, waited: seen.object.queued_for, is_write: false }))
            }
            _ => wait(Cause::JobsUnreadable(fault.clone())),
        },
    }
}
