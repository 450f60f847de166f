//! Times of the status. A clock may have been set back since they were written.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::planner::backoff::{CLOCK_SKEW, QUEUE_ESTIMATE_STEP, QUEUE_ESTIMATE_TOLERANCE};

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

/// When a turn is expected that comes after this wait. The stored time stays while it is approximately right.
#[must_use]
pub fn turn(before: Option<&Time>, now: Timestamp, wait: Duration) -> Time {
    let step = QUEUE_ESTIMATE_STEP.as_secs().cast_signed();
    let from_now = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).try_into().unwrap_or(i64::MAX);
    let at = now.as_second().saturating_add(from_now).saturating_add(step - 1).div_euclid(step).saturating_mul(step);
    let is_near = |before: &&Time| before.0.as_second().abs_diff(at) < QUEUE_ESTIMATE_TOLERANCE.as_secs();
    before.filter(is_near).cloned().unwrap_or_else(|| stored(Timestamp::from_second(at).unwrap_or(Timestamp::MAX)))
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
    fn turn_is_rounded_up_and_rewritten_only_when_it_is_wrong_by_half_a_minute() {
        let at = |second| Time(Timestamp::from_second(second).expect("a time"));
        for (before, wait, expected) in [
            (None, 0, 1_000_000),
            (None, 1, 1_000_010),
            (None, 10, 1_000_010),
            (Some(1_000_030), 1, 1_000_030),
            (Some(1_000_040), 1, 1_000_010),
            (Some(1_000_010), 31, 1_000_040),
            (Some(1_000_020), 31, 1_000_020),
        ] {
            let before = before.map(at);
            let found = turn(before.as_ref(), at(1_000_000).0, Duration::from_secs(wait));
            assert_eq!(found, at(expected), "{before:?} {wait}");
        }
        assert_eq!(turn(None, at(0).0, Duration::MAX), stored(Timestamp::MAX));
    }

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
