//! Does the one step of a pass, and tells what came of it.
//!
//! Before anything is written to Azure, object and compute are read live and
//! the decision is taken again: a cache that is behind (after a restart, from
//! an API server that lags) must not do harm.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
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
    /// The object as it is now, and what it asks for, where they were read again.
    pub live: Option<(SynapseSparkAttachment, Goal)>,
}

/// Does the step of a plan.
///
/// # Errors
///
/// [`Error`] if Kubernetes refuses us. What Azure refuses is in the plan that comes back.
pub async fn act(
    ctx: &Context,
    object: &SynapseSparkAttachment,
    observed: Observed,
    plan: Plan,
    now: Timestamp,
) -> Result<Acted, Error> {
    match plan.step {
        Step::Wait | Step::Rest => {}
        Step::Claim => {
            ctx.leads()?;
            claim(&ctx.kube, object).await?;
        }
        Step::Attach | Step::Detach | Step::Release => return act_live(ctx, object, observed, plan, now).await,
    }
    Ok(Acted { plan, observed, written: None, live: None })
}

/// Does what cannot be undone: reads object and compute again, decides again, and then does it.
async fn act_live(
    ctx: &Context,
    object: &SynapseSparkAttachment,
    seen: Observed,
    plan: Plan,
    now: Timestamp,
) -> Result<Acted, Error> {
    let live = api(&ctx.kube, object).get_opt(&object.name_any()).await.map_err(Error::refused("to show the object"))?;
    let Some((live, goal)) = live
        .filter(|live| live.uid() == object.uid())
        .and_then(|live| Goal::of(&live, &ctx.cluster).ok().map(|goal| (live, goal)))
    else {
        return Ok(Acted { plan: plan.overtaken(), observed: seen, written: None, live: None });
    };
    let observed = observe(&ctx.azure, &live, &goal, ctx.index.elder(object), Freshness::Now, now).await;
    let decided = decide(&goal, &observed);
    let (plan, observed, written) = match (&observed.compute, decided.step) {
        (_, step) if step == plan.step => match write(ctx, &live, &goal, &observed, step).await? {
            Ok(asked) => (decided, observed, asked.map(|asked| asked.at(now))),
            Err(error) => (decided.thwarted(fault(error), &observed), observed, None),
        },
        // What the first look saw still counts: that there is something to do.
        (Finding::Unknown(fault), _) => (plan.thwarted(fault.clone(), &seen), seen, None),
        (_, Step::Wait | Step::Rest) => (decided, observed, None),
        _ => (decided.overtaken(), observed, None),
    };
    Ok(Acted { plan, observed, written, live: Some((live, goal)) })
}

/// The one write of a step; what Azure refuses is the inner error.
async fn write(
    ctx: &Context,
    object: &SynapseSparkAttachment,
    goal: &Goal,
    observed: &Observed,
    step: Step,
) -> Result<Result<Option<Asked>, crate::azure::Error>, Error> {
    let asked = match (goal, step) {
        (Goal::Attached(goal), Step::Attach) => {
            let put = match put(ctx, goal, observed).await {
                Ok(put) => put,
                Err(error) => return Ok(Err(error)),
            };
            ctx.leads()?;
            ctx.azure.put(&goal.compute, &put).await.map(|path| attached(goal, observed, path))
        }
        (_, Step::Detach) => {
            if let Err(error) = ctx.azure.authenticate().await {
                return Ok(Err(error));
            }
            ctx.leads()?;
            match goal.compute() {
                Some(id) => ctx.azure.detach(id).await,
                None => Ok(None),
            }
            .map(|path| Asked { kind: OperationKind::Detach, path, applied: None })
        }
        _ => {
            ctx.leads()?;
            release(&ctx.kube, object).await?;
            return Ok(Ok(None));
        }
    };
    Ok(asked.map(Some))
}

struct Asked {
    kind: OperationKind,
    path: Option<String>,
    applied: Option<crate::api::v1alpha1::Applied>,
}

impl Asked {
    fn at(self, now: Timestamp) -> Written {
        let operation = OperationStatus { kind: self.kind, path: self.path, started_at: Time(now) };
        Written { operation, applied: self.applied }
    }
}

/// What an attach sends. All that takes time before the PUT, so that nothing waits between the last look at the Lease and it.
async fn put(ctx: &Context, goal: &crate::plan::Attached, observed: &Observed) -> Result<wire::Put, crate::azure::Error> {
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
    ctx.azure.authenticate().await?;
    Ok(wire::Put {
        location,
        resource_id: desired.pool.to_string(),
        description: desired.description,
        identity: desired.identity.map(|identity| wire::PutIdentity {
            kind: identity.kind(),
            user: identity.user.iter().map(ToString::to_string).collect(),
        }),
        tags: desired.tags.into_iter().collect(),
    })
}

fn attached(goal: &crate::plan::Attached, observed: &Observed, path: Option<String>) -> Asked {
    let is_there = matches!(observed.compute, Finding::Present(_));
    let kind = if is_there { OperationKind::Update } else { OperationKind::Attach };
    Asked { kind, path, applied: Some(Desired::remembered(goal, observed.applied.as_ref())) }
}

fn api(kube: &Client, object: &SynapseSparkAttachment) -> Api<SynapseSparkAttachment> {
    Api::namespaced(kube.clone(), &object.namespace().unwrap_or_default())
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
    patch(kube, object, add).await.map_err(Error::refused("the finalizer"))
}

async fn release(kube: &Client, object: &SynapseSparkAttachment) -> Result<(), Error> {
    let Some(at) = object.finalizers().iter().position(|finalizer| finalizer == FINALIZER) else { return Ok(()) };
    let remove = json!([
        {"op": "test", "path": "/metadata/uid", "value": object.uid()},
        {"op": "test", "path": format!("/metadata/finalizers/{at}"), "value": FINALIZER},
        {"op": "remove", "path": format!("/metadata/finalizers/{at}")},
    ]);
    patch(kube, object, remove).await.map_err(Error::refused("to take the finalizer off"))
}

async fn patch(kube: &Client, object: &SynapseSparkAttachment, operations: serde_json::Value) -> Result<(), kube::Error> {
    let operations = serde_json::from_value(operations).expect("it is a JSON patch");
    let patch: Patch<SynapseSparkAttachment> = Patch::Json(operations);
    api(kube, object).patch(&object.name_any(), &PatchParams::default(), &patch).await.map(|_| ())
}
