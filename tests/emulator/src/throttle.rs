//! ARM's token buckets, for each subscription, principal and kind of request (DOC).

use std::collections::HashMap;

use jiff::Timestamp;

use crate::settings::{Limit, Limits};

/// The kinds that are counted apart (DOC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Read,
    Write,
    Delete,
}

impl Kind {
    pub(crate) fn of(method: &str) -> Self {
        match method {
            "GET" | "HEAD" => Self::Read,
            "DELETE" => Self::Delete,
            _ => Self::Write,
        }
    }

    /// As 429 says it (REAL).
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }

    /// The header that tells what is left (REAL).
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Read => "x-ms-ratelimit-remaining-subscription-reads",
            Self::Write => "x-ms-ratelimit-remaining-subscription-writes",
            Self::Delete => "x-ms-ratelimit-remaining-subscription-deletes",
        }
    }

    pub(crate) fn limit(self, limits: &Limits) -> Limit {
        match self {
            Self::Read => limits.reads,
            Self::Write => limits.writes,
            Self::Delete => limits.deletes,
        }
    }
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    filled: Timestamp,
    shut_until: Option<Timestamp>,
}

/// All buckets.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    buckets: HashMap<(String, String, Kind), Bucket>,
}

impl Throttle {
    /// Takes one token, and says how many are left; or how many seconds to stay away.
    pub(crate) fn take(
        &mut self,
        now: Timestamp,
        subscription: &str,
        principal: &str,
        kind: Kind,
        limits: &Limits,
    ) -> Result<u64, u64> {
        let limit = kind.limit(limits);
        let key = (subscription.to_owned(), principal.to_owned(), kind);
        let bucket = self.buckets.entry(key).or_insert(Bucket { left: limit.bucket, filled: now, shut_until: None });
        let passed = now.duration_since(bucket.filled).as_secs_f64().max(0.0);
        bucket.left = (bucket.left + passed * limit.per_second).min(limit.bucket);
        bucket.filled = now;
        let shut = bucket.shut_until.is_some_and(|until| now < until);
        if shut || bucket.left < 1.0 {
            // Asking earlier renews the penalty (DOC).
            let pause = std::time::Duration::from_secs(limits.retry_after);
            bucket.shut_until = now.checked_add(pause).ok();
            return Err(limits.retry_after);
        }
        bucket.shut_until = None;
        bucket.left -= 1.0;
        Ok(whole(bucket.left))
    }

    /// Forgets what was counted, for buckets of another size.
    pub(crate) fn clear(&mut self) {
        self.buckets.clear();
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bucket is small and never below zero")]
pub(crate) fn whole(left: f64) -> u64 {
    left.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_empty_bucket_shuts_and_asking_early_renews_the_pause() {
        let limits = Limits { reads: Limit { bucket: 2.0, per_second: 1.0 }, ..Limits::default() };
        let mut throttle = Throttle::default();
        let at = |seconds| Timestamp::UNIX_EPOCH + Duration::from_secs(seconds);
        let mut read = |seconds| throttle.take(at(seconds), "s", "p", Kind::Read, &limits);
        assert_eq!(read(0), Ok(1));
        assert_eq!(read(0), Ok(0));
        assert_eq!(read(0), Err(10));
        assert_eq!(read(9), Err(10), "one second too early");
        assert_eq!(read(18), Err(10), "the pause began anew at 9");
        assert_eq!(read(28), Ok(1), "full again, less this one");
    }

    #[test]
    fn principals_subscriptions_and_kinds_have_buckets_of_their_own() {
        let one = Limit { bucket: 1.0, per_second: 1.0 };
        let limits = Limits { reads: one, writes: one, ..Limits::default() };
        let mut throttle = Throttle::default();
        for (subscription, principal, kind) in
            [("s", "p", Kind::Read), ("t", "p", Kind::Read), ("s", "q", Kind::Read), ("s", "p", Kind::Write)]
        {
            assert_eq!(throttle.take(Timestamp::UNIX_EPOCH, subscription, principal, kind, &limits), Ok(0));
        }
        assert_eq!(throttle.take(Timestamp::UNIX_EPOCH, "s", "p", Kind::Read, &limits), Err(10));
    }
}
