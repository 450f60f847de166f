//! `allow-recreate NAME…`: lets the operator attach missing computes again after a safety stop.

use clap::{ArgGroup, Args};
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::kube::{Cluster, ClusterArgs, FIELD_MANAGER};
use super::output::{Output, print, printable, remark};
use super::selection::{ObjectKey, Selected, Selection};
use crate::api::ALLOW_RECREATE;
use crate::api::v1alpha1::SafetyStop;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["name", "all", "selector"])))]
pub(super) struct AllowRecreate {
    #[command(flatten)]
    selection: Selection,
    /// The output format.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
    #[command(flatten)]
    cluster: ClusterArgs,
}

impl AllowRecreate {
    /// An attachment that is refused keeps no other from being allowed.
    pub(super) async fn execute(self) -> Result<u8, String> {
        let cluster = self.cluster.connect().await?;
        let Selected { objects, undecodable, unread: mut refused } = self.selection.read(&cluster).await?;
        refused.extend(undecodable.into_iter().map(|why| format!("{why}. So it is unknown whether it has a safety stop")));
        let mut allowed = Vec::new();
        for object in objects {
            let key = ObjectKey::of(&object.metadata);
            match object.status.as_ref().and_then(|status| status.safety_stop.as_ref()) {
                Some(stop) => match allow(&cluster.of(&key.namespace), &object.name_any(), stop).await {
                    Ok(()) => allowed.push(key.to_string()),
                    Err(why) => refused.push(why),
                },
                None if self.selection.names().next().is_none() => {}
                None => remark(&format!("{key}: it has no safety stop, so there is nothing to allow")),
            }
        }
        print(&self.shown(&cluster, &allowed, &refused))?;
        let Some(last) = refused.pop() else { return Ok(0) };
        for why in refused {
            remark(&printable(&format!("error: {why}")));
        }
        Err(last)
    }

    fn shown(&self, cluster: &Cluster, allowed: &[String], refused: &[String]) -> String {
        match self.output {
            Output::Text if allowed.is_empty() && refused.is_empty() && self.selection.names().next().is_none() => {
                format!("No attachment in {} has a safety stop.\n", self.selection.place(cluster))
            }
            Output::Text => {
                let line = |key| format!("{key}: re-creation allowed; the operator attaches the compute at its next reconcile\n");
                allowed.iter().map(line).collect()
            }
            Output::Json => format!("{:#}\n", json!({"allowed": allowed, "refused": refused})),
        }
    }
}

async fn allow(cluster: &Cluster, name: &str, stop: &SafetyStop) -> Result<(), String> {
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({"metadata": {"annotations": {ALLOW_RECREATE: stop.token()}}}));
    cluster.attachments().patch(name, &params, &patch).await.map(drop).map_err(|error| cluster.refused(&error, "patch", name))
}
