//! When to reconcile again: every duration of the policy, each with its reason.

use std::time::Duration;

use crate::api::v1alpha1::FailedStep;

/// The first pause after a failure: a front end restarts within seconds.
pub const MIN_BACKOFF: Duration = Duration::from_secs(5);
/// The longest pause after a failure: after a fix, the result shows within minutes.
pub const MAX_BACKOFF: Duration = Duration::from_mins(5);
/// The clocks of Azure and of the cluster's nodes may differ by this much: a time that is no further ahead counts as now.
pub const CLOCK_SKEW: Duration = Duration::from_mins(2);
/// The first pause after a refusal for a missing permission: a role assignment takes minutes to take effect
/// (<https://learn.microsoft.com/azure/role-based-access-control/troubleshooting>).
pub const MIN_SLOW_BACKOFF: Duration = Duration::from_mins(1);
/// The first pause between two observations of a running operation, where no other object of the workspace waits for one. It
/// doubles until [`TICKS`] begin.
pub const MIN_POLLING: Duration = Duration::from_secs(1);
/// An operation that is older is observed at ticks of its workspace, also where no other object waits for one: an attach takes
/// minutes.
pub const ALONE: Duration = Duration::from_secs(4);
/// The time between two observations of a running operation, by the age that the operation has not reached yet. Each is a
/// multiple of the first, so that all operations of a workspace are observed at the same ticks.
pub const TICKS: [(Duration, Duration); 3] = [
    (Duration::from_mins(2), Duration::from_secs(5)),
    (Duration::from_mins(5), Duration::from_secs(10)),
    (Duration::from_mins(15), Duration::from_secs(15)),
];
/// The time between two observations of an operation that is older, or of unknown age. It is a multiple of all [`TICKS`].
pub const LONGEST_TICK: Duration = Duration::from_secs(30);
/// Resyncs of workspaces are spread: the time between two resyncs of one differs from the setting by at most this part of it.
pub const RESYNC_SPREAD: f64 = 0.1;
/// A write without an answer, or whose operation may not be read, is considered over after this: attaches take minutes, and
/// Azure Resource Manager times out a request long before.
pub const UNHEARD_WRITE_PATIENCE: Duration = Duration::from_mins(10);
/// Two observations of an absence that are this far apart make it certain: replicas of Azure Resource Manager lag by seconds.
pub const ABSENCE_CONFIRMED_AFTER: Duration = Duration::from_secs(15);
/// For this long after the end of a write, a read may still show the previous state: replicas of Azure Resource Manager lag by
/// seconds.
pub const EFFECT_SHOWS_AFTER: Duration = ABSENCE_CONFIRMED_AFTER;
/// The longest wait for the end of a write: after it, the write is sent again, and if its object is deleted, the compute is
/// detached anyway. Azure was observed to work for more than an hour and then to fail (`Azure/AML-Kubernetes#155`).
pub const STUCK_AFTER: Duration = Duration::from_mins(30);
/// A user can make the operator reconcile an object once in this time, in the long run: all objects share the limits of a
/// subscription.
pub const REQUEST_INTERVAL: Duration = Duration::from_secs(5);
/// This many changes of a spec are let through at once: users often correct a spec right after they edited it.
pub const SPEC_BURST: u32 = 3;
/// The time after a forced write of a compute in which further requests for one are ignored.
pub const FORCE_INTERVAL: Duration = Duration::from_mins(5);
/// The longest time after a start in which nothing is reconciled because the objects of some namespace are not listed yet: an
/// older claimant may be among them. A list takes seconds.
pub const LISTS_PATIENCE: Duration = Duration::from_secs(30);
/// After the finalizer was added the watch brings the next reconcile; this is for the case that it does not.
pub const WATCH_FALLBACK: Duration = Duration::from_secs(5);
/// The first pause before the ConfigMap of `spec.outputs` is tried again where one of another attachment has its name: Kubernetes
/// deletes it within seconds of that attachment.
pub const OUTPUTS_RETRY: Duration = Duration::from_secs(30);
/// The defaults of a namespace are read again after this time for an attachment that cannot do without them.
pub const DEFAULTS_RETRY: Duration = Duration::from_mins(1);
/// How old an answer may be when a change leads to an observation, for a decision that is taken again before anything is
/// written.
pub const FRESH_ENOUGH: Duration = Duration::from_secs(2);
/// By how much an answer may be older than the time at which an observation was due. Others of the workspace are due at the
/// same time.
pub const DUE_FRESHNESS: Duration = Duration::from_millis(500);
/// How old the LIST may be that does not show the compute of an object that was never attached: before the attach the compute
/// is read.
pub const LISTED_ABSENCE_TTL: Duration = Duration::from_secs(10);
/// Dependencies (pool, linked service, role assignments) change seldom: they are observed again after this, once for all
/// attachments that share them.
pub const DEPENDENCY_TTL: Duration = Duration::from_mins(10);
/// How old the answer for a dependency may be that an attach depends on. Azure checks the pool, too, but fails minutes later.
pub const ATTACH_DEPENDENCY_TTL: Duration = Duration::from_mins(1);
/// A user-assigned identity is read again after this time: it is seldom created again under its name, and each read is a request.
pub const USER_IDENTITY_TTL: Duration = Duration::from_hours(1);
/// A role assignment may take this long to show: two to five minutes are documented.
/// <https://learn.microsoft.com/azure/synapse-analytics/security/how-to-manage-synapse-rbac-role-assignments>
pub const PROPAGATION: Duration = Duration::from_mins(10);
/// A role assignment that cannot be revoked delays a detach for at most this long.
pub const ROLE_PATIENCE: Duration = Duration::from_mins(2);
/// A role assignment that is no longer wanted and cannot be revoked delays Ready for at most this long: permissions that
/// were granted meanwhile take effect by then.
pub const UNWANTED_ROLE_PATIENCE: Duration = Duration::from_mins(10);
/// The pauses after the first writes of a tag or the description that did not last: a policy in Azure rewrites them at once, and
/// another tool with its next run. From the last one on it is [`CORRECTIONS_COUNT_FOR`].
pub const CORRECTION_PAUSES: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(5)];
/// Writes of a tag or the description are counted for this long: after the third one the operator waits for the rest of it.
pub const CORRECTIONS_COUNT_FOR: Duration = Duration::from_hours(24);
/// The default of `--activity-log-delay`: after this, Azure's Activity Log shows a change. It lags behind by minutes; 10 to 15 are
/// documented for those who read it through Log Analytics
/// (<https://learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time>).
pub const ACTIVITY_LOG_DELAY: Duration = Duration::from_mins(15);
/// The Activity Log is read for this long before a change was observed: the operator may not have run.
pub const ACTIVITY_LOG_WINDOW: Duration = Duration::from_hours(24);
/// For this long the Activity Log is read again at each resync while Azure does not answer.
pub const ACTIVITY_LOG_PATIENCE: Duration = Duration::from_hours(1);
/// The default of `--resync-interval`: what is in sync is observed again after this, so drift lasts no longer.
pub const RESYNC: Duration = Duration::from_mins(5);
/// The default of `--spark-version-warning`, in days: time to test jobs with a newer version, and to move them.
pub const SPARK_VERSION_WARNING: u16 = 90;
/// Ready keeps its value for this many resync intervals while Azure gives no answer.
pub const UNAVAILABLE_RESYNCS: u32 = 3;

