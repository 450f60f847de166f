//! Jobs of Azure Machine Learning on a compute that is to be detached, and how long the detach waits for them.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;

use crate::api::v1alpha1::{DeletionGuard, SynapseSparkAttachmentSpec};

/// How long a detach waits if the spec names no time.
const DEFAULT_TIMEOUT: Duration = Duration::from_hours(24);
/// The shortest and the longest time that the schema allows.
const BOUNDS: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(168));

/// How long a detach waits for jobs; none if it does not wait.
///
/// A deletion must not fail because of a value that an earlier schema allowed: it is taken as the nearest one that is allowed, and
/// what cannot be parsed as the default.
#[must_use]
pub fn timeout(spec: &SynapseSparkAttachmentSpec) -> Option<Duration> {
    match spec.deletion_guard {
        DeletionGuard::None => None,
        DeletionGuard::WhenIdle | DeletionGuard::Unknown => {
            let named: Option<SignedDuration> = spec.deletion_guard_timeout.as_ref().and_then(|text| text.parse().ok());
            let named = named.and_then(|named| Duration::try_from(named).ok());
            Some(named.unwrap_or(DEFAULT_TIMEOUT).clamp(BOUNDS.0, BOUNDS.1))
        }
    }
}

/// The jobs on a compute that have not ended: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jobs {
    /// How many.
    pub count: u32,
    /// The first of them.
    pub first: Vec<Job>,
}

/// A job that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// Azure's name of its state.
    pub status: String,
}

impl fmt::Display for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first: Vec<_> = self.first.iter().map(|job| format!("{} ({})", job.name, job.status)).collect();
        f.write_str(&first.join(", "))?;
        match usize::try_from(self.count).unwrap_or(usize::MAX).saturating_sub(first.len()) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_a_time_within_the_bounds() {
        #[rustfmt::skip]
        let table = [
            (DeletionGuard::None,     None,             None),
            (DeletionGuard::None,     Some("1h"),       None),
            (DeletionGuard::WhenIdle, None,             Some(24 * 60)),
            (DeletionGuard::WhenIdle, Some("30m"),      Some(30)),
            (DeletionGuard::WhenIdle, Some("1h30m"),    Some(90)),
            (DeletionGuard::WhenIdle, Some("90m"),      Some(90)),
            (DeletionGuard::WhenIdle, Some("168h"),     Some(168 * 60)),
            (DeletionGuard::WhenIdle, Some("1000000h"), Some(168 * 60)),
            (DeletionGuard::WhenIdle, Some("1s"),       Some(1)),
            (DeletionGuard::WhenIdle, Some("-1h"),      Some(24 * 60)),
            (DeletionGuard::WhenIdle, Some("soon"),     Some(24 * 60)),
            (DeletionGuard::Unknown,  Some("30m"),      Some(30)),
        ];
        for (deletion_guard, text, minutes) in table {
            let deletion_guard_timeout = text.map(ToOwned::to_owned);
            let spec = SynapseSparkAttachmentSpec { deletion_guard, deletion_guard_timeout, ..Default::default() };
            assert_eq!(timeout(&spec), minutes.map(Duration::from_mins), "{deletion_guard:?} {text:?}");
        }
    }
}
