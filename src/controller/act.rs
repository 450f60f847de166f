//! Does the one step of a pass, and tells what came of it.
//!
//! Before anything is written to Azure, object and compute are read live and
//! the decision is taken again: a cache that is behind (after a restart, from
//! an API server that lags) must not do harm.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::json;

use crate::api::v1alpha1::{OperationKind, OperationStatus, RoleAssignmentStatus};
use crate::api::{FINALIZER, SynapseSparkAttachment};
use crate::azure::{self, Freshness, wire};
use crate::controller::observe::behind::grant;
use crate::controller::observe::{fault, observe};
use crate::controller::{Context, Error};
use crate::planner::status::Written;
use crate::planner::{Assignment, Desired, Finding, Goal, Look, Observed, Plan, Step, decide};

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
    azure: &azure::Client,
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
        Step::Attach | Step::Grant | Step::Revoke | Step::Detach | Step::Release => {
            return act_live(ctx, azure, object, observed, plan, now).await;
        }
    }
    Ok(Acted { plan, observed, written: None, live: None })
}

/// Does what cannot be undone: reads object and compute again, decides again, and then does it.
async fn act_live(
    ctx: &Context,
    azure: &azure::Client,
    object: &SynapseSparkAttachment,
    seen: Observed,
    plan: Plan,
    now: Timestamp,
) -> Result<Acted, Error> {
    let live = api(&ctx.kube, object).get_opt(&object.name_any()).await.map_err(Error::refused("to show the object"))?;
    let Some((live, goal)) = live
        .filter(|live| live.uid() == object.uid())
        // Azure was asked as somebody whom the object names no longer.
        .filter(|live| live.spec.service_account_name == object.spec.service_account_name)
        .and_then(|live| Goal::of(&live, &ctx.cluster).ok().map(|goal| (live, goal)))
    else {
        return Ok(Acted { plan: plan.overtaken(), observed: seen, written: None, live: None });
    };
    let (mut goal, others) = (goal, ctx.index.others(object));
    let observed = observe(azure, &live, &mut goal, others, Freshness::Now, now).await;
    let decided = decide(&goal, &observed);
    let is_first = decided.assignment.as_ref().is_some_and(|one| ctx.announced(|all| all.remove(&one.id(&goal.owner().uid))));
    let (plan, observed, written) = match (&observed.compute, decided.step) {
        (_, step) if step == plan.step => match write(ctx, azure, &live, &goal, &observed, &decided, now).await? {
            Ok(Some(Written::Granted(one))) if one.granted_at.is_none() => {
                (Plan { look: Look::In(Duration::ZERO), ..decided }, observed, Some(Written::Granted(one)))
            }
            // Of what was asked for before, without hearing the answer, "already there" most likely means ours.
            Ok(Some(Written::Granted(one))) if one.existed && !is_first => {
                let existed = known(&live, &one.assignment_id).is_some_and(|known| known.existed);
                (decided, observed, Some(Written::Granted(RoleAssignmentStatus { existed, ..one })))
            }
            Ok(written) => (decided, observed, written),
            Err(error) => {
                let (fault, roles) = (fault(error), &observed.behind.roles);
                let vain = decided.assignment.as_ref().filter(|_| decided.step == Step::Grant);
                let vain = vain.map(|one| roles.not_granted(one, &goal.owner().uid, fault.kind, is_first));
                (decided.thwarted(fault, &observed), observed, vain.map(Written::Granted))
            }
        },
        // What the first look saw still counts: that there is something to do.
        (Finding::Unknown(fault), _) => (plan.unanswered(fault.clone(), &seen), seen, None),
        (_, Step::Wait | Step::Rest) => (decided, observed, None),
        _ => (decided.overtaken(), observed, None),
    };
    Ok(Acted { plan, observed, written, live: Some((live, goal)) })
}

