//! The status of an object that waits for its turn. Nothing else of it changes, because no request was sent.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::v1alpha1::AttachmentStatus;
use crate::planner::backoff::SHOW_QUEUED_AFTER;
use crate::planner::cause::Cause;
use crate::planner::status::conditions::conditions;
use crate::planner::status::jobs::waiting_for_jobs;
use crate::planner::status::report::Report;
use crate::planner::status::time::turn;

/// The status, if the object waits.
pub(super) fn queued(previous: &AttachmentStatus, report: &Report<'_>) -> Option<AttachmentStatus> {
    let Cause::Queued(queued) = &report.decision.cause else { return None };
    // A short wait is not worth a write.
    if queued.waited < SHOW_QUEUED_AFTER && previous.queued_until.is_none() {
        return Some(previous.clone());
    }
    let is_of_dependency = |one: &&Condition| !["Ready", "Reconciling", "Stalled"].contains(&one.type_.as_str());
    let others = previous.conditions.iter().filter(is_of_dependency).cloned();
    Some(AttachmentStatus {
        conditions: conditions(previous, report).into_iter().chain(others).collect(),
        queued_until: Some(turn(previous.queued_until.as_ref(), report.now, queued.wait)),
        waiting_for_jobs: previous.waiting_for_jobs.clone().or_else(|| waiting_for_jobs(previous, report)),
        ..previous.clone()
    })
}
