//! One bucket: this process' estimate of how many requests may be sent.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::azure::throttle::limits::{Limit, Share};

/// A new process does not know what remains: it starts with this many permits, until the first answer shows more.
const FIRST_PERMITS: f64 = 10.0;
/// The hour of the hourly limits.
const HOUR: Duration = Duration::from_hours(1);
/// No estimate is further ahead than this.
const MAX_WAIT: Duration = Duration::from_hours(24);

/// One bucket. Permits are taken ahead: the level is negative while requests wait for the next second's permits.
#[derive(Debug)]
pub(super) struct Bucket {
    limit: Limit,
    share: Share,
    level: f64,
    /// When the level was computed; of an hourly limit, when the hour began.
    at: Instant,
    /// Whether an answer has shown what remains.
    is_learned: bool,
    closed_until: Option<Instant>,
    /// Permits that were taken for requests that are not sent yet.
    unsent: u32,
    /// The numbers of the requests that were sent and have no answer yet.
    in_flight: BTreeSet<u64>,
    sent: u64,
}

impl Bucket {
    pub(super) fn new(limit: Limit, share: Share, now: Instant) -> Self {
        let level = match limit {
            Limit::Refilled { burst, .. } => burst.min(FIRST_PERMITS),
            Limit::Hourly(size) => size.min(FIRST_PERMITS),
            Limit::Unknown => 0.0,
        };
        let (unsent, in_flight) = (0, BTreeSet::new());
        Self { limit, share, level, at: now, is_learned: false, closed_until: None, unsent, in_flight, sent: 0 }
    }

    /// Adds the permits that were regained since. A time before the last one changes nothing.
    pub(super) fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at);
        match self.limit {
            Limit::Refilled { burst, per_second } => {
                self.level = (self.level + passed.as_secs_f64() * per_second).min(burst);
                self.at = self.at.max(now);
            }
            // The hour begins with its first request.
            Limit::Hourly(size) if passed >= HOUR => {
                (self.level, self.at) = (size - f64::from(self.unsent), now);
            }
            Limit::Hourly(_) | Limit::Unknown => {}
        }
    }

    /// When the permit of this number, from 1, can be taken.
    pub(super) fn available_at(&self, number: u32, now: Instant) -> Instant {
        let missing = f64::from(number) - self.level;
        let at = match self.limit {
            Limit::Unknown => now,
            _ if missing <= 0.0 => now,
            Limit::Refilled { per_second, .. } => later(now, missing / per_second),
            Limit::Hourly(size) => later(self.at, (missing / size).ceil() * HOUR.as_secs_f64()),
        };
        self.closed_until.map_or(at, |closed| at.max(closed)).max(now)
    }

    /// The maximum number of positions in a queue that are counted: a full bucket, and the permits that are regained in a minute.
    pub(super) fn longest_count(&self) -> u32 {
        const MOST: f64 = 2_000.0;
        let most = match self.limit {
            Limit::Refilled { burst, per_second } => (burst + 60.0 * per_second).min(MOST),
            Limit::Hourly(_) | Limit::Unknown => MOST,
        };
        whole(most)
    }

    /// Permits that can be taken within this time.
    pub(super) fn available_within(&self, time: Duration, now: Instant) -> u32 {
        match self.limit {
            _ if self.closed_for(now).is_some() => 0,
            Limit::Refilled { per_second, .. } => whole(self.level + per_second * time.as_secs_f64()),
            Limit::Hourly(_) => whole(self.level),
            Limit::Unknown => u32::MAX,
        }
    }

    /// Takes a permit for a request that is not sent yet.
    pub(super) fn take(&mut self, now: Instant) {
        if matches!(self.limit, Limit::Hourly(_)) && self.unsent == 0 && self.in_flight.is_empty() && self.sent == 0 {
            self.at = now;
        }
        self.level -= 1.0;
        self.unsent += 1;
    }

    /// Takes back the permit of a request that was not sent.
    pub(super) fn give_back(&mut self) {
        self.level += 1.0;
        self.unsent = self.unsent.saturating_sub(1);
    }

    /// A request with a permit is sent. Returns its number.
    pub(super) fn send(&mut self) -> u64 {
        self.unsent = self.unsent.saturating_sub(1);
        self.sent += 1;
        self.in_flight.insert(self.sent);
        self.sent
    }

    /// A request was answered, or will not be. `remaining` is the number of remaining requests in Azure's answer.
    ///
    /// Azure has not counted the requests yet that were sent after this one, and those that are still to be sent. So the level
    /// only ever falls to what is left without them: answers may overtake each other, and another process with the same
    /// principal takes permits, too. Only the first answer raises it.
    pub(super) fn answered(&mut self, number: u64, remaining: Option<u32>, now: Instant) {
        self.in_flight.remove(&number);
        self.refill(now);
        let later = u32::try_from(self.in_flight.range(number..).count()).unwrap_or(u32::MAX);
        let outstanding = f64::from(later) + f64::from(self.unsent);
        let left = remaining.map(|remaining| f64::from(remaining) * self.share.get() - outstanding);
        self.level = match (left, self.limit) {
            (Some(left), _) if self.is_learned => self.level.min(left),
            (Some(left), Limit::Refilled { burst: most, .. } | Limit::Hourly(most)) => left.min(most),
            // No permits are regained within the hour, and this answer does not show how many are left.
            (None, Limit::Hourly(size)) if !self.is_learned => self.level + size - size.min(FIRST_PERMITS),
            _ => self.level,
        };
        self.is_learned |= remaining.is_some() || matches!(self.limit, Limit::Hourly(_));
    }

    /// A request was sent and had no answer.
    pub(super) fn unanswered(&mut self, number: u64) {
        self.in_flight.remove(&number);
    }

    /// Azure refused a request, and requires this pause. Returns by how much longer the bucket is closed than before.
    pub(super) fn close(&mut self, pause: Duration, now: Instant) -> Duration {
        self.refill(now);
        self.level = self.level.min(0.0);
        let before = self.closed_until.map_or(now, |until| until.max(now));
        let until = now.checked_add(pause).map_or(before, |after| after.max(before));
        self.closed_until = Some(until);
        until - before
    }

    /// How long it stays closed; none if it is open.
    pub(super) fn closed_for(&self, now: Instant) -> Option<Duration> {
        self.closed_until.map(|until| until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// Whether it can be dropped without losing information.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        let is_full = match self.limit {
            Limit::Refilled { burst, .. } => self.level >= burst,
            Limit::Hourly(_) => now.saturating_duration_since(self.at) >= HOUR,
            Limit::Unknown => true,
        };
        is_full && self.closed_for(now).is_none() && self.unsent == 0 && self.in_flight.is_empty()
    }
}

/// This many seconds later.
fn later(than: Instant, seconds: f64) -> Instant {
    // Whole microseconds, so that the sum of many small waits is the wait for all of them.
    let wait = Duration::try_from_secs_f64((seconds * 1e6).round() / 1e6).map_or(MAX_WAIT, |wait| wait.min(MAX_WAIT));
    than.checked_add(wait).unwrap_or(than)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is never below zero, and small")]
fn whole(count: f64) -> u32 {
    count.max(0.0) as u32
}

#[cfg(test)]
mod tests;
