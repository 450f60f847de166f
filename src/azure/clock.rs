//! The difference between the clock of this machine and Azure's.

use std::time::Duration;

use azure_core::http::headers::{HeaderName, Headers};
use azure_core::time::{OffsetDateTime, parse_rfc7231};
use prometheus_client::metrics::gauge::Gauge;

/// A smaller difference is not reported: the header `Date` has whole seconds, and an answer takes time.
const TOLERANCE: Duration = Duration::from_mins(1);

/// The difference that the last answer with a `Date` showed.
///
/// Microsoft Entra ID rejects tokens from a time too far away (AADSTS700024), and Azure Resource Manager takes a token that
/// expires by its own clock.
#[derive(Debug, Clone, Default)]
pub(super) struct Clock {
    /// In seconds; positive if this machine is ahead.
    pub(super) ahead: Gauge,
}

impl Clock {
    /// Records the difference to the time in the header `Date` of an answer, and returns that time.
    pub(super) fn read(&self, headers: &Headers) -> Option<OffsetDateTime> {
        let date = headers.get_optional_string(&HeaderName::from_static("date"))?;
        let theirs = parse_rfc7231(&date).ok()?;
        self.answered(theirs, OffsetDateTime::now_utc());
        Some(theirs)
    }

    fn answered(&self, theirs: OffsetDateTime, ours: OffsetDateTime) {
        let ahead = (ours - theirs).whole_seconds();
        let before = self.ahead.set(ahead);
        if is_skew(ahead) && !is_skew(before) {
            tracing::warn!(seconds_ahead = ahead, "clock differs from Azure's: tokens may be rejected");
        }
    }

    /// What to do about the difference, if it is one.
    pub(super) fn advice(&self) -> Option<String> {
        let ahead = self.ahead.get();
        let direction = if ahead > 0 { "ahead of" } else { "behind" };
        is_skew(ahead).then(|| {
            format!("the clock of the operator's node is {} s {direction} Azure's: synchronize it", ahead.unsigned_abs())
        })
    }
}

const fn is_skew(ahead: i64) -> bool {
    ahead.unsigned_abs() >= TOLERANCE.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_difference_of_a_minute_is_named_until_it_is_gone() {
        let clock = Clock::default();
        let now = OffsetDateTime::UNIX_EPOCH + Duration::from_hours(1);
        #[rustfmt::skip]
        let table = [
            (0,    None),
            (59,   None),
            (60,   Some("60 s ahead of")),
            (-420, Some("420 s behind")),
            (-3,   None),
        ];
        assert_eq!(clock.advice(), None, "no answer yet");
        for (ahead, wanted) in table {
            clock.answered(now - azure_core::time::Duration::seconds(ahead), now);
            let advice = clock.advice();
            assert_eq!(advice.is_some(), wanted.is_some(), "{ahead}: {advice:?}");
            assert!(wanted.is_none_or(|text| advice.is_some_and(|advice| advice.contains(text))), "{ahead}");
        }
    }
}
