//! `allow-recreate NAME…`: lets the operator attach missing computes again after a safety stop.

use clap::Args;
use kube::ResourceExt;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;

use super::kube::{Cluster, ClusterArgs, FIELD_MANAGER};
use super::output::{Output, print, remark};
use crate::api::v1alpha1::SafetyStop;
use crate::api::{ALLOW_RECREATE, SynapseSparkAttachment};

#[derive(Debug, Args)]
pub(super) struct AllowRecreate {
    /// The attachments.
    #[arg(id = "name", value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    names: Vec<String>,
    /// Every attachment of the namespace with a safety stop.
    #[arg(long)]
    all: bool,
    /// The output format.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
    #[command(flatten)]
    cluster: ClusterArgs,
}

impl AllowRecreate {
    pub(super) async fn execute(self) -> Result<u8, String> {
        let cluster = self.cluster.connect().await?;
        let mut allowed = Vec::new();
        for object in self.objects(&cluster).await? {
            let name = object.name_any();
            match object.status.as_ref().and_then(|status| status.safety_stop.as_ref()) {
                Some(stop) => {
                    allow(&cluster, &name, stop).await?;
                    allowed.push(name);
                }
                None if self.all => {}
                None => remark(&format!("{}/{name}: it has no safety stop, so there is nothing to allow", cluster.namespace)),
            }
        }
        let namespace = &cluster.namespace;
        print(&match self.output {
            Output::Text if allowed.is_empty() && self.all => format!("{namespace}: no attachment has a safety stop\n"),
            Output::Text => {
                let lines: Vec<_> = allowed
                    .iter()
                    .map(|name| {
                        format!(
                            "{namespace}/{name}: re-creation allowed; the operator attaches the compute at its next reconcile\n"
                        )
                    })
                    .collect();
                lines.concat()
            }
            Output::Json => format!("{:#}\n", json!({"namespace": namespace, "allowed": allowed})),
        })?;
        Ok(0)
    }

    async fn objects(&self, cluster: &Cluster) -> Result<Vec<SynapseSparkAttachment>, String> {
        let api = cluster.attachments();
        if self.all {
            let all = api.list(&ListParams::default()).await;
            return all.map(|all| all.items).map_err(|error| cluster.refused(&error, "list", "the attachments"));
        }
        let mut objects = Vec::new();
        for name in &self.names {
            objects.push(api.get(name).await.map_err(|error| cluster.refused(&error, "get", name))?);
        }
        Ok(objects)
    }
}

async fn allow(cluster: &Cluster, name: &str, stop: &SafetyStop) -> Result<(), String> {
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({"metadata": {"annotations": {ALLOW_RECREATE: stop.token()}}}));
    cluster.attachments().patch(name, &params, &patch).await.map(drop).map_err(|error| cluster.refused(&error, "patch", name))
}
