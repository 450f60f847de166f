//! When a Lease was last renewed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::timing::{LEASE_DURATION, RENEW_DEADLINE};

/// The time at which the last successful renewal was sent. The Lease is held for [`LEASE_DURATION`] from then on.
#[derive(Clone)]
pub(super) struct Renewal(Arc<Mutex<Instant>>);

impl Renewal {
    pub(super) fn sent_at(at: Instant) -> Self {
        Self(Arc::new(Mutex::new(at)))
    }

    pub(super) fn set(&self, at: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    fn age(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// How long the lease holder may still try to renew. It must not write once this is zero.
    pub(super) fn until_deadline(&self) -> Duration {
        RENEW_DEADLINE.saturating_sub(self.age())
    }

    /// How long it takes until another process can acquire the Lease. None once the deadline for renewals has passed.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let age = self.age();
        (age < RENEW_DEADLINE).then(|| LEASE_DURATION.saturating_sub(age))
    }
}
