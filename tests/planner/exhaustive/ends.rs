//! What must hold before every step and after every report, and how each start must end: stated independently of the planner.

use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{AdoptionPolicy, AttachmentStatus, OperationKind};
use synapse_spark_operator::planner::backoff::{MAX_BACKOFF, MIN_BACKOFF};
use synapse_spark_operator::planner::status::condition;
use synapse_spark_operator::planner::{Attached, FaultKind, Finding, Goal, Observed, Progress, Step};

use super::starts::{Deletion, LASTING, Model, PoolState, ShownPool, Start, Synapse, Trick, Whose};
use super::world::World;
use crate::builders::now;

fn must(holds: bool, rule: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(rule) }
}

/// The pool of a compute is the wanted one, whatever Azure shows for the moment.
fn is_wanted(pool: ShownPool) -> bool {
    pool != ShownPool::Other
}

fn is_in_sync(model: Model) -> bool {
    model.spark
        && model.whose == Whose::Ours
        && is_wanted(model.pool)
        && model.right_identity
        && model.progress == Progress::Succeeded
}

/// Azure shows something of it that can be parsed, now or later.
fn is_readable(model: Model) -> bool {
    !matches!(model.pool, ShownPool::Null(LASTING)) && model.progress != Progress::Unreadable
}

/// What must hold before every step, whatever the path.
pub fn check_safety(world: &World<'_>, step: &Step) -> Result<(), &'static str> {
    let is_ours = world.compute.is_some_and(|compute| compute.spark && compute.whose == Whose::Ours);
    if let (Step::Detach(_), Some(_)) = (step, world.goal.waits_for_jobs()) {
        must(world.is_idle(), "detaches nothing under jobs before the time-out")?;
    }
    match (&world.goal, step) {
        (_, Step::Wait) => Ok(()),
        (goal, step) if goal.is_transfer() => may_transfer(world, step, is_ours),
        (Goal::Attached(goal), Step::AssignRole(_) | Step::RevokeRole(_)) => must(
            goal.role.is_some() && !goal.policy.suspend && world.compute.is_some_and(is_in_sync),
            "assigns roles only of what is in sync",
        ),
        (Goal::Detached(goal), Step::RevokeRole(_)) => {
            must(!goal.suspend && !goal.retain, "revokes nothing that is to stay")?;
            // A job may begin after the jobs were read.
            let is_usable = is_ours && world.compute.is_some_and(|compute| compute.progress != Progress::Deleting);
            must(goal.waits_for_jobs.is_none() || !is_usable, "takes no role from a compute that jobs may use")
        }
        (Goal::Detached(_), Step::AssignRole(_)) => Err("assigns no role to what is to go"),
        (Goal::Attached(goal), Step::AddFinalizer) => {
            must(!goal.policy.suspend && !world.has_finalizer, "adds the finalizer once, and not while suspended")
        }
        (Goal::Attached(goal), Step::Put(_)) => may_put(world, goal),
        (Goal::Attached(goal), Step::Detach(_)) => {
            must(world.has_finalizer && is_ours && !goal.policy.suspend, "detaches only its own")?;
            must(!world.has_older_claimant(), "detaches nothing that an older object would take")?;
            let is_other = world.compute.is_some_and(|compute| compute.pool == ShownPool::Other);
            must(goal.policy.replace && is_other, "detaches only to replace another pool")
        }
        (Goal::Attached(goal), Step::Done) => must(
            world.compute.is_some_and(is_in_sync) && (world.has_finalizer || goal.policy.suspend),
            "is done only when in sync",
        ),
        (Goal::Attached(_), Step::RemoveFinalizer) => Err("keeps the finalizer of what is wanted"),
        (Goal::Detached(goal), Step::Detach(_)) => {
            must(world.has_finalizer && is_ours && !goal.suspend && !goal.retain, "detaches only its own, unless it is to stay")?;
            must(!world.is_transfer_late(), "detaches nothing that a late hand-over would attach again")
        }
        (Goal::Detached(goal), Step::RemoveFinalizer) => {
            must(goal.retain || !is_ours, "releases the object only when nothing of its own is left")?;
            must(goal.retain || !world.is_put_late(), "releases the object only when nothing of its own is about to appear")
        }
        (Goal::Detached(_), Step::Done) => must(!world.has_finalizer, "is done only when it has released the object"),
        (Goal::Detached(_), Step::AddFinalizer | Step::Put(_)) => Err("attaches nothing that is to go"),
    }
}

/// What must hold before a step of an object that hands its compute over.
fn may_transfer(world: &World<'_>, step: &Step, is_ours: bool) -> Result<(), &'static str> {
    let is_suspended = match &world.goal {
        Goal::Attached(goal) => goal.policy.suspend,
        Goal::Detached(goal) => goal.suspend,
    };
    let is_deleted = matches!(world.goal, Goal::Detached(_));
    match step {
        Step::Put(spec) => {
            must(world.has_finalizer && !is_suspended, "writes only with the finalizer, and not while suspended")?;
            must(is_ours && world.compute.is_some_and(is_readable), "hands over only its own, and only what it can read")?;
            must(spec.kind == OperationKind::Transfer, "changes the owner tag alone")
        }
        Step::AddFinalizer => must(is_ours && !is_deleted && !is_suspended, "adds the finalizer only to hand over"),
        Step::RemoveFinalizer => {
            let is_recipients = world.compute.is_some_and(|compute| compute.whose == Whose::Recipients);
            must(is_recipients || is_deleted && !is_ours, "keeps the finalizer until the compute is the recipient's")
        }
        Step::Done => must(is_deleted && !world.has_finalizer, "is done only when it is released"),
        Step::Wait => Ok(()),
        Step::Detach(_) | Step::AssignRole(_) | Step::RevokeRole(_) => Err("detaches nothing that it hands over"),
    }
}

fn may_put(world: &World<'_>, goal: &Attached) -> Result<(), &'static str> {
    let compute = world.compute;
    must(world.has_finalizer, "writes only with the finalizer")?;
    must(!goal.policy.suspend, "writes nothing while suspended")?;
    let is_ours = compute.is_some_and(|compute| compute.spark && compute.whose == Whose::Ours);
    let is_free = compute.is_some_and(|one| one.spark && matches!(one.whose, Whose::Nobodys | Whose::Formers));
    let may_adopt = compute.is_some_and(|compute| match goal.policy.adopt {
        AdoptionPolicy::IfSamePool => is_wanted(compute.pool),
        AdoptionPolicy::Always => is_wanted(compute.pool) || goal.policy.replace,
        AdoptionPolicy::Never | AdoptionPolicy::Unknown => false,
    });
    must(compute.is_none() || is_ours || is_free && may_adopt, "writes only to its own, or to what it may adopt")?;
    must(is_ours || !world.has_older_claimant(), "leaves the compute to the older object")?;
    must(compute.is_none_or(is_readable), "writes nothing on the strength of what it cannot read")
}

/// Conditions that contradict each other, or the world.
pub fn check_conditions(world: &World<'_>, observed: &Observed, status: &AttachmentStatus) -> Result<(), &'static str> {
    let is = |kind| condition(status, kind).is_some_and(|condition| condition.status == "True");
    let in_sync = world.compute.is_some_and(is_in_sync);
    let was_ready = condition(&world.status, "Ready").is_some_and(|condition| condition.status == "True");
    let wants_role = matches!(&world.goal, Goal::Attached(goal) if goal.role.is_some());
    must(condition(status, "Ready").is_some(), "Ready always exists")?;
    must(!is("Ready") || was_ready || in_sync, "becomes Ready only in sync")?;
    must(!is("Ready") || in_sync || matches!(observed.compute, Finding::Unknown(_)), "is Ready only in sync")?;
    must(!(is("Ready") && (is("Reconciling") || is("Stalled"))), "Ready excludes Reconciling and Stalled")?;
    must(!(is("Reconciling") && is("Stalled")), "Reconciling excludes Stalled")?;
    must(!is("Ready") || !wants_role || world.role_held || was_ready, "is Ready only with the role")?;
    must(world.start.trick != Trick::StaleReads || !is_called_failure(status), "takes no late read for a failure")
}

fn is_called_failure(status: &AttachmentStatus) -> bool {
    let reason = condition(status, "Ready").and_then(|ready| Reason::parse(&ready.reason));
    matches!(reason, Some(Reason::DriftPersists | Reason::DetachFailed | Reason::NoEffect))
}

/// A wait for Azure's request limits changes nothing but what is shown, and shows no object as Ready that was not.
pub fn check_waiting(before: &AttachmentStatus, next: &AttachmentStatus) -> Result<(), &'static str> {
    let ready = |status| condition(status, "Ready").map(|ready| ready.status.clone());
    let shown =
        AttachmentStatus { conditions: before.conditions.clone(), queued_until: before.queued_until.clone(), ..next.clone() };
    must(shown == *before, "records nothing while it waits")?;
    must(ready(next).as_deref() != Some("True") || ready(before) == ready(next), "does not become Ready while it waits")?;
    must(condition(next, "Stalled").is_none() || next == before, "a wait is no failure")
}

/// How a start must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Attached, in sync and ours.
    Attached,
    /// The finalizer is off, and the compute is gone.
    Detached,
    /// The finalizer is off (or never was on), and Azure was never written to.
    LetGo,
    /// The finalizer is off (or never was on), and the compute is the recipient's.
    HandedOver,
    /// Nothing was written to Azure, and the object stays.
    Untouched,
}

/// How a start must end: the table of the custom resource's documents.
fn end(goal: &Goal, start: &Start) -> End {
    // A compute that Azure is detaching counts as gone.
    let compute = start.compute.or(start.trick.takes()).filter(|compute| compute.progress != Progress::Deleting);
    match goal {
        goal if goal.is_transfer() => transfer_end(goal, start, compute),
        Goal::Attached(goal) => attached_end(goal, start, compute),
        Goal::Detached(goal) => match compute {
            _ if !start.has_finalizer || goal.retain => End::LetGo,
            Some(Model { spark: true, whose: Whose::Ours, .. }) if goal.suspend => End::Untouched,
            Some(Model { spark: true, whose: Whose::Ours, progress: Progress::Unreadable, .. }) => End::Untouched,
            Some(Model { spark: true, whose: Whose::Ours, .. }) | None => End::Detached,
            Some(_) => End::LetGo,
        },
    }
}

fn transfer_end(goal: &Goal, start: &Start, compute: Option<Model>) -> End {
    let is_suspended = match goal {
        Goal::Attached(goal) => goal.policy.suspend,
        Goal::Detached(goal) => goal.suspend,
    };
    let is_deleted = matches!(goal, Goal::Detached(_));
    match compute {
        _ if is_deleted && !start.has_finalizer => End::LetGo,
        Some(Model { spark: true, whose: Whose::Recipients, .. }) => End::LetGo,
        Some(one) if one.spark && one.whose == Whose::Ours && is_readable(one) && !is_suspended => End::HandedOver,
        Some(Model { spark: true, whose: Whose::Ours, .. }) => End::Untouched,
        None if is_deleted => End::Detached,
        Some(_) if is_deleted => End::LetGo,
        _ => End::Untouched,
    }
}

fn attached_end(goal: &Attached, start: &Start, compute: Option<Model>) -> End {
    let can_create = matches!(start.dependencies.0, PoolState::Usable | PoolState::Forbidden);
    let is_older = start.older && start.trick != Trick::OlderLeaves;
    match compute {
        _ if goal.policy.suspend => End::Untouched,
        // The running write makes it ours.
        Some(_) if matches!(start.trick, Trick::LateAndTaken(_)) => End::Attached,
        Some(one) if !is_readable(one) && matches!(one.whose, Whose::Ours | Whose::Nobodys) => End::Untouched,
        None if is_older || !can_create => End::Untouched,
        None => End::Attached,
        Some(Model { spark: false, .. } | Model { whose: Whose::Anothers, .. }) => End::Untouched,
        Some(Model { whose: Whose::Ours, pool, .. }) => match (is_wanted(pool), goal.policy.replace) {
            (true, _) => End::Attached,
            (false, true) if is_older => End::Untouched,
            (false, true) if !can_create => End::Detached,
            (false, true) => End::Attached,
            (false, false) => End::Untouched,
        },
        Some(Model { pool, .. }) => match goal.policy.adopt {
            _ if is_older => End::Untouched,
            AdoptionPolicy::IfSamePool if is_wanted(pool) => End::Attached,
            AdoptionPolicy::Always if is_wanted(pool) => End::Attached,
            AdoptionPolicy::Always if goal.policy.replace && can_create => End::Attached,
            AdoptionPolicy::Always if goal.policy.replace => End::Detached,
            _ => End::Untouched,
        },
    }
}

// Longer than other functions: one arm per way to end.
pub fn check(world: &World<'_>) -> Result<(), String> {
    let is_deleted = world.start.deletion != Deletion::Never && matches!(world.goal, Goal::Detached(_));
    let trick = world.start.trick;
    if is_deleted {
        // The user deleted the object after the first write: nothing of it may be left, and the object is released.
        let is_left = world.compute.is_some_and(|compute| compute.spark && compute.whose == Whose::Ours);
        let lasts = trick.is_lasting() && is_left;
        return match () {
            // A hand-over that is late changes nothing more.
            () if world.is_put_late() && !world.goal.is_transfer() => Err("a write is still to be carried out".to_owned()),
            () if lasts => Ok(()),
            () if is_left => Err(format!("leaks the compute: {:?}, {:?}", world.compute, world.status)),
            () if world.has_finalizer => Err(format!("keeps the object: {:?}", world.status)),
            () if world.role_held && world.start.dependencies.1 != Synapse::Keeps => Err("leaks the role assignment".to_owned()),
            () => Ok(()),
        };
    }
    if trick == Trick::WorkspaceGoes && world.writes > 0 && matches!(world.goal, Goal::Attached(_)) {
        return must(world.writes == 1 && world.has_finalizer, "waits for the workspace").map_err(str::to_owned);
    }
    let wanted = end(&world.goal, world.start);
    let in_sync = world.compute.is_some_and(is_in_sync);
    let holds = match wanted {
        End::Attached => in_sync && world.has_finalizer && recorded(world),
        End::Detached if matches!(world.goal, Goal::Attached(_)) => world.compute.is_none(),
        End::Detached => world.compute.is_none() && !world.has_finalizer,
        End::LetGo => world.writes == 0 && !world.has_finalizer,
        // The computes of a workspace that is gone are gone, too.
        End::HandedOver if trick == Trick::WorkspaceGoes => world.compute.is_none() && !world.has_finalizer,
        End::HandedOver => world.compute.is_some_and(|compute| compute.whose == Whose::Recipients) && !world.has_finalizer,
        End::Untouched => world.writes == writes_of_others(trick),
    };
    let (holds, bound) = match trick {
        // A permanent failure never ends, but is retried with growing pauses.
        _ if trick.is_lasting() && world.writes > 0 => {
            // A throttled write is retried after Azure's own pause.
            let pause =
                if let Trick::Write(FaultKind::Throttled(pause), _) = trick { pause.max(MIN_BACKOFF) } else { MAX_BACKOFF };
            let tries = world.now.duration_since(now()).as_secs() / i64::try_from(pause.as_secs()).expect("minutes");
            (wanted != End::Untouched && wanted != End::LetGo, 10 + u32::try_from(tries).expect("a few"))
        }
        Trick::Late(_) | Trick::LateAndTaken(_) => (holds, 9),
        Trick::Write(..) | Trick::DetachFindsNothing(_) => (holds, 6),
        _ => (holds, 4),
    };
    let what = || format!("compute {:?}, finalizer {}, {} writes", world.compute, world.has_finalizer, world.writes);
    match () {
        () if !holds => Err(format!("must end as {wanted:?}: {}, {:?}", what(), world.status)),
        () if world.writes > bound => Err(format!("{} writes, {} of them PUTs", world.writes, world.puts)),
        () => ready_in_the_end(world, in_sync),
    }
}

/// A write that was never sent counts, too.
fn writes_of_others(trick: Trick) -> u32 {
    u32::from(matches!(trick, Trick::KilledAndTaken(_)))
}

/// The status has what was applied: without it a tag that is removed from the spec would stay.
fn recorded(world: &World<'_>) -> bool {
    let applied = world.status.applied.as_ref();
    applied.is_some_and(|applied| applied.created_on.is_some())
}

fn ready_in_the_end(world: &World<'_>, in_sync: bool) -> Result<(), String> {
    let Goal::Attached(goal) = &world.goal else { return Ok(()) };
    if goal.transfer_to.is_some() {
        let is_ready = condition(&world.status, "Ready").is_some_and(|ready| ready.status == "True");
        return if is_ready { Err(format!("is Ready without a compute: {:?}", world.status)) } else { Ok(()) };
    }
    let ready = condition(&world.status, "Ready").map(|ready| ready.status.as_str());
    let is_usable = matches!(world.start.dependencies.0, PoolState::Usable | PoolState::Forbidden);
    let has_role = goal.role.is_none() || world.role_held;
    let may_be_ready = in_sync && is_usable && has_role && world.compute.is_none_or(is_readable);
    let can_assign = goal.role.is_none() || world.start.dependencies.1 != Synapse::Forbidden;
    match (ready, may_be_ready) {
        (Some("True"), false) => Err(format!("says Ready and is not: {:?}", world.status)),
        (Some("True"), true) => Ok(()),
        (_, true) if !world.start.trick.is_lasting() => Err(format!("is in sync and not Ready: {:?}", world.status)),
        (_, false) if in_sync && is_usable && can_assign && !goal.policy.suspend && world.compute.is_none_or(is_readable) => {
            Err(format!("does not assign the role: {:?}", world.status))
        }
        _ => Ok(()),
    }
}
