//! The events of several watches of one resource as those of one watch.
//!
//! The first lists are one list, which ends with the last of them. A later list of one watch must not be taken for the end of
//! another's objects: it is turned into changes.

use std::collections::{HashMap, HashSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::runtime::watcher::Event;

/// Namespace and name.
type Id = (Box<str>, Box<str>);

/// What several watches have shown.
pub(super) struct Merged<K> {
    watches: Vec<Shown>,
    is_begun: bool,
    /// Until all first lists have ended: the objects that are gone again.
    gone: HashMap<Id, K>,
    /// An object of which only the metadata is known.
    named: fn(ObjectMeta) -> K,
}

/// What one watch has shown.
#[derive(Default)]
struct Shown {
    /// The objects that it shows, each with its resource version.
    known: HashMap<Id, u64>,
    /// The objects of a list that has not ended.
    listed: HashSet<Id>,
    has_listed: bool,
}

fn id_of(meta: &ObjectMeta) -> Id {
    let part = |text: &Option<String>| text.as_deref().unwrap_or_default().into();
    (part(&meta.namespace), part(&meta.name))
}

/// The API server's resource versions of one resource grow as numbers.
/// Source: <https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>.
fn version_of(meta: &ObjectMeta) -> u64 {
    meta.resource_version.as_deref().and_then(|version| version.parse().ok()).unwrap_or_default()
}

impl<K: Resource> Merged<K> {
    pub(super) fn of(watches: usize, named: fn(ObjectMeta) -> K) -> Self {
        let watches = std::iter::repeat_with(Shown::default).take(watches).collect();
        Self { watches, is_begun: false, gone: HashMap::new(), named }
    }

    /// The events of the merged watch for an event of one of them.
    pub(super) fn take_in(&mut self, watch: usize, event: Event<K>) -> Vec<Event<K>> {
        match event {
            Event::Init => {
                self.watches[watch].listed.clear();
                if std::mem::replace(&mut self.is_begun, true) { Vec::new() } else { vec![Event::Init] }
            }
            Event::InitApply(object) => {
                self.watches[watch].listed.insert(id_of(object.meta()));
                self.applied(watch, object)
            }
            Event::InitDone => self.listed(watch),
            Event::Apply(object) => self.applied(watch, object),
            Event::Delete(object) => self.deleted(watch, object),
        }
    }

    fn applied(&mut self, watch: usize, object: K) -> Vec<Event<K>> {
        let (id, version) = (id_of(object.meta()), version_of(object.meta()));
        let is_older = |other: &Shown| other.known.get(&id).is_some_and(|known| *known > version);
        // It was created again with another subscription, whose watch is ahead of this one.
        let is_outdated = self.watches.iter().any(is_older);
        if !is_outdated {
            self.gone.remove(&id);
        }
        self.watches[watch].known.insert(id, version);
        if is_outdated {
            return Vec::new();
        }
        // The store shows what is listed once the list has ended, and nothing else.
        vec![if self.all_listed() { Event::Apply(object) } else { Event::InitApply(object) }]
    }

    fn deleted(&mut self, watch: usize, object: K) -> Vec<Event<K>> {
        let id = id_of(object.meta());
        self.watches[watch].known.remove(&id);
        // It was created again with another subscription, and the watch of that subscription was faster.
        if self.watches.iter().any(|other| other.known.contains_key(&id)) {
            return Vec::new();
        }
        if self.all_listed() {
            return vec![Event::Delete(object)];
        }
        self.gone.insert(id, object);
        Vec::new()
    }

    /// A list of one watch has ended.
    fn listed(&mut self, watch: usize) -> Vec<Event<K>> {
        let was_first = !self.all_listed();
        let shown = &mut self.watches[watch];
        let listed = std::mem::take(&mut shown.listed);
        let missing: Vec<_> = shown.known.keys().filter(|id| !listed.contains(*id)).cloned().collect();
        let named = self.named;
        let mut events: Vec<_> = missing
            .into_iter()
            .flat_map(|(namespace, name)| {
                let (namespace, name) = (Some(namespace.into()), Some(name.into()));
                self.deleted(watch, named(ObjectMeta { namespace, name, ..ObjectMeta::default() }))
            })
            .collect();
        self.watches[watch].has_listed = true;
        if was_first && self.all_listed() {
            events.push(Event::InitDone);
            events.extend(self.gone.drain().map(|(_, object)| Event::Delete(object)));
        }
        events
    }

    fn all_listed(&self) -> bool {
        self.watches.iter().all(|watch| watch.has_listed)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;

    use super::*;

    fn named(metadata: ObjectMeta) -> ConfigMap {
        ConfigMap { metadata, ..ConfigMap::default() }
    }

    /// A name of one letter, and a resource version.
    fn object(text: &str) -> ConfigMap {
        let (name, version) = text.split_at(1);
        named(ObjectMeta { name: Some(name.to_owned()), resource_version: Some(version.to_owned()), ..ObjectMeta::default() })
    }

    /// An event as text: `I`nit, `i`nit apply, `D`one, `+` apply, `-` delete.
    fn event(text: &str) -> Event<ConfigMap> {
        match text.split_at(1) {
            ("I", _) => Event::Init,
            ("i", name) => Event::InitApply(object(name)),
            ("D", _) => Event::InitDone,
            ("+", name) => Event::Apply(object(name)),
            (_, name) => Event::Delete(object(name)),
        }
    }

    fn text(event: &Event<ConfigMap>) -> String {
        let name = |object: &ConfigMap| object.metadata.name.clone().unwrap_or_default();
        match event {
            Event::Init => "I".to_owned(),
            Event::InitApply(object) => format!("i{}", name(object)),
            Event::InitDone => "D".to_owned(),
            Event::Apply(object) => format!("+{}", name(object)),
            Event::Delete(object) => format!("-{}", name(object)),
        }
    }

    #[test]
    fn several_watches_are_shown_as_one() {
        #[rustfmt::skip]
        let table = [
            ("the last first list ends all",      "0I 0ia 1I 0D 1ib 1D",              "I ia ib D"),
            ("a change before that is listed",    "0I 0ia 0D 0+a 0+c 1I 1D",          "I ia ia ic D"),
            ("an object gone before that",        "0I 0ia 0D 0-a 1I 1D",              "I ia D -a"),
            ("gone, and there again",             "0I 0ia 0D 0-a 0+a 1I 1D",          "I ia ia D"),
            ("a first list that restarts",        "0I 0ia 0ib 0I 0ib 0D 1I 1D",       "I ia ib ib D -a"),
            ("a later list of one",               "0I 0ia 0ib 0D 1I 1ic 1D 0I 0ib 0D", "I ia ib ic D +b -a"),
            ("with a new object",                 "0I 0D 1I 1D 1I 1ic 1D",            "I D +c"),
            ("changes",                           "0I 0D 1I 1D 0+a 1+b 0-a",          "I D +a +b -a"),
            ("created again elsewhere",           "0I 0ia 0D 1I 1D 1+a 0-a 1-a",      "I ia D +a -a"),
            ("in the order of the changes",        "0I 0ia 0D 1I 1D 0-a 1+a",          "I ia D -a +a"),
            ("created again, and the first lags", "0I 0ia1 0D 1I 1D 1+a9 0+a5 0-a5",  "I ia D +a"),
            ("the first lags at its next list",   "0I 0ia1 0D 1I 1D 1+a9 0I 0ia5 0D", "I ia D +a"),
            ("and the second is gone before",     "0I 0ia1 0D 1I 1D 1+a9 1-a9 0-a5",  "I ia D +a -a"),
        ];
        for (case, events, expected) in table {
            let mut merged = Merged::of(2, named);
            let shown: Vec<_> = events
                .split(' ')
                .flat_map(|one| merged.take_in(one[..1].parse().expect("a number"), event(&one[1..])))
                .map(|event| text(&event))
                .collect();
            assert_eq!(shown.join(" "), expected, "{case}");
        }
    }
}
