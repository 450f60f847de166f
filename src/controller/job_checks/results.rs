//! What the checks of each attachment showed, and when they are due again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::azure::Freshness;
use crate::controller::key::Key;
use crate::planner::backoff::{JOB_CHECKS_INTERVAL, JOB_CHECKS_TTL, MIN_BACKOFF};
use crate::planner::jobs::Conclusion;
use crate::planner::{Identity, ObservedIdentity};
use crate::resource_id::{IdentityId, PoolId};

/// The checks of so many attachments are made at the same time.
const AT_ONCE: usize = 4;
/// The checks that are requested within this time share their answers: `kubectl synapse reconcile --all` requests those of many.
const REQUESTED_TOGETHER: Duration = Duration::from_secs(5);

/// What the last checks of each attachment showed. The watch removes objects that are gone.
pub(crate) struct JobChecks {
    all: Mutex<HashMap<Key, Checked>>,
    pub(super) slots: Semaphore,
    on_change: OnceLock<OnChange>,
}

type OnChange = Box<dyn Fn(&Key) + Send + Sync>;

impl Default for JobChecks {
    fn default() -> Self {
        Self { all: Mutex::default(), slots: Semaphore::new(AT_ONCE), on_change: OnceLock::new() }
    }
}

impl std::fmt::Debug for JobChecks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobChecks").field("all", &self.all).finish_non_exhaustive()
    }
}

/// What is checked, as the object wants it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    pub(super) uid: Option<String>,
    pub(super) pool: PoolId,
    pub(super) identity: Identity,
    /// Another one may not be allowed to read the same.
    pub(super) account: Option<String>,
}

/// What is checked: if it is something else, what was known of it is dropped.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subject {
    wanted: Wanted,
    kind: &'static str,
    principal: Option<String>,
    /// The principals that the compute shows. Those that the identities have now are not always read.
    user: BTreeMap<IdentityId, Option<String>>,
}

impl Subject {
    pub(super) fn new(wanted: Wanted, shown: &ObservedIdentity) -> Self {
        let user = shown.user.iter().map(|one| (one.id.clone(), one.principal_id.clone())).collect();
        Self { wanted, kind: shown.normalized_kind(), principal: shown.principal_id.clone(), user }
    }
}

/// Why checks begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// They are due.
    Due,
    /// The user requested a reconcile: Azure's answers may be from this time on.
    Requested(Instant),
}

impl Begin {
    /// How old the answers may be.
    pub(super) fn freshness(self) -> Freshness {
        Freshness::Within(match self {
            Self::Due => JOB_CHECKS_TTL,
            Self::Requested(since) => since.elapsed(),
        })
    }
}

#[derive(Debug)]
struct Checked {
    subject: Subject,
    /// What the last checks showed that Azure answered.
    conclusion: Option<Conclusion>,
    /// When these began.
    at: Option<Instant>,
    /// When the last checks ended.
    ended: Option<Instant>,
    /// The checks since then, if Azure did not answer them.
    unanswered: Option<Unanswered>,
    /// Something else was checked before, which the condition in the status may be about.
    has_changed: bool,
    is_running: bool,
    /// The user requested a reconcile while they ran: they are made once more.
    pending: Option<Instant>,
}

/// Checks that Azure did not answer.
#[derive(Debug)]
struct Unanswered {
    since: Instant,
    last: Instant,
    checks: Vec<&'static str>,
}

impl Checked {
    /// The user requests a reconcile at this time. Answers that the last checks used are not current: something may have been
    /// mended since.
    fn requested(&self, at: Instant) -> Begin {
        let since = at.checked_sub(REQUESTED_TOGETHER).unwrap_or(at);
        Begin::Requested(self.ended.map_or(since, |ended| ended.max(since)))
    }

