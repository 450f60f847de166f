//! The way of an object into the queue of its scope.

use std::collections::HashMap;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};

use crate::controller::key::Key;

/// The senders to the scopes' queues, by namespace; `None` is the one for all.
pub(super) struct Requeues(HashMap<Option<String>, UnboundedSender<Key>>);

/// What one scope receives.
pub(super) type Requeued = UnboundedReceiver<Key>;

/// Makes the way to these scopes, and gives each its end.
pub(super) fn to(scopes: Vec<Option<String>>) -> (Requeues, Vec<(Option<String>, Requeued)>) {
    let ways = scopes.into_iter().map(|namespace| {
        let (send, receive) = unbounded();
        ((namespace.clone(), send), (namespace, receive))
    });
    let (senders, receivers): (HashMap<_, _>, Vec<_>) = ways.unzip();
    (Requeues(senders), receivers)
}

impl Requeues {
    /// Has this object reconciled.
    pub(super) fn send(&self, key: Key) {
        if let Some(queue) = self.0.get(&None).or_else(|| self.0.get(&key.namespace)) {
            // The receiver ends with its scope, and then nothing is reconciled any longer.
            let _ = queue.unbounded_send(key);
        }
    }
}
