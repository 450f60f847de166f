//! What is shown of one attachment, read from the object.

use anstyle::Style;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use serde::Serialize;

use super::super::output::{BAD, GOOD, UNDECIDED, age};
use super::super::plugin::Program;
use super::event::EventView;
use crate::api::v1alpha1::{
    AttachmentStatus, DriftStatus, FailureStatus, IdentityStatus, LastDriftStatus, LinkedServiceStatus, OperationKind,
    OutputsStatus, PoolStatus, ProvisioningError, RoleAssignmentStatus, SynapseSparkAttachmentSpec, WaitingForJobs,
};
use crate::api::{Reason, SynapseSparkAttachment};
use crate::planner::status::condition;
use crate::planner::status::jobs_ready::JOBS_READY;
use crate::planner::status::time::elapsed;

/// The state of an attachment, by its conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(in crate::cli) enum State {
    Ready,
    Reconciling,
    Stalled,
    /// `spec.suspend`, and not in sync; or the compute is handed over to another attachment.
    Suspended,
    /// The operator has not observed this generation of the spec yet.
    Unseen,
    /// It is gone: only while it is watched.
    Deleted,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
// Many fields: one per key of the JSON output.
pub(in crate::cli) struct View {
    pub(in crate::cli) namespace: String,
    pub(in crate::cli) name: String,
    pub(in crate::cli) state: State,
    pub(in crate::cli) reason: Option<String>,
    pub(in crate::cli) message: String,
    pub(in crate::cli) since: Option<Time>,
    /// What the user should do; empty if waiting is enough.
    pub(in crate::cli) advice: String,
    /// The command to run for that.
    pub(in crate::cli) command: Option<String>,
    pub(in crate::cli) generation: Option<i64>,
    pub(in crate::cli) observed_generation: Option<i64>,
    pub(in crate::cli) deletion_timestamp: Option<Time>,
    pub(in crate::cli) failure: Option<FailureStatus>,
    pub(in crate::cli) wanted: SynapseSparkAttachmentSpec,
    pub(in crate::cli) found: ShownByAzure,
    pub(in crate::cli) drift: Vec<DriftStatus>,
    /// The last change by others, and who made it.
    pub(in crate::cli) last_drift: Option<LastDriftStatus>,
    pub(in crate::cli) operation: Option<Operation>,
    /// The jobs that a detach waits for.
    pub(in crate::cli) waiting_for_jobs: Option<WaitingForJobs>,
    /// The ConfigMap that values are written to.
    pub(super) outputs: Option<OutputsStatus>,
    /// What the operator's checks for Spark jobs show, if the spec wants them.
    pub(super) job_checks: Option<JobChecks>,
    /// None if they were not read, or may not be read.
    pub(in crate::cli) events: Option<Vec<EventView>>,
}

/// What Azure shows.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
// Many fields: one per key of the JSON output.
pub(in crate::cli) struct ShownByAzure {
    pub(in crate::cli) compute_id: Option<String>,
    pub(in crate::cli) provisioning_state: Option<String>,
    pub(in crate::cli) location: Option<String>,
    pub(in crate::cli) created_on: Option<String>,
    pub(in crate::cli) modified_on: Option<String>,
    pub(in crate::cli) pool: Option<PoolStatus>,
    pub(in crate::cli) identity: Option<IdentityStatus>,
    pub(in crate::cli) linked_service: Option<LinkedServiceStatus>,
    pub(in crate::cli) role_assignments: Vec<RoleAssignmentStatus>,
    pub(in crate::cli) provisioning_errors: Vec<ProvisioningError>,
    /// The conditions other than those of kstatus.
    pub(in crate::cli) conditions: Vec<Condition>,
}

/// What the operator's checks for Spark jobs show.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobChecks {
    /// The status of the condition `JobsReady`.
    pub(super) status: String,
    pub(super) message: String,
    /// The command that makes all checks with the identity of the caller.
    pub(super) command: String,
}

/// The last operation that was requested from Azure.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Operation {
    pub(in crate::cli) kind: OperationKind,
    /// Azure's ID of it, if it gave one.
    pub(in crate::cli) id: Option<String>,
    pub(in crate::cli) path: Option<String>,
    pub(in crate::cli) started_at: Time,
}

/// The last segment of an operation's path: what Azure calls the operation.
fn id(path: &str) -> Option<String> {
    let (path, _) = path.split_once('?').unwrap_or((path, ""));
    path.rsplit('/').next().filter(|id| !id.is_empty()).map(ToOwned::to_owned)
}

fn state(status: &AttachmentStatus, generation: Option<i64>) -> State {
    let is_true = |kind| condition(status, kind).is_some_and(|one| one.status == "True");
    match () {
        () if status.observed_generation != generation || condition(status, "Ready").is_none() => State::Unseen,
        () if is_true("Stalled") => State::Stalled,
        () if is_true("Ready") => State::Ready,
        () if is_true("Reconciling") => State::Reconciling,
        () => State::Suspended,
    }
}

