//! Adds and removes the operator's finalizer: by JSON patches with tests, so that of two that race one fails, and no other
//! finalizer is lost.

use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::api::{FINALIZER, SynapseSparkAttachment};
use crate::controller::context::{Context, Error};

/// Adds the finalizer. Returns the object as it is stored now; none if it cannot be decoded.
pub(crate) async fn add(ctx: &Context, object: &SynapseSparkAttachment) -> Result<Option<SynapseSparkAttachment>, Error> {
    let operations = match object.metadata.finalizers.as_deref() {
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
    patch(ctx, object, operations, "to add the finalizer").await
}

/// Removes the finalizer.
pub(crate) async fn remove(ctx: &Context, object: &SynapseSparkAttachment) -> Result<(), Error> {
    let Some(at) = object.finalizers().iter().position(|finalizer| finalizer == FINALIZER) else { return Ok(()) };
    let operations = json!([
        {"op": "test", "path": "/metadata/uid", "value": object.uid()},
        {"op": "test", "path": format!("/metadata/finalizers/{at}"), "value": FINALIZER},
        {"op": "remove", "path": format!("/metadata/finalizers/{at}")},
    ]);
    patch(ctx, object, operations, "to remove the finalizer").await.map(drop)
}

async fn patch(
    ctx: &Context,
    object: &SynapseSparkAttachment,
    operations: Value,
    action: &'static str,
) -> Result<Option<SynapseSparkAttachment>, Error> {
    ctx.ensure_leader()?;
    let patch: Patch<SynapseSparkAttachment> = Patch::Json(serde_json::from_value(operations).expect("it is a JSON patch"));
    match ctx.api(object).patch(&object.name_any(), &PatchParams::default(), &patch).await {
        Ok(stored) => Ok(stored.0.ok()),
        Err(error) => {
            let error = Error::refused(action)(error);
            // A test of the patch fails if the object has changed since it was read.
            let has_changed = error.is_invalid() && ctx.read(object).await?.is_none_or(|live| is_changed(object, &live));
            Err(if has_changed { Error::Conflict } else { error })
        }
    }
}

fn is_changed(object: &SynapseSparkAttachment, live: &SynapseSparkAttachment) -> bool {
    (object.uid(), object.resource_version()) != (live.uid(), live.resource_version())
}
