//! The `Retry-After` header.

use std::time::Duration;

use azure_core::time::{OffsetDateTime, parse_rfc7231};

/// The longest pause after a 429: a token bucket of Azure Resource Manager is full again after an hour at the latest,
/// also in sovereign clouds, whose limits count per hour.
/// <https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling>
const MAX_THROTTLED: Duration = Duration::from_hours(1);
/// The longest pause after any other status: an outage can end before the service expected it to.
const MAX_UNAVAILABLE: Duration = Duration::from_mins(5);

/// The pause that an answer requests, in seconds or as an HTTP date, limited by its status.
///
/// The limit keeps an absurd value from stopping the operator, and from overflowing the arithmetic of times.
pub(super) fn pause(status: u16, value: &str, now: OffsetDateTime) -> Option<Duration> {
    let value = value.trim();
    let pause = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit is longer than any limit.
        value.parse().map_or(Duration::MAX, Duration::from_secs)
    } else {
        // A time in the past means no pause.
        Duration::try_from(parse_rfc7231(value).ok()? - now).unwrap_or_default()
    };
    Some(pause.min(if status == 429 { MAX_THROTTLED } else { MAX_UNAVAILABLE }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_is_read_in_both_forms_and_limited_by_status() {
        let now = parse_rfc7231("Sun, 06 Nov 1994 08:49:37 GMT").expect("a date");
        #[rustfmt::skip]
        let table = [
            // header                          after 429    after 503
            ("10",                             Some(10),    Some(10)),
            (" 0 ",                            Some(0),     Some(0)),
            ("86400",                          Some(3600),  Some(300)),
            ("18446744073709551615",           Some(3600),  Some(300)),
            ("99999999999999999999999999",     Some(3600),  Some(300)),
            ("Sun, 06 Nov 1994 08:50:37 GMT",  Some(60),    Some(60)),
            ("Fri, 31 Dec 9999 23:59:59 GMT",  Some(3600),  Some(300)),
            ("Sun, 06 Nov 1994 08:00:00 GMT",  Some(0),     Some(0)),
            ("",                               None,        None),
            ("-1",                             None,        None),
            ("1.5",                            None,        None),
            ("soon",                           None,        None),
        ];
        for (value, throttled, unavailable) in table {
            let seconds = |status| pause(status, value, now).map(|pause| pause.as_secs());
            assert_eq!((seconds(429), seconds(503)), (throttled, unavailable), "{value:?}");
        }
    }
}
