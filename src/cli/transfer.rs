//! `transfer NAME…`: hands computes over to other attachments, or takes those whose owners are gone.

mod moving;
mod take;
mod wait;

use std::time::Duration;

use clap::{ArgGroup, Args};
use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use serde_json::json;

use super::args::AzureArgs;
use super::confirmation::Confirmation;
use super::duration::duration;
use super::kube::{Cluster, ClusterArgs};
use super::output::{Output, print, printable, remark};
use super::plugin::Program;
use crate::api::{RECONCILE_REQUESTED_AT, SynapseSparkAttachment, TRANSFER_TO};
use crate::controller;
use crate::error_chain::chain;
use crate::planner::{Owner, Recipient};
use moving::{Move, annotate};
use wait::{Ended, until_transferred};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["name", "all", "selector"])))]
#[command(group(ArgGroup::new("where").required(true).multiple(true).args(["to", "to_namespace", "to_cluster", "take"])))]
pub(super) struct Transfer {
    /// The attachments.
    #[arg(id = "name", value_name = "NAME")]
    names: Vec<String>,
    /// Every attachment of the namespace.
    #[arg(long)]
    all: bool,
    /// The attachments of the namespace with these labels, as kubectl selects them.
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,
    /// The new owner: [NAMESPACE/]NAME. It may not exist yet. For one attachment.
    #[arg(long, value_name = "[NAMESPACE/]NAME", conflicts_with_all = ["to_namespace", "all", "selector"])]
    to: Option<String>,
    /// The namespace of the new owners, which have the names of the former ones.
    #[arg(long, value_name = "NAMESPACE")]
    to_namespace: Option<String>,
    /// The cluster of the new owners: the UID of its namespace kube-system. Default: this cluster, if you may read its UID.
    #[arg(long, value_name = "UID")]
    to_cluster: Option<String>,
    /// Take the computes of owners that no longer exist, such as those of a lost cluster. The owner tags are changed with your
    /// own identity in Azure, not with the operator's.
    #[arg(long, conflicts_with_all = ["to", "to_namespace"])]
    take: bool,
    #[command(flatten)]
    confirmation: Confirmation,
    /// The maximum time to wait for all of them: 90s, 10m, 1h30m.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    timeout: Duration,
    /// The output format of the result; the plan and progress are written to standard error.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    azure: AzureArgs,
}

/// What became of one attachment.
struct Outcome {
    name: String,
    /// In text, after its name.
    text: String,
    code: u8,
}

impl Transfer {
    pub(super) async fn execute(self, program: Program) -> Result<u8, String> {
        let cluster = self.cluster.connect().await?;
        let objects = self.objects(&cluster).await?;
        let uid = self.uid(&cluster).await?;
        let outcomes = if self.take {
            self.take(&cluster, &uid, objects).await?
        } else {
            let moves = objects.into_iter().map(|object| self.planned(object, &uid)).collect::<Result<Vec<_>, _>>()?;
            self.hand_over(&cluster, &uid, moves, program).await?
        };
        let line = |one: &Outcome| format!("{}/{}: {}\n", cluster.namespace, one.name, printable(&one.text));
        let json =
            |one: &Outcome| json!({"name": one.name, "namespace": cluster.namespace, "exitCode": one.code, "message": one.text});
        print(&match self.output {
            Output::Text => outcomes.iter().map(line).collect::<String>(),
            Output::Json => format!("{:#}\n", json!({"attachments": outcomes.iter().map(json).collect::<Vec<_>>()})),
        })?;
        // What could not be determined weighs more than what is known to have failed.
        let codes = outcomes.iter().map(|one| one.code);
        Ok(if codes.clone().any(|code| code == 1) { 1 } else { codes.max().unwrap_or_default() })
    }

    /// The UID with which the owner tags of this cluster's computes begin; empty if it is unknown and not needed.
    async fn uid(&self, cluster: &Cluster) -> Result<String, String> {
        match (controller::cluster_uid(&cluster.calls).await, &self.to_cluster) {
            (Ok(uid), Some(given)) if self.take && uid != *given => {
                Err(format!("--to-cluster {given}: the kube-system namespace of {} has the UID {uid}", cluster.server))
            }
            (Ok(uid), _) => Ok(uid),
            (Err(_), Some(given)) => Ok(if self.take { given.clone() } else { String::new() }),
            (Err(error), None) => Err(format!(
                "the new owner tag begins with the UID of this cluster, which cannot be read: {}. Set --to-cluster to the UID of its namespace kube-system",
                chain(&error)
            )),
        }
    }

