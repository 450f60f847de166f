//! A change of the compute by others whose caller was not looked up in the Activity Log yet.

use std::time::Duration;

use jiff::Timestamp;

use crate::planner::backoff::ACTIVITY_LOG_PATIENCE;
use crate::planner::finding::Fault;

/// A change that others made to the compute, and whose caller was not looked up in the Activity Log yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Unexplained {
    /// When the operator observed the change.
    pub observed_at: Timestamp,
    /// A time before it at which the compute was in sync; none if no such time is known.
    pub in_sync_at: Option<Timestamp>,
    /// Whether the compute was detached.
    pub is_detach: bool,
    /// How long ago that is; none if that time lies in the future.
    pub age: Option<Duration>,
    /// How long after it the Activity Log is read.
    pub delay: Duration,
    /// What the Activity Log shows, if it was read in this reconcile.
    pub found: Option<Result<Shown, Box<Fault>>>,
}

impl Unexplained {
    /// How long until the Activity Log is read; zero if it is due.
    #[must_use]
    pub fn due_in(&self) -> Duration {
        self.delay.saturating_sub(self.age.unwrap_or_default())
    }

    /// Whether the answer is no longer waited for.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.age.is_some_and(|age| age >= self.delay.saturating_add(ACTIVITY_LOG_PATIENCE))
    }
}

/// What the Activity Log shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// This change by another caller.
    Change(Change),
    /// No change by another caller.
    NoEntry,
    /// Changes that may be the operator's own or those of others.
    Ambiguous,
}

/// The change of a compute that the Activity Log shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When Azure received the request.
    pub at: Timestamp,
    /// The object ID in Entra of its sender.
    pub caller: String,
    /// The sender's user principal name, if it has one.
    pub name: Option<String>,
}