/// The one write of a step; what Azure refuses is the inner error.
async fn write(
    ctx: &Context,
    azure: &azure::Client,
    object: &SynapseSparkAttachment,
    goal: &Goal,
    observed: &Observed,
    plan: &Plan,
    now: Timestamp,
) -> Result<Result<Option<Written>, azure::Error>, Error> {
    // All that takes time comes first, so that nothing waits between the last look at the Lease and the write.
    let ready = match (goal, plan.step, &plan.assignment) {
        (Goal::Attached(goal), Step::Attach, _) => put(azure, goal, observed).await.map(|put| Write::Put(goal, put)),
        (_, Step::Detach, _) => azure.authenticate().await.map(|()| Write::Detach),
        (_, Step::Grant, Some(one)) => azure.authenticate_to_synapse().await.map(|()| Write::Grant(one)),
        (_, Step::Revoke, Some(one)) => azure.authenticate_to_synapse().await.map(|()| Write::Revoke(one)),
        _ => Ok(Write::Release),
    };
    let ready = match ready {
        Ok(ready) => ready,
        Err(error) => return Ok(Err(error)),
    };
    ctx.leads()?;
    let operation = |kind, path| OperationStatus { kind, path, started_at: Time(now) };
    let uid = &goal.owner().uid;
    let written = match ready {
        Write::Put(goal, put) => azure.put(&goal.compute, &put, None).await.map(|path| {
            let is_there = matches!(observed.compute, Finding::Present(_));
            let kind = if is_there { OperationKind::Update } else { OperationKind::Attach };
            let applied = Some(Desired::remembered(goal, observed.applied.as_ref()));
            Written::Compute { operation: operation(kind, path), applied }
        }),
        Write::Detach => match goal.compute() {
            Some(id) => azure.detach(id, None).await,
            None => Ok(None),
        }
        .map(|path| Written::Compute { operation: operation(OperationKind::Detach, path), applied: None }),
        // First the status has to know of it: else a grant whose answer is lost would outlive a deletion that comes next.
        Write::Grant(one) => match known(object, &one.id(uid)) {
            None => {
                ctx.announced(|all| all.insert(one.id(uid)));
                Ok(Written::Granted(one.remembered(one.id(uid), None, false)))
            }
            Some(_) => azure.assign_role(&one.id(uid), &grant(one), None).await.map(|granted| {
                Written::Granted(one.remembered(one.id(uid), Some(Time(now)), granted == azure::Assigned::AlreadyExisted))
            }),
        },
        Write::Revoke(one) => azure.revoke_role(&one.id(uid), &grant(one), None).await.map(|()| Written::Revoked(one.clone())),
        Write::Release => {
            release(&ctx.kube, object).await?;
            return Ok(Ok(None));
        }
    };
    Ok(written.map(Some))
}

/// What the status knows of a role assignment of this object's making.
fn known<'a>(object: &'a SynapseSparkAttachment, id: &str) -> Option<&'a RoleAssignmentStatus> {
    object.status.as_ref()?.role_assignments.iter().find(|one| one.assignment_id == id)
}

/// A write for which everything is ready.
enum Write<'a> {
    Put(&'a crate::planner::Attached, wire::Put),
    Grant(&'a Assignment),
    Revoke(&'a Assignment),
    Detach,
    Release,
}

/// What an attach sends.
async fn put(azure: &azure::Client, goal: &crate::planner::Attached, observed: &Observed) -> Result<wire::Put, azure::Error> {
    let there = match &observed.compute {
        Finding::Present(compute) => Some(compute),
        _ => None,
    };
    let mut desired = Desired::of(goal, there, observed.applied.as_ref());
    // Another pool is never put over the one that is there: adopted first, replaced later.
    let there_already = there.and_then(|compute| compute.pool.clone());
    let Some(pool) = there_already.or_else(|| desired.pool.take()) else {
        return Err(azure::Error::unavailable("the link to the pool was not followed"));
    };
    let location = match there.and_then(|compute| compute.location.clone()) {
        Some(location) => location,
        None => azure.location(goal.compute.workspace()).await?,
    };
    azure.authenticate().await?;
    Ok(wire::Put {
        location,
        resource_id: pool.to_string(),
        description: desired.description,
        identity: desired.identity.map(|identity| wire::PutIdentity {
            kind: identity.kind(),
            user: identity.user.iter().map(ToString::to_string).collect(),
        }),
        tags: desired.tags.into_iter().collect(),
    })
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
