//! Whether a request to send the compute again is handled, and when one last led to a write.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::v1alpha1::{AttachmentStatus, OperationKind};
use crate::planner::cause::Health;
use crate::planner::status::record::written_kind;
use crate::planner::status::report::Report;
use crate::planner::status::time::stored;
use crate::planner::write::WriteResult;

/// The value that was handled last, and when the last write was sent for one.
///
/// A request is handled with the intent of a PUT, whatever its cause, so that a crash or a failure leads to no second one. It is
/// also handled where an answered reconcile ends without a write: it is too early, or a gate does not let it through.
pub(super) fn handled(previous: &AttachmentStatus, report: &Report<'_>) -> (Option<String>, Option<Time>) {
    let before = (previous.last_handled_force_at.clone(), previous.last_forced_at.clone());
    let Some(value) = report.object.forced.map(ToOwned::to_owned) else { return before };
    match written_kind(report) {
        Some((_, WriteResult::NotSent(_))) => before,
        Some((OperationKind::Attach | OperationKind::Update, _)) => (Some(value), Some(stored(report.now))),
        _ if is_final(report) => (Some(value), before.1),
        _ => before,
    }
}

fn is_final(report: &Report<'_>) -> bool {
    let is_answered = report.written.is_none() && report.observed.is_none_or(|seen| seen.compute.is_answered());
    is_answered && matches!(report.decision.cause.health(), Health::Ready | Health::Stalled | Health::Halted)
}
