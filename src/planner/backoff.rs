//! When to reconcile again: every duration of the policy, each with its reason.

use std::time::Duration;

use crate::api::v1alpha1::FailedStep;

/// The first pause after a failure: a front end restarts within seconds.
pub const MIN_BACKOFF: Duration = Duration::from_secs(5);
/// The longest pause after a failure: after a fix, the result shows within minutes.
pub const MAX_BACKOFF: Duration = Duration::from_mins(5);
/// The first pause after a refusal for a missing permission: a role assignment takes minutes to take effect
/// (<https://learn.microsoft.com/azure/role-based-access-control/troubleshooting>).
pub const MIN_SLOW_BACKOFF: Duration = Duration::from_mins(1);
/// The first pause between two observations of a running operation: an attach takes minutes.
pub const MIN_POLLING: Duration = Duration::from_secs(1);
/// The longest pause between two observations of a running operation.
pub const MAX_POLLING: Duration = Duration::from_secs(15);
/// A write without an answer, or whose operation may not be read, is considered over after this: attaches take minutes, and
/// Azure Resource Manager times out a request long before.
pub const UNHEARD_WRITE_PATIENCE: Duration = Duration::from_mins(10);
/// Two observations of an absence so far apart make it certain: replicas of Azure Resource Manager lag by seconds.
pub const ABSENCE_CONFIRMED_AFTER: Duration = Duration::from_secs(15);
/// A compute that is being changed for longer than this is detached all the same when its object is deleted: Azure was seen
/// to work for more than an hour, and to fail then (`Azure/AML-Kubernetes#155`).
pub const STUCK_AFTER: Duration = Duration::from_mins(30);
/// After the finalizer was added the watch brings the next reconcile; this is for the case that it does not.
pub const WATCH_FALLBACK: Duration = Duration::from_secs(5);
/// How old an answer may be for a decision that is taken again before anything is written.
pub const FRESH_ENOUGH: Duration = Duration::from_secs(2);
/// Dependencies (pool, linked service, role assignments) change seldom: they are observed again after this, once for all
/// attachments that share them.
pub const DEPENDENCY_TTL: Duration = Duration::from_mins(10);
/// A role assignment may take so long to show: two to five minutes are documented.
/// <https://learn.microsoft.com/azure/synapse-analytics/security/how-to-manage-synapse-rbac-role-assignments>
pub const PROPAGATION: Duration = Duration::from_mins(10);
/// A role assignment that cannot be revoked delays a detach so long at most.
pub const ROLE_PATIENCE: Duration = Duration::from_mins(2);
/// A role assignment that is no longer wanted and cannot be revoked delays Ready so long at most: permissions that
/// were granted meanwhile take effect by then.
pub const UNWANTED_ROLE_PATIENCE: Duration = Duration::from_mins(10);
/// The default of `--resync-interval`: what is in sync is observed again after this, so drift lasts no longer.
pub const RESYNC: Duration = Duration::from_mins(5);
/// Ready stays what it was for so many resync intervals while Azure gives no answer.
pub const UNAVAILABLE_RESYNCS: u32 = 3;

/// The status shows that an object waits for Azure's request limits after this time: shorter waits are not worth a write.
pub const SHOW_QUEUED_AFTER: Duration = Duration::from_secs(5);
/// The time of a turn is an estimate, and rounded up to these.
pub const QUEUE_ESTIMATE_STEP: Duration = Duration::from_secs(10);
/// The time of a turn is written again only when it is wrong by this.
pub const QUEUE_ESTIMATE_TOLERANCE: Duration = Duration::from_secs(30);

/// The pause before the next attempt of something that has been failing for so long.
///
/// As long again as it has failed so far, from [`MIN_BACKOFF`] to
/// [`MAX_BACKOFF`]. So the pauses double (5 s, 5 s, 10 s, 20 s, …) without a
/// counter, and a restart keeps them, since the time comes from the status.
#[must_use]
pub fn exponential(failing_for: Duration) -> Duration {
    failing_for.clamp(MIN_BACKOFF, MAX_BACKOFF)
}

