//! The wait for the end of the job.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use super::super::explained::explained;
use super::super::output::{age, printable, remark};
use crate::azure::wire::SubmittedJob;
use crate::azure::{Client, Error};
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
    /// The user pressed Ctrl-C in this state.
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
    timeout: Duration,
) -> Ended {
    let began = Timestamp::now();
    let mut limit = std::pin::pin!(sleep(timeout));
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
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
            () = &mut limit => return Ended::TimedOut(status),
            // Without a handler for the signal, it ends the process.
            Ok(()) = &mut interrupted => return Ended::Interrupted(status),
        };
        pause = (pause * 2).min(PAUSE.1);
        match answer {
            Ok(job) => job.status().clone_into(&mut status),
            Err(error) if passes(&error) => {
                remark(&printable(&format!("The job cannot be read, trying again: {}", explained(&error))));
            }
            Err(error) => return Ended::Unreadable(explained(&error)),
        }
    }
}

/// Whether the same request may succeed later.
const fn passes(error: &Error) -> bool {
    error.is_no_answer() || matches!(error, Error::Throttled { .. } | Error::Queued { .. } | Error::NotSent(_))
}
