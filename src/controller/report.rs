//! Tells the user: status if it changed, an event if it is a transition.

use kube::api::{Api, Patch, PatchParams};
use kube::runtime::events::{Event, EventType};
use kube::runtime::reflector::ObjectRef;
use kube::{Resource, ResourceExt};
use serde_json::json;

use crate::api::v1alpha1::AttachmentStatus;
use crate::api::{Reason, SynapseSparkAttachment};
use crate::controller::{Context, Error};
use crate::plan::status::{Pass, condition, shortened, status};
use crate::plan::{Field, Plan, Step};

/// The name under which the operator owns the fields of the status.
pub const FIELD_MANAGER: &str = "synapse-spark-operator";

/// Writes what a pass found to the object, if it is news.
///
/// # Errors
///
/// [`Error`] if Kubernetes refuses the status.
pub async fn report(ctx: &Context, object: &SynapseSparkAttachment, pass: &Pass<'_>) -> Result<(), Error> {
    let previous = object.status.clone().unwrap_or_default();
    let next = status(&previous, pass);
    let key = ObjectRef::from_obj(object);
    let is_released = pass.plan.step == Step::Release;
    ctx.metrics.reason(&key, (!is_released).then_some(pass.plan.reason));
    if !is_released && next != previous {
        write(ctx, object, &next).await?;
    }
    let before = condition(&previous, "Ready").and_then(|ready| Reason::parse(&ready.reason));
    if before != Some(pass.plan.reason) {
        if before == Some(Reason::Attached)
            && pass.plan.reason == Reason::Updating
            && previous.observed_generation == pass.generation
        {
            ctx.metrics.drifted();
        }
        tell(ctx, object, &next, pass.plan).await;
    }
    Ok(())
}

async fn write(ctx: &Context, object: &SynapseSparkAttachment, next: &AttachmentStatus) -> Result<(), Error> {
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
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => {
            tracing::debug!("the object is gone, and its status with it");
            Ok(())
        }
        Err(error) => Err(Error::status(error)),
    }
}

fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 404 | 409))
}

/// An event is for whoever looks on: it is not worth a failed pass.
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
    let (reason, kind) = (plan.reason.as_str(), if is_stalled { EventType::Warning } else { EventType::Normal });
    if is_stalled {
        tracing::warn!(reason, note, "stalled");
    } else {
        tracing::info!(reason, note, "changed");
    }
    let event = Event {
        type_: kind,
        reason: reason.to_owned(),
        note: Some(note.clone()),
        action: format!("{:?}", plan.step),
        secondary: None,
    };
    if let Err(error) = ctx.recorder.publish(&event, &object.object_ref(&())).await {
        tracing::debug!(%error, "an event was not taken");
    }
}
