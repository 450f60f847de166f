//! The ConfigMap of `spec.outputs` in the status: its name before it is created, so that it can be deleted after a rename, and
//! the condition `OutputsWritten`. Neither affects Ready.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::Reason;
use crate::api::v1alpha1::{AttachmentStatus, OutputsStatus};
use crate::planner::backoff::OUTPUTS_RETRY;
use crate::planner::drift::has_other_identity;
use crate::planner::goal::{Attached, Goal};
use crate::planner::observed::Observed;
use crate::planner::outputs::{Done, Outputs, Values, outputs as wanted};
use crate::planner::status::conditions::transition;
use crate::planner::status::message::shortened;
use crate::planner::status::report::Report;
use crate::planner::status::shown::condition;

/// The type of the condition.
pub const CONDITION: &str = "OutputsWritten";

/// What has to be done in Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// The ConfigMap of this name has these values.
    Write(String, Values),
    /// No ConfigMap of ours has this name.
    Remove(String),
}

/// What has to be done, given the status as it is stored: it names each ConfigMap before that is created.
#[must_use]
pub fn task(goal: &Attached, seen: &Observed, status: &AttachmentStatus) -> Option<Task> {
    let name = status.outputs.as_ref()?.config_map_name.clone();
    if goal.outputs.as_ref() != Some(&name) {
        return Some(Task::Remove(name));
    }
    // Then none was created.
    let is_to_come = |one: &Condition| one.status == "False" && one.reason == Reason::OutputsPending.as_str();
    match wanted(goal, seen) {
        Outputs::Values(values) => Some(Task::Write(name, values)),
        Outputs::Withdrawn if !condition(status, CONDITION).is_some_and(is_to_come) => Some(Task::Remove(name)),
        Outputs::Withdrawn | Outputs::Unknown => None,
    }
}

/// The name and the condition.
type Shown = (Option<OutputsStatus>, Option<Condition>);

/// Before anything is done: a new name is recorded, and an old one stays until its ConfigMap is deleted.
pub(super) fn outputs(previous: &AttachmentStatus, report: &Report<'_>) -> Shown {
    let kept = || (previous.outputs.clone(), condition(previous, CONDITION).cloned());
    let Some((goal, seen)) = attached(report) else { return kept() };
    match (&previous.outputs, &goal.outputs) {
        (None, None) => (None, None),
        (None, Some(name)) => announced(previous, report, (name, seen, goal)),
        (Some(name), _) if is_outdated(previous, report, (goal, seen)) => (Some(name.clone()), Some(former(previous, report))),
        (Some(_), _) if is_shown(previous, goal, seen) => kept(),
        (Some(_), Some(name)) => announced(previous, report, (name, seen, goal)),
        (Some(_), None) => kept(),
    }
}

/// Whether nothing more is done about the ConfigMap of this name, so that the next one follows.
///
/// A former one that the operator may not read does not block the next name: it may never have existed, and if it does,
/// Kubernetes deletes it with the attachment.
#[must_use]
pub fn is_over(goal: &Attached, name: &str, done: &Done) -> bool {
    match done {
        Done::Removed => true,
        Done::Forbidden(_) => goal.outputs.as_deref() != Some(name),
        Done::Written | Done::Foreign(_) | Done::OfAttachment(_) | Done::Refused(_) => false,
    }
}

/// When to try again what the ConfigMap of another attachment prevents: it is deleted within seconds if that attachment is gone, and
/// at its next resync if it handed the compute over.
///
/// As in [`exponential`], the pause is the time for which that has lasted, so that the pauses double until a resync is sooner.
///
/// [`exponential`]: crate::planner::backoff::exponential
#[must_use]
pub fn retry_in(status: Option<&AttachmentStatus>, done: &Done, now: Timestamp) -> Option<Duration> {
    let (Done::OfAttachment(_), Some(shown)) = (done, condition(status?, CONDITION)) else { return None };
    let lasted = Duration::try_from(now.duration_since(shown.last_transition_time.0)).unwrap_or_default();
    Some(lasted.max(OUTPUTS_RETRY))
}

/// What a user has to know of a former ConfigMap that stays: the text of an event.
#[must_use]
pub fn left_behind(previous: &AttachmentStatus, next: &AttachmentStatus, done: &Done) -> Option<String> {
    let (Some(former), Done::Forbidden(text)) = (&previous.outputs, done) else { return None };
    let name = &former.config_map_name;
    (next.outputs.as_ref() != Some(former)).then(|| {
        let text = shortened(text.trim_end_matches('.'), 400);
        format!(
            "The operator may not read the former ConfigMap {name}: {text}. If it exists, it stays unchanged until Kubernetes deletes it with the attachment. Delete it if nothing needs it."
        )
    })
}

