//! What is kept in memory of an object from one reconcile to the next. After a restart the operator only waits once more.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use tokio::time::Instant;

use crate::api::SynapseSparkAttachment;
use crate::controller::key::Key;
use crate::planner::Finding;
use crate::planner::backoff::{MAX_BACKOFF, MIN_BACKOFF};

/// The memory of each object. The watch removes objects that are gone.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<HashMap<Key, Remembered>>);

#[derive(Debug, Default)]
struct Remembered {
    uid: Option<String>,
    absent_since: Option<Instant>,
    unanswered_since: Option<Instant>,
    /// Reconciles in a row that Kubernetes refused.
    errors: u32,
}

/// How long the compute has been absent, and how long Azure has been silent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spans {
    /// None if the compute is not known to be absent.
    pub(crate) absent_for: Option<Duration>,
    /// Zero if Azure answers.
    pub(crate) unavailable_for: Duration,
}

impl Memory {
    /// Takes in an observation of the compute, and whether Azure answered for the compute and its dependencies.
    pub(crate) fn observe<T>(&self, object: &SynapseSparkAttachment, compute: &Finding<T>, is_answered: bool) -> Spans {
        let (mut all, now) = (self.lock(), Instant::now());
        let known = entry(&mut all, object);
        match compute {
            Finding::Present(_) => known.absent_since = None,
            Finding::Absent => drop(known.absent_since.get_or_insert(now)),
            Finding::Unknown(_) => {}
        }
        let silent_since = if is_answered { None } else { Some(known.unanswered_since.unwrap_or(now)) };
        known.unanswered_since = silent_since;
        Spans {
            absent_for: known.absent_since.filter(|_| matches!(compute, Finding::Absent)).map(|since| now - since),
            unavailable_for: silent_since.map(|since| now - since).unwrap_or_default(),
        }
    }

    /// A reconcile came to its end: Kubernetes accepts what the operator writes.
    pub(crate) fn succeeded(&self, object: &SynapseSparkAttachment) {
        entry(&mut self.lock(), object).errors = 0;
    }

    /// Kubernetes refused a reconcile's write. Gives the pause before the next one, which grows.
    pub(crate) fn refused(&self, object: &SynapseSparkAttachment) -> Duration {
        let mut all = self.lock();
        let known = entry(&mut all, object);
        let pause = MIN_BACKOFF.saturating_mul(2_u32.saturating_pow(known.errors)).min(MAX_BACKOFF);
        known.errors = known.errors.saturating_add(1);
        pause
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

/// The memory of this object; an earlier object of its name is not taken into account.
fn entry<'a>(all: &'a mut HashMap<Key, Remembered>, object: &SynapseSparkAttachment) -> &'a mut Remembered {
    let known = all.entry(ObjectRef::from_obj(object)).or_default();
    if known.uid != object.uid() {
        *known = Remembered { uid: object.uid(), ..Remembered::default() };
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::SynapseSparkAttachmentSpec;
    use crate::planner::{Fault, FaultKind};
    use crate::service_error::ServiceError;

    fn object(uid: &str) -> SynapseSparkAttachment {
        let mut object = SynapseSparkAttachment::new("pool", SynapseSparkAttachmentSpec::default());
        object.metadata.uid = Some(uid.to_owned());
        object
    }

    fn silent() -> Finding<()> {
        Finding::Unknown(Fault { kind: FaultKind::Unavailable(None), error: ServiceError::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn absence_counts_from_its_first_observation_until_the_compute_shows() {
        let (memory, object, seconds) = (Memory::default(), object("u"), Duration::from_secs);
        assert_eq!(memory.observe(&object, &Finding::<()>::Absent, true).absent_for, Some(Duration::ZERO));
        tokio::time::advance(seconds(10)).await;
        assert_eq!(memory.observe(&object, &silent(), false).absent_for, None, "nobody knows now");
        tokio::time::advance(seconds(5)).await;
        assert_eq!(memory.observe(&object, &Finding::<()>::Absent, true).absent_for, Some(seconds(15)));
        assert_eq!(memory.observe(&object, &Finding::Present(()), true).absent_for, None);
        assert_eq!(memory.observe(&object, &Finding::<()>::Absent, true).absent_for, Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_lasts_until_an_answer() {
        let (memory, object, seconds) = (Memory::default(), object("u"), Duration::from_secs);
        assert_eq!(memory.observe(&object, &silent(), false).unavailable_for, Duration::ZERO);
        tokio::time::advance(seconds(60)).await;
        assert_eq!(memory.observe(&object, &silent(), false).unavailable_for, seconds(60));
        assert_eq!(memory.observe(&object, &Finding::<()>::Absent, true).unavailable_for, Duration::ZERO);
    }

    #[test]
    fn pauses_after_refusals_grow_until_one_reconcile_succeeds() {
        let (memory, one) = (Memory::default(), object("u"));
        let pauses: Vec<_> = (0..8).map(|_| memory.refused(&one).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
        memory.succeeded(&one);
        assert_eq!(memory.refused(&one).as_secs(), 5);
        assert_eq!(memory.refused(&object("another")).as_secs(), 5, "another object of that name");
    }
}
