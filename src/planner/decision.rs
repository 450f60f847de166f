//! What to do for one object, why, and when to reconcile again.

use std::time::Duration;

use crate::api::v1alpha1::FailedStep;
use crate::planner::backoff::{DEFAULTS_RETRY, MIN_BACKOFF, RESYNC, ROLE_PATIENCE, Requeue, SHOW_QUEUED_AFTER};
use crate::planner::cause::Cause;
use crate::planner::compute_spec::ComputeSpec;
use crate::planner::finding::{Fault, FaultKind, Finding};
use crate::planner::invalid::Invalid;
use crate::planner::observed::Observed;
use crate::planner::queue::Queued;
use crate::planner::roles::decide::{Abandoned, abandon};
use crate::planner::roles::goal::RoleAssignment;
use crate::planner::write::{NoEffect, Write, WriteResult};
use crate::resource_id::ComputeId;

/// The one thing to do in this reconcile. It carries all that is needed to do it.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Nothing now; observe again later.
    Wait,
    /// Nothing: everything is in sync.
    Done,
    /// Add the finalizer to the object: before the first write to Azure.
    AddFinalizer,
    /// Remove the finalizer from the object: the compute is gone, or is not to be detached.
    RemoveFinalizer,
    /// PUT the compute: attach, adopt or update it.
    Put(ComputeSpec),
    /// DELETE the compute with `underlyingResourceAction=Detach`.
    Detach(ComputeId),
    /// Assign a role in the Synapse workspace.
    AssignRole(RoleAssignment),
    /// Revoke a role in the Synapse workspace.
    RevokeRole(RoleAssignment),
}

impl Step {
    /// The names of all steps, for metrics.
    pub const NAMES: [&'static str; 8] =
        ["Wait", "Done", "AddFinalizer", "RemoveFinalizer", "Put", "Detach", "AssignRole", "RevokeRole"];

    /// Its name, for metrics, events and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Wait => "Wait",
            Self::Done => "Done",
            Self::AddFinalizer => "AddFinalizer",
            Self::RemoveFinalizer => "RemoveFinalizer",
            Self::Put(_) => "Put",
            Self::Detach(_) => "Detach",
            Self::AssignRole(_) => "AssignRole",
            Self::RevokeRole(_) => "RevokeRole",
        }
    }

    /// The write to Azure, if it is one.
    #[must_use]
    pub fn write(&self) -> Option<Write> {
        match self {
            Self::Wait | Self::Done | Self::AddFinalizer | Self::RemoveFinalizer => None,
            Self::Put(_) => Some(Write::Put),
            Self::Detach(_) => Some(Write::Detach),
            Self::AssignRole(one) => Some(Write::AssignRole(one.clone())),
            Self::RevokeRole(one) => Some(Write::RevokeRole(one.clone())),
        }
    }

    /// Whether object and compute are read live, and the decision is taken again, before the step is carried out.
    #[must_use]
    pub const fn needs_confirmation(&self) -> bool {
        match self {
            Self::Wait | Self::Done | Self::AddFinalizer => false,
            Self::RemoveFinalizer | Self::Put(_) | Self::Detach(_) | Self::AssignRole(_) | Self::RevokeRole(_) => true,
        }
    }
}

/// What to do, why, and when to reconcile again.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What to do.
    pub step: Step,
    /// Why.
    pub cause: Cause,
    /// When to reconcile again.
    pub requeue: Requeue,
}

impl Decision {
    /// Do nothing now.
    #[must_use]
    pub const fn wait(cause: Cause, requeue: Requeue) -> Self {
        Self { step: Step::Wait, cause, requeue }
    }

    /// How old a list of the jobs may be with which the decision is taken again; none if it does not depend on them.
    ///
    /// It is half the pause for which the detach would wait: so one list serves the computes of a workspace that wait, and its age
    /// delays no detach by more than the pause does.
    #[must_use]
    pub const fn needs_jobs(&self) -> Option<Duration> {
        match (&self.cause, self.requeue) {
            (Cause::ReadingJobs, Requeue::After(pause)) => Some(pause.checked_div(2).expect("two is not zero")),
            (Cause::ReadingJobs, _) => Some(Duration::ZERO),
            _ => None,
        }
    }