    async fn objects(&self, cluster: &Cluster) -> Result<Vec<SynapseSparkAttachment>, String> {
        let mut objects = Vec::new();
        for name in &self.names {
            objects.push(cluster.attachment(name).await?);
        }
        if self.names.is_empty() {
            let api: Api<DeserializeGuard<SynapseSparkAttachment>> = Api::namespaced(cluster.calls.clone(), &cluster.namespace);
            let wanted = ListParams { label_selector: self.selector.clone(), ..ListParams::default() };
            for one in api.list(&wanted).await.map_err(|error| cluster.refused(&error, "list", ""))? {
                let invalid = |error: kube::core::error_boundary::InvalidObject| {
                    format!("{}: it cannot be decoded: {}", error.metadata.name.unwrap_or_default(), error.error)
                };
                objects.push(one.0.map_err(invalid)?);
            }
        }
        match objects.len() {
            0 => Err(format!("no attachment in namespace {} is selected", cluster.namespace)),
            1 => Ok(objects),
            _ if self.to.is_some() => Err("--to names one new owner: use --to-namespace for several attachments".to_owned()),
            _ => Ok(objects),
        }
    }

    /// To whom the compute of an attachment goes.
    fn planned(&self, object: SynapseSparkAttachment, uid: &str) -> Result<Move, String> {
        let own = |text: &Option<String>| text.clone().unwrap_or_default();
        let giver = Owner {
            cluster: uid.to_owned(),
            namespace: own(&object.metadata.namespace),
            name: own(&object.metadata.name),
            uid: own(&object.metadata.uid),
        };
        let (namespace, name) = match self.to.as_deref().map(|to| to.split_once('/').unwrap_or((&giver.namespace, to))) {
            Some(named) => named,
            None => (self.to_namespace.as_deref().unwrap_or(&giver.namespace), giver.name.as_str()),
        };
        let text = format!("{}/{namespace}/{name}", self.to_cluster.as_deref().unwrap_or(uid));
        let to = Recipient::parse(&text, &giver).map_err(|why| format!("{}/{}: {why}", giver.namespace, giver.name))?;
        Ok(Move { object, to })
    }

    /// Annotates each attachment, and waits until its compute is handed over.
    async fn hand_over(&self, cluster: &Cluster, uid: &str, moves: Vec<Move>, program: Program) -> Result<Vec<Outcome>, String> {
        let (moves, others): (Vec<_>, Vec<_>) = moves.into_iter().partition(|one| one.object.has_finalizer());
        // The annotation would keep it from ever attaching one.
        let nothing = |one: Move| {
            let text = "nothing to hand over: it owns no compute, or has already handed it over".to_owned();
            Outcome { name: one.object.name_any(), text, code: 0 }
        };
        let mut outcomes: Vec<_> = others.into_iter().map(nothing).collect();
        for one in &moves {
            remark(&printable(&one.plan(cluster, uid).await?));
        }
        if moves.is_empty() {
            return Ok(outcomes);
        }
        if !self.confirmation.is_given(&format!("Hand over {} compute(s)?", moves.len()))? {
            return Ok(outcomes);
        }
        // To the nanosecond, so that the value is unique: the operator repeats it once it has handled the request.
        let asked = Timestamp::now().to_string();
        let mut annotated = Vec::new();
        for one in moves {
            let name = one.object.name_any();
            let annotations = json!({TRANSFER_TO: one.to.to_string(), RECONCILE_REQUESTED_AT: asked});
            match annotate(cluster, &one.object, &annotations).await {
                Ok(()) => annotated.push(one),
                // One that is refused keeps no other from being handed over.
                Err(text) => outcomes.push(Outcome { name, text, code: 1 }),
            }
        }
        let deadline = tokio::time::sleep(self.timeout).deadline();
        for one in annotated {
            let (name, to) = (one.object.name_any(), &one.to);
            let ended = tokio::time::timeout_at(deadline, until_transferred(cluster, &one.object, &asked, program)).await;
            let (text, code) = match ended {
                Ok(Ok(Ended::Transferred(message))) => {
                    one.request_adoption(cluster, uid, &asked).await;
                    (format!("handed over to {to}. {message}"), 0)
                }
                Ok(Ok(Ended::Deleted)) => (format!("deleted; if it owned the compute, it was handed over to {to} before"), 0),
                Ok(Ok(Ended::Refused(message))) => (format!("not handed over: {message}"), 2),
                Ok(Err(why)) => (why, 1),
                Err(_) => ("timed out; the operator continues. To see its progress, run kubectl synapse status".to_owned(), 1),
            };
            outcomes.push(Outcome { name, text, code });
        }
        Ok(outcomes)
    }
}
