//! The checks for Spark jobs of attachments with `spec.jobChecks`: when they are made, and what they showed.
//!
//! They are made beside the reconciles, a few at a time: no reconcile waits for them, and their requests are sent only while no other
//! one waits in line. A reconcile reports what the last ones showed, and a change leads to one. If this is lost in a restart, they
//! are made again.

mod results;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use crate::api::SynapseSparkAttachment;
use crate::azure;
use crate::controller::context::Context;
use crate::controller::key::{Key, key_of};
use crate::controller::observe::{Known, Reads, is_annotated, job_facts_of};
use crate::planner::backoff::UNAVAILABLE_RESYNCS;
use crate::planner::jobs::facts::AttachedCompute;
use crate::planner::jobs::{Conclusion, check};
use crate::planner::status::condition;
use crate::planner::status::jobs_ready::JOBS_READY;
use crate::planner::{Attached, Decision, Goal, Observed, Step};
pub(crate) use results::JobChecks;
use results::{Begin, Subject, Wanted};

/// The longest wait for one answer: the checks that do not need it are made all the same.
const READ_PATIENCE: Duration = Duration::from_secs(10);
/// The longest time for the checks of one attachment: others wait. It is longer than all answers that depend on each other.
const PATIENCE: Duration = Duration::from_secs(90);

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
    /// Without an answer, what is known stays valid for so long.
    patience: Duration,
}

/// Takes what is known of the checks of an attachment into the observation, and begins to make them if they are due.
pub(super) fn observe(
    ctx: &Context,
    azure: &azure::Client,
    (object, goal): (&SynapseSparkAttachment, &Goal),
    (observed, decision): (&mut Observed, &Decision),
    now: Timestamp,
) {
    let Goal::Attached(goal) = goal else { return };
    let (checks, key) = (&ctx.objects.job_checks, key_of(object));
    if !goal.checks_jobs {
        return checks.forget(&key);
    }
    let Some(pool) = observed.dependencies.resolve(&goal.pool) else { return };
    let wanted = Wanted {
        uid: object.metadata.uid.clone(),
        pool: pool.clone(),
        identity: goal.identity.clone(),
        account: object.spec.service_account_name.clone(),
    };
    let patience = ctx.resync.saturating_mul(UNAVAILABLE_RESYNCS);
    let shown = object.status.as_ref().and_then(|status| condition(status, JOBS_READY).cloned());
    // Before it is in sync, other requests matter more, and the identity may not exist.
    let (Step::Done, Some(compute)) = (&decision.step, observed.compute.present()) else {
        observed.object.job_checks = shown.and_then(|_| checks.of(&key, &wanted, patience));
        return;
    };
    let subject = Subject::new(wanted, &compute.identity);
    let (conclusion, begin) = checks.known((&key, &subject), is_annotated(object), patience);
    if let Some(begin) = begin {
        let attached = AttachedCompute { state: compute.details.state.clone(), identity: compute.identity.clone() };
        // This reconcile may report that the subject has changed: then whatever the checks show is news.
        let is_current = |shown: &Condition| shown.observed_generation == object.metadata.generation;
        let is_kept = !matches!(conclusion, Some(Conclusion::SubjectChanged));
        let run = Run {
            checks: checks.clone(),
            subject,
            // What no object waits for is not to make others wait.
            azure: azure.without_waiting(),
            goal: goal.clone(),
            known: Known { attached: Ok(Some(attached)), pool: Ok(pool) },
            shown: shown.filter(|shown| is_kept && is_current(shown)),
            now,
            key,
            patience,
        };
        let span = tracing::info_span!("job_checks", namespace = goal.owner.namespace, name = goal.owner.name);
        tokio::spawn(run.make(begin).instrument(span));
    }
    observed.object.job_checks = conclusion;
}

impl Run {
    async fn make(self, mut begin: Begin) {
        loop {
            let made = self.once(begin).await;
            let (known, again) = self.checks.made((&self.key, &self.subject), made, self.patience);
            if known.is_some_and(|known| !known.is_reported_by(self.shown.as_ref())) {
                self.checks.changed(&self.key);
            }
            match again {
                Some(again) => begin = again,
                None => return,
            }
        }
    }

    async fn once(&self, begin: Begin) -> (Conclusion, Instant) {
        // It is never closed.
        let _slot = self.checks.slots.acquire().await;
        let started = Instant::now();
        let reads = Reads { freshness: begin.freshness(), patience: READ_PATIENCE };
        let facts = job_facts_of(&self.azure, &self.goal, self.known.clone(), (reads, self.now));
        // A bug in the checks of one attachment affects no other, and the panic is logged where it occurs.
        let facts = AssertUnwindSafe(timeout(PATIENCE, Box::pin(facts))).catch_unwind().await;
        let conclusion = match facts {
            Ok(Ok(facts)) => Conclusion::of(&check(&facts)),
            Ok(Err(_)) | Err(_) => Conclusion::Unanswered { checks: Vec::new(), is_lasting: false },
        };
        (conclusion, started)
    }
}
