//! The defaults of the namespace, for an object into which the operator has not written them yet, and for a manifest without the ones that
//! it has written.

use kube::api::Api;
use kube::{Client, ResourceExt};

use super::super::changes::{in_namespace, owner_of};
use super::super::kube::ClusterArgs;
use super::super::output::{printable, remark};
use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::IdentityType;
use crate::azure::{self, Freshness};
use crate::controller::context::FIELD_MANAGER;
use crate::controller::defaults::{Unread, identity, read};
use crate::controller::observe::spec_identity;
use crate::error_chain::chain;
use crate::planner::Owner;
use crate::planner::defaults::{are_due, no_workspace};
use crate::planner::goal::compute_of;

/// The object with what its namespace sets by default. A manifest is completed with what the operator has written into the object of
/// its name. Without a cluster, only a manifest that names no workspace is refused.
pub(super) async fn with_defaults(
    object: SynapseSparkAttachment,
    kubernetes: Option<&Client>,
    cluster: &ClusterArgs,
    azure: &azure::Client,
) -> Result<SynapseSparkAttachment, String> {
    let object = in_namespace(object, cluster.namespace.as_deref());
    if !are_due(&object) {
        return Ok(object);
    }
    let is_needed = kubernetes.is_some() || object.spec.workspace.is_unset();
    let completed = match kubernetes {
        Some(kube) => from_namespace(object.clone(), kube, azure).await,
        None => match cluster.connect().await {
            Ok(cluster) => from_cluster(object.clone(), &cluster.calls, azure).await,
            Err(why) => Err(unread(&object, &format!("{why} Or set spec.workspace in the manifest."))),
        },
    };
    match completed {
        Err(_) if !is_needed => Ok(without_cluster(object, azure).await),
        completed => completed,
    }
}

fn unread(object: &SynapseSparkAttachment, why: &str) -> String {
    printable(&format!("{}: the defaults of its namespace cannot be read: {why}", object.name_any()))
}

/// A manifest, with what the operator wrote into the object of its name, or would write into a new one.
async fn from_cluster(
    mut object: SynapseSparkAttachment,
    kube: &Client,
    azure: &azure::Client,
) -> Result<SynapseSparkAttachment, String> {
    let api: Api<SynapseSparkAttachment> = Api::namespaced(kube.clone(), &object.namespace().unwrap_or_default());
    let stored = api.get_opt(&object.name_any()).await.map_err(|error| unread(&object, &chain(&error)))?;
    let Some(stored) = stored else { return from_namespace(object, kube, azure).await };
    if object.spec.workspace.is_unset() {
        object.spec.workspace = stored.spec.workspace.clone();
    }
    if object.spec.identity.is_none() && has_default_identity(&stored) {
        object.spec.identity.clone_from(&stored.spec.identity);
    }
    if are_due(&stored) { from_namespace(object, kube, azure).await } else { Ok(object) }
}

/// Whether the operator wrote the identity, and no manifest that was applied: applying one without it would remove it.
fn has_default_identity(stored: &SynapseSparkAttachment) -> bool {
    let is_written = stored.managed_fields().iter().any(|entry| {
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
        entry.manager.as_deref() == Some(FIELD_MANAGER) && fields.is_some_and(|all| !all["f:spec"]["f:identity"].is_null())
    });
    let applied = stored.annotations().get("kubectl.kubernetes.io/last-applied-configuration");
    let applied = applied.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    is_written && applied.is_none_or(|applied| applied["spec"]["identity"].is_null())
}

/// The object with the defaults of its namespace.
async fn from_namespace(
    object: SynapseSparkAttachment,
    kube: &Client,
    azure: &azure::Client,
) -> Result<SynapseSparkAttachment, String> {
    if !are_due(&object) {
        return Ok(object);
    }
    let name = object.name_any();
    let mut defaults = read(kube, &object).await.map_err(|error| match error {
        Unread::Invalid(invalid) => printable(&format!("{name}: {invalid}")),
        Unread::Failed(error) => unread(&object, &chain(&error)),
    })?;
    if defaults.workspace.is_none() && object.spec.workspace.is_unset() {
        return Err(printable(&format!("{name}: {}", no_workspace(&object))));
    }
    if defaults.workspace.is_some() {
        remark(&printable(&format!("{name}: spec.workspace is the default of its namespace")));
    }
    let Some(default) = defaults.identity.take() else { return Ok(defaults.applied_to(object)) };
    let mut object = defaults.applied_to(object);
    let found = match compute_of(&object) {
        Ok(id) => identity(azure, &id, default.clone()).await,
        Err(_) => Ok(Ok(default.clone())),
    };
    // If Azure does not answer, the plan reports why.
    let identity = found.unwrap_or_else(|_| Ok(default.clone())).map_err(|invalid| printable(&format!("{name}: {invalid}")))?;
    let whose = if identity == default { "the default of its namespace" } else { "the one that the compute has" };
    remark(&printable(&format!("{name}: spec.identity is {whose}")));
    object.spec.identity = Some(identity);
    Ok(object)
}

/// A manifest without an identity, for a compute that belongs to an object of its name and has one: that may be the default of the
/// namespace, which the operator wrote into the object, and which the manifest does not change.
async fn without_cluster(mut object: SynapseSparkAttachment, azure: &azure::Client) -> SynapseSparkAttachment {
    let Ok(id) = compute_of(&object) else { return object };
    let Ok(Some(found)) = azure.compute(&id, Freshness::Now).await else { return object };
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let owner = Owner { cluster: String::new(), namespace, name: name.clone(), uid: String::new() };
    let Ok(identity) = spec_identity(&found) else { return object };
    if owner_of(&found, &owner).is_some() && identity.kind != IdentityType::None {
        remark(&printable(&format!(
            "{name}: the manifest has no spec.identity, and the cluster cannot be read: the identity of the compute is not compared. It stays if it was a default of the namespace, and is removed if spec.identity is removed from the manifest"
        )));
        object.spec.identity = Some(identity);
    }
    object
}
