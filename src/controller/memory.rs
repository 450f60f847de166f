//! What is kept in memory of an object from one reconcile to the next. If it is lost in a restart, the operator only waits again.
//!
//! An object that is in sync has nothing to keep, and no entry.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use tokio::time::Instant;

use crate::api::SynapseSparkAttachment;
use crate::azure::{Freshness, Kind};
use crate::controller::key::{Key, key_of};
use crate::controller::triggers::Seen;
use crate::planner::backoff::MAX_BACKOFF;
use crate::planner::{Decision, Observed};

/// The memory of each object. The watch removes objects that are gone.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<HashMap<Key, Remembered>>);

#[derive(Debug, Default)]
struct Remembered {
    uid: Option<String>,
    absent_since: Option<Instant>,
    /// Since when the last write is known to have ended, with the time at which it was sent.
    ended_since: Option<(Timestamp, Instant)>,
    /// Whether the last decision waits until the absence is certain.
    confirms_absence: bool,
    unanswered_since: Option<Instant>,
    /// While it waits for Azure's request limits.
    waiting: Option<Box<Waiting>>,
    /// Reconciles in a row that Kubernetes refused.
    errors: u32,
}

/// What an object waits for until Azure's request limits allow it.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    /// The object as it was when it began to wait for this.
    seen: Seen,
    pub(crate) since: Instant,
    /// The write that it waits to send, if it is one.
    pub(crate) write: Option<Intended>,
}

/// A write that one observation led to. A second one must agree when its turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Intended {
    /// The name of the step.
    pub(crate) step: &'static str,
    /// What the bucket counts.
    pub(crate) kind: Kind,
    /// How fresh the second observation must be.
    pub(crate) freshness: Freshness,
    /// Whether its turn had come before, but could not be used.
    pub(crate) is_resumed: bool,
}

/// How long the compute has been absent, the last write ended, and Azure silent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spans {
    /// None if the compute is not known to be absent.
    pub(crate) absent: Option<Duration>,
    /// None if no write of ours is known to have ended.
    pub(crate) ended: Option<Duration>,
    /// Zero if Azure answers.
    pub(crate) unavailable: Duration,
}

impl Remembered {
    /// Whether there is anything to keep.
    const fn is_empty(&self) -> bool {
        let Self { uid: _, absent_since, ended_since, confirms_absence, unanswered_since, waiting, errors } = self;
        absent_since.is_none()
            && ended_since.is_none()
            && !*confirms_absence
            && unanswered_since.is_none()
            && waiting.is_none()
            && *errors == 0
    }
}

impl Memory {
    /// Records an observation of the compute.
    pub(crate) fn observe(&self, object: &SynapseSparkAttachment, seen: &Observed) -> Spans {
        let now = Instant::now();
        self.update(object, |known| {
            known.absent_since = seen.absent_since(known.absent_since, now);
            known.ended_since = seen.ended_since(known.ended_since, now);
            known.unanswered_since = match known.unanswered_since {
                _ if seen.is_answered() => None,
                // While no request is sent, Azure does not count as unavailable.
                since if seen.is_queued() => since,
                since => Some(since.unwrap_or(now)),
            };
            Spans {
                absent: known.absent_since.filter(|_| seen.is_compute_absent()).map(|since| now - since),
                ended: known.ended_since.map(|(_, since)| now - since),
                unavailable: known.unanswered_since.map(|since| now - since).unwrap_or_default(),
            }
        })
    }

    /// Records what was decided on the last observation.
    pub(crate) fn decided(&self, object: &SynapseSparkAttachment, decision: &Decision) {
        self.update(object, |known| known.confirms_absence = decision.cause.confirms_absence());
    }

    /// Whether the compute was absent, and the next observation is to confirm it.
    pub(crate) fn is_confirming_absence(&self, object: &SynapseSparkAttachment) -> bool {
        self.of(object, |known| known.confirms_absence).unwrap_or_default()
    }

    /// An object waits for this. The wait counts from its beginning, even if it waited for something else before.
    pub(crate) fn wait(&self, object: &SynapseSparkAttachment, write: Option<Intended>) {
        self.update(object, |known| {
            let since = known.waiting.as_ref().map_or_else(Instant::now, |waiting| waiting.since);
            known.waiting = Some(Box::new(Waiting { seen: Seen::of(object), since, write }));
        });
    }

