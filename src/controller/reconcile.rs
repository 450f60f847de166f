//! One reconcile of one object, in two visible rounds: observe and decide; before a write, observe live and decide again.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::controller::Action;
use tokio::time::Instant;

use crate::api::SynapseSparkAttachment;
use crate::azure::{self, Freshness, Source};
use crate::controller::context::{Context, Error};
use crate::controller::observe::{ComputeReading, Reading, is_annotated, is_reconcile_requested, observe};
use crate::controller::report::{Draft, report, report_intent, report_outcome};
use crate::controller::{execute, finalizer};
use crate::planner::backoff::FRESH_ENOUGH;
use crate::planner::status::failure::history;
use crate::planner::{Decision, Finding, Goal, Observed, RoleAssignment, Step, Write, WriteResult, decide};

/// Reconciles one object. A defect of the operator is reported like any other finding, and stops no other object.
///
/// # Errors
///
/// [`Error`] if Kubernetes refuses a write, so that no status can report it.
#[tracing::instrument(name = "reconcile", skip_all, fields(namespace = object.namespace(), name = object.name_any()))]
pub async fn reconcile(object: Arc<SynapseSparkAttachment>, ctx: Arc<Context>) -> Result<Action, Error> {
    let clock = Clock::read();
    let decision = match Box::pin(AssertUnwindSafe(rounds(&object, &ctx, clock)).catch_unwind()).await {
        Ok(decision) => {
            let decision = decision?;
            ctx.metrics.reconciled(decision.step.name(), clock.at.elapsed());
            decision
        }
        Err(panic) => {
            let what = panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
            let what = what.unwrap_or_else(|| "a panic without a message".to_owned());
            ctx.metrics.reconcile_panicked();
            tracing::error!(what, "reconcile panicked");
            report_defect(&object, &ctx, what, clock.now()).await?
        }
    };
    ctx.objects.memory.succeeded(&object);
    Ok(Action::requeue(ctx.objects.ticks.next(&object, decision.requeue, ctx.resync)))
}

/// The clock of a reconcile: it is read once, and the time that passes is measured. A reconcile may take minutes.
#[derive(Clone, Copy)]
struct Clock {
    started: Timestamp,
    at: Instant,
}

impl Clock {
    fn read() -> Self {
        Self { started: Timestamp::now(), at: Instant::now() }
    }

    fn now(self) -> Timestamp {
        self.started.checked_add(self.at.elapsed()).unwrap_or(self.started)
    }
}

/// Reports a defect. The reconcile may have stored a write intent before it panicked: then the defect is reported over the live
/// object, since the intent must stay.
async fn report_defect(object: &SynapseSparkAttachment, ctx: &Context, what: String, now: Timestamp) -> Result<Decision, Error> {
    let decision = defective(object, what.clone(), now);
    match report_caught(object, ctx, &decision, now).await {
        Err(Error::Conflict) => {}
        other => return other.map(|()| decision),
    }
    let Some(live) = ctx.read(object).await?.filter(|live| live.uid() == object.uid()) else { return Ok(decision) };
    let decision = defective(&live, what, now);
    report_caught(&live, ctx, &decision, now).await.map(|()| decision)
}

fn defective(object: &SynapseSparkAttachment, what: String, now: Timestamp) -> Decision {
    let failure = object.status.as_ref().and_then(|status| status.failure.as_ref());
    Decision::defective(what, failure.map(|failure| history(failure, now).failing_for).unwrap_or_default())
}

async fn report_caught(object: &SynapseSparkAttachment, ctx: &Context, decision: &Decision, now: Timestamp) -> Result<(), Error> {
    let draft = Draft { object, goal: None, observed: None, now };
    AssertUnwindSafe(report(ctx, &draft, decision)).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("reporting the panic failed too");
        Ok(())
    })
}

/// What was observed and decided for one version of an object.
struct Evaluation {
    object: SynapseSparkAttachment,
    goal: Goal,
    observed: Observed,
    decision: Decision,
    /// How the compute was read, and where the answer came from.
    read: (ComputeReading, Option<Source>),
}

