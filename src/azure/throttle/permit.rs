//! The buckets of this process, and the permits taken from them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::azure::metrics::Metrics;
use crate::azure::throttle::bucket::Bucket;
use crate::azure::throttle::gate::{Gate, Turned};
use crate::azure::throttle::hold::Holds;
use crate::azure::throttle::key::Key;
use crate::azure::throttle::limits::{Limit, Limits};
use crate::azure::throttle::lowest::Lowest;
use crate::azure::throttle::resource::Resource;
use crate::azure::throttle::turn::{Class, Object, Turn};

/// With more buckets than this, those that are full and unused are dropped.
const MANY_BUCKETS: usize = 1_000;
/// A bucket that Azure closed without a pause stays closed for this long, to avoid a hot loop.
const MIN_CLOSED: Duration = Duration::from_secs(1);

/// The buckets of this process, shared by all its clients: they belong to principals, of which several clients may be one.
pub(crate) struct Throttle {
    limits: Limits,
    metrics: Metrics,
    state: Mutex<State>,
    on_turn: OnceLock<OnTurn>,
}

type OnTurn = Box<dyn Fn(&Object) + Send + Sync>;

#[derive(Debug, Default)]
struct State {
    gates: HashMap<Key, Gate>,
    /// In which lines an object has a place.
    places: HashMap<Object, Vec<Key>>,
    holds: Holds,
    lowest: HashMap<&'static str, Lowest>,
}

/// A request for a permit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) key: &'a Key,
    /// What the request is about.
    pub(crate) resource: &'a Resource,
    /// For whom; none for a command, which waits by itself.
    pub(crate) turn: Option<&'a Turn>,
    /// Whether it goes first: what has begun is finished before others begin.
    pub(crate) has_begun: bool,
}