    /// An object waits no longer.
    pub(crate) fn stop_waiting(&self, object: &SynapseSparkAttachment) {
        self.update(object, |known| known.waiting = None);
    }

    /// For how long an object has waited; zero if it does not.
    pub(crate) fn queued_for(&self, object: &SynapseSparkAttachment) -> Duration {
        self.of(object, |known| known.waiting.as_ref().map(|waiting| waiting.since.elapsed())).flatten().unwrap_or_default()
    }

    /// What an object waits for, unless it has changed since.
    pub(crate) fn waiting(&self, object: &SynapseSparkAttachment) -> Option<Waiting> {
        let waiting = self.of(object, |known| known.waiting.as_deref().cloned()).flatten()?;
        let now = Seen::of(object);
        // The watch may not show the finalizer yet that was added before the wait began.
        (!now.differs_from(&waiting.seen) || !waiting.seen.differs_from(&now)).then_some(waiting)
    }

    /// A reconcile was completed: Kubernetes accepts the operator's writes.
    pub(crate) fn succeeded(&self, object: &SynapseSparkAttachment) {
        self.update(object, |known| known.errors = 0);
    }

    /// Kubernetes refused a reconcile's write. Returns the pause before the next one, which grows each time.
    pub(crate) fn refused(&self, object: &SynapseSparkAttachment, first: Duration) -> Duration {
        self.update(object, |known| {
            let pause = first.saturating_mul(2_u32.saturating_pow(known.errors)).min(MAX_BACKOFF);
            known.errors = known.errors.saturating_add(1);
            pause
        })
    }

    /// What is kept of this object, if anything; what is kept of an earlier object of the same name is ignored.
    fn of<T>(&self, object: &SynapseSparkAttachment, read: impl FnOnce(&Remembered) -> T) -> Option<T> {
        self.lock().get(&key_of(object)).filter(|known| known.uid == object.metadata.uid).map(read)
    }

    /// Changes what is kept of this object.
    fn update<T>(&self, object: &SynapseSparkAttachment, change: impl FnOnce(&mut Remembered) -> T) -> T {
        let (mut all, key) = (self.lock(), key_of(object));
        let known = all.remove(&key).filter(|known| known.uid == object.metadata.uid);
        let mut known = known.unwrap_or_else(|| Remembered { uid: object.uid(), ..Remembered::default() });
        let result = change(&mut known);
        if !known.is_empty() {
            all.insert(key, known);
        }
        result
    }

