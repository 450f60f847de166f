//! Which objects ask for which compute, and which share a role: kept by the watch, never scanned for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::Event;

use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::RoleAssignmentStatus;
use crate::planner::role::{Doubt, is_made_by};
use crate::planner::{Assignment, Goal};
use crate::resource_id::ComputeId;

type Key = ObjectRef<SynapseSparkAttachment>;
/// The older comes first; of the same second, any order that all passes agree on.
type Age = (Option<Timestamp>, String);

/// What others have to do with an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Others {
    /// The older object that asks for the same compute, as `namespace/name`.
    pub elder: Option<String>,
    /// Whether roles that this object relies on are still there.
    pub doubts: Vec<Doubt>,
}

/// The index.
#[derive(Debug, Default)]
pub struct Index(Mutex<State>);

/// A role that a status remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Remembered {
    /// In lower case.
    assignment: Assignment,
    id: String,
    /// The object made it, or may have.
    is_made: bool,
    /// Another made it, or may have.
    relies: bool,
}

impl Remembered {
    fn of(object_uid: &str, role: &RoleAssignmentStatus) -> Self {
        let is_own = is_made_by(object_uid, role) && !role.existed;
        Self {
            assignment: Assignment::from(role).folded(),
            id: role.assignment_id.clone(),
            is_made: is_own && !role.refused,
            relies: !(role.refused || is_own && role.granted_at.is_some()),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    askers: HashMap<ComputeId, BTreeMap<Age, Key>>,
    /// Every object; without what it asks for, where its spec asks for what cannot be.
    asked: HashMap<Key, Option<(ComputeId, Age)>>,
    /// What each status remembers of roles.
    roles: HashMap<Key, Vec<Remembered>>,
    /// Who relies on a role that another made: Synapse keeps one assignment, whoever wants it.
    relying: HashMap<Assignment, HashSet<Key>>,
    /// Of objects that rely on one that was taken back, until they have looked.
    doubts: HashMap<Key, Vec<Doubt>>,
    doubted: u64,
    listed: HashMap<Option<String>, HashSet<Key>>,
}

impl Index {
    /// Takes in an event of the watch. Gives the objects that are gone, and the ones that have to look again: they may now be
    /// the oldest, or have lost a role that they shared.
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
                let (key, sharers) = state.insert(object);
                state.listed.entry(scope.map(ToOwned::to_owned)).or_default().insert(key);
                (Vec::new(), sharers)
            }
            Event::InitDone => {
                let listed = state.listed.remove(&scope.map(ToOwned::to_owned)).unwrap_or_default();
                let is_of_scope = |key: &&Key| scope.is_none() || key.namespace.as_deref() == scope;
                let gone: Vec<_> = state.asked.keys().filter(is_of_scope).filter(|key| !listed.contains(*key)).cloned().collect();
                let heirs = gone.iter().flat_map(|key| state.forget(key)).collect();
                (gone, heirs)
            }
            Event::Apply(object) => (Vec::new(), state.insert(object).1),
            Event::Delete(object) => {
                let key = ObjectRef::from_obj(object);
                let heirs = state.forget(&key);
                (vec![key], heirs)
            }
        }
    }

    /// What others have to do with an object.
    #[must_use]
    pub fn others(&self, object: &SynapseSparkAttachment) -> Others {
        let (state, key) = (self.0.lock().expect("no holder panics"), ObjectRef::from_obj(object));
        let elder = || {
            let (compute, age) = state.asked.get(&key)?.as_ref()?;
            let (eldest, key) = state.askers.get(compute)?.first_key_value()?;
            (eldest < age).then(|| format!("{}/{}", key.namespace.as_deref().unwrap_or_default(), key.name))
        };
        Others { elder: elder(), doubts: state.doubts.get(&key).cloned().unwrap_or_default() }
    }

    /// Somebody asks whether all that this object relies on is still there.
    pub fn doubt_all(&self, object: &SynapseSparkAttachment) {
        let (mut state, key) = (self.0.lock().expect("no holder panics"), ObjectRef::from_obj(object));
        let roles = state.roles.get(&key).cloned().unwrap_or_default();
        for role in roles.into_iter().filter(|role| role.relies) {
            state.doubt(&key, role.assignment, None);
        }
    }

    /// These doubts of this object are over. One that came meanwhile stays.
    pub fn are_over(&self, object: &SynapseSparkAttachment, over: &[Doubt]) {
        let (mut state, key) = (self.0.lock().expect("no holder panics"), ObjectRef::from_obj(object));
        if let Some(doubts) = state.doubts.get_mut(&key) {
            doubts.retain(|doubt| over.iter().all(|over| over.number != doubt.number));
        }
        if state.doubts.get(&key).is_some_and(Vec::is_empty) {
            state.doubts.remove(&key);
        }
    }
}

