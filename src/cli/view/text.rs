//! The view as text.

use jiff::Timestamp;
use serde_json::json;

use super::super::output::{Lines, age, change, printable, styled};
use super::event::EventView;
use super::model::{JobChecks, Operation, State, View};
use crate::api::v1alpha1::{Identity, PoolStatus, RoleScope};
use crate::planner::status::jobs_ready::JOBS_READY;
use crate::planner::status::last_drift::explained;
use crate::planner::status::shortened;
use crate::planner::status::time::elapsed;

/// The last ones: `-o json` has all of them.
const SHOWN_EVENTS: usize = 5;
/// The length of an event's text; the full text is above or in `-o json`.
const SHOWN_LETTERS: usize = 160;

impl View {
    /// The state, the cause, and what to do.
    pub(in crate::cli) fn summary(&self, now: Timestamp) -> String {
        let since = self.since(now);
        let state = styled(self.style(), &format!("{:?}", self.state));
        let reason = self.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let for_so_long = if since.is_empty() { String::new() } else { format!(", for {since}") };
        let ago = |time: Timestamp| age(elapsed(time, now).unwrap_or_default());
        let mut lines = Lines::default();
        lines.row("why", &self.message);
        // It has been failing for longer than it has been in this state.
        if let Some(failing) = self.failure.as_ref().map(|failure| ago(failure.since.0)).filter(|failing| *failing != since) {
            lines.row("why", &format!("Failing for {failing}."));
        }
        if let Some(deleted) = &self.deletion_timestamp {
            lines.row("why", &format!("Deleted {} ago; waiting for finalizers.", ago(deleted.0)));
        }
        match (self.advice.as_str(), self.state) {
            ("", State::Reconciling) => lines.row("do", "Nothing: the operator continues by itself."),
            ("", _) => lines.row("do", "Nothing."),
            (advice, _) => lines.row("do", advice),
        }
        if let Some(command) = &self.command {
            lines.row("do", command);
        }
        format!("{}/{}  {state}{reason}{for_so_long}\n{}", self.namespace, self.name, lines.finish())
    }

    /// The state and the cause on one line.
    pub(in crate::cli) fn line(&self) -> String {
        let state = styled(self.style(), &format!("{:?}", self.state));
        let reason = self.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("{}/{}  {state}{reason}: {}\n", self.namespace, self.name, printable(&self.message))
    }

    /// All details.
    pub(in crate::cli) fn text(&self, now: Timestamp) -> String {
        let ago = |time: Timestamp| age(elapsed(time, now).unwrap_or_default());
        let mut lines = Lines::default();
        self.wanted(&mut lines);
        self.found(&mut lines);
        for one in &self.drift {
            lines.row("drift", &change(&one.field, &one.have, &one.want));
        }
        if let Some(who) = self.last_drift.as_ref().and_then(explained) {
            lines.row("drift", &who);
        }
        if let Some(Operation { kind, id, started_at, .. }) = &self.operation {
            let id = id.as_ref().map_or_else(|| "without an operation ID".to_owned(), |id| format!("ID {id}"));
            lines.row("operation", &format!("{kind:?}, requested {} ago, {id}", ago(started_at.0)));
        }
        if let Some(outputs) = &self.outputs {
            lines.row("outputs", &format!("ConfigMap {}", outputs.config_map_name));
        }
        self.jobs(&mut lines);
        self.job_checks(&mut lines);
        match &self.events {
            None => lines.row("events", "(no permission to list events)"),
            Some(events) => {
                for EventView { last_seen, kind, reason, message, correlation_id } in events.iter().rev().take(SHOWN_EVENTS).rev()
                {
                    let ago = last_seen.map(ago).unwrap_or_default();
                    lines.row("events", &format!("{ago:<5} {kind} {reason}: {}", shortened(message, SHOWN_LETTERS)));
                    if let Some(id) = correlation_id {
                        lines.row("events", &format!("      correlation ID {id}"));
                    }
                }
            }
        }
        format!("{}{}", self.summary(now), lines.finish())
    }

