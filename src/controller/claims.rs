//! Which objects claim which compute, and which share a role assignment: kept by the watch, never scanned for.
//!
//! Of several objects that claim one compute, the oldest one gets it. Only an object that could act is a claimant: otherwise a
//! suspended one, or one without permissions in Azure, would block the compute indefinitely.

mod roles;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::watcher::Event;

use crate::api::SynapseSparkAttachment;
use crate::controller::key::{Key, key_of};
use crate::planner::Goal;
use crate::planner::goal::compute_of;
use crate::planner::roles::observed::PendingVerification;
use crate::planner::status::{is_called_invalid, is_identity_refused};
use crate::resource_id::ComputeId;
use roles::SharedRoles;

/// The older comes first. Within the same second, the order only has to be the same in all reconciles.
type Age = (Option<Timestamp>, Arc<str>);

/// What other objects imply for one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Others {
    /// The oldest claimant of the same compute, as `namespace/name`, if it is older than the object.
    pub older_claimant: Option<String>,
    /// The role assignments that the object relies on, and that are to be read again.
    pub pending_verification: Vec<PendingVerification>,
}

/// What an event of the watch changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Objects that are gone.
    pub gone: Vec<Key>,
    /// Objects that are to be reconciled, since another one has changed.
    pub to_requeue: Vec<Key>,
}

/// What is known of all objects.
#[derive(Debug, Default)]
pub struct Claims(Mutex<State>);

/// What one object claims.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Claim {
    compute: Arc<ComputeId>,
    age: Age,
    can_act: bool,
}

impl Claim {
    fn of(object: &SynapseSparkAttachment) -> Option<Self> {
        let age = (object.creation_timestamp().map(|time| time.0), object.uid().unwrap_or_default().into());
        Some(Self { compute: compute_of(object).ok()?.into(), age, can_act: can_act(object) })
    }
}

/// Whether an object could attach a compute, or detach the one that it has. As long as Azure has not answered, it could.
fn can_act(object: &SynapseSparkAttachment) -> bool {
    let is_ours = object.metadata.deletion_timestamp.is_none() || object.has_finalizer();
    let is_refused = object.status.as_ref().is_some_and(|status| is_identity_refused(status, object.metadata.generation));
    is_ours && !object.spec.suspend && !is_refused && Goal::of(object, "").is_ok_and(|goal| !has_transferred(object, &goal))
}

/// Whether an object has handed its compute over, or has none to hand over: until the finalizer is removed, or the status shows that
/// nothing of it can appear any more, it may still own the compute.
fn has_transferred(object: &SynapseSparkAttachment, goal: &Goal) -> bool {
    let has_none = object.status.as_ref().is_some_and(|status| is_called_invalid(status, object.metadata.generation));
    goal.is_transfer() && (has_none || !object.has_finalizer())
}

#[derive(Debug, Default)]
struct State {
    /// Those that can act.
    claimants: HashMap<Arc<ComputeId>, Claimants>,
    /// Every object; without a claim where its spec names no compute that Azure could have.
    objects: HashMap<Key, Option<Claim>>,
    roles: SharedRoles,
    /// The objects that the list of each scope has shown so far.
    listed: HashMap<Option<String>, HashSet<Key>>,
}

impl Claims {
    /// Processes an event of the watch of a scope: a namespace, or all.
    pub fn take_in(&self, scope: Option<&str>, event: &Event<SynapseSparkAttachment>) -> Changes {
        let owned = || scope.map(ToOwned::to_owned);
        // Work that takes time is done before the lock is taken.
        let read = match event {
            Event::Apply(object) | Event::InitApply(object) => Some((key_of(object), Claim::of(object), roles::of(object))),
            Event::Init | Event::InitDone | Event::Delete(_) => None,
        };
        let mut state = self.0.lock().expect("no holder panics");
        let is_listed = matches!(event, Event::InitApply(_));
        match (event, read) {
            (_, Some((key, claim, roles))) => {
                if !state.objects.contains_key(&key) {
                    state.roles.found(&key, &roles);
                }
                let mut to_requeue = state.claim(&key, claim);
                to_requeue.extend(state.roles.recorded(&key, roles));
                if is_listed {
                    state.listed.entry(owned()).or_default().insert(key);
                }
                Changes { gone: Vec::new(), to_requeue }
            }
            (Event::Delete(object), _) => state.forget(vec![key_of(object)]),
            (Event::InitDone, _) => {
                let listed = state.listed.remove(&owned()).unwrap_or_default();
                let is_of_scope = |key: &&Key| scope.is_none_or(|scope| key.namespace() == scope);
                let gone = state.objects.keys().filter(is_of_scope).filter(|key| !listed.contains(*key)).cloned().collect();
                state.forget(gone)
            }
            _ => {
                state.listed.insert(owned(), HashSet::new());
                Changes::default()
            }
        }
    }