/// How old the list of jobs may be in the first observation of a detach: computes that are detached together share one.
pub const JOBS_FRESH_ENOUGH: Duration = Duration::from_secs(15);
/// The checks for Spark jobs are made again after this: roles and networks change seldom, and each attachment causes requests.
pub const JOB_CHECKS_INTERVAL: Duration = Duration::from_hours(1);
/// How old an answer may be that the checks of several attachments share. It is less than the interval, so that checks that are due
/// after it do not use the answers of the former ones.
pub const JOB_CHECKS_TTL: Duration = Duration::from_mins(30);
/// The status shows that an object waits for Azure's request limits after this time: shorter waits are not worth a write.
pub const SHOW_QUEUED_AFTER: Duration = Duration::from_secs(5);
/// The time of a turn is an estimate, rounded up to a multiple of this.
pub const QUEUE_ESTIMATE_STEP: Duration = Duration::from_secs(10);
/// The time of a turn is written again only when it is wrong by at least this.
pub const QUEUE_ESTIMATE_TOLERANCE: Duration = Duration::from_secs(30);

/// The pause before the next attempt of something that has been failing for so long.
///
/// It is the time for which it has been failing, but at least [`MIN_BACKOFF`] and
/// at most [`MAX_BACKOFF`]. So the pauses double (5 s, 5 s, 10 s, 20 s, …) without a
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
    /// Azure has been working for this long; none if the time is unknown.
    Polling(Option<Duration>),
    /// It has been failing for this long.
    Backoff(Duration),
    /// A permission has been missing for this long.
    SlowBackoff(Duration),
    /// After this pause.
    After(Duration),
    /// Everything is in sync, or nothing can be done: check for drift.
    Resync,
    /// The same, but after this pause at the latest.
    ResyncWithin(Duration),
}

