//! Decides the next step, and says why.
//!
//! Pure: no clock, no network, no environment (see `clippy.toml`). Everything
//! that the decision rests on is an argument, so every decision is a unit test.
//!
//! ```text
//!   Goal (what the user asked) ─┐
//!                               ├─► decide() ─► Step + Reason
//!   Observed (what there is)  ──┘
//! ```
//!
//! One step per pass. Azure's writes take minutes and may be lost, so a list of
//! steps would be stale before its second entry; the next pass looks again.

mod behind;
pub mod drift;
pub mod goal;
pub mod observed;
pub mod pause;
pub mod role;
pub mod status;

pub use drift::{Desired, Drift, Field};
pub use goal::{Attached, Detached, Goal, Owner, Ownership};
pub use observed::{
    Behind, Compute, Fault, FaultKind, Finding, LinkedService, Observed, Operation, Outcome, Progress, SparkPool, Trouble, Words,
};
pub use pause::Look;
pub use role::Assignment;

use crate::api::Reason;
use crate::api::v1alpha1::{AdoptionPolicy, OperationKind};

/// The one thing to do in this pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Put our finalizer on the object: before the first write to Azure.
    Claim,
    /// PUT the compute: attach, adopt, update or try again.
    Attach,
    /// Do nothing now, and look again soon.
    Wait,
    /// Do nothing: it is as asked.
    Rest,
    /// Grant a role in the Synapse workspace.
    Grant,
    /// Take back a role that was granted.
    Revoke,
    /// DELETE the compute with `underlyingResourceAction=Detach`.
    Detach,
    /// Take our finalizer off: the compute is gone, or not ours to detach.
    Release,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 8] =
        [Self::Claim, Self::Attach, Self::Wait, Self::Rest, Self::Grant, Self::Revoke, Self::Detach, Self::Release];
}

/// What becomes of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is to be granted.
    Grant,
    /// It is to be taken back.
    Revoke,
    /// It is remembered no longer: it was never granted, or is left behind.
    Forget,
}

/// What to do, why, and when to look again.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What to do.
    pub step: Step,
    /// Why.
    pub reason: Reason,
    /// Azure's words, where the reason rests on them.
    pub words: Option<Words>,
    /// Who or what is in the way, where somebody is: an object, an owner tag, a type of compute.
    pub about: String,
    /// The role that is granted, taken back, or in the way.
    pub assignment: Option<Assignment>,
    /// What becomes of that role.
    pub change: Change,
    /// The commands that take back by hand what stays behind.
    pub left_behind: Vec<String>,
    /// What differs between the goal and Azure.
    pub drift: Vec<Drift>,
    /// Azure shows what was asked for.
    pub at_goal: bool,
    /// The compute itself is as asked, whatever is behind it.
    pub settled: bool,
    /// When to look again.
    pub look: Look,
}

impl Plan {
    fn new(step: Step, reason: Reason, look: Look) -> Self {
        Self {
            step,
            reason,
            words: None,
            about: String::new(),
            assignment: None,
            change: Change::Grant,
            left_behind: Vec::new(),
            drift: Vec::new(),
            at_goal: false,
            settled: false,
            look,
        }
    }

    fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    fn words(mut self, words: Option<Words>) -> Self {
        self.words = words;
        self
    }

    fn drift(mut self, drift: Vec<Drift>) -> Self {
        self.drift = drift;
        self
    }

    /// The plan for an object whose spec asks for what cannot be: nothing, until the spec changes.
    #[must_use]
    pub fn refusing(invalid: &goal::Invalid) -> Self {
        Self::new(Step::Wait, Reason::InvalidSpec, Look::Settled).about(invalid.to_string())
    }

    /// The plan after a pass that ended in a defect of ours.
    #[must_use]
    pub fn defective(what: &str, failing_for: std::time::Duration) -> Self {
        Self::new(Step::Wait, Reason::InternalError, Look::Failing(failing_for)).about(what)
    }