    /// Wait for Azure, which has been working for so long.
    #[must_use]
    pub const fn poll(cause: Cause, working_for: Option<Duration>) -> Self {
        Self::wait(cause, Requeue::Polling(working_for))
    }

    /// Wait for a change elsewhere: nothing that the operator does helps.
    #[must_use]
    pub const fn blocked(cause: Cause) -> Self {
        Self::wait(cause, Requeue::Resync)
    }

    /// Write to Azure, and observe the result soon.
    #[must_use]
    pub const fn write(step: Step, cause: Cause) -> Self {
        Self { step, cause, requeue: Requeue::Polling(Some(Duration::ZERO)) }
    }

    /// Everything is in sync.
    #[must_use]
    pub const fn done(cause: Cause) -> Self {
        Self { step: Step::Done, cause, requeue: Requeue::Resync }
    }

    /// The compute is as in the spec, except for fields that are corrected again after this pause.
    #[must_use]
    pub fn attached(next_correction: Option<Duration>) -> Self {
        let requeue = next_correction.filter(|pause| *pause < RESYNC).map_or(Requeue::Resync, Requeue::After);
        Self { step: Step::Done, cause: Cause::Attached, requeue }
    }

    /// The object may be released.
    #[must_use]
    pub const fn remove_finalizer(cause: Cause) -> Self {
        Self { step: Step::RemoveFinalizer, cause, requeue: Requeue::OnChange }
    }

    /// An operation that Azure accepted has failed, or a write shows no effect: retry when it is due.
    #[must_use]
    pub fn retry_later(cause: Cause, seen: &Observed) -> Self {
        Self::wait(cause, Requeue::After(seen.retry_in()))
    }

    /// The decision for an object with an invalid spec: do nothing until the spec changes.
    #[must_use]
    pub fn invalid(invalid: &Invalid) -> Self {
        Self::blocked(Cause::InvalidSpec(invalid.to_string()))
    }

    /// The decision after the defaults of the namespace were written into the spec: decide when the watch shows it.
    #[must_use]
    pub const fn defaults_stored() -> Self {
        Self::wait(Cause::AddingFinalizer, Requeue::OnChange)
    }

    /// The decision for an object that lacks what its namespace may get as a default later: no watch shows namespaces.
    #[must_use]
    pub fn without_defaults(invalid: &Invalid) -> Self {
        Self { requeue: Requeue::After(DEFAULTS_RETRY), ..Self::invalid(invalid) }
    }

    /// The decision after a reconcile that was aborted by a bug in the operator.
    #[must_use]
    pub const fn defective(what: String, failing_for: Duration) -> Self {
        Self::wait(Cause::InternalError(what), Requeue::Backoff(failing_for))
    }

    /// Wait for the turn of the next request. The object is reconciled before, to show that it waits, and after each
    /// [`RESYNC`], so that it does not stay Ready indefinitely.
    #[must_use]
    pub fn queued(queued: Queued) -> Self {
        let until_shown = SHOW_QUEUED_AFTER.saturating_sub(queued.waited);
        let pause = if until_shown.is_zero() { queued.wait } else { queued.wait.min(until_shown) };
        let pause = pause.min(RESYNC);
        Self::wait(Cause::Queued(queued), Requeue::After(pause))
    }

    /// The decision after an observation without a usable answer.
    #[must_use]
    pub fn read_failed(fault: Fault, seen: &Observed) -> Self {
        if let FaultKind::Queued(wait) = fault.kind {
            return Self::queued(Queued { wait, waited: seen.object.queued_for, is_write: false });
        }
        let requeue = requeue_after(fault.kind, seen.object.unavailable_for, seen.failing_for());
        Self::wait(Cause::ReadFailed(fault), requeue)
    }

    /// The decision to report once this one, which writes, has been carried out with this result.
    #[must_use]
    pub fn after(&self, result: &WriteResult, seen: &Observed) -> Self {
        match (result, self.step.write()) {
            (WriteResult::Failed(fault) | WriteResult::NotSent(fault), Some(write)) => {
                self.write_failed(write, fault.clone(), seen)
            }
            (WriteResult::NotFound, _) => self.detach_not_found(seen),
            _ => self.clone(),
        }
    }

