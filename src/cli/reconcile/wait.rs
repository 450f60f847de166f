//! Waits until requested reconciles have a result.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::runtime::watcher::Config;
use tokio::time::{Sleep, sleep};

use super::super::attachment_watch::{AttachmentWatch, Change, is_handled};
use super::super::kube::Cluster;
use super::super::output::{printable, remark};
use super::super::plugin::Program;
use super::super::selection::{ObjectKey, Selection};
use super::super::view::{State, View};
use crate::api::{Reason, SynapseSparkAttachment};

/// A running operator handles a request within this time.
const HANDLED_WITHIN: Duration = Duration::from_secs(10);

/// What to do where no operator handles requests.
fn not_handled(program: Program) -> String {
    format!("the operator has not handled the request. To check whether it is running, run {} check", program.typed())
}

const NOT_FORCED: &str = "the compute was not sent to Azure again: the attachment is suspended or stalled, or it was sent within the last five minutes (status.lastForcedAt)";

/// When a forced request last led to a write.
fn last_forced(object: &SynapseSparkAttachment) -> Option<&Time> {
    object.status.as_ref()?.last_forced_at.as_ref()
}

/// An attachment whose reconcile is requested.
pub(super) struct Requested {
    key: ObjectKey,
    uid: String,
    /// When a forced request last led to a write, before this one.
    forced_before: Option<Time>,
    /// The last progress that was printed.
    last: String,
}

impl Requested {
    pub(super) fn new(key: ObjectKey, object: &SynapseSparkAttachment) -> Self {
        let forced_before = last_forced(object).cloned();
        Self { key, uid: object.uid().unwrap_or_default(), forced_before, last: String::new() }
    }
}

/// An attachment that has its result.
pub(super) struct Ended {
    pub(super) key: ObjectKey,
    /// None if it was deleted.
    pub(super) view: Option<View>,
    /// Whether its compute was to be sent to Azure again, and was not.
    pub(super) is_unsent: bool,
}

/// The attachments that have no result yet.
pub(super) struct Wait<'a> {
    requested_at: &'a str,
    /// Whether the computes are to be sent to Azure again.
    is_forced: bool,
    program: Program,
    /// By their UIDs.
    pending: BTreeMap<String, Requested>,
    is_single: bool,
    /// Until nothing was heard of the operator for too long.
    unhandled: Option<Pin<Box<Sleep>>>,
    ended: VecDeque<Ended>,
}

impl<'a> Wait<'a> {
    pub(super) fn new(
        (requested_at, is_forced): (&'a str, bool),
        program: Program,
        requested: Vec<Requested>,
        is_single: bool,
    ) -> Self {
        let pending = requested.into_iter().map(|one| (one.uid.clone(), one)).collect();
        let unhandled = Some(Box::pin(sleep(HANDLED_WITHIN)));
        Self { requested_at, is_forced, program, pending, is_single, unhandled, ended: VecDeque::new() }
    }

    /// The next attachment with its result; nothing once all have one.
    pub(super) async fn next(&mut self, watch: &mut AttachmentWatch<'_>) -> Result<Option<Ended>, String> {
        loop {
            if let Some(ended) = self.ended.pop_front() {
                return Ok(Some(ended));
            }
            if self.pending.is_empty() {
                return Ok(None);
            }
            let change = match &mut self.unhandled {
                None => watch.next().await,
                Some(unhandled) => tokio::select! {
                    change = watch.next() => change,
                    () = unhandled => {
                        self.unhandled = None;
                        remark(&not_handled(self.program));
                        continue;
                    }
                },
            };
            let change = change.map_err(|why| format!("the reconcile is requested, but its result cannot be watched: {why}"))?;
            self.take_in(change);
        }
    }

    fn take_in(&mut self, change: Change) {
        match change {
            Change::Applied(object) => self.applied(&object),
            Change::Deleted(object) => self.deleted(&object.uid().unwrap_or_default()),
            Change::Listed(present) => {
                let gone: Vec<_> = self.pending.keys().filter(|uid| !present.contains(*uid)).cloned().collect();
                for uid in gone {
                    self.deleted(&uid);
                }
            }
            // Another one: of those that are waited for, each was decoded when it was requested.
            Change::Undecodable(_) => {}
            Change::Interrupted(why) => remark(&printable(&format!("the watch failed and is retried: {why}"))),
        }
    }

    fn deleted(&mut self, uid: &str) {
        self.ended.extend(self.pending.remove(uid).map(|one| Ended { key: one.key, view: None, is_unsent: false }));
    }

    fn applied(&mut self, object: &SynapseSparkAttachment) {
        let uid = object.uid().unwrap_or_default();
        if !self.pending.contains_key(&uid) || !is_handled(object, self.requested_at) {
            return;
        }
        self.unhandled = None;
        let view = View::of(object, self.program);
        if is_final(&view) {
            let Some(one) = self.pending.remove(&uid) else { return };
            let is_unsent = self.is_forced && last_forced(object) == one.forced_before.as_ref();
            if is_unsent {
                remark(&printable(&if self.is_single { NOT_FORCED.to_owned() } else { format!("{}: {NOT_FORCED}", one.key) }));
            }
            self.ended.push_back(Ended { key: one.key, view: Some(view), is_unsent });
        } else if let Some(one) = self.pending.get_mut(&uid) {
            let now = format!("{}: {}", view.reason.as_deref().unwrap_or("no reason"), view.message);
            if one.last != now {
                remark(&printable(&if self.is_single { now.clone() } else { format!("{}: {now}", one.key) }));
                one.last = now;
            }
        }
    }

    /// Those without a result, each with the last that was heard of it.
    pub(super) fn left(self) -> impl Iterator<Item = (ObjectKey, String)> {
        let Self { pending, program, .. } = self;
        pending.into_values().map(move |one| (one.key, if one.last.is_empty() { not_handled(program) } else { one.last }))
    }
}

/// A watch of the attachments that are waited for. One that loses the label of the selector meanwhile is still waited for.
pub(super) fn watch<'c>(cluster: &'c Cluster, selection: &Selection) -> AttachmentWatch<'c> {
    let config = match selection.single() {
        Some(name) => Config::default().fields(&format!("metadata.name={name}")),
        None => Config::default(),
    };
    AttachmentWatch::new(cluster, selection.api(cluster.watch.clone(), &cluster.namespace), config)
}

/// Whether it is a result. An earlier Ready is none while Azure does not answer.
fn is_final(view: &View) -> bool {
    let reason = view.reason.as_deref().and_then(Reason::parse);
    let is_answered = !matches!(reason, Some(Reason::Throttled | Reason::AzureUnavailable));
    is_answered && matches!(view.state, State::Ready | State::Stalled | State::Suspended)
}