    /// The plan to report instead of this one, when Azure did not take its step.
    #[must_use]
    pub fn thwarted(&self, fault: Fault, observed: &Observed) -> Self {
        let unwanted = self.assignment.as_ref().filter(|_| (self.reason, self.step) == (Reason::Granting, Step::Revoke));
        if let Some(left_behind) = unwanted.and_then(|one| observed.behind.roles.given_up(one, fault.kind)) {
            let look = Look::Working(std::time::Duration::ZERO);
            return Self { step: Step::Wait, look, change: Change::Forget, left_behind, ..self.clone() };
        }
        let is_forbidden = self.assignment.is_some() && fault.kind == FaultKind::Unauthorized;
        let waiting = waiting_out(fault, observed);
        let reason = if is_forbidden { Reason::RoleForbidden } else { waiting.reason };
        // A detach is not held up by a role: neither by a pause that Synapse names, nor at all where rights are missing.
        let look = match (self.reason, self.step) {
            (Reason::Detaching, Step::Revoke) if is_forbidden => Look::Working(std::time::Duration::ZERO),
            (Reason::Detaching, Step::Revoke) => Look::In(waiting.look.pause(pause::SETTLED).min(pause::ROLE_PATIENCE)),
            _ => waiting.look,
        };
        Self {
            reason,
            look,
            drift: self.drift.clone(),
            assignment: self.assignment.clone(),
            change: self.change,
            settled: self.settled,
            ..waiting
        }
    }

    /// The same, when it was not even begun: the look before it had no answer.
    #[must_use]
    pub fn unanswered(&self, fault: Fault, observed: &Observed) -> Self {
        Self { assignment: None, ..self.clone() }.thwarted(fault, observed)
    }

    /// Nothing is done after all: the world changed under the decision, so look again at once.
    #[must_use]
    pub fn overtaken(&self) -> Self {
        Self { step: Step::Wait, look: Look::Watched, ..self.clone() }
    }
}

/// Decides the next step. Total: every goal and every observation has one.
///
/// Faults are findings, not errors, so what the user reads when Azure is down
/// is decided, and tested, here too.
#[must_use]
pub fn decide(goal: &Goal, observed: &Observed) -> Plan {
    match goal {
        Goal::Attached(goal) => attach(goal, observed),
        Goal::Detached(goal) => detach(goal, observed),
    }
}

