//! Writes the defaults of a namespace into the spec of a new attachment.
//!
//! As an ordinary update of the object: so the rules of the definition and every admission policy of the cluster apply to a default as
//! they do to what a user writes, and all that depends on the spec (shards, claimants, columns, backups) sees one value.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::Identity;
use crate::azure::{self, Freshness};
use crate::controller::context::{Context, Error, FIELD_MANAGER};
use crate::controller::observe::spec_identity;
use crate::controller::queue::turn;
use crate::planner::defaults::{Defaults, are_due};
use crate::planner::goal::compute_of;
use crate::planner::invalid::Invalid;
use crate::resource_id::ComputeId;

/// What became of the defaults for an object.
pub(super) enum Filled {
    /// Azure does not answer whether the compute exists: whether the object gets this default identity depends on that.
    Unobserved(Identity),
    /// There is nothing to write.
    Complete,
    /// They are stored: the watch brings the next reconcile.
    Stored,
    /// They have no meaning, may not be read, or the API server refuses them.
    Refused(Invalid),
}

/// Writes what the object leaves out, if its namespace has a default for it.
///
/// The workspace comes first, alone: whether the compute exists is read in the shard of its subscription.
pub(super) async fn fill_in(ctx: &Context, object: &SynapseSparkAttachment, now: Timestamp) -> Result<Filled, Error> {
    if !are_due(object) {
        return Ok(Filled::Complete);
    }
    let read = read(&ctx.kube, object).await;
    let mut defaults = match read {
        Ok(defaults) => defaults,
        Err(Unread::Invalid(invalid)) => return Ok(Filled::Refused(invalid)),
        Err(Unread::Failed(error)) => return Err(Error::refused("to read the namespace")(error)),
    };
    if defaults.workspace.is_some() {
        defaults.identity = None;
    } else if let Some(default) = defaults.identity.take() {
        // An object that is not for this operator, or names no compute, is refused for that.
        let Some(id) = ctx.shard().admit(object).and_then(|()| compute_of(object)).ok() else { return Ok(Filled::Complete) };
        let azure = ctx.identities.of(object, Freshness::Now, &ctx.kube, &ctx.azure).await;
        let azure = azure.with_turn(turn(object, ctx.objects.memory.waiting(object).as_ref(), now));
        match identity(&azure, &id, default.clone()).await {
            Ok(Ok(identity)) => defaults.identity = Some(identity),
            Ok(Err(invalid)) => return Ok(Filled::Refused(invalid)),
            Err(_) => return Ok(Filled::Unobserved(default)),
        }
    }
    if defaults.is_empty() { Ok(Filled::Complete) } else { store(ctx, object, &defaults).await }
}

/// The identity for an object without one: this default, if its compute does not exist. Otherwise the one that the compute has: a default
/// would replace it, and a system-assigned identity would be lost with its role assignments.
pub(crate) async fn identity(
    azure: &azure::Client,
    id: &ComputeId,
    default: Identity,
) -> Result<Result<Identity, Invalid>, azure::Error> {
    // A write is about to be based on an absence.
    let Some(found) = azure.compute(id, Freshness::NowOnNewConnection).await? else { return Ok(Ok(default)) };
    Ok(spec_identity(&found).map_err(|why| Invalid {
        field: "spec.identity",
        why: format!(
            "is missing, and the identity of compute {id}, which exists, cannot be taken from it: {why}. Set spec.identity"
        ),
    }))
}

/// Why the defaults of a namespace cannot be read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// An annotation has no meaning, or Kubernetes does not allow it.
    Invalid(Invalid),
    /// Kubernetes does not answer.
    Failed(kube::Error),
}

/// The defaults for an object.
pub(crate) async fn read(kube: &kube::Client, object: &SynapseSparkAttachment) -> Result<Defaults, Unread> {
    let name = object.namespace().unwrap_or_default();
    match Api::<Namespace>::all(kube.clone()).get_opt(&name).await {
        Ok(namespace) => {
            let annotations = namespace.and_then(|namespace| namespace.metadata.annotations).unwrap_or_default();
            Defaults::of(object, &annotations).map_err(Unread::Invalid)
        }
        Err(kube::Error::Api(refusal)) if refusal.code == 403 => Err(Unread::Invalid(Invalid {
            field: "metadata.namespace",
            why: format!(
                "the defaults of namespace {name} cannot be read: {}. Allow get on namespaces, or set spec.workspace and spec.identity (type None for no identity)",
                refusal.message
            ),
        })),
        Err(error) => Err(Unread::Failed(error)),
    }
}

/// By a JSON patch with tests: what a user has written meanwhile is kept, and so is an object that another process attaches.
async fn store(ctx: &Context, object: &SynapseSparkAttachment, defaults: &Defaults) -> Result<Filled, Error> {
    let mut operations = vec![
        json!({"op": "test", "path": "/metadata/uid", "value": object.uid()}),
        json!({"op": "test", "path": "/metadata/finalizers", "value": object.metadata.finalizers}),
    ];
    let mut add = |path: &str, value: Value| {
        operations.push(json!({"op": "test", "path": path, "value": null}));
        operations.push(json!({"op": "add", "path": path, "value": value}));
    };
    if let Some(workspace) = &defaults.workspace {
        add("/spec/workspace", json!(workspace));
    }
    if let Some(identity) = &defaults.identity {
        add("/spec/identity", json!(identity));
    }
    let operations = serde_json::from_value(Value::Array(operations)).expect("it is a JSON patch");
    let patch: Patch<SynapseSparkAttachment> = Patch::Json(operations);
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    ctx.ensure_leader()?;
    match ctx.api(object).patch(&object.name_any(), &parameters, &patch).await {
        Ok(_) => {
            tracing::info!(?defaults.workspace, ?defaults.identity, "defaults of the namespace applied");
            Ok(Filled::Stored)
        }
        Err(kube::Error::Api(refusal)) if matches!(refusal.code, 403 | 422) => {
            // A test of the patch fails if the object has changed since it was read.
            let live = ctx.read(object).await?;
            if live.is_none_or(|live| live.resource_version() != object.resource_version()) {
                return Err(Error::Conflict);
            }
            let namespace = object.namespace().unwrap_or_default();
            let why = format!("the defaults of namespace {namespace} are refused: {}", refusal.message);
            Ok(Filled::Refused(Invalid { field: "spec", why }))
        }
        Err(error) => Err(Error::refused("to write the defaults of the namespace")(error)),
    }
}
