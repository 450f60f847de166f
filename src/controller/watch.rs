//! What brings objects to their passes: a watch and a queue for each namespace, or one for all.
//!
//! What cannot be decoded, or not be listed, is said, and stops nobody else.

use std::collections::HashMap;
use std::sync::Arc;

use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller;
use kube::runtime::reflector;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{Controller, Predicate, PredicateConfig, WatchStreamExt, predicates};
use kube::{Client, ResourceExt};

use super::{Context, Key, Readiness, reconcile, retry};
use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::SynapseSparkAttachmentSpec;
use crate::error_chain::chain;

/// How the controller runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Passes at the same time, at most.
    pub concurrency: u16,
    /// The namespaces whose objects are looked after; none: all.
    pub namespaces: Vec<String>,
    /// What keeps it from its work.
    pub readiness: Arc<Readiness>,
}

/// A load balancer of Azure drops idle connections after four minutes without a word: watches end before that.
const WATCH_SECONDS: u32 = 200;

/// Looks after all attachments, until `shutdown` is there and the passes that run have ended.
///
/// A controller for each namespace that is named: a list of one must not look like the end of another's objects.
pub async fn run(watch: Client, ctx: Arc<Context>, options: Options, shutdown: impl Future<Output = ()> + Send + 'static) {
    let shutdown = shutdown.shared();
    let scopes = if options.namespaces.is_empty() { vec![None] } else { options.namespaces.iter().map(Some).collect() };
    let (routes, scopes): (HashMap<_, _>, Vec<_>) = scopes
        .into_iter()
        .map(|namespace| {
            let (route, heirs) = futures::channel::mpsc::unbounded();
            ((namespace.cloned(), route), (namespace.cloned(), heirs))
        })
        .unzip();
    let routes = Arc::new(routes);
    let concurrency = options.concurrency.div_ceil(u16::try_from(scopes.len()).unwrap_or(u16::MAX));
    let all = scopes.into_iter().map(|(namespace, heirs)| {
        let (routes, one) = (routes.clone(), namespace.clone());
        let again = move |key: Key| {
            // The receivers live as long as the controllers.
            if let Some(route) = routes.get(&None).or_else(|| routes.get(&key.namespace)) {
                let _ = route.unbounded_send(key);
            }
        };
        let stopped = shutdown.clone();
        scope(watch.clone(), ctx.clone(), one, (again, heirs), concurrency, options.readiness.clone(), stopped)
    });
    futures::future::join_all(all).await;
}

/// Looks after the attachments of one namespace, or of all.
async fn scope(
    watch: Client,
    ctx: Arc<Context>,
    namespace: Option<String>,
    (again, heirs): (impl Fn(Key) + Send + 'static, impl Stream<Item = Key> + Send + 'static),
    concurrency: u16,
    readiness: Arc<Readiness>,
    shutdown: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let (reader, writer) = reflector::store();
    let api: Api<DeserializeGuard<SynapseSparkAttachment>> = match &namespace {
        Some(namespace) => Api::namespaced(watch, namespace),
        None => Api::all(watch),
    };
    let what =
        namespace.as_ref().map_or_else(|| "the watch".to_owned(), |namespace| format!("the watch of namespace {namespace}"));
    readiness.missing(&what, "the objects are not listed yet; is the custom resource installed?");
    readiness.begun();
    let (indexed, failed, listed) = (ctx.clone(), (what.clone(), readiness.clone()), (what.clone(), readiness));
    let objects = kube::runtime::watcher(api, watcher::Config::default().timeout(WATCH_SECONDS))
        .default_backoff()
        .inspect_err({
            let ctx = ctx.clone();
            move |error| {
                let (what, readiness) = &failed;
                let error = chain(error);
                ctx.metrics.watch_errors.inc();
                tracing::warn!(error, "{what} fails, and is tried again");
                readiness.still_missing(what, error);
            }
        })
        .inspect_ok(move |event| {
            if matches!(event, Event::InitDone) {
                listed.1.there(&listed.0);
            }
        })
        .try_filter_map({
            let (ctx, scope) = (ctx.clone(), namespace.clone());
            move |event| std::future::ready(Ok(decoded(&ctx, scope.as_deref(), event)))
        })
        .modify(|object| {
            object.managed_fields_mut().clear();
        })
        .inspect_ok(move |event| {
            indexed.take_in(namespace.as_deref(), event, Timestamp::now()).into_iter().for_each(&again);
        })
        .reflect(writer)
        .applied_objects()
        .predicate_filter(
            predicates::generation.combine(predicates::finalizers).combine(predicates::annotations),
            PredicateConfig::default(),
        );
    let ready = reader.clone();
    let announce = async move {
        if ready.wait_until_ready().await.is_ok() {
            tracing::info!(objects = ready.len(), "{what} is complete");
        }
    };
    let passes = Controller::for_stream(objects, reader)
        .with_config(controller::Config::default().concurrency(concurrency))
        .reconcile_on(heirs)
        .graceful_shutdown_on(shutdown)
        .run(reconcile, retry, ctx)
        .for_each(|done| {
            if let Err(error) = done {
                match error {
                    controller::Error::ObjectNotFound(_) => tracing::debug!("an object was gone before its pass"),
                    controller::Error::ReconcilerFailed(..) => {}
                    other => tracing::warn!(error = %chain(&other), "the queue fails, and goes on"),
                }
            }
            std::future::ready(())
        });
    futures::future::join(announce, passes).await;
}

/// An object that does not decode stops nobody else: it is passed over, and said.
fn decoded(
    ctx: &Context,
    scope: Option<&str>,
    event: Event<DeserializeGuard<SynapseSparkAttachment>>,
) -> Option<Event<SynapseSparkAttachment>> {
    let open = |guard: DeserializeGuard<SynapseSparkAttachment>| {
        ctx.metrics.decodes(&guard, guard.0.is_ok());
        guard.0.map_err(|invalid| {
            let meta = &invalid.metadata;
            let (namespace, name) = (meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default());
            tracing::error!(
                namespace,
                name,
                error = invalid.error,
                "a stored object cannot be decoded and is left alone; mend or delete it"
            );
            Box::new(invalid.metadata)
        })
    };
    // Of an object that once decoded, the version that did must not be acted upon any longer.
    let forgotten = |metadata: Box<ObjectMeta>| {
        Event::Delete(SynapseSparkAttachment { metadata: *metadata, spec: SynapseSparkAttachmentSpec::default(), status: None })
    };
    Some(match event {
        Event::Init => {
            ctx.metrics.relisted(scope);
            Event::Init
        }
        Event::InitDone => Event::InitDone,
        Event::InitApply(guard) => Event::InitApply(open(guard).ok()?),
        Event::Apply(guard) => open(guard).map_or_else(forgotten, Event::Apply),
        Event::Delete(guard) => {
            ctx.metrics.decodes(&guard, true); // Nobody has to mend what is gone.
            guard.0.map_or_else(|invalid| forgotten(Box::new(invalid.metadata)), Event::Delete)
        }
    })
}