    /// The jobs that a detach waits for, as they were when the operator last read them.
    fn jobs(&self, lines: &mut Lines) {
        let Some(wait) = self.waiting_for_jobs.as_ref().filter(|wait| wait.count > 0) else { return };
        for job in &wait.jobs {
            lines.row("jobs", &format!("{} ({})", job.name, job.status));
        }
        let more = usize::try_from(wait.count).unwrap_or(usize::MAX).saturating_sub(wait.jobs.len());
        if more > 0 {
            lines.row("jobs", &format!("and {more} more"));
        }
        lines.row("jobs", &format!("detached without them at {}", wait.until.0));
    }

    /// What the operator's checks show, and how to make all of them.
    fn job_checks(&self, lines: &mut Lines) {
        let Some(JobChecks { message, command, .. }) = &self.job_checks else { return };
        lines.row("checks", message);
        lines.row("checks", &format!("Each of them, with your own identity: {command}"));
    }

    fn wanted(&self, lines: &mut Lines) {
        let spec = &self.wanted;
        let (workspace, compute) = (&spec.workspace, spec.compute_name.as_ref().unwrap_or(&self.name));
        let place = if workspace.is_unset() {
            "the default workspace of the namespace".to_owned()
        } else {
            format!(
                "workspace {} (resource group {}, subscription {})",
                workspace.name, workspace.resource_group, workspace.subscription_id
            )
        };
        lines.row("wanted", &format!("compute {compute} in {place}"));
        let pool = match (&spec.resource_id, &spec.linked_service) {
            (None, Some(link)) => format!("pool {} of linked service {}", link.pool_name, link.name),
            (pool, _) => format!("pool {}", pool.as_deref().unwrap_or_default()),
        };
        lines.row("wanted", &pool);
        if let Some(Identity { kind, user_assigned_identities }) = &spec.identity {
            lines.row("wanted", &format!("identity {}", json!(kind).as_str().unwrap_or_default()));
            for one in user_assigned_identities {
                lines.row("wanted", &format!("identity {}", one.resource_id));
            }
        }
        if let Some(role) = &spec.synapse_role {
            let scope = if role.scope == RoleScope::Workspace { "the Synapse workspace" } else { "the pool" };
            lines.row("wanted", &format!("role {} on {scope}", role.name));
        }
        for (name, value) in &spec.tags {
            lines.row("wanted", &format!("tag {name}={value}"));
        }
        if let Some(description) = &spec.description {
            lines.row("wanted", &format!("description {description}"));
        }
    }

    fn found(&self, lines: &mut Lines) {
        let found = &self.found;
        let Some(state) = &found.provisioning_state else { return lines.row("found", "no compute") };
        lines.row("found", &format!("compute {}", found.compute_id.as_deref().unwrap_or_default()));
        let part = |before: &str, value: &Option<String>| value.as_ref().map(|value| format!(", {before}{value}"));
        let parts = [part("in ", &found.location), part("changed ", &found.modified_on)];
        lines.row("found", &format!("state {state}{}", parts.into_iter().flatten().collect::<String>()));
        if let Some(PoolStatus { name, workspace_name, spark_version, node_size, node_count, .. }) = &found.pool {
            let nodes = node_count.map(|nodes| format!(", {nodes} nodes"));
            let parts = [part("workspace ", workspace_name), part("Spark ", spark_version), part("nodes ", node_size), nodes];
            lines.row("found", &format!("pool {name}{}", parts.into_iter().flatten().collect::<String>()));
        }
        if let Some(identity) = &found.identity {
            let row = |who: &str, principal: &Option<String>| {
                format!("identity {who}{}", part("principal ", principal).unwrap_or_default())
            };
            lines.row("found", &row(&identity.kind, &identity.principal_id));
            for one in &identity.user_assigned {
                lines.row("found", &row(&one.resource_id, &one.principal_id));
            }
        }
        for one in found.conditions.iter().filter(|one| one.type_ != JOBS_READY) {
            let message = shortened(&one.message, SHOWN_LETTERS);
            lines.row("found", &format!("{} {} {}: {message}", one.type_, one.status, one.reason));
        }
        for error in found.provisioning_errors.iter().filter(|error| !self.message.contains(&error.message)) {
            lines.row("found", &format!("error {}: {}", error.code, error.message));
        }
    }
}
