//! The safety stop in the status: a new leader finds it there.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::v1alpha1::{AttachmentStatus, SafetyStop};
use crate::planner::cause::Cause;
use crate::planner::finding::Finding;
use crate::planner::status::conditions::transition;
use crate::planner::status::message::message;
use crate::planner::status::report::Report;
use crate::planner::status::shown::{condition, shown};
use crate::planner::status::time::stored;

/// The type of the condition.
const CONDITION: &str = "SafetyStop";

/// The stop: from the first decision not to attach the compute again until an observation that shows it.
pub(super) fn safety_stop(previous: &AttachmentStatus, report: &Report<'_>) -> Option<SafetyStop> {
    let before = previous.safety_stop.clone();
    let is_missing = report.observed.is_none_or(|seen| seen.has_disappeared() || matches!(seen.compute, Finding::Unknown(_)));
    match report.decision.cause {
        Cause::SafetyStop => before.or_else(|| Some(SafetyStop { since: stored(report.now) })),
        _ => before.filter(|_| is_missing),
    }
}

/// The condition, as long as the stop lasts: also while Azure gives no answer.
pub(super) fn stopped(previous: &AttachmentStatus, report: &Report<'_>) -> Option<Condition> {
    let is_answered = report.observed.is_some_and(|seen| !matches!(seen.compute, Finding::Unknown(_)));
    match report.decision.cause {
        Cause::SafetyStop => {
            let message = message(previous, shown(previous, report), report);
            Some(transition(previous, report, CONDITION, ("True", report.decision.cause.reason().as_str(), &message)))
        }
        _ => condition(previous, CONDITION).filter(|_| !is_answered).cloned(),
    }
}
