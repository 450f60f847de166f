//! `status [NAME]`: the state of attachments, and what to do.

use std::io::IsTerminal;

use clap::Args;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use serde_json::json;

use super::kube::{Cluster, ClusterArgs};
use super::output::{Output, plain, print, printable, remark, table};
use super::plugin::Program;
use super::view::{EventView, State, View};
use crate::api::SynapseSparkAttachment;
use crate::planner::status::shortened;

#[derive(Debug, Args)]
pub(super) struct Status {
    /// The attachment. Default: a table of all attachments in the namespace.
    name: Option<String>,
    /// Show all attachments in all namespaces.
    #[arg(short = 'A', long, conflicts_with_all = ["name", "namespace"])]
    all_namespaces: bool,
    /// The output format.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
    #[command(flatten)]
    cluster: ClusterArgs,
}

impl Status {
    pub(super) async fn execute(self, program: Program) -> Result<u8, String> {
        let cluster = self.cluster.connect().await?;
        let (views, is_complete) = if let Some(name) = &self.name {
            let object = cluster.attachment(name).await?;
            let mut view = View::of(&object, program);
            view.events = events(&cluster, &object).await;
            (vec![view], true)
        } else {
            self.all(&cluster, program).await?
        };
        print(&match (self.output, &self.name) {
            (Output::Json, _) => format!("{:#}\n", json!({"attachments": views})),
            (Output::Text, Some(_)) => views.iter().map(|view| view.text(Timestamp::now())).collect(),
            (Output::Text, None) => self.rows(&views, &cluster),
        })?;
        let is_ready = is_complete && views.iter().all(|view| view.state == State::Ready);
        Ok(if is_ready { 0 } else { 2 })
    }

    /// All of them, and whether each could be read.
    async fn all(&self, cluster: &Cluster, program: Program) -> Result<(Vec<View>, bool), String> {
        let calls = cluster.calls.clone();
        // One that does not decode hides no other.
        let api: Api<DeserializeGuard<SynapseSparkAttachment>> =
            if self.all_namespaces { Api::all(calls) } else { Api::namespaced(calls, &cluster.namespace) };
        let listed = api.list(&ListParams::default()).await.map_err(|error| cluster.refused(&error, "list", ""))?;
        let (mut views, mut all_read) = (Vec::new(), true);
        for one in listed {
            match one.0 {
                Ok(object) => views.push(View::of(&object, program)),
                Err(invalid) => {
                    all_read = false;
                    let (namespace, name) =
                        (invalid.metadata.namespace.unwrap_or_default(), invalid.metadata.name.unwrap_or_default());
                    remark(&printable(&format!("warning: {namespace}/{name} cannot be read by this version: {}", invalid.error)));
                }
            }
        }
        Ok((views, all_read))
    }

    fn rows(&self, views: &[View], cluster: &Cluster) -> String {
        if views.is_empty() {
            let place = if self.all_namespaces { "any namespace".to_owned() } else { format!("namespace {}", cluster.namespace) };
            remark(&format!("No SynapseSparkAttachment in {place}."));
            return String::new();
        }
        let now = Timestamp::now();
        let widest = if std::io::stdout().is_terminal() { WIDEST } else { usize::MAX };
        let rows: Vec<_> = views
            .iter()
            .map(|view| {
                let mut row = vec![
                    plain(&view.name),
                    (view.style(), format!("{:?}", view.state)),
                    plain(view.reason.as_deref().unwrap_or("-")),
                    plain(&view.since(now)),
                    plain(&view.pool()),
                    plain(&shortened(&view.message, widest)),
                ];
                if self.all_namespaces {
                    row.insert(0, plain(&view.namespace));
                }
                row
            })
            .collect();
        let head = ["NAMESPACE", "NAME", "STATE", "REASON", "SINCE", "POOL", "WHY"];
        table(&head[usize::from(!self.all_namespaces)..], &rows)
    }
}

/// On a terminal a row has the beginning of the message; `status NAME` and a pipe have all of it.
const WIDEST: usize = 80;

/// The events of an object, the newest last; none if they may not be read.
async fn events(cluster: &Cluster, object: &SynapseSparkAttachment) -> Option<Vec<EventView>> {
    let of_it = ListParams::default().fields(&format!("involvedObject.uid={}", object.uid().unwrap_or_default()));
    let listed = Api::<Event>::namespaced(cluster.calls.clone(), &cluster.namespace).list(&of_it).await.ok()?;
    let mut events: Vec<_> = listed.into_iter().map(EventView::of).collect();
    events.sort_by_key(|event| event.last_seen);
    Some(events)
}
