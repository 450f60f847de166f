//! `audit`: the orphaned computes of workspaces, and the commands that clear them up.

mod result;

use std::collections::BTreeMap;

use clap::Args;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use prometheus_client::registry::Registry;

use super::args::AzureArgs;
use super::explained::explained;
use super::kube::{Cluster, ClusterArgs};
use super::output::{Output, print, printable, progress, remark};
use super::plugin::Program;
use super::workspace::{WORKSPACE, workspace};
use crate::api::SynapseSparkAttachment;
use crate::azure;
use crate::controller;
use crate::controller::orphans::owner_tag;
use crate::error_chain::chain;
use crate::planner::Owner;
use crate::planner::goal::compute_of;
use crate::planner::owner::TRANSFERRED;
use crate::resource_id::{ComputeId, WorkspaceId};
use result::{AuditResult, Owned};

#[derive(Debug, Args)]
pub(super) struct Audit {
    /// An Azure ML workspace, or its full resource ID; may be given several times. Default: the workspaces of the attachments
    /// in the namespace.
    #[arg(short, long, value_name = WORKSPACE, value_parser = workspace)]
    workspace: Vec<WorkspaceId>,
    /// The workspaces of the attachments in all namespaces.
    #[arg(short = 'A', long, conflicts_with_all = ["namespace", "workspace"])]
    all_namespaces: bool,
    /// The UID of the cluster's kube-system namespace, with which the owner tags of its computes begin. Default: it is read from
    /// the cluster.
    #[arg(long, value_name = "UID")]
    cluster_uid: Option<String>,
    /// The output format.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    azure: AzureArgs,
}

impl Audit {
    pub(super) async fn execute(self, program: Program) -> Result<u8, String> {
        let cluster = self.cluster.connect().await?;
        let workspaces = if self.workspace.is_empty() { self.named(&cluster).await? } else { self.workspace.clone() };
        let uid = self.uid(&cluster).await?;
        let (client, _) = self.azure.client(azure::Metrics::new(&mut Registry::default()))?;
        let mut result = AuditResult::default();
        for (at, workspace) in workspaces.iter().enumerate() {
            progress(&format!("Reading the computes of {workspace} ({} of {}).", at + 1, workspaces.len()));
            match client.computes(workspace).await {
                Ok(computes) => {
                    for one in &computes {
                        match owner_tag(one).map(|tag| (tag, workspace.compute(&one.name))) {
                            Some((tag, Ok(id))) => result.add(owned(id, tag), &uid, &cluster).await,
                            Some((_, Err(error))) => {
                                result
                                    .undetermined
                                    .push(format!("{workspace}: compute {:?} has an owner tag, but {error}", one.name));
                            }
                            None => {}
                        }
                    }
                }
                Err(error) => {
                    result.undetermined.push(format!("{workspace}: its computes cannot be listed: {}", explained(&error)));
                }
            }
        }
        for line in &result.undetermined {
            remark(&printable(line));
        }
        print(&match self.output {
            Output::Text => result.text(program),
            Output::Json => format!("{:#}\n", result.json(program)),
        })?;
        result.exit_code()
    }

    /// The UID with which the owner tags of this cluster's computes begin.
    async fn uid(&self, cluster: &Cluster) -> Result<String, String> {
        match (controller::cluster_uid(&cluster.calls).await, &self.cluster_uid) {
            // All computes of the other cluster would be orphans.
            (Ok(uid), Some(given)) if uid != *given => {
                Err(format!("--cluster-uid {given}: the kube-system namespace of {} has the UID {uid}", cluster.server))
            }
            (Ok(uid), _) => Ok(uid),
            (Err(_), Some(given)) => Ok(given.clone()),
            (Err(error), None) => Err(format!(
                "cannot distinguish the computes of this cluster from those of others: {}. Set --cluster-uid",
                chain(&error)
            )),
        }
    }

    /// The workspaces that attachments name.
    async fn named(&self, cluster: &Cluster) -> Result<Vec<WorkspaceId>, String> {
        let calls = cluster.calls.clone();
        // One that does not decode hides no other.
        let api: Api<DeserializeGuard<SynapseSparkAttachment>> =
            if self.all_namespaces { Api::all(calls) } else { Api::namespaced(calls, &cluster.namespace) };
        let listed = api.list(&ListParams::default()).await.map_err(|error| cluster.refused(&error, "list", ""))?;
        let mut workspaces = BTreeMap::new();
        for object in listed.into_iter().filter_map(|one| one.0.ok()) {
            if let Ok(compute) = compute_of(&object) {
                workspaces.insert(compute.workspace().to_string().to_lowercase(), compute.workspace().clone());
            }
        }
        if workspaces.is_empty() {
            let place = if self.all_namespaces { "any namespace".to_owned() } else { format!("namespace {}", cluster.namespace) };
            return Err(format!("no attachment in {place} names a workspace: name it with --workspace, or try --all-namespaces"));
        }
        Ok(workspaces.into_values().collect())
    }
}

fn owned(compute: ComputeId, tag: &str) -> Owned {
    let [cluster, namespace, name, uid] = Owner::parts(tag).unwrap_or_default().map(ToOwned::to_owned);
    Owned { compute, owner: Owner { cluster, namespace, name, uid } }
}

impl AuditResult {
    /// Takes in a compute with an owner tag. Its object is read after the compute, so that it is not one that is being attached.
    async fn add(&mut self, one: Owned, cluster_uid: &str, cluster: &Cluster) {
        if one.owner.cluster != cluster_uid {
            return self.other_clusters.push(one);
        }
        let Owner { namespace, name, uid, .. } = &one.owner;
        let api = Api::<SynapseSparkAttachment>::namespaced(cluster.calls.clone(), namespace);
        match api.get_metadata_opt(name).await {
            Ok(Some(_)) if uid == TRANSFERRED => {}
            Ok(found) if found.as_ref().and_then(ResourceExt::uid).as_ref() == Some(uid) => {}
            Ok(_) => self.orphans.push(one),
            Err(error) => {
                let Owned { compute, .. } = &one;
                let why = cluster.of(namespace).refused(&error, "get", name);
                self.undetermined.push(format!("compute {} of {}: {why}", compute.name(), compute.workspace()));
            }
        }
    }
}
