//! Azure's limits, as documented, and the share of them that this process may use.
//!
//! Source: <https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling>.

use std::fmt;
use std::str::FromStr;

use crate::azure::throttle::kind::Kind;

/// How Azure Resource Manager counts requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// By token buckets: the public cloud.
    #[default]
    Buckets,
    /// By the hour: China and US Government.
    Hourly,
    /// In no known way: requests are limited only by its 429s.
    Unknown,
}

/// The share of Azure's limits that this process may use: above 0, 1 at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(f64);

/// A share that is not above 0, or above 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a share is a number above 0, and 1 at most")]
pub struct InvalidShare;

impl Share {
    /// The share as a number.
    pub(super) const fn get(self) -> f64 {
        self.0
    }
}

impl Default for Share {
    fn default() -> Self {
        Self(1.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Share {
    type Err = InvalidShare;

    fn from_str(text: &str) -> Result<Self, InvalidShare> {
        let share: f64 = text.trim().parse().map_err(|_| InvalidShare)?;
        if share > 0.0 && share <= 1.0 { Ok(Self(share)) } else { Err(InvalidShare) }
    }
}

/// Azure's limits for one process.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// How Azure counts.
    pub profile: Profile,
    /// How much of it is this process'.
    pub share: Share,
}

/// One limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Limit {
    /// A bucket with this many permits that regains this many in a second.
    Refilled { burst: f64, per_second: f64 },
    /// This many permits in an hour.
    Hourly(f64),
    /// No known limit.
    Unknown,
}

impl Limits {
    /// The limit of a kind of request. The same numbers hold for subscriptions and tenants.
    pub(super) fn of(self, kind: Kind) -> Limit {
        let share = self.share.get();
        let limit = |bucket: (f64, f64), hourly: f64| match self.profile {
            Profile::Buckets => Limit::Refilled { burst: (bucket.0 * share).max(1.0), per_second: bucket.1 * share },
            Profile::Hourly => Limit::Hourly((hourly * share).max(1.0)),
            Profile::Unknown => Limit::Unknown,
        };
        match kind {
            Kind::Read => limit((250.0, 25.0), 12_000.0),
            Kind::Write => limit((200.0, 10.0), 1_200.0),
            Kind::Delete => limit((200.0, 10.0), 15_000.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_is_above_zero_and_one_at_most() {
        for (text, expected) in [("1", Some(1.0)), (" 0.5", Some(0.5)), ("1e-3", Some(0.001))] {
            assert_eq!(text.parse().ok(), expected.map(Share), "{text}");
        }
        for text in ["0", "-1", "1.1", "NaN", "inf", "", "half"] {
            assert_eq!(text.parse::<Share>(), Err(InvalidShare), "{text}");
        }
    }

    #[test]
    fn limits_are_those_of_the_cloud_times_the_share() {
        let limits = |profile, share| Limits { profile, share: Share(share) };
        let refilled = |burst, per_second| Limit::Refilled { burst, per_second };
        for (limits, kind, expected) in [
            (limits(Profile::Buckets, 1.0), Kind::Read, refilled(250.0, 25.0)),
            (limits(Profile::Buckets, 1.0), Kind::Write, refilled(200.0, 10.0)),
            (limits(Profile::Buckets, 0.5), Kind::Delete, refilled(100.0, 5.0)),
            (limits(Profile::Buckets, 0.001), Kind::Write, refilled(1.0, 0.01)),
            (limits(Profile::Hourly, 1.0), Kind::Write, Limit::Hourly(1_200.0)),
            (limits(Profile::Hourly, 0.5), Kind::Read, Limit::Hourly(6_000.0)),
            (limits(Profile::Unknown, 0.5), Kind::Write, Limit::Unknown),
        ] {
            assert_eq!(limits.of(kind), expected, "{limits:?} {kind:?}");
        }
    }
}
