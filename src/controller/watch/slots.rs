//! How many reconciles run at the same time.
//!
//! A reconcile that takes long waits for an answer of Azure. If it kept its slot, one workspace that does not answer would hold
//! up the objects of all others. So its slot is given to another one after a while.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// A reconcile that takes longer waits, and no longer counts.
const SLOT_TIME: Duration = Duration::from_secs(2);
/// So many times as many reconciles may run, those that wait among them.
const WAITING_FACTOR: u16 = 8;

/// The slots of all namespaces together.
pub(super) struct Slots {
    count: u16,
    free: Semaphore,
}

/// The slot of one reconcile. It is free when this is dropped.
pub(super) struct Slot<'a>(SemaphorePermit<'a>);

impl Slots {
    pub(super) fn new(count: u16) -> Self {
        Self { count, free: Semaphore::new(count.into()) }
    }

    /// How many reconciles may run, those that wait among them.
    pub(super) const fn most_running(&self) -> u16 {
        self.count.saturating_mul(WAITING_FACTOR)
    }

    pub(super) async fn acquire(&self) -> Slot<'_> {
        Slot(self.free.acquire().await.expect("the semaphore is never closed"))
    }
}

impl Slot<'_> {
    /// Runs a reconcile in this slot. Another one gets the slot if this one takes long.
    pub(super) async fn run<T>(self, mut reconcile: impl Future<Output = T> + Unpin) -> T {
        if let Ok(ended) = timeout(SLOT_TIME, &mut reconcile).await {
            return ended;
        }
        drop(self.0);
        reconcile.await
    }
}