    /// How other objects concern this one.
    #[must_use]
    pub fn others(&self, object: &SynapseSparkAttachment) -> Others {
        let (state, key) = (self.0.lock().expect("no holder panics"), key_of(object));
        let older = || {
            let claim = state.objects.get(&key)?.as_ref()?;
            let (age, oldest) = &state.claimants.get(&claim.compute)?.oldest;
            (*age < claim.age).then(|| oldest.to_string())
        };
        Others { older_claimant: older(), pending_verification: state.roles.pending(&key) }
    }

    /// The compute that the object of this key claims.
    pub(super) fn compute(&self, key: &Key) -> Option<Arc<ComputeId>> {
        let state = self.0.lock().expect("no holder panics");
        Some(state.objects.get(key)?.as_ref()?.compute.clone())
    }

    /// A user requests that all role assignments that this object relies on are read again.
    pub fn verify_all(&self, object: &SynapseSparkAttachment) {
        self.0.lock().expect("no holder panics").roles.verify_all(&key_of(object));
    }

    /// These verifications of this object are done. One that came up meanwhile stays.
    pub fn resolve(&self, object: &SynapseSparkAttachment, done: &[PendingVerification]) {
        self.0.lock().expect("no holder panics").roles.resolve(&key_of(object), done);
    }
}

/// The claimants of one compute. There is almost always one, so the others are stored separately.
#[derive(Debug)]
struct Claimants {
    oldest: (Age, Key),
    younger: BTreeMap<Age, Key>,
}

impl Claimants {
    /// Returns the claimant that is no longer the oldest.
    fn add(&mut self, new: (Age, Key)) -> Option<Key> {
        if self.oldest.0 < new.0 {
            self.younger.insert(new.0, new.1);
            return None;
        }
        let (age, key) = std::mem::replace(&mut self.oldest, new);
        self.younger.insert(age, key.clone());
        Some(key)
    }
}

impl State {
    /// Records what an object claims now. Returns the others that this concerns: the one that is now the oldest, and the one
    /// that is no longer.
    fn claim(&mut self, key: &Key, now: Option<Claim>) -> Vec<Key> {
        match self.objects.get(key) {
            Some(before) if *before == now => Vec::new(),
            _ => {
                let before = self.objects.insert(key.clone(), now.clone()).flatten();
                let mut concerned: Vec<_> = before.and_then(|claim| self.withdraw(&claim)).into_iter().collect();
                concerned.extend(now.and_then(|claim| self.enter(key, claim)));
                concerned.retain(|one| one != key);
                concerned
            }
        }
    }

    /// Returns the claimant that is no longer the oldest.
    fn enter(&mut self, key: &Key, claim: Claim) -> Option<Key> {
        if !claim.can_act {
            return None;
        }
        let new = (claim.age, key.clone());
        match self.claimants.entry(claim.compute) {
            Entry::Occupied(mut known) => known.get_mut().add(new),
            Entry::Vacant(unclaimed) => {
                unclaimed.insert(Claimants { oldest: new, younger: BTreeMap::new() });
                None
            }
        }
    }

    /// Returns the claimant that is now the oldest.
    fn withdraw(&mut self, claim: &Claim) -> Option<Key> {
        let claimants = self.claimants.get_mut(&claim.compute)?;
        if claimants.oldest.0 != claim.age {
            claimants.younger.remove(&claim.age);
            return None;
        }
        let Some(next) = claimants.younger.pop_first() else {
            self.claimants.remove(&claim.compute);
            return None;
        };
        claimants.oldest = next;
        Some(claimants.oldest.1.clone())
    }

    fn forget(&mut self, gone: Vec<Key>) -> Changes {
        let mut to_requeue = Vec::new();
        for key in &gone {
            to_requeue.extend(self.roles.forget(key));
            let claim = self.objects.remove(key).flatten();
            to_requeue.extend(claim.and_then(|claim| self.withdraw(&claim)));
        }
        Changes { gone, to_requeue }
    }
}

#[cfg(test)]
mod tests;