fn attach(goal: &Attached, observed: &Observed) -> Plan {
    let working = |reason| Plan::new(Step::Wait, reason, Look::Working(working_for(observed)));
    let write = |step, reason| match () {
        () if goal.suspend => Plan::new(Step::Wait, Reason::Suspended, Look::Settled),
        () if !observed.claimed => Plan::new(Step::Claim, Reason::Claiming, Look::Watched),
        () => Plan::new(step, reason, Look::Working(std::time::Duration::ZERO)),
    };
    let Some(pool) = &goal.pool else { return behind::unlinked(goal, observed) };
    let compute = match &observed.compute {
        Finding::Unknown(fault) => return waiting_out(fault.clone(), observed),
        Finding::Absent => {
            return match (&observed.elder, &observed.operation) {
                (Some(elder), _) => Plan::new(Step::Wait, Reason::Duplicate, Look::Settled).about(elder),
                (None, Some(write)) if write.kind != OperationKind::Detach && is_pending(write) => working(Reason::Attaching),
                // Azure took our PUT, ended it, and has nothing to show for it.
                (None, Some(write)) if write.kind != OperationKind::Detach && !is_due(observed) => {
                    failed(Reason::AttachFailed, observed)
                }
                // Azure would say so too, in its own words, minutes later.
                _ => behind::no_pool(pool, observed).unwrap_or_else(|| write(Step::Attach, Reason::Attaching)),
            };
        }
        Finding::Present(compute) => compute,
    };
    let differs = drift::drift(goal, compute, observed.applied.as_ref());
    let is_same_pool = compute.pool.as_ref() == Some(pool);
    match (&compute.owner, &observed.elder) {
        _ if !compute.is_spark() => return blocked(Reason::NotOurs, format!("a compute of type {}", compute.kind)),
        // Whoever holds the compute keeps it, also against an older object: else neither would work.
        (Ownership::Another(_) | Ownership::Nobody, Some(elder)) => return blocked(Reason::Duplicate, elder),
        (Ownership::Another(tag), None) => return blocked(Reason::OwnedByAnother, tag),
        (Ownership::Nobody, None) => {
            let may_adopt = match goal.adopt {
                AdoptionPolicy::Never | AdoptionPolicy::Unknown => false,
                AdoptionPolicy::IfSamePool => is_same_pool,
                AdoptionPolicy::Always => is_same_pool || goal.replace,
            };
            if !may_adopt {
                let pool = compute.pool.as_ref().map_or_else(|| "no pool".to_owned(), ToString::to_string);
                return blocked(Reason::NotOurs, format!("an attachment of {pool}")).drift(differs);
            }
            return match compute.progress {
                Progress::Working | Progress::Deleting => working(Reason::Adopting),
                Progress::Succeeded | Progress::Failed if pending(observed) => working(Reason::Adopting),
                Progress::Succeeded | Progress::Failed if observed.operation.is_some() && !is_due(observed) => {
                    failed(Reason::AttachFailed, observed)
                }
                // Only the tag first, on the pool that is there: so that what is detached later is ours.
                Progress::Succeeded | Progress::Failed => write(Step::Attach, Reason::Adopting),
            }
            .drift(differs);
        }
        (Ownership::Ours, _) => {}
    }
    let kind = observed.operation.as_ref().map(|operation| operation.kind);
    match compute.progress {
        Progress::Deleting if !is_same_pool || kind == Some(OperationKind::Detach) => working(Reason::Replacing),
        Progress::Deleting => working(Reason::Attaching),
        Progress::Working if kind == Some(OperationKind::Update) => working(Reason::Updating).drift(differs),
        Progress::Working => working(Reason::Attaching),
        _ if !is_same_pool && !goal.replace => {
            blocked(Reason::PoolDiffers, compute.pool.as_ref().map_or_else(String::new, ToString::to_string)).drift(differs)
        }
        _ if !is_same_pool && kind == Some(OperationKind::Detach) && pending(observed) => working(Reason::Replacing),
        _ if !is_same_pool && kind == Some(OperationKind::Detach) && !is_due(observed) => failed(Reason::DetachFailed, observed),
        _ if !is_same_pool => write(Step::Detach, Reason::Replacing).drift(differs),
        Progress::Failed if !is_due(observed) => failed(Reason::AttachFailed, observed).drift(differs),
        Progress::Failed => write(Step::Attach, Reason::Attaching).drift(differs),
        // Azure ended our PUT as failed, and shows nothing of it: what cannot be seen (an order) may not be there either.
        Progress::Succeeded if has_failed(observed) && kind != Some(OperationKind::Detach) && !is_due(observed) => {
            failed(Reason::AttachFailed, observed).drift(differs)
        }
        Progress::Succeeded if has_failed(observed) && kind != Some(OperationKind::Detach) => {
            write(Step::Attach, Reason::Updating).drift(differs)
        }
        Progress::Succeeded if differs.is_empty() && !observed.claimed && !goal.suspend => write(Step::Claim, Reason::Claiming),
        Progress::Succeeded if differs.is_empty() => {
            let plan = behind::no_pool(pool, observed).or_else(|| behind::role_step(goal, observed)).unwrap_or_else(|| {
                let reason = if goal.suspend { Reason::Suspended } else { Reason::Attached };
                Plan { at_goal: true, ..Plan::new(Step::Rest, reason, Look::Settled) }
            });
            Plan { settled: true, ..plan }
        }
        Progress::Succeeded if pending(observed) => working(Reason::Updating).drift(differs),
        // Azure ended our PUT well, and still shows something else.
        Progress::Succeeded if kind.is_some() && !is_due(observed) => failed(Reason::NotApplied, observed).drift(differs),
        Progress::Succeeded => write(Step::Attach, Reason::Updating).drift(differs),
    }
}

fn detach(goal: &Detached, observed: &Observed) -> Plan {
    let plan = detach_compute(goal, observed);
    let roles = &observed.behind.roles;
    match role::leaving(roles) {
        _ if goal.retain || !matches!(plan.step, Step::Detach | Step::Release) => plan,
        Some(assignment) if !goal.suspend => {
            let look = Look::Working(std::time::Duration::ZERO);
            Plan { assignment: Some(assignment), change: Change::Revoke, ..Plan::new(Step::Revoke, Reason::Detaching, look) }
        }
        // Suspended, it lets go of what is gone, and writes nothing.
        _ => Plan { left_behind: role::left_behind(roles), ..plan },
    }
}

