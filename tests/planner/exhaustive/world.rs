//! The world of one run: Azure, Synapse, the API server, and the controller's two rounds.
//!
//! Longer than other files: one model, to be read in one piece.

use std::time::Duration;

use jiff::Timestamp;
use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{Applied, AttachmentStatus, OperationKind, PoolStatus};
use synapse_spark_operator::planner::backoff::{FailureHistory, RESYNC, UNHEARD_WRITE_PATIENCE};
use synapse_spark_operator::planner::brake::Safety;
use synapse_spark_operator::planner::force::Force;
use synapse_spark_operator::planner::roles::goal::is_created_by;
use synapse_spark_operator::planner::roles::observed::{Recorded, Roles};
use synapse_spark_operator::planner::status::drift::corrections_of;
use synapse_spark_operator::planner::status::failure::history;
use synapse_spark_operator::planner::status::report::ObjectMeta;
use synapse_spark_operator::planner::status::time::elapsed;
use synapse_spark_operator::planner::status::{condition, status, with_outcome_of};
use synapse_spark_operator::planner::{
    self, Compute, Decision, Dependencies, Detached, FaultKind, Finding, Goal, ObjectState, Observed, ObservedIdentity,
    Operation, Outcome, Ownership, PoolReading, Progress, Queued, Report, SparkPool, Step, WriteResult, decide,
};
use synapse_spark_operator::resource_id::PoolId;
use synapse_spark_operator::service_error::ServiceError;

use super::ends::{check_conditions, check_safety, check_waiting};
use super::starts::{Deletion, Jobs, Model, PoolState, ShownPool, Start, Synapse, TIMEOUT, Trick, Whose, recipient};
use crate::builders::{CREATED_ON, compute, detached, fault, now, owner, pool, ready_status, report, role, running};

