//! The wait for the end of the job.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use super::super::explained::explained;
use super::super::output::{age, printable, remark};
use super::stop::{Stop, Stopped};
use crate::azure::wire::SubmittedJob;
use crate::azure::{Client, Error};
use crate::planner::backoff::EFFECT_SHOWS_AFTER;
use crate::planner::status::time::elapsed;
use crate::resource_id::WorkspaceId;

/// The first pause between two reads of the job, and the longest: a session starts within minutes.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// How the wait ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    Completed,
    Failed,
    /// It was canceled, but not by this command.
    Canceled,
    /// The time limit was reached in this state.
    TimedOut(String),
    /// The user or a signal ended the command in this state.
    Interrupted(String),
    /// Azure no longer shows the job.
    Unreadable(String),
}

impl Ended {
    pub(super) const fn may_still_run(&self) -> bool {
        matches!(self, Self::TimedOut(_) | Self::Interrupted(_) | Self::Unreadable(_))
    }
}

/// Reads the job of this name until it has ended, and reports its states.
pub(super) async fn until_ended(
    client: &Client,
    (workspace, name): (&WorkspaceId, &str),
    job: &SubmittedJob,
    stop: &mut Stop,
) -> Ended {
    let (began, mut waited) = (Timestamp::now(), Duration::ZERO);
    let (mut status, mut last, mut pause) = (job.status().to_owned(), String::new(), PAUSE.0);
    loop {
        match status.as_str() {
            "Completed" => return Ended::Completed,
            "Failed" => return Ended::Failed,
            "Canceled" => return Ended::Canceled,
            _ => {}
        }
        if status != last {
            let elapsed = elapsed(began, Timestamp::now()).unwrap_or_default();
            remark(&printable(&format!("{status} after {}", age(elapsed))));
            last.clone_from(&status);
        }
        let next = async {
            sleep(pause).await;
            client.job(workspace, name).await
        };
        let answer = tokio::select! {
            answer = next => answer,
            stopped = stop.stopped() => return match stopped {
                Stopped::TimedOut => Ended::TimedOut(status),
                Stopped::Interrupted => Ended::Interrupted(status),
            },
        };
        (waited, pause) = (waited + pause, (pause * 2).min(PAUSE.1));
        match answer {
            Ok(job) => job.status().clone_into(&mut status),
            Err(Error::NotFound(_)) if waited < EFFECT_SHOWS_AFTER => {}
            Err(error) if passes(&error) => {
                remark(&printable(&format!("The job cannot be read, trying again: {}", explained(&error))));
            }
            Err(error) => return Ended::Unreadable(explained(&error)),
        }
    }
}

/// Reads a job that was just submitted, until Azure shows it or no longer lags behind.
///
/// # Errors
///
/// [`Error::NotFound`] if there is no such job, and any other [`Error`] if that is unknown.
pub(super) async fn shown(read: impl AsyncFn() -> Result<SubmittedJob, Error>) -> Result<SubmittedJob, Error> {
    let (mut waited, mut pause) = (Duration::ZERO, PAUSE.0);
    loop {
        match read().await {
            Err(error) if waited < EFFECT_SHOWS_AFTER && (passes(&error) || matches!(error, Error::NotFound(_))) => {
                sleep(pause).await;
                (waited, pause) = (waited + pause, (pause * 2).min(PAUSE.1));
            }
            answer => return answer,
        }
    }
}

/// Whether the same request may succeed later.
const fn passes(error: &Error) -> bool {
    error.is_no_answer() || matches!(error, Error::Throttled { .. } | Error::Queued { .. } | Error::NotSent(_))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::service_error::ServiceError;

    /// The answer to the read with this number.
    type Answer<'a> = &'a dyn Fn(u32) -> Result<SubmittedJob, Error>;

    #[tokio::test(start_paused = true)]
    async fn a_job_that_was_just_submitted_is_read_again_while_replicas_may_lag_behind() {
        let no = ServiceError::default;
        let absent = || Err(Error::NotFound(no()));
        let silent = || Err(Error::Unavailable { error: no(), retry_after: None });
        let found = || Ok(SubmittedJob::default());
        #[rustfmt::skip]
        let table: [(&str, Answer<'_>, &str, u32); 5] = [
            ("shown at once",         &|_| found(),                                         "found",    1),
            ("shown later",           &|read| if read < 3 { absent() } else { found() },    "found",    3),
            ("silence, then shown",   &|read| if read < 3 { silent() } else { found() },    "found",    3),
            ("never shown",           &|_| absent(),                                        "absent",   6),
            ("may not be read",       &|_| Err(Error::Forbidden(no())),                     "unknown",  1),
        ];
        for (what, answer, expected, number) in table {
            let reads = Cell::new(0);
            let result = shown(async || {
                reads.set(reads.get() + 1);
                answer(reads.get())
            })
            .await;
            let result = match result {
                Ok(_) => "found",
                Err(Error::NotFound(_)) => "absent",
                Err(_) => "unknown",
            };
            assert_eq!((result, reads.get()), (expected, number), "{what}");
        }
    }
}
