//! Throttling by Azure Resource Manager: a token bucket that Azure closed stays closed for every caller.
//!
//! Azure throttles by subscription, principal and kind of request, and a request before the end of `Retry-After`
//! renews the penalty
//! (<https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling>). After one
//! object's 429 the requests of all others in its subscription therefore fail here, without being sent, until the
//! pause is over.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// The token buckets that ARM keeps for each subscription and principal.
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
    /// The value in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }

    /// The header with the number of requests that remain.
    pub(crate) const fn header(self) -> &'static str {
        match self {
            Self::Read => "x-ms-ratelimit-remaining-subscription-reads",
            Self::Write => "x-ms-ratelimit-remaining-subscription-writes",
            Self::Delete => "x-ms-ratelimit-remaining-subscription-deletes",
        }
    }
}

/// The number of remaining requests counts for this long; a bucket is full again well before.
/// <https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling>
const REMAINING_TTL: Duration = Duration::from_mins(1);

type BucketKey = (String, Kind);

/// The buckets that Azure has closed, and the requests that remain in the others.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    closed: Mutex<HashMap<BucketKey, Instant>>,
    remaining: Mutex<HashMap<BucketKey, (Instant, u32)>>,
}

impl Throttle {
    /// How long this bucket stays closed; `None` if it is open.
    pub(crate) fn closed_for(&self, subscription: &str, kind: Kind, now: Instant) -> Option<Duration> {
        let mut closed = self.closed.lock().expect("no thread panics while it holds the lock");
        closed.retain(|_, until| *until > now);
        closed.get(&(subscription.to_ascii_lowercase(), kind)).map(|until| *until - now)
    }

    /// Closes a bucket for this long. Returns by how much longer it is closed than before.
    pub(crate) fn close(&self, subscription: &str, kind: Kind, pause: Duration, now: Instant) -> Duration {
        let mut closed = self.closed.lock().expect("no thread panics while it holds the lock");
        let until = closed.entry((subscription.to_ascii_lowercase(), kind)).or_insert(now);
        let before = now.max(*until);
        *until = now.checked_add(pause).map_or(before, |after| after.max(before));
        *until - before
    }

    /// Records the number of requests that remain in a bucket. Returns the lowest number of all buckets of its kind.
    ///
    /// The metric has no label for the subscription, since the series of an unused one would never end.
    pub(crate) fn remaining(&self, subscription: &str, kind: Kind, remaining: u32, now: Instant) -> u32 {
        let mut buckets = self.remaining.lock().expect("no thread panics while it holds the lock");
        buckets.retain(|_, (at, _)| now - *at < REMAINING_TTL);
        buckets.insert((subscription.to_ascii_lowercase(), kind), (now, remaining));
        buckets.iter().filter(|((_, one), _)| *one == kind).map(|(_, (_, left))| *left).min().unwrap_or(remaining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowest_remaining_of_the_last_minute_counts() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        assert_eq!(throttle.remaining("a", Kind::Read, 200, now), 200);
        assert_eq!(throttle.remaining("b", Kind::Read, 10, now), 10);
        assert_eq!(throttle.remaining("A", Kind::Read, 199, now), 10, "b has less");
        assert_eq!(throttle.remaining("a", Kind::Write, 150, now), 150, "another kind");
        assert_eq!(throttle.remaining("a", Kind::Read, 249, now + REMAINING_TTL), 249, "b is full again");
    }

    #[test]
    fn closed_bucket_counts_each_second_once() {
        let (throttle, now, seconds) = (Throttle::default(), Instant::now(), Duration::from_secs);
        let close = |pause, at| throttle.close("a", Kind::Read, seconds(pause), now + seconds(at)).as_secs();
        assert_eq!(close(10, 0), 10);
        assert_eq!(close(10, 4), 4, "six of the ten were counted before");
        assert_eq!(close(1, 5), 0);
        assert_eq!(throttle.closed_for("A", Kind::Read, now + seconds(5)), Some(seconds(9)));
        assert_eq!(close(3, 30), 3, "it was open again");
    }
}