impl State {
    /// Gives its key, and those with whom it shared a role.
    fn insert(&mut self, object: &SynapseSparkAttachment) -> (Key, Vec<Key>) {
        let key = ObjectRef::from_obj(object);
        self.remove(&key);
        // Only the compute is of interest: a deletion asks for it in the same words, and needs no valid spec.
        let mut dying = object.clone();
        dying
            .metadata
            .deletion_timestamp
            .get_or_insert(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH));
        let uid = object.uid().unwrap_or_default();
        let asks = Goal::of(&dying, "").ok().and_then(|goal| goal.compute().cloned()).map(|compute| {
            let age = (object.creation_timestamp().map(|time| time.0), uid.clone());
            self.askers.entry(compute.clone()).or_default().insert(age.clone(), key.clone());
            (compute, age)
        });
        self.asked.insert(key.clone(), asks);
        let roles = object.status.iter().flat_map(|status| &status.role_assignments);
        let sharers = self.remembers(&key, roles.map(|one| Remembered::of(&uid, one)).collect());
        (key, sharers)
    }

    /// Takes in what an object's status remembers now. Gives those that rely on what it made and has taken back.
    fn remembers(&mut self, key: &Key, now: Vec<Remembered>) -> Vec<Key> {
        let before = self.roles.remove(key).unwrap_or_default();
        for role in before.iter().filter(|role| role.relies) {
            if let Some(relying) = self.relying.get_mut(&role.assignment) {
                relying.remove(key);
            }
            if self.relying.get(&role.assignment).is_some_and(HashSet::is_empty) {
                self.relying.remove(&role.assignment);
            }
        }
        for role in now.iter().filter(|role| role.relies) {
            self.relying.entry(role.assignment.clone()).or_default().insert(key.clone());
        }
        let mut sharers = Vec::new();
        let is_gone = |role: &&Remembered| now.iter().all(|one| one.assignment != role.assignment);
        for role in before.iter().filter(|role| role.is_made).filter(is_gone) {
            for sharer in self.relying.get(&role.assignment).cloned().unwrap_or_default() {
                self.doubt(&sharer, role.assignment.clone(), Some(role.id.clone()));
                sharers.push(sharer);
            }
        }
        if !now.is_empty() {
            self.roles.insert(key.clone(), now);
        }
        sharers
    }

    fn doubt(&mut self, key: &Key, assignment: Assignment, taken_back: Option<String>) {
        self.doubted += 1;
        let doubts = self.doubts.entry(key.clone()).or_default();
        // One of each role: the last, which knows most.
        let known = doubts.iter().position(|doubt| doubt.assignment == assignment).map(|at| doubts.swap_remove(at));
        let taken_back = taken_back.or_else(|| known.and_then(|known| known.taken_back));
        doubts.push(Doubt { assignment, taken_back, number: self.doubted });
    }

    /// The object is gone. Gives those that have to look again.
    fn forget(&mut self, key: &Key) -> Vec<Key> {
        self.doubts.remove(key);
        let mut heirs = self.remembers(key, Vec::new());
        heirs.extend(self.remove(key));
        heirs
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::{AttachmentStatus, SynapseSparkAttachmentSpec};

    fn uid(name: &str) -> String {
        format!("00000000-0000-4000-8000-{:0>12}", name.len())
    }

    /// An object whose status has one role, and who granted it: the object itself, another, or nobody, if it has none.
    fn object(name: &str, maker: Option<&str>) -> SynapseSparkAttachment {
        // Azure tells no cases apart.
        let scope = if name == "maker" { "workspaces/w" } else { "workspaces/W" };
        let role = Assignment { role: "r".into(), principal: "p".into(), scope: scope.into() };
        let at = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH);
        let held = maker.map(|maker| role.remembered(role.id(&uid(maker)), Some(at), false));
        let mut object = SynapseSparkAttachment::new(name, SynapseSparkAttachmentSpec::default());
        object.metadata.namespace = Some("n".into());
        object.metadata.uid = Some(uid(name));
        object.status = Some(AttachmentStatus { role_assignments: held.into_iter().collect(), ..AttachmentStatus::default() });
        object
    }

    fn id_of(object: &SynapseSparkAttachment) -> String {
        object.status.as_ref().expect("it has a status").role_assignments[0].assignment_id.clone()
    }

    fn names(keys: Vec<Key>) -> Vec<String> {
        let mut names: Vec<_> = keys.into_iter().map(|key| key.name).collect();
        names.sort();
        names
    }

    #[test]
    fn who_shares_a_role_is_told_when_its_maker_takes_it_back() {
        let mut of_another = object("another", Some("another"));
        if let Some(status) = of_another.status.as_mut() {
            status.role_assignments[0].principal_id = "q".into();
        }
        let mut refused = object("refused", Some("refused"));
        if let Some(status) = refused.status.as_mut() {
            let role = &mut status.role_assignments[0];
            (role.granted_at, role.refused) = (None, true);
        }
        #[rustfmt::skip]
        let table = [
            // case                               event                                           who looks again
            ("the maker took it back",            Event::Apply(object("maker", None)),            vec!["sharer"]),
            ("the maker is gone",                 Event::Delete(object("maker", Some("maker"))),  vec!["sharer"]),
            ("the maker told something else",     Event::Apply(object("maker", Some("maker"))),   vec![]),
            ("a sharer does not want it",         Event::Apply(object("sharer", None)),           vec![]),
            ("a sharer is gone",                  Event::Delete(object("sharer", Some("maker"))), vec![]),
            ("of another principal it is another", Event::Delete(of_another.clone()),             vec![]),
            ("one that was refused is gone",      Event::Delete(refused.clone()),                 vec![]),
        ];
        for (case, event, looks) in table {
            let index = Index::default();
            let all = [object("maker", Some("maker")), object("sharer", Some("maker")), of_another.clone(), refused.clone()];
            for event in all.map(Event::Apply) {
                assert_eq!(index.take_in(None, &event).1, [], "{case}: nothing was taken back yet");
            }
            assert_eq!(names(index.take_in(None, &event).1), looks, "{case}");
            let sharer = object("sharer", Some("maker"));
            let doubts = index.others(&sharer).doubts;
            assert_eq!(doubts.len(), looks.len(), "{case}");
            assert!(doubts.iter().all(|doubt| doubt.taken_back == Some(id_of(&object("maker", Some("maker"))))), "{case}");
        }
    }

    #[test]
    fn a_list_without_the_maker_tells_too() {
        let index = Index::default();
        let list = |objects: &[&SynapseSparkAttachment]| {
            let all = objects.iter().map(|object| Event::InitApply((*object).clone()));
            let events: Vec<_> = [Event::Init].into_iter().chain(all).chain([Event::InitDone]).collect();
            events.iter().flat_map(|event| names(index.take_in(None, event).1)).collect::<Vec<_>>()
        };
        let (maker, sharer) = (object("maker", Some("maker")), object("sharer", Some("maker")));
        assert_eq!(list(&[&maker, &sharer]), [""; 0]);
        assert_eq!(list(&[&maker, &sharer]), [""; 0]);
        assert_eq!(list(&[&sharer]), ["sharer"]);
        assert_eq!(list(&[&sharer]), [""; 0], "once");
    }

    #[test]
    fn a_doubt_that_comes_during_a_look_outlives_it() {
        let index = Index::default();
        let sharer = object("sharer", Some("maker"));
        let doubt = || {
            for event in [Event::Apply(object("maker", Some("maker"))), Event::Apply(object("maker", None))] {
                index.take_in(None, &event);
            }
            index.others(&sharer).doubts
        };
        index.take_in(None, &Event::Apply(sharer.clone()));
        let first = doubt();
        let second = doubt();
        index.are_over(&sharer, &first);
        assert_eq!(index.others(&sharer).doubts, second);
        index.are_over(&sharer, &second);
        assert_eq!(index.others(&sharer).doubts, []);
        index.take_in(None, &Event::Delete(sharer));
        assert_eq!(index.0.lock().expect("no holder panics").relying, HashMap::new(), "nothing is kept of who is gone");
    }
}
