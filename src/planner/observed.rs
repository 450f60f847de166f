//! What exists: everything that a decision depends on, as plain values.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::v1alpha1::{Applied, DriftStatus, FailedStep, OperationKind};
use crate::planner::active_jobs::Jobs;
use crate::planner::backoff::{
    ABSENCE_CONFIRMED_AFTER, EFFECT_SHOWS_AFTER, FailureHistory, MIN_BACKOFF, UNHEARD_WRITE_PATIENCE, exponential,
};
use crate::planner::brake::Safety;
use crate::planner::compute::Compute;
use crate::planner::correction::Correction;
use crate::planner::dependencies::Dependencies;
use crate::planner::finding::{FaultKind, Finding};
use crate::planner::force::Force;
use crate::planner::jobs::Conclusion;
use crate::planner::operation::{Operation, Outcome};
use crate::planner::owner::Ownership;
use crate::planner::roles::decide::{Next, missing};
use crate::planner::roles::observed::Roles;
use crate::planner::unexplained::Unexplained;

/// What one observation of an object, its compute and its dependencies found.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The object itself, apart from its spec.
    pub object: ObjectState,
    /// The compute.
    pub compute: Finding<Compute>,
    /// For how long the compute has been seen absent, observation after observation; none if it was not.
    pub absent_for: Option<Duration>,
    /// The last write that was sent to Azure, while it is not known to have succeeded.
    pub operation: Option<Operation>,
    /// The values that the operator last wrote.
    pub applied: Option<Applied>,
    /// Failures without a success in between.
    pub failure: Option<FailureHistory>,
    /// The linked service and the pool.
    pub dependencies: Dependencies,
    /// Role assignments in the Synapse workspace.
    pub roles: Roles,
    /// The jobs on the compute that have not ended; none if they were not read. They are read only if nothing else keeps the
    /// compute from being detached.
    pub jobs: Option<Finding<Jobs>>,
}

/// The state of the object, apart from its spec.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObjectState {
    /// Whether the operator's finalizer is on the object.
    pub has_finalizer: bool,
    /// An older object that claims the same compute and could attach it, as `namespace/name`.
    pub older_claimant: Option<String>,
    /// Whether the user requests a reconcile: by another generation of the spec, or by the annotation.
    pub reconcile_requested: bool,
    /// For how long the condition Reconciling has been true; none if the time is unknown. Zero if it is not true.
    pub reconciling_for: Option<Duration>,
    /// For how long Azure has given no answer; zero if it answers.
    pub unavailable_for: Duration,
    /// For how long the object has waited for Azure's request limits; zero if it does not.
    pub queued_for: Duration,
    /// How long ago an earlier attach or update was sent whose answer was not received, and that Azure may still carry out.
    pub unanswered_put_age: Option<Duration>,
    /// For how long a detach of the compute has waited for jobs; zero if it has not.
    pub waited_for_jobs: Duration,
    /// The drift that the status shows already.
    pub reported_drift: Vec<DriftStatus>,
    /// The writes of the last day that corrected tags or the description.
    pub corrections: Vec<Correction>,
    /// Whether the compute may be attached again if many of its workspace are missing.
    pub safety: Safety,
    /// Whether the user requests to send the compute again.
    pub force: Force,
    /// The last change by others, if the Activity Log was not asked about it yet.
    pub unexplained: Option<Unexplained>,
    /// What the checks for Spark jobs show, if they are wanted and were made.
    pub job_checks: Option<Conclusion>,
}

impl Observed {
    /// Whether the compute has been absent for long enough to create it again.
    ///
    /// One 404 may come from a replica that lags behind; two answers that far apart do not.
    #[must_use]
    pub fn is_absence_confirmed(&self) -> bool {
        self.absent_for.is_some_and(|seen| seen >= ABSENCE_CONFIRMED_AFTER)
    }

    /// For how long the compute has been seen absent since our last attach or update took effect or failed: before, it was another
    /// state. Only this is certain enough to release the object.
    #[must_use]
    pub fn absent_since_put(&self) -> Option<Duration> {
        let after_put = self.put().map(|put| if put.outcome == Outcome::Ended { put.ended_for } else { put.age });
        self.absent_for.map(|absent| after_put.map_or(absent, |since| absent.min(since.unwrap_or_default())))
    }

