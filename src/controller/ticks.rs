//! When objects are observed again: those of a workspace at the same time, so that one LIST answers all of them.
//!
//! The times follow from when the process started and from a hash of the workspace's ID: nothing is stored, all objects of a
//! workspace come together, and workspaces are spread.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::api::SynapseSparkAttachment;
use crate::controller::group::Group;
use crate::controller::key::{Key, key_of};
use crate::planner::Requeue;
use crate::planner::backoff::{DUE_FRESHNESS, FRESH_ENOUGH, LONGEST_TICK, Pace, RESYNC_SPREAD};
use crate::resource_id::WorkspaceId;

/// A tick that is closer than this is skipped: a timer may fire a little early, and would then fire twice.
const MIN_DISTANCE: Duration = Duration::from_millis(500);
/// Times within this interval count as one, so that there are few to count, and a timer that fires a little early counts.
const GRAIN: Millis = 100;

/// When each object is due, and how many of a workspace are due now. The watch and the reconciles keep it up to date.
#[derive(Debug)]
pub(crate) struct Ticks {
    /// When the process started: the clock of the system may be set back, and ticks continue.
    start: Instant,
    state: Mutex<State>,
}

/// Milliseconds since the start.
type Millis = u64;

#[derive(Debug, Default)]
struct State {
    objects: HashMap<Key, Due>,
    groups: HashMap<Arc<Group>, Members>,
}

/// When an object is due.
#[derive(Debug)]
struct Due {
    group: Arc<Group>,
    at: Millis,
    /// A change led to it, and not the end of a pause.
    is_changed: bool,
    /// Its reconcile has begun.
    is_begun: bool,
    /// It waits for an operation.
    is_polling: bool,
}

#[derive(Debug, Default)]
struct Members {
    /// How many are due at each time.
    due: BTreeMap<Millis, usize>,
    polling: usize,
}

/// What a reconcile requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// How old an answer may be.
    pub(crate) max_age: Duration,
    /// How many objects of its workspace and identity are due, this one among them.
    pub(crate) sharers: usize,
}

impl Default for Ticks {
    fn default() -> Self {
        Self { start: Instant::now(), state: Mutex::default() }
    }
}

impl Ticks {
    /// A change of this object leads to a reconcile.
    pub(crate) fn changed(&self, object: &SynapseSparkAttachment) {
        let now = self.now();
        self.lock().set(key_of(object), Group::of(object), now - now % GRAIN, (true, false));
    }

    /// The reconcile of this object begins.
    pub(crate) fn turn(&self, object: &SynapseSparkAttachment) -> Turn {
        let (now, mut state) = (self.now() + GRAIN, self.lock());
        let State { objects, groups } = &mut *state;
        let Some(due) = objects.get_mut(&key_of(object)) else { return Turn { max_age: FRESH_ENOUGH, sharers: 1 } };
        due.is_begun = true;
        // A reconcile that comes before its time has another reason.
        let (waited, is_changed) = now.checked_sub(due.at).map_or((0, true), |waited| (waited, due.is_changed));
        let slack = if is_changed { FRESH_ENOUGH } else { DUE_FRESHNESS };
        let others = groups.get(&due.group).map_or(0, |members| members.due_by(now));
        Turn { max_age: Duration::from_millis(waited) + slack, sharers: others.max(1) }
    }

    /// The reconcile of this object has ended. Returns the pause before the next one.
    pub(crate) fn next(&self, object: &SynapseSparkAttachment, requeue: Requeue, resync: Duration) -> Duration {
        let (now, key, group) = (self.now(), key_of(object), Group::of(object));
        let mut state = self.lock();
        // It is due for a change that came while it was reconciled.
        let is_due = state.objects.get(&key).is_some_and(|due| due.is_changed && !due.is_begun);
        if !is_due {
            state.remove(&key);
        }
        let is_alone = group.as_ref().and_then(|group| state.groups.get(group)).is_none_or(|members| members.is_idle(now));
        let pause = match (requeue.pace(resync, is_alone), &group) {
            (Pace::Tick(period), Some(group)) => until_tick(now, &group.workspace, period),
            (Pace::Resync(interval), Some(group)) => until_resync(now, &group.workspace, interval),
            (Pace::After(pause) | Pace::Tick(pause) | Pace::Resync(pause), _) => pause,
        };
        if !is_due {
            state.set(key, group, now.saturating_add(millis(pause)), (false, matches!(requeue, Requeue::Polling(_))));
        }
        pause
    }

