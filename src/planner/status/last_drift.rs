//! The last change that others made to the compute, and who made it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::v1alpha1::{ActivityLogResult, ActivityLogStatus, AttachmentStatus, LastDriftStatus, OperationKind};
use crate::planner::drift::Drift;
use crate::planner::observed::Observed;
use crate::planner::status::record::written_kind;
use crate::planner::status::report::Report;
use crate::planner::status::shown::condition;
use crate::planner::status::time::{not_after, stored};
use crate::planner::unexplained::Shown;
use crate::planner::write::WriteResult;

/// The name of the field when the whole compute was detached.
pub const COMPUTE: &str = "compute";

/// Whether the status of before shows this generation of the spec as in sync.
#[must_use]
pub fn was_in_sync(previous: &AttachmentStatus, report: &Report<'_>) -> bool {
    let is_ready = condition(previous, "Ready").is_some_and(|ready| ready.status == "True");
    is_ready && previous.observed_generation == report.object.generation
}

/// What others changed since the attachment was in sync. Without what is rewritten so often that its correction is paused.
#[must_use]
pub fn made_elsewhere(previous: &AttachmentStatus, report: &Report<'_>) -> Vec<Drift> {
    let Some(seen) = report.observed.filter(|_| was_in_sync(previous, report)) else { return Vec::new() };
    report.shown_drift().into_iter().filter(|drift| drift.pause(seen).is_zero()).collect()
}

/// A new change; or the last one, with what the Activity Log shows of it.
///
/// A changed spec cancels a read that is still due: the compute is no longer compared with what was changed.
pub(super) fn last_drift(previous: &AttachmentStatus, report: &Report<'_>) -> Option<LastDriftStatus> {
    let known = previous.last_drift.as_ref();
    let fields = changed_fields(previous, report);
    if !fields.is_empty() {
        let in_sync_at = in_sync_at(&fields, previous, report);
        return Some(LastDriftStatus { fields, observed_at: stored(report.now), in_sync_at, activity_log: None });
    }
    let is_same_spec = previous.observed_generation == report.object.generation;
    let known = known.filter(|known| known.activity_log.is_some() || is_same_spec)?;
    Some(LastDriftStatus {
        observed_at: not_after(&known.observed_at, report.now),
        activity_log: known.activity_log.clone().or_else(|| answer(report)),
        ..known.clone()
    })
}

/// A time before a new change at which the compute was in sync, as far as the status shows one: when it became Ready, after the
/// operator's last write; or when the compute was created that was detached since.
fn in_sync_at(fields: &[String], previous: &AttachmentStatus, report: &Report<'_>) -> Option<Time> {
    let at = if fields == [COMPUTE] {
        let created_on = report.observed?.applied.as_ref()?.created_on.as_ref()?;
        stored(created_on.parse().ok()?)
    } else {
        condition(previous, "Ready")?.last_transition_time.clone()
    };
    (at.0 <= report.now).then_some(at)
}

/// The fields of a new change.
///
/// A compute that is missing counts once it is attached again: one 404 proves nothing, and the attach may be retried.
fn changed_fields(previous: &AttachmentStatus, report: &Report<'_>) -> Vec<String> {
    let is_open = |known: &LastDriftStatus| known.activity_log.is_none() && known.fields == [COMPUTE];
    let is_attached_again = matches!(written_kind(report), Some((OperationKind::Attach, WriteResult::Accepted(_))))
        && report.observed.is_some_and(Observed::has_disappeared)
        && !previous.last_drift.as_ref().is_some_and(is_open);
    if is_attached_again {
        return vec![COMPUTE.to_owned()];
    }
    made_elsewhere(previous, report).iter().map(|drift| drift.field.to_string()).collect()
}

/// What the Activity Log shows, if it was read; none if it is to be read again.
fn answer(report: &Report<'_>) -> Option<ActivityLogStatus> {
    let unexplained = report.observed?.object.unexplained.as_ref()?;
    let nothing = |result| Some(ActivityLogStatus { result, caller: None, caller_name: None, changed_at: None });
    match unexplained.found.as_ref()? {
        Ok(Shown::Change(change)) => Some(ActivityLogStatus {
            result: ActivityLogResult::Found,
            caller: Some(change.caller.clone()),
            caller_name: change.name.clone(),
            changed_at: Some(stored(change.at)),
        }),
        Ok(Shown::NoEntry) => nothing(ActivityLogResult::NoEntry),
        Ok(Shown::Ambiguous) => nothing(ActivityLogResult::Ambiguous),
        Err(fault) if fault.kind.is_answer() || unexplained.is_given_up() => nothing(ActivityLogResult::NotReadable),
        Err(_) => None,
    }
}

/// A change, and what the Activity Log shows of it; none while the log was not read.
#[must_use]
pub fn explained(last: &LastDriftStatus) -> Option<String> {
    let what = match last.fields.as_slice() {
        [one] if one == COMPUTE => "compute detached".to_owned(),
        fields => format!("{} changed", fields.join(", ")),
    };
    let log = last.activity_log.as_ref()?;
    Some(match (log.result, &log.caller, &log.changed_at) {
        (ActivityLogResult::Found, Some(caller), Some(at)) => {
            let name = log.caller_name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
            let doubt = if last.in_sync_at.is_some() { "" } else { "; an earlier change is possible" };
            format!("{what} by {caller}{name} at {} (Activity Log{doubt})", at.0)
        }
        (ActivityLogResult::Ambiguous, ..) => {
            format!("{what}; the Activity Log has entries, and the operator cannot tell whether they are its own")
        }
        (ActivityLogResult::NotReadable, ..) => format!("{what}; the operator may not read the Activity Log, or had no answer"),
        _ => format!("{what}; the Activity Log has no entry of another caller"),
    })
}