/// The facts that a reason depends on.
pub type Existing = (Option<Model>, bool, u32, u32, &'static str, std::mem::Discriminant<Outcome>, bool);

/// A status and the version of the object that it belongs to.
type Versioned = (u32, AttachmentStatus);

// Many fields: the state of Azure, Synapse, the API server and the controller.
pub struct World<'a> {
    pub goal: Goal,
    pub start: &'a Start,
    pub has_finalizer: bool,
    pub compute: Option<Model>,
    pub status: AttachmentStatus,
    pub now: Timestamp,
    pub writes: u32,
    pub puts: u32,
    /// The role is assigned in Synapse, under our GUID.
    pub role_held: bool,
    pub last: Option<Decision>,
    /// What the last reconcile reports: its decision, or what became of its write.
    pub reported: Option<Decision>,
    /// Whether the status reports the last reconcile.
    is_reported: bool,
    /// Whether the operation that Azure is working on will fail.
    running: Option<bool>,
    outcome: Outcome,
    version: u32,
    /// What the cache shows, while it lags.
    cached: Option<(u32, Versioned)>,
    /// What reads show until then, instead of what exists.
    stale: Option<(Timestamp, Option<Model>)>,
    /// What existed before the running operation.
    before: Option<Model>,
    /// A write that Azure will carry out later.
    late: Option<(Timestamp, OperationKind)>,
    observations: u32,
    /// What the last observation of the compute found.
    found: &'static str,
    absent_since: Option<Timestamp>,
    ended_since: Option<(Timestamp, Timestamp)>,
    unanswered_since: Option<Timestamp>,
    status_writes: u32,
    role_writes: u32,
    /// The write that waits for a permit, by the name of its step, since this time.
    waiting: Option<(&'static str, Timestamp)>,
    /// How often a permit was requested.
    asked: u32,
    /// How often the jobs were read, and when for the first time.
    job_reads: (u32, Option<Timestamp>),
}

impl<'a> World<'a> {
    pub fn new(goal: &Goal, start: &'a Start) -> Self {
        let applied = Some(Applied { created_on: Some(CREATED_ON.into()), ..Applied::default() });
        let status = if start.was_ready { AttachmentStatus { applied, ..ready_status() } } else { AttachmentStatus::default() };
        Self {
            goal: goal.clone(),
            start,
            has_finalizer: start.has_finalizer,
            compute: start.compute,
            status,
            now: now(),
            writes: 0,
            puts: 0,
            role_held: false,
            last: None,
            reported: None,
            is_reported: true,
            running: None,
            outcome: Outcome::Unknown,
            version: 0,
            cached: None,
            stale: None,
            before: None,
            late: None,
            observations: 0,
            found: "",
            absent_since: None,
            ended_since: None,
            unanswered_since: None,
            status_writes: 0,
            role_writes: 0,
            waiting: None,
            asked: 0,
            job_reads: (0, None),
        }
    }

    /// The goal once the user has deleted the object.
    fn deleted(&self) -> Goal {
        let is_transfer = self.goal.is_transfer() && self.start.deletion != Deletion::AfterTransfer;
        let waits_for_jobs = self.goal.waits_for_jobs();
        Goal::Detached(Detached { transfer_to: is_transfer.then(recipient), waits_for_jobs, ..detached() })
    }

    pub fn fingerprint(&self) -> (Option<Model>, bool, u32, u32, Option<String>) {
        let reason = self.last.as_ref().map(|decision| decision.cause.reason().to_string());
        (self.compute, self.has_finalizer, self.writes, self.role_writes, reason)
    }

    /// What exists, and what was written: the facts that a reason depends on.
    pub fn existing(&self) -> Existing {
        let outcome = std::mem::discriminant(&self.outcome);
        (
            self.compute,
            self.has_finalizer,
            self.writes,
            self.role_writes,
            self.found,
            outcome,
            matches!(self.goal, Goal::Attached(_)),
        )
    }

    /// Whether the last reconcile saw the object and the compute as they are.
    pub fn is_told_truly(&self) -> bool {
        !self.is_cache_behind() && self.is_reported
    }

    /// The first write is the last one that the workspace sees.
    fn is_workspace_gone(&self) -> bool {
        self.start.trick == Trick::WorkspaceGoes && self.writes > 0
    }

    pub fn is_late(&self) -> bool {
        self.late.is_some()
    }

    /// A late detach finds nothing to detach; a late PUT creates a compute.
    pub fn is_put_late(&self) -> bool {
        self.late.is_some_and(|(_, kind)| kind != OperationKind::Detach)
    }

    /// A late hand-over of a compute that is detached creates it again, with the tag of the recipient.
    pub fn is_transfer_late(&self) -> bool {
        self.late.is_some_and(|(_, kind)| kind == OperationKind::Transfer)
    }

    pub fn is_waiting_for_a_write(&self) -> bool {
        let is_running = matches!(self.outcome, Outcome::Running(_) | Outcome::Unreadable);
        let waits_for_jobs = self
            .last
            .as_ref()
            .is_some_and(|last| last.cause.reason() == Reason::WaitingForJobs || last.cause.reason() == Reason::JobsUnreadable);
        is_running
            || waits_for_jobs
            || self.status.operation.as_ref().is_some_and(|operation| operation.pending)
            || self.status.unanswered_put_at.is_some()
    }

    pub fn is_cache_behind(&self) -> bool {
        self.cached.is_some()
    }

    pub fn is_at_rest(&self) -> bool {
        let is_done = self.is_reported && self.last.as_ref().is_some_and(|decision| decision.step == Step::Done);
        is_done || !self.has_finalizer && matches!(self.goal, Goal::Detached(_))
    }

    /// One reconcile. Returns the pause until the next one.
    pub fn reconcile(&mut self) -> Result<Duration, String> {
        let live = (self.version, self.status.clone());
        let cached = self.cached.take();
        let (base, still_cached) = match cached {
            Some((left, stale)) => (stale.clone(), (left > 1).then_some((left - 1, stale))),
            None => (live.clone(), None),
        };
        self.cached = still_cached;
        if let Some((step, since)) = self.waiting
            && self.is_queued()
        {
            return self.wait(&base, step, since);
        }
        let (observed, decision, base) = if let Some((step, _)) = self.waiting.take() {
            // The first round led to the wait.
            self.resume(step, live)
        } else {
            let (first, decision) = self.evaluate(&base.1);
            match &decision.step {
                Step::Put(_) | Step::Detach(_) if self.is_queued() => return self.wait(&base, decision.step.name(), self.now),
                step if step.needs_confirmation() => self.confirm((first, decision), live),
                _ => (first, decision, base),
            }
        };
        self.last = Some(decision.clone());
        self.reported = Some(decision.clone());
        check_safety(self, &decision.step).map_err(|rule| format!("{rule}: {decision:?}"))?;
        match &decision.step {
            Step::AddFinalizer => self.has_finalizer = true,
            Step::RemoveFinalizer => self.has_finalizer = false,
            Step::Wait | Step::Done => self.report(&base, &observed, &decision)?,
            Step::Put(_) | Step::Detach(_) | Step::AssignRole(_) | Step::RevokeRole(_) => {
                return self.write(base, &observed, &decision);
            }
        }
        Ok(decision.requeue.pause(RESYNC))
    }

    fn evaluate(&mut self, status: &AttachmentStatus) -> (Observed, Decision) {
        let mut observed = self.observe(status);
        if decide(&self.goal, &observed).needs_jobs().is_some() {
            observed.jobs = Some(self.read_jobs());
        }
        let decision = decide(&self.goal, &observed);
        (observed, decision)
    }

    fn read_jobs(&mut self) -> Finding<planner::Jobs> {
        self.job_reads = (self.job_reads.0 + 1, self.job_reads.1.or(Some(self.now)));
        match self.start.jobs {
            Jobs::Forbidden => Finding::Unknown(fault(FaultKind::Forbidden)),
            _ if self.has_jobs() => Finding::Present(planner::Jobs { count: 1, first: Vec::new() }),
            _ => Finding::Absent,
        }
    }

    fn has_jobs(&self) -> bool {
        match self.start.jobs {
            Jobs::None => false,
            Jobs::End(reads) => self.job_reads.0 <= reads,
            // Both rounds of a reconcile read them.
            Jobs::Begin => self.job_reads.0 > 2,
            Jobs::Lasting | Jobs::Forbidden => true,
        }
    }

    /// Whether the compute may be detached, since no job uses it or the time-out has passed since the jobs were read first.
    pub fn is_idle(&self) -> bool {
        let waited = self.job_reads.1.and_then(|first| elapsed(first, self.now));
        !self.has_jobs() || waited.is_some_and(|waited| waited >= TIMEOUT)
    }

    /// Whether there is no permit yet for a write of the compute.
    fn is_queued(&mut self) -> bool {
        self.asked += 1;
        matches!(self.start.trick, Trick::Queued(times) if self.asked <= times)
    }

    /// A write has to wait for its permit: it is reported, and nothing is read or written.
    fn wait(&mut self, base: &Versioned, step: &'static str, since: Timestamp) -> Result<Duration, String> {
        self.waiting = Some((step, since));
        let waited = elapsed(since, self.now).unwrap_or_default();
        let decision = Decision::queued(Queued { wait: Duration::from_secs(20), waited, is_write: true });
        let goal = self.goal.clone();
        let object = ObjectMeta { generation: Some(1), ..ObjectMeta::default() };
        let (written, resync) = (None, RESYNC);
        let report = Report {
            goal: Some(&goal),
            observed: None,
            decision: &decision,
            written,
            object,
            resync,
            spark_version_warning: 90,
            now: self.now,
        };
        let next = status(&base.1, &report);
        check_waiting(&base.1, &next).map_err(|rule| format!("{rule}: {next:?}"))?;
        self.store(base.0, next);
        self.last = Some(decision.clone());
        if self.start.deletion == Deletion::WhileQueued && matches!(self.goal, Goal::Attached(_)) {
            (self.goal, self.waiting) = (self.deleted(), None);
        }
        Ok(decision.requeue.pause(RESYNC))
    }

    /// The second round of a write that has waited.
    fn resume(&mut self, step: &str, live: Versioned) -> (Observed, Decision, Versioned) {
        let (observed, decision) = self.evaluate(&live.1);
        match &decision.step {
            same if same.name() == step => (observed, decision, live),
            Step::Wait | Step::Done => (observed, decision, live),
            _ => (observed, decision.superseded(), live),
        }
    }

    /// The second round, as the controller does it.
    fn confirm(&mut self, first: (Observed, Decision), live: Versioned) -> (Observed, Decision, Versioned) {
        let (observed, decision) = self.evaluate(&live.1);
        let (decision, is_first_reported) = decision.confirm(&observed, (&first.1, &first.0));
        (if is_first_reported { first.0 } else { observed }, decision, live)
    }

    fn report(&mut self, base: &Versioned, observed: &Observed, decision: &Decision) -> Result<(), String> {
        let goal = self.goal.clone();
        let report = Report { now: self.now, ..report(&goal, observed, decision, None) };
        let next = status(&base.1, &report);
        if decision.step == Step::Done && status(&next, &report) != next {
            return Err(format!("a second report of the same differs: {next:?} {:?}", status(&next, &report)));
        }
        check_conditions(self, observed, &next).map_err(|rule| format!("{rule}: {decision:?} {next:?}"))?;
        self.is_reported = next == base.1 || self.store(base.0, next);
        let is_deleted = self.start.deletion == Deletion::InSync && matches!(self.goal, Goal::Attached(_));
        if is_deleted && decision.step == Step::Done && self.is_reported {
            self.goal = self.deleted();
        }
        Ok(())
    }

    /// The intent is stored, then the write is sent, then its outcome is stored.
    fn write(&mut self, base: Versioned, observed: &Observed, decision: &Decision) -> Result<Duration, String> {
        let goal = self.goal.clone();
        let intent = WriteResult::Intent;
        let report_intent = Report { now: self.now, ..report(&goal, observed, decision, Some((decision, &intent))) };
        if !self.store(base.0, status(&base.1, &report_intent)) {
            return Ok(Duration::from_secs(5));
        }
        let before = (base.0, self.status.clone());
        if matches!(self.start.trick, Trick::KilledBefore | Trick::KilledAndTaken(_)) && self.writes == 0 {
            self.writes += 1;
            self.compute = self.start.trick.takes().or(self.compute);
            if self.start.deletion.follows_the_first_write() {
                self.goal = self.deleted();
            }
            return Ok(Duration::from_secs(5));
        }
        let result = self.send(&decision.step);
        let is_deleted = self.start.deletion.follows_the_first_write() && matches!(self.goal, Goal::Attached(_));
        let reported = decision.after(&result, observed);
        self.reported = Some(reported.clone());
        let is_killed = self.start.trick == Trick::Killed && (self.writes, self.role_writes) == (1, 0);
        if !is_killed {
            let report = Report { now: self.now, ..report(&goal, observed, &reported, Some((decision, &result))) };
            let next = status(&base.1, &report);
            check_conditions(self, observed, &next).map_err(|rule| format!("{rule}: {reported:?} {next:?}"))?;
            self.store(self.version, with_outcome_of(&before.1, &next));
            if self.start.trick == Trick::LaggingCache && self.writes == 1 {
                self.cached = Some((3, base));
            }
        }
        if is_deleted {
            self.goal = self.deleted();
        }
        Ok(reported.requeue.pause(RESYNC))
    }

    /// The API server stores a status over the version that it was computed from, and over no other.
    fn store(&mut self, version: u32, next: AttachmentStatus) -> bool {
        self.status_writes += 1;
        let is_refused = matches!(self.start.trick, Trick::StatusRefused(times) if self.status_writes <= times);
        if is_refused || version != self.version {
            return false;
        }
        self.version += 1;
        self.status = next;
        true
    }

    /// One write to Azure. Returns the answer that the operator receives.
    fn send(&mut self, step: &Step) -> WriteResult {
        match step {
            Step::AssignRole(_) | Step::RevokeRole(_) => return self.send_role(step),
            _ => self.writes += 1,
        }
        let kind = match (step, self.compute) {
            (Step::Detach(_), _) => OperationKind::Detach,
            (Step::Put(spec), _) if spec.kind == OperationKind::Transfer => OperationKind::Transfer,
            (_, Some(_)) => OperationKind::Update,
            (_, None) => OperationKind::Attach,
        };
        self.puts += u32::from(kind != OperationKind::Detach);
        match self.start.trick {
            Trick::Write(kind, times) if self.writes <= times => return WriteResult::Failed(fault(kind)),
            Trick::OperationFails(times) if self.writes <= times => return self.accept_and_fail(),
            Trick::DetachFails if kind == OperationKind::Detach && self.writes - self.puts == 1 => return self.accept_and_fail(),
            Trick::DetachFindsNothing(times) if kind == OperationKind::Detach && self.writes - self.puts <= times => {
                return WriteResult::NotFound;
            }
            Trick::NeverEnds if self.writes == 1 => {
                self.outcome = running();
                return WriteResult::Accepted(Some("/op".into()));
            }
            Trick::Late(_) | Trick::LateAndTaken(_) if self.writes == 1 => {
                let seconds = if let Trick::Late(seconds) = self.start.trick { seconds } else { 60 };
                let at = self.now.checked_add(Duration::from_secs(seconds)).expect("a time");
                self.late = Some((at, kind));
                self.compute = self.start.trick.takes().or(self.compute);
                return WriteResult::Failed(fault(FaultKind::Unavailable(None)));
            }
            _ => {}
        }
        self.carry_out(kind);
        if self.start.trick == Trick::Lost && self.writes == 1 {
            return WriteResult::Failed(fault(FaultKind::Unavailable(None)));
        }
        WriteResult::Accepted(Some("/op".into()))
    }

    fn accept_and_fail(&mut self) -> WriteResult {
        self.outcome = Outcome::Failed(ServiceError { code: "InternalServerError".into(), ..ServiceError::default() });
        WriteResult::Accepted(Some("/op".into()))
    }

    fn carry_out(&mut self, kind: OperationKind) {
        self.outcome = if self.start.trick == Trick::Unreadable { Outcome::Unreadable } else { running() };
        self.before = self.compute;
        let fails = matches!(self.start.trick, Trick::LeavesFailed(times) if self.writes <= times);
        self.running = Some(fails && kind != OperationKind::Detach);
        let hides_tags = self.start.trick == Trick::TagsAtEnd;
        match (&mut self.compute, kind) {
            (Some(compute), OperationKind::Detach) => compute.progress = Progress::Deleting,
            (None, OperationKind::Detach) => {}
            (Some(compute), OperationKind::Transfer) => {
                compute.shown_whose = if hides_tags { compute.whose } else { Whose::Recipients };
                (compute.progress, compute.whose) = (Progress::Working, Whose::Recipients);
            }
            (Some(compute), _) => {
                compute.shown_whose = if hides_tags { compute.whose } else { Whose::Ours };
                (compute.progress, compute.whose, compute.right_identity) = (Progress::Working, Whose::Ours, true);
            }
            (None, _) => {
                self.compute = Some(Model {
                    spark: true,
                    pool: ShownPool::Wanted,
                    whose: Whose::Ours,
                    shown_whose: if hides_tags { Whose::Nobodys } else { Whose::Ours },
                    right_identity: true,
                    progress: Progress::Working,
                    is_new: true,
                    is_foreign: false,
                });
            }
        }
    }

    fn send_role(&mut self, step: &Step) -> WriteResult {
        self.role_writes += 1;
        let is_assignment = matches!(step, Step::AssignRole(_));
        match self.start.dependencies.1 {
            Synapse::Forbidden => return WriteResult::Failed(fault(FaultKind::Forbidden)),
            Synapse::Keeps if !is_assignment => return WriteResult::Failed(fault(FaultKind::Forbidden)),
            Synapse::Good | Synapse::FirstLost | Synapse::Keeps => {}
        }
        let existed = std::mem::replace(&mut self.role_held, is_assignment);
        match self.start.dependencies.1 {
            Synapse::FirstLost if self.role_writes == 1 => WriteResult::Failed(fault(FaultKind::Unavailable(None))),
            _ if is_assignment && existed => WriteResult::AlreadyExists,
            _ => WriteResult::Accepted(None),
        }
    }

    fn observe(&mut self, status: &AttachmentStatus) -> Observed {
        self.observations += 1;
        let compute = self.find();
        self.found = match &compute {
            Finding::Present(_) => "present",
            Finding::Absent => "absent",
            Finding::Unknown(_) => "unknown",
        };
        let operation = status.operation.as_ref().map(|recorded| Operation {
            kind: recorded.kind,
            is_accepted: !recorded.pending,
            pool: recorded.pool.as_deref().and_then(|id| PoolId::parse(id).ok()),
            started_at: recorded.started_at.0,
            age: elapsed(recorded.started_at.0, self.now),
            outcome: if recorded.pending || self.is_workspace_gone() { Outcome::Unknown } else { self.outcome.clone() },
            ended_for: None,
        });
        let reconciling =
            condition(status, "Reconciling").map_or(Some(Duration::ZERO), |one| elapsed(one.last_transition_time.0, self.now));
        let failure = status.failure.as_ref().map(|failure| history(failure, self.now));
        let mut observed = Observed {
            object: ObjectState {
                unexplained: None,
                job_checks: None,
                has_finalizer: self.has_finalizer,
                older_claimant: self.has_older_claimant().then(|| "team-a/older".to_owned()),
                reconcile_requested: status.observed_generation != Some(1),
                reconciling_for: reconciling,
                unavailable_for: Duration::ZERO,
                // Long enough to be shown.
                queued_for: Duration::from_mins(1),
                unanswered_put_age: status.unanswered_put_at.as_ref().map(|at| elapsed(at.0, self.now).unwrap_or_default()),
                waited_for_jobs: status
                    .waiting_for_jobs
                    .as_ref()
                    .and_then(|wait| elapsed(wait.since.0, self.now))
                    .unwrap_or_default(),
                reported_drift: status.drift.clone(),
                corrections: corrections_of(status, self.now),
                safety: Safety::default(),
                force: Force::default(),
            },
            absent_for: None,
            dependencies: self.dependencies(&compute),
            roles: self.roles(status, &compute, failure),
            compute,
            operation,
            applied: status.applied.clone(),
            failure,
            jobs: None,
        };
        self.remember(&mut observed);
        observed
    }

    pub fn has_older_claimant(&self) -> bool {
        self.start.older && (self.start.trick != Trick::OlderLeaves || self.observations <= 3)
    }

    /// What the controller keeps in memory.
    fn remember(&mut self, seen: &mut Observed) {
        let now = self.now;
        let since = |at: Option<Timestamp>| at.and_then(|at| elapsed(at, now));
        self.absent_since = seen.absent_since(self.absent_since, self.now);
        self.ended_since = seen.ended_since(self.ended_since, self.now);
        self.unanswered_since = if seen.is_answered() { None } else { Some(self.unanswered_since.unwrap_or(self.now)) };
        seen.absent_for = since(self.absent_since).filter(|_| seen.is_compute_absent());
        seen.object.unavailable_for = since(self.unanswered_since).unwrap_or_default();
        if let Some(operation) = &mut seen.operation {
            operation.ended_for = since(self.ended_since.map(|(_, at)| at));
        }
    }

    fn find(&self) -> Finding<Compute> {
        let shown = self.stale.filter(|(until, _)| *until > self.now).map_or(self.compute, |(_, before)| before);
        match (self.start.trick, shown) {
            _ if self.is_workspace_gone() => Finding::Unknown(fault(FaultKind::WorkspaceNotFound)),
            (Trick::Observe(kind), _) if self.observations <= 3 => Finding::Unknown(fault(kind)),
            (Trick::Flapping, _) if self.observations <= 24 && self.observations.is_multiple_of(3) => {
                Finding::Unknown(fault(FaultKind::Unavailable(None)))
            }
            // One 404 of a compute that was never observed leads to a PUT: nothing shows that it exists.
            (Trick::False404, Some(model)) if self.observations <= 2 && self.is_known(model) => Finding::Absent,
            (_, None) => Finding::Absent,
            (_, Some(model)) => Finding::Present(self.shown(model)),
        }
    }

    fn is_known(&self, model: Model) -> bool {
        model.whose == Whose::Ours && (self.start.was_ready || matches!(self.goal, Goal::Detached(_)))
    }

    fn shown(&self, model: Model) -> Compute {
        let is_hidden = self.start.trick == Trick::TagsAtEnd && model.progress == Progress::Working;
        let tag = if is_hidden { model.shown_whose } else { model.whose }.tag();
        let usual = compute(model.progress);
        let created_on = match model {
            // Somebody else created it after our write.
            Model { is_new: true, is_foreign: true, .. } => "2027-01-15T08:00:05Z".to_owned(),
            Model { is_new: true, .. } => "2027-01-15T08:00:00Z".to_owned(),
            Model { is_foreign: true, .. } => "2026-02-02T00:00:00Z".to_owned(),
            Model { .. } => CREATED_ON.to_owned(),
        };
        Compute {
            kind: if model.spark { "SynapseSpark" } else { "AmlCompute" }.to_owned(),
            pool: match model.pool {
                ShownPool::Wanted if model.spark => PoolReading::Pool(pool("wanted")),
                ShownPool::Other => PoolReading::Pool(pool("other")),
                ShownPool::Null(times) if self.observations > times => PoolReading::Pool(pool("wanted")),
                ShownPool::Wanted | ShownPool::Null(_) => PoolReading::Unreadable(String::new()),
            },
            owner: owner().of_compute(tag.as_deref(), Some(&created_on), self.status.applied.as_ref()),
            identity: ObservedIdentity {
                system: model.right_identity,
                principal_id: model.right_identity.then(|| "now".to_owned()),
                ..ObservedIdentity::default()
            },
            tags: tag.map(|tag| (synapse_spark_operator::planner::OWNER_TAG.to_owned(), tag)).into_iter().collect(),
            details: synapse_spark_operator::planner::compute::Details { created_on: Some(created_on), ..usual.details },
            ..usual
        }
    }

    fn dependencies(&self, compute: &Finding<Compute>) -> Dependencies {
        let is_relevant = match compute {
            Finding::Unknown(_) => false,
            Finding::Present(compute) => !compute.progress.is_ongoing(),
            Finding::Absent => true,
        };
        let spark = |progress| SparkPool { state: format!("{progress:?}"), progress, details: PoolStatus::default() };
        let pool = match self.start.dependencies.0 {
            PoolState::Usable => Finding::Present(spark(Progress::Succeeded)),
            PoolState::Failed => Finding::Present(spark(Progress::Failed)),
            PoolState::Gone => Finding::Absent,
            PoolState::Forbidden => Finding::Unknown(fault(FaultKind::Forbidden)),
        };
        let is_attached = matches!(self.goal, Goal::Attached(_));
        Dependencies { pool: (is_relevant && is_attached).then_some(pool), ..Dependencies::default() }
    }

    fn roles(&self, status: &AttachmentStatus, compute: &Finding<Compute>, failure: Option<FailureHistory>) -> Roles {
        let recorded = status.role_assignments.iter().map(|one| Recorded {
            is_ours: is_created_by(&owner().uid, one),
            confirmed_ago: one.assigned_at.as_ref().map(|at| elapsed(at.0, self.now).unwrap_or_default()),
            status: one.clone(),
        });
        let is_relevant =
            compute.present().is_some_and(|compute| compute.owner == Ownership::Ours && compute.progress == Progress::Succeeded);
        let wants = matches!(&self.goal, Goal::Attached(goal) if goal.role.is_some());
        let one = role("now");
        let found = if self.role_held { Finding::Present(one.id(&owner().uid)) } else { Finding::Absent };
        let has_principal = compute.present().is_some_and(|compute| compute.identity.principal_id.is_some());
        let wanted = (is_relevant && wants).then_some(if has_principal { (Some(one), found) } else { (None, Finding::Absent) });
        Roles {
            recorded: recorded.collect(),
            wanted: wanted.into_iter().collect(),
            pending_verification: Vec::new(),
            failure: failure.filter(FailureHistory::is_of_role),
        }
    }

    /// Time passes: what Azure is working on ends, and what it is late with begins.
    pub fn pass_time(&mut self, pause: Duration) {
        self.now = self.now.checked_add(pause).expect("a time");
        let fails = self.running.take();
        if self.is_workspace_gone() {
            (self.compute, self.role_held) = (None, false);
        }
        if fails.is_some() && self.start.trick == Trick::StaleReads {
            let until = self.now.checked_add(Duration::from_secs(10)).expect("a time");
            self.stale = Some((until, self.before));
        }
        let fails = fails.unwrap_or(false);
        match &mut self.compute {
            Some(compute) if compute.progress == Progress::Working => {
                compute.progress = if fails { Progress::Failed } else { Progress::Succeeded };
            }
            Some(compute) if compute.progress == Progress::Deleting => self.compute = None,
            _ => {}
        }
        let age = self.status.operation.as_ref().and_then(|recorded| elapsed(recorded.started_at.0, self.now));
        let never_ends = self.start.trick == Trick::NeverEnds && self.writes == 1;
        let is_over = matches!(self.outcome, Outcome::Running(_)) || age.is_some_and(|age| age > UNHEARD_WRITE_PATIENCE);
        if is_over && !never_ends {
            self.outcome = Outcome::Ended;
        }
        if let Some((at, kind)) = self.late.filter(|(at, _)| *at <= self.now) {
            self.late = None;
            // Azure carries out what was requested then; an attach of a compute that exists by now is an update.
            let _ = at;
            self.carry_out(kind);
        }
    }
}
