//! ARM's request limits: token buckets, or a number of requests an hour (DOC).

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use crate::limits::{Limit, ThrottleProfile};
use crate::settings::Settings;

/// The kinds that are counted separately (DOC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Read,
    Write,
    Delete,
    /// Requests for one resource, if a provider has overridden ARM's limit.
    Resource,
    /// LISTs, if a provider has overridden ARM's limit.
    Collection,
}

impl Kind {
    pub(crate) fn of(method: &str) -> Self {
        match method {
            "GET" | "HEAD" => Self::Read,
            "DELETE" => Self::Delete,
            _ => Self::Write,
        }
    }

    /// As in the text of a 429 (REAL).
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Read | Self::Collection => "read",
            Self::Write | Self::Resource => "write",
            Self::Delete => "delete",
        }
    }

    /// The size of a principal's bucket.
    pub(crate) fn bucket(self, settings: &Settings) -> Limit {
        let overridden = || settings.provider_limit.unwrap_or(settings.throttle.reads);
        match self {
            Self::Read => settings.throttle.reads,
            Self::Write => settings.throttle.writes,
            Self::Delete => settings.throttle.deletes,
            Self::Resource | Self::Collection => overridden(),
        }
    }

    /// How many requests a principal may send in an hour.
    pub(crate) fn hourly(self, settings: &Settings) -> u64 {
        match self {
            Self::Read | Self::Resource | Self::Collection => settings.hourly.reads,
            Self::Write => settings.hourly.writes,
            Self::Delete => settings.hourly.deletes,
        }
    }
}

/// The sender and kind of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The subscription, or the tenant for requests without a subscription.
    pub(crate) scope: &'a str,
    pub(crate) principal: &'a str,
    pub(crate) kind: Kind,
}

/// What remains after a request that was counted, of the principal and of all principals of the scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remaining {
    pub(crate) own: u64,
    /// None: they are not counted together.
    pub(crate) all: Option<u64>,
}

/// The request exceeded a limit; the numbers are the seconds of `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exceeded {
    Own(u64),
    /// All principals of the scope together.
    All(u64),
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    filled: Timestamp,
    shut_until: Option<Timestamp>,
}

impl Bucket {
    /// Refills the bucket up to this time. False: it has no token, and an earlier request restarts the pause (DOC).
    fn refill(&mut self, now: Timestamp, limit: Limit, retry_after: u64) -> bool {
        let passed = now.duration_since(self.filled).as_secs_f64().max(0.0);
        self.left = (self.left + passed * limit.per_second).min(limit.bucket);
        self.filled = now;
        if self.shut_until.is_some_and(|until| now < until) || self.left < 1.0 {
            self.shut_until = now.checked_add(std::time::Duration::from_secs(retry_after)).ok();
            return false;
        }
        self.shut_until = None;
        true
    }
}

/// The requests of the last hour, by the minute. A minute counts until all of it is an hour ago: never less than Azure's.
#[derive(Debug, Default)]
struct Hour {
    minutes: VecDeque<(i64, u64)>,
    sum: u64,
}

impl Hour {
    /// Counts a request and returns the number of remaining ones, or the seconds until the oldest no longer count.
    fn take(&mut self, now: Timestamp, limit: u64) -> Result<u64, u64> {
        let minute = now.as_second().div_euclid(60);
        while let Some((_, count)) = self.minutes.pop_front_if(|(oldest, _)| *oldest + 61 <= minute) {
            self.sum -= count;
        }
        if self.sum >= limit {
            let oldest = self.minutes.front().map_or(minute, |(oldest, _)| *oldest);
            return Err(u64::try_from((oldest + 61) * 60 - now.as_second()).unwrap_or(1).max(1));
        }
        match self.minutes.back_mut() {
            Some((last, count)) if *last == minute => *count += 1,
            _ => self.minutes.push_back((minute, 1)),
        }
        self.sum += 1;
        Ok(limit - self.sum)
    }
}

/// By scope, principal and kind. Without a principal: all principals together.
type Key = (String, Option<String>, Kind);

/// The kind of request.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    buckets: HashMap<Key, Bucket>,
    hours: HashMap<Key, Hour>,
}

impl Throttle {
    /// Counts a request, if its limits allow it.
    pub(crate) fn take(&mut self, now: Timestamp, asked: &Asked<'_>, settings: &Settings) -> Result<Remaining, Exceeded> {
        match settings.throttle_profile {
            ThrottleProfile::Buckets => self.take_token(now, asked, settings),
            ThrottleProfile::Hourly => {
                let key = (asked.scope.to_owned(), Some(asked.principal.to_owned()), asked.kind);
                let taken = self.hours.entry(key).or_default().take(now, asked.kind.hourly(settings));
                taken.map(|own| Remaining { own, all: None }).map_err(Exceeded::Own)
            }
        }
    }

