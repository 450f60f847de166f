//! Objects whose reconcile waits for the end of a list.

use std::collections::HashSet;

use kube::runtime::reflector::Store;

use crate::controller::claims::Claims;
use crate::controller::key::Key;
use crate::controller::packed::Packed;

/// Objects whose reconcile is due as soon as a list has put them into the store.
#[derive(Default)]
pub(super) struct LeftOut {
    pub(super) is_listing: bool,
    pub(super) keys: HashSet<Key>,
}

impl LeftOut {
    /// The list has ended. Returns those that are in the store, ordered by workspace, so that they can share
    /// Azure's answers.
    pub(super) fn end(&mut self, store: &Store<Packed>, claims: &Claims) -> Vec<Key> {
        let Self { keys, .. } = std::mem::take(self);
        let mut there: Vec<_> = keys.into_iter().filter(|key| store.get(&key.reference()).is_some()).collect();
        there.sort_by_cached_key(|key| claims.compute(key).map(|id| id.workspace().clone()));
        there
    }
}
