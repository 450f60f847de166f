//! `transfer --take`: writes the owner tags of attachments on computes whose owners are gone, with the caller's identity in Azure.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::Api;
use prometheus_client::registry::Registry;
use serde_json::json;

use super::super::explained::explained;
use super::super::kube::Cluster;
use super::super::output::{change, printable, remark};
use super::moving::annotate;
use super::{Outcome, Transfer};
use crate::api::v1alpha1::AttachmentStatus;
use crate::api::{RECONCILE_REQUESTED_AT, SynapseSparkAttachment};
use crate::azure::{self, Client, Freshness};
use crate::controller::execute;
use crate::controller::observe::compute;
use crate::planner::goal::compute_of;
use crate::planner::owner::TRANSFERRED;
use crate::planner::{Compute, ComputeSpec, Owner, Ownership, Step, WriteResult};
use crate::resource_id::ComputeId;

/// Between two reads of a compute that Azure is changing.
const POLLING: Duration = Duration::from_secs(2);

const IN_DELETION: &str = "it is being deleted, and would detach the compute";

/// One attachment, and the compute that it takes.
struct Taken {
    object: SynapseSparkAttachment,
    owner: Owner,
    id: ComputeId,
    /// The owner tag that the plan showed.
    former: String,
}

impl Transfer {
    /// Takes the computes of these attachments.
    pub(super) async fn take(
        &self,
        cluster: &Cluster,
        uid: &str,
        objects: Vec<SynapseSparkAttachment>,
    ) -> Result<Vec<Outcome>, String> {
        let (client, _) = self.azure.client(azure::Metrics::new(&mut Registry::default()))?;
        let (mut outcomes, mut all) = (Vec::new(), Vec::new());
        for object in objects {
            let name = object.name_any();
            match planned(&client, cluster, uid, object).await {
                Ok(Ok(taken)) => {
                    let tag = change("tags.synapse-spark-operator-owner", &taken.former, &taken.owner.to_string());
                    let place = (taken.id.name(), taken.id.workspace().name());
                    remark(&printable(&format!(
                        "{name}: compute {} in workspace {}: {tag}; nothing else changes",
                        place.0, place.1
                    )));
                    all.push(taken);
                }
                Ok(Err(text)) => outcomes.push(Outcome { name, text, code: 0 }),
                Err(text) => outcomes.push(Outcome { name, text, code: 1 }),
            }
        }
        let question = "Two operators that own the same compute undo each other's changes. \
             Make sure that the former owners are gone, or that their operators no longer run. Take the computes?";
        if all.is_empty() || !self.confirmation.is_given(question)? {
            return Ok(outcomes);
        }
        for one in all {
            remark(&printable(&format!("{}: writing the owner tag", one.object.name_any())));
            let taken = tokio::time::timeout(self.timeout, one.take(&client, cluster)).await;
            let (text, code) =
                match taken.unwrap_or_else(|_| Err("timed out; Azure may still be changing the compute".to_owned())) {
                    Ok(()) => (format!("owns compute {}", one.id.name()), 0),
                    Err(why) => (why, 1),
                };
            if code == 0
                && let Err(why) =
                    annotate(cluster, &one.object, &json!({RECONCILE_REQUESTED_AT: Timestamp::now().to_string()})).await
            {
                remark(&printable(&format!("the operator notices it at its next observation: {why}")));
            }
            outcomes.push(Outcome { name: one.object.name_any(), text, code });
        }
        Ok(outcomes)
    }
}

/// What an attachment would take; or as text why there is nothing to take.
///
/// # Errors
///
/// Why it may not be taken, or could not be determined.
async fn planned(
    client: &Client,
    cluster: &Cluster,
    uid: &str,
    object: SynapseSparkAttachment,
) -> Result<Result<Taken, String>, String> {
    if object.metadata.deletion_timestamp.is_some() {
        return Err(IN_DELETION.to_owned());
    }
    let id = compute_of(&object).map_err(|invalid| invalid.to_string())?;
    let text = |text: Option<String>| text.unwrap_or_default();
    let owner =
        Owner { cluster: uid.to_owned(), namespace: text(object.namespace()), name: object.name_any(), uid: text(object.uid()) };
    let Some(found) = read(client, &id, &owner).await? else {
        return Ok(Err(format!("compute {} does not exist: there is nothing to take", id.name())));
    };
    let former = match found.owner {
        Ownership::Another(tag) => tag,
        Ownership::Ours => return Ok(Err(format!("it owns compute {} already", id.name()))),
        Ownership::Transferred => return Ok(Err("the compute is handed over to it already; the operator adopts it".to_owned())),
        Ownership::Unowned => {
            return Ok(Err("the compute has no owner: the operator adopts it, if spec.adoptionPolicy allows it".to_owned()));
        }
    };
    exists_no_more(cluster, &owner, &former).await?;
    Ok(Ok(Taken { object, owner, id, former }))
}

