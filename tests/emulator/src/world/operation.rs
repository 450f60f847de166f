//! Asynchronous operations: attach and detach.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Compute, World, later, timestamp};
use crate::exchange::Refusal;
use crate::fault::Failure;
use crate::settings::Settings;

/// For how long an operation is kept after its end; then its URL no longer exists (INF).
pub(super) const OPERATION_MEMORY: Duration = Duration::from_hours(24);

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Attach,
    Detach,
}

/// Its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Running,
    Succeeded,
    Failed(Failure),
}

/// What `Azure-AsyncOperation` points at.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) verb: Verb,
    pub(crate) compute: String,
    pub(crate) progress: Progress,
    /// A test requested this result.
    doomed: Option<Failure>,
}

impl World {
    /// Ends the operations and advances the jobs that are due, in chronological order.
    pub(crate) fn settle(&mut self, now: Timestamp, settings: &Settings) {
        loop {
            let operation = self.due.first().map(|(due, _)| *due).filter(|due| *due <= now);
            let job = self.jobs_due.first().map(|(due, _)| *due).filter(|due| *due <= now);
            if operation.is_some_and(|due| job.is_none_or(|other| due <= other))
                && let Some((due, operation)) = self.due.pop_first()
            {
                self.end(due, operation, settings);
                self.ended.push_back((due, operation));
            } else if job.is_some()
                && let Some((due, job)) = self.jobs_due.pop_first()
            {
                self.advance(due, &job, settings);
            } else {
                break;
            }
        }
        self.stale.prune(now);
        self.deleted_identities.retain(|_, until| *until > now);
        let old = now.checked_sub(OPERATION_MEMORY).unwrap_or(Timestamp::MIN);
        while let Some((_, operation)) = self.ended.pop_front_if(|(due, _)| *due < old) {
            self.operations.remove(&operation);
        }
    }

    pub(super) fn begin(&mut self, due: Timestamp, verb: Verb, compute: String, doomed: Option<Failure>) -> Uuid {
        let operation = self.guid();
        if let Some(compute) = self.computes.get_mut(&compute) {
            compute.operation = Some(operation);
        }
        self.operations.insert(operation, Operation { verb, compute, progress: Progress::Running, doomed });
        self.due.insert((due, operation));
        operation
    }

    fn end(&mut self, due: Timestamp, id: Uuid, settings: &Settings) {
        let Some(operation) = self.operations.get_mut(&id) else {
            return;
        };
        let (verb, key, doomed) = (operation.verb, operation.compute.clone(), operation.doomed.take());
        let progress = match (doomed, self.computes.get(&key)) {
            (Some(failure), _) => Progress::Failed(failure),
            (None, Some(compute)) if verb == Verb::Attach => self.outcome(&compute.body, settings.unusable_pool),
            (None, _) => Progress::Succeeded,
        };
        if let Some(operation) = self.operations.get_mut(&id) {
            operation.progress = progress.clone();
        }
        // It may have been removed and replaced by another one meanwhile.
        if self.computes.get(&key).is_none_or(|compute| compute.operation != Some(id)) {
            return;
        }
        if (verb, &progress) == (Verb::Detach, &Progress::Succeeded) {
            self.forget_principal(due, settings, &key);
            self.computes.remove(&key);
            return;
        }
        let filled = self.computes.get(&key).and_then(|compute| self.filled(&compute.body));
        if let Some(compute) = self.computes.get_mut(&key) {
            compute.end(due, progress, filled);
        }
    }

    /// Starts a detach; none if there is nothing to detach.
    pub(crate) fn detach(
        &mut self,
        now: Timestamp,
        settings: &Settings,
        key: &str,
        doomed: Option<Failure>,
    ) -> Result<Option<Uuid>, Refusal> {
        let Some(compute) = self.computes.get(key) else {
            return Ok(None);
        };
        if compute.operation.is_some() {
            return Err(busy(&compute.body));
        }
        self.keep_for_stale_reads(now, settings, key);
        if let Some(compute) = self.computes.get_mut(key) {
            compute.body["properties"]["provisioningState"] = json!("Deleting");
        }
        Ok(Some(self.begin(later(now, settings.operation_duration), Verb::Detach, key.to_owned(), doomed)))
    }
}

impl Compute {
    /// Applies the result of an operation that has ended.
    fn end(&mut self, due: Timestamp, progress: Progress, filled: Option<Value>) {
        self.operation = None;
        if let Some(tags) = self.hidden_tags.take() {
            self.body["tags"] = tags;
        }
        let properties = &mut self.body["properties"];
        properties["modifiedOn"] = json!(timestamp(due));
        match progress {
            Progress::Failed(failure) => {
                // The compute stays, as Failed (REAL, of another type of compute).
                properties["provisioningState"] = json!(failure.status);
                properties["provisioningErrors"] = json!([{"error": failure.error()}]);
            }
            Progress::Succeeded | Progress::Running => {
                properties["provisioningState"] = json!("Succeeded");
                if let Some(filled) = filled {
                    properties["properties"] = filled;
                }
            }
        }
    }
}

/// 409 while an operation is running; the service's text is NF (INF from AML's other conflicts).
pub(super) fn busy(compute: &Value) -> Refusal {
    let name = compute["name"].as_str().unwrap_or_default();
    let state = compute["properties"]["provisioningState"].as_str().unwrap_or_default();
    Refusal::new(
        409,
        "Conflict",
        format!("The compute '{name}' is currently being processed by another command ({state}). Try again when it has ended."),
    )
}
