//! What is known of the attachments: one watch for all pages.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::ListParams;
use tokio::sync::watch;

use super::super::attachment_watch::{AttachmentWatch, Change};
use super::super::kube::Cluster;
use super::super::plugin::Program;
use super::super::selection::{ObjectKey, Selection, undecodable as undecodable_line};
use super::super::suspend::gitops;
use super::super::view::{State, View};
use crate::api::SynapseSparkAttachment;
use crate::resource_id::PoolId;

/// A watch that ended is started again after this time. It begins with a list of all attachments, so the pause doubles while that fails
/// or the watch does not last.
const RESTART: Duration = Duration::from_secs(1);
/// The longest pause, and how long a watch works before the pause is the first one again.
const LONGEST_RESTART: Duration = Duration::from_secs(30);
/// How often the API server is asked whether it answers.
const PROBE: Duration = Duration::from_secs(15);

/// An attachment, and what lists show of it.
#[derive(Debug, Clone)]
pub(super) struct Attachment {
    pub(super) key: ObjectKey,
    pub(super) state: State,
    /// That of the condition Ready, or the state if there is none yet.
    pub(super) reason: String,
    pub(super) message: String,
    /// Since when it has been in this state.
    pub(super) since: Option<Timestamp>,
    pub(super) pool: String,
    /// The GitOps tool that manages it.
    pub(super) managed_by: Option<String>,
    /// The object, without its managed fields.
    pub(super) object: SynapseSparkAttachment,
}

impl Attachment {
    fn of(mut object: SynapseSparkAttachment, program: Program) -> Self {
        let managed_by = gitops(&object);
        object.metadata.managed_fields = None;
        let view = View::of(&object, program);
        let spec = &object.spec;
        // Until Azure shows a pool, that of the spec.
        let pool = match (view.pool(), &spec.linked_service) {
            (shown, _) if !shown.is_empty() => shown,
            (_, Some(link)) => link.pool_name.clone(),
            _ => spec
                .resource_id
                .as_deref()
                .and_then(|id| PoolId::parse(id).ok())
                .map(|id| id.name().to_owned())
                .unwrap_or_default(),
        };
        Self {
            key: ObjectKey::of(&object.metadata),
            state: view.state,
            since: view.since.map(|since| since.0),
            reason: view.reason.unwrap_or_else(|| format!("{:?}", view.state)),
            message: view.message,
            pool,
            managed_by,
            object,
        }
    }

    pub(super) fn workspace(&self) -> &str {
        &self.object.spec.workspace.name
    }
}

/// Whether what is known is what the cluster has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Connection {
    /// The first list is being read.
    #[default]
    Loading,
    Live,
    /// There is no watch, and why, with advice. What is known may be outdated.
    Lost(String),
}

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) connection: Connection,
    /// By UID.
    pub(super) attachments: BTreeMap<String, Attachment>,
    /// Attachments that this version cannot decode, one line each.
    pub(super) undecodable: BTreeMap<ObjectKey, String>,
}

/// How a watch ended.
struct Broken {
    /// Why, with advice.
    why: String,
    /// Whether another watch is expected to fail, too: the list failed, or Kubernetes does not answer or does not allow it.
    is_lost: bool,
    /// Whether it worked for [`LONGEST_RESTART`].
    has_lasted: bool,
}

/// What is known, for any number of pages.
#[derive(Default)]
pub(super) struct Store(watch::Sender<Content>);

impl Store {
    /// What is known, and its changes.
    pub(super) fn subscribe(&self) -> watch::Receiver<Content> {
        self.0.subscribe()
    }

    /// Changes what is known, as the watch does.
    #[cfg(test)]
    pub(super) fn change(&self, change: impl FnOnce(&mut Content)) {
        self.0.send_modify(change);
    }

    /// Follows the attachments, for as long as the program runs.
    pub(super) async fn follow(&self, cluster: &Cluster, selection: &Selection, program: Program) {
        let mut pause = RESTART;
        loop {
            let broken = self.watch(cluster, selection, program).await;
            if broken.has_lasted {
                pause = RESTART;
            }
            // A watch that worked is started again soon, which is not worth a message.
            if broken.is_lost || pause > RESTART {
                self.0.send_modify(|content| content.connection = Connection::Lost(broken.why));
            }
            tokio::time::sleep(pause).await;
            pause = LONGEST_RESTART.min(2 * pause);
        }
    }

    /// Follows the attachments until the watch breaks.
    async fn watch(&self, cluster: &Cluster, selection: &Selection, program: Program) -> Broken {
        let api = selection.api(cluster.watch.clone(), &cluster.namespace);
        let names: BTreeSet<_> = selection.names().collect();
        let mut watch = AttachmentWatch::new(cluster, api, selection.watch_config());
        let mut undecodable = BTreeMap::new();
        let (mut is_live, mut has_lasted) = (false, false);
        let mut lasting = pin!(tokio::time::sleep(LONGEST_RESTART));
        let mut unanswered = pin!(unanswered(cluster, selection));
        loop {
            let change = tokio::select! {
                change = watch.next() => change,
                why = &mut unanswered => return Broken { why, is_lost: true, has_lasted },
                () = &mut lasting, if is_live && !has_lasted => {
                    has_lasted = true;
                    continue;
                }
            };
            match change {
                Ok(Change::Applied(object)) if names.is_empty() || names.contains(object.name_any().as_str()) => {
                    let uid = object.uid().unwrap_or_default();
                    let attachment = Attachment::of(*object, program);
                    self.0.send_modify(|content| {
                        content.undecodable.remove(&attachment.key);
                        content.attachments.insert(uid, attachment);
                    });
                }
                Ok(Change::Applied(_)) => {}
                Ok(Change::Deleted(object)) => self.0.send_modify(|content| {
                    content.attachments.remove(&object.uid().unwrap_or_default());
                }),
                Ok(Change::Undecodable(invalid)) => {
                    let key = ObjectKey::of(&invalid.metadata);
                    let line = undecodable_line(&invalid);
                    if is_live {
                        self.0.send_modify(|content| {
                            content.attachments.retain(|_, one| one.key != key);
                            content.undecodable.insert(key, line);
                        });
                    } else {
                        undecodable.insert(key, line);
                    }
                }
                Ok(Change::Listed(present)) => {
                    if !is_live {
                        is_live = true;
                        lasting.set(tokio::time::sleep(LONGEST_RESTART));
                    }
                    let undecodable = std::mem::take(&mut undecodable);
                    self.0.send_modify(|content| {
                        content.attachments.retain(|uid, _| present.contains(uid));
                        content.undecodable = undecodable;
                        content.connection = Connection::Live;
                    });
                }
                // It may have missed changes, so all are listed again.
                Ok(Change::Interrupted(why)) => return Broken { why, is_lost: !is_live, has_lasted },
                Err(why) => return Broken { why, is_lost: true, has_lasted },
            }
        }
    }
}

/// Ends when the API server does not answer, and gives why. A connection that broke without a sign would leave a watch silent.
async fn unanswered(cluster: &Cluster, selection: &Selection) -> String {
    let api = selection.api::<SynapseSparkAttachment>(cluster.calls.clone(), &cluster.namespace);
    loop {
        tokio::time::sleep(PROBE).await;
        if let Err(error) = api.list_metadata(&ListParams::default().limit(1)).await {
            return cluster.refused(&error, "list and watch", "");
        }
    }
}

#[cfg(test)]
mod tests;
