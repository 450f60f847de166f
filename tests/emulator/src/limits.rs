//! The sizes of ARM's limits.

use serde::{Deserialize, Serialize};

/// One token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limit {
    /// Its size.
    pub bucket: f64,
    /// The number of tokens that it regains in a second.
    pub per_second: f64,
}

impl Limit {
    /// The same limit, this many times as large.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self { bucket: self.bucket * factor, per_second: self.per_second * factor }
    }
}

/// How ARM counts requests (DOC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ThrottleProfile {
    /// The public cloud: token buckets.
    #[default]
    Buckets,
    /// The other clouds: a number of requests in an hour.
    Hourly,
}

/// ARM's token buckets for each subscription and principal; the same sizes hold for each tenant and principal (DOC).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// GET and HEAD.
    pub reads: Limit,
    /// PUT, PATCH and POST.
    pub writes: Limit,
    /// DELETE.
    pub deletes: Limit,
    /// The factor by which the limits of all principals of a subscription together are higher (DOC).
    pub all_principals: f64,
    /// The seconds of `Retry-After`; an earlier request restarts them (DOC).
    pub retry_after: u64,
}

impl Default for Limits {
    /// The documented sizes (DOC), and the seconds of a recorded 429 (REAL).
    fn default() -> Self {
        Self {
            reads: Limit { bucket: 250.0, per_second: 25.0 },
            writes: Limit { bucket: 200.0, per_second: 10.0 },
            deletes: Limit { bucket: 200.0, per_second: 10.0 },
            all_principals: 15.0,
            retry_after: 10,
        }
    }
}

/// The number of requests that a principal may send to a subscription, or to a tenant, in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hourly {
    /// GET and HEAD.
    pub reads: u64,
    /// PUT, PATCH and POST.
    pub writes: u64,
    /// DELETE.
    pub deletes: u64,
}

impl Default for Hourly {
    /// The limits of the clouds other than the public one (DOC).
    fn default() -> Self {
        Self { reads: 12_000, writes: 1_200, deletes: 15_000 }
    }
}
