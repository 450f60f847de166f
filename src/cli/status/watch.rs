//! `status --watch`: the table, and then a line for each attachment that changes.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::json;

use super::super::attachment_watch::{AttachmentWatch, Change};
use super::super::interrupt::until_interrupted;
use super::super::kube::Cluster;
use super::super::output::{Output, print, printable, remark};
use super::super::plugin::Program;
use super::super::selection::{Selection, undecodable};
use super::super::view::{State, View};
use super::rows::Rows;
use crate::api::SynapseSparkAttachment;

/// Follows the attachments until Ctrl-C or the time limit. Gives the exit code by their last states.
pub(super) async fn follow(
    cluster: &Cluster,
    selection: &Selection,
    output: Output,
    timeout: Option<Duration>,
    program: Program,
) -> Result<u8, String> {
    let api = selection.api(cluster.watch.clone(), &cluster.namespace);
    let mut watch = AttachmentWatch::new(cluster, api, selection.watch_config());
    let mut followed = Followed {
        program,
        output,
        names: selection.names().map(ToOwned::to_owned).collect(),
        by_label: selection.selector().is_some(),
        rows: Rows::new(selection),
        is_listed: false,
        views: BTreeMap::new(),
        has_undecodable: false,
    };
    until_interrupted(timeout, async {
        loop {
            followed.take_in(watch.next().await?, || selection.place(cluster))?;
        }
    })
    .await?;
    let is_ready = !followed.has_undecodable && followed.views.values().all(|view| view.state == State::Ready);
    Ok(if is_ready { 0 } else { 2 })
}

struct Followed {
    program: Program,
    output: Output,
    /// Those that are named; all, if none is.
    names: Vec<String>,
    by_label: bool,
    rows: Rows,
    /// Whether the table was printed.
    is_listed: bool,
    /// What was printed last, by UID.
    views: BTreeMap<String, View>,
    has_undecodable: bool,
}

impl Followed {
    fn take_in(&mut self, change: Change, place: impl FnOnce() -> String) -> Result<(), String> {
        match change {
            Change::Applied(object) => self.applied(&object),
            // One that lost the label still exists.
            Change::Deleted(object) if self.by_label && object.metadata.deletion_timestamp.is_none() => {
                self.views.remove(&object.uid().unwrap_or_default());
                Ok(())
            }
            Change::Deleted(object) => self.deleted(&object.uid().unwrap_or_default()),
            Change::Undecodable(invalid) => {
                self.has_undecodable = true;
                remark(&format!("warning: {}", undecodable(&invalid)));
                Ok(())
            }
            Change::Listed(_) if !self.is_listed => self.listed(place),
            Change::Listed(present) => {
                let gone: Vec<_> = self.views.keys().filter(|uid| !present.contains(*uid)).cloned().collect();
                gone.iter().try_for_each(|uid| self.deleted(uid))
            }
            Change::Interrupted(why) if !self.is_listed => Err(why),
            Change::Interrupted(why) => {
                remark(&printable(&format!("the watch failed and is retried: {why}")));
                Ok(())
            }
        }
    }

    fn listed(&mut self, place: impl FnOnce() -> String) -> Result<(), String> {
        self.is_listed = true;
        if self.views.is_empty() {
            remark(&format!("No SynapseSparkAttachment in {} yet.", place()));
        }
        let mut all: Vec<_> = self.views.values().cloned().collect();
        all.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
        match self.output {
            Output::Text => print(&self.rows.table(&all, Timestamp::now())),
            Output::Json => all.iter().try_for_each(|view| self.print(view)),
        }
    }

    fn applied(&mut self, object: &SynapseSparkAttachment) -> Result<(), String> {
        if !self.names.is_empty() && !self.names.contains(&object.name_any()) {
            return Ok(());
        }
        let view = View::of(object, self.program);
        let before = self.views.insert(object.uid().unwrap_or_default(), view.clone());
        // A resync changes times only.
        if self.is_listed && before.is_none_or(|before| !before.is_like(&view)) { self.print(&view) } else { Ok(()) }
    }

    fn deleted(&mut self, uid: &str) -> Result<(), String> {
        match self.views.remove(uid) {
            Some(mut view) => {
                view.state = State::Deleted;
                self.print(&view)
            }
            None => Ok(()),
        }
    }

    fn print(&mut self, view: &View) -> Result<(), String> {
        match self.output {
            Output::Text => print(&self.rows.row(view, Timestamp::now())),
            Output::Json => print(&format!("{}\n", json!(view))),
        }
    }
}
