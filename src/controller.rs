//! The one room that knows both worlds, and has no opinions: observe → decide → act → report.
//!
//! What keeps one sick object from its neighbours stands here too: bounded
//! concurrency, a guard round each pass and round each decoding, pauses per
//! object.

pub mod act;
pub mod index;
pub mod metrics;
pub mod observe;
pub mod report;

use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{self, Action};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{Controller, Predicate, PredicateConfig, WatchStreamExt, predicates};
use kube::{Client, ResourceExt};

use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::SynapseSparkAttachmentSpec;
use crate::azure;
use crate::controller::act::{Acted, act};
use crate::controller::index::Index;
use crate::controller::observe::{freshness, observe, requested};
use crate::controller::report::{FIELD_MANAGER, report};
use crate::plan::status::{Pass, failing_for};
use crate::plan::{Goal, Plan, Step, decide};

/// Kubernetes refused us: so no status can tell of it.
#[derive(Debug, thiserror::Error)]
#[error("Kubernetes refuses {act}")]
pub struct Error {
    act: &'static str,
    #[source]
    source: kube::Error,
}

impl Error {
    fn read(source: kube::Error) -> Self {
        Self { act: "to show the object", source }
    }
    fn claim(source: kube::Error) -> Self {
        Self { act: "the finalizer", source }
    }
    fn release(source: kube::Error) -> Self {
        Self { act: "to take the finalizer off", source }
    }
    fn status(source: kube::Error) -> Self {
        Self { act: "the status", source }
    }
}

/// What every pass needs.
pub struct Context {
    /// Kubernetes, for calls: with time-outs.
    pub kube: Client,
    /// Azure.
    pub azure: azure::Client,
    /// The UID of the cluster's `kube-system` namespace.
    pub cluster: String,
    /// How often a settled attachment is looked at.
    pub settled: Duration,
    /// Who asks for what.
    pub index: Index,
    /// What is counted.
    pub metrics: metrics::Metrics,
    /// Whether this process may write at all just now: asked right before each write to Azure.
    may_write: Box<dyn Fn() -> bool + Send + Sync>,
    recorder: Recorder,
}

impl Context {
    /// Puts together what every pass needs.
    #[must_use]
    pub fn new(kube: Client, azure: azure::Client, cluster: String, settled: Duration, metrics: metrics::Metrics) -> Self {
        let reporter = Reporter { controller: FIELD_MANAGER.to_owned(), instance: None };
        let recorder = Recorder::new(kube.clone(), reporter);
        metrics.look_interval.set(settled.as_secs_f64());
        Self { kube, azure, cluster, settled, index: Index::default(), metrics, may_write: Box::new(|| true), recorder }
    }

    /// Writes nothing to Azure while this says no.
    #[must_use]
    pub fn only_while(self, may_write: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { may_write: Box::new(may_write), ..self }
    }

    /// Whether this process may write: if not, another may be about to, and this one is about to end.
    fn leads(&self) -> Result<(), azure::Error> {
        if (self.may_write)() { Ok(()) } else { Err(azure::Error::unanswered("not asked: the Lease is lost")) }
    }

    /// Takes in what the watch says. Gives the objects that may now be the oldest that ask for their compute.
    fn take_in(&self, scope: Option<&str>, event: &Event<SynapseSparkAttachment>, now: Timestamp) -> Vec<Key> {
        let (gone, oldest) = self.index.take_in(scope, event);
        if let Event::Apply(object) | Event::InitApply(object) = event {
            self.metrics.seen(object, now);
        }
        for key in &gone {
            self.metrics.gone(key);
        }
        oldest
    }
}

/// The identity of this cluster: what no other cluster's objects can be mistaken for.
///
/// # Errors
///
/// [`Error`] if Kubernetes does not show its `kube-system` namespace.
pub async fn cluster(kube: &Client) -> Result<String, Error> {
    let namespace = Api::<Namespace>::all(kube.clone())
        .get("kube-system")
        .await
        .map_err(|source| Error { act: "to show namespace kube-system", source })?;
    Ok(namespace.uid().unwrap_or_default())
}

/// How far our clock is ahead of the API server's: positive ahead, negative behind. `None` if it does not tell.
pub async fn clock_ahead(kube: &Client) -> Option<jiff::SignedDuration> {
    let request = http::Request::get("/version").body(kube::client::Body::empty()).ok()?;
    let answer = kube.send(request).await.ok()?;
    let date = answer.headers().get(http::header::DATE)?.to_str().ok()?;
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    Some(Timestamp::now().duration_since(theirs))
}

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