    /// The reconcile of this object is postponed.
    pub(crate) fn postponed(&self, object: &SynapseSparkAttachment, pause: Duration) {
        let at = self.now().saturating_add(millis(pause));
        self.lock().set(key_of(object), Group::of(object), at, (false, false));
    }

    /// How many objects are due, and their reconciles have not begun.
    pub(crate) fn waiting(&self) -> usize {
        let (now, state) = (self.now(), self.lock());
        state.objects.values().filter(|due| due.at <= now && !due.is_begun).count()
    }

    /// The object is gone.
    pub(crate) fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    fn now(&self) -> Millis {
        millis(self.start.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A wrong number of objects that are due costs one request at most.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    /// How many are due by this time.
    fn due_by(&self, now: Millis) -> usize {
        self.due.range(..=now).map(|(_, count)| count).sum()
    }

    /// Whether no object waits for an operation, and none is due that may begin one.
    fn is_idle(&self, now: Millis) -> bool {
        self.polling == 0 && self.due_by(now) == 0
    }
}

impl State {
    fn set(&mut self, key: Key, group: Option<Group>, at: Millis, (is_changed, is_polling): (bool, bool)) {
        self.remove(&key);
        let Some(group) = group else { return };
        let group = self.groups.get_key_value(&group).map_or_else(|| Arc::new(group), |(known, _)| known.clone());
        let members = self.groups.entry(group.clone()).or_default();
        *members.due.entry(at).or_default() += 1;
        members.polling += usize::from(is_polling);
        self.objects.insert(key, Due { group, at, is_changed, is_begun: false, is_polling });
    }

    fn remove(&mut self, key: &Key) {
        let Some(due) = self.objects.remove(key) else { return };
        let Some(members) = self.groups.get_mut(&due.group) else { return };
        members.polling -= usize::from(due.is_polling);
        if let Some(count) = members.due.get_mut(&due.at) {
            *count -= 1;
            if *count == 0 {
                members.due.remove(&due.at);
            }
        }
        if members.due.is_empty() {
            self.groups.remove(&due.group);
        }
    }
}

/// How long until a workspace's next tick. The ticks of each period are among those of its divisors.
fn until_tick(now: Millis, workspace: &WorkspaceId, period: Duration) -> Duration {
    until(now, millis(period), hash(workspace) % millis(LONGEST_TICK))
}

/// How long until a workspace's next resync.
fn until_resync(now: Millis, workspace: &WorkspaceId, interval: Duration) -> Duration {
    let hash = hash(workspace);
    // From -1 to 1.
    let spread = f64::from(u32::try_from(hash >> 32).unwrap_or_default()) / f64::from(u32::MAX) * 2.0 - 1.0;
    let period = millis(interval.mul_f64(1.0 + RESYNC_SPREAD * spread)).max(1);
    until(now, period, hash % period)
}

/// How long until the next of the times that are `phase` after a multiple of the period.
fn until(now: Millis, period: Millis, phase: Millis) -> Duration {
    let after = now + millis(MIN_DISTANCE).min(period / 10);
    let since_last = (after + period - phase % period) % period;
    Duration::from_millis(after + period - since_last - now)
}

fn hash(workspace: &WorkspaceId) -> u64 {
    let mut hasher = DefaultHasher::new();
    workspace.hash(&mut hasher);
    hasher.finish()
}

fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