/// The status after something was done.
#[must_use]
pub fn with_outputs(previous: &AttachmentStatus, report: &Report<'_>, done: &Done) -> AttachmentStatus {
    let (Some((goal, seen)), Some(before)) = (attached(report), &previous.outputs) else { return previous.clone() };
    let name = &before.config_map_name;
    let set = |status: &str, reason: Reason, message: &str| {
        let message = format!("{message} {}", reason.advice());
        let message = shortened(message.trim_end(), 1024);
        (Some(before.clone()), Some(transition(previous, report, CONDITION, (status, reason.as_str(), &message))))
    };
    let conflict = |owner: Option<String>| {
        let owner = owner.map(|owner| format!(", which belongs to {owner},")).unwrap_or_default();
        let message = format!("A ConfigMap {name}{owner} exists that this attachment has not created. It stays unchanged.");
        set("False", Reason::OutputsConflict, &message)
    };
    let over = || match &goal.outputs {
        None => (None, None),
        Some(next) => announced(previous, report, (next, seen, goal)),
    };
    let (outputs, shown) = match done {
        Done::Removed => over(),
        Done::Forbidden(_) if is_over(goal, name, done) => over(),
        Done::Written if differs(goal, seen) => (Some(before.clone()), Some(former(previous, report))),
        Done::Written => set("True", Reason::OutputsWritten, &format!("The ConfigMap {name} has the values")),
        Done::Foreign(owner) => conflict(owner.clone()),
        Done::OfAttachment(owner) => conflict(Some(format!("SynapseSparkAttachment {owner}"))),
        Done::Forbidden(text) => set(
            "False",
            Reason::OutputsForbidden,
            &format!("The operator may not read the ConfigMap {name}: {}.", text.trim_end_matches('.')),
        ),
        Done::Refused(text) => set(
            "False",
            Reason::OutputsFailed,
            &format!("Kubernetes refuses to change the ConfigMap {name}: {}.", text.trim_end_matches('.')),
        ),
    };
    let mut next = previous.clone();
    next.conditions.retain(|one| one.type_ != CONDITION);
    next.conditions.extend(shown);
    next.outputs = outputs;
    next
}

fn attached<'a>(report: &Report<'a>) -> Option<(&'a Attached, &'a Observed)> {
    match report.goal? {
        Goal::Attached(goal) => Some((goal, report.observed?)),
        Goal::Detached(_) => None,
    }
}

/// Whether the status needs no change before the ConfigMap is written: it shows the one of the spec as written or as failed, or
/// there is nothing to write; or the former one has to be deleted first.
fn is_shown(previous: &AttachmentStatus, goal: &Attached, seen: &Observed) -> bool {
    let is_same = previous.outputs.as_ref().map(|one| &one.config_map_name) == goal.outputs.as_ref();
    if !is_same {
        return true;
    }
    let is_settled = |one: &Condition| one.reason != Reason::OutputsPending.as_str();
    let is_written = |one: &Condition| one.status == "Unknown" && differs(goal, seen);
    let is_awaited = || !matches!(wanted(goal, seen), Outputs::Values(_));
    condition(previous, CONDITION).is_some_and(|one| is_settled(one) || is_written(one) || is_awaited())
}

/// Whether the values are those of an identity that the spec does not name.
fn differs(goal: &Attached, seen: &Observed) -> bool {
    seen.compute.present().is_some_and(|compute| has_other_identity(goal, compute, seen.applied.as_ref()))
}

/// Whether the condition is True of an earlier spec, and the compute is not seen as attached by this one.
fn is_outdated(previous: &AttachmentStatus, report: &Report<'_>, (goal, seen): (&Attached, &Observed)) -> bool {
    let is_earlier = |one: &Condition| one.status == "True" && one.observed_generation < report.object.generation;
    let is_same = previous.outputs.as_ref().map(|one| &one.config_map_name) == goal.outputs.as_ref();
    let is_certain = matches!(wanted(goal, seen), Outputs::Values(_)) && !differs(goal, seen);
    is_same && !is_certain && condition(previous, CONDITION).is_some_and(is_earlier)
}

/// The ConfigMap is there, and is not known to have the values that the spec leads to.
fn former(previous: &AttachmentStatus, report: &Report<'_>) -> Condition {
    let message = "The ConfigMap may have values from before a change, such as the former identity, until Azure shows the compute as in the spec";
    transition(previous, report, CONDITION, ("Unknown", Reason::OutputsPending.as_str(), message))
}

/// The ConfigMap of this name is to be written: now (then it may exist from now on), or when the compute is attached.
fn announced(previous: &AttachmentStatus, report: &Report<'_>, (name, seen, goal): (&str, &Observed, &Attached)) -> Shown {
    let (status, message) = match wanted(goal, seen) {
        Outputs::Values(_) => ("Unknown", format!("Writing the ConfigMap {name}")),
        Outputs::Withdrawn | Outputs::Unknown => {
            ("False", format!("The ConfigMap {name} is created when the compute is attached"))
        }
    };
    let shown = transition(previous, report, CONDITION, (status, Reason::OutputsPending.as_str(), &message));
    (Some(OutputsStatus { config_map_name: name.to_owned() }), Some(shown))
}