/// When to reconcile again, as a time of the object's own or one of its workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// After this pause.
    After(Duration),
    /// At the workspace's next tick; ticks are this far apart.
    Tick(Duration),
    /// At the workspace's next resync; resyncs are this far apart, give or take [`RESYNC_SPREAD`].
    Resync(Duration),
}

impl Requeue {
    /// When that is. `resync` is the user's setting for [`Requeue::Resync`]; `is_alone` is whether no other object of the
    /// workspace waits for an operation.
    #[must_use]
    pub fn pace(self, resync: Duration, is_alone: bool) -> Pace {
        match self {
            Self::OnChange => Pace::After(WATCH_FALLBACK),
            Self::Polling(Some(so_far)) if is_alone && so_far < ALONE => Pace::After(so_far.max(MIN_POLLING)),
            Self::Polling(so_far) => Pace::Tick(tick(so_far)),
            Self::Backoff(so_far) => Pace::After(exponential(so_far)),
            Self::SlowBackoff(so_far) => Pace::After(so_far.clamp(MIN_SLOW_BACKOFF, MAX_BACKOFF)),
            Self::After(pause) => Pace::After(pause.max(Duration::from_millis(1))),
            Self::ResyncWithin(pause) if pause < resync => Pace::After(pause.max(Duration::from_millis(1))),
            Self::Resync | Self::ResyncWithin(_) => Pace::Resync(resync),
        }
    }

    /// The same, but after this pause at the latest where nothing else is awaited.
    #[must_use]
    pub fn within(self, pause: Duration) -> Self {
        match self {
            Self::Resync => Self::ResyncWithin(pause),
            Self::ResyncWithin(sooner) => Self::ResyncWithin(sooner.min(pause)),
            Self::After(later) if pause < later => Self::ResyncWithin(pause),
            other => other,
        }
    }

    /// The longest time until then, without the spread of resyncs.
    #[must_use]
    pub fn pause(self, resync: Duration) -> Duration {
        match self.pace(resync, true) {
            Pace::After(pause) | Pace::Tick(pause) | Pace::Resync(pause) => pause,
        }
    }
}

/// The time between two observations of an operation that has been running for this long.
fn tick(so_far: Option<Duration>) -> Duration {
    let period = |so_far| TICKS.iter().find(|(younger_than, _)| so_far < *younger_than).map(|(_, period)| *period);
    so_far.and_then(period).unwrap_or(LONGEST_TICK)
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
    }

    #[test]
    fn running_operations_are_polled_at_ticks_of_their_workspace() {
        let (after, tick) = (|pause| Pace::After(Duration::from_secs(pause)), |period| Pace::Tick(Duration::from_secs(period)));
        #[rustfmt::skip]
        let table = [
            // so far      alone      with others
            (Some(0),      after(1),  tick(5)),
            (Some(1),      after(1),  tick(5)),
            (Some(2),      after(2),  tick(5)),
            (Some(4),      tick(5),   tick(5)),
            (Some(119),    tick(5),   tick(5)),
            (Some(120),    tick(10),  tick(10)),
            (Some(300),    tick(15),  tick(15)),
            (Some(900),    tick(30),  tick(30)),
            (Some(90_000), tick(30),  tick(30)),
            (None,         tick(30),  tick(30)),
        ];
        for (so_far, alone, beside_others) in table {
            let requeue = Requeue::Polling(so_far.map(Duration::from_secs));
            assert_eq!((requeue.pace(RESYNC, true), requeue.pace(RESYNC, false)), (alone, beside_others), "{so_far:?}");
        }
    }

    #[test]
    fn ticks_of_old_operations_are_ticks_of_young_ones() {
        let shortest = TICKS[0].1;
        for (_, period) in TICKS {
            assert_eq!((period.as_secs() % shortest.as_secs(), LONGEST_TICK.as_secs() % period.as_secs()), (0, 0), "{period:?}");
        }
    }

    #[test]
    fn an_unknown_time_neither_polls_each_second_nor_stops_retries() {
        assert_eq!(Requeue::Polling(None).pause(RESYNC), LONGEST_TICK);
        let failure = FailureHistory {
            failing_for: Duration::ZERO,
            failing_at_attempt: Duration::ZERO,
            since_attempt: None,
            step: FailedStep::Put,
        };
        assert_eq!(failure.retry_in(), Duration::ZERO);
    }
}