/// The attachment is still there, and stays.
async fn is_live(cluster: &Cluster, object: &SynapseSparkAttachment) -> Result<(), String> {
    let now = cluster.attachment(&object.name_any()).await?;
    match () {
        () if now.uid() != object.uid() => Err("another object has taken its place: run the command again".to_owned()),
        () if now.metadata.deletion_timestamp.is_some() => Err(IN_DELETION.to_owned()),
        () => Ok(()),
    }
}

/// An owner in this cluster is gone, and so is one that the compute is handed over to. Whether one in another cluster is, only the
/// caller can know.
async fn exists_no_more(cluster: &Cluster, taker: &Owner, tag: &str) -> Result<(), String> {
    let Some([_, namespace, name, owner]) = Owner::parts(tag).filter(|[of, ..]| *of == taker.cluster) else { return Ok(()) };
    let api = Api::<SynapseSparkAttachment>::namespaced(cluster.calls.clone(), namespace);
    match api.get_metadata_opt(name).await {
        Ok(Some(_)) if owner == TRANSFERRED => {
            Err(format!("the compute is handed over to {namespace}/{name}, which exists and adopts it"))
        }
        Ok(found) if found.as_ref().and_then(ResourceExt::uid).as_deref() == Some(owner) => Err(format!(
            "its owner {namespace}/{name} exists: let it hand the compute over with kubectl synapse transfer {name} -n {namespace} --to {}/{}",
            taker.namespace, taker.name
        )),
        Ok(_) => Ok(()),
        Err(error) => {
            Err(format!("cannot determine whether its owner exists: {}", cluster.of(namespace).refused(&error, "get", name)))
        }
    }
}

async fn read(client: &Client, id: &ComputeId, owner: &Owner) -> Result<Option<Compute>, String> {
    let found = client.compute(id, Freshness::Now).await.map_err(|error| explained(&error))?;
    Ok(found.map(|found| compute(&found, owner, &AttachmentStatus::default())))
}

impl Taken {
    /// Writes the owner tag on the compute as it is now, and reads it back.
    async fn take(&self, client: &Client, cluster: &Cluster) -> Result<(), String> {
        let found = read(client, &self.id, &self.owner).await?.ok_or("the compute does not exist any longer")?;
        match &found.owner {
            Ownership::Another(tag) if *tag == self.former && found.is_spark() && !found.progress.is_ongoing() => {}
            Ownership::Another(tag) if *tag == self.former && found.is_spark() => {
                return Err("Azure is changing the compute: try again when it is done".to_owned());
            }
            _ => return Err("the compute has changed since the plan: run the command again".to_owned()),
        }
        let spec = ComputeSpec::retagged(&self.id, self.owner.to_string(), &found, None);
        let spec = spec.map_err(|what| {
            format!(
                "cannot write the tag: Azure shows {} as {:?}, which cannot be parsed and would be changed",
                what.field, what.text
            )
        })?;
        let step = Step::Put(spec);
        let request = execute::prepare(client, &step, &self.owner.uid).await.map_err(|fault| fault.error.to_string())?;
        let request = request.ok_or("there is nothing to write")?;
        // The caller may have been asked long ago.
        is_live(cluster, &self.object).await?;
        exists_no_more(cluster, &self.owner, &self.former).await?;
        match request.send(client, None).await {
            WriteResult::Failed(fault) | WriteResult::NotSent(fault) => return Err(fault.error.to_string()),
            _ => {}
        }
        loop {
            let found = read(client, &self.id, &self.owner).await?;
            if found.is_some_and(|found| found.owner == Ownership::Ours && !found.progress.is_ongoing()) {
                return Ok(());
            }
            tokio::time::sleep(POLLING).await;
        }
    }
}

#[cfg(test)]
mod tests;
