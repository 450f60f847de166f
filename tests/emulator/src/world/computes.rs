//! All computes: by their IDs, and in each workspace in the order in which they were created.

use std::collections::BTreeMap;

use super::Compute;
use crate::id;

/// The keys are folded IDs.
#[derive(Debug, Default)]
pub(crate) struct Computes {
    all: BTreeMap<String, Compute>,
    /// By workspace and number, so that LIST need not sort them.
    order: BTreeMap<String, BTreeMap<u64, String>>,
}

fn workspace(key: &str) -> &str {
    key.rsplit_once("/computes/").map_or("", |(workspace, _)| workspace)
}

impl Computes {
    pub(crate) fn get(&self, key: &str) -> Option<&Compute> {
        self.all.get(key)
    }

    /// Its place in the order must not be changed.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Compute> {
        self.all.get_mut(key)
    }

    pub(crate) fn contains_key(&self, key: &str) -> bool {
        self.all.contains_key(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Compute> {
        self.all.values()
    }

    /// Those in a scope, given by its folded ID.
    pub(crate) fn within<'a>(&'a self, scope: &str) -> impl Iterator<Item = &'a Compute> {
        self.all.iter().filter(move |(key, _)| id::is_within(key, scope)).map(|(_, compute)| compute)
    }

    /// Adds a compute, or replaces the one with the same key.
    pub(crate) fn insert(&mut self, key: String, compute: Compute) {
        self.remove(&key);
        self.order.entry(workspace(&key).to_owned()).or_default().insert(compute.created, key.clone());
        self.all.insert(key, compute);
    }

    pub(crate) fn remove(&mut self, key: &str) {
        let Some(compute) = self.all.remove(key) else {
            return;
        };
        if let Some(of_workspace) = self.order.get_mut(workspace(key)) {
            of_workspace.remove(&compute.created);
        }
    }

    /// Removes those for whose key this is true.
    pub(crate) fn remove_if(&mut self, goes: impl Fn(&str) -> bool) {
        let gone: Vec<String> = self.all.keys().filter(|key| goes(key)).cloned().collect();
        for key in gone {
            self.remove(&key);
        }
    }

    /// The keys of the computes of a workspace, the oldest first.
    pub(crate) fn in_order<'a>(&'a self, workspace: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.order.get(workspace).into_iter().flat_map(|keys| keys.values().map(String::as_str))
    }
}
