//! The two rounds of a reconcile: observe and decide; before a write, take its permit, observe live and decide again.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use tokio::time::Instant;

use crate::api::SynapseSparkAttachment;
use crate::azure::{self, Freshness, Kind, Source};
use crate::controller::activity_log::unexplained;
use crate::controller::context::{Context, Error};
use crate::controller::key::key_of;
use crate::controller::memory::Intended;
use crate::controller::observe::{ComputeReading, Reading, active_jobs, observe};
use crate::controller::predecessor::free_from_predecessor;
use crate::controller::queue;
use crate::controller::report::Draft;
use crate::planner::{Decision, Fault, Finding, Goal, Observed, Step, decide};

/// The clock of a reconcile: it is read once, and from then on elapsed time is measured. A reconcile may take minutes.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub(super) started: Timestamp,
    at: Instant,
}

impl Clock {
    pub(super) fn read(ctx: &Context) -> Self {
        Self { started: ctx.now(), at: Instant::now() }
    }

    pub(super) fn elapsed(self) -> Duration {
        self.at.elapsed()
    }

    pub(super) fn now(self) -> Timestamp {
        self.started.checked_add(self.at.elapsed()).unwrap_or(self.started)
    }
}

/// For this long after the API server returned an object, it is not read again before a write.
const LIVE: Duration = Duration::from_secs(5);

/// A version of an object, and its goal.
#[derive(Clone)]
pub(super) struct Version {
    pub(super) object: SynapseSparkAttachment,
    pub(super) goal: Goal,
    /// When the API server returned it; none if the watch showed it.
    read: Option<Instant>,
}

impl Version {
    /// As the watch shows it.
    pub(super) const fn watched(object: SynapseSparkAttachment, goal: Goal) -> Self {
        Self { object, goal, read: None }
    }

    /// As the API server returns it now; none if it is another object than `before`, in another shard, or no longer to be observed
    /// with the same identity.
    pub(super) fn live(ctx: &Context, before: &SynapseSparkAttachment, object: SynapseSparkAttachment) -> Option<Self> {
        let is_same = object.uid() == before.uid()
            // The observation used the identity of another ServiceAccount.
            && object.spec.service_account_name == before.spec.service_account_name
            && ctx.shard().has(&object)
            && ctx.shard().admit(&object).is_ok();
        let goal = Goal::of(&object, &ctx.cluster).ok().filter(|_| is_same)?;
        Some(Self { object, goal, read: Some(Instant::now()) })
    }
}

/// What was observed and decided for one version of an object.
pub(super) struct Evaluation {
    pub(super) version: Version,
    pub(super) observed: Observed,
    pub(super) decision: Decision,
    /// How the compute was read, and where the answer came from.
    read: (ComputeReading, Option<Source>),
}

impl Evaluation {
    pub(super) fn draft(&self, now: Timestamp) -> Draft<'_> {
        Draft { object: &self.version.object, goal: Some(&self.version.goal), observed: Some(&self.observed), now }
    }

    /// How the compute is read before a write.
    const fn confirmed_by(&self) -> Freshness {
        match (&self.observed.compute, &self.version.goal, self.read) {
            // Only a new connection showed it.
            (_, _, (ComputeReading::Own(Freshness::NowOnNewConnection), _)) => Freshness::NowOnNewConnection,
            (Finding::Present(_), ..) => Freshness::Now,
            // It never existed: otherwise a LIST would not have been sufficient. The GET is a different request for what the LIST
            // has already answered.
            (Finding::Absent, Goal::Attached(_), (_, Some(Source::List))) => Freshness::Now,
            // A write is about to be based on an absence.
            _ => Freshness::NowOnNewConnection,
        }
    }

    /// The write of the compute that this leads to.
    const fn intended(&self) -> Option<Intended> {
        let kind = match &self.decision.step {
            Step::Put(_) => Kind::Write,
            Step::Detach(_) => Kind::Delete,
            _ => return None,
        };
        Some(Intended { step: self.decision.step.name(), kind, freshness: self.confirmed_by(), is_resumed: false })
    }

    /// The write has to wait.
    fn without_permit(self, fault: Fault) -> Self {
        match self.decision.step.write() {
            Some(write) => Self { decision: self.decision.write_failed(write, fault, &self.observed), ..self },
            None => self,
        }
    }

    /// This, unless it leads to another write than the one that it was to confirm: that one needs a second observation, too.
    fn unless_another_write(self, step: &str) -> Self {
        match &self.decision.step {
            same if same.name() == step => self,
            Step::Wait | Step::Done => self,
            _ => Self { decision: self.decision.superseded(), ..self },
        }
    }
}

/// What a reconcile decides, and what it needs to carry that out.
pub(super) struct Settled {
    pub(super) evaluation: Evaluation,
    /// With the permit, if the decision is a write of the compute.
    pub(super) azure: azure::Client,
    /// The write that was intended, to go on with it should it have to wait.
    pub(super) intended: Option<Intended>,
}

