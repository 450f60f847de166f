//! The checks for Spark jobs of attachments with `spec.jobChecks`: when they are made, and what they showed.
//!
//! They are made beside the reconciles, a few at a time: no reconcile waits for them, and their requests come last in each line.
//! A reconcile reports what the last ones showed, and a change leads to one. If this is lost in a restart, they are made again.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use crate::api::SynapseSparkAttachment;
use crate::azure::{self, Freshness};
use crate::controller::key::{Key, key_of};
use crate::controller::observe::{Known, is_annotated, job_facts_of};
use crate::planner::backoff::{JOB_CHECKS_INTERVAL, JOB_CHECKS_TTL};
use crate::planner::jobs::facts::AttachedCompute;
use crate::planner::jobs::{Conclusion, check};
use crate::planner::status::condition;
use crate::planner::status::jobs_ready::JOBS_READY;
use crate::planner::{Attached, Decision, Goal, Identity, Observed, ObservedIdentity, Step};
use crate::resource_id::PoolId;

/// The checks of so many attachments are made at the same time.
const AT_ONCE: usize = 4;
/// What Azure has not answered by then is read at the next resync: others wait.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the last checks of each attachment showed. The watch removes objects that are gone.
pub(crate) struct JobChecks {
    all: Mutex<HashMap<Key, Checked>>,
    slots: Semaphore,
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

/// What is checked: if it is something else, what was known of it is dropped.
#[derive(Debug, Clone, PartialEq)]
struct Subject {
    uid: Option<String>,
    pool: PoolId,
    wanted: Identity,
    identity: ObservedIdentity,
    /// Another one may not be allowed to read the same.
    account: Option<String>,
}

#[derive(Debug)]
struct Checked {
    subject: Subject,
    conclusion: Option<Conclusion>,
    /// When the last checks began that Azure answered.
    at: Option<Instant>,
    is_running: bool,
    /// The user requested a reconcile while they ran: they are made once more.
    is_requested: bool,
}

/// Checks that are made.
struct Run {
    checks: Arc<JobChecks>,
    key: Key,
    subject: Subject,
    azure: azure::Client,
    goal: Attached,
    known: Known,
    shown: Option<Condition>,
    now: Timestamp,
}

/// Takes what is known of the checks of an attachment into the observation, and begins to make them if they are due.
pub(super) fn observe(
    checks: &Arc<JobChecks>,
    azure: &azure::Client,
    (object, goal): (&SynapseSparkAttachment, &Goal),
    (observed, decision): (&mut Observed, &Decision),
    now: Timestamp,
) {
    let Goal::Attached(goal) = goal else { return };
    let key = key_of(object);
    if !goal.checks_jobs {
        return checks.forget(&key);
    }
    // Before, other requests matter more, and the identity may not exist.
    let (Step::Done, Some(compute)) = (&decision.step, observed.compute.present()) else { return };
    let Some(pool) = observed.dependencies.resolve(&goal.pool) else { return };
    let subject = Subject {
        uid: object.metadata.uid.clone(),
        pool: pool.clone(),
        wanted: goal.identity.clone(),
        identity: compute.identity.clone(),
        account: object.spec.service_account_name.clone(),
    };
    let (conclusion, begin) = checks.known(&key, &subject, is_annotated(object));
    if let Some(freshness) = begin {
        let attached = AttachedCompute { state: compute.details.state.clone(), identity: compute.identity.clone() };
        let run = Run {
            checks: checks.clone(),
            subject,
            // Without a turn: what no object waits for comes last.
            azure: azure.with_notice(|_| ()),
            goal: goal.clone(),
            known: Known { attached: Ok(Some(attached)), pool: Ok(pool) },
            shown: object.status.as_ref().and_then(|status| condition(status, JOBS_READY).cloned()),
            now,
            key,
        };
        let span = tracing::info_span!("job_checks", namespace = goal.owner.namespace, name = goal.owner.name);
        tokio::spawn(run.make(freshness).instrument(span));
    }
    observed.object.job_checks = conclusion;
}

impl JobChecks {
    /// Calls this with each object whose checks show something else than its status. Only the first call has an effect.
    pub(super) fn on_change(&self, called: impl Fn(&Key) + Send + Sync + 'static) {
        let _ = self.on_change.set(Box::new(called));
    }

    /// The object is gone, or its jobs are not to be checked.
    pub(crate) fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    /// What is known; and if the checks are due, from answers of which age they are to be made.
    fn known(&self, key: &Key, subject: &Subject, is_requested: bool) -> (Option<Conclusion>, Option<Freshness>) {
        let mut all = self.lock();
        if all.get(key).is_none_or(|known| known.subject != *subject) {
            let subject = subject.clone();
            all.insert(key.clone(), Checked { subject, conclusion: None, at: None, is_running: false, is_requested: false });
        }
        let Some(known) = all.get_mut(key) else { return (None, None) };
        let is_due = is_requested || known.at.is_none_or(|at| at.elapsed() >= JOB_CHECKS_INTERVAL);
        let begin = match (known.is_running, is_due) {
            (true, _) => {
                known.is_requested |= is_requested;
                None
            }
            (false, true) if is_requested => Some(Freshness::Now),
            (false, true) => Some(Freshness::Within(JOB_CHECKS_TTL)),
            (false, false) => None,
        };
        known.is_running |= begin.is_some();
        (known.conclusion.clone(), begin)
    }

    /// Checks have been made. Returns whether they are to be made once more.
    fn made(&self, key: &Key, subject: &Subject, conclusion: &Conclusion, began: Instant) -> bool {
        let mut all = self.lock();
        let Some(known) = all.get_mut(key).filter(|known| known.subject == *subject) else { return false };
        if *conclusion == Conclusion::Unanswered {
            known.at = None;
            known.conclusion.get_or_insert(Conclusion::Unanswered);
        } else {
            (known.at, known.conclusion) = (Some(began), Some(conclusion.clone()));
        }
        known.is_running = std::mem::take(&mut known.is_requested);
        known.is_running
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Checked>> {
        // Each value is complete after each statement, so it is valid after a panic, too.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    async fn make(self, mut freshness: Freshness) {
        loop {
            let (began, conclusion) = self.once(freshness).await;
            let is_repeated = self.checks.made(&self.key, &self.subject, &conclusion, began);
            if !conclusion.is_reported_by(self.shown.as_ref())
                && let Some(changed) = self.checks.on_change.get()
            {
                changed(&self.key);
            }
            if !is_repeated {
                return;
            }
            freshness = Freshness::Now;
        }
    }

    async fn once(&self, freshness: Freshness) -> (Instant, Conclusion) {
        // It is never closed.
        let _slot = self.checks.slots.acquire().await;
        let began = Instant::now();
        let facts = job_facts_of(&self.azure, &self.goal, self.known.clone(), (freshness, self.now));
        // A bug in the checks of one attachment affects no other, and the panic is logged where it occurs.
        let facts = AssertUnwindSafe(timeout(PATIENCE, Box::pin(facts))).catch_unwind().await;
        let conclusion = match facts {
            Ok(Ok(facts)) => Conclusion::of(&check(&facts)),
            Ok(Err(_)) | Err(_) => Conclusion::Unanswered,
        };
        (began, conclusion)
    }
}
