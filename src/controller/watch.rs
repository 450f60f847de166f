//! Starts the reconciles: with a watch and a queue for each namespace, or one for all.
//!
//! An object is reconciled when the watch shows a change that a reconcile reads ([`Triggers`]), when its last reconcile
//! requested the next one, and when a change of another object concerns it ([`Claims`](super::claims::Claims)). All namespaces
//! share one limit of concurrency.

mod due;
mod events;
mod first_lists;
mod left_out;
mod listing;
mod merged;
mod requeues;
mod scope;
mod slots;
mod undecodable;

use std::sync::{Arc, Mutex};

use futures::{FutureExt, StreamExt};
use kube::Client;
use kube::runtime::Controller;
use kube::runtime::controller;
use kube::runtime::reflector;

use crate::controller::context::Context;
use crate::controller::health::Readiness;
use crate::controller::key::Key;
use crate::controller::triggers::Triggers;
use due::retry;
use first_lists::FirstLists;
use requeues::Requeued;
use scope::{Scope, Shared};
use slots::Slots;

/// How the controller runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Reconciles at the same time, at most, of all namespaces together. One that waits for more than two seconds does not count.
    pub concurrency: u16,
    /// The namespaces whose objects are reconciled; none: all.
    pub namespaces: Vec<String>,
    /// What the controller is waiting for.
    pub readiness: Arc<Readiness>,
}

/// Reconciles all attachments, until `shutdown` resolves and the running reconciles have ended.
///
/// Each named namespace has a controller of its own: a list of one namespace must not be taken for the end of another's objects.
pub async fn run(watch: Client, ctx: Arc<Context>, options: Options, shutdown: impl Future<Output = ()> + Send + 'static) {
    let shutdown = shutdown.shared();
    let names = options.namespaces.into_iter().map(Some).collect::<Vec<_>>();
    let names = if names.is_empty() { vec![None] } else { names };
    let (first_lists, (requeues, scopes)) = (FirstLists::of(&names), requeues::to(names));
    let shared = Arc::new(Shared {
        watch,
        ctx,
        readiness: options.readiness,
        slots: Slots::new(options.concurrency),
        requeues,
        triggers: Triggers::default(),
        first_lists,
    });
    let waker = Arc::downgrade(&shared);
    shared.ctx.azure.on_turn(move |object| {
        if let Some(shared) = waker.upgrade() {
            shared.requeues.send(&Key::new(&object.namespace, &object.name));
        }
    });
    let waker = Arc::downgrade(&shared);
    shared.ctx.objects.job_checks.on_change(move |key| {
        if let Some(shared) = waker.upgrade() {
            shared.requeues.send(key);
        }
    });
    let all = scopes.into_iter().map(|(namespace, requeued)| run_scope(shared.clone(), namespace, requeued, shutdown.clone()));
    futures::future::join_all(all).await;
}

/// Reconciles the objects of one namespace, or of all.
async fn run_scope(
    shared: Arc<Shared>,
    namespace: Option<String>,
    requeued: Requeued,
    shutdown: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let (store, writer) = reflector::store();
    let name = namespace.as_ref().map_or_else(|| "the watch".to_owned(), |one| format!("the watch of namespace {one}"));
    let scope = Arc::new(Scope { shared, namespace, name, store: store.clone(), left_out: Mutex::default() });
    let shared = &scope.shared;
    shared.readiness.missing(&scope.name, "the objects are not listed yet; is the custom resource installed?");
    shared.readiness.begun();
    let (runs, ends) = (scope.clone(), scope.clone());
    // kube polls each running reconcile at each event, so their number must not grow with that of the objects. Each scope
    // may use all slots.
    let reconciles = Controller::for_stream(scope.clone().triggering(writer), store.clone())
        .with_config(controller::Config::default().concurrency(shared.slots.most_running()))
        .reconcile_on(requeued)
        .graceful_shutdown_on(shutdown)
        .run(move |object, ctx| runs.clone().reconcile(object, ctx), retry, shared.ctx.clone())
        .for_each(move |done| {
            ends.done(done.map(drop));
            std::future::ready(())
        });
    let announce = async {
        if store.wait_until_ready().await.is_ok() {
            tracing::info!(watch = scope.name, objects = store.len(), "objects listed");
        }
    };
    futures::future::join(announce, reconciles).await;
}
