//! `suspend NAME…` and `resume NAME…`: set `spec.suspend`.

use std::collections::BTreeSet;

use clap::{ArgGroup, Args};
use futures::{StreamExt, stream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::kube::{Cluster, ClusterArgs, FIELD_MANAGER};
use super::output::{Output, print, printable, remark};
use super::selection::{ObjectKey, Selection};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["name", "all", "selector"])))]
pub(super) struct Suspend {
    #[command(flatten)]
    selection: Selection,
    /// The output format.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// The number of concurrent requests to Kubernetes.
const AT_ONCE: usize = 8;

/// An attachment that was changed, and the GitOps tool that manages it; else why it was not.
type Outcome = (ObjectKey, Result<Option<String>, String>);

impl Suspend {
    /// Sets it to `suspend`.
    pub(super) async fn execute(self, suspend: bool) -> Result<u8, String> {
        let cluster = self.cluster.connect().await?;
        let keys = self.selection.keys(&cluster).await?;
        if keys.is_empty() {
            remark(&format!("No SynapseSparkAttachment in {}.", self.selection.place(&cluster)));
        }
        let mut answers = stream::iter(keys).map(|key| set(&cluster, key, suspend)).buffered(AT_ONCE);
        let mut outcomes = Vec::new();
        while let Some((key, answer)) = answers.next().await {
            match &answer {
                Ok(_) if self.output == Output::Text => print(&self.line(&key, suspend))?,
                // A single error is what the program ends with.
                Err(why) if self.selection.single().is_none() => remark(&printable(&format!("error: {why}"))),
                _ => {}
            }
            outcomes.push((key, answer));
        }
        if self.output == Output::Json {
            print(&format!("{:#}\n", self.json(&outcomes, suspend)))?;
        }
        remark_tools(&outcomes);
        match (self.selection.single(), outcomes.pop()) {
            (Some(_), Some((_, Err(why)))) => Err(why),
            (_, last) => Ok(u8::from(outcomes.iter().chain(&last).any(|(_, answer)| answer.is_err()))),
        }
    }

    fn line(&self, key: &ObjectKey, suspend: bool) -> String {
        let what = match (self.selection.single(), suspend) {
            (None, _) => "",
            (_, true) => ". The operator observes and reports, and writes nothing to Azure. A deletion waits, too.",
            (_, false) => ". The operator writes to Azure again.",
        };
        format!("{key}: spec.suspend is {suspend}{what}\n")
    }

    /// The result of a single attachment, or a list of them.
    fn json(&self, outcomes: &[Outcome], suspend: bool) -> Value {
        let one = |(ObjectKey { namespace, name }, answer): &Outcome| match answer {
            Ok(tool) => json!({"namespace": namespace, "name": name, "suspend": suspend, "managedBy": tool}),
            Err(why) => json!({"namespace": namespace, "name": name, "error": why}),
        };
        match (self.selection.single(), outcomes) {
            (Some(_), [outcome]) => one(outcome),
            _ => json!({"results": outcomes.iter().map(one).collect::<Vec<_>>()}),
        }
    }
}

async fn set(cluster: &Cluster, key: ObjectKey, suspend: bool) -> Outcome {
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({"spec": {"suspend": suspend}}));
    let cluster = cluster.of(&key.namespace);
    // The metadata is enough: an attachment that this version cannot decode can be suspended, too.
    let answer = cluster.attachments().patch_metadata(&key.name, &params, &patch).await;
    let answer = answer.map(|object| gitops(&object)).map_err(|error| cluster.refused(&error, "patch", &key.name));
    (key, answer)
}

/// What reverts the change: each tool that was found once, and any other for attachments without its marks.
fn remark_tools(outcomes: &[Outcome]) {
    let found: BTreeSet<_> = outcomes.iter().filter_map(|(_, answer)| answer.as_ref().ok()).collect();
    for tool in found {
        remark(&match tool {
            Some(tool) => printable(&format!("warning: {tool} will revert spec.suspend: change it there, too.")),
            None => "If a GitOps tool manages this object, it will revert spec.suspend: change it there, too.".to_owned(),
        });
    }
}

/// Who else writes the spec, by the marks that the tools leave.
///
/// Argo CD may mark its objects by a label that others use, too; then the name of its field manager shows it.
///
/// Sources: <https://fluxcd.io/flux/components/kustomize/kustomizations/>,
/// <https://fluxcd.io/flux/components/helm/helmreleases/>,
/// <https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/>,
/// <https://github.com/argoproj/argo-cd/blob/v3.1.8/common/common.go> (`ArgoCDSSAManager`).
pub(super) fn gitops(object: &impl ResourceExt) -> Option<String> {
    let flux = |kind: &str, group: &str| {
        let mark = |key: &str| object.labels().get(&format!("{group}.toolkit.fluxcd.io/{key}"));
        Some(format!("the Flux {kind} {}/{}", mark("namespace")?, mark("name")?))
    };
    let argo = || {
        let tracked = object.annotations().get("argocd.argoproj.io/tracking-id")?;
        Some(format!("the Argo CD Application {}", tracked.split(':').next()?))
    };
    let argo_by_field = || {
        let is_argo = |one: &ManagedFieldsEntry| one.manager.as_deref() == Some("argocd-controller");
        object.managed_fields().iter().any(is_argo).then(|| "Argo CD".to_owned())
    };
    flux("Kustomization", "kustomize").or_else(|| flux("HelmRelease", "helm")).or_else(argo).or_else(argo_by_field)
}
