//! What `plan` found for one object, and how it is printed.

use std::fmt::Write as _;

use serde_json::json;

use super::super::changes::Changes;
use super::super::check::jobs::{as_json as check_as_json, for_plan};
use crate::api::SynapseSparkAttachment;
use crate::planner::jobs::CheckResult;
use crate::planner::{Finding, Observed, Step};

/// What was found for one object.
// Many fields: one per line of the output.
pub(super) struct PlanResult {
    pub(super) object: SynapseSparkAttachment,
    pub(super) changes: Changes,
    pub(super) compute: Option<String>,
    pub(super) pool: Option<String>,
    pub(super) observed: Observed,
    /// Whether Azure answered what exists, and whether the step can begin.
    pub(super) is_answered: bool,
    /// Other computes of the workspace that have the same pool.
    pub(super) also: Vec<String>,
    /// The checks for Spark jobs, with --for-jobs.
    pub(super) jobs: Option<Vec<CheckResult>>,
}

impl PlanResult {
    pub(super) fn has_to_do(&self) -> bool {
        !matches!(self.changes.decision.step, Step::Done)
    }
}

/// An error if Azure gave no usable answer: then the exit code must be neither 0 nor 2.
pub(super) fn unanswered(found: &PlanResult) -> Option<String> {
    (!found.is_answered).then(|| {
        format!(
            "{}: {}: {}",
            found.object.metadata.name.as_deref().unwrap_or_default(),
            found.changes.decision.cause.reason(),
            found.changes.message
        )
    })
}

fn finding(found: &PlanResult) -> String {
    match &found.observed.compute {
        Finding::Present(compute) => format!(
            "a compute of type {}, {}, identity {}, pool {}",
            compute.kind,
            compute.details.state,
            compute.identity.kind,
            compute.pool.id().map_or_else(|| "none".to_owned(), ToString::to_string)
        ),
        Finding::Absent => "no compute of that name".to_owned(),
        Finding::Unknown(fault) => format!("Azure returned an error: {}", fault.error),
    }
}

pub(super) fn describe(found: &PlanResult) -> &'static str {
    match &found.changes.decision.step {
        Step::Put(_) if found.observed.compute.present().is_some() => "update (PUT)",
        Step::AddFinalizer | Step::Put(_) => "attach (PUT)",
        Step::Wait => "wait",
        Step::Done => "nothing",
        Step::AssignRole(_) => "assign a role in the Synapse workspace (PUT)",
        Step::RevokeRole(_) => "revoke a role in the Synapse workspace (DELETE)",
        Step::Detach(_) => "detach (DELETE, underlyingResourceAction=Detach)",
        Step::RemoveFinalizer => "remove the finalizer",
    }
}

pub(super) fn text(found: &PlanResult) -> String {
    let mut text = String::new();
    let meta = &found.object.metadata;
    let _ = writeln!(text, "{}/{}", meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default());
    let _ = writeln!(text, "  goal     {}", found.compute.as_deref().unwrap_or("none"));
    let _ = writeln!(text, "  pool     {}", found.pool.as_deref().unwrap_or("not known"));
    let _ = writeln!(text, "  found    {}", finding(found));
    for name in &found.also {
        let _ = writeln!(text, "           the pool is attached to this workspace already, as {name}");
    }
    let _ = writeln!(text, "  step     {}", describe(found));
    let _ = writeln!(text, "  why      {}: {}", found.changes.decision.cause.reason(), found.changes.message);
    for line in found.changes.lines() {
        let _ = writeln!(text, "  change   {line}");
    }
    for line in &found.changes.kept {
        let _ = writeln!(text, "  keep     {line}");
    }
    if found.changes.is_ownership_alone() {
        let _ = writeln!(text, "  note     pool, identity, tags and description are in sync");
    }
    if let Some(results) = &found.jobs {
        let shown = for_plan(results);
        let _ = writeln!(
            text,
            "  jobs     {}",
            if shown.is_empty() { "nothing is missing" } else { "not all requirements are met:" }
        );
        text.extend(shown.lines().map(|line| format!("           {line}\n")));
    }
    text
}

pub(super) fn as_json(found: &PlanResult) -> serde_json::Value {
    let meta = &found.object.metadata;
    json!({
        "namespace": meta.namespace,
        "name": meta.name,
        "computeId": found.compute,
        "resourceId": found.pool,
        "found": finding(found),
        "alsoAttachedAs": found.also,
        "jobs": found.jobs.as_ref().map(|results| results.iter().map(check_as_json).collect::<Vec<_>>()),
        "step": found.changes.decision.step.name(),
        "reason": found.changes.decision.cause.reason().as_str(),
        "message": found.changes.message,
        "changes": found.changes.drift.iter().map(|drift| json!({"field": drift.field.to_string(), "want": drift.want, "have": drift.have})).collect::<Vec<_>>(),
        "kept": found.changes.kept,
        "somethingToDo": found.has_to_do(),
        "ownershipAlone": found.changes.is_ownership_alone(),
    })
}
