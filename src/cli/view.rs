//! One attachment as its reader wants it: what is, what is wanted, why not, what to do next.
//!
//! All of it is in the object and its events. The names of the fields are a promise to whoever reads `-o json`.

mod text;

use anstyle::Style;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use serde::Serialize;

use super::output::{BAD, GOOD, UNDECIDED, age};
use super::plugin::Program;
use crate::api::v1alpha1::{
    AttachmentStatus, DriftStatus, IdentityStatus, LinkedServiceStatus, OperationKind, PoolStatus, ProvisioningError,
    RoleAssignmentStatus, SynapseSparkAttachmentSpec,
};
use crate::api::{Reason, SynapseSparkAttachment};
use crate::planner::status::{between, condition};

/// How an attachment is, in the words of its conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum State {
    Ready,
    Reconciling,
    Stalled,
    /// `spec.suspend`, and not as asked.
    Suspended,
    /// The operator has not looked at this generation of the spec yet.
    Unseen,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct View {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) state: State,
    pub(super) reason: Option<String>,
    pub(super) message: String,
    since: Option<Time>,
    /// What its reader should do, in words; empty where there is nothing to do but wait.
    advice: String,
    /// A command to type then.
    command: Option<String>,
    generation: Option<i64>,
    observed_generation: Option<i64>,
    deletion_timestamp: Option<Time>,
    failing_since: Option<Time>,
    wanted: SynapseSparkAttachmentSpec,
    found: Found,
    drift: Vec<DriftStatus>,
    operation: Option<Operation>,
    /// None where they were not asked for, or may not be read.
    pub(super) events: Option<Vec<Told>>,
}

/// What Azure shows.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    compute_id: Option<String>,
    provisioning_state: Option<String>,
    location: Option<String>,
    created_on: Option<String>,
    modified_on: Option<String>,
    pool: Option<PoolStatus>,
    identity: Option<IdentityStatus>,
    linked_service: Option<LinkedServiceStatus>,
    role_assignments: Vec<RoleAssignmentStatus>,
    provisioning_errors: Vec<ProvisioningError>,
    /// The conditions beside those of kstatus.
    conditions: Vec<Condition>,
}

/// The operation that Azure was last asked for.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    kind: OperationKind,
    /// Azure's ID of it, if it gave one.
    id: Option<String>,
    path: Option<String>,
    started_at: Time,
}

/// An event.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    pub(super) last_seen: Option<Timestamp>,
    #[serde(rename = "type")]
    kind: String,
    reason: String,
    message: String,
    /// Azure's `x-ms-correlation-request-id`, which its support asks for.
    correlation_id: Option<String>,
}

impl Told {
    pub(super) fn of(event: Event) -> Self {
        let note = event.message.unwrap_or_default();
        let (message, correlation) =
            match note.strip_suffix(')').and_then(|note| note.rsplit_once(" (x-ms-correlation-request-id ")) {
                Some((message, id)) => (message.to_owned(), Some(id.to_owned())),
                None => (note, None),
            };
        let seen = [
            event.series.and_then(|series| series.last_observed_time).map(|time| time.0),
            event.last_timestamp.map(|time| time.0),
            event.event_time.map(|time| time.0),
            event.metadata.creation_timestamp.map(|time| time.0),
        ];
        Self {
            last_seen: seen.into_iter().flatten().max(),
            kind: event.type_.unwrap_or_default(),
            reason: event.reason.unwrap_or_default(),
            message,
            correlation_id: correlation,
        }
    }
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

impl View {
    pub(super) fn of(object: &SynapseSparkAttachment, program: Program) -> Self {
        let status = object.status.clone().unwrap_or_default();
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let generation = object.metadata.generation;
        let state = self::state(&status, generation);
        let ready = condition(&status, "Ready");
        let reason = ready.map(|ready| ready.reason.clone());
        let known = reason.as_deref().and_then(Reason::parse).map(Reason::advice).unwrap_or_default();
        // The message ends with the advice, which has a place of its own here; and what kubectl can do, a command below does.
        let message = ready.map(|ready| ready.message.strip_suffix(known).unwrap_or(&ready.message).trim_end().to_owned());
        let known = known.split_once(" kubectl ").map_or(known, |(words, _)| words);
        let (advice, verb) = match state {
            State::Unseen => (
                "Wait a moment. If it stays, see whether the operator runs: kubectl get pods -A -l app.kubernetes.io/name=synapse-spark-operator",
                None,
            ),
            State::Stalled => (known, Some("reconcile")),
            _ if reason.as_deref() == Some(Reason::Suspended.as_str()) => (known, Some("resume")),
            _ => (known, None),
        };
        let message = match (state, message) {
            (State::Unseen, Some(message)) => {
                format!("the operator has not looked at the spec of now; of an earlier one it said: {message}")
            }
            (State::Unseen, None) => "the operator has not looked at it yet".to_owned(),
            (_, message) => message.unwrap_or_default(),
        };
        let since = match state {
            State::Reconciling => condition(&status, "Reconciling"),
            State::Stalled => condition(&status, "Stalled"),
            _ => ready,
        };
        Self {
            state,
            message,
            since: since.map(|one| one.last_transition_time.clone()),
            advice: advice.to_owned(),
            command: verb.map(|verb| format!("{} {verb} {name} -n {namespace}", program.typed())),
            generation,
            observed_generation: status.observed_generation,
            deletion_timestamp: object.metadata.deletion_timestamp.clone(),
            failing_since: status.failing_since.clone(),
            wanted: object.spec.clone(),
            operation: status.operation.as_ref().map(|operation| Operation {
                kind: operation.kind,
                id: operation.path.as_deref().and_then(id),
                path: operation.path.clone(),
                started_at: operation.started_at.clone(),
            }),
            events: None,
            namespace,
            name,
            reason,
            drift: status.drift,
            found: Found {
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
                conditions: status
                    .conditions
                    .into_iter()
                    .filter(|one| !matches!(one.type_.as_str(), "Ready" | "Reconciling" | "Stalled"))
                    .collect(),
            },
        }
    }

    pub(super) fn style(&self) -> Style {
        match self.state {
            State::Ready => GOOD,
            State::Stalled => BAD,
            State::Reconciling | State::Suspended | State::Unseen => UNDECIDED,
        }
    }

    pub(super) fn pool(&self) -> String {
        self.found.pool.as_ref().map(|pool| pool.name.clone()).unwrap_or_default()
    }

    pub(super) fn since(&self, now: Timestamp) -> String {
        self.since.as_ref().map(|since| age(between(since.0, now))).unwrap_or_default()
    }
}
