//! Tells the user: status if it changed, an event if it is a transition.

use kube::api::{Api, Patch, PatchParams};
use kube::runtime::events::{Event, EventType};
use kube::{Resource, ResourceExt};
use serde_json::json;

use crate::api::v1alpha1::{AttachmentStatus, PoolStatus};
use crate::api::{Reason, SynapseSparkAttachment};
use crate::controller::{Context, Error};
use crate::planner::status::{Pass, condition, shortened, status};
use crate::planner::{Change, Field, Plan, Step};

/// The name under which the operator owns the fields of the status.
pub const FIELD_MANAGER: &str = "synapse-spark-operator";

/// Writes what a pass found to the object, if it is news.
///
/// # Errors
///
/// [`Error`] if Kubernetes refuses the status.
pub async fn report(ctx: &Context, object: &SynapseSparkAttachment, pass: &Pass<'_>) -> Result<(), Error> {
    ctx.metrics.looked(object, pass, ctx.is_asked_by_the_operator(object));
    ctx.leads()?;
    let previous = object.status.clone().unwrap_or_default();
    let mut next = status(&previous, pass);
    // It has not been Ready since it was made, which is before anybody looked: the time to its first Ready counts from there.
    if previous.conditions.is_empty()
        && let Some(created) = object.creation_timestamp()
        && let Some(unready) = next.conditions.iter_mut().find(|one| one.type_ == "Ready" && one.status == "False")
    {
        unready.last_transition_time = created;
    }
    if pass.plan.step != Step::Release && next != previous && !write(ctx, object, &next).await? {
        return Ok(());
    }
    ctx.metrics.reported(object, &previous, &next, pass);
    let before = condition(&previous, "Ready").and_then(|ready| Reason::parse(&ready.reason));
    if before != Some(pass.plan.reason) {
        tell(ctx, object, &next, pass.plan).await;
    }
    tell_beside(ctx, object, &previous, &next, pass).await;
    Ok(())
}

/// Gives whether the object is still there to take it.
async fn write(ctx: &Context, object: &SynapseSparkAttachment, next: &AttachmentStatus) -> Result<bool, Error> {
    let (name, namespace) = (object.name_any(), object.namespace().unwrap_or_default());
    let api: Api<SynapseSparkAttachment> = Api::namespaced(ctx.kube.clone(), &namespace);
    // The UID: so that it never lands on another object of that name.
    let body = json!({
        "apiVersion": SynapseSparkAttachment::api_version(&()),
        "kind": SynapseSparkAttachment::kind(&()),
        "metadata": {"name": name, "namespace": namespace, "uid": object.uid()},
        "status": next,
    });
    match api.patch_status(&name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(&body)).await {
        Ok(_) => Ok(true),
        Err(error) if is_gone(&error) => {
            tracing::debug!("the object is gone, and its status with it");
            Ok(false)
        }
        Err(error) => Err(Error::refused("the status")(error)),
    }
}

fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 404 | 409))
}

async fn tell(ctx: &Context, object: &SynapseSparkAttachment, next: &AttachmentStatus, plan: &Plan) {
    let is_stalled = condition(next, "Stalled").is_some();
    // An event's note has 1,024 bytes at most: the end of a long message gives way, not what stands behind it.
    let mut note = condition(next, "Ready").map(|ready| shortened(&ready.message, 400)).unwrap_or_default();
    for drift in plan.drift.iter().filter(|drift| drift.field != Field::Owner).take(2) {
        note = format!("{note}; {}: want {:?}, have {:?}", drift.field, shortened(&drift.want, 80), shortened(&drift.have, 80));
    }
    if let Some(correlation) = plan.words.as_ref().and_then(|words| words.correlation.as_deref()) {
        note = format!("{note} (x-ms-correlation-request-id {correlation})");
    }
    publish(ctx, object, plan.reason, is_stalled, note, plan.step).await;
}

/// What is told besides: of the role, of the pool, of what stays behind.
async fn tell_beside(
    ctx: &Context,
    object: &SynapseSparkAttachment,
    previous: &AttachmentStatus,
    next: &AttachmentStatus,
    pass: &Pass<'_>,
) {
    let plan = pass.plan;
    for kind in ["RoleGranted", "PoolAvailable"] {
        let (before, Some(now)) = (condition(previous, kind), condition(next, kind)) else { continue };
        let is_same = before.is_some_and(|before| (&before.status, &before.reason) == (&now.status, &now.reason));
        let Some(reason) = Reason::parse(&now.reason).filter(|_| !is_same) else { continue };
        // That a pool is there at the first look is no news; and what Ready says is told already.
        let is_news =
            reason != Reason::Granting && reason != plan.reason && (reason != Reason::PoolAvailable || before.is_some());
        if is_news {
            let is_warning = now.status != "True" || reason == Reason::SparkOutOfSupport;
            publish(ctx, object, reason, is_warning, shortened(&now.message, 800), plan.step).await;
        }
    }
    let changes = changes(previous, next);
    if !changes.is_empty() {
        publish(ctx, object, Reason::PoolChanged, false, changes.join("; "), plan.step).await;
    }
    if !plan.left_behind.is_empty() && (plan.step == Step::Release || plan.change == Change::Forget) {
        let note = format!("to take it back: {}", plan.left_behind.join("; "));
        publish(ctx, object, Reason::RoleLeftBehind, true, shortened(&note, 1000), plan.step).await;
    }
}

/// What has become of a pool that was there before and is there now.
fn changes(previous: &AttachmentStatus, next: &AttachmentStatus) -> Vec<String> {
    let is_there = |status: &AttachmentStatus| condition(status, "PoolAvailable").is_some_and(|one| one.status == "True");
    let (true, true, Some(before), Some(now)) = (is_there(previous), is_there(next), &previous.pool, &next.pool) else {
        return Vec::new();
    };
    if (&before.workspace_name, &before.name) != (&now.workspace_name, &now.name) {
        return Vec::new();
    }
    let text = |pool: &PoolStatus| {
        let scale = pool.auto_scale.as_ref().filter(|scale| scale.enabled);
        let nodes = scale.map(|scale| format!("{}-{}", scale.min_node_count, scale.max_node_count));
        let own = |text: &Option<String>| text.clone().unwrap_or_default();
        [
            ("sparkVersion", own(&pool.spark_version)),
            ("nodeSize", own(&pool.node_size)),
            ("nodes", nodes.or_else(|| pool.node_count.map(|count| count.to_string())).unwrap_or_default()),
        ]
    };
    let pairs = text(before).into_iter().zip(text(now));
    pairs.filter(|(one, other)| one != other).map(|((field, before), (_, now))| format!("{field}: {before} → {now}")).collect()
}

/// An event is for whoever looks on: it is not worth a failed pass.
async fn publish(ctx: &Context, object: &SynapseSparkAttachment, reason: Reason, is_warning: bool, note: String, step: Step) {
    let reason = reason.as_str();
    if is_warning {
        tracing::warn!(reason, note, "needs somebody");
    } else {
        tracing::info!(reason, note, "changed");
    }
    let event = Event {
        type_: if is_warning { EventType::Warning } else { EventType::Normal },
        reason: reason.to_owned(),
        note: Some(note),
        action: format!("{step:?}"),
        secondary: None,
    };
    if let Err(error) = ctx.recorder.publish(&event, &object.object_ref(&())).await {
        tracing::debug!(%error, "an event was not taken");
    }
}
