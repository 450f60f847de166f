//! How many reconciles run at the same time.
//!
//! A reconcile that takes long waits for an answer of Azure. If it kept its slot, one workspace that does not answer would block
//! the objects of all others. So its slot is given to another one after a while. If many reconciles that depend on the same
//! workspaces are already waiting, no more begin.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::api::SynapseSparkAttachment;
use crate::planner::goal::compute_of;
use crate::resource_id::{PoolId, WorkspaceId};

/// A reconcile that takes longer waits, and no longer counts.
const SLOT_TIME: Duration = Duration::from_secs(2);
/// The factor by which more reconciles may run if those that wait are included.
const WAITING_FACTOR: u16 = 8;
/// If this many reconciles wait that depend on the same two workspaces, no other begins: these notice when the workspaces answer
/// again.
const CROWD: usize = 8;
/// The same for one workspace of the two, as a part of all that may run. It is more: the others may depend on another workspace
/// that does answer.
const CROWD_OF_ONE: usize = 4;

/// The slots of all namespaces together.
pub(super) struct Slots {
    count: u16,
    free: Semaphore,
    /// How many reconciles have given their slots away.
    waiting: Mutex<HashMap<Counted, usize>>,
}

/// The parts of Azure that a reconcile depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dependencies {
    /// The Machine Learning workspace; none if the spec names none that Azure could have.
    workspace: Option<WorkspaceId>,
    /// The Synapse workspace, or the linked service that names it; in lower case.
    synapse: Option<String>,
}

/// What is counted of those that wait.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Counted {
    Workspace(WorkspaceId),
    Synapse(String),
    Both(WorkspaceId, String),
}

impl Dependencies {
    pub(super) fn of(object: &SynapseSparkAttachment) -> Self {
        let pool = object.spec.resource_id.as_deref().and_then(|id| PoolId::parse(id).ok());
        let link = object.spec.linked_service.as_ref().map(|link| link.name.to_ascii_lowercase());
        let workspace = compute_of(object).ok().map(|compute| compute.workspace().clone());
        Self { workspace, synapse: pool.map(|pool| pool.workspace_name().to_ascii_lowercase()).or(link) }
    }

    fn counted(&self) -> impl Iterator<Item = Counted> {
        let Self { workspace, synapse } = self.clone();
        let both = workspace.clone().zip(synapse.clone()).map(|(workspace, synapse)| Counted::Both(workspace, synapse));
        [workspace.map(Counted::Workspace), synapse.map(Counted::Synapse), both].into_iter().flatten()
    }
}

/// The slot of one reconcile. It is free when this is dropped.
pub(super) struct Slot<'a> {
    slots: &'a Slots,
    permit: SemaphorePermit<'a>,
}

/// A reconcile that waits without a slot.
struct Place<'a>(&'a Slots, Dependencies);

impl Slots {
    pub(super) fn new(count: u16) -> Self {
        Self { count, free: Semaphore::new(count.into()), waiting: Mutex::default() }
    }

    /// How many reconciles may run, those that wait among them.
    pub(super) const fn most_running(&self) -> u16 {
        self.count.saturating_mul(WAITING_FACTOR)
    }

    pub(super) async fn acquire(&self) -> Slot<'_> {
        let permit = self.free.acquire().await.expect("the semaphore is never closed");
        Slot { slots: self, permit }
    }

    /// Whether too many reconciles wait for another one with these dependencies to begin.
    pub(super) fn is_crowded(&self, dependencies: &Dependencies) -> bool {
        let (waiting, of_one) = (self.lock(), usize::from(self.most_running()) / CROWD_OF_ONE);
        dependencies.counted().any(|counted| {
            let crowd = if matches!(counted, Counted::Both(..)) { CROWD } else { of_one };
            waiting.get(&counted).is_some_and(|count| *count >= crowd)
        })
    }

    fn wait(&self, dependencies: Dependencies) -> Place<'_> {
        let mut waiting = self.lock();
        for counted in dependencies.counted() {
            *waiting.entry(counted).or_default() += 1;
        }
        Place(self, dependencies)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Counted, usize>> {
        self.waiting.lock().expect("no thread panics while it holds the lock")
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        for counted in self.1.counted() {
            if let Entry::Occupied(mut count) = waiting.entry(counted) {
                *count.get_mut() -= 1;
                if *count.get() == 0 {
                    count.remove();
                }
            }
        }
    }
}

impl Slot<'_> {
    /// Runs a reconcile in this slot. Another one gets the slot if this one takes long.
    pub(super) async fn run<T>(self, dependencies: Dependencies, mut reconcile: impl Future<Output = T> + Unpin) -> T {
        if let Ok(ended) = timeout(SLOT_TIME, &mut reconcile).await {
            return ended;
        }
        drop(self.permit);
        let _place = self.slots.wait(dependencies);
        reconcile.await
    }
}
