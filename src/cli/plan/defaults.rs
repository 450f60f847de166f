//! The defaults of the namespace, for an object into which the operator has not written them yet.

use kube::Client;

use super::super::changes::in_namespace;
use super::super::kube::ClusterArgs;
use super::super::output::{printable, remark};
use crate::api::SynapseSparkAttachment;
use crate::controller::defaults::{Unread, read};
use crate::error_chain::chain;
use crate::planner::defaults::are_due;

/// The object with what its namespace sets by default. Without a connection to the cluster, as with a manifest, the cluster is asked only
/// for an object that names no workspace: `plan -f` needs no cluster otherwise.
pub(super) async fn with_defaults(
    object: SynapseSparkAttachment,
    kubernetes: Option<&Client>,
    cluster: &ClusterArgs,
) -> Result<SynapseSparkAttachment, String> {
    let object = in_namespace(object, cluster.namespace.as_deref());
    if !are_due(&object) || kubernetes.is_none() && !object.spec.workspace.is_unset() {
        return Ok(object);
    }
    let name = object.metadata.name.clone().unwrap_or_default();
    let unread = |why: &str| format!("{name}: the defaults of its namespace cannot be read: {why}");
    let kube = match kubernetes {
        Some(kube) => kube.clone(),
        None => cluster.connect().await.map_err(|why| unread(&format!("{why} Or set spec.workspace in the manifest.")))?.calls,
    };
    let defaults = read(&kube, &object).await.map_err(|error| match error {
        Unread::Invalid(invalid) => printable(&format!("{name}: {invalid}")),
        Unread::Failed(error) => printable(&unread(&chain(&error))),
    })?;
    let fields = [("spec.workspace", defaults.workspace.is_some()), ("spec.identity", defaults.identity.is_some())];
    for (field, _) in fields.iter().filter(|(_, is_default)| *is_default) {
        remark(&printable(&format!("{name}: {field} is the default of its namespace")));
    }
    Ok(defaults.applied_to(object))
}