/// What to do, and the subcommand that does it.
fn advice<'a>(state: State, reason: Option<&str>, known: &'a str) -> (&'a str, Option<&'static str>) {
    match state {
        State::Unseen => ("Wait a moment. If this state persists, check whether the operator runs.", Some("check")),
        _ if reason == Some(Reason::SafetyStop.as_str()) => (known, Some("allow-recreate")),
        State::Stalled => (known, Some("reconcile")),
        _ if reason == Some(Reason::Suspended.as_str()) => (known, Some("resume")),
        _ => (known, None),
    }
}

fn message_of(state: State, ready: Option<String>) -> String {
    match (state, ready) {
        (State::Unseen, Some(message)) => {
            format!("the operator has not observed the current generation; last status: {message}")
        }
        (State::Unseen, None) => "the operator has not observed this object yet".to_owned(),
        (_, message) => message.unwrap_or_default(),
    }
}

impl From<AttachmentStatus> for ShownByAzure {
    fn from(status: AttachmentStatus) -> Self {
        let is_shown_above = |one: &Condition| matches!(one.type_.as_str(), "Ready" | "Reconciling" | "Stalled");
        Self {
            compute_id: status.compute_id,
            provisioning_state: status.provisioning_state,
            location: status.location,
            created_on: status.created_on,
            modified_on: status.modified_on,
            pool: status.pool,
            identity: status.identity,
            linked_service: status.linked_service,
            role_assignments: status.role_assignments,
            provisioning_errors: status.provisioning_errors,
            conditions: status.conditions.into_iter().filter(|one| !is_shown_above(one)).collect(),
        }
    }
}

impl View {
    // Longer than other functions: each field of the view is computed once, in the order in which they need each other.
    pub(in crate::cli) fn of(object: &SynapseSparkAttachment, program: Program) -> Self {
        let status = object.status.clone().unwrap_or_default();
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let generation = object.metadata.generation;
        let state = self::state(&status, generation);
        let ready = condition(&status, "Ready");
        let reason = ready.map(|ready| ready.reason.clone());
        let is_deleted = object.metadata.deletion_timestamp.is_some();
        let known = reason.as_deref().and_then(Reason::parse).map(|reason| reason.advice_for(is_deleted)).unwrap_or_default();
        // The message ends with the advice, which has a place of its own here; and what kubectl can do, a command below does.
        let message =
            ready.map(|ready| ready.message.strip_suffix(known.as_str()).unwrap_or(&ready.message).trim_end().to_owned());
        let known = known.split_once(" kubectl ").map_or(known.as_str(), |(words, _)| words);
        let (advice, verb) = advice(state, reason.as_deref(), known);
        let since = match state {
            State::Reconciling => condition(&status, "Reconciling"),
            State::Stalled => condition(&status, "Stalled"),
            _ => ready,
        };
        Self {
            state,
            message: message_of(state, message),
            since: since.map(|one| one.last_transition_time.clone()),
            advice: advice.to_owned(),
            command: verb.map(|verb| match verb {
                "check" => format!("{} check", program.typed()),
                verb => format!("{} {verb} {name} -n {namespace}", program.typed()),
            }),
            generation,
            observed_generation: status.observed_generation,
            deletion_timestamp: object.metadata.deletion_timestamp.clone(),
            failure: status.failure.clone(),
            wanted: object.spec.clone(),
            operation: status.operation.as_ref().map(|operation| Operation {
                kind: operation.kind,
                id: operation.path.as_deref().and_then(id),
                path: operation.path.clone(),
                started_at: operation.started_at.clone(),
            }),
            waiting_for_jobs: status.waiting_for_jobs.clone(),
            outputs: status.outputs.clone(),
            job_checks: condition(&status, JOBS_READY).map(|one| JobChecks {
                status: one.status.clone(),
                message: one.message.clone(),
                command: format!("{} check {name} --for-jobs -n {namespace}", program.typed()),
            }),
            events: None,
            namespace,
            name,
            reason,
            drift: status.drift.clone(),
            last_drift: status.last_drift.clone(),
            found: status.into(),
        }
    }

    pub(in crate::cli) fn style(&self) -> Style {
        match self.state {
            State::Ready => GOOD,
            State::Stalled => BAD,
            State::Reconciling | State::Suspended | State::Unseen | State::Deleted => UNDECIDED,
        }
    }

    /// Whether a user would see no difference but in the times.
    pub(in crate::cli) fn is_like(&self, other: &Self) -> bool {
        (self.state, &self.reason, &self.message, self.pool()) == (other.state, &other.reason, &other.message, other.pool())
    }

    pub(in crate::cli) fn pool(&self) -> String {
        self.found.pool.as_ref().map(|pool| pool.name.clone()).unwrap_or_default()
    }

    pub(in crate::cli) fn since(&self, now: Timestamp) -> String {
        self.since.as_ref().map(|since| age(elapsed(since.0, now).unwrap_or_default())).unwrap_or_default()
    }
}
