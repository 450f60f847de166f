//! Asks Azure's Activity Log who changed a compute, once the change is corrected.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::SynapseSparkAttachment;
use crate::azure::{self, wire};
use crate::controller::observe::fault;
use crate::planner::activity_log::{Entry, Progress, Question, last_change};
use crate::planner::backoff::ACTIVITY_LOG_DELAY;
use crate::planner::status::shortened;
use crate::planner::status::time::elapsed;
use crate::planner::unexplained::{Change, Unexplained};
use crate::planner::{Fault, FaultKind, Finding};
use crate::service_error::ServiceError;

/// The longest wait for the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A GUID has 36 characters, and a user principal name 113 at most. Longer texts are shortened.
const MAX_CALLER: usize = 128;

/// The settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivityLog {
    /// How long after a change the log is read; none: never.
    pub delay: Option<Duration>,
    /// Whether the names of users are shown.
    pub names: bool,
}

impl Default for ActivityLog {
    fn default() -> Self {
        Self { delay: Some(ACTIVITY_LOG_DELAY), names: false }
    }
}

/// The last change of an object, if the log is still to be read for it.
pub(super) fn unexplained(object: &SynapseSparkAttachment, settings: ActivityLog, now: Timestamp) -> Option<Unexplained> {
    let last = object.status.as_ref()?.last_drift.as_ref().filter(|last| last.activity_log.is_none())?;
    let observed_at = last.observed_at.0;
    Some(Unexplained { observed_at, age: elapsed(observed_at, now), delay: settings.delay?, found: None })
}

/// Who changed the compute. Nothing else depends on it, so that the wait for the answer is short.
pub(super) async fn find(azure: &azure::Client, question: Question, names: bool) -> Finding<Change> {
    tokio::time::timeout(PATIENCE, read(azure, question, names))
        .await
        .unwrap_or_else(|_| Finding::Unknown(Fault { kind: FaultKind::Unavailable(None), error: ServiceError::default() }))
}

async fn read(azure: &azure::Client, question: Question, names: bool) -> Finding<Change> {
    let Question { compute, from, to } = question;
    match azure.activity(&compute, from, to).await {
        Ok(activity) => {
            let entries: Vec<_> = activity.entries.iter().filter_map(|one| entry(one, names)).collect();
            // Without an ID of its own the operator cannot tell its own requests from those of others.
            let found = activity.own.and_then(|own| last_change(&entries, &own));
            found.map_or(Finding::Absent, Finding::Present)
        }
        Err(error) => Finding::Unknown(fault(error)),
    }
}

/// An entry, in the planner's terms; none if it has no time.
fn entry(one: &wire::ActivityEntry, names: bool) -> Option<Entry> {
    let text = |text: &str| shortened(text, MAX_CALLER);
    Some(Entry {
        at: one.event_timestamp.parse().ok()?,
        request: one.correlation_id.clone(),
        caller: one.caller().map(text),
        name: one.caller_name().filter(|_| names).map(text),
        outcome: match one.status.value.as_str() {
            "Succeeded" | "Accepted" => Progress::Accepted,
            "Failed" => Progress::Failed,
            _ => Progress::Started,
        },
    })
}
