//! What GET and LIST show of a compute: its current state, or its previous state for a while after a write.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{Compute, World, later};
use crate::id;
use crate::settings::Settings;

/// A compute as it was before a write, and until when reads show it so.
#[derive(Debug)]
struct Before {
    until: Timestamp,
    /// None: the compute did not exist.
    compute: Option<Shown>,
}

#[derive(Clone, Debug)]
struct Shown {
    created: u64,
    body: Value,
}

/// Previous states by the folded IDs of the computes, the oldest first.
type Befores = BTreeMap<String, Vec<Before>>;

/// What stale reads show: GETs and LISTs.
#[derive(Debug, Default)]
pub(super) struct Stale {
    gets: Befores,
    lists: Befores,
}

impl Stale {
    /// Drops states that no read shows any longer.
    pub(super) fn prune(&mut self, now: Timestamp) {
        for befores in [&mut self.gets, &mut self.lists] {
            befores.retain(|_, states| {
                states.retain(|before| before.until > now);
                !states.is_empty()
            });
        }
    }

    /// Drops all of this scope.
    pub(super) fn forget(&mut self, scope: &str) {
        for befores in [&mut self.gets, &mut self.lists] {
            befores.retain(|key, _| !id::is_within(key, scope));
        }
    }
}

impl World {
    /// Called before a write changes a compute, or creates it.
    pub(super) fn keep_for_stale_reads(&mut self, now: Timestamp, settings: &Settings, key: &str) {
        let shown = |compute: &Compute| Shown { created: compute.created, body: compute.body.clone() };
        let (gets, lists) = (settings.stale_reads, settings.stale_reads.max(settings.stale_lists));
        for (lasts, befores) in [(gets, &mut self.stale.gets), (lists, &mut self.stale.lists)] {
            if !lasts.is_zero() {
                let before = Before { until: later(now, lasts), compute: self.computes.get(key).map(shown) };
                befores.entry(key.to_owned()).or_default().push(before);
            }
        }
    }

    /// What GET shows of a compute.
    pub(crate) fn read(&self, key: &str) -> Option<&Value> {
        self.visible(&self.stale.gets, key).map(|(_, body)| body)
    }

    /// What LIST shows of the computes of a workspace, in the order in which they were created (INF).
    pub(crate) fn computes_of<'a>(&'a self, workspace: &str) -> Box<dyn Iterator<Item = &'a Value> + 'a> {
        let there = self.computes.in_order(workspace);
        let stale = &self.stale.lists;
        if stale.is_empty() {
            return Box::new(there.filter_map(|key| self.computes.get(key)).map(|compute| &compute.body));
        }
        let prefix = format!("{workspace}/computes/");
        let gone = stale.keys().filter(|key| key.starts_with(&prefix) && !self.computes.contains_key(key));
        let mut found: Vec<_> = there.chain(gone.map(String::as_str)).filter_map(|key| self.visible(stale, key)).collect();
        found.sort_by_key(|(created, _)| *created);
        Box::new(found.into_iter().map(|(_, body)| body))
    }

    fn visible<'a>(&'a self, stale: &'a Befores, key: &str) -> Option<(u64, &'a Value)> {
        match stale.get(key).and_then(|states| states.first()) {
            Some(before) => before.compute.as_ref().map(|shown| (shown.created, &shown.body)),
            None => self.computes.get(key).map(|compute| (compute.created, &compute.body)),
        }
    }
}
