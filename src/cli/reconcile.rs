//! `reconcile NAME`: requests a reconcile at once, and waits for its result.

use std::time::Duration;

use clap::Args;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::json;

use super::kube::{Cluster, ClusterArgs, FIELD_MANAGER};
use super::output::{Output, print, printable, remark};
use super::plugin::Program;
use super::view::{State, View};
use crate::api::{FORCE_REQUESTED_AT, RECONCILE_REQUESTED_AT, Reason, SynapseSparkAttachment};

#[derive(Debug, Args)]
pub(super) struct Reconcile {
    /// The attachment.
    name: String,
    /// The maximum time to wait: 90s, 10m, 1h30m.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    timeout: Duration,
    /// Send the compute to Azure again, even if nothing differs from the spec. Every other check still applies, and an attachment
    /// is sent again at most once in five minutes.
    #[arg(long)]
    force: bool,
    /// Request the reconcile and do not wait.
    #[arg(long)]
    no_wait: bool,
    /// The output format of the result; progress is written to standard error.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// A running operator handles a request within this time.
const HANDLED_WITHIN: Duration = Duration::from_secs(10);

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Option<SignedDuration> = text.parse().ok();
    parsed.and_then(|parsed| Duration::try_from(parsed).ok()).ok_or_else(|| "write it like 90s, 10m or 1h30m".to_owned())
}

impl Reconcile {
    pub(super) async fn execute(self, program: Program) -> Result<u8, String> {
        let cluster = self.cluster.connect().await?;
        // To the nanosecond, so that the value is unique.
        let asked = Timestamp::now().to_string();
        let mut patch = json!({"metadata": {"annotations": {RECONCILE_REQUESTED_AT: asked}}});
        if self.force {
            patch["metadata"]["annotations"][FORCE_REQUESTED_AT] = json!(asked);
        }
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let object = cluster.attachments().patch(&self.name, &params, &Patch::Merge(&patch)).await;
        let object = object.map_err(|error| cluster.refused(&error, "patch", &self.name))?;
        let place = format!("{}/{}", cluster.namespace, self.name);
        if self.no_wait {
            return self
                .print(&format!("{place}: requested a reconcile\n"), &asked, Some(&View::of(&object, program)))
                .map(|()| 0);
        }
        let mut wait =
            Wait { asked: &asked, force: self.force, before: last_forced(&object).cloned(), last: String::new(), program };
        let ended = tokio::time::timeout(self.timeout, wait.until_answered(&cluster, &object)).await.map_err(|_| {
            let last = if wait.last.is_empty() { NOT_HANDLED } else { &wait.last };
            format!(
                "{place}: timed out after {:#}: {last}",
                SignedDuration::try_from(self.timeout).unwrap_or(SignedDuration::MAX)
            )
        })??;
        match ended {
            None => self.print(&format!("{place}: deleted\n"), &asked, None).map(|()| 0),
            Some(view) => {
                self.print(&view.summary(Timestamp::now()), &asked, Some(&view))?;
                Ok(if view.state == State::Ready { 0 } else { 2 })
            }
        }
    }

    fn print(&self, text: &str, asked: &str, view: Option<&View>) -> Result<(), String> {
        match self.output {
            Output::Text => print(text),
            Output::Json => print(&format!("{:#}\n", json!({"requestedAt": asked, "attachment": view}))),
        }
    }
}

const NOT_HANDLED: &str = "the operator has not taken up the request. To see whether it runs: kubectl get pods -A -l app.kubernetes.io/name=synapse-spark-operator";

const NOT_FORCED: &str = "the compute was not sent to Azure again: the attachment is suspended or stalled, or it was sent within the last five minutes (status.lastForcedAt)";

/// When a forced request last led to a write.
fn last_forced(object: &SynapseSparkAttachment) -> Option<&Time> {
    object.status.as_ref()?.last_forced_at.as_ref()
}

struct Wait<'a> {
    asked: &'a str,
    force: bool,
    /// When a forced request last led to a write, before this one.
    before: Option<Time>,
    /// The last progress that was printed.
    last: String,
    program: Program,
}

impl Wait<'_> {
    /// The attachment once the reconcile has a final result; none if it is gone.
    async fn until_answered(&mut self, cluster: &Cluster, before: &SynapseSparkAttachment) -> Result<Option<View>, String> {
        let name = before.name_any();
        let api = kube::Api::<SynapseSparkAttachment>::namespaced(cluster.watch.clone(), &cluster.namespace);
        let mut changes = std::pin::pin!(watcher::watch_object(api, &name).default_backoff());
        let mut time_limit = Some(HANDLED_WITHIN);
        loop {
            let next = match time_limit {
                Some(longest) => tokio::time::timeout(longest, changes.next()).await,
                None => Ok(changes.next().await),
            };
            match next {
                Err(_) => {
                    time_limit = None;
                    if self.last.is_empty() {
                        remark(NOT_HANDLED);
                    }
                }
                Ok(None) => return Err(format!("the watch of {name} has ended by itself")),
                Ok(Some(Err(error))) => self.watch_failed(cluster, error, &name)?,
                Ok(Some(Ok(object))) => {
                    let Some(object) = object.filter(|object| object.uid() == before.uid()) else { return Ok(None) };
                    if let Some(view) = self.answer(&object) {
                        return Ok(Some(view));
                    }
                }
            }
        }
    }

    /// The result of the request; none while it is in progress.
    fn answer(&mut self, object: &SynapseSparkAttachment) -> Option<View> {
        let handled = object.status.as_ref()?.last_handled_reconcile_at.as_deref()?;
        // Another request may have followed ours: then its reconcile answers both.
        let is_handled =
            handled == self.asked || object.annotations().get(RECONCILE_REQUESTED_AT).is_some_and(|now| now == handled);
        if !is_handled {
            return None;
        }
        let view = View::of(object, self.program);
        let reason = view.reason.as_deref().and_then(Reason::parse);
        // An earlier Ready is no result while Azure does not answer.
        let is_answered = !matches!(reason, Some(Reason::Throttled | Reason::AzureUnavailable));
        if is_answered && matches!(view.state, State::Ready | State::Stalled | State::Suspended) {
            if self.force && last_forced(object) == self.before.as_ref() {
                remark(NOT_FORCED);
            }
            return Some(view);
        }
        let now = format!("{}: {}", view.reason.as_deref().unwrap_or("no reason"), view.message);
        self.progress(now);
        None
    }

    fn progress(&mut self, now: String) {
        if self.last != now {
            remark(&printable(&now));
            self.last = now;
        }
    }

    /// A watch that breaks is restarted, unless watching is not allowed at all.
    fn watch_failed(&mut self, cluster: &Cluster, error: watcher::Error, name: &str) -> Result<(), String> {
        match error {
            watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) if matches!(&error, kube::Error::Api(status) if matches!(status.code, 401 | 403 | 404)) => {
                Err(format!(
                    "the reconcile is requested, but its result cannot be watched: {}",
                    cluster.refused(&error, "list and watch", name)
                ))
            }
            error => {
                self.progress(format!("the watch failed and is retried: {}", crate::error_chain::chain(&error)));
                Ok(())
            }
        }
    }
}