    /// Takes a token of the principal's bucket and one of the bucket of all principals, or none at all.
    fn take_token(&mut self, now: Timestamp, asked: &Asked<'_>, settings: &Settings) -> Result<Remaining, Exceeded> {
        let (own, retry_after) = (asked.kind.bucket(settings), settings.throttle.retry_after);
        let all = own.times(settings.throttle.all_principals);
        let of_principal = (asked.scope.to_owned(), Some(asked.principal.to_owned()), asked.kind);
        let of_all = (asked.scope.to_owned(), None, asked.kind);
        if !self.bucket(now, &of_principal, own).refill(now, own, retry_after) {
            return Err(Exceeded::Own(retry_after));
        }
        if !self.bucket(now, &of_all, all).refill(now, all, retry_after) {
            return Err(Exceeded::All(retry_after));
        }
        let mut taken = |key, limit| {
            let bucket = self.bucket(now, key, limit);
            bucket.left -= 1.0;
            whole(bucket.left)
        };
        Ok(Remaining { own: taken(&of_principal, own), all: Some(taken(&of_all, all)) })
    }

    fn bucket(&mut self, now: Timestamp, key: &Key, limit: Limit) -> &mut Bucket {
        self.buckets.entry(key.clone()).or_insert(Bucket { left: limit.bucket, filled: now, shut_until: None })
    }

    /// Resets the counts, for limits of another size.
    pub(crate) fn clear(&mut self) {
        self.buckets.clear();
        self.hours.clear();
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bucket is small and never below zero")]
pub(crate) fn whole(left: f64) -> u64 {
    left.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{Hourly, Limits};
    use std::time::Duration;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn buckets_of(limit: Limit, all_principals: f64) -> Settings {
        let throttle = Limits { reads: limit, writes: limit, all_principals, ..Limits::default() };
        Settings { throttle, ..Settings::default() }
    }

    const READ: Asked<'_> = Asked { scope: "s", principal: "p", kind: Kind::Read };

    #[test]
    fn an_empty_bucket_refuses_and_an_early_request_restarts_the_pause() {
        let settings = buckets_of(Limit { bucket: 2.0, per_second: 1.0 }, 15.0);
        let mut throttle = Throttle::default();
        let mut read = |seconds| throttle.take(at(seconds), &READ, &settings).map(|left| left.own);
        assert_eq!(read(0), Ok(1));
        assert_eq!(read(0), Ok(0));
        assert_eq!(read(0), Err(Exceeded::Own(10)));
        assert_eq!(read(9), Err(Exceeded::Own(10)), "one second too early");
        assert_eq!(read(18), Err(Exceeded::Own(10)), "the pause began anew at 9");
        assert_eq!(read(28), Ok(1), "full again, less this one");
    }

    #[test]
    fn principals_subscriptions_and_kinds_have_buckets_of_their_own() {
        let settings = buckets_of(Limit { bucket: 1.0, per_second: 1.0 }, 15.0);
        let mut throttle = Throttle::default();
        for (scope, principal, kind) in
            [("s", "p", Kind::Read), ("t", "p", Kind::Read), ("s", "q", Kind::Read), ("s", "p", Kind::Write)]
        {
            assert_eq!(throttle.take(at(0), &Asked { scope, principal, kind }, &settings).map(|left| left.own), Ok(0));
        }
        assert_eq!(throttle.take(at(0), &READ, &settings), Err(Exceeded::Own(10)));
    }

    #[test]
    fn all_principals_of_a_subscription_share_a_bucket() {
        let settings = buckets_of(Limit { bucket: 2.0, per_second: 1.0 }, 1.5);
        let mut throttle = Throttle::default();
        let mut read = |seconds, principal| throttle.take(at(seconds), &Asked { principal, ..READ }, &settings);
        assert_eq!(read(0, "p"), Ok(Remaining { own: 1, all: Some(2) }));
        assert_eq!(read(0, "p"), Ok(Remaining { own: 0, all: Some(1) }));
        assert_eq!(read(0, "q"), Ok(Remaining { own: 1, all: Some(0) }));
        assert_eq!(read(0, "q"), Err(Exceeded::All(10)), "q has one left, the subscription none");
        assert_eq!(read(10, "q"), Ok(Remaining { own: 1, all: Some(2) }));
    }

    #[test]
    fn the_hourly_profile_counts_an_hour_and_then_makes_room() {
        let hourly = Hourly { reads: 2, ..Hourly::default() };
        let settings = Settings { throttle_profile: ThrottleProfile::Hourly, hourly, ..Settings::default() };
        let mut throttle = Throttle::default();
        let mut read = |seconds| throttle.take(at(seconds), &READ, &settings).map(|left| left.own);
        assert_eq!(read(30), Ok(1));
        assert_eq!(read(600), Ok(0));
        assert_eq!(read(601), Err(Exceeded::Own(3_059)), "the first minute counts until the end of minute 60");
        assert_eq!(read(3_659), Err(Exceeded::Own(1)));
        assert_eq!(read(3_660), Ok(0), "the first is gone, and this one counts");
    }
}