    /// Azure showed the compute, and answered its DELETE with 404: most likely it has gone in between. If it shows again, each
    /// further attempt is a failure.
    fn detach_not_found(&self, seen: &Observed) -> Self {
        let is_repeated = seen.failure.is_some_and(|failure| failure.step == FailedStep::Detach);
        let cause = match &self.cause {
            _ if is_repeated => Cause::NoEffect(NoEffect::DetachNotFound),
            Cause::Replacing => Cause::ConfirmingAbsence,
            _ => Cause::ConfirmingDetached,
        };
        Self::wait(cause, Requeue::Backoff(seen.failing_for()))
    }

    /// The decision to report instead of this one, whose write Azure did not accept.
    #[must_use]
    pub fn write_failed(&self, write: Write, fault: Fault, seen: &Observed) -> Self {
        if let FaultKind::Queued(wait) = fault.kind {
            return Self::queued(Queued { wait, waited: seen.object.queued_for, is_write: true });
        }
        let failing_for = seen.failing_for();
        let requeue = requeue_after(fault.kind, failing_for, failing_for);
        match (&write, &self.cause) {
            (Write::RevokeRole(_), Cause::Detaching { .. }) => {
                Self::wait(Cause::WriteFailed { write, fault: fault.clone() }, before_detach(fault.kind, requeue))
            }
            (Write::RevokeRole(one), _) => match abandon(&seen.roles, one, fault.kind) {
                Some(abandoned) => Self::abandoned(one.clone(), abandoned),
                None => Self::wait(Cause::WriteFailed { write, fault }, requeue),
            },
            _ => Self::wait(Cause::WriteFailed { write, fault }, requeue),
        }
    }

    fn abandoned(assignment: RoleAssignment, abandoned: Abandoned) -> Self {
        let command = match abandoned {
            Abandoned::NeverCreated => None,
            Abandoned::Orphaned(command) => Some(command),
        };
        Self::poll(Cause::RoleAbandoned { assignment, command }, Some(Duration::ZERO))
    }

    /// The decision of two rounds, this one being the second: a write is carried out only if both agree. Also whether the first
    /// observation is to be reported with it, since the second has no answer: what it showed still counts.
    #[must_use]
    pub fn confirm(self, seen: &Observed, (first, first_seen): (&Self, &Observed)) -> (Self, bool) {
        match (&seen.compute, &self.step) {
            (_, step) if step.name() == first.step.name() => (self, false),
            // If the workspace is gone, there is nothing to do any longer.
            (Finding::Unknown(fault), _) if !seen.is_compute_absent() => (Self::read_failed(fault.clone(), first_seen), true),
            (_, Step::Wait | Step::Done) => (self, false),
            _ => (self.superseded(), false),
        }
    }

    /// Nothing is done: something changed since the decision was taken, so decide again at once.
    #[must_use]
    pub fn superseded(self) -> Self {
        Self { step: Step::Wait, requeue: Requeue::OnChange, ..self }
    }
}

/// The pause after a fault. A throttled request is not a failure: its pause is Azure's and does not grow. Azure may name none, or
/// a time in the past.
fn requeue_after(kind: FaultKind, unavailable_for: Duration, failing_for: Duration) -> Requeue {
    match kind {
        FaultKind::Unavailable(None)
        | FaultKind::Intercepted
        | FaultKind::Untrusted
        | FaultKind::Conflict
        | FaultKind::Unauthenticated => Requeue::Backoff(unavailable_for.max(failing_for)),
        FaultKind::Unavailable(Some(pause)) => Requeue::After(pause.max(Requeue::Backoff(unavailable_for).pause(pause))),
        FaultKind::Throttled(pause) => Requeue::After(pause.max(MIN_BACKOFF)),
        FaultKind::Queued(pause) => Requeue::After(pause),
        FaultKind::Forbidden
        | FaultKind::WorkspaceNotFound
        | FaultKind::SubscriptionNotFound
        | FaultKind::Refused(_)
        | FaultKind::Rejected => Requeue::SlowBackoff(failing_for),
    }
}

/// A role assignment does not delay a detach: Synapse's pauses are limited, and a missing permission does not delay it at all.
fn before_detach(kind: FaultKind, requeue: Requeue) -> Requeue {
    match kind {
        FaultKind::Forbidden => Requeue::Polling(Some(Duration::ZERO)),
        _ => Requeue::After(requeue.pause(ROLE_PATIENCE).min(ROLE_PATIENCE)),
    }
}
