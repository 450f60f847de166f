//! Starts the reconciles: with a watch and a queue for each namespace, or one for all.
//!
//! An object is reconciled when the watch shows a change that a reconcile reads ([`Triggers`]), when its last reconcile
//! requested the next one, and when a change of another object concerns it ([`Claims`](super::claims::Claims)). All namespaces
//! share one limit of concurrency.
//!
//! Longer than other files: the events of a watch and the queue that they feed are one sequence, in the order of the text.

mod first_lists;
mod left_out;
mod listing;
mod merged;
mod requeues;
mod slots;
mod undecodable;

use std::sync::{Arc, Mutex};

use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use kube::runtime::Controller;
use kube::runtime::controller::{self, Action};
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, ResourceExt};
use tokio::time::Instant;

use crate::api::SynapseSparkAttachment;
use crate::controller::claims::Changes;
use crate::controller::context::{Context, Error};
use crate::controller::health::Readiness;
use crate::controller::key::{Key, key_of};
use crate::controller::packed::{Packed, applied, packed};
use crate::controller::reconcile::reconcile;
use crate::controller::stored::Stored;
use crate::controller::triggers::Triggers;
use crate::error_chain::chain;
use crate::planner::backoff::{MIN_BACKOFF, MIN_POLLING};
use first_lists::FirstLists;
use left_out::LeftOut;
use requeues::{Requeued, Requeues};
use slots::{Dependencies, Slots};
use undecodable::{named, skipped, stored};

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
    let all = scopes.into_iter().map(|(namespace, requeued)| Scope::run(shared.clone(), namespace, requeued, shutdown.clone()));
    futures::future::join_all(all).await;
}

/// What all scopes share.
struct Shared {
    watch: Client,
    ctx: Arc<Context>,
    readiness: Arc<Readiness>,
    slots: Slots,
    requeues: Requeues,
    triggers: Triggers,
    first_lists: FirstLists,
}

/// One namespace, or all.
struct Scope {
    shared: Arc<Shared>,
    namespace: Option<String>,
    /// Its watch, as logs and `/readyz` call it.
    name: String,
    store: Store<Packed>,
    left_out: Mutex<LeftOut>,
}

impl Scope {
    async fn run(
        shared: Arc<Shared>,
        namespace: Option<String>,
        requeued: Requeued,
        shutdown: impl Future<Output = ()> + Send + Sync + 'static,
    ) {
        let (store, writer) = reflector::store();
        let name = namespace.as_ref().map_or_else(|| "the watch".to_owned(), |one| format!("the watch of namespace {one}"));
        let scope = Arc::new(Self { shared, namespace, name, store: store.clone(), left_out: Mutex::default() });
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

    /// The objects that are to be reconciled at once, as the watch shows them. It keeps the store and the claims.
    fn triggering(
        self: Arc<Self>,
        mut writer: reflector::store::Writer<Packed>,
    ) -> impl Stream<Item = watcher::Result<Packed>> + Send {
        let watch = self.shared.watch.clone();
        let api: Api<Stored> = match &self.namespace {
            Some(namespace) => Api::namespaced(watch, namespace),
            None => Api::all(watch),
        };
        let (failed, read) = (self.clone(), self.clone());
        listing::events(&api, &self.shared.ctx.shard().selectors(), stored, move |selector, error| failed.failed(selector, error))
            .try_filter_map(move |event| std::future::ready(Ok(read.decoded(event))))
            .try_filter_map(move |event| {
                // The claims are updated before the store, so that a reconcile of an object sees all its older claimants.
                self.take_in(&event);
                let packed = packed(&event);
                writer.apply_watcher_event(&packed);
                std::future::ready(Ok(self.is_triggering(&event).then_some(packed).and_then(applied)))
            })
    }

    fn failed(&self, selector: Option<&str>, error: &watcher::Error) {
        let error = chain(error);
        self.shared.ctx.metrics.watch_errors.inc();
        tracing::warn!(watch = self.name, selector, error, "watch failed, will retry");
        self.shared.readiness.still_missing(&self.name, error);
    }

    /// Yields the objects that can be decoded. Others are logged and counted, and do not affect them.
    fn decoded(&self, event: Event<Stored>) -> Option<Event<SynapseSparkAttachment>> {
        let metrics = &self.shared.ctx.metrics;
        let open = |stored: Stored| {
            metrics.decodes(&stored, stored.0.is_ok());
            stored.0.map_err(skipped)
        };
        Some(match event {
            Event::Init => {
                metrics.relisted(self.namespace.as_deref());
                Event::Init
            }
            Event::InitApply(stored) => Event::InitApply(open(stored).ok()?),
            Event::InitDone => Event::InitDone,
            // The previous version of the object must no longer be used.
            Event::Apply(stored) => open(stored).map_or_else(|invalid| Event::Delete(*invalid), Event::Apply),
            Event::Delete(stored) => {
                metrics.decodes(&stored, true); // It no longer has to be corrected.
                Event::Delete(stored.0.unwrap_or_else(|invalid| *named(invalid.metadata)))
            }
        })
    }

    /// Records an event before the store shows it.
    fn take_in(&self, event: &Event<SynapseSparkAttachment>) {
        let Shared { ctx, readiness, requeues, triggers, first_lists, .. } = &*self.shared;
        match event {
            Event::Init => self.left_out.lock().expect("no holder panics").is_listing = true,
            Event::Apply(object) | Event::InitApply(object) => {
                ctx.metrics.seen(object, Timestamp::now());
                ctx.objects.orphans.exists(object);
            }
            Event::InitDone => {
                readiness.there(&self.name);
                first_lists.ended(self.namespace.as_deref());
                ctx.objects.orphans.listed(self.namespace.as_deref());
            }
            Event::Delete(_) => {}
        }
        let Changes { gone, to_requeue } = ctx.objects.claims.take_in(self.namespace.as_deref(), event);
        for key in &gone {
            ctx.metrics.gone(key);
            ctx.forget(key);
            ctx.objects.orphans.forget(key);
            triggers.forget(key);
        }
        for key in &to_requeue {
            requeues.send(key);
        }
    }

    /// Whether the object of an event is to be reconciled at once.
    fn is_triggering(&self, event: &Event<SynapseSparkAttachment>) -> bool {
        let Shared { ctx, requeues, triggers, .. } = &*self.shared;
        let is_triggered = |key: &Key, object: &SynapseSparkAttachment| {
            let is_changed = triggers.seen(key, object);
            if is_changed {
                ctx.objects.ticks.changed(object);
            }
            is_changed
        };
        match event {
            Event::Apply(object) => return is_triggered(&key_of(object), object),
            // The store has the previous version, if any, until the list has ended.
            Event::InitApply(object) => {
                let key = key_of(object);
                if is_triggered(&key, object) {
                    self.left_out.lock().expect("no holder panics").keys.insert(key);
                }
            }
            Event::InitDone => {
                let due = self.left_out.lock().expect("no holder panics").end(&self.store, &ctx.objects.claims);
                for key in &due {
                    requeues.send(key);
                }
            }
            Event::Init | Event::Delete(_) => {}
        }
        false
    }

    /// Reconciles an object once a concurrency slot is free.
    async fn reconcile(self: Arc<Self>, object: Arc<Packed>, ctx: Arc<Context>) -> Result<Action, Error> {
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
    fn done(&self, result: Result<(), controller::Error<Error, watcher::Error>>) {
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
fn retry(object: Arc<Packed>, error: &Error, ctx: Arc<Context>) -> Action {
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
