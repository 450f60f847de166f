//! The starts: what exists, what the user wants, and what goes wrong.
//!
//! Longer than other files: one model, to be read in one piece.

use std::time::Duration;

use synapse_spark_operator::api::v1alpha1::AdoptionPolicy;
use synapse_spark_operator::planner::goal::Policy;
use synapse_spark_operator::planner::roles::goal::Role;
use synapse_spark_operator::planner::{Attached, Detached, FaultKind, Goal, Identity, Owner, Progress, Recipient};
use synapse_spark_operator::refusal::Refusal;

use crate::builders::{attached, detached, owner};

/// Who owns a compute of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Ours,
    Nobodys,
    /// A former object's of this name.
    Formers,
    Anothers,
    /// The object's to which this one hands it over.
    Recipients,
}

/// The object to which another one hands its compute over.
pub fn recipient() -> Recipient {
    Recipient::parse("0b5d1f5e-3c1c-4c55-9a4e-1f2a3b4c5d6e/team-b/pool", &owner()).expect("a recipient")
}

impl Whose {
    pub fn tag(self) -> Option<String> {
        match self {
            Self::Ours => Some(owner().to_string()),
            Self::Nobodys => None,
            Self::Formers => Some(Owner { uid: "former".into(), ..owner() }.to_string()),
            Self::Anothers => Some("another/cluster/it/uid".to_owned()),
            Self::Recipients => Some(recipient().tag()),
        }
    }
}

/// What Azure shows as the pool of a compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownPool {
    Wanted,
    Other,
    /// Null for the first observations, or for ever.
    Null(u32),
}

/// A compute of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a dimension of its own")]
pub struct Model {
    pub spark: bool,
    pub pool: ShownPool,
    pub whose: Whose,
    /// Its owner tag before the running operation.
    pub shown_whose: Whose,
    pub right_identity: bool,
    pub progress: Progress,
    /// It was created in this run.
    pub is_new: bool,
    /// Somebody else created it, before the run.
    pub is_foreign: bool,
}

/// So often that it never ends.
pub const LASTING: u32 = u32::MAX;

/// What goes wrong, once, for some reconciles or for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trick {
    None,
    /// The first three observations find this.
    Observe(FaultKind),
    /// Of the first 24 observations, each third has no answer.
    Flapping,
    /// The first two observations answer 404 for a compute that exists.
    False404,
    /// So many writes are refused so, or not answered and not carried out.
    Write(FaultKind, u32),
    /// The first write is carried out, and answered with an error.
    Lost,
    /// The first write is not answered, and carried out that many seconds later.
    Late(u64),
    /// So many writes are accepted, end as failed, and leave what was there, or nothing.
    OperationFails(u32),
    /// So many attaches are accepted and leave a failed compute behind.
    LeavesFailed(u32),
    /// Operations may not be read.
    Unreadable,
    /// Tags show only when the operation ends.
    TagsAtEnd,
    /// The first detach is accepted, ends as failed, and leaves the compute.
    DetachFails,
    /// So many detaches are answered with 404, and the compute shows nevertheless.
    DetachFindsNothing(u32),
    /// For ten seconds after the end of each operation, reads show what was there before it.
    StaleReads,
    /// The first write is accepted, and its operation never ends and does nothing.
    NeverEnds,
    /// The workspace is deleted with its computes while the first write is running.
    WorkspaceGoes,
    /// The operator is killed after the intent of its first write, and somebody else attaches another pool under that name.
    KilledAndTaken(Whose),
    /// The first write is not answered, and carried out a minute later. Before that somebody else attaches the pool.
    LateAndTaken(Whose),
    /// The older object is deleted after some observations.
    OlderLeaves,
    /// The operator is killed after its first write: its outcome is not stored.
    Killed,
    /// The operator is killed after the intent of its first write: nothing is sent.
    KilledBefore,
    /// The cache shows the object of some reconciles ago.
    LaggingCache,
    /// Kubernetes refuses so many status writes.
    StatusRefused(u32),
    /// So many times there is no permit yet for a write of the compute.
    Queued(u32),
}