    /// Since when the compute has been absent, given since when it was before this observation; on any clock.
    ///
    /// A 404 counts from when no attach or update of ours was under way: before, it may be an older state. Without its workspace
    /// no write creates a compute. An observation without an answer changes nothing.
    #[must_use]
    pub fn absent_since<T>(&self, before: Option<T>, now: T) -> Option<T> {
        let is_put_under_way = self.put().is_some_and(|put| put.is_ongoing() || put.is_unheard());
        match &self.compute {
            Finding::Present(_) => None,
            Finding::Absent if is_put_under_way => Some(now),
            _ if self.is_compute_absent() => before.or(Some(now)),
            Finding::Absent | Finding::Unknown(_) => before,
        }
    }

    /// Since when the end of the last write is known, with the time at which that write was sent; given the same before this
    /// observation. An operation that has ended stays so, whatever a later poll answers.
    #[must_use]
    pub fn ended_since<T>(&self, before: Option<(Timestamp, T)>, now: T) -> Option<(Timestamp, T)> {
        let operation = self.operation.as_ref()?;
        let known = before.filter(|(started_at, _)| *started_at == operation.started_at);
        known.or((operation.outcome == Outcome::Ended).then_some((operation.started_at, now)))
    }

    /// Whether the compute was there, and is absent without a detach of ours.
    #[must_use]
    pub fn has_disappeared(&self) -> bool {
        let existed = self.applied.as_ref().is_some_and(|applied| applied.created_on.is_some());
        existed && self.compute == Finding::Absent && self.accepted_detach().is_none()
    }

