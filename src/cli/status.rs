//! `status [NAME…]`: the state of attachments, and what to do.

mod rows;
mod watch;

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::json;

use super::duration::duration;
use super::events;
use super::kube::ClusterArgs;
use super::output::{Output, print, remark};
use super::plugin::Program;
use super::selection::Selection;
use super::view::{State, View};
use rows::Rows;

#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    selection: Selection,
    /// Print the table, and then a line for each attachment that changes, until Ctrl-C or --timeout. With -o json each line is
    /// an object.
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

impl Status {
    pub(super) async fn execute(self, program: Program) -> Result<u8, String> {
        let cluster = self.cluster.connect().await?;
        if self.watch {
            return watch::follow(&cluster, &self.selection, self.output, self.timeout, program).await;
        }
        let selected = self.selection.read(&cluster).await?;
        for line in &selected.undecodable {
            remark(&format!("warning: {line}"));
        }
        let mut views: Vec<_> = selected.objects.iter().map(|object| View::of(object, program)).collect();
        let is_single = self.selection.single().is_some();
        if let (true, [view], [object]) = (is_single, &mut views[..], &selected.objects[..]) {
            view.events = events::of(&cluster, &object.uid().unwrap_or_default()).await;
        }
        let now = Timestamp::now();
        match self.output {
            Output::Json => print(&format!("{:#}\n", json!({"attachments": views})))?,
            Output::Text if is_single => print(&views.iter().map(|view| view.text(now)).collect::<String>())?,
            Output::Text if !views.is_empty() => print(&Rows::new(&self.selection).table(&views, now))?,
            Output::Text if selected.unread.is_empty() => {
                remark(&format!("No SynapseSparkAttachment in {}.", self.selection.place(&cluster)));
            }
            Output::Text => {}
        }
        let mut unread = selected.unread;
        if let Some(last) = unread.pop() {
            for why in unread {
                remark(&format!("error: {why}"));
            }
            return Err(last);
        }
        let is_ready = selected.undecodable.is_empty() && views.iter().all(|view| view.state == State::Ready);
        Ok(if is_ready { 0 } else { 2 })
    }
}