impl Trick {
    const fn is_of_writes(self) -> bool {
        !matches!(
            self,
            Self::None
                | Self::Observe(_)
                | Self::Flapping
                | Self::False404
                | Self::LaggingCache
                | Self::StatusRefused(_)
                | Self::OlderLeaves
        )
    }

    pub fn is_lasting(self) -> bool {
        matches!(
            self,
            Self::Write(_, LASTING)
                | Self::OperationFails(LASTING)
                | Self::LeavesFailed(LASTING)
                | Self::DetachFindsNothing(LASTING)
        )
    }

    /// Whether somebody else attaches a compute under the same name.
    pub fn takes(self) -> Option<Model> {
        let (pool, whose) = match self {
            Self::KilledAndTaken(whose) => (ShownPool::Other, whose),
            Self::LateAndTaken(whose) => (ShownPool::Wanted, whose),
            _ => return None,
        };
        let progress = Progress::Succeeded;
        let (right_identity, is_new, is_foreign) = (true, true, true);
        Some(Model { spark: true, pool, whose, shown_whose: whose, right_identity, progress, is_new, is_foreign })
    }
}

/// The Spark pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolState {
    Usable,
    Gone,
    Failed,
    Forbidden,
}

/// How Synapse answers to role assignments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synapse {
    Good,
    Forbidden,
    /// The first assignment is carried out, and answered with an error.
    FirstLost,
    /// Assignments are created, and may not be revoked.
    Keeps,
}

/// The jobs on the compute, where the spec wants a detach to wait for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jobs {
    /// There are none, or nobody asks.
    None,
    /// They have ended when they were read so many times.
    End(u32),
    /// They outlast the time-out.
    Lasting,
    /// None uses it when they are read for the first time, before the first write of the deletion. Then one begins, and outlasts the
    /// time-out.
    Begin,
    /// They may not be read.
    Forbidden,
}

/// How long a detach waits for jobs.
pub const TIMEOUT: Duration = Duration::from_mins(10);

/// When the user deletes the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Not in this run; or before it began, which is a goal of its own.
    Never,
    /// Right after the first write.
    AfterFirstWrite,
    /// Right after the first write, which hands the compute over; and the user no longer wants that.
    AfterTransfer,
    /// Once it is in sync.
    InSync,
    /// While its first write waits for a permit.
    WhileQueued,
}

