//! `allow-recreate NAME…`: lets the operator attach missing computes again after a safety stop.

use clap::Args;
use kube::ResourceExt;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::core::DeserializeGuard;
use kube::core::error_boundary::InvalidObject;
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

/// What became of each attachment.
#[derive(Default)]
struct Outcome {
    allowed: Vec<String>,
    refused: Vec<String>,
}

impl AllowRecreate {
    pub(super) async fn execute(self) -> Result<u8, String> {
        let cluster = self.cluster.connect().await?;
        let mut outcome = Outcome::default();
        // One that is refused keeps no other from being allowed.
        for object in self.objects(&cluster, &mut outcome.refused).await? {
            let name = object.name_any();
            match object.status.as_ref().and_then(|status| status.safety_stop.as_ref()) {
                Some(stop) => match allow(&cluster, &name, stop).await {
                    Ok(()) => outcome.allowed.push(name),
                    Err(why) => outcome.refused.push(why),
                },
                None if self.all => {}
                None => remark(&format!("{}/{name}: it has no safety stop, so there is nothing to allow", cluster.namespace)),
            }
        }
        let Outcome { allowed, mut refused } = outcome;
        print(&self.shown(&cluster.namespace, &allowed, &refused))?;
        let Some(last) = refused.pop() else { return Ok(0) };
        for why in refused {
            remark(&format!("error: {why}"));
        }
        Err(last)
    }

    fn shown(&self, namespace: &str, allowed: &[String], refused: &[String]) -> String {
        match self.output {
            Output::Text if allowed.is_empty() && refused.is_empty() && self.all => {
                format!("{namespace}: no attachment has a safety stop\n")
            }
            Output::Text => {
                let line = |name| {
                    format!("{namespace}/{name}: re-creation allowed; the operator attaches the compute at its next reconcile\n")
                };
                allowed.iter().map(line).collect()
            }
            Output::Json => format!("{:#}\n", json!({"namespace": namespace, "allowed": allowed, "refused": refused})),
        }
    }

    /// The attachments that could be read.
    async fn objects(&self, cluster: &Cluster, refused: &mut Vec<String>) -> Result<Vec<SynapseSparkAttachment>, String> {
        let mut objects = Vec::new();
        if self.all {
            // One that cannot be decoded keeps no other from being allowed.
            let api: Api<DeserializeGuard<SynapseSparkAttachment>> = Api::namespaced(cluster.calls.clone(), &cluster.namespace);
            let all = api.list(&ListParams::default()).await;
            for one in all.map_err(|error| cluster.refused(&error, "list", "the attachments"))? {
                match one.0 {
                    Ok(object) => objects.push(object),
                    Err(invalid) => refused.push(undecodable(cluster, &invalid)),
                }
            }
            return Ok(objects);
        }
        let api = cluster.attachments();
        for name in &self.names {
            match api.get(name).await {
                Ok(object) => objects.push(object),
                Err(error) => refused.push(cluster.refused(&error, "get", name)),
            }
        }
        Ok(objects)
    }
}

fn undecodable(cluster: &Cluster, invalid: &InvalidObject) -> String {
    let name = invalid.metadata.name.as_deref().unwrap_or_default();
    format!("{}/{name}: it cannot be decoded, and so may have a safety stop or not: {}", cluster.namespace, invalid.error)
}

async fn allow(cluster: &Cluster, name: &str, stop: &SafetyStop) -> Result<(), String> {
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({"metadata": {"annotations": {ALLOW_RECREATE: stop.token()}}}));
    cluster.attachments().patch(name, &params, &patch).await.map(drop).map_err(|error| cluster.refused(&error, "patch", name))
}