/// The answer to a request for a permit.
#[derive(Debug)]
pub(crate) enum Admission {
    /// The permit, and from when on the request may be sent: within a second.
    Admitted(Permit, Instant),
    /// There is a place in line. Its turn is expected after this time.
    Queued(Duration),
    /// Azure requires a pause, which lasts for this time.
    Closed(Duration),
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Throttle {
    pub(crate) fn new(limits: Limits, metrics: Metrics) -> Self {
        Self { limits, metrics, state: Mutex::default(), on_turn: OnceLock::new() }
    }

    /// Calls this with each waiting object whose turn comes before it expected it. Only the first call of this method counts.
    pub(crate) fn on_turn(&self, called: impl Fn(&Object) + Send + Sync + 'static) {
        let _ = self.on_turn.set(Box::new(called));
    }

    /// Requests a permit.
    pub(crate) fn ask(self: &Arc<Self>, asked: Asked<'_>, now: Instant) -> Admission {
        let Asked { key, resource, turn, has_begun } = asked;
        let mut state = self.lock();
        if let Some(left) = state.holds.held_for(&key.principal, resource, now) {
            return Admission::Closed(left);
        }
        let turned = self.change(&mut state, key, now, |gate| gate.ask(turn, has_begun, now));
        if let Some(turn) = turn {
            state.note_place(&turn.object, key);
        }
        drop(state);
        match turned {
            Turned::Closed(left) => Admission::Closed(left),
            Turned::Queued(at) => Admission::Queued(at.saturating_duration_since(now)),
            Turned::Admitted { at, since } => {
                if let Some((since, turn)) = since.zip(turn) {
                    self.metrics.has_waited(turn.class, at.saturating_duration_since(since));
                }
                Admission::Admitted(Permit { throttle: self.clone(), key: key.clone(), state: Taken::Unsent }, at)
            }
        }
    }

    /// When the turn of an object that waits is expected, from now; none if it may ask again now.
    pub(crate) fn turn_of(&self, object: &Object, now: Instant) -> Option<Duration> {
        let mut state = self.lock();
        let keys = state.places.get(object)?.clone();
        let turn_of = |key| self.change(&mut state, key, now, |gate| gate.turn_of(object, now));
        let at = keys.iter().filter_map(turn_of).max();
        at.map(|at| at.saturating_duration_since(now))
    }

    /// An object waits no longer.
    pub(crate) fn withdraw(&self, object: &Object, now: Instant) {
        let mut called = Vec::new();
        let mut state = self.lock();
        for key in state.places.remove(object).unwrap_or_default() {
            self.change(&mut state, &key, now, |gate| {
                gate.line.leave(object);
                called.append(&mut gate.call(now));
            });
        }
        drop(state);
        self.call(&called);
    }

    /// Changes a gate, and counts who waits before it.
    fn change<T>(&self, state: &mut State, key: &Key, now: Instant, change: impl FnOnce(&mut Gate) -> T) -> T {
        if !state.gates.contains_key(key) {
            if state.gates.len() >= MANY_BUCKETS {
                state.gates.retain(|_, gate| {
                    gate.bucket.refill(now);
                    !(gate.line.is_empty() && gate.bucket.is_idle(now))
                });
            }
            let limit = if key.scope.level().is_none() { Limit::Unknown } else { self.limits.of(key.kind) };
            state.gates.insert(key.clone(), Gate::new(Bucket::new(limit, self.limits.share, now)));
        }
        let gate = state.gates.get_mut(key).expect("it was there, or was just made");
        let before = gate.waiting();
        let changed = change(gate);
        for (class, (before, after)) in Class::ALL.into_iter().zip(before.into_iter().zip(gate.waiting())) {
            self.metrics.waiting(class, before, after);
        }
        changed
    }

    fn call(&self, objects: &[Object]) {
        if let Some(on_turn) = self.on_turn.get() {
            objects.iter().for_each(on_turn);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change leaves a state that is valid, also after a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Keeps the index of the places of an object.
    fn note_place(&mut self, object: &Object, key: &Key) {
        let has_place = self.gates.get(key).is_some_and(|gate| gate.line.place(object).is_some());
        match self.places.get_mut(object) {
            Some(keys) if has_place && keys.contains(key) => {}
            Some(keys) if has_place => keys.push(key.clone()),
            Some(keys) => {
                keys.retain(|one| one != key);
                if keys.is_empty() {
                    self.places.remove(object);
                }
            }
            None if has_place => drop(self.places.insert(object.clone(), vec![key.clone()])),
            None => {}
        }
    }
}

/// Why Azure refused a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// By a limit of the service itself.
    ByLimit(Duration),
    /// By a resource provider of Azure Resource Manager.
    ByProvider(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Unsent,
    InFlight(u64),
    Answered,
}

/// A permit for one request. If it is not used, the bucket gets it back.
#[derive(Debug)]
pub(crate) struct Permit {
    throttle: Arc<Throttle>,
    key: Key,
    state: Taken,
}

impl Permit {
    /// The bucket that it is from.
    pub(crate) const fn key(&self) -> &Key {
        &self.key
    }

    /// The request is sent now.
    ///
    /// # Errors
    ///
    /// How long Azure requires to wait, if it has answered so since the permit was taken.
    pub(crate) fn send(&mut self, resource: &Resource, now: Instant) -> Result<(), Duration> {
        let mut state = self.throttle.lock();
        let held = state.holds.held_for(&self.key.principal, resource, now);
        let sent = self.throttle.change(&mut state, &self.key, now, |gate| match held.or(gate.bucket.closed_for(now)) {
            Some(left) => Err(left),
            None => Ok(gate.bucket.send()),
        });
        self.state = Taken::InFlight(sent?);
        self.throttle.metrics.permit(self.key.kind);
        Ok(())
    }

    /// Azure answered: what remains by its headers, and its refusal, if it was one.
    pub(crate) fn answered(mut self, remaining: Option<u32>, refused: Option<Refused>, resource: &Resource, now: Instant) {
        let Taken::InFlight(number) = std::mem::replace(&mut self.state, Taken::Answered) else { return };
        let mut state = self.throttle.lock();
        let closed = match refused {
            Some(Refused::ByLimit(pause)) => Some(pause),
            Some(Refused::ByProvider(pause)) => state.holds.refused(&self.key, resource, pause, now).then_some(pause),
            None => None,
        };
        let (longer, called) = self.throttle.change(&mut state, &self.key, now, |gate| {
            gate.bucket.answered(number, remaining, now);
            let longer = closed.map(|pause| gate.bucket.close(pause.max(MIN_CLOSED), now));
            (longer, gate.call(now))
        });
        let kind = self.key.kind;
        let lowest = remaining.map(|remaining| state.lowest.entry(kind.as_str()).or_default().record(&self.key, remaining, now));
        drop(state);
        let metrics = &self.throttle.metrics;
        if let Some(lowest) = lowest {
            metrics.remaining(kind, lowest);
        }
        if let Some(longer) = longer {
            metrics.throttled(kind, longer);
        }
        self.throttle.call(&called);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut state = self.throttle.lock();
        let called = match self.state {
            Taken::Answered => return,
            Taken::Unsent => self.throttle.change(&mut state, &self.key, now, |gate| {
                gate.bucket.give_back();
                gate.call(now)
            }),
            Taken::InFlight(number) => self.throttle.change(&mut state, &self.key, now, |gate| {
                gate.bucket.unanswered(number);
                gate.call(now)
            }),
        };
        drop(state);
        self.throttle.call(&called);
    }
}
