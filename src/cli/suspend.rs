//! `suspend NAME` and `resume NAME`: set `spec.suspend`.

use clap::Args;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::kube::{ClusterArgs, FIELD_MANAGER};
use super::output::{Output, print, remark};
use crate::api::SynapseSparkAttachment;

#[derive(Debug, Args)]
pub(super) struct Suspend {
    /// The attachment.
    name: String,
    /// The output format.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
    #[command(flatten)]
    cluster: ClusterArgs,
}

impl Suspend {
    /// Sets it to `suspend`.
    pub(super) async fn execute(self, suspend: bool) -> Result<u8, String> {
        let cluster = self.cluster.connect().await?;
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let patch = Patch::Merge(json!({"spec": {"suspend": suspend}}));
        let object = cluster.attachments().patch(&self.name, &params, &patch).await;
        let object = object.map_err(|error| cluster.refused(&error, "patch", &self.name))?;
        let (namespace, tool) = (&cluster.namespace, gitops(&object));
        let what = if suspend {
            "The operator observes and reports, and writes nothing to Azure. A deletion waits, too."
        } else {
            "The operator writes to Azure again."
        };
        print(&match self.output {
            Output::Text => format!("{namespace}/{}: spec.suspend is {suspend}. {what}\n", self.name),
            Output::Json => {
                format!("{:#}\n", json!({"namespace": namespace, "name": self.name, "suspend": suspend, "managedBy": tool}))
            }
        })?;
        remark(&match tool {
            Some(tool) => format!("warning: {tool} will revert spec.suspend: change it there, too."),
            None => "If a GitOps tool manages this object, it will revert spec.suspend: change it there, too.".to_owned(),
        });
        Ok(0)
    }
}

/// Who else writes the spec, by the marks that the tools leave.
///
/// Sources: <https://fluxcd.io/flux/components/kustomize/kustomizations/>,
/// <https://fluxcd.io/flux/components/helm/helmreleases/>,
/// <https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/>.
fn gitops(object: &SynapseSparkAttachment) -> Option<String> {
    let flux = |kind: &str, group: &str| {
        let mark = |key: &str| object.labels().get(&format!("{group}.toolkit.fluxcd.io/{key}"));
        Some(format!("the Flux {kind} {}/{}", mark("namespace")?, mark("name")?))
    };
    let argo = || {
        let tracked = object.annotations().get("argocd.argoproj.io/tracking-id")?;
        Some(format!("the Argo CD Application {}", tracked.split(':').next()?))
    };
    flux("Kustomization", "kustomize").or_else(|| flux("HelmRelease", "helm")).or_else(argo)
}