impl Evaluation {
    fn draft(&self, now: Timestamp) -> Draft<'_> {
        Draft { object: &self.object, goal: Some(&self.goal), observed: Some(&self.observed), now }
    }
}

/// What Azure refuses is a finding, not an error: it ends in the status, where the user reads it.
async fn rounds(object: &SynapseSparkAttachment, ctx: &Context, clock: Clock) -> Result<Decision, Error> {
    let goal = match Goal::of(object, &ctx.cluster) {
        Ok(goal) => goal,
        Err(invalid) => {
            let decision = Decision::invalid(&invalid);
            report(ctx, &Draft { object, goal: None, observed: None, now: clock.started }, &decision).await?;
            return Ok(decision);
        }
    };
    if is_reconcile_requested(object) {
        ctx.objects.claims.verify_all(object);
    }
    let pending = ctx.objects.claims.others(object).pending_verification;
    let azure = &*ctx.identities.of(object, identity_freshness(object, &goal), &ctx.kube, &ctx.azure).await;
    let reading = Reading::first(object, &goal, ctx.objects.ticks.turn(object));
    let first = evaluate(ctx, azure, (object.clone(), goal), reading, clock.started).await;
    let evaluation = if first.decision.step.needs_confirmation() { confirm(ctx, azure, first, clock).await? } else { first };
    let (decision, assigned) = carry_out(ctx, azure, &evaluation, clock).await?;
    let wants_role = matches!(&evaluation.goal, Goal::Attached(goal) if goal.role.is_some());
    let roles = &evaluation.observed.roles;
    let resolved: Vec<_> = pending.into_iter().filter(|one| one.is_resolved(wants_role, roles, assigned.as_ref())).collect();
    ctx.objects.claims.resolve(object, &resolved);
    Ok(decision)
}

/// How fresh what is known of the object's identity must be: a user who requests a reconcile expects the current one, and a
/// deletion takes the account with it.
fn identity_freshness(object: &SynapseSparkAttachment, goal: &Goal) -> Freshness {
    match goal {
        Goal::Attached(_) if !is_annotated(object) => Freshness::Within(FRESH_ENOUGH),
        Goal::Attached(_) | Goal::Detached(_) => Freshness::Now,
    }
}

/// Observes and decides.
async fn evaluate(
    ctx: &Context,
    azure: &azure::Client,
    (object, goal): (SynapseSparkAttachment, Goal),
    mut reading: Reading,
    now: Timestamp,
) -> Evaluation {
    let others = ctx.objects.claims.others(&object);
    if ctx.objects.memory.is_confirming_absence(&object) {
        reading.compute = ComputeReading::Own(Freshness::NowOnNewConnection);
    }
    let (mut observed, source) = observe(azure, &object, &goal, others, (reading, now)).await;
    let spans = ctx.objects.memory.observe(&object, &observed);
    observed.absent_for = spans.absent;
    if let Some(operation) = &mut observed.operation {
        operation.ended_for = spans.ended;
    }
    observed.object.unavailable_for = spans.unavailable;
    observed.object.safety.losses = ctx.objects.workspaces.observe(&object, &goal, &observed);
    let decision = decide(&goal, &observed);
    ctx.objects.memory.decided(&object, &decision);
    Evaluation { object, goal, observed, decision, read: (reading.compute, source) }
}

