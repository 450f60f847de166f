//! How long until the next look: every duration of the policy, each with its reason.

use std::time::Duration;

/// The first pause of something that fails: a restart of a front end takes seconds.
pub const SOONEST: Duration = Duration::from_secs(5);
/// The longest pause of something that fails: what people mend, they want to see mended over a coffee.
pub const LATEST: Duration = Duration::from_mins(5);
/// The first pause after a refusal for want of rights: an assignment takes minutes to be felt
/// (<https://learn.microsoft.com/azure/role-based-access-control/troubleshooting>).
pub const SLOWLY: Duration = Duration::from_mins(1);
/// A running operation is looked at again after this at the soonest: an attach takes minutes.
pub const WORKING_SOONEST: Duration = Duration::from_secs(1);
/// A running operation is looked at again after this at the latest.
pub const WORKING_LATEST: Duration = Duration::from_secs(15);
/// An operation that may not be read is taken to have ended after this: attaches take minutes.
pub const UNREADABLE: Duration = Duration::from_mins(10);
/// A compute that works for longer than this is detached all the same when its object goes: Azure was seen to be at it for
/// more than an hour, and to fail then (`Azure/AML-Kubernetes#155`).
pub const STUCK: Duration = Duration::from_mins(30);
/// After a finalizer is set the watch brings the next pass; this is for the case that it doesn't.
pub const UNWATCHED: Duration = Duration::from_secs(5);
/// What an answer may be old for a decision that is looked over again before it does anything.
pub const FRESH_ENOUGH: Duration = Duration::from_secs(2);
/// What changes seldom, a pool, a link, a role, is looked at again after this, once for all that ask.
pub const SLOW_LOOK: Duration = Duration::from_mins(10);
/// A role that was granted may not show for so long: two to five minutes are documented.
/// <https://learn.microsoft.com/azure/synapse-analytics/security/how-to-manage-synapse-rbac-role-assignments>
pub const PROPAGATION: Duration = Duration::from_mins(10);
/// A detach is held up so long, at most, by a role that cannot be taken back.
pub const ROLE_PATIENCE: Duration = Duration::from_mins(2);
/// A role that is no longer wanted and cannot be taken back keeps an attachment from Ready so long, at most: rights that
/// somebody has given meanwhile are felt by then.
pub const ROLE_UNWANTED: Duration = Duration::from_mins(10);
/// Something settled is looked at again after this, unless told otherwise: how long drift may stand.
pub const SETTLED: Duration = Duration::from_mins(5);

/// The pause before the next try of something that keeps failing.
///
/// As long again as it has failed so far, from [`SOONEST`] to [`LATEST`]: the
/// pauses double (5 s, 5 s, 10 s, 20 s, …) with no counter to keep, and a
/// restart forgets nothing, since `failing_for` comes from the status.
#[must_use]
pub fn failing(failing_for: Duration) -> Duration {
    failing_for.clamp(SOONEST, LATEST)
}

/// When to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The watch will tell.
    Watched,
    /// Azure is at work, for so long already.
    Working(Duration),
    /// It fails, for so long already.
    Failing(Duration),
    /// A right is missing, for so long already.
    Slowly(Duration),
    /// After a pause that was named.
    In(Duration),
    /// All is as asked, or nothing can be done: look for drift.
    Settled,
}

impl Look {
    /// How long until then. `settled` is the user's setting for [`Look::Settled`].
    #[must_use]
    pub fn pause(self, settled: Duration) -> Duration {
        match self {
            Self::Watched => UNWATCHED,
            Self::Working(so_far) => so_far.clamp(WORKING_SOONEST, WORKING_LATEST),
            Self::Failing(so_far) => failing(so_far),
            Self::Slowly(so_far) => so_far.clamp(SLOWLY, LATEST),
            Self::In(named) => named.max(Duration::from_millis(1)),
            Self::Settled => settled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_inside_their_bounds() {
        let mut failing_for = Duration::ZERO;
        let mut pauses = Vec::new();
        for _ in 0..9 {
            let pause = failing(failing_for);
            pauses.push(pause.as_secs());
            failing_for += pause;
        }
        assert_eq!(pauses, [5, 5, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn a_pause_that_azure_named_is_kept() {
        assert_eq!(Look::In(Duration::from_mins(10)).pause(SETTLED).as_secs(), 600);
        assert_eq!(Look::Settled.pause(Duration::from_secs(7)).as_secs(), 7);
        assert_eq!(Look::Slowly(Duration::ZERO).pause(SETTLED), SLOWLY);
        assert_eq!(Look::Working(Duration::from_secs(90)).pause(SETTLED), WORKING_LATEST);
    }
}
