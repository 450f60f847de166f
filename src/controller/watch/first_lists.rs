//! The first list of each watched namespace: before all have ended, an older claimant of a compute may be unknown.

use std::collections::HashSet;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::planner::backoff::LISTS_PATIENCE;

/// The namespaces, or all, whose first list has not ended yet.
pub(super) struct FirstLists {
    unlisted: watch::Sender<HashSet<Option<String>>>,
    until: Instant,
}

impl FirstLists {
    pub(super) fn of(scopes: &[Option<String>]) -> Self {
        Self { unlisted: watch::Sender::new(scopes.iter().cloned().collect()), until: Instant::now() + LISTS_PATIENCE }
    }

    /// A list of this namespace has ended.
    pub(super) fn ended(&self, scope: Option<&str>) {
        self.unlisted.send_if_modified(|unlisted| {
            let before = unlisted.len();
            unlisted.retain(|one| one.as_deref() != scope);
            unlisted.len() != before
        });
    }

    /// Waits until all have ended, but not indefinitely: a namespace may not be listable.
    pub(super) async fn all(&self) {
        let mut unlisted = self.unlisted.subscribe();
        if timeout_at(self.until, unlisted.wait_for(HashSet::is_empty)).await.is_err() {
            tracing::debug!("reconciling before the objects of all namespaces are listed");
        }
    }
}
