//! Does the one step of a pass, and tells what came of it.
//!
//! Before anything is written to Azure, object and compute are read live and
//! the decision is taken again: a cache that is behind (after a restart, from
//! an API server that lags) must not do harm.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::json;

use crate::api::v1alpha1::{OperationKind, OperationStatus};
use crate::api::{FINALIZER, SynapseSparkAttachment};
use crate::azure::{Freshness, wire};
use crate::controller::observe::{fault, observe};
use crate::controller::{Context, Error};
use crate::plan::status::Written;
use crate::plan::{Desired, Finding, Goal, Observed, Plan, Step, decide};

/// What came of a step.
#[derive(Debug)]
pub struct Acted {
    /// The plan to report: the one that was decided, or what became of it.
    pub plan: Plan,
    /// What the report rests on.
    pub observed: Observed,
    /// What was written to Azure.
    pub written: Option<Written>,
}

/// Does the step of a plan.
///
/// # Errors
///
/// [`Error`] if Kubernetes refuses us. What Azure refuses is in the plan that comes back.
pub async fn act(
    ctx: &Context,
    object: &SynapseSparkAttachment,
    goal: &Goal,
    observed: Observed,
    plan: Plan,
    now: Timestamp,
) -> Result<Acted, Error> {
    let done = |plan, observed| Ok(Acted { plan, observed, written: None });
    match plan.step {
        Step::Wait | Step::Rest => return done(plan, observed),
        Step::Claim => {
            claim(&ctx.kube, object).await?;
            return done(plan, observed);
        }
        Step::Release => {
            release(&ctx.kube, object).await?;
            return done(plan, observed);
        }
        Step::Attach | Step::Detach => {}
    }
    let look = observe(&ctx.azure, object, goal, ctx.index.elder(object), Freshness::Now, now);
    let (is_current, observed) = futures::join!(is_current(&ctx.kube, object), look);
    if !is_current? {
        let plan = plan.overtaken();
        return done(plan, observed);
    }
    let live = decide(goal, &observed);
    if live.step != plan.step {
        // Whatever it is now, it is not this write: the next pass comes at once for another step, or when this one says.
        let again = !matches!(live.step, Step::Wait | Step::Rest);
        return done(if again { live.overtaken() } else { live }, observed);
    }
    let plan = live;
    let asked = match (goal, plan.step) {
        (Goal::Attached(goal), Step::Attach) => attach(ctx, goal, &observed).await,
        _ => detach(ctx, goal).await,
    };
    match asked {
        Ok(asked) => {
            let operation = OperationStatus { kind: asked.kind, path: asked.path, started_at: Time(now) };
            Ok(Acted { plan, observed, written: Some(Written { operation, applied: asked.applied }) })
        }
        Err(error) => done(plan.thwarted(fault(error), &observed), observed),
    }
}

struct Asked {
    kind: OperationKind,
    path: Option<String>,
    applied: Option<crate::api::v1alpha1::Applied>,
}

async fn attach(ctx: &Context, goal: &crate::plan::Attached, observed: &Observed) -> Result<Asked, crate::azure::Error> {
    let there = match &observed.compute {
        Finding::Present(compute) => Some(compute),
        _ => None,
    };
    let mut desired = Desired::of(goal, there, observed.applied.as_ref());
    // Another pool is never put over the one that is there: adopted first, replaced later.
    if let Some(pool) = there.and_then(|compute| compute.pool.clone()) {
        desired.pool = pool;
    }
    let location = match there.and_then(|compute| compute.location.clone()) {
        Some(location) => location,
        None => ctx.azure.location(goal.compute.workspace()).await?,
    };
    let put = wire::Put {
        location,
        resource_id: desired.pool.to_string(),
        description: desired.description,
        identity: desired.identity.map(|identity| wire::PutIdentity {
            kind: identity.kind(),
            user: identity.user.iter().map(ToString::to_string).collect(),
        }),
        tags: desired.tags.into_iter().collect(),
    };
    let path = ctx.azure.put(&goal.compute, &put).await?;
    let kind = if there.is_some() { OperationKind::Update } else { OperationKind::Attach };
    Ok(Asked { kind, path, applied: Some(Desired::remembered(goal)) })
}

async fn detach(ctx: &Context, goal: &Goal) -> Result<Asked, crate::azure::Error> {
    let path = match goal.compute() {
        Some(id) => ctx.azure.detach(id).await?,
        None => None,
    };
    Ok(Asked { kind: OperationKind::Detach, path, applied: None })
}

fn api(kube: &Client, object: &SynapseSparkAttachment) -> Api<SynapseSparkAttachment> {
    Api::namespaced(kube.clone(), &object.namespace().unwrap_or_default())
}

/// Whether the object is still the one, and asks for the same, that the decision rests on.
async fn is_current(kube: &Client, object: &SynapseSparkAttachment) -> Result<bool, Error> {
    let live = api(kube, object).get_opt(&object.name_any()).await.map_err(Error::read)?;
    Ok(live.is_some_and(|live| {
        let same = |of: &SynapseSparkAttachment| {
            let meta = &of.metadata;
            (
                meta.uid.clone(),
                meta.generation,
                meta.deletion_timestamp.is_some(),
                of.finalizers().iter().any(|one| one == FINALIZER),
            )
        };
        same(&live) == same(object)
    }))
}

/// A JSON patch with its tests: of two that race one fails, and nobody's finalizer is lost.
async fn claim(kube: &Client, object: &SynapseSparkAttachment) -> Result<(), Error> {
    let add = match object.metadata.finalizers.as_deref() {
        None | Some([]) => json!([
            {"op": "test", "path": "/metadata/uid", "value": object.uid()},
            {"op": "test", "path": "/metadata/finalizers", "value": null},
            {"op": "add", "path": "/metadata/finalizers", "value": [FINALIZER]},
        ]),
        Some(others) => json!([
            {"op": "test", "path": "/metadata/uid", "value": object.uid()},
            {"op": "test", "path": "/metadata/finalizers", "value": others},
            {"op": "add", "path": "/metadata/finalizers/-", "value": FINALIZER},
        ]),
    };
    patch(kube, object, add).await.map_err(Error::claim)
}

async fn release(kube: &Client, object: &SynapseSparkAttachment) -> Result<(), Error> {
    let Some(live) = api(kube, object).get_opt(&object.name_any()).await.map_err(Error::read)? else { return Ok(()) };
    let Some(at) = live.finalizers().iter().position(|finalizer| finalizer == FINALIZER).filter(|_| live.uid() == object.uid())
    else {
        return Ok(());
    };
    let remove = json!([
        {"op": "test", "path": "/metadata/uid", "value": object.uid()},
        {"op": "test", "path": format!("/metadata/finalizers/{at}"), "value": FINALIZER},
        {"op": "remove", "path": format!("/metadata/finalizers/{at}")},
    ]);
    patch(kube, object, remove).await.map_err(Error::release)
}

async fn patch(kube: &Client, object: &SynapseSparkAttachment, operations: serde_json::Value) -> Result<(), kube::Error> {
    let operations = serde_json::from_value(operations).expect("it is a JSON patch");
    let patch: Patch<SynapseSparkAttachment> = Patch::Json(operations);
    api(kube, object).patch(&object.name_any(), &PatchParams::default(), &patch).await.map(|_| ())
}
