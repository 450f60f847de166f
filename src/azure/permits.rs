//! How a client takes its permits: for whom it sends requests, and how long it waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::azure::error::Error;
use crate::azure::throttle::{Admission, Asked, Class, Key, Kind, Permit, Resource, Throttle, Turn};

/// The longest time that a command, which has no queue, waits for a permit.
const MAX_WAIT: Duration = Duration::from_mins(5);
/// A command requests its permit again after this time at the latest, because it may be available early.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How a client takes its permits.
#[derive(Clone)]
pub(super) struct Permits {
    pub(super) throttle: Arc<Throttle>,
    who: Who,
    /// A permit that was taken before its request was known.
    reserved: Option<Arc<Mutex<Option<Permit>>>>,
}

/// For whom a client sends requests.
#[derive(Clone)]
enum Who {
    /// For a command, which waits, and calls this when it has to.
    Command(fn(Duration)),
    /// For what comes last, and does not wait: while it waited, others would wait for its answer.
    Last,
    /// For an object, which gets a place in line.
    Object {
        turn: Arc<Turn>,
        /// Whether it has had a permit already: a reconcile needs several reads, and none is of use without the next one.
        has_begun: Arc<AtomicBool>,
    },
}

impl Permits {
    /// For a command.
    pub(super) const fn new(throttle: Arc<Throttle>) -> Self {
        Self { throttle, who: Who::Command(|_| ()), reserved: None }
    }

    /// For an object.
    pub(super) fn with_turn(&self, turn: Turn) -> Self {
        Self { who: Who::Object { turn: Arc::new(turn), has_begun: Arc::default() }, ..self.clone() }
    }

    /// With a request of this urgency.
    pub(super) fn with_class(&self, class: Class) -> Self {
        let who = match &self.who {
            Who::Object { turn, has_begun } => {
                Who::Object { turn: Arc::new(Turn { class, ..(**turn).clone() }), has_begun: has_begun.clone() }
            }
            who @ (Who::Command(_) | Who::Last) => who.clone(),
        };
        Self { who, ..self.clone() }
    }

    /// For a command, which calls this when it has to wait.
    pub(super) fn with_notice(&self, notify: fn(Duration)) -> Self {
        Self { who: Who::Command(notify), ..self.clone() }
    }

    /// For what comes last, and does not wait.
    pub(super) fn without_waiting(&self) -> Self {
        Self { who: Who::Last, ..self.clone() }
    }

    /// With this permit for the next request of its bucket.
    pub(super) fn with_reserved(&self, permit: Permit) -> Self {
        Self { reserved: Some(Arc::new(Mutex::new(Some(permit)))), ..self.clone() }
    }

    /// The reserved permit, if it is one of this bucket.
    pub(super) fn take_reserved(&self, key: &Key) -> Option<Permit> {
        let mut slot = self.reserved.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        slot.take_if(|permit| permit.key() == key)
    }

    /// A permit of this bucket, at the time from which it may be used; and whether it was waited for.
    pub(super) async fn take(&self, key: &Key, resource: &Resource) -> Result<(Permit, bool), Error> {
        let started = Instant::now();
        let mut is_notified = false;
        loop {
            let now = Instant::now();
            let (turn, has_begun) = match &self.who {
                Who::Command(_) | Who::Last => (None, false),
                Who::Object { turn, has_begun } => {
                    let is_next_read = key.kind == Kind::Read && has_begun.load(Ordering::Relaxed);
                    (Some(&**turn), turn.is_resumed || is_next_read)
                }
            };
            match (self.throttle.ask(Asked { key, resource, turn, has_begun }, now), &self.who) {
                (Admission::Admitted(permit, at), who) => {
                    if at > now {
                        tokio::time::sleep_until(at).await;
                    }
                    if let Who::Object { has_begun, .. } = who {
                        has_begun.store(true, Ordering::Relaxed);
                    }
                    return Ok((permit, at > now || is_notified));
                }
                (Admission::Closed(left), _) => return Err(Error::paused(left)),
                (Admission::Queued(wait), Who::Object { .. } | Who::Last) => return Err(Error::queued(wait)),
                (Admission::Queued(wait), Who::Command(_)) if now - started + wait > MAX_WAIT => return Err(Error::queued(wait)),
                (Admission::Queued(wait), Who::Command(notify)) => {
                    if !std::mem::replace(&mut is_notified, true) {
                        notify(wait);
                    }
                    tokio::time::sleep(wait.min(ASK_AGAIN)).await;
                }
            }
        }
    }
}
