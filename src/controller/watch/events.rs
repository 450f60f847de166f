//! The events of a watch: the store, the claims and the metrics follow them, and some of them start a reconcile.

use std::sync::Arc;

use futures::{Stream, TryStreamExt};
use jiff::Timestamp;
use kube::Api;
use kube::runtime::reflector;
use kube::runtime::watcher::{self, Event};

use super::listing;
use super::scope::{Scope, Shared};
use super::undecodable::{named, skipped, stored};
use crate::api::SynapseSparkAttachment;
use crate::controller::claims::Changes;
use crate::controller::key::{Key, key_of};
use crate::controller::packed::{Packed, applied, packed};
use crate::controller::stored::Stored;
use crate::error_chain::chain;

impl Scope {
    /// The objects that are to be reconciled at once, as the watch shows them. It keeps the store and the claims.
    pub(super) fn triggering(
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
}
