//! The reconcile of an object that is due, and what follows from its result.

use std::sync::Arc;

use kube::ResourceExt;
use kube::runtime::controller::{self, Action};
use kube::runtime::watcher;
use tokio::time::Instant;

use super::scope::Scope;
use super::slots::Dependencies;
use crate::controller::context::{Context, Error};
use crate::controller::key::Key;
use crate::controller::packed::Packed;
use crate::controller::reconcile::reconcile;
use crate::error_chain::chain;
use crate::planner::backoff::{MIN_BACKOFF, MIN_POLLING};

impl Scope {
    /// Reconciles an object once a concurrency slot is free.
    pub(super) async fn reconcile(self: Arc<Self>, object: Arc<Packed>, ctx: Arc<Context>) -> Result<Action, Error> {
        self.shared.first_lists.all().await;
        let slot = self.shared.slots.acquire().await;
        // It may have waited for the slot, so the object is taken as it is now.
        let key = object.key();
        let Some(object) = self.store.get(&key.reference()) else {
            self.not_found(key);
            return Ok(Action::await_change());
        };
        let (object, now) = (object.open(), Instant::now());
        let dependencies = Dependencies::of(&object);
        // A deletion is not postponed, nor is an object that has a place in the queue.
        let can_be_put_off = object.metadata.deletion_timestamp.is_none() && ctx.objects.memory.waiting(&object).is_none();
        let admitted = if can_be_put_off && self.shared.slots.is_crowded(&dependencies) {
            Err(now + MIN_BACKOFF)
        } else {
            self.shared.triggers.admit(&key, &object, now)
        };
        match admitted {
            Ok(()) => slot.run(dependencies, Box::pin(reconcile(Arc::new(object), ctx))).await,
            Err(at) => {
                ctx.objects.ticks.postponed(&object, at - now);
                Ok(Action::requeue(at - now))
            }
        }
    }

    /// The result of a reconcile.
    pub(super) fn done(&self, result: Result<(), controller::Error<Error, watcher::Error>>) {
        match result {
            // Both are logged where they occur.
            Ok(()) | Err(controller::Error::ReconcilerFailed(..) | controller::Error::QueueError(_)) => {}
            Err(controller::Error::ObjectNotFound(object)) => {
                self.not_found(Key::new(object.namespace.as_deref().unwrap_or_default(), &object.name));
            }
            Err(other) => tracing::warn!(watch = self.name, error = %chain(&other), "queue failed, will continue"),
        }
    }

    /// The store did not have an object whose reconcile was due: it is gone, or a relist has not come to its end yet.
    fn not_found(&self, key: Key) {
        tracing::debug!(%key, "object not found for its reconcile");
        if self.store.get(&key.reference()).is_some() {
            return self.shared.requeues.send(&key);
        }
        // A reconcile that ended after the object was gone may have left something behind.
        self.shared.ctx.forget(&key);
        let mut left_out = self.left_out.lock().expect("no holder panics");
        if left_out.is_listing {
            left_out.keys.insert(key);
        }
    }
}

/// Kubernetes refused a write, or the object has changed since it was read.
#[expect(clippy::needless_pass_by_value, reason = "the signature that kube asks for")]
pub(super) fn retry(object: Arc<Packed>, error: &Error, ctx: Arc<Context>) -> Action {
    let object = object.open();
    // The watch most often shows the current version soon. It may also lag for long.
    let is_conflict = matches!(error, Error::Conflict);
    if !is_conflict {
        ctx.metrics.reconcile_failed();
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let controller = "synapsesparkattachment";
        tracing::warn!(controller, namespace, name, error = %chain(error), "reconcile failed, will retry");
    }
    let pause = ctx.objects.memory.refused(&object, if is_conflict { MIN_POLLING } else { MIN_BACKOFF });
    ctx.objects.ticks.postponed(&object, pause);
    Action::requeue(pause)
}
