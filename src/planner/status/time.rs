//! Times of the status. A clock may have been set back since they were written.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::planner::backoff::CLOCK_SKEW;

/// The time from one to the other; none, meaning unknown, if it lies in the future.
#[must_use]
pub fn elapsed(from: Timestamp, to: Timestamp) -> Option<Duration> {
    match Duration::try_from(to.duration_since(from)) {
        Ok(elapsed) => Some(elapsed),
        Err(_) if Duration::try_from(from.duration_since(to)).is_ok_and(|ahead| ahead <= CLOCK_SKEW) => Some(Duration::ZERO),
        Err(_) => None,
    }
}

/// A time as the status stores it: Kubernetes' times have whole seconds, and what is stored must read back equal.
#[must_use]
pub fn stored(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

/// The stored time, or now in place of one in the future.
#[must_use]
pub fn not_after(time: &Time, now: Timestamp) -> Time {
    if elapsed(time.0, now).is_some() { time.clone() } else { stored(now) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_the_future_is_unknown_and_replaced_by_now() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let (now, seconds) = (at(1_000_000), Duration::from_secs);
        assert_eq!(elapsed(at(999_990), now), Some(seconds(10)));
        assert_eq!(elapsed(at(1_000_030), now), Some(Duration::ZERO), "another node's clock");
        assert_eq!(elapsed(at(1_000_120), now), Some(Duration::ZERO));
        assert_eq!(elapsed(at(1_000_121), now), None);
        assert_eq!(not_after(&Time(at(1_086_400)), now), Time(now));
        assert_eq!(not_after(&Time(at(999_990)), now), Time(at(999_990)));
    }
}
