//! Durations on the command line.

use std::time::Duration;

use jiff::SignedDuration;

/// Reads `90s`, `10m` or `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Option<SignedDuration> = text.parse().ok();
    parsed.and_then(|parsed| Duration::try_from(parsed).ok()).ok_or_else(|| "write it like 90s, 10m or 1h30m".to_owned())
}

/// A duration as [`duration`] reads it.
pub(super) fn shown(duration: Duration) -> String {
    format!("{:#}", SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX))
}
