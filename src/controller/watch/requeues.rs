//! Routes objects to the work queue of their scope.

use std::collections::HashMap;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};

use kube::runtime::reflector::ObjectRef;

use crate::controller::key::Key;
use crate::controller::packed::Packed;

/// The senders to the scopes' queues, by namespace; `None` is the one for all.
pub(super) struct Requeues(HashMap<Option<String>, UnboundedSender<ObjectRef<Packed>>>);

/// What one scope receives.
pub(super) type Requeued = UnboundedReceiver<ObjectRef<Packed>>;

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
    pub(super) fn send(&self, key: &Key) {
        if let Some(queue) = self.0.get(&None).or_else(|| self.0.get(&Some(key.namespace().to_owned()))) {
            // The receiver ends with its scope, and then nothing is reconciled any longer.
            let _ = queue.unbounded_send(key.reference());
        }
    }
}
