//! `plan -f FILE`, `plan NAME`: what the operator would do with a manifest or an attachment, without doing it.

mod defaults;
mod manifests;
mod markdown;
mod result;

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use kube::runtime::watcher::Event;
use prometheus_client::registry::Registry;
use serde_json::json;

use super::args::AzureArgs;
use super::changes::{Changes, NO_CLUSTER, goal_of, in_cluster, owner_of};
use super::kube::{Cluster, ClusterArgs};
use super::output::{print, printable, progress, remark};
use crate::api::SynapseSparkAttachment;
use crate::azure::{self, Freshness, wire};
use crate::controller;
use crate::controller::claims::{Claims, Others};
use crate::controller::observe::{Reading, active_jobs, fault, job_facts, observe};
use crate::controller::predecessor::free_from_predecessor;
use crate::error_chain::chain;
use crate::planner::backoff::ABSENCE_CONFIRMED_AFTER;
use crate::planner::jobs::check;
use crate::planner::{Decision, Finding, Goal, Observed, Step, Write, decide};
use crate::resource_id::PoolId;
use defaults::with_defaults;
use markdown::markdown;
use result::{PlanResult, as_json, text, unanswered};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["name", "file"])))]
pub(crate) struct PlanArgs {
    /// An attachment in the cluster, instead of a manifest.
    name: Option<String>,
    /// The manifest (YAML or JSON, one or more documents); - is standard input. The status of an object, as
    /// `kubectl get -o yaml` prints it, is taken into account.
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Show also which requirements of Spark jobs are not met, as check NAME --for-jobs does. The exit code stays the same.
    #[arg(long)]
    for_jobs: bool,
    /// The UID of the cluster's kube-system namespace, by which computes that objects of that cluster own are recognised.
    /// With NAME it is read from the cluster, if you have permission.
    #[arg(long, value_name = "UID", default_value = NO_CLUSTER)]
    cluster_uid: String,
    /// The output format: text, JSON, or Markdown for a comment on a pull request.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Format,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    azure: AzureArgs,
}

/// How plans are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

/// The decision, and whether Azure answered all that it rests on.
///
/// An attach begins with the region of the workspace: a workspace that does not exist shows here.
async fn decide_with_region(client: &azure::Client, goal: &Goal, observed: &Observed) -> (Decision, bool) {
    let decision = decide(goal, observed);
    let refusal = match (&decision.step, goal.compute()) {
        (Step::Put(spec), Some(id)) if spec.location.is_none() => client.location(id.workspace()).await.err(),
        _ => None,
    };
    let is_answered = !matches!(observed.compute, Finding::Unknown(_)) && refusal.is_none();
    match refusal {
        Some(error) => (decision.write_failed(Write::Put, fault(error), observed), is_answered),
        None => (decision, is_answered),
    }
}

impl PlanArgs {
    pub(crate) async fn execute(mut self) -> Result<u8, String> {
        let claims = Claims::default();
        let mut kubernetes = None;
        let objects = match (&self.name, &self.file) {
            (Some(name), _) => {
                let cluster = self.cluster.connect().await?;
                let object = cluster.attachment(name).await?;
                if self.cluster_uid == NO_CLUSTER {
                    // Without permission to read it, the UID of the object is used.
                    self.cluster_uid = controller::cluster_uid(&cluster.calls).await.unwrap_or(self.cluster_uid);
                }
                take_in(&claims, &attachments(&cluster).await);
                kubernetes = Some(cluster.calls);
                vec![object]
            }
            (None, file) => {
                let objects = manifests::objects(file.as_deref().expect("clap asks for one of the two"))?;
                take_in(&claims, &objects);
                objects
            }
        };
        let (client, _) = self.azure.client(azure::Metrics::new(&mut Registry::default()))?;
        let (mut found, count) = (Vec::new(), objects.len());
        for (at, object) in objects.into_iter().enumerate() {
            progress(&format!("Reading from Azure ({} of {count}).", at + 1));
            if let (Some(account), name) =
                (&object.spec.service_account_name, object.metadata.name.as_deref().unwrap_or_default())
            {
                // So `plan` needs no permission for tokens of ServiceAccounts, and cannot be used to act as one.
                remark(&format!("{name}: the plan uses your own Azure credential, not the one of ServiceAccount {account}"));
            }
            let object = Box::pin(with_defaults(object, kubernetes.as_ref(), &self.cluster, &client)).await?;
            let others = claims.others(&object);
            remark_scope(&object, &others);
            found.push(self.plan(&client, kubernetes.as_ref(), others, object).await?);
        }
        let text = match self.output {
            Format::Text => found.iter().map(text).collect::<Vec<_>>().join("\n"),
            Format::Json => format!("{:#}\n", json!({"plans": found.iter().map(as_json).collect::<Vec<_>>()})),
            Format::Markdown => markdown(&found),
        };
        print(&text)?;
        if let Some(fault) = found.iter().find_map(unanswered) {
            return Err(fault);
        }
        Ok(if found.iter().any(PlanResult::has_to_do) { 2 } else { 0 })
    }

