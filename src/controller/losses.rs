//! How many computes of each workspace are missing: counted with each observation, never scanned for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::ResourceExt;

use crate::api::SynapseSparkAttachment;
use crate::controller::key::{Key, key_of};
use crate::planner::brake::Losses;
use crate::planner::{Finding, Goal, Observed, Ownership};
use crate::resource_id::WorkspaceId;

/// A workspace as one identity sees it: what one identity may not read is not missing for another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    workspace: WorkspaceId,
    /// Namespace and name of the ServiceAccount, unless the operator's own identity is used.
    account: Option<(String, String)>,
}

impl Place {
    fn of(object: &SynapseSparkAttachment, goal: &Goal) -> Option<Self> {
        let workspace = goal.compute()?.workspace().clone();
        let account = object.spec.service_account_name.clone();
        Some(Self { workspace, account: account.map(|name| (object.namespace().unwrap_or_default(), name)) })
    }
}

/// What the last observation of an object's compute showed.
#[derive(Debug)]
struct Seen {
    place: Place,
    is_missing: bool,
}

#[derive(Debug, Default)]
struct State {
    objects: HashMap<Key, Seen>,
    places: HashMap<Place, Losses>,
}

/// The losses of all workspaces. The watch removes objects that are gone.
#[derive(Debug, Default)]
pub(crate) struct Workspaces(Mutex<State>);

impl Workspaces {
    /// Takes in an observation. Gives the losses of the object's workspace.
    pub(crate) fn observe(&self, object: &SynapseSparkAttachment, goal: &Goal, seen: &Observed) -> Losses {
        let (mut state, key) = (self.lock(), key_of(object));
        let Some(place) = Place::of(object, goal) else { return Losses::default() };
        if !matches!(seen.compute, Finding::Unknown(_)) {
            state.remove(&key);
            let is_missing = seen.is_missing();
            if is_missing || seen.compute.present().is_some_and(|compute| compute.owner == Ownership::Ours) {
                state.insert(key, Seen { place: place.clone(), is_missing });
            }
        }
        state.places.get(&place).copied().unwrap_or_default()
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
        let losses = self.places.entry(seen.place.clone()).or_default();
        losses.attached += 1;
        losses.missing += usize::from(seen.is_missing);
        self.objects.insert(key, seen);
    }

    fn remove(&mut self, key: &Key) {
        let Some(seen) = self.objects.remove(key) else { return };
        if let Some(losses) = self.places.get_mut(&seen.place) {
            losses.attached -= 1;
            losses.missing -= usize::from(seen.is_missing);
            if losses.attached == 0 {
                self.places.remove(&seen.place);
            }
        }
    }
}