fn detach_compute(goal: &Detached, observed: &Observed) -> Plan {
    let working = || Plan::new(Step::Wait, Reason::Detaching, Look::Working(working_for(observed)));
    let release = || Plan::new(Step::Release, Reason::Released, Look::Watched);
    match &observed.compute {
        _ if !observed.claimed => Plan { at_goal: true, ..Plan::new(Step::Rest, Reason::Released, Look::Settled) },
        _ if goal.retain || goal.compute.is_none() => release(),
        Finding::Unknown(fault) if fault.kind == FaultKind::NoWorkspace => release(),
        Finding::Unknown(fault) => waiting_out(fault.clone(), observed),
        // Azure took an attach that has yet to show: what it will make must not be left behind.
        Finding::Absent
            if observed.operation.as_ref().is_some_and(|write| write.kind != OperationKind::Detach && is_pending(write)) =>
        {
            working()
        }
        Finding::Absent => release(),
        Finding::Present(compute) if !compute.is_spark() || compute.owner != Ownership::Ours => release(),
        Finding::Present(compute) if compute.progress == Progress::Deleting => working(),
        Finding::Present(compute) if compute.progress == Progress::Working && observed.waiting_for < pause::STUCK => working(),
        Finding::Present(_) if goal.suspend => Plan::new(Step::Wait, Reason::Suspended, Look::Settled),
        Finding::Present(_) => match &observed.operation {
            Some(write) if write.kind == OperationKind::Detach && is_pending(write) => working(),
            Some(write) if write.kind == OperationKind::Detach && !is_due(observed) => failed(Reason::DetachFailed, observed),
            _ => Plan::new(Step::Detach, Reason::Detaching, Look::Working(std::time::Duration::ZERO)),
        },
    }
}

/// For how long Azure has been at what we wait for, as far as the status remembers.
fn working_for(observed: &Observed) -> std::time::Duration {
    let running_for = observed.operation.as_ref().map(|operation| operation.running_for);
    running_for.map_or(observed.waiting_for, |running_for| running_for.min(observed.waiting_for))
}

/// Whether Azure may still be at it, as far as anybody knows.
fn is_pending(operation: &Operation) -> bool {
    matches!(operation.outcome, Outcome::Running | Outcome::Unknown)
}

fn has_failed(observed: &Observed) -> bool {
    observed.operation.as_ref().is_some_and(|operation| matches!(operation.outcome, Outcome::Failed(_)))
}

fn pending(observed: &Observed) -> bool {
    observed.operation.as_ref().is_some_and(is_pending)
}

/// Whether a write that failed is to be tried again now: the user asks, or the pause is over.
///
/// The pause grows with how long it had failed when the last failure was seen,
/// and counts from there: so an operation that takes long to fail gets a pause too.
fn is_due(observed: &Observed) -> bool {
    observed.asked || observed.trouble.is_some_and(|trouble| trouble.ago >= pause::failing(trouble.before))
}

/// A write that Azure took has failed: say so, and try again when it is due.
fn failed(reason: Reason, observed: &Observed) -> Plan {
    let words = observed.operation.as_ref().and_then(|operation| match &operation.outcome {
        Outcome::Failed(words) => Some(words.clone()),
        _ => None,
    });
    let left = match observed.trouble {
        Some(trouble) => pause::failing(trouble.before).saturating_sub(trouble.ago),
        None => pause::failing(observed.failing_for),
    };
    Plan::new(Step::Wait, reason, Look::In(left)).words(words)
}

/// Somebody or something is in the way, and only a change elsewhere will help.
fn blocked(reason: Reason, about: impl Into<String>) -> Plan {
    Plan::new(Step::Wait, reason, Look::Settled).about(about)
}

/// There was no answer that tells: nothing is undone, and the pause is Azure's or grows.
fn waiting_out(fault: Fault, observed: &Observed) -> Plan {
    let failing_for = observed.failing_for;
    let (reason, look) = match fault.kind {
        FaultKind::Passing => (Reason::AzureUnavailable, Look::Failing(failing_for)),
        FaultKind::Throttled(pause) => (Reason::Throttled, Look::In(pause.max(pause::failing(failing_for)))),
        FaultKind::Unauthorized => (Reason::Unauthorized, Look::Slowly(failing_for)),
        FaultKind::NoCredential => (Reason::NoCredential, Look::Failing(failing_for)),
        FaultKind::NoWorkspace | FaultKind::NoSubscription => (Reason::WorkspaceNotFound, Look::Slowly(failing_for)),
        FaultKind::Refused => (Reason::Refused, Look::Slowly(failing_for)),
    };
    Plan::new(Step::Wait, reason, look).words(Some(fault.words))
}

#[cfg(test)]
mod tests;
