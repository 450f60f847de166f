//! An event of an attachment.

use anstyle::Style;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use serde::Serialize;

use super::super::output::{UNDECIDED, age, plain};
use crate::planner::status::time::elapsed;

/// An event.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct EventView {
    pub(in crate::cli) last_seen: Option<Timestamp>,
    #[serde(rename = "type")]
    pub(in crate::cli) kind: String,
    pub(in crate::cli) reason: String,
    pub(in crate::cli) message: String,
    /// Azure's `x-ms-correlation-request-id`, which its support asks for.
    pub(in crate::cli) correlation_id: Option<String>,
}

impl EventView {
    /// The cells of a table: when it was seen last, type, reason, message.
    pub(in crate::cli) fn cells(&self, now: Timestamp) -> Vec<(Style, String)> {
        let seen = self.last_seen.and_then(|seen| elapsed(seen, now)).map(age).unwrap_or_default();
        let style = if self.kind == "Warning" { UNDECIDED } else { Style::new() };
        let id = self.correlation_id.as_ref().map(|id| format!(" (correlation ID {id})")).unwrap_or_default();
        vec![plain(&seen), (style, self.kind.clone()), plain(&self.reason), plain(&format!("{}{id}", self.message))]
    }

    pub(in crate::cli) fn of(event: Event) -> Self {
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