    /// Checks that Azure does not answer are made after pauses that double.
    fn is_due(&self) -> bool {
        match (&self.unanswered, self.at) {
            (Some(one), _) => one.last.elapsed() >= (one.last - one.since).clamp(MIN_BACKOFF, JOB_CHECKS_INTERVAL),
            (None, at) => at.is_none_or(|at| at.elapsed() >= JOB_CHECKS_INTERVAL),
        }
    }

    /// What they show. Without an answer it stays valid for so long.
    fn shown(&self, patience: Duration) -> Option<Conclusion> {
        let is_lasting = |one: &Unanswered| self.has_changed || one.since.elapsed() >= patience;
        match &self.unanswered {
            Some(one) if self.conclusion.is_none() || is_lasting(one) => {
                Some(Conclusion::Unanswered { checks: one.checks.clone(), is_lasting: is_lasting(one) })
            }
            None if self.conclusion.is_none() && self.has_changed => Some(Conclusion::SubjectChanged),
            _ => self.conclusion.clone(),
        }
    }
}

impl JobChecks {
    /// Calls this with each object whose checks show something else than its status. Only the first call has an effect.
    pub(in crate::controller) fn on_change(&self, called: impl Fn(&Key) + Send + Sync + 'static) {
        let _ = self.on_change.set(Box::new(called));
    }

    pub(super) fn changed(&self, key: &Key) {
        if let Some(changed) = self.on_change.get() {
            changed(key);
        }
    }

    /// The object is gone, or its jobs are not to be checked.
    pub(crate) fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    /// What is known of this.
    pub(super) fn of(&self, key: &Key, wanted: &Wanted, patience: Duration) -> Option<Conclusion> {
        self.lock().get(key).filter(|known| known.subject.wanted == *wanted)?.shown(patience)
    }

    /// What is known, and whether checks are to be made now.
    pub(super) fn known(
        &self,
        (key, subject): (&Key, &Subject),
        is_requested: bool,
        patience: Duration,
    ) -> (Option<Conclusion>, Option<Begin>) {
        let (mut all, requested) = (self.lock(), is_requested.then(Instant::now));
        let former = all.get(key).map(|known| known.subject == *subject);
        if former != Some(true) {
            let checked = Checked {
                subject: subject.clone(),
                conclusion: None,
                at: None,
                ended: None,
                unanswered: None,
                has_changed: former.is_some(),
                is_running: false,
                pending: None,
            };
            all.insert(key.clone(), checked);
        }
        let Some(known) = all.get_mut(key) else { return (None, None) };
        let begin = match requested {
            _ if known.is_running => {
                known.pending = known.pending.or(requested);
                None
            }
            Some(at) => Some(known.requested(at)),
            None => known.is_due().then_some(Begin::Due),
        };
        known.is_running |= begin.is_some();
        (known.shown(patience), begin)
    }

    /// Checks have been made. Returns what is known now, and whether they are to be made once more.
    pub(super) fn made(
        &self,
        (key, subject): (&Key, &Subject),
        (conclusion, began): (Conclusion, Instant),
        patience: Duration,
    ) -> (Option<Conclusion>, Option<Begin>) {
        let mut all = self.lock();
        let Some(known) = all.get_mut(key).filter(|known| known.subject == *subject) else { return (None, None) };
        if let Conclusion::Unanswered { checks, .. } = conclusion {
            let since = known.unanswered.as_ref().map_or(began, |one| one.since);
            known.unanswered = Some(Unanswered { since, last: Instant::now(), checks });
        } else {
            (known.at, known.conclusion) = (Some(began), Some(conclusion));
            (known.unanswered, known.has_changed) = (None, false);
        }
        // Later than all of their answers, also where these took no time.
        known.ended = Some(Instant::now() + Duration::from_millis(1));
        let again = known.pending.take().map(|at| known.requested(at));
        known.is_running = again.is_some();
        (known.shown(patience), again)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Checked>> {
        // Each value is complete after each statement, so it is valid after a panic, too.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
