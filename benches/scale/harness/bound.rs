//! How long a number of requests takes at the least, by ARM's limits.

use std::time::Duration;

use azure_emulator::{Limit, Limits};
use serde::{Deserialize, Serialize};

/// Requests by the kinds that ARM counts apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    pub reads: u64,
    pub writes: u64,
    pub deletes: u64,
}

impl Requests {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.reads + self.writes + self.deletes
    }
}

/// The least time in which this many principals can send these requests, and the last operation ends: the maximum over the
/// kinds of `(requests − burst · principals) / (rate · principals)`, and the operation.
pub fn bound(requests: Requests, principals: u32, limits: &Limits, operation: Duration) -> Duration {
    let kinds = [(requests.reads, limits.reads), (requests.writes, limits.writes), (requests.deletes, limits.deletes)];
    let longest = kinds.into_iter().map(|(count, limit)| seconds(count, limit, principals)).fold(0.0, f64::max);
    Duration::from_secs_f64(longest) + operation
}

#[expect(clippy::cast_precision_loss, reason = "a number of requests is small")]
fn seconds(count: u64, limit: Limit, principals: u32) -> f64 {
    let principals = f64::from(principals);
    ((count as f64 - limit.bucket * principals) / (limit.per_second * principals)).max(0.0)
}