/// Failures of an object without a success in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureHistory {
    /// For how long it has been failing now.
    pub failing_for: Duration,
    /// For how long it had been failing when the last attempt failed.
    pub failing_at_attempt: Duration,
    /// How long ago the last attempt failed; none if that time lies in the future.
    pub since_attempt: Option<Duration>,
    /// What fails.
    pub step: FailedStep,
    /// Azure or Entra refused the last attempt: it will not succeed without a change elsewhere.
    pub is_refused: bool,
}

impl FailureHistory {
    /// How long until the next attempt; zero if it is due. If the time is unknown, it is due.
    #[must_use]
    pub fn retry_in(&self) -> Duration {
        self.since_attempt.map_or(Duration::ZERO, |since| exponential(self.failing_at_attempt).saturating_sub(since))
    }

    /// Whether a write of the compute fails.
    #[must_use]
    pub const fn is_of_compute(&self) -> bool {
        matches!(self.step, FailedStep::Put | FailedStep::Detach)
    }

    /// Whether an assignment or a revocation of a role fails.
    #[must_use]
    pub const fn is_of_role(&self) -> bool {
        matches!(self.step, FailedStep::AssignRole | FailedStep::RevokeRole)
    }
}

/// When to reconcile again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requeue {
    /// When the watch shows a change.
    OnChange,
    /// Azure has been working for so long already; none if the time is unknown.
    Polling(Option<Duration>),
    /// It has been failing for so long already.
    Backoff(Duration),
    /// A permission has been missing for so long already.
    SlowBackoff(Duration),
    /// After this pause.
    After(Duration),
    /// Everything is in sync, or nothing can be done: look for drift.
    Resync,
}

impl Requeue {
    /// How long until then. `resync` is the user's setting for [`Requeue::Resync`].
    #[must_use]
    pub fn pause(self, resync: Duration) -> Duration {
        match self {
            Self::OnChange => WATCH_FALLBACK,
            Self::Polling(so_far) => so_far.unwrap_or(MAX_POLLING).clamp(MIN_POLLING, MAX_POLLING),
            Self::Backoff(so_far) => exponential(so_far),
            Self::SlowBackoff(so_far) => so_far.clamp(MIN_SLOW_BACKOFF, MAX_BACKOFF),
            Self::After(pause) => pause.max(Duration::from_millis(1)),
            Self::Resync => resync,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_within_their_bounds() {
        let mut failing_for = Duration::ZERO;
        let mut pauses = Vec::new();
        for _ in 0..9 {
            let pause = exponential(failing_for);
            pauses.push(pause.as_secs());
            failing_for += pause;
        }
        assert_eq!(pauses, [5, 5, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn a_pause_named_by_azure_is_kept() {
        assert_eq!(Requeue::After(Duration::from_mins(10)).pause(RESYNC).as_secs(), 600);
        assert_eq!(Requeue::Resync.pause(Duration::from_secs(7)).as_secs(), 7);
        assert_eq!(Requeue::SlowBackoff(Duration::ZERO).pause(RESYNC), MIN_SLOW_BACKOFF);
        assert_eq!(Requeue::Polling(Some(Duration::from_secs(90))).pause(RESYNC), MAX_POLLING);
    }

    #[test]
    fn an_unknown_time_neither_polls_each_second_nor_stops_retries() {
        assert_eq!(Requeue::Polling(None).pause(RESYNC), MAX_POLLING);
        let failure = FailureHistory {
            failing_for: Duration::ZERO,
            failing_at_attempt: Duration::ZERO,
            since_attempt: None,
            step: FailedStep::Put,
            is_refused: false,
        };
        assert_eq!(failure.retry_in(), Duration::ZERO);
    }
}