/// What keeps the program from its work, for `/readyz`.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<BTreeMap<String, String>>);

impl Readiness {
    /// Something is missing.
    pub fn missing(&self, what: impl Into<String>, why: impl Into<String>) {
        self.0.lock().expect("no holder panics").insert(what.into(), why.into());
    }

    /// Says better why, if it is missing still: what once was there may fail for a while.
    fn still_missing(&self, what: &str, why: String) {
        if let Some(before) = self.0.lock().expect("no holder panics").get_mut(what) {
            *before = why;
        }
    }

    /// It is there now.
    pub fn there(&self, what: &str) {
        self.0.lock().expect("no holder panics").remove(what);
    }

    /// All that is missing, a line each; empty if nothing is.
    #[must_use]
    pub fn text(&self) -> String {
        let all = self.0.lock().expect("no holder panics");
        all.iter().map(|(what, why)| format!("{what}: {why}")).collect::<Vec<_>>().join("\n")
    }
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

type Key = ObjectRef<SynapseSparkAttachment>;

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

/// One pass, with its guard: a defect is reported like any other finding, and stops nobody else.
///
/// # Errors
///
/// [`Error`] if Kubernetes refuses our write, so that no status can tell of it.
#[tracing::instrument(name = "pass", skip_all, fields(namespace = object.namespace(), name = object.name_any()))]
pub async fn reconcile(object: Arc<SynapseSparkAttachment>, ctx: Arc<Context>) -> Result<Action, Error> {
    let (started, now) = (Instant::now(), Timestamp::now());
    let plan = match AssertUnwindSafe(pass(&object, &ctx, now)).catch_unwind().await {
        Ok(plan) => plan?,
        Err(panic) => {
            ctx.metrics.panics.inc();
            let what = panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
            let what = what.unwrap_or_else(|| "a panic without words".to_owned());
            tracing::error!(what, "a pass ended in a defect");
            let status = object.status.clone().unwrap_or_default();
            let plan = Plan::defective(&what, failing_for(&status, now));
            let told = told(&object, None, &plan, now);
            AssertUnwindSafe(report(&ctx, &object, &told)).catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!("and so did its report");
                Ok(())
            })?;
            plan
        }
    };
    ctx.metrics.passed(plan.step, started.elapsed());
    Ok(Action::requeue(plan.look.pause(ctx.settled)))
}

/// Observe, decide, act, report.
///
/// What Azure refuses is a finding, not an error: it ends in the status, where
/// the user reads it.
async fn pass(object: &SynapseSparkAttachment, ctx: &Context, now: Timestamp) -> Result<Plan, Error> {
    let goal = match Goal::of(object, &ctx.cluster) {
        Ok(goal) => goal,
        Err(invalid) => {
            let plan = Plan::refusing(&invalid);
            report(ctx, object, &told(object, None, &plan, now)).await?;
            return Ok(plan);
        }
    };
    let observed = observe(&ctx.azure, object, &goal, ctx.index.elder(object), freshness(object, &goal), now).await;
    let plan = decide(&goal, &observed);
    let Acted { plan, observed, written, live } = act(ctx, object, observed, plan, now).await?;
    let (object, goal) = live.as_ref().map_or((object, &goal), |(object, goal)| (object, goal));
    let is_told_soon = plan.step == Step::Claim; // The watch brings the next pass at once, and that one has more to tell.
    // A deleted object without our finalizer is others' to bury.
    if !is_told_soon && (observed.claimed || matches!(goal, Goal::Attached(_))) {
        let pass = Pass { observed: Some(&observed), written: written.as_ref(), ..told(object, Some(goal), &plan, now) };
        report(ctx, object, &pass).await?;
    }
    Ok(plan)
}

fn told<'a>(object: &'a SynapseSparkAttachment, goal: Option<&'a Goal>, plan: &'a Plan, now: Timestamp) -> Pass<'a> {
    Pass { goal, observed: None, plan, written: None, generation: object.metadata.generation, requested: requested(object), now }
}

/// Kubernetes refused a write of ours, or lost a race with another: try again soon.
#[expect(clippy::needless_pass_by_value, reason = "the signature that kube asks for")]
fn retry(object: Arc<SynapseSparkAttachment>, error: &Error, ctx: Arc<Context>) -> Action {
    ctx.metrics.pass_errors.inc();
    tracing::warn!(object = %ObjectRef::from_obj(&*object), error = %chain(error), "a pass did not reach its end, and is tried again");
    Action::requeue(crate::plan::pause::SOONEST)
}

/// An error and its causes in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text
}
