//! `events NAME`: the events of an attachment, the newest last.

use std::time::Duration;

use clap::Args;
use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, ListParams};
use kube::runtime::watcher::Event as WatchEvent;
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::json;

use super::duration::duration;
use super::interrupt::until_interrupted;
use super::kube::{Cluster, ClusterArgs, Resource};
use super::output::{Output, Table, print, printable, remark};
use super::view::EventView;
use crate::error_chain::chain;

#[derive(Debug, Args)]
pub(super) struct Events {
    /// The attachment. It may be deleted already: Kubernetes keeps events for an hour by default.
    name: String,
    /// Print the events, and then each new one, until Ctrl-C or --timeout. With -o json each line is an event.
    #[arg(short, long)]
    watch: bool,
    /// The maximum time to watch: 90s, 10m, 1h30m. Default: no limit.
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "watch")]
    timeout: Option<Duration>,
    /// The output format.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
    #[command(flatten)]
    cluster: ClusterArgs,
}

const EVENTS: Resource = Resource { plural: "events", kind: "Event" };

impl Events {
    pub(super) async fn execute(self) -> Result<u8, String> {
        let cluster = self.cluster.connect().await?;
        let fields = fields_of(&self.name);
        let mut table = Table::new(&["LAST SEEN", "TYPE", "REASON", "MESSAGE"]);
        if self.watch {
            let follow = follow(&cluster, &fields, |events, is_first| self.print(&mut table, events, is_first));
            return until_interrupted(self.timeout, follow).await.map(|()| 0);
        }
        let listed = Api::<Event>::namespaced(cluster.calls.clone(), &cluster.namespace)
            .list(&ListParams::default().fields(&fields))
            .await
            .map_err(|error| cluster.refused_for(EVENTS, &error, "list", ""))?;
        let events = sorted(listed.into_iter());
        match self.output {
            Output::Json => print(&format!("{:#}\n", json!({"events": events})))?,
            Output::Text if events.is_empty() => {
                remark(&format!(
                    "No events of {}/{}. Kubernetes keeps events for an hour by default.",
                    cluster.namespace, self.name
                ));
            }
            Output::Text => self.print(&mut table, &events, true)?,
        }
        Ok(0)
    }

    fn print(&self, table: &mut Table, events: &[EventView], is_first: bool) -> Result<(), String> {
        let now = Timestamp::now();
        match self.output {
            Output::Json => events.iter().try_for_each(|event| print(&format!("{}\n", json!(event)))),
            Output::Text => {
                let rows: Vec<_> = events.iter().map(|event| event.cells(now)).collect();
                print(&if is_first { table.with_head(&rows) } else { table.rows(&rows) })
            }
        }
    }
}

/// Selects the events of an attachment by its name, also when it is deleted.
pub(super) fn fields_of(name: &str) -> String {
    format!("involvedObject.kind=SynapseSparkAttachment,involvedObject.name={name}")
}

/// Reports the events that exist, and then each that is new or repeated.
///
/// # Errors
///
/// Why there is no watch, with advice; else what `report` gives.
pub(super) async fn follow(
    cluster: &Cluster,
    fields: &str,
    mut report: impl FnMut(&[EventView], bool) -> Result<(), String>,
) -> Result<(), String> {
    let api = Api::<Event>::namespaced(cluster.watch.clone(), &cluster.namespace);
    let mut changes = std::pin::pin!(watcher(api, watcher::Config::default().fields(fields)).default_backoff());
    let (mut listed, mut is_first, mut newest) = (Vec::new(), true, None);
    while let Some(change) = changes.next().await {
        match change {
            Ok(WatchEvent::Init) => listed.clear(),
            Ok(WatchEvent::InitApply(event)) => listed.push(event),
            Ok(WatchEvent::InitDone) => {
                // After an interruption, only what is newer than what was printed.
                let mut events = sorted(listed.drain(..));
                events.retain(|event| newest.is_none() || event.last_seen > newest);
                newest = events.last().and_then(|event| event.last_seen).max(newest);
                report(&events, is_first)?;
                is_first = false;
            }
            Ok(WatchEvent::Apply(event)) => {
                let event = EventView::of(event);
                newest = event.last_seen.max(newest);
                report(&[event], false)?;
            }
            Ok(WatchEvent::Delete(_)) => {}
            Err(watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error)) if matches!(&error, kube::Error::Api(status) if matches!(status.code, 401 | 403)) =>
            {
                return Err(cluster.refused_for(EVENTS, &error, "list and watch", ""));
            }
            Err(error) => remark(&printable(&format!("the watch failed and is retried: {}", chain(&error)))),
        }
    }
    Err("the watch ended unexpectedly".to_owned())
}

/// The events of an object, the newest last; none if they may not be read.
pub(super) async fn of(cluster: &Cluster, uid: &str) -> Option<Vec<EventView>> {
    let of_it = ListParams::default().fields(&format!("involvedObject.uid={uid}"));
    let listed = Api::<Event>::namespaced(cluster.calls.clone(), &cluster.namespace).list(&of_it).await.ok()?;
    Some(sorted(listed.into_iter()))
}

fn sorted(events: impl Iterator<Item = Event>) -> Vec<EventView> {
    let mut events: Vec<_> = events.map(EventView::of).collect();
    events.sort_by_key(|event| event.last_seen);
    events
}