    async fn plan(
        &self,
        client: &azure::Client,
        kubernetes: Option<&Client>,
        others: Others,
        object: SynapseSparkAttachment,
    ) -> Result<PlanResult, String> {
        let (object, goal) = self.goal(client, object).await?;
        let now = Timestamp::now();
        let (mut observed, _) = observe(client, &object, &goal, others, (Reading::NOW, now)).await;
        if let Some(kubernetes) = kubernetes {
            free_from_predecessor(kubernetes, |_, _| false, &goal, &mut observed).await;
        }
        // The operator observes an absence twice before it acts on it.
        observed.absent_for = observed.is_compute_absent().then_some(ABSENCE_CONFIRMED_AFTER);
        active_jobs(client, &goal, &mut observed, Freshness::Now).await;
        let (decision, is_answered) = decide_with_region(client, &goal, &observed).await;
        let also = also_attached_as(client, &goal, &observed, &decision).await;
        let jobs = match &goal {
            Goal::Attached(goal) if self.for_jobs => Some(check(&Box::pin(job_facts(client, goal, now)).await)),
            _ => None,
        };
        Ok(PlanResult {
            compute: goal.compute().map(ToString::to_string),
            pool: match &goal {
                Goal::Attached(goal) => observed.dependencies.resolve(&goal.pool).map(|pool| pool.to_string()),
                Goal::Detached(_) => object.spec.resource_id.clone(),
            },
            changes: Changes::of((&object, &goal), &observed, decision, now),
            object,
            observed,
            is_answered,
            also,
            jobs,
        })
    }

    /// The object as the cluster would have it, and its goal.
    async fn goal(
        &self,
        client: &azure::Client,
        object: SynapseSparkAttachment,
    ) -> Result<(SynapseSparkAttachment, Goal), String> {
        let mut object = in_cluster(object, self.cluster.namespace.as_deref());
        let goal = goal_of(&object, &self.cluster_uid)?;
        // An object with the UID in the tag is the same one, whatever the cluster.
        let any_cluster = self.cluster_uid == NO_CLUSTER;
        if (any_cluster || object.metadata.uid.is_none())
            && let Some((cluster, uid)) = owner(client, &goal).await
            && (any_cluster || self.cluster_uid == cluster)
            && object.metadata.uid.as_ref().is_none_or(|own| *own == uid)
        {
            object.metadata.uid = Some(uid);
            let goal = goal_of(&object, &cluster)?;
            return Ok((object, goal));
        }
        Ok((object, goal))
    }
}

/// The attachments of the cluster; those of the namespace, where more may not be read. One that cannot be decoded hides no other.
async fn attachments(cluster: &Cluster) -> Vec<SynapseSparkAttachment> {
    let all: Api<DeserializeGuard<SynapseSparkAttachment>> = Api::all(cluster.calls.clone());
    let own: Api<DeserializeGuard<SynapseSparkAttachment>> = Api::namespaced(cluster.calls.clone(), &cluster.namespace);
    for (api, left_out) in [(all, "other namespaces"), (own, "this namespace")] {
        match api.list(&ListParams::default()).await {
            Ok(listed) => return listed.items.into_iter().filter_map(|one| one.0.ok()).collect(),
            Err(error) => {
                let error = printable(&chain(&error));
                remark(&format!(
                    "older attachments of {left_out} that claim the same compute are not taken into account: {error}"
                ));
            }
        }
    }
    Vec::new()
}

/// What each of these objects claims. A manifest has no age: in the cluster it will be the youngest.
fn take_in(claims: &Claims, objects: &[SynapseSparkAttachment]) {
    claims.take_in(None, &Event::Init);
    for object in objects.iter().filter(|object| object.metadata.creation_timestamp.is_some()) {
        claims.take_in(None, &Event::InitApply(object.clone()));
    }
    claims.take_in(None, &Event::InitDone);
}

/// The operator compares the objects that it manages; here it is not known which they are.
fn remark_scope(object: &SynapseSparkAttachment, others: &Others) {
    let own = object.metadata.namespace.as_deref().unwrap_or_default();
    let older = others.older_claimant.as_deref().filter(|older| older.split('/').next() != Some(own));
    if let Some(older) = older {
        remark(&printable(&format!("the older object {older} counts only if the same operator manages its namespace")));
    }
}

/// The other computes of the workspace that are attached to the pool, if it would be attached once more.
async fn also_attached_as(client: &azure::Client, goal: &Goal, observed: &Observed, decision: &Decision) -> Vec<String> {
    let (Goal::Attached(goal), Finding::Absent, Step::Put(spec)) = (goal, &observed.compute, &decision.step) else {
        return Vec::new();
    };
    let all = client.computes(goal.compute.workspace()).await.unwrap_or_default();
    let pool = |one: &wire::Compute| one.properties.resource_id.as_deref().and_then(|id| PoolId::parse(id).ok());
    all.into_iter().filter(|one| pool(one).as_ref() == Some(&spec.pool)).map(|one| one.name).collect()
}

/// Cluster and UID of the object of this namespace and name, if the compute's tag names it.
async fn owner(client: &azure::Client, goal: &Goal) -> Option<(String, String)> {
    let found = client.compute(goal.compute()?, Freshness::Now).await.ok()??;
    owner_of(&found, goal.owner())
}
