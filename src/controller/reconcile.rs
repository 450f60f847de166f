//! One reconcile of one object, in two visible rounds: observe and decide; before a write, observe live and decide again.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::controller::Action;

use crate::api::SynapseSparkAttachment;
use crate::azure::{self, Freshness};
use crate::controller::context::{Context, Error};
use crate::controller::defaults::{Filled, fill_in};
use crate::controller::observe::{Reading, is_annotated, is_reconcile_requested};
use crate::controller::report::{Draft, Reported, report, report_intent, report_outcome};
use crate::controller::rounds::{Clock, Evaluation, Settled, Version, settle};
use crate::controller::{activity_log, execute, finalizer, job_checks, lists, outputs, queue};
use crate::planner::activity_log::question;
use crate::planner::backoff::FRESH_ENOUGH;
use crate::planner::defaults::{Defaults, no_workspace};
use crate::planner::invalid::Invalid;
use crate::planner::roles::observed::PendingVerification;
use crate::planner::status::failure::history;
use crate::planner::{Cause, Decision, Finding, Goal, RoleAssignment, Step, Write, WriteResult};

/// Reconciles one object. A bug in the operator is reported like any other finding, and affects no other object.
///
/// # Errors
///
/// [`Error`] if Kubernetes refuses a write, so that no status can report it.
#[tracing::instrument(name = "reconcile", skip_all, fields(namespace = object.namespace(), name = object.name_any()))]
pub async fn reconcile(object: Arc<SynapseSparkAttachment>, ctx: Arc<Context>) -> Result<Action, Error> {
    let (clock, _running) = (Clock::read(&ctx), ctx.metrics.begin());
    let decision = match Box::pin(AssertUnwindSafe(rounds(&object, &ctx, clock)).catch_unwind()).await {
        Ok(decision) => {
            let decision = decision?;
            ctx.metrics.reconciled(decision.step.name(), clock.elapsed());
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

/// Reports a panic. The reconcile may have stored a write intent before it panicked: then the panic is reported over the live
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
    AssertUnwindSafe(report(ctx, &draft, decision)).catch_unwind().await.map_or_else(
        |_| {
            tracing::error!("reporting the panic failed too");
            Ok(())
        },
        |reported| reported.map(drop),
    )
}

/// A refusal by Azure is a finding, not an error: it is reported in the status, where the user reads it.
async fn rounds(object: &SynapseSparkAttachment, ctx: &Arc<Context>, clock: Clock) -> Result<Decision, Error> {
    let tick = ctx.objects.ticks.turn(object);
    let (goal, is_provisional) = match goal_of(object, ctx, clock.started).await? {
        Ok(goal) => goal,
        Err(decision) => {
            // What was stored, the watch shows: the next reconcile reports it.
            if decision != Decision::defaults_stored() {
                report(ctx, &Draft { object, goal: None, observed: None, now: clock.started }, &decision).await?;
            }
            return Ok(decision);
        }
    };
    if is_reconcile_requested(object) {
        ctx.objects.claims.verify_all(object);
    }
    let waiting = ctx.objects.memory.waiting(object);
    if let Some(decision) = waiting.as_ref().and_then(|waiting| queue::still_waiting(ctx, object, waiting, clock.started)) {
        report(ctx, &Draft { object, goal: Some(&goal), observed: None, now: clock.now() }, &decision).await?;
        return Ok(decision);
    }
    if waiting.is_none() {
        // It may have waited for something else, before it changed.
        ctx.azure.withdraw(&queue::object_of(object));
    }
    let pending = ctx.objects.claims.others(object).pending_verification;
    let azure = ctx.identities.of(object, identity_freshness(object, &goal), &ctx.kube, &ctx.azure).await;
    lists::subscribe(ctx, object, &azure);
    let azure = azure.with_turn(queue::turn(object, waiting.as_ref(), clock.started));
    let reading = if is_provisional { Reading::NOW } else { Reading::first(object, &goal, tick) };
    let intended = waiting.and_then(|waiting| waiting.write);
    let watched = Version::watched(object.clone(), goal);
    let mut settled = Box::pin(settle(ctx, azure, watched, (reading, intended), clock)).await?;
    if is_provisional && !matches!(settled.evaluation.observed.compute, Finding::Unknown(_)) {
        // Azure answers again: the next reconcile stores the identity.
        return Err(Error::Conflict);
    }
    if settled.evaluation.decision.step == Step::AddFinalizer
        && let Some(stored) = add_finalizer(ctx, object).await?
    {
        settled = Box::pin(settle(ctx, settled.azure, stored, (reading, None), clock)).await?;
    }
    let Settled { mut evaluation, azure, intended } = settled;
    Box::pin(ask_who_changed_it(ctx, &azure, &mut evaluation)).await;
    check_jobs(ctx, &azure, &mut evaluation, clock.now());
    let Carried { decision, assigned, reported } = carry_out(ctx, &azure, &evaluation, clock).await?;
    queue::keep(ctx, &evaluation.version.object, &decision, intended);
    verified(ctx, &evaluation, pending, assigned.as_ref());
    let retry = outputs::keep(ctx, &evaluation, &decision, reported, clock.now()).await?;
    let requeue = retry.map_or(decision.requeue, |pause| decision.requeue.within(pause));
    Ok(Decision { requeue, ..decision })
}

/// The goal of an object, with the defaults of its namespace; else the decision that ends the reconcile. Also whether the goal is
/// provisional, as long as Azure does not answer: it is there to report why, and nothing is written with it.
async fn goal_of(
    object: &SynapseSparkAttachment,
    ctx: &Context,
    now: Timestamp,
) -> Result<Result<(Goal, bool), Decision>, Error> {
    let filled = fill_in(ctx, object, now).await?;
    let (goal, is_provisional) = match filled {
        Filled::Stored => return Ok(Err(Decision::defaults_stored())),
        Filled::Refused(invalid) => return Ok(Err(Decision::without_defaults(&invalid))),
        Filled::Complete if object.spec.workspace.is_unset() && object.metadata.deletion_timestamp.is_none() => {
            return Ok(Err(Decision::without_defaults(&no_workspace(object))));
        }
        Filled::Complete => (admitted(object, ctx), false),
        Filled::Unobserved(identity) => {
            let defaults = Defaults { identity: Some(identity), ..Defaults::default() };
            (admitted(&defaults.applied_to(object.clone()), ctx), true)
        }
    };
    Ok(goal.map(|goal| (goal, is_provisional)).map_err(|invalid| Decision::invalid(&invalid)))
}

/// The goal of an object, if its shard admits it.
fn admitted(object: &SynapseSparkAttachment, ctx: &Context) -> Result<Goal, Invalid> {
    ctx.shard().admit(object).and_then(|()| Goal::of(object, &ctx.cluster))
}

/// Asks the Activity Log who changed the compute, if that is due. No request is less urgent: if it has to wait, it is not sent.
async fn ask_who_changed_it(ctx: &Context, azure: &azure::Client, evaluation: &mut Evaluation) {
    let asked = question(&evaluation.version.goal, &evaluation.observed, &evaluation.decision);
    let (Some(question), Some(unexplained)) = (asked, &mut evaluation.observed.object.unexplained) else { return };
    let azure = azure.with_turn(queue::last(&evaluation.version.object));
    unexplained.found = Some(activity_log::find(&azure, question, ctx.activity_log.names).await);
}

/// Takes into the observation what the checks for Spark jobs showed, if the spec wants them.
fn check_jobs(ctx: &Context, azure: &azure::Client, evaluation: &mut Evaluation, now: Timestamp) {
    let Evaluation { version, observed, decision, .. } = evaluation;
    job_checks::observe(ctx, azure, (&version.object, &version.goal), (observed, decision), now);
}

/// Records which of the pending role assignments were verified in this reconcile.
fn verified(ctx: &Context, evaluation: &Evaluation, pending: Vec<PendingVerification>, assigned: Option<&RoleAssignment>) {
    let wants_role = matches!(&evaluation.version.goal, Goal::Attached(goal) if goal.role.is_some());
    let roles = &evaluation.observed.roles;
    let resolved: Vec<_> = pending.into_iter().filter(|one| one.is_resolved(wants_role, roles, assigned)).collect();
    ctx.objects.claims.resolve(&evaluation.version.object, &resolved);
}

/// Adds the finalizer. Returns the object as it is stored now, to continue with; none if it has changed in another way as well.
async fn add_finalizer(ctx: &Context, object: &SynapseSparkAttachment) -> Result<Option<Version>, Error> {
    let stored = finalizer::add(ctx, object).await?;
    Ok(stored.and_then(|stored| Version::live(ctx, object, stored)))
}

/// How fresh what is known of the object's identity must be: a user who requests a reconcile expects the current one, and a
/// deletion takes the account with it.
fn identity_freshness(object: &SynapseSparkAttachment, goal: &Goal) -> Freshness {
    match goal {
        Goal::Attached(_) if !is_annotated(object) => Freshness::Within(FRESH_ENOUGH),
        Goal::Attached(_) | Goal::Detached(_) => Freshness::Now,
    }
}

/// What was carried out.
struct Carried {
    /// The decision that was reported.
    decision: Decision,
    /// The role that was assigned.
    assigned: Option<RoleAssignment>,
    /// The object after the report of a reconcile that writes nothing to Azure.
    reported: Option<Reported>,
}

/// Carries out the decision and reports it.
async fn carry_out(ctx: &Context, azure: &azure::Client, evaluation: &Evaluation, clock: Clock) -> Result<Carried, Error> {
    let (object, decision) = (&evaluation.version.object, &evaluation.decision);
    let mut reported = None;
    match &decision.step {
        // It is added, and the object has changed since: the watch brings the next reconcile.
        Step::AddFinalizer => {}
        Step::RemoveFinalizer => {
            if matches!(decision.cause, Cause::Retained) {
                ctx.objects.orphans.retained(object);
            }
            finalizer::remove(ctx, object).await?;
            // An object that stays has changed by that: the watch brings the next reconcile, which reports.
            if object.metadata.deletion_timestamp.is_some() {
                report(ctx, &evaluation.draft(clock.now()), decision).await?;
            }
        }
        // A deleted object without our finalizer is left to the owners of the other finalizers.
        Step::Wait | Step::Done => {
            if evaluation.observed.object.has_finalizer || matches!(evaluation.version.goal, Goal::Attached(_)) {
                reported = Some(report(ctx, &evaluation.draft(clock.now()), decision).await?);
            }
        }
        Step::Put(_) | Step::Detach(_) | Step::AssignRole(_) | Step::RevokeRole(_) => {
            let (decision, assigned) = write(ctx, azure, evaluation, clock).await?;
            return Ok(Carried { decision, assigned, reported });
        }
    }
    Ok(Carried { decision: decision.clone(), assigned: None, reported })
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
    let (stored, result) = match execute::prepare(azure, &decision.step, &evaluation.version.goal.owner().uid).await {
        Err(fault) => (None, WriteResult::NotSent(fault)),
        Ok(None) => return Ok((decision.clone(), None)),
        Ok(Some(request)) => {
            let stored = report_intent(ctx, &evaluation.draft(clock.now()), decision).await?;
            let deadline = ctx.ensure_leader()?;
            (Some(stored), request.send(azure, deadline).await)
        }
    };
    let reported = decision.after(&result, &evaluation.observed);
    ctx.objects.memory.decided(&evaluation.version.object, &reported);
    report_outcome(ctx, &evaluation.draft(clock.now()), stored, (decision, &result), &reported).await?;
    let assigned = match (decision.step.write(), &result) {
        (Some(Write::AssignRole(one)), WriteResult::Accepted(_) | WriteResult::AlreadyExists) => Some(one),
        _ => None,
    };
    Ok((reported, assigned))
}
