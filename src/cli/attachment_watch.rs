//! A watch of attachments, for commands that wait for them or follow them.

use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;

use futures::{Stream, StreamExt};
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::core::error_boundary::InvalidObject;
use kube::runtime::watcher::{Config, Event};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Error, ResourceExt};

use super::kube::Cluster;
use crate::api::{RECONCILE_REQUESTED_AT, SynapseSparkAttachment};
use crate::error_chain::chain;

type Guarded = DeserializeGuard<SynapseSparkAttachment>;

/// Whether the operator has handled the reconcile that was requested with this value. Another request may have followed: then its
/// reconcile answers both.
pub(super) fn is_handled(object: &SynapseSparkAttachment, requested_at: &str) -> bool {
    let handled = object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref());
    handled.is_some_and(|handled| {
        handled == requested_at || object.annotations().get(RECONCILE_REQUESTED_AT).is_some_and(|now| now == handled)
    })
}

/// A change of one attachment, or of the watch itself.
pub(super) enum Change {
    /// An attachment as it is now.
    Applied(Box<SynapseSparkAttachment>),
    /// The last version of an attachment that is gone, or that is selected no longer.
    Deleted(Box<SynapseSparkAttachment>),
    /// An attachment that this version cannot decode.
    Undecodable(Box<InvalidObject>),
    /// All attachments have been listed: their UIDs.
    Listed(BTreeSet<String>),
    /// The watch failed and is retried.
    Interrupted(String),
}

/// Changes of attachments, from a list of all of them on.
pub(super) struct AttachmentWatch<'a> {
    cluster: &'a Cluster,
    events: Pin<Box<dyn Stream<Item = watcher::Result<Event<Guarded>>> + Send>>,
    listed: BTreeSet<String>,
    next: VecDeque<Change>,
}

impl<'a> AttachmentWatch<'a> {
    pub(super) fn new(cluster: &'a Cluster, api: Api<Guarded>, config: Config) -> Self {
        let events = watcher(api, config).default_backoff().boxed();
        Self { cluster, events, listed: BTreeSet::new(), next: VecDeque::new() }
    }

    /// The next change.
    ///
    /// # Errors
    ///
    /// Kubernetes does not allow the watch, as text with advice.
    pub(super) async fn next(&mut self) -> Result<Change, String> {
        loop {
            if let Some(change) = self.next.pop_front() {
                return Ok(change);
            }
            match self.events.next().await {
                None => return Err("the watch ended unexpectedly".to_owned()),
                Some(Ok(event)) => self.take_in(event),
                Some(Err(error)) => self.interrupted(&error)?,
            }
        }
    }

    fn take_in(&mut self, event: Event<Guarded>) {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(object) => {
                self.listed.extend(object.uid());
                self.apply(object);
            }
            Event::InitDone => self.next.push_back(Change::Listed(std::mem::take(&mut self.listed))),
            Event::Apply(object) => self.apply(object),
            Event::Delete(object) => self.next.push_back(match object.0 {
                Ok(object) => Change::Deleted(Box::new(object)),
                Err(invalid) => Change::Undecodable(Box::new(invalid)),
            }),
        }
    }

    fn apply(&mut self, object: Guarded) {
        self.next.push_back(match object.0 {
            Ok(object) => Change::Applied(Box::new(object)),
            Err(invalid) => Change::Undecodable(Box::new(invalid)),
        });
    }

    /// A watch that breaks is restarted, unless watching is not allowed at all.
    fn interrupted(&mut self, error: &watcher::Error) -> Result<(), String> {
        let why = match error {
            watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => {
                let why = self.cluster.refused(error, "list and watch", "");
                if matches!(error, Error::Api(status) if matches!(status.code, 400 | 401 | 403 | 404)) {
                    return Err(why);
                }
                why
            }
            error => chain(error),
        };
        self.next.push_back(Change::Interrupted(why));
        Ok(())
    }
}
