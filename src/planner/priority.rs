//! How urgent the requests for an object are, if Azure's limits do not allow all of them at once.

use jiff::Timestamp;

use crate::api::v1alpha1::{AttachmentStatus, FailedStep, OperationKind};
use crate::planner::status::condition;

/// How urgent the requests for an object are. The first is served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// The object is being deleted.
    Deletion,
    /// The spec of what was attached has changed.
    Change,
    /// It was never attached.
    Attach,
    /// It is not in sync.
    Drift,
    /// Nothing is known to be out of sync.
    Resync,
}

impl Priority {
    /// The urgency that an object shows before it is observed.
    #[must_use]
    pub fn of(is_deleted: bool, generation: Option<i64>, status: &AttachmentStatus) -> Self {
        let was_seen = status.applied.as_ref().is_some_and(|applied| applied.created_on.is_some());
        let is_attaching = status.operation.as_ref().is_some_and(|operation| operation.kind == OperationKind::Attach);
        let is_ready = condition(status, "Ready").is_some_and(|ready| ready.status != "False");
        match () {
            () if is_deleted => Self::Deletion,
            () if !was_seen || is_attaching => Self::Attach,
            () if status.observed_generation != generation => Self::Change,
            () if !status.drift.is_empty() || !is_ready => Self::Drift,
            () => Self::Resync,
        }
    }

    /// The urgency of its reads at this time: those of a detach that waits for jobs change nothing until the jobs have ended or the
    /// timeout has passed.
    #[must_use]
    pub fn of_read(self, status: &AttachmentStatus, now: Timestamp) -> Self {
        let is_detached = status.operation.as_ref().is_some_and(|operation| operation.kind == OperationKind::Detach)
            || status.failure.as_ref().is_some_and(|failure| failure.step == FailedStep::Detach);
        let waits = status.waiting_for_jobs.as_ref().is_some_and(|wait| !wait.timed_out && wait.until.0 > now);
        if waits && !is_detached { Self::Resync } else { self }
    }

    /// The urgency of a write: an object that is written to is out of sync.
    #[must_use]
    pub fn of_write(self) -> Self {
        self.min(Self::Drift)
    }
}
