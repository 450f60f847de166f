//! Routes objects to the work queue of their scope.

use std::collections::HashMap;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};

use crate::controller::key::Key;

/// The senders to the scopes' queues, by namespace; `None` is the one for all.
pub(super) struct Requeues(HashMap<Option<String>, UnboundedSender<Key>>);

/// What one scope receives.
pub(super) type Requeued = UnboundedReceiver<Key>;

/// Creates a queue for each scope.
pub(super) fn to(scopes: Vec<Option<String>>) -> (Requeues, Vec<(Option<String>, Requeued)>) {
    let ways = scopes.into_iter().map(|namespace| {
        let (send, receive) = unbounded();
        ((namespace.clone(), send), (namespace, receive))
    });
    let (senders, receivers): (HashMap<_, _>, Vec<_>) = ways.unzip();
    (Requeues(senders), receivers)
}

impl Requeues {
    /// Enqueues a reconcile of this object.
    pub(super) fn send(&self, key: Key) {
        if let Some(queue) = self.0.get(&None).or_else(|| self.0.get(&key.namespace)) {
            // The receiver ends with its scope, and then nothing is reconciled any longer.
            let _ = queue.unbounded_send(key);
        }
    }
}