impl Deletion {
    pub fn follows_the_first_write(self) -> bool {
        matches!(self, Self::AfterFirstWrite | Self::AfterTransfer)
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Start {
    pub has_finalizer: bool,
    pub older: bool,
    /// The status is Ready from an earlier time, with a compute that was ours.
    pub was_ready: bool,
    pub compute: Option<Model>,
    pub trick: Trick,
    pub deletion: Deletion,
    pub dependencies: (PoolState, Synapse),
    pub jobs: Jobs,
}

impl Start {
    pub fn applies_to(&self, goal: &Goal) -> bool {
        let is_recipients = self.compute.is_some_and(|compute| compute.whose == Whose::Recipients);
        match goal {
            goal if goal.waits_for_jobs().is_some() != (self.jobs != Jobs::None) => false,
            // It attaches nothing, so nobody else can be faster.
            goal if goal.is_transfer() && self.trick.takes().is_some() => false,
            goal if (is_recipients || self.deletion == Deletion::AfterTransfer) && !goal.is_transfer() => false,
            // A goal without writes is not combined with tricks of writes.
            Goal::Attached(goal) if goal.policy.suspend && self.trick.is_of_writes() => false,
            Goal::Detached(goal) if (goal.suspend || goal.retain) && self.trick.is_of_writes() => false,
            Goal::Detached(_) if self.trick.takes().is_some() => false,
            // The jobs of a compute that is not detached need no rule of their own for roles.
            Goal::Attached(goal) if goal.role.is_some() && self.jobs != Jobs::None && self.deletion == Deletion::Never => false,
            Goal::Attached(goal) => {
                let is_usual = self.dependencies == (PoolState::Usable, Synapse::Good);
                goal.role.is_none() == is_usual || is_usual
            }
            Goal::Detached(_) => self.deletion == Deletion::Never && self.dependencies == (PoolState::Usable, Synapse::Good),
        }
    }
}

pub fn goals() -> Vec<Goal> {
    let mut goals = Vec::new();
    let role = Some(Role { id: "role".into(), workspace_wide: false, linked_service: false });
    for suspend in [false, true] {
        for adopt in [AdoptionPolicy::Never, AdoptionPolicy::IfSamePool, AdoptionPolicy::Always] {
            // A suspended object writes nothing: only the most and the least permissive policies matter.
            let replaces = [false, true].into_iter().filter(|replace| !suspend || *replace == (adopt == AdoptionPolicy::Always));
            for replace in replaces.filter(|_| !suspend || adopt != AdoptionPolicy::IfSamePool) {
                let policy = Policy { replace, adopt, suspend, waits_for_jobs: None };
                let identity = Identity { system: true, user: Vec::new() };
                goals.push(Goal::Attached(Attached { identity, policy, ..attached() }));
            }
        }
        for retain in [false, true] {
            goals.push(Goal::Detached(Detached { retain, suspend, ..detached() }));
        }
        let identity = Identity { system: true, user: Vec::new() };
        let policy = Policy { replace: true, adopt: AdoptionPolicy::Always, suspend, waits_for_jobs: None };
        goals.push(Goal::Attached(Attached { identity, policy, transfer_to: Some(recipient()), ..attached() }));
        goals.push(Goal::Detached(Detached { suspend, transfer_to: Some(recipient()), ..detached() }));
        if !suspend {
            let waits_for_jobs = Some(TIMEOUT);
            let identity = Identity { system: true, user: Vec::new() };
            let policy = Policy { replace: true, waits_for_jobs, ..attached().policy };
            goals.push(Goal::Attached(Attached { identity: identity.clone(), policy, ..attached() }));
            goals.push(Goal::Attached(Attached { identity, policy, role: role.clone(), ..attached() }));
            goals.push(Goal::Detached(Detached { waits_for_jobs, ..detached() }));
        }
        let identity = Identity { system: true, user: Vec::new() };
        let policy = Policy { suspend, ..attached().policy };
        goals.push(Goal::Attached(Attached { identity, role: role.clone(), policy, ..attached() }));
    }
    goals
}

fn computes() -> Vec<Option<Model>> {
    let progresses = [Progress::Working, Progress::Succeeded, Progress::Failed, Progress::Deleting];
    let owners = [Whose::Ours, Whose::Nobodys, Whose::Formers, Whose::Anothers];
    let model = |spark, pool, whose, right_identity, progress| {
        let is_foreign = whose != Whose::Ours;
        Some(Model { spark, pool, whose, shown_whose: whose, right_identity, progress, is_new: false, is_foreign })
    };
    let mut computes = vec![None];
    for pool in [ShownPool::Wanted, ShownPool::Other] {
        for whose in owners {
            computes.extend(progresses.map(|progress| model(true, pool, whose, true, progress)));
            computes.push(model(true, pool, whose, false, Progress::Succeeded));
        }
    }
    computes.extend(progresses.map(|progress| model(true, ShownPool::Wanted, Whose::Recipients, true, progress)));
    for whose in [Whose::Ours, Whose::Nobodys] {
        computes.push(model(true, ShownPool::Wanted, whose, true, Progress::Unreadable));
    }
    for progress in [Progress::Working, Progress::Succeeded] {
        computes.extend(owners.map(|whose| model(false, ShownPool::Wanted, whose, true, progress)));
        for whose in [Whose::Ours, Whose::Nobodys] {
            computes.extend([3, LASTING].map(|times| model(true, ShownPool::Null(times), whose, true, progress)));
        }
    }
    computes
}

fn tricks() -> Vec<Trick> {
    use FaultKind::{
        Conflict, Forbidden, Intercepted, Refused, Rejected, SubscriptionNotFound, Throttled, Unauthenticated, Unavailable,
    };
    let faults = [
        Unavailable(None),
        Unavailable(Some(Duration::from_secs(7))),
        Throttled(Duration::from_secs(17)),
        Throttled(Duration::ZERO),
        FaultKind::Queued(Duration::from_secs(17)),
        Unauthenticated,
        Forbidden,
        SubscriptionNotFound,
        Intercepted,
        Refused(Refusal::Lock),
        Rejected,
    ];
    let mut tricks = vec![
        Trick::None,
        Trick::Flapping,
        Trick::False404,
        Trick::Lost,
        Trick::Unreadable,
        Trick::TagsAtEnd,
        Trick::DetachFails,
        Trick::Killed,
        Trick::KilledBefore,
        Trick::LaggingCache,
        Trick::StatusRefused(3),
        Trick::StaleReads,
        Trick::NeverEnds,
        Trick::WorkspaceGoes,
        Trick::Queued(3),
    ];
    tricks.extend([3, LASTING].map(Trick::DetachFindsNothing));
    tricks.extend([Whose::Nobodys, Whose::Anothers].map(Trick::KilledAndTaken));
    // A compute without an owner and with our pool cannot be distinguished from our own.
    tricks.push(Trick::LateAndTaken(Whose::Anothers));
    tricks.extend([3, 60, 180].map(Trick::Late));
    tricks.extend([1, LASTING].map(Trick::OperationFails));
    tricks.extend([1, LASTING].map(Trick::LeavesFailed));
    tricks.extend(faults.map(Trick::Observe));
    let throttled = Throttled(Duration::from_secs(17));
    tricks.extend([Unavailable(None), throttled, Conflict, Forbidden].map(|fault| Trick::Write(fault, 3)));
    // Of permanent faults, one of those that are retried after the same pauses is sufficient.
    tricks.extend([Unavailable(None), throttled, Throttled(Duration::ZERO), Forbidden].map(|fault| Trick::Write(fault, LASTING)));
    tricks
}

pub fn starts() -> Vec<Start> {
    let usual = (PoolState::Usable, Synapse::Good);
    // A workspace that is gone has no computes: only then is the finding true.
    let gone = Trick::Observe(FaultKind::WorkspaceNotFound);
    let mut starts = Vec::new();
    for (has_finalizer, older, was_ready) in
        [(true, false, true), (true, false, false), (true, true, false), (false, false, false), (false, true, false)]
    {
        for compute in computes() {
            for trick in tricks().into_iter().chain(compute.is_none().then_some(gone)).chain(older.then_some(Trick::OlderLeaves))
            {
                let flags = (has_finalizer, older, was_ready);
                if !is_of_interest(flags, trick) || trick.takes().is_some() && compute.is_some() {
                    continue;
                }
                starts.push(Start {
                    has_finalizer,
                    older,
                    was_ready,
                    compute,
                    trick,
                    deletion: Deletion::Never,
                    dependencies: usual,
                    jobs: Jobs::None,
                });
            }
        }
    }
    starts.extend(deleted(&starts));
    starts.extend(with_dependencies(&starts));
    starts.extend(with_jobs(&starts));
    starts
}

/// Each trick is combined with an object without history, the other objects only with the tricks for which they matter.
fn is_of_interest((has_finalizer, older, was_ready): (bool, bool, bool), trick: Trick) -> bool {
    match (has_finalizer, older, was_ready) {
        (true, false, false) => true,
        (true, true, _) => {
            matches!(
                trick,
                Trick::None | Trick::Lost | Trick::Flapping | Trick::LaggingCache | Trick::OlderLeaves | Trick::Queued(_)
            )
        }
        (false, true, _) => trick == Trick::None,
        (true, false, true) => matches!(
            trick,
            Trick::None
                | Trick::Flapping
                | Trick::False404
                | Trick::Lost
                | Trick::Late(60)
                | Trick::LaggingCache
                | Trick::TagsAtEnd
                | Trick::StaleReads
                | Trick::WorkspaceGoes
                | Trick::DetachFindsNothing(3)
                | Trick::Observe(FaultKind::Unavailable(None) | FaultKind::Queued(_) | FaultKind::Forbidden)
                | Trick::Queued(_)
        ),
        (false, false, _) => matches!(
            trick,
            Trick::None
                | Trick::Lost
                | Trick::Killed
                | Trick::LaggingCache
                | Trick::StatusRefused(_)
                | Trick::Queued(_)
                | Trick::Observe(FaultKind::Unavailable(None) | FaultKind::Forbidden | FaultKind::WorkspaceNotFound)
        ),
    }
}

/// The starts in which the user deletes the object while the operator works on it, or has just done so.
fn deleted(starts: &[Start]) -> Vec<Start> {
    let is_written = |compute: &Option<Model>| {
        compute.is_none_or(|compute| {
            compute.spark
                && matches!(compute.whose, Whose::Ours | Whose::Nobodys)
                && matches!(compute.progress, Progress::Succeeded | Progress::Failed)
                && !compute.right_identity
        })
    };
    let all = starts.iter().filter(|start| start.has_finalizer && !start.older && is_written(&start.compute));
    let each = |start: &Start| {
        [Deletion::AfterFirstWrite, Deletion::AfterTransfer, Deletion::InSync, Deletion::WhileQueued]
            .map(|deletion| Start { deletion, ..*start })
    };
    let is_of_interest = |start: &Start| match start.deletion {
        Deletion::InSync => start.trick.is_of_writes(),
        Deletion::WhileQueued => matches!(start.trick, Trick::Queued(_)),
        Deletion::AfterFirstWrite | Deletion::AfterTransfer | Deletion::Never => true,
    };
    all.flat_map(each).filter(is_of_interest).collect()
}

/// The starts in which jobs use a compute that is to be detached.
fn with_jobs(starts: &[Start]) -> Vec<Start> {
    let usual = (PoolState::Usable, Synapse::Good);
    // The answers of Synapse matter when the roles are revoked.
    let is_usual = |start: &&Start| {
        start.dependencies == usual || start.dependencies.0 == PoolState::Usable && start.deletion != Deletion::Never
    };
    let is_ours = |start: &&Start| start.compute.is_none_or(|one| one.spark && one.whose == Whose::Ours);
    // A deletion while a write waits for its permit would wait for another one after the jobs.
    let is_of_interest = |start: &&Start| start.has_finalizer && !start.older && start.deletion != Deletion::WhileQueued;
    let jobs = [Jobs::End(2), Jobs::Lasting, Jobs::Begin, Jobs::Forbidden];
    let all = starts.iter().filter(is_usual).filter(is_ours).filter(is_of_interest);
    all.flat_map(|start| jobs.map(|jobs| Start { jobs, ..*start })).collect()
}

/// The starts in which the pool or Synapse is not as usual.
fn with_dependencies(starts: &[Start]) -> Vec<Start> {
    let pools = [PoolState::Usable, PoolState::Gone, PoolState::Failed, PoolState::Forbidden];
    let synapses = [Synapse::Good, Synapse::Forbidden, Synapse::FirstLost, Synapse::Keeps];
    let usual = (PoolState::Usable, Synapse::Good);
    let tricks = [
        Trick::None,
        Trick::Lost,
        Trick::Killed,
        Trick::LaggingCache,
        Trick::TagsAtEnd,
        Trick::DetachFails,
        Trick::Observe(FaultKind::Unavailable(None)),
    ];
    let is_plain = |compute: &Option<Model>| {
        compute.is_none_or(|one| one.spark && one.whose == Whose::Ours && one.progress == Progress::Succeeded)
    };
    starts
        .iter()
        .filter(|start| start.has_finalizer && !start.older && tricks.contains(&start.trick) && is_plain(&start.compute))
        .flat_map(|start| {
            pools.into_iter().flat_map(move |pool| synapses.map(|synapse| Start { dependencies: (pool, synapse), ..*start }))
        })
        .filter(|start| start.dependencies != usual)
        .collect()
}
