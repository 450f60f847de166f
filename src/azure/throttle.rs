//! What 429 and `x-ms-ratelimit-remaining-*` say of ARM's token buckets: a bucket that Azure closed stays closed for everybody.
//!
//! Azure throttles by subscription, principal and kind of request, and asking
//! earlier than it said renews the penalty
//! (<https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling>). So one object's 429
//! holds back all others of its subscription until the pause is over, without
//! a request.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// The buckets that ARM keeps for each subscription and principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// GET.
    Read,
    /// PUT.
    Write,
    /// DELETE.
    Delete,
}

impl Kind {
    /// The word for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }

    /// The header that says how much is left.
    pub(crate) const fn header(self) -> &'static str {
        match self {
            Self::Read => "x-ms-ratelimit-remaining-subscription-reads",
            Self::Write => "x-ms-ratelimit-remaining-subscription-writes",
            Self::Delete => "x-ms-ratelimit-remaining-subscription-deletes",
        }
    }
}

/// What Azure said is left counts as long as this; a bucket is full again well before.
/// <https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling>
const TOLD: Duration = Duration::from_mins(1);

type Bucket = (String, Kind);

/// The buckets that Azure has closed, and what it says is left in the others.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    closed: Mutex<HashMap<Bucket, Instant>>,
    left: Mutex<HashMap<Bucket, (Instant, u32)>>,
}

impl Budget {
    /// How long this bucket stays closed, if it is.
    pub(crate) fn closed_for(&self, subscription: &str, kind: Kind, now: Instant) -> Option<Duration> {
        let mut closed = self.closed.lock().expect("no holder panics");
        closed.retain(|_, until| *until > now);
        closed.get(&(subscription.to_ascii_lowercase(), kind)).map(|until| *until - now)
    }

    /// Azure closes this bucket. Gives by how much longer it is closed than it was.
    pub(crate) fn close(&self, subscription: &str, kind: Kind, pause: Duration, now: Instant) -> Duration {
        let mut closed = self.closed.lock().expect("no holder panics");
        let until = closed.entry((subscription.to_ascii_lowercase(), kind)).or_insert(now);
        let before = now.max(*until);
        *until = before.max(now + pause);
        *until - before
    }

    /// Azure says what is left in this bucket. Gives what is left in the scarcest of its kind.
    ///
    /// Not by subscription: one that is no longer used would keep its series for ever.
    pub(crate) fn left(&self, subscription: &str, kind: Kind, left: u32, now: Instant) -> u32 {
        let mut told = self.left.lock().expect("no holder panics");
        told.retain(|_, (at, _)| now - *at < TOLD);
        told.insert((subscription.to_ascii_lowercase(), kind), (now, left));
        told.iter().filter(|((_, one), _)| *one == kind).map(|(_, (_, left))| *left).min().unwrap_or(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scarcest_subscription_of_the_last_minute_counts() {
        let (budget, now) = (Budget::default(), Instant::now());
        assert_eq!(budget.left("a", Kind::Read, 200, now), 200);
        assert_eq!(budget.left("b", Kind::Read, 10, now), 10);
        assert_eq!(budget.left("A", Kind::Read, 199, now), 10, "b has less");
        assert_eq!(budget.left("a", Kind::Write, 150, now), 150, "another kind");
        assert_eq!(budget.left("a", Kind::Read, 249, now + TOLD), 249, "b is full again");
    }

    #[test]
    fn a_closed_bucket_counts_each_second_once() {
        let (budget, now, seconds) = (Budget::default(), Instant::now(), Duration::from_secs);
        let close = |pause, at| budget.close("a", Kind::Read, seconds(pause), now + seconds(at)).as_secs();
        assert_eq!(close(10, 0), 10);
        assert_eq!(close(10, 4), 4, "six of the ten were counted before");
        assert_eq!(close(1, 5), 0);
        assert_eq!(budget.closed_for("A", Kind::Read, now + seconds(5)), Some(seconds(9)));
        assert_eq!(close(3, 30), 3, "it was open again");
    }
}
