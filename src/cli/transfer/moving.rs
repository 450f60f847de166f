//! An attachment that hands its compute over: the plan, and what is changed in Kubernetes.

use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::super::kube::{Cluster, FIELD_MANAGER};
use super::super::output::{printable, remark};
use crate::api::{RECONCILE_REQUESTED_AT, SynapseSparkAttachment};
use crate::planner::Recipient;
use crate::planner::goal::compute_of;

/// One attachment, and to whom its compute goes.
pub(super) struct Move {
    pub(super) object: SynapseSparkAttachment,
    pub(super) to: Recipient,
}

impl Move {
    /// Namespace and name of the new owner, if it is in this cluster.
    fn local(&self, uid: &str) -> Option<(String, String)> {
        let to = self.to.to_string();
        let (namespace, name) = to.strip_prefix(uid)?.strip_prefix('/')?.split_once('/')?;
        Some((namespace.to_owned(), name.to_owned()))
    }

    /// Requests a reconcile of the new owner, which otherwise may notice only at its next observation that the compute is its own.
    pub(super) async fn request_adoption(&self, cluster: &Cluster, uid: &str, asked: &str) {
        let Some((namespace, name)) = self.local(uid) else { return };
        let patch = Patch::Merge(json!({"metadata": {"annotations": {RECONCILE_REQUESTED_AT: asked}}}));
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        match cluster.of(&namespace).attachments().patch(&name, &params, &patch).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => {
                let why = cluster.of(&namespace).refused(&error, "patch", &name);
                remark(&printable(&format!("the new owner adopts the compute at its next observation: {why}")));
            }
            Ok(_) => {}
        }
    }

    /// What will happen, for a reader.
    pub(super) async fn plan(&self, cluster: &Cluster, uid: &str) -> Result<String, String> {
        let (name, to) = (self.object.name_any(), self.to.to_string());
        let compute = compute_of(&self.object).map_err(|invalid| format!("{name}: {invalid}"))?;
        let local = self.local(uid);
        let recipient = match &local {
            None => "is in another cluster: it adopts the compute once it exists there".to_owned(),
            Some((namespace, name)) => {
                let api = cluster.of(namespace).attachments();
                match api.get_metadata_opt(name).await {
                    Ok(Some(_)) => "exists, and adopts the compute".to_owned(),
                    Ok(None) => "does not exist yet: it adopts the compute once it does".to_owned(),
                    Err(error) => format!("cannot be read ({})", cluster.of(namespace).refused(&error, "get", name)),
                }
            }
        };
        let warning =
            if self.object.spec.suspend { "\n  spec.suspend is true: nothing is handed over until it is false" } else { "" };
        Ok(format!(
            "{}/{name} -> {}\n  compute {} in workspace {}: its owner tag changes, and nothing else\n  the new owner {recipient}{warning}",
            cluster.namespace,
            local.map_or(to, |(namespace, name)| format!("{namespace}/{name}")),
            compute.name(),
            compute.workspace().name(),
        ))
    }
}

/// Annotates an attachment, unless another one has taken its place.
pub(super) async fn annotate(
    cluster: &Cluster,
    object: &SynapseSparkAttachment,
    annotations: &serde_json::Value,
) -> Result<(), String> {
    let name = object.name_any();
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({"metadata": {"uid": object.uid(), "annotations": annotations}}));
    let patched = cluster.attachments().patch(&name, &params, &patch).await;
    patched.map(drop).map_err(|error| cluster.refused(&error, "patch", &name))
}