/// Decides, and takes a permit for a write. A write depends on two observations, and its permit is taken before the
/// second one: an object that has to wait for it causes no request meanwhile.
pub(super) async fn settle(
    ctx: &Context,
    azure: azure::Client,
    version: Version,
    (reading, intended): (Reading, Option<Intended>),
    clock: Clock,
) -> Result<Settled, Error> {
    let resumed = |intended| Intended { is_resumed: true, ..intended };
    if let Some((intended, compute)) = intended.zip(version.goal.compute())
        && let Ok(azure) = queue::reserve_again(&azure, &version.object, intended, compute).await
    {
        let evaluation = resume(ctx, &azure, &version.object, intended, clock).await?;
        return Ok(Settled { evaluation, azure, intended: Some(resumed(intended)) });
    }
    let first = evaluate(ctx, &azure, version, reading, clock.now()).await;
    let intended = first.intended();
    match queue::reserve(&azure, &first.version.object, &first.decision.step).await {
        Ok(azure) if first.decision.step.needs_confirmation() => {
            let evaluation = Box::pin(confirm(ctx, &azure, first, clock)).await?;
            Ok(Settled { evaluation, azure, intended: intended.map(resumed) })
        }
        Ok(azure) => Ok(Settled { evaluation: first, azure, intended }),
        Err(fault) => Ok(Settled { evaluation: first.without_permit(fault), azure, intended }),
    }
}

/// The second round for a write that has waited for its turn. The first one led to the wait.
async fn resume(
    ctx: &Context,
    azure: &azure::Client,
    object: &SynapseSparkAttachment,
    intended: Intended,
    clock: Clock,
) -> Result<Evaluation, Error> {
    // The watch brings the version that exists now.
    let live = read(ctx, object).await?.ok_or(Error::Conflict)?;
    let second = evaluate(ctx, azure, live, Reading::before_write(intended.freshness, false), clock.now()).await;
    Ok(second.unless_another_write(intended.step))
}

/// The live object; none if it is gone, or no longer the same.
async fn read(ctx: &Context, object: &SynapseSparkAttachment) -> Result<Option<Version>, Error> {
    Ok(ctx.read(object).await?.and_then(|live| Version::live(ctx, object, live)))
}

/// Observes and decides.
async fn evaluate(ctx: &Context, azure: &azure::Client, version: Version, mut reading: Reading, now: Timestamp) -> Evaluation {
    let Version { object, goal, .. } = &version;
    let others = ctx.objects.claims.others(object);
    if ctx.objects.memory.is_confirming_absence(object) {
        reading.compute = ComputeReading::Own(Freshness::NowOnNewConnection);
    }
    let (mut observed, source) = observe(azure, object, goal, others, (reading, now)).await;
    let namespace = object.namespace().unwrap_or_default();
    let is_known = |name: &str, uid: &str| ctx.objects.orphans.shows(&namespace, name, uid);
    free_from_predecessor(&ctx.kube, is_known, goal, &mut observed).await;
    let spans = ctx.objects.memory.observe(object, &observed);
    observed.absent_for = spans.absent;
    if let Some(operation) = &mut observed.operation {
        operation.ended_for = spans.ended;
    }
    observed.object.unavailable_for = spans.unavailable;
    observed.object.queued_for = ctx.objects.memory.queued_for(object);
    observed.object.unexplained = unexplained(object, ctx.activity_log, now);
    observed.object.safety.losses = ctx.objects.workspaces.observe(object, &observed);
    active_jobs(azure, goal, &mut observed, reading.jobs).await;
    let decision = decide(goal, &observed);
    ctx.objects.memory.decided(object, &decision);
    if matches!(decision.step, Step::Detach(_)) {
        // A compute that the operator itself detaches is not lost.
        ctx.objects.workspaces.forget(&key_of(object));
    }
    Evaluation { version, observed, decision, read: (reading.compute, source) }
}

/// The second round: reads object and compute live, and decides again. The write is carried out only if both rounds agree.
///
/// This makes a stale cache harmless, after a restart or with an API server that lags behind.
async fn confirm(ctx: &Context, azure: &azure::Client, first: Evaluation, clock: Clock) -> Result<Evaluation, Error> {
    let version = &first.version;
    // A later change is noticed all the same: a write intent is only stored over the version that it was computed from.
    let is_live = version.read.is_some_and(|at| at.elapsed() < LIVE);
    let live = if is_live { Some(version.clone()) } else { read(ctx, &version.object).await? };
    let Some(live) = live else {
        return Ok(Evaluation { decision: first.decision.superseded(), ..first });
    };
    let is_of_role = matches!(first.decision.step, Step::AssignRole(_) | Step::RevokeRole(_));
    let reading = Reading::before_write(first.confirmed_by(), is_of_role);
    let second = evaluate(ctx, azure, live, reading, clock.now()).await;
    let (decision, is_first_reported) = second.decision.confirm(&second.observed, (&first.decision, &first.observed));
    let observed = if is_first_reported { first.observed } else { second.observed };
    Ok(Evaluation { observed, decision, ..second })
}
