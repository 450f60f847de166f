//! Orphaned computes: those whose owner tag names an object of this cluster that does not exist. Nothing will ever detach them.
//!
//! They are what the operator must never leave behind. They come from finalizers that were removed by force, and from backups
//! of a cluster that lack an object. A compute that its user kept on purpose (`deletionPolicy: Retain`, `on-delete=abandon`)
//! keeps its tag, too: it does not count as orphaned as long as this process runs; its tag should be removed before the process
//! restarts.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::ResourceExt;
use tokio::time::Instant;

use crate::api::SynapseSparkAttachment;
use crate::azure::{View, wire};
use crate::controller::key::Key;
use crate::planner::backoff::ABSENCE_CONFIRMED_AFTER;
use crate::planner::owner::TRANSFERRED;
use crate::planner::{OWNER_TAG, Owner, Progress};
use crate::resource_id::WorkspaceId;

/// At most this many orphans of one workspace are counted.
const MAX_COMPUTES: usize = 1_000;
/// At most this many objects that were released without a detach are kept; the oldest is dropped first.
const MAX_RETAINED: usize = 10_000;

/// The owner tag of a compute of this type, if it has the form that the operator writes, and Azure is not detaching it.
#[must_use]
pub fn owner_tag(compute: &wire::Compute) -> Option<&str> {
    let (_, value) = compute.tags.iter().find(|(name, _)| name.eq_ignore_ascii_case(OWNER_TAG))?;
    let is_deleting = Progress::of(compute.properties.provisioning_state.as_deref()) == Progress::Deleting;
    value.as_str().filter(|tag| !is_deleting && Owner::parts(tag).is_some())
}

/// Which objects exist, and which computes have none.
#[derive(Debug, Default)]
pub(crate) struct Orphans(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The namespaces (none: all) of which every object is known.
    listed: HashSet<Option<String>>,
    /// The objects that exist, by a hash of namespace and name; of each a hash of its UID.
    objects: HashMap<u64, u64>,
    retained: Retained,
    workspaces: HashMap<WorkspaceId, Suspects>,
}

/// The UIDs of objects that were released without a detach, by hash; the oldest first.
#[derive(Debug, Default)]
struct Retained {
    uids: HashSet<u64>,
    order: VecDeque<u64>,
}

/// The computes of a workspace without an object, as its last LIST showed them.
#[derive(Debug)]
struct Suspects {
    listed: Instant,
    /// By name, in lower case.
    computes: HashMap<String, Suspect>,
}

#[derive(Debug)]
struct Suspect {
    tag: String,
    /// When the first LIST began since which every one showed it.
    since: Instant,
    is_orphan: bool,
}

/// What a LIST showed of orphans.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Audit {
    /// How many the workspace has.
    pub(super) count: usize,
    /// Those that this LIST made certain: name and owner tag.
    pub(super) found: Vec<(String, String)>,
    /// Those that are no longer orphans.
    pub(super) gone: Vec<String>,
}

impl Orphans {
    /// The first list of this namespace, or of all, has ended.
    pub(super) fn listed(&self, scope: Option<&str>) {
        self.lock().listed.insert(scope.map(ToOwned::to_owned));
    }

    /// The watch shows this object.
    pub(super) fn exists(&self, object: &SynapseSparkAttachment) {
        let key = hash(&(object.namespace().unwrap_or_default().as_str(), object.name_any().as_str()));
        self.lock().objects.insert(key, hash(object.metadata.uid.as_deref().unwrap_or_default()));
    }

    /// Whether the watch shows this object.
    pub(super) fn shows(&self, namespace: &str, name: &str, uid: &str) -> bool {
        self.lock().objects.get(&hash(&(namespace, name))) == Some(&hash(uid))
    }

    /// The object is gone.
    pub(super) fn forget(&self, key: &Key) {
        self.lock().objects.remove(&hash(&key.parts()));
    }

