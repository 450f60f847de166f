//! Which objects ask for which compute: kept by the watch, never scanned for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::Event;

use crate::api::SynapseSparkAttachment;
use crate::id::ComputeId;
use crate::plan::Goal;

type Key = ObjectRef<SynapseSparkAttachment>;
/// The older comes first; of the same second, any order that all passes agree on.
type Age = (Option<Timestamp>, String);

/// The index.
#[derive(Debug, Default)]
pub struct Index(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    askers: HashMap<ComputeId, BTreeMap<Age, Key>>,
    /// Every object; without what it asks for, where its spec asks for what cannot be.
    asked: HashMap<Key, Option<(ComputeId, Age)>>,
    listed: HashMap<Option<String>, HashSet<Key>>,
}

impl Index {
    /// Takes in an event of the watch. Gives the objects that are gone, and the ones that may now be the oldest.
    ///
    /// `scope` is the namespace that is watched; none: all.
    pub fn take_in(&self, scope: Option<&str>, event: &Event<SynapseSparkAttachment>) -> (Vec<Key>, Vec<Key>) {
        let mut state = self.0.lock().expect("no holder panics");
        match event {
            Event::Init => {
                state.listed.insert(scope.map(ToOwned::to_owned), HashSet::new());
                (Vec::new(), Vec::new())
            }
            Event::InitApply(object) => {
                let key = state.insert(object);
                state.listed.entry(scope.map(ToOwned::to_owned)).or_default().insert(key);
                (Vec::new(), Vec::new())
            }
            Event::InitDone => {
                let listed = state.listed.remove(&scope.map(ToOwned::to_owned)).unwrap_or_default();
                let is_of_scope = |key: &&Key| scope.is_none() || key.namespace.as_deref() == scope;
                let gone: Vec<_> = state.asked.keys().filter(is_of_scope).filter(|key| !listed.contains(*key)).cloned().collect();
                let heirs = gone.iter().flat_map(|key| state.remove(key)).collect();
                (gone, heirs)
            }
            Event::Apply(object) => {
                state.insert(object);
                (Vec::new(), Vec::new())
            }
            Event::Delete(object) => {
                let key = ObjectRef::from_obj(object);
                let heirs = state.remove(&key);
                (vec![key], heirs)
            }
        }
    }

    /// The older object that asks for the same compute, as `namespace/name`.
    #[must_use]
    pub fn elder(&self, object: &SynapseSparkAttachment) -> Option<String> {
        let state = self.0.lock().expect("no holder panics");
        let (compute, age) = state.asked.get(&ObjectRef::from_obj(object))?.as_ref()?;
        let (eldest, key) = state.askers.get(compute)?.first_key_value()?;
        (eldest < age).then(|| format!("{}/{}", key.namespace.as_deref().unwrap_or_default(), key.name))
    }
}

impl State {
    fn insert(&mut self, object: &SynapseSparkAttachment) -> Key {
        let key = ObjectRef::from_obj(object);
        self.remove(&key);
        // Only the compute is of interest: a deletion asks for it in the same words, and needs no valid spec.
        let mut dying = object.clone();
        dying
            .metadata
            .deletion_timestamp
            .get_or_insert(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH));
        let asks = Goal::of(&dying, "").ok().and_then(|goal| goal.compute().cloned()).map(|compute| {
            let age = (object.creation_timestamp().map(|time| time.0), object.uid().unwrap_or_default());
            self.askers.entry(compute.clone()).or_default().insert(age.clone(), key.clone());
            (compute, age)
        });
        self.asked.insert(key.clone(), asks);
        key
    }

    fn remove(&mut self, key: &Key) -> Vec<Key> {
        let Some((compute, age)) = self.asked.remove(key).flatten() else { return Vec::new() };
        let Some(askers) = self.askers.get_mut(&compute) else { return Vec::new() };
        askers.remove(&age);
        if askers.is_empty() {
            self.askers.remove(&compute);
            return Vec::new();
        }
        askers.values().next().cloned().into_iter().collect()
    }
}
