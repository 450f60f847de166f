//! Which events of the watch trigger a reconcile.
//!
//! The spec, the loss of our finalizer, the deletion, and the operator's annotations do. Everything else does not: least of all the status,
//! which the operator itself writes. Each event costs one lookup in a map, regardless of the number of objects.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use kube::ResourceExt;
use tokio::time::Instant;

use crate::api::{ALLOW_RECREATE, FORCE_REQUESTED_AT, ON_DELETE, RECONCILE_REQUESTED_AT, SynapseSparkAttachment, TRANSFER_TO};
use crate::controller::key::Key;
use crate::controller::request_limit::{Change, RequestLimit};

/// The last state of each object. Entries are removed with their objects.
#[derive(Debug, Default)]
pub(super) struct Triggers(Mutex<HashMap<Key, Known>>);

#[derive(Debug)]
struct Known {
    /// In the watch.
    seen: Arc<Seen>,
    /// In the last reconcile; the same if the object is in sync.
    reconciled: Option<Arc<Seen>>,
    limit: RequestLimit,
}

/// The parts of an object whose change triggers a reconcile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    uid: Option<String>,
    is_deleted: bool,
    generation: Option<i64>,
    has_finalizer: bool,
    on_delete: Option<String>,
    transfer_to: Option<String>,
    recreate_allowed: Option<String>,
    requested: Option<String>,
    forced: Option<String>,
}

impl Seen {
    pub(super) fn of(object: &SynapseSparkAttachment) -> Self {
        let annotation = |name: &str| object.annotations().get(name).cloned();
        Self {
            uid: object.metadata.uid.clone(),
            is_deleted: object.metadata.deletion_timestamp.is_some(),
            generation: object.metadata.generation,
            has_finalizer: object.has_finalizer(),
            on_delete: annotation(ON_DELETE),
            transfer_to: annotation(TRANSFER_TO),
            recreate_allowed: annotation(ALLOW_RECREATE),
            requested: annotation(RECONCILE_REQUESTED_AT),
            forced: annotation(FORCE_REQUESTED_AT),
        }
    }

    /// Whether it differs from `before` in more than the finalizer that it has gained: the reconcile that adds the finalizer goes on
    /// with the object as it is then.
    pub(super) fn differs_from(&self, before: &Self) -> bool {
        let same = |one: &Self| Self { has_finalizer: false, ..one.clone() };
        let has_lost_finalizer = before.has_finalizer && !self.has_finalizer;
        self != before && (has_lost_finalizer || same(self) != same(before))
    }

    fn others(&self) -> (bool, [Option<&str>; 3]) {
        (self.has_finalizer, [&self.on_delete, &self.transfer_to, &self.recreate_allowed].map(Option::as_deref))
    }

    /// What of it a user changed, if that is to be limited. A deletion comes once, and so does another object of that name.
    fn changed(&self, before: &Self) -> Option<Change> {
        match () {
            () if (&self.uid, self.is_deleted) != (&before.uid, before.is_deleted) => None,
            () if self.generation != before.generation => Some(Change::Spec),
            () if self.others() != before.others() => Some(Change::Other),
            () if (&self.requested, &self.forced) != (&before.requested, &before.forced) => Some(Change::Request),
            () => None,
        }
    }
}

impl Triggers {
    /// The watch shows this object. Returns whether a change in it triggers a reconcile.
    pub(super) fn seen(&self, key: &Key, object: &SynapseSparkAttachment) -> bool {
        let (mut all, seen) = (self.0.lock().expect("no holder panics"), Seen::of(object));
        if let Some(known) = all.get_mut(key) {
            let is_triggering = seen.differs_from(&known.seen);
            if *known.seen != seen {
                known.seen = seen.into();
            }
            return is_triggering;
        }
        let seen = Arc::new(seen);
        all.insert(key.clone(), Known { seen, reconciled: None, limit: RequestLimit::default() });
        true
    }

    /// Admits a reconcile of this object, whatever triggered it.
    ///
    /// # Errors
    ///
    /// When it may begin, if its user changes the object too often.
    pub(super) fn admit(&self, key: &Key, object: &SynapseSparkAttachment, now: Instant) -> Result<(), Instant> {
        let (mut all, seen) = (self.0.lock().expect("no holder panics"), Seen::of(object));
        // An object that is not known is gone.
        let Some(known) = all.get_mut(key) else { return Ok(()) };
        if let Some(change) = known.reconciled.as_ref().and_then(|before| seen.changed(before)) {
            known.limit.admit(change, now)?;
        }
        known.reconciled = Some(if seen == *known.seen { known.seen.clone() } else { seen.into() });
        Ok(())
    }

    /// An object is gone.
    pub(super) fn forget(&self, key: &Key) {
        self.0.lock().expect("no holder panics").remove(key);
    }
}

#[cfg(test)]
mod tests;