    /// The object is gone.
    pub(crate) fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Remembered>> {
        // Each value is complete after each statement, so it is valid after a panic, too.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::api::v1alpha1::{OperationKind, SynapseSparkAttachmentSpec};
    use crate::planner::compute::Details;
    use crate::planner::roles::observed::Roles;
    use crate::planner::{
        Compute, Dependencies, Fault, FaultKind, Finding, ObjectState, ObservedIdentity, Operation, Outcome, Ownership,
        PoolReading, Progress,
    };
    use crate::service_error::ServiceError;

    fn object(uid: &str) -> SynapseSparkAttachment {
        let mut object = SynapseSparkAttachment::new("pool", SynapseSparkAttachmentSpec::default());
        object.metadata.uid = Some(uid.to_owned());
        object
    }

    fn seen(compute: Finding<Compute>, operation: Option<Operation>) -> Observed {
        Observed {
            object: ObjectState::default(),
            compute,
            absent_for: None,
            operation,
            applied: None,
            failure: None,
            dependencies: Dependencies::default(),
            roles: Roles::default(),
            jobs: None,
        }
    }

    fn absent(operation: Option<Operation>) -> Observed {
        seen(Finding::Absent, operation)
    }

    fn silent() -> Observed {
        seen(Finding::Unknown(Fault { kind: FaultKind::Unavailable(None), error: ServiceError::default() }), None)
    }

    fn present() -> Observed {
        let compute = Compute {
            kind: "SynapseSpark".into(),
            pool: PoolReading::of(None),
            progress: Progress::Succeeded,
            owner: Ownership::Ours,
            identity: ObservedIdentity::default(),
            description: None,
            tags: BTreeMap::new(),
            details: Details::default(),
        };
        seen(Finding::Present(compute), None)
    }

    #[tokio::test(start_paused = true)]
    async fn absence_counts_from_its_first_observation_until_the_compute_shows() {
        let (memory, object, seconds) = (Memory::default(), object("u"), Duration::from_secs);
        assert_eq!(memory.observe(&object, &absent(None)).absent, Some(Duration::ZERO));
        tokio::time::advance(seconds(10)).await;
        assert_eq!(memory.observe(&object, &silent()).absent, None, "nobody knows now");
        tokio::time::advance(seconds(5)).await;
        assert_eq!(memory.observe(&object, &absent(None)).absent, Some(seconds(15)));
        assert_eq!(memory.observe(&object, &present()).absent, None);
        assert_eq!(memory.observe(&object, &absent(None)).absent, Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn absence_during_a_put_does_not_count() {
        let (memory, object, seconds) = (Memory::default(), object("u"), Duration::from_secs);
        let started_at = jiff::Timestamp::UNIX_EPOCH;
        let (kind, age) = (OperationKind::Attach, Some(Duration::ZERO));
        let put = |outcome| Some(Operation { kind, is_accepted: true, pool: None, started_at, age, outcome, ended_for: None });
        let absent_for = |outcome| memory.observe(&object, &absent(put(outcome))).absent;
        assert_eq!(absent_for(Outcome::Running("InProgress".into())), Some(Duration::ZERO));
        tokio::time::advance(seconds(60)).await;
        assert_eq!(absent_for(Outcome::Running("InProgress".into())), Some(Duration::ZERO));
        tokio::time::advance(seconds(10)).await;
        assert_eq!(absent_for(Outcome::Ended), Some(seconds(10)), "since it was last seen running");
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_write_counts_from_its_first_observation_until_another_write() {
        let (memory, object, seconds) = (Memory::default(), object("u"), Duration::from_secs);
        let (kind, age, at) = (OperationKind::Attach, Some(Duration::ZERO), jiff::Timestamp::UNIX_EPOCH);
        let put = |started_at, outcome| {
            Some(Operation { kind, is_accepted: true, pool: None, started_at, age, outcome, ended_for: None })
        };
        let ended_for = |at, outcome| memory.observe(&object, &absent(put(at, outcome))).ended;
        assert_eq!(ended_for(at, Outcome::Unknown), None);
        assert_eq!(ended_for(at, Outcome::Ended), Some(Duration::ZERO));
        tokio::time::advance(seconds(10)).await;
        assert_eq!(ended_for(at, Outcome::Unknown), Some(seconds(10)), "a later poll has no answer");
        assert_eq!(ended_for(at, Outcome::Ended), Some(seconds(10)));
        assert_eq!(ended_for(at + seconds(10), Outcome::Ended), Some(Duration::ZERO), "another write");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_lasts_until_an_answer() {
        let (memory, object, seconds) = (Memory::default(), object("u"), Duration::from_secs);
        assert_eq!(memory.observe(&object, &silent()).unavailable, Duration::ZERO);
        tokio::time::advance(seconds(60)).await;
        assert_eq!(memory.observe(&object, &silent()).unavailable, seconds(60));
        assert_eq!(memory.observe(&object, &absent(None)).unavailable, Duration::ZERO);
    }

    #[test]
    fn a_reconcile_that_ends_after_its_object_is_gone_leaves_nothing_behind() {
        let (memory, one) = (Memory::default(), object("u"));
        memory.observe(&one, &silent());
        memory.forget(&key_of(&one));
        memory.succeeded(&one);
        assert!(memory.lock().is_empty());
    }

    #[test]
    fn nothing_is_kept_of_an_object_that_is_in_sync() {
        let (memory, one) = (Memory::default(), object("u"));
        memory.observe(&one, &silent());
        memory.wait(&one, None);
        assert_eq!(memory.lock().len(), 1);
        memory.observe(&one, &present());
        memory.stop_waiting(&one);
        memory.succeeded(&one);
        assert!(memory.lock().is_empty());
    }

    #[test]
    fn pauses_after_refusals_grow_until_one_reconcile_succeeds() {
        let (memory, one, first) = (Memory::default(), object("u"), Duration::from_secs(5));
        memory.observe(&one, &silent());
        let pauses: Vec<_> = (0..8).map(|_| memory.refused(&one, first).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
        memory.succeeded(&one);
        assert_eq!(memory.refused(&one, first).as_secs(), 5);
        assert_eq!(memory.refused(&object("another"), first).as_secs(), 5, "another object of that name");
    }
}
