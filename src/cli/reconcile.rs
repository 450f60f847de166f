//! `reconcile NAME…`: requests reconciles at once, and waits for their results.

mod wait;

use std::time::Duration;

use clap::{ArgGroup, Args};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::duration::duration;
use super::kube::{Cluster, ClusterArgs, FIELD_MANAGER};
use super::output::{Output, print, printable, remark};
use super::plugin::Program;
use super::selection::{ObjectKey, Selection};
use super::view::{State, View};
use crate::api::{FORCE_REQUESTED_AT, RECONCILE_REQUESTED_AT, SynapseSparkAttachment};
use wait::{Ended, Requested, Wait, watch};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["name", "all", "selector"])))]
pub(super) struct Reconcile {
    #[command(flatten)]
    selection: Selection,
    /// The maximum time to wait for all of them: 90s, 10m, 1h30m.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    timeout: Duration,
    /// Send the computes to Azure again, even if nothing differs from the spec. Every other check still applies, and an attachment
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

/// The number of concurrent requests to Kubernetes.
const AT_ONCE: usize = 8;

/// What became of one attachment.
struct Outcome {
    key: ObjectKey,
    /// The attachment with its result; none if it was deleted. An error is why there is no result.
    result: Result<Option<View>, String>,
    /// Whether its compute was to be sent to Azure again, and was not.
    is_unsent: bool,
}

impl Outcome {
    fn of(key: ObjectKey, result: Result<Option<View>, String>) -> Self {
        Self { key, result, is_unsent: false }
    }
}

impl Reconcile {
    pub(super) async fn execute(self, program: Program) -> Result<u8, String> {
        let cluster = self.cluster.connect().await?;
        let keys = self.selection.keys(&cluster).await?;
        if keys.is_empty() {
            remark(&format!("No SynapseSparkAttachment in {}.", self.selection.place(&cluster)));
        }
        // To the nanosecond, so that the value is unique.
        let requested_at = Timestamp::now().to_string();
        let answers: Vec<_> =
            stream::iter(keys).map(|key| self.request(&cluster, key, &requested_at)).buffered(AT_ONCE).collect().await;
        let (mut outcomes, mut requested) = (Vec::new(), Vec::new());
        for (key, answer) in answers {
            match answer {
                Err(why) => outcomes.push(self.report(Outcome::of(key, Err(why)))?),
                Ok(object) if self.no_wait => {
                    self.print_text(&format!("{key}: requested a reconcile\n"))?;
                    outcomes.push(Outcome::of(key, Ok(Some(View::of(&object, program)))));
                }
                Ok(object) => requested.push(Requested::new(key, &object)),
            }
        }
        if !requested.is_empty() {
            let mut wait = Wait::new((&requested_at, self.force), program, requested, self.selection.single().is_some());
            let mut watch = watch(&cluster, &self.selection);
            let ended = tokio::time::timeout(self.timeout, async {
                while let Some(Ended { key, view, is_unsent }) = wait.next(&mut watch).await? {
                    outcomes.push(self.report(Outcome { key, result: Ok(view), is_unsent })?);
                }
                Ok::<_, String>(())
            });
            let (why_not, is_watched) = match ended.await {
                Ok(Ok(())) => (String::new(), true),
                Ok(Err(error)) => (error, false),
                Err(_) => (format!("timed out after {}", super::duration::shown(self.timeout)), true),
            };
            for (key, last) in wait.left() {
                let last = if is_watched { format!(": {last}") } else { String::new() };
                let why = format!("{key}: {why_not}{last}");
                outcomes.push(self.report(Outcome::of(key, Err(why)))?);
            }
        }
        if self.output == Output::Json {
            print(&format!("{:#}\n", self.json(&outcomes, &requested_at)))?;
        }
        self.exit_code(outcomes)
    }

    /// Requests the reconcile of one attachment. Gives the attachment with the request.
    async fn request(
        &self,
        cluster: &Cluster,
        key: ObjectKey,
        requested_at: &str,
    ) -> (ObjectKey, Result<SynapseSparkAttachment, String>) {
        let mut patch = json!({"metadata": {"annotations": {RECONCILE_REQUESTED_AT: requested_at}}});
        if self.force {
            patch["metadata"]["annotations"][FORCE_REQUESTED_AT] = json!(requested_at);
        }
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let cluster = cluster.of(&key.namespace);
        let answer = cluster.attachments().patch(&key.name, &params, &Patch::Merge(&patch)).await;
        let answer = answer.map_err(|error| cluster.refused(&error, "patch", &key.name));
        (key, answer)
    }

    /// Prints what became of an attachment, as soon as it is known: in full for a single one, else a line.
    fn report(&self, outcome: Outcome) -> Result<Outcome, String> {
        let key = &outcome.key;
        match &outcome.result {
            // A single error is what the program ends with.
            Err(why) if self.selection.single().is_none() => remark(&printable(&format!("error: {why}"))),
            Err(_) => {}
            Ok(None) => self.print_text(&format!("{key}: deleted\n"))?,
            Ok(Some(view)) if self.selection.single().is_some() => self.print_text(&view.summary(Timestamp::now()))?,
            Ok(Some(view)) => self.print_text(&view.line())?,
        }
        Ok(outcome)
    }

    fn print_text(&self, text: &str) -> Result<(), String> {
        if self.output == Output::Text { print(text) } else { Ok(()) }
    }

    /// The result of a single attachment, or a list of them.
    fn json(&self, outcomes: &[Outcome], requested_at: &str) -> Value {
        let one = |outcome: &Outcome| match &outcome.result {
            Ok(view) => json!({"requestedAt": requested_at, "attachment": view}),
            Err(why) => {
                let ObjectKey { namespace, name } = &outcome.key;
                json!({"namespace": namespace, "name": name, "error": why})
            }
        };
        match (self.selection.single(), outcomes) {
            (Some(_), [outcome]) => one(outcome),
            _ => json!({"results": outcomes.iter().map(one).collect::<Vec<_>>()}),
        }
    }

    /// The worst of all: 1 is worse than 2, and 2 is worse than 0.
    fn exit_code(&self, mut outcomes: Vec<Outcome>) -> Result<u8, String> {
        if self.selection.single().is_some()
            && let Some(Outcome { result: Err(why), .. }) = outcomes.pop_if(|outcome| outcome.result.is_err())
        {
            return Err(why);
        }
        let is_out_of_sync =
            |outcome: &Outcome| matches!(&outcome.result, Ok(Some(view)) if view.state != State::Ready && !self.no_wait);
        Ok(match () {
            () if outcomes.iter().any(|outcome| outcome.result.is_err()) => 1,
            () if outcomes.iter().any(|outcome| outcome.is_unsent || is_out_of_sync(outcome)) => 2,
            () => 0,
        })
    }
}