    /// The object is about to be released, and its compute intentionally stays.
    pub(super) fn retained(&self, object: &SynapseSparkAttachment) {
        self.lock().retained.insert(hash(object.metadata.uid.as_deref().unwrap_or_default()));
    }

    /// Compares a LIST of a workspace with the objects that exist. `is_undecodable` is whether an object of this namespace and
    /// name exists that the operator cannot decode.
    ///
    /// A page may be out of date, and so may the watch. A compute therefore counts only when it was shown by two LISTs that are
    /// far enough apart, and by every LIST between them, each at a time when its object did not exist.
    pub(super) fn audit(
        &self,
        cluster: &str,
        workspace: &WorkspaceId,
        view: &View,
        is_undecodable: impl Fn(&str, &str) -> bool,
    ) -> Audit {
        let tagged = view.computes().filter_map(|(name, compute)| Some((name, owner_tag(&compute)?.to_owned())));
        // Decoded before the lock, for which the watch waits.
        let mut shown: Vec<(&str, String)> = tagged.collect();
        let mut state = self.lock();
        let is_without_object = |tag: &str| {
            Owner::parts(tag).is_some_and(|[of, namespace, name, uid]| {
                of == cluster && !state.knows(namespace, name, uid) && !is_undecodable(namespace, name)
            })
        };
        shown.retain(|(_, tag)| is_without_object(tag));
        // If there are too many, always the same ones are counted.
        shown.sort_unstable();
        shown.truncate(MAX_COMPUTES);
        let before = state.workspaces.remove(workspace);
        let before = before.unwrap_or_else(|| Suspects { listed: view.began(), computes: HashMap::new() });
        let (now, audit) = before.after(&shown, view.began());
        if !now.computes.is_empty() {
            state.workspaces.insert(workspace.clone(), now);
        }
        audit
    }

    /// Drops the results of LISTs that are older than this.
    pub(super) fn expire(&self, max_age: Duration) {
        self.lock().workspaces.retain(|_, suspects| suspects.listed.elapsed() <= max_age);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each map is valid after each statement, and so also after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether the object exists, was released on purpose, or may exist where this process does not watch.
    fn knows(&self, namespace: &str, name: &str, uid: &str) -> bool {
        let is_watched = self.listed.contains(&None) || self.listed.contains(&Some(namespace.to_owned()));
        // The former owner of a compute that was handed over did not know the UID.
        let is_recipient = uid == TRANSFERRED && self.objects.contains_key(&hash(&(namespace, name)));
        let uid = hash(uid);
        !is_watched
            || is_recipient
            || self.objects.get(&hash(&(namespace, name))) == Some(&uid)
            || self.retained.uids.contains(&uid)
    }
}

impl Retained {
    fn insert(&mut self, uid: u64) {
        if self.uids.insert(uid) {
            self.order.push_back(uid);
        }
        if self.order.len() > MAX_RETAINED
            && let Some(oldest) = self.order.pop_front()
        {
            self.uids.remove(&oldest);
        }
    }
}

impl Suspects {
    /// What is known after a LIST that began at this time and showed these.
    fn after(mut self, shown: &[(&str, String)], began: Instant) -> (Self, Audit) {
        let (mut computes, mut audit) = (HashMap::new(), Audit::default());
        for (name, tag) in shown {
            let known = self.computes.remove(*name).filter(|known| known.tag == *tag);
            let mut suspect = known.unwrap_or_else(|| Suspect { tag: tag.clone(), since: began, is_orphan: false });
            if !suspect.is_orphan && began.saturating_duration_since(suspect.since) >= ABSENCE_CONFIRMED_AFTER {
                suspect.is_orphan = true;
                audit.found.push(((*name).to_owned(), tag.clone()));
            }
            audit.count += usize::from(suspect.is_orphan);
            computes.insert((*name).to_owned(), suspect);
        }
        audit.gone = self.computes.into_iter().filter(|(_, one)| one.is_orphan).map(|(name, _)| name).collect();
        (Self { listed: began, computes }, audit)
    }
}

fn hash(of: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
