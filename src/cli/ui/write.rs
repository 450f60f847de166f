//! Writes a change with the permissions of the user, over the object that the user saw and no other one.

use jiff::Timestamp;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions, ValidationDirective};
use kube::{Error, ResourceExt as _};

use super::super::kube::Cluster;
use super::super::suspend::gitops;
use super::change::{Action, Change, Refusal};
use crate::api::SynapseSparkAttachment;

/// The field manager of changes, as `metadata.managedFields` shows it.
const FIELD_MANAGER: &str = "synapse-ui";
/// Others may write the object between a read and a write, such as its status.
const TRIES: usize = 5;

/// What became of a change.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The object before and after it.
    Patched { before: Box<SynapseSparkAttachment>, after: Box<SynapseSparkAttachment> },
    /// It is being deleted, or is deleted.
    Deleted { before: Box<SynapseSparkAttachment> },
    /// The object is not what the user saw.
    Changed,
    /// There is no such object any more.
    Gone,
    /// A tool would revert it. What the manifest would be.
    Managed { tool: String, before: Box<SynapseSparkAttachment>, after: Option<Box<SynapseSparkAttachment>> },
    /// The API server refuses these values.
    Refused(Vec<Refusal>),
    /// Any other error, with advice.
    Failed(String),
}

/// Whether it is only tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The API server checks it and stores nothing.
    DryRun,
    Write,
}

/// The object as it is now.
pub(super) async fn read(cluster: &Cluster, change: &Change) -> Result<SynapseSparkAttachment, Outcome> {
    match cluster.attachments().get(&change.name).await {
        Ok(object) if change.uid.is_empty() || object.uid().as_ref() == Some(&change.uid) => Ok(object),
        Ok(_) => Err(Outcome::Gone),
        Err(error) => Err(failed(cluster, &error, "get", change)),
    }
}

/// Makes the change.
pub(super) async fn make(cluster: &Cluster, change: &Change, mode: Mode) -> Outcome {
    for _ in 0..TRIES {
        let before = match read(cluster, change).await {
            Ok(object) => Box::new(object),
            Err(outcome) => return outcome,
        };
        let generation = before.metadata.generation.map(|generation| generation.to_string());
        if !change.generation.is_empty() && generation.as_ref() != Some(&change.generation) {
            return Outcome::Changed;
        }
        // No tool reverts a request for a reconcile, since no manifest has it.
        let tool = gitops(&*before).filter(|_| change.action != Action::Reconcile);
        let mode = if tool.is_some() { Mode::DryRun } else { mode };
        let outcome = match attempt(cluster, change, &before, mode).await {
            Ok(outcome) => outcome,
            // It was changed after it was read.
            Err(Error::Api(status)) if status.code == 409 => continue,
            Err(error) => return failed(cluster, &error, change.action.verb(), change),
        };
        return match (tool, outcome) {
            (Some(tool), Outcome::Patched { before, after }) => Outcome::Managed { tool, before, after: Some(after) },
            (Some(tool), Outcome::Deleted { before }) => Outcome::Managed { tool, before, after: None },
            (_, outcome) => outcome,
        };
    }
    Outcome::Failed(format!("{}/{} is written by others all the time: try again", change.namespace, change.name))
}

async fn attempt(cluster: &Cluster, change: &Change, before: &SynapseSparkAttachment, mode: Mode) -> Result<Outcome, Error> {
    let (api, dry_run) = (cluster.attachments(), mode == Mode::DryRun);
    let (uid, resource_version) = (before.uid(), before.resource_version());
    let patch = match change.patch(before, Timestamp::now()) {
        Ok(patch) => patch,
        Err(refusal) => return Ok(Outcome::Refused(vec![refusal])),
    };
    let before = Box::new(before.clone());
    let Some(mut patch) = patch else {
        let preconditions = Some(Preconditions { resource_version, uid });
        api.delete(&change.name, &DeleteParams { dry_run, preconditions, ..DeleteParams::default() }).await?;
        return Ok(Outcome::Deleted { before });
    };
    // The API server answers 409 if either is another one.
    patch["metadata"]["uid"] = serde_json::json!(uid);
    patch["metadata"]["resourceVersion"] = serde_json::json!(resource_version);
    let params = PatchParams {
        dry_run,
        field_manager: Some(FIELD_MANAGER.to_owned()),
        field_validation: Some(ValidationDirective::Strict),
        ..PatchParams::default()
    };
    let after = Box::new(api.patch(&change.name, &params, &Patch::Merge(&patch)).await?);
    Ok(Outcome::Patched { before, after })
}

fn failed(cluster: &Cluster, error: &Error, verb: &str, change: &Change) -> Outcome {
    if let Error::Api(status) = error {
        let causes = status.details.iter().flat_map(|details| &details.causes).filter(|cause| !cause.field.is_empty());
        let refusals: Vec<_> =
            causes.map(|cause| Refusal { field: cause.field.clone(), message: cause.message.clone() }).collect();
        if status.code == 404 && status.details.as_ref().is_some_and(|details| !details.name.is_empty()) {
            return Outcome::Gone;
        }
        if !refusals.is_empty() {
            return Outcome::Refused(refusals);
        }
    }
    Outcome::Failed(cluster.refused(error, verb, &change.name))
}

#[cfg(test)]
mod tests;
