//! The lowest number of requests that remain in any bucket of a kind, for the metric.
//!
//! The metric has no label for the subscription, since the series of an unused one would never end.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::azure::throttle::key::Key;

/// The number of remaining requests counts for this long; a bucket is full again well before.
const TTL: Duration = Duration::from_mins(1);
/// The buckets are searched again after this time: not once a request.
const SEARCH_AFTER: Duration = Duration::from_secs(1);

/// The last numbers of the buckets of one kind.
#[derive(Debug, Default)]
pub(super) struct Lowest {
    remaining: HashMap<Key, (Instant, u32)>,
    found: Option<(Instant, u32)>,
}

impl Lowest {
    /// Records the number of a bucket. Returns the lowest number of the last minute.
    pub(super) fn record(&mut self, key: &Key, remaining: u32, now: Instant) -> u32 {
        if let Some(known) = self.remaining.get_mut(key) {
            *known = (now, remaining);
        } else {
            self.remaining.insert(key.clone(), (now, remaining));
        }
        let lowest = match self.found {
            Some((at, lowest)) if now.saturating_duration_since(at) < SEARCH_AFTER => return self.lower(lowest, remaining, at),
            _ => {
                self.remaining.retain(|_, (at, _)| now.saturating_duration_since(*at) < TTL);
                self.remaining.values().map(|(_, left)| *left).min().unwrap_or(remaining)
            }
        };
        self.lower(lowest, remaining, now)
    }

    fn lower(&mut self, lowest: u32, remaining: u32, at: Instant) -> u32 {
        let lowest = lowest.min(remaining);
        self.found = Some((at, lowest));
        lowest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::throttle::key::{Principal, Scope};
    use crate::azure::throttle::kind::Kind;

    #[test]
    fn lowest_remaining_of_the_last_minute_counts() {
        let (mut lowest, now) = (Lowest::default(), Instant::now());
        let key = |id: &str| Key { principal: Principal::Opaque(1), scope: Scope::of(id), kind: Kind::Read };
        let mut record = |id, remaining, seconds| lowest.record(&key(id), remaining, now + Duration::from_secs(seconds));
        assert_eq!(record("a", 200, 0), 200);
        assert_eq!(record("b", 10, 0), 10);
        assert_eq!(record("A", 199, 2), 10, "b has less");
        assert_eq!(record("a", 249, 60), 249, "b is full again");
        assert_eq!(record("b", 5, 60), 5, "known at once");
    }
}
