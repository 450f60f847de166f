//! The last write that was sent to Azure, and its outcome.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::v1alpha1::OperationKind;
use crate::planner::backoff::{STUCK_AFTER, UNHEARD_WRITE_PATIENCE};
use crate::planner::status::time::elapsed;
use crate::resource_id::PoolId;
use crate::service_error::ServiceError;

/// A write that was sent to Azure.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What it does.
    pub kind: OperationKind,
    /// Whether Azure accepted it; otherwise there was no answer.
    pub is_accepted: bool,
    /// The pool that an attach or update names.
    pub pool: Option<PoolId>,
    /// When it was sent.
    pub started_at: Timestamp,
    /// How long ago that was; none if the time lies in the future.
    pub age: Option<Duration>,
    /// Its outcome.
    pub outcome: Outcome,
    /// How long ago its successful end was observed first; none if that is unknown.
    pub ended_for: Option<Duration>,
}

impl Operation {
    /// Whether Azure accepted it and may still be working on it.
    #[must_use]
    pub fn is_ongoing(&self) -> bool {
        self.is_accepted && self.may_take_effect()
    }

    /// Whether there was no answer, and it may still be carried out.
    #[must_use]
    pub fn is_unheard(&self) -> bool {
        !self.is_accepted && self.may_take_effect()
    }

    /// Whether it was sent so recently that Azure may not show its effect yet.
    #[must_use]
    pub fn is_recent(&self) -> bool {
        self.age.is_none_or(|age| age < UNHEARD_WRITE_PATIENCE)
    }

    /// Whether it was sent so long ago that the operator no longer waits for its end.
    fn is_stuck(&self) -> bool {
        self.age.is_some_and(|age| age >= STUCK_AFTER)
    }

    fn may_take_effect(&self) -> bool {
        match self.outcome {
            // A failed poll is not a failed operation. But one that is never answered ends like one that takes too long.
            Outcome::Running(_) => !self.is_stuck(),
            Outcome::Unknown if self.is_accepted => !self.is_stuck(),
            Outcome::Unknown => self.is_recent(),
            Outcome::Unreadable => self.is_recent(),
            Outcome::Ended | Outcome::Failed(_) => false,
        }
    }

    /// Whether it may have taken effect at this time: within [`UNHEARD_WRITE_PATIENCE`], where Azure's clock may show a time
    /// before it was sent.
    #[must_use]
    pub fn may_have_taken_effect_at(&self, at: Timestamp) -> bool {
        elapsed(self.started_at, at).is_some_and(|after| after < UNHEARD_WRITE_PATIENCE)
    }
}

/// The outcome of an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was not read, or there was no answer.
    Unknown,
    /// It may not be read, so its outcome stays unknown.
    Unreadable,
    /// It is in progress, in this state by Azure's name.
    Running(String),
    /// It has ended successfully, or Azure no longer has it (a poll after the end may get 404).
    Ended,
    /// It has failed.
    Failed(ServiceError),
}
