//! How many computes of each workspace are missing: counted with each observation and each LIST, never scanned for. What one
//! identity may not read is not missing for another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::api::SynapseSparkAttachment;
use crate::azure::View;
use crate::controller::group::Group;
use crate::controller::key::{Key, key_of};
use crate::planner::brake::Losses;
use crate::planner::goal::compute_of;
use crate::planner::{Finding, Observed, Ownership};

/// What the last observation of an attached compute showed, its own or a LIST.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Instant,
    is_missing: bool,
    /// Whether its object would attach it again.
    is_wanted: bool,
}

/// The attached compute of an object.
#[derive(Debug)]
struct Place {
    group: Arc<Group>,
    compute: Box<str>,
}

/// The attached computes of a group, by name in lower case.
#[derive(Debug, Default)]
struct Attached {
    computes: HashMap<Box<str>, Seen>,
    losses: Losses,
}

#[derive(Debug, Default)]
struct State {
    objects: HashMap<Key, Place>,
    groups: HashMap<Arc<Group>, Attached>,
}

/// The losses of all workspaces. The watch removes objects that are gone.
#[derive(Debug, Default)]
pub(crate) struct Workspaces(Mutex<State>);

impl Workspaces {
    /// Records an observation of an object's compute. Returns the losses of the object's workspace.
    pub(crate) fn observe(&self, object: &SynapseSparkAttachment, seen: &Observed) -> Losses {
        let (mut state, key) = (self.lock(), key_of(object));
        let Some(group) = Group::of(object) else { return Losses::default() };
        if !matches!(seen.compute, Finding::Unknown(_)) {
            state.remove(&key);
            // A deleted or suspended object is not attached again, so its compute is not lost; nor is one that the operator
            // itself detaches.
            let is_wanted =
                object.metadata.deletion_timestamp.is_none() && !object.spec.suspend && seen.accepted_detach().is_none();
            let is_missing = seen.is_missing() && is_wanted;
            let is_attached = seen.compute.present().is_some_and(|compute| compute.owner == Ownership::Ours);
            if let (true, Ok(id)) = (is_missing || is_attached, compute_of(object)) {
                let name = id.name().to_ascii_lowercase().into_boxed_str();
                state.insert(key, (group.clone(), name), Seen { at: Instant::now(), is_missing, is_wanted });
            }
        }
        state.groups.get(&group).map(|attached| attached.losses).unwrap_or_default()
    }

    /// Records a LIST. A compute that it lacks counts as missing until a GET shows it: a LIST does not prove the absence of
    /// a single compute, but if it lacks many, none of them is attached again.
    pub(super) fn listed(&self, group: &Group, view: &View) {
        let mut state = self.lock();
        let Some(attached) = state.groups.get_mut(group) else { return };
        // Observations after the LIST began are more recent.
        for (name, seen) in attached.computes.iter_mut().filter(|(_, seen)| seen.at <= view.began()) {
            if let Some(is_shown) = view.shows(name) {
                seen.is_missing = seen.is_wanted && !is_shown;
            }
        }
        attached.losses.missing = attached.computes.values().filter(|seen| seen.is_missing).count();
    }

    /// The object is gone, or its compute is being detached.
    pub(crate) fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each count is updated with its map within one call, and no call panics in between.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn insert(&mut self, key: Key, (group, compute): (Group, Box<str>), seen: Seen) {
        let group = self.groups.get_key_value(&group).map_or_else(|| Arc::new(group), |(known, _)| known.clone());
        let attached = self.groups.entry(group.clone()).or_default();
        attached.remove(&compute);
        attached.losses.attached += 1;
        attached.losses.missing += usize::from(seen.is_missing);
        attached.computes.insert(compute.clone(), seen);
        self.objects.insert(key, Place { group, compute });
    }

    fn remove(&mut self, key: &Key) {
        let Some(Place { group, compute }) = self.objects.remove(key) else { return };
        if let Some(attached) = self.groups.get_mut(&group) {
            attached.remove(&compute);
            if attached.computes.is_empty() {
                self.groups.remove(&group);
            }
        }
    }
}

impl Attached {
    fn remove(&mut self, compute: &str) {
        if let Some(seen) = self.computes.remove(compute) {
            self.losses.attached -= 1;
            self.losses.missing -= usize::from(seen.is_missing);
        }
    }
}

#[cfg(test)]
mod tests;
