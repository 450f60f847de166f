//! The one room that knows both worlds, and has no opinions: observe → decide → act → report.
//!
//! What keeps one sick object from its neighbours stands here too: a guard
//! round each pass, pauses per object.

pub mod act;
mod health;
mod identity;
pub mod index;
pub mod metrics;
pub mod observe;
pub mod report;
mod watch;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::Api;
use kube::runtime::controller::Action;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::Event;
use kube::{Client, ResourceExt};

pub use health::Readiness;
pub use watch::{Options, run};

use crate::api::SynapseSparkAttachment;
use crate::azure;
use crate::controller::act::{Acted, act};
use crate::controller::identity::Identities;
use crate::controller::index::Index;
use crate::controller::observe::{freshness, is_asked, observe, requested};
use crate::controller::report::{FIELD_MANAGER, report};
use crate::error_chain::chain;
use crate::planner::status::{Pass, Written, failing_for};
use crate::planner::{Goal, Plan, Step, decide};

/// Why a pass came to no end that a status could tell of.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kubernetes refused us.
    #[error("Kubernetes refuses {act}")]
    Refused {
        /// What was asked of it.
        act: &'static str,
        /// Its answer.
        #[source]
        source: kube::Error,
    },
    /// Another may be about to write, to Azure and to the object: this process is about to end.
    #[error("nothing more is written: the Lease is lost")]
    Deposed,
}

impl Error {
    /// Kubernetes refused this.
    fn refused(act: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self::Refused { act, source }
    }
}

type Key = ObjectRef<SynapseSparkAttachment>;

/// What every pass needs.
pub struct Context {
    /// Kubernetes, for calls: with time-outs.
    pub kube: Client,
    /// Azure, as the operator itself.
    azure: Arc<azure::Client>,
    /// And as others, in whose namespaces objects say so.
    identities: Identities,
    /// The UID of the cluster's `kube-system` namespace.
    pub cluster: String,
    /// How often a settled attachment is looked at.
    pub settled: Duration,
    /// Who asks for what.
    pub index: Index,
    /// What is counted.
    pub metrics: metrics::Metrics,
    /// The GUIDs of role assignments that this process is about to ask for, for the first time.
    announced: Mutex<HashSet<String>>,
    /// Whether this process may write at all just now: asked right before each write.
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
        Self {
            kube,
            azure: Arc::new(azure),
            identities: Identities::new(None),
            cluster,
            settled,
            index: Index::default(),
            metrics,
            announced: Mutex::default(),
            may_write: Box::new(|| true),
            recorder,
        }
    }

    /// With a tenant for accounts of namespaces that name none.
    #[must_use]
    pub fn in_tenant(self, tenant: Option<String>) -> Self {
        Self { identities: Identities::new(tenant), ..self }
    }

    /// Writes nothing, neither to Azure nor to Kubernetes, while this says no.
    #[must_use]
    pub fn only_while(self, may_write: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { may_write: Box::new(may_write), ..self }
    }

    /// Does this with the role assignments that are about to be asked for.
    fn announced(&self, with: impl FnOnce(&mut HashSet<String>) -> bool) -> bool {
        with(&mut self.announced.lock().expect("no holder panics"))
    }

    /// Whether this process may write at all just now.
    fn leads(&self) -> Result<(), Error> {
        if (self.may_write)() { Ok(()) } else { Err(Error::Deposed) }
    }

    /// Whether a missing token is the operator's own fault.
    fn is_asked_by_the_operator(&self, object: &SynapseSparkAttachment) -> bool {
        object.spec.service_account_name.is_none() && !self.azure.is_unavailable()
    }

    /// Takes in what the watch says. Gives the objects that have to look again, since another is gone or has taken back a role.
    fn take_in(&self, scope: Option<&str>, event: &Event<SynapseSparkAttachment>, now: Timestamp) -> Vec<Key> {
        let (gone, heirs) = self.index.take_in(scope, event);
        if let Event::Apply(object) | Event::InitApply(object) = event {
            self.metrics.seen(object, now);
        }
        for key in &gone {
            self.metrics.gone(key);
        }
        heirs
    }
}

/// The identity of this cluster: what no other cluster's objects can be mistaken for.
///
/// # Errors
///
/// [`Error`] if Kubernetes does not show its `kube-system` namespace.
pub async fn cluster(kube: &Client) -> Result<String, Error> {
    let namespace =
        Api::<Namespace>::all(kube.clone()).get("kube-system").await.map_err(Error::refused("to show namespace kube-system"))?;
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
    let mut goal = match Goal::of(object, &ctx.cluster) {
        Ok(goal) => goal,
        Err(invalid) => {
            let plan = Plan::refusing(&invalid);
            report(ctx, object, &told(object, None, &plan, now)).await?;
            return Ok(plan);
        }
    };
    let freshness = freshness(object, &goal);
    if is_asked(object) {
        ctx.index.doubt_all(object);
    }
    let others = ctx.index.others(object);
    let doubts = others.doubts.clone();
    let azure = &*ctx.identities.of(object, freshness, &ctx.kube, &ctx.azure).await;
    let observed = observe(azure, object, &mut goal, others, freshness, now).await;
    let plan = decide(&goal, &observed);
    let Acted { plan, observed, written, live } = act(ctx, azure, object, observed, plan, now).await?;
    let (object, goal) = live.as_ref().map_or((object, &goal), |(object, goal)| (object, goal));
    let is_told_soon = plan.step == Step::Claim; // The watch brings the next pass at once, and that one has more to tell.
    // A deleted object without our finalizer is others' to bury.
    if !is_told_soon && (observed.claimed || matches!(goal, Goal::Attached(_))) {
        let pass = Pass { observed: Some(&observed), written: written.as_ref(), ..told(object, Some(goal), &plan, now) };
        report(ctx, object, &pass).await?;
    }
    let granted = match &written {
        Some(Written::Granted(one)) => Some(one),
        _ => None,
    };
    let over: Vec<_> = doubts.into_iter().filter(|doubt| doubt.is_over(goal, &observed.behind.roles, granted)).collect();
    ctx.index.are_over(object, &over);
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
    Action::requeue(crate::planner::pause::SOONEST)
}
