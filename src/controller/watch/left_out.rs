//! Objects whose reconcile waits for the end of a list.

use std::collections::HashSet;

use kube::runtime::reflector::Store;

use crate::api::SynapseSparkAttachment;
use crate::controller::key::Key;
use crate::planner::goal::compute_of;

/// Objects whose reconcile is due as soon as a list has put them into the store.
#[derive(Default)]
pub(super) struct LeftOut {
    pub(super) is_listing: bool,
    pub(super) keys: HashSet<Key>,
}

impl LeftOut {
    /// The list has ended. Gives those that are in the store: those of a workspace follow each other, so that they can share
    /// what Azure answers.
    pub(super) fn end(&mut self, store: &Store<SynapseSparkAttachment>) -> Vec<Key> {
        let Self { keys, .. } = std::mem::take(self);
        let mut there: Vec<_> = keys.into_iter().filter_map(|key| Some((store.get(&key)?, key))).collect();
        there.sort_by_cached_key(|(object, _)| compute_of(object).ok().map(|id| id.workspace().clone()));
        there.into_iter().map(|(_, key)| key).collect()
    }
}