/// The second round: reads object and compute live, and decides again. The write is carried out only if both rounds agree.
///
/// A stale cache, after a restart or from an API server that lags itself, must do no harm.
async fn confirm(ctx: &Context, azure: &azure::Client, first: Evaluation, clock: Clock) -> Result<Evaluation, Error> {
    let live = ctx.read(&first.object).await?;
    let Some((live, goal)) = live
        .filter(|live| live.uid() == first.object.uid())
        // The observation used the identity of another ServiceAccount.
        .filter(|live| live.spec.service_account_name == first.object.spec.service_account_name)
        .and_then(|live| Goal::of(&live, &ctx.cluster).ok().map(|goal| (live, goal)))
    else {
        return Ok(Evaluation { decision: first.decision.superseded(), ..first });
    };
    let is_of_role = matches!(first.decision.step, Step::AssignRole(_) | Step::RevokeRole(_));
    let reading = Reading::before_write(confirmation(&first), is_of_role);
    let second = evaluate(ctx, azure, (live, goal), reading, clock.now()).await;
    let (decision, is_first_reported) = second.decision.confirm(&second.observed, (&first.decision, &first.observed));
    let observed = if is_first_reported { first.observed } else { second.observed };
    Ok(Evaluation { observed, decision, ..second })
}

/// How the compute is read before a write.
fn confirmation(first: &Evaluation) -> Freshness {
    match (&first.observed.compute, &first.goal, first.read) {
        // Only a new connection showed it.
        (_, _, (ComputeReading::Own(Freshness::NowOnNewConnection), _)) => Freshness::NowOnNewConnection,
        (Finding::Present(_), ..) => Freshness::Now,
        // It was never there: else a LIST would not have been enough. The GET asks in another way what the LIST has answered.
        (Finding::Absent, Goal::Attached(_), (_, Some(Source::List))) => Freshness::Now,
        // A write is about to rest on an absence.
        _ => Freshness::NowOnNewConnection,
    }
}

/// Carries out the decision and reports it. Gives the decision that was reported, and the role that was assigned.
async fn carry_out(
    ctx: &Context,
    azure: &azure::Client,
    evaluation: &Evaluation,
    clock: Clock,
) -> Result<(Decision, Option<RoleAssignment>), Error> {
    let (object, decision) = (&evaluation.object, &evaluation.decision);
    match &decision.step {
        // The watch brings the next reconcile at once, and that one has more to report.
        Step::AddFinalizer => finalizer::add(ctx, object).await?,
        Step::RemoveFinalizer => {
            finalizer::remove(ctx, object).await?;
            report(ctx, &evaluation.draft(clock.now()), decision).await?;
        }
        // A deleted object without the finalizer is left to whoever owns the other finalizers.
        Step::Wait | Step::Done => {
            if evaluation.observed.object.has_finalizer || matches!(evaluation.goal, Goal::Attached(_)) {
                report(ctx, &evaluation.draft(clock.now()), decision).await?;
            }
        }
        Step::Put(_) | Step::Detach(_) | Step::AssignRole(_) | Step::RevokeRole(_) => {
            return write(ctx, azure, evaluation, clock).await;
        }
    }
    Ok((decision.clone(), None))
}

/// A write to Azure: the intent is stored, then the write is sent, then its outcome is stored. Each has the time at which it is
/// stored, since the ten minutes in which an unanswered write may be carried out count from there.
async fn write(
    ctx: &Context,
    azure: &azure::Client,
    evaluation: &Evaluation,
    clock: Clock,
) -> Result<(Decision, Option<RoleAssignment>), Error> {
    let decision = &evaluation.decision;
    let (stored, result) = match execute::prepare(azure, &decision.step, &evaluation.goal.owner().uid).await {
        Err(fault) => (None, WriteResult::NotSent(fault)),
        Ok(None) => return Ok((decision.clone(), None)),
        Ok(Some(request)) => {
            let stored = report_intent(ctx, &evaluation.draft(clock.now()), decision).await?;
            let deadline = ctx.ensure_leader()?;
            (Some(stored), request.send(azure, deadline).await)
        }
    };
    let reported = decision.after(&result, &evaluation.observed);
    ctx.objects.memory.decided(&evaluation.object, &reported);
    report_outcome(ctx, &evaluation.draft(clock.now()), stored, (decision, &result), &reported).await?;
    let assigned = match (decision.step.write(), &result) {
        (Some(Write::AssignRole(one)), WriteResult::Accepted(_) | WriteResult::AlreadyExists) => Some(one),
        _ => None,
    };
    Ok((reported, assigned))
}