    /// Whether it has disappeared and is not being attached again, so that it counts as lost.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.has_disappeared() && self.put().is_none_or(|put| put.kind != OperationKind::Attach)
    }

    /// Whether the compute does not exist, which is also the case if its workspace is gone.
    #[must_use]
    pub fn is_compute_absent(&self) -> bool {
        match &self.compute {
            Finding::Absent => true,
            Finding::Unknown(fault) => fault.kind == FaultKind::WorkspaceNotFound,
            Finding::Present(_) => false,
        }
    }

    /// Whether Azure answered the requests that a decision depends on: for the compute and for its dependencies.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.compute.is_answered() && self.unanswered_dependencies() == (false, false)
    }

    /// Whether a request that a decision depends on was not sent, since Azure's limits do not allow it yet.
    #[must_use]
    pub fn is_queued(&self) -> bool {
        let link = self.dependencies.link.as_ref().and_then(Finding::fault);
        [self.compute.fault(), link].into_iter().flatten().any(|fault| matches!(fault.kind, FaultKind::Queued(_)))
    }

    /// Whether the linked service, and whether a role assignment that is not confirmed yet, had no answer.
    #[must_use]
    pub fn unanswered_dependencies(&self) -> (bool, bool) {
        let link = self.dependencies.link.as_ref().is_some_and(|link| !link.is_answered());
        let role = missing(&self.roles, self.object.reconcile_requested);
        (link, matches!(role, Some(Next::AwaitAnswer(fault)) if !fault.kind.is_answer()))
    }

    /// For how long it has been failing; zero if it does not.
    #[must_use]
    pub fn failing_for(&self) -> Duration {
        self.failure.map(|failure| failure.failing_for).unwrap_or_default()
    }

    /// Whether a failed or unanswered write of the compute is to be sent again now.
    #[must_use]
    pub fn is_retry_due(&self) -> bool {
        self.retry_in().is_zero()
    }

    /// How long until a failed or unanswered write of the compute is to be sent again; zero if it is due.
    ///
    /// The pause grows with how long it had been failing when the last failure was recorded, and counts from there: so an
    /// operation that takes long to fail is followed by a pause, too. A user's request ends it.
    #[must_use]
    pub fn retry_in(&self) -> Duration {
        if self.object.reconcile_requested {
            return Duration::ZERO;
        }
        match (self.recorded_failure(), &self.operation) {
            (Some(failure), _) => failure.retry_in(),
            (None, Some(operation)) if operation.is_unheard() => {
                operation.age.map_or(Duration::ZERO, |age| MIN_BACKOFF.saturating_sub(age))
            }
            // The status has not recorded it yet.
            (None, _) => exponential(self.failing_for()),
        }
    }

    /// The failure of the compute's last write, if the status has recorded it already.
    #[must_use]
    pub fn recorded_failure(&self) -> Option<FailureHistory> {
        let attempted = self.operation.as_ref().and_then(|operation| operation.age);
        let failure = self.failure.filter(FailureHistory::is_of_compute)?;
        let is_later = |since: Duration| attempted.is_none_or(|attempted| since <= attempted);
        failure.since_attempt.is_none_or(is_later).then_some(failure)
    }

    /// The operation, if it attaches or updates.
    #[must_use]
    pub fn put(&self) -> Option<&Operation> {
        self.operation.as_ref().filter(|operation| operation.kind != OperationKind::Detach)
    }

    /// The hand-over of the compute that may still take effect, or whose effect a read may not show yet.
    #[must_use]
    pub fn unfinished_transfer(&self) -> Option<&Operation> {
        let transfer = self.put().filter(|put| put.kind == OperationKind::Transfer)?;
        (transfer.is_ongoing() || transfer.is_unheard() || self.has_just_ended()).then_some(transfer)
    }

    /// The operation, if it detaches.
    #[must_use]
    pub fn detach(&self) -> Option<&Operation> {
        self.operation.as_ref().filter(|operation| operation.kind == OperationKind::Detach)
    }

    /// Whether this object created the compute, although its owner tag does not show (yet).
    ///
    /// Azure may show tags only when an operation ends, and anyone may remove them. But the object's own PUT found nothing
    /// under that name, and what exists there has the pool of that PUT and was not created before it.
    #[must_use]
    pub fn has_created(&self, compute: &Compute) -> bool {
        self.attach_before(compute).is_some_and(|attach| attach.pool.is_some() && attach.pool.as_ref() == compute.pool.id())
    }

    /// Whether the compute belongs to this object, by its owner tag or because this object created it.
    #[must_use]
    pub fn owns(&self, compute: &Compute) -> bool {
        compute.owner == Ownership::Ours || compute.owner == Ownership::Unowned && self.has_created(compute)
    }

    /// Whether only the pool, which cannot be read, would show whether this object created the compute.
    #[must_use]
    pub fn may_have_created(&self, compute: &Compute) -> bool {
        compute.pool.id().is_none() && self.attach_before(compute).is_some()
    }

    /// The attach, if the compute was created when it may have taken effect.
    fn attach_before(&self, compute: &Compute) -> Option<&Operation> {
        let attach = self.put().filter(|put| put.kind == OperationKind::Attach && !self.has_failed(put))?;
        let created: Timestamp = compute.details.created_on.as_deref()?.parse().ok()?;
        attach.may_have_taken_effect_at(created).then_some(attach)
    }

    /// Whether Azure accepted this operation, and it failed. After a time Azure no longer shows the operation, so the recorded
    /// failure counts, too.
    #[must_use]
    pub fn has_failed(&self, operation: &Operation) -> bool {
        let is_write = |failure: FailureHistory| matches!(failure.step, FailedStep::Put | FailedStep::Detach);
        let is_recorded = self.recorded_failure().is_some_and(is_write);
        operation.is_accepted && (matches!(operation.outcome, Outcome::Failed(_)) || is_recorded)
    }

    /// The accepted detach that has not failed: it makes the compute's absence certain.
    #[must_use]
    pub fn accepted_detach(&self) -> Option<&Operation> {
        self.detach().filter(|detach| detach.is_accepted && !self.has_failed(detach))
    }

    /// Whether a write of ours ended so recently that a read may still show what was there before it.
    #[must_use]
    pub fn has_just_ended(&self) -> bool {
        let ended = self.operation.as_ref().filter(|operation| operation.is_accepted && operation.outcome == Outcome::Ended);
        let is_recent = |operation: &Operation| operation.ended_for.is_none_or(|ago| ago < EFFECT_SHOWS_AFTER);
        ended.is_some_and(is_recent) && self.recorded_failure().is_none()
    }

    /// For how long Azure has been working on the compute, according to the status; none if that time is unknown.
    #[must_use]
    pub fn working_for(&self) -> Option<Duration> {
        let waiting = self.object.reconciling_for;
        let running = self.operation.as_ref().map(|operation| operation.age);
        running.map_or(waiting, |age| age.zip(waiting).map(|(age, waiting)| age.min(waiting)))
    }

    /// Whether an attach or update that was sent earlier may still be carried out.
    #[must_use]
    pub fn is_put_unanswered(&self) -> bool {
        self.object.unanswered_put_age.is_some_and(|age| age < UNHEARD_WRITE_PATIENCE)
    }
}
