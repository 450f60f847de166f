//! Keeps the ConfigMap of `spec.outputs`. It belongs to its attachment, so Kubernetes deletes it with that.
//!
//! Nothing watches `ConfigMaps`: RBAC limits neither a list nor a watch to some of them, so the operator would see all. So the one of
//! an attachment is read once in a reconcile that observes the compute as attached, which is once a resync when nothing happens.
//! Each write names the version that was read: a change between the two is a conflict, and is never overwritten unseen.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, ObjectMeta, PostParams, Preconditions};
use kube::{Resource, ResourceExt};

use crate::api::SynapseSparkAttachment;
use crate::controller::context::{Context, Error, FIELD_MANAGER};
use crate::controller::report::{Draft, Reported, report_outputs};
use crate::controller::rounds::Evaluation;
use crate::object_name::is_subdomain;
use crate::planner::outputs::{Done, Values};
use crate::planner::status::outputs::{Task, is_over, retry_in, task};
use crate::planner::{Decision, Goal};

/// Writes or deletes the ConfigMap after a report, and reports that. Two tasks at most: after a rename the former one is deleted,
/// then the new one is written. Returns when to try again what another attachment prevents.
///
/// # Errors
///
/// [`Error`] if Kubernetes does not answer or a version is outdated: the reconcile is retried. A refusal is reported instead.
pub(super) async fn keep(
    ctx: &Context,
    evaluation: &Evaluation,
    decision: &Decision,
    reported: Option<Reported>,
    now: Timestamp,
) -> Result<Option<Duration>, Error> {
    let (Goal::Attached(goal), Some(mut reported)) = (&evaluation.version.goal, reported) else { return Ok(None) };
    let mut stored = None;
    for _ in 0..2 {
        match reported {
            Reported::Gone => return Ok(None),
            Reported::Stored(object) => stored = Some(object),
            Reported::Unchanged => {}
        }
        let object = stored.as_deref().unwrap_or(&evaluation.version.object);
        let Some(task) = object.status.as_ref().and_then(|status| task(goal, &evaluation.observed, status)) else {
            return Ok(None);
        };
        let done = carry_out(ctx, object, &task).await?;
        let draft = Draft { object, ..evaluation.draft(now) };
        reported = report_outputs(ctx, &draft, decision, &done).await?;
        let (Task::Write(name, _) | Task::Remove(name)) = &task;
        if !is_over(goal, name, &done) || matches!(reported, Reported::Unchanged) {
            let object = if let Reported::Stored(object) = &reported { object } else { object };
            return Ok(retry_in(object.status.as_ref(), &done, now));
        }
    }
    Ok(None)
}

async fn carry_out(ctx: &Context, object: &SynapseSparkAttachment, task: &Task) -> Result<Done, Error> {
    let api = Api::<ConfigMap>::namespaced(ctx.kube.clone(), &object.namespace().unwrap_or_default());
    let (Task::Write(name, _) | Task::Remove(name)) = task;
    // It becomes part of a path, and a status may have been edited.
    if !is_subdomain(name) {
        return Ok(Done::Removed);
    }
    let found = match api.get_opt(name).await {
        Ok(found) => found,
        Err(kube::Error::Api(refusal)) if refusal.code == 403 => return Ok(Done::Forbidden(refusal.message.clone())),
        Err(error) => return refused(error),
    };
    let written = match (task, found) {
        (Task::Remove(_), None) => Ok(Done::Removed),
        (Task::Remove(_), Some(found)) if owner(object, &found).is_err() => Ok(Done::Removed),
        (Task::Remove(_), Some(found)) => remove(ctx, &api, &found).await,
        (Task::Write(name, values), None) => create(ctx, &api, object, (name, values)).await,
        (Task::Write(_, values), Some(found)) => match owner(object, &found) {
            Err(owner) => Ok(owner),
            Ok(()) if found.data.as_ref() == Some(values) && found.binary_data.is_none() => Ok(Done::Written),
            Ok(()) => replace(ctx, &api, found, values).await,
        },
    };
    match written {
        Ok(done) => Ok(done),
        Err(Failure::NotSent(error)) => Err(error),
        Err(Failure::Kube(error)) => refused(error),
    }
}

/// Why a write was not carried out.
enum Failure {
    NotSent(Error),
    Kube(kube::Error),
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        Self::Kube(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::NotSent(error)
    }
}

/// A refusal that passes by itself is retried with backoff, and another one is reported.
fn refused(error: kube::Error) -> Result<Done, Error> {
    match error {
        kube::Error::Api(refusal) if refusal.code == 409 => Err(Error::Conflict),
        kube::Error::Api(refusal) if (400..500).contains(&refusal.code) && !matches!(refusal.code, 408 | 429) => {
            Ok(Done::Refused(refusal.message.clone()))
        }
        other => Err(Error::refused("the ConfigMap of spec.outputs")(other)),
    }
}

/// Whether this object controls a ConfigMap; otherwise whose it is.
fn owner(object: &SynapseSparkAttachment, found: &ConfigMap) -> Result<(), Done> {
    let controller = found.owner_references().iter().find(|owner| owner.controller == Some(true));
    match controller {
        Some(owner) if Some(&owner.uid) == object.metadata.uid.as_ref() => Ok(()),
        Some(owner) if owner.kind == SynapseSparkAttachment::kind(&()) => Err(Done::OfAttachment(owner.name.clone())),
        Some(owner) => Err(Done::Foreign(Some(format!("{} {}", owner.kind, owner.name)))),
        None => Err(Done::Foreign(None)),
    }
}

fn params() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

/// A ConfigMap that exists by now is a conflict: the next reconcile reads it.
async fn create(
    ctx: &Context,
    api: &Api<ConfigMap>,
    object: &SynapseSparkAttachment,
    (name, values): (&str, &Values),
) -> Result<Done, Failure> {
    let labels = [("app.kubernetes.io/managed-by".to_owned(), FIELD_MANAGER.to_owned())];
    let made = ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels.into()),
            // Without blockOwnerDeletion, which would require a right to the finalizers of attachments where
            // OwnerReferencesPermissionEnforcement is on.
            owner_references: object.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        data: Some(values.clone()),
        ..ConfigMap::default()
    };
    ctx.ensure_leader()?;
    api.create(&params(), &made).await?;
    tracing::info!(config_map = name, "outputs created");
    Ok(Done::Written)
}

/// Keeps labels, annotations and finalizers of others.
async fn replace(ctx: &Context, api: &Api<ConfigMap>, found: ConfigMap, values: &Values) -> Result<Done, Failure> {
    let made = ConfigMap { data: Some(values.clone()), binary_data: None, ..found };
    ctx.ensure_leader()?;
    api.replace(&made.name_any(), &params(), &made).await?;
    tracing::info!(config_map = made.name_any(), "outputs updated");
    Ok(Done::Written)
}

async fn remove(ctx: &Context, api: &Api<ConfigMap>, found: &ConfigMap) -> Result<Done, Failure> {
    let preconditions = Preconditions { uid: found.uid(), resource_version: found.resource_version() };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    ctx.ensure_leader()?;
    match api.delete(&found.name_any(), &params).await {
        Err(kube::Error::Api(refusal)) if refusal.code == 404 => Ok(Done::Removed),
        Err(error) => Err(error.into()),
        Ok(_) => {
            tracing::info!(config_map = found.name_any(), "outputs deleted");
            Ok(Done::Removed)
        }
    }
}
