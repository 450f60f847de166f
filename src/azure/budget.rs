//! What 429 says of ARM's token buckets: a bucket that Azure closed stays closed for everybody.
//!
//! Azure throttles by subscription, principal and kind of request, and asking
//! earlier than it said renews the penalty (wire.md §4.6). So one object's 429
//! holds back all others of its subscription until the pause is over, without
//! a request.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// The buckets that ARM keeps for each subscription and principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// GET.
    Read,
    /// PUT.
    Write,
    /// DELETE.
    Delete,
}

impl Kind {
    /// The word for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }
}

/// The closed buckets.
#[derive(Debug, Default)]
pub(crate) struct Budget(Mutex<HashMap<(String, Kind), Instant>>);

impl Budget {
    /// How long this bucket stays closed, if it is.
    pub(crate) fn closed_for(&self, subscription: &str, kind: Kind) -> Option<Duration> {
        let mut closed = self.0.lock().expect("no holder panics");
        let now = Instant::now();
        closed.retain(|_, until| *until > now);
        closed.get(&(subscription.to_ascii_lowercase(), kind)).map(|until| *until - now)
    }

    /// Azure closes this bucket.
    pub(crate) fn close(&self, subscription: &str, kind: Kind, pause: Duration) {
        let until = Instant::now() + pause;
        let mut closed = self.0.lock().expect("no holder panics");
        let entry = closed.entry((subscription.to_ascii_lowercase(), kind)).or_insert(until);
        *entry = until.max(*entry);
    }
}
