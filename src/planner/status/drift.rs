//! What differs from the spec, the writes that corrected it, and the condition `InSync`.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::Reason;
use crate::api::v1alpha1::{AttachmentStatus, CorrectionStatus, DriftStatus, OperationKind};
use crate::planner::backoff::CORRECTIONS_COUNT_FOR;
use crate::planner::correction::Correction;
use crate::planner::drift::Drift;
use crate::planner::finding::Finding;
use crate::planner::status::conditions::transition;
use crate::planner::status::message::shortened;
use crate::planner::status::record::written_kind;
use crate::planner::status::report::Report;
use crate::planner::status::shown::condition;
use crate::planner::status::time::{elapsed, not_after, stored};
use crate::planner::write::WriteResult;

/// The type of the condition: it is present only while it is false.
const IN_SYNC: &str = "InSync";
/// Values in the message are shortened to this.
const MAX_VALUE: usize = 120;

/// The corrections of a status, as they count now.
#[must_use]
pub fn corrections_of(status: &AttachmentStatus, now: Timestamp) -> Vec<Correction> {
    let of = |one: &CorrectionStatus| Correction {
        field: one.field.clone(),
        want: one.want.clone(),
        writes: one.writes,
        age: elapsed(one.last_write_at.0, now),
    };
    status.corrections.iter().map(of).collect()
}

/// The current differences, or the previous ones while Azure gives no answer.
pub(super) fn drift(previous: &AttachmentStatus, report: &Report<'_>, corrections: &[CorrectionStatus]) -> Vec<DriftStatus> {
    if matches!(report.observed.map(|seen| &seen.compute), Some(Finding::Unknown(_))) {
        return previous.drift.clone();
    }
    let shown = report.shown_drift();
    let of = |one: &Drift| {
        let mut now = DriftStatus::from(one);
        let is_same = |other: &&DriftStatus| other.field == now.field && other.want == now.want;
        let since = previous.drift.iter().find(is_same).and_then(|before| before.since.clone());
        now.since = Some(since.map_or_else(|| stored(report.now), |since| not_after(&since, report.now)));
        now.writes = corrections.iter().find(|one| one.field == now.field && one.want == now.want).map_or(0, |one| one.writes);
        now
    };
    shown.iter().map(of).collect()
}

/// The writes of the last day that corrected tags or the description: those of before, and the one that was just sent.
///
/// Only a write that Azure accepted counts: another one may not have reached it.
pub(super) fn corrections(previous: &AttachmentStatus, report: &Report<'_>) -> Vec<CorrectionStatus> {
    let is_recent =
        |one: &&CorrectionStatus| elapsed(one.last_write_at.0, report.now).is_none_or(|ago| ago < CORRECTIONS_COUNT_FOR);
    let stamped =
        |one: &CorrectionStatus| CorrectionStatus { last_write_at: not_after(&one.last_write_at, report.now), ..one.clone() };
    let mut all: Vec<_> = previous.corrections.iter().filter(is_recent).map(stamped).collect();
    if !matches!(written_kind(report), Some((OperationKind::Update, WriteResult::Accepted(_)))) {
        return all;
    }
    for drift in report.shown_drift().iter().filter(|drift| drift.can_wait()) {
        let field = drift.field.to_string();
        match all.iter_mut().find(|one| one.field == field) {
            Some(known) if known.want == drift.want => {
                known.writes = known.writes.saturating_add(1);
                known.last_write_at = stored(report.now);
            }
            known => {
                let new = CorrectionStatus { field, want: drift.want.clone(), writes: 1, last_write_at: stored(report.now) };
                match known {
                    Some(known) => *known = new,
                    None => all.push(new),
                }
            }
        }
    }
    all
}

/// The condition, while the compute counts as in sync although a tag or the description differs.
pub(super) fn out_of_sync(previous: &AttachmentStatus, report: &Report<'_>, shown: &[DriftStatus]) -> Option<Condition> {
    let is_answered = report.observed.is_some_and(|seen| seen.compute.present().is_some());
    if !is_answered {
        return condition(previous, IN_SYNC).cloned();
    }
    if !report.decision.cause.is_in_sync() || shown.is_empty() {
        return None;
    }
    let text = |value: &str| if value.is_empty() { "(nothing)".to_owned() } else { format!("{:?}", shortened(value, MAX_VALUE)) };
    let of = |one: &DriftStatus| {
        let writes = if one.writes == 1 { "1 write".to_owned() } else { format!("{} writes", one.writes) };
        format!("{} is {} in Azure and {} in the spec, after {writes}", one.field, text(&one.have), text(&one.want))
    };
    let differences = shown.iter().map(of).collect::<Vec<_>>().join("; ");
    let message = format!("{differences}{}. {}", last_changed(report), Reason::DriftPersists.advice());
    Some(transition(previous, report, IN_SYNC, ("False", Reason::DriftPersists.as_str(), &shortened(&message, 1024))))
}

/// Who changed the compute last, as far as Azure shows it.
fn last_changed(report: &Report<'_>) -> String {
    let compute = report.observed.and_then(|seen| seen.compute.present());
    let details = compute.map(|compute| &compute.details);
    let by = details.and_then(|details| details.modified_by.as_ref());
    by.map(|by| format!("; Azure shows that {by} changed the compute last")).unwrap_or_default()
}
