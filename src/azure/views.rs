//! What LISTs of workspaces showed, for a few seconds, and whether to send another one.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::azure::cache::{Freshness, TtlCache};
use crate::azure::error::Error;
use crate::azure::list_hook::ListHook;
use crate::azure::single_flight::SingleFlight;
use crate::azure::view::{View, hash};
use crate::resource_id::{ComputeId, WorkspaceId};

/// A compute changes at any time, so nothing that was observed is kept for longer.
pub(super) const COMPUTE_TTL: Duration = Duration::from_secs(10);
/// The number of pages changes seldom. Without it, a LIST is taken to have one.
const PAGES_TTL: Duration = Duration::from_hours(1);
/// The permission to LIST is rarely granted within minutes.
const REFUSED_TTL: Duration = Duration::from_mins(10);
/// The number of requests within this time is the estimate for the next ones: changes of many objects come one after the other.
const RECENT: Duration = Duration::from_secs(2);

/// What to send for the current callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// One LIST of the workspace, for all.
    List,
    /// A GET for each.
    Get,
}

/// What costs fewer requests. At the same cost a GET: its answer is smaller, and shows also what does not exist.
pub(super) const fn cheaper(sharers: usize, pages: usize) -> Request {
    if pages < sharers { Request::List } else { Request::Get }
}

/// What is known of the LISTs of a workspace.
#[derive(Debug, Clone, Copy)]
enum Listing {
    /// The last one had this many pages.
    Pages(usize),
    /// It is refused, or cannot be used.
    Refused,
}

/// The views of all workspaces. They belong to one identity: another one may not be allowed to see them.
#[derive(Debug)]
pub(super) struct Views {
    current: Mutex<HashMap<WorkspaceId, Arc<View>>>,
    listings: TtlCache<WorkspaceId, Listing>,
    /// Which computes of a workspace were read one by one, by the hashes of their names; and since when.
    alone: TtlCache<WorkspaceId, (Instant, HashSet<u64>)>,
    /// LISTs that have failed, and may succeed the next time.
    failures: TtlCache<WorkspaceId, Error>,
    pub(super) on_list: ListHook<View>,
    /// An answer is `None` where LIST is refused.
    pub(super) flights: SingleFlight<WorkspaceId, Option<Arc<View>>, Error>,
}

impl Views {
    pub(super) fn new() -> Self {
        Self {
            current: Mutex::default(),
            listings: TtlCache::new(PAGES_TTL),
            alone: TtlCache::new(RECENT),
            failures: TtlCache::new(COMPUTE_TTL),
            on_list: ListHook::default(),
            flights: SingleFlight::new(Error::concerns_all),
        }
    }

    /// The last view of a workspace, unless it has expired.
    pub(super) fn current(&self, workspace: &WorkspaceId) -> Option<Arc<View>> {
        self.lock().get(workspace).filter(|view| !is_expired(view)).cloned()
    }

    /// What to send for this compute and this many current callers, given which others have just been read one by one.
    pub(super) fn request(&self, id: &ComputeId, sharers: usize) -> Request {
        let workspace = id.workspace();
        // Some of them are due at the same time as this one, and count there, too.
        let sharers = sharers.max(self.read_alone(id).1.len() + 1);
        if let Some(Listing::Refused) = self.listings.get(workspace, Freshness::Within(REFUSED_TTL)) {
            return Request::Get;
        }
        match self.listings.get(workspace, Freshness::Within(PAGES_TTL)) {
            Some(Listing::Pages(pages)) => cheaper(sharers, pages),
            Some(Listing::Refused) | None => cheaper(sharers, 1),
        }
    }

    /// This compute is about to be read alone.
    pub(super) fn reads_alone(&self, id: &ComputeId) {
        let (since, mut names) = self.read_alone(id);
        names.insert(hash(&id.name().to_ascii_lowercase()));
        self.alone.insert(id.workspace(), since, (since, names));
    }

    /// Which other computes of its workspace have just been read one by one, and since when.
    fn read_alone(&self, id: &ComputeId) -> (Instant, HashSet<u64>) {
        let recent = self.alone.get(id.workspace(), Freshness::Within(RECENT));
        let (since, mut names) = recent.unwrap_or_else(|| (Instant::now(), HashSet::new()));
        names.remove(&hash(&id.name().to_ascii_lowercase()));
        (since, names)
    }

    /// Keeps a view until it expires, whether or not the workspace is requested again.
    pub(super) fn keep(self: &Arc<Self>, workspace: &WorkspaceId, view: &Arc<View>, pages: usize) {
        self.on_list.call(workspace, view);
        self.listings.insert(workspace, view.began(), Listing::Pages(pages));
        let mut current = self.lock();
        if current.get(workspace).is_none_or(|known| known.began() <= view.began()) {
            current.insert(workspace.clone(), view.clone());
        }
        drop(current);
        let (views, expires) = (Arc::downgrade(self), view.began() + COMPUTE_TTL);
        tokio::spawn(async move {
            // A millisecond later, since the clock of timers is no finer.
            tokio::time::sleep_until(expires + Duration::from_millis(1)).await;
            if let Some(views) = views.upgrade() {
                views.lock().retain(|_, view| !is_expired(view));
            }
        });
    }

    /// A LIST of this workspace has just failed. For now that is the answer for all callers, whether or not they waited for it.
    pub(super) fn failed(&self, workspace: &WorkspaceId, error: &Error) {
        self.failures.insert(workspace, Instant::now(), error.clone());
    }

    /// The failure of a LIST that is no longer ago than this.
    pub(super) fn failure(&self, workspace: &WorkspaceId, max_age: Duration) -> Option<Error> {
        self.failures.get(workspace, Freshness::Within(max_age))
    }

    /// LIST of this workspace is refused, or cannot be used.
    pub(super) fn refused(&self, workspace: &WorkspaceId, began: Instant) {
        self.listings.insert(workspace, began, Listing::Refused);
        self.lock().remove(workspace);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Arc<View>>> {
        self.current.lock().expect("no thread panics while it holds the lock")
    }

    /// How many views there are.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.lock().len()
    }
}

fn is_expired(view: &View) -> bool {
    view.began().elapsed() > COMPUTE_TTL
}

#[cfg(test)]
mod tests;
