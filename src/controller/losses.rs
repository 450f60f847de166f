//! How many computes of each workspace are missing: counted with each observation, never scanned for. What one identity may not
//! read is not missing for another.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::api::SynapseSparkAttachment;
use crate::controller::group::Group;
use crate::controller::key::{Key, key_of};
use crate::planner::brake::Losses;
use crate::planner::{Finding, Observed, Ownership};

/// What the last observation of an object's compute showed.
#[derive(Debug)]
struct Seen {
    group: Group,
    is_missing: bool,
}

#[derive(Debug, Default)]
struct State {
    objects: HashMap<Key, Seen>,
    groups: HashMap<Group, Losses>,
}

/// The losses of all workspaces. The watch removes objects that are gone.
#[derive(Debug, Default)]
pub(crate) struct Workspaces(Mutex<State>);

impl Workspaces {
    /// Takes in an observation. Gives the losses of the object's workspace.
    pub(crate) fn observe(&self, object: &SynapseSparkAttachment, seen: &Observed) -> Losses {
        let (mut state, key) = (self.lock(), key_of(object));
        let Some(group) = Group::of(object) else { return Losses::default() };
        if !matches!(seen.compute, Finding::Unknown(_)) {
            state.remove(&key);
            // What is deleted or suspended is not attached again, so it is no loss.
            let is_wanted = object.metadata.deletion_timestamp.is_none() && !object.spec.suspend;
            let is_missing = seen.is_missing() && is_wanted;
            if is_missing || seen.compute.present().is_some_and(|compute| compute.owner == Ownership::Ours) {
                state.insert(key, Seen { group: group.clone(), is_missing });
            }
        }
        state.groups.get(&group).copied().unwrap_or_default()
    }

    /// The object is gone.
    pub(crate) fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each count follows the map of objects within one call, and no call panics in between.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn insert(&mut self, key: Key, seen: Seen) {
        let losses = self.groups.entry(seen.group.clone()).or_default();
        losses.attached += 1;
        losses.missing += usize::from(seen.is_missing);
        self.objects.insert(key, seen);
    }

    fn remove(&mut self, key: &Key) {
        let Some(seen) = self.objects.remove(key) else { return };
        if let Some(losses) = self.groups.get_mut(&seen.group) {
            losses.attached -= 1;
            losses.missing -= usize::from(seen.is_missing);
            if losses.attached == 0 {
                self.groups.remove(&seen.group);
            }
        }
    }
}
