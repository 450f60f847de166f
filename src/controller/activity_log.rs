//! Asks Azure's Activity Log who changed a compute, once the change is corrected.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::SynapseSparkAttachment;
use crate::azure::{self, Activity, wire};
use crate::controller::observe::fault;
use crate::planner::activity_log::{Entry, Progress, Question, last_change};
use crate::planner::backoff::ACTIVITY_LOG_DELAY;
use crate::planner::status::last_drift::COMPUTE;
use crate::planner::status::shortened;
use crate::planner::status::time::elapsed;
use crate::planner::unexplained::{Shown, Unexplained};
use crate::planner::{Fault, FaultKind};
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
    Some(Unexplained {
        observed_at,
        in_sync_at: last.in_sync_at.as_ref().map(|at| at.0),
        is_detach: last.fields == [COMPUTE],
        age: elapsed(observed_at, now),
        delay: settings.delay?,
        found: None,
    })
}

/// Who changed the compute. Nothing else depends on it, so that the wait for the answer is short.
pub(super) async fn find(azure: &azure::Client, question: Question, names: bool) -> Result<Shown, Box<Fault>> {
    tokio::time::timeout(PATIENCE, read(azure, question, names))
        .await
        .unwrap_or_else(|_| Err(Box::new(Fault { kind: FaultKind::Unavailable(None), error: ServiceError::default() })))
}

async fn read(azure: &azure::Client, question: Question, names: bool) -> Result<Shown, Box<Fault>> {
    let Question { compute, from, to, is_detach } = question;
    let activity = azure.activity(&compute, from, to).await.map_err(|error| Box::new(fault(error)))?;
    let entries = activity.entries.iter().filter_map(|one| entry(&activity, one, names));
    let entries: Vec<_> = entries.filter(|one| one.is_detach || !is_detach).collect();
    Ok(last_change(&entries, activity.own.as_deref()))
}

/// An entry, in the planner's terms; none if it has no time.
fn entry(activity: &Activity, one: &wire::ActivityEntry, names: bool) -> Option<Entry> {
    let text = |text: &str| shortened(text, MAX_CALLER);
    Some(Entry {
        at: one.event_timestamp.parse().ok()?,
        request: one.correlation_id.clone(),
        caller: one.caller().map(text),
        name: one.caller_name().filter(|_| names).map(text),
        is_marked: activity.has_mark(one),
        is_detach: azure::detaches(one),
        outcome: match one.status.value.as_str() {
            "Succeeded" | "Accepted" => Progress::Accepted,
            "Failed" => Progress::Failed,
            _ => Progress::Started,
        },
    })
}
