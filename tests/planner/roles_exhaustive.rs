//! The same for role assignments: whatever Synapse answers, no assignment is left behind without a report, no detach is
//! delayed for long, and no attachment is Ready without its role.
//!
//! The compute is in sync. What varies is what is wanted, what was assigned before, who else has assigned it, and how Synapse
//! answers.
//!
//! Longer than other files: one model, to be read in one piece.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{AttachmentStatus, RolePhase};
use synapse_spark_operator::planner::backoff::{FailureHistory, MAX_BACKOFF, RESYNC, ROLE_PATIENCE, UNWANTED_ROLE_PATIENCE};
use synapse_spark_operator::planner::goal::Policy;
use synapse_spark_operator::planner::roles::goal::{Role, is_created_by};
use synapse_spark_operator::planner::roles::observed::{Recorded, Roles};
use synapse_spark_operator::planner::status::failure::history;
use synapse_spark_operator::planner::status::time::elapsed;
use synapse_spark_operator::planner::status::{condition, status};
use synapse_spark_operator::planner::{
    Attached, Compute, Decision, Detached, FaultKind, Finding, Goal, Identity, Observed, ObservedIdentity, Progress, Report,
    RoleAssignment, Step, WriteResult, decide,
};

use crate::builders::{attached, compute, detached, fault, now, owner, report, role, role_status, seen};

/// What was assigned before the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// What is wanted now.
    Same,
    /// To the principals of two former computes.
    Former,
    /// It was assigned, and the operator ended before the status had more than the intent.
    Intended,
    /// The status has the intent, and it was never assigned.
    OnlyIntended,
    /// The answer was lost, and the next one was that it exists already: as if somebody else had created it.
    Doubted,
}

/// How Synapse answers to writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writes {
    Good,
    /// The first is carried out, and answered with an error.
    FirstIsLost(FaultKind),
    /// So many get this answer, and are not carried out.
    Fault(FaultKind, u32),
}

const FOREVER: u32 = u32::MAX;
const FORBIDDEN: Writes = Writes::Fault(FaultKind::Forbidden, FOREVER);

#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a dimension of its own")]
// Many fields: one per dimension of the start.
struct Start {
    wants: bool,
    deleted: bool,
    retain: bool,
    suspend: bool,
    /// The compute is there.
    attached: bool,
    before: Before,
    /// Somebody else has assigned the same role.
    another: bool,
    /// The fault of a list, if it fails.
    lists: Option<FaultKind>,
    /// A new assignment shows in lists only after a while.
    lags: bool,
    /// Azure shows the principal only after this many observations.
    principal_after: u32,
    /// Once everything is in sync, somebody revokes the role.
    taken: bool,
    writes: Writes,
}

// Longer than other functions: a table with one row per case.
fn starts() -> Vec<Start> {
    let mut all = Vec::new();
    for (wants, deleted, retain, attached) in [
        (true, false, false, true),
        (false, false, false, true),
        (true, true, false, true),
        (true, true, false, false),
        (true, true, true, true),
    ] {
        for suspend in [false, true] {
            for before in [Before::Nothing, Before::Same, Before::Former, Before::Intended, Before::OnlyIntended, Before::Doubted]
            {
                for another in [false, true] {
                    for lists in [None, Some(FaultKind::Forbidden), Some(FaultKind::Unavailable(None))] {
                        for (lags, principal_after, taken) in
                            [(false, 0, false), (true, 0, false), (false, 3, false), (true, 0, true)]
                        {
                            for writes in [
                                Writes::Good,
                                Writes::FirstIsLost(FaultKind::Unavailable(None)),
                                Writes::FirstIsLost(FaultKind::Unavailable(Some(Duration::from_secs(10)))),
                                Writes::Fault(FaultKind::Unavailable(None), 3),
                                Writes::Fault(FaultKind::Unavailable(None), FOREVER),
                                Writes::Fault(FaultKind::Throttled(Duration::from_hours(1)), FOREVER),
                                Writes::Fault(FaultKind::WorkspaceNotFound, FOREVER),
                                FORBIDDEN,
                            ] {
                                all.push(Start {
                                    wants,
                                    deleted,
                                    retain,
                                    suspend,
                                    attached,
                                    before,
                                    another,
                                    lists,
                                    lags,
                                    principal_after,
                                    taken,
                                    writes,
                                });
                            }
                        }
                    }
                }
            }
        }
    }
    all
}

fn guid(one: &RoleAssignment) -> String {
    one.id(&owner().uid)
}

/// However long it fails, a status changes this often at most, apart from the times of the attempts.
const MAX_CHANGES: u32 = 10;
/// A run ends after so many observations in sync.
const AT_REST: u32 = 12;
/// After so long a list shows a new assignment: two to five minutes are documented.
const LAG: Duration = Duration::from_mins(5);

// Many fields: the state of Synapse, the API server and the controller.
struct World {
    start: Start,
    goal: Goal,
    /// The assigned roles in Synapse: to whom, under which GUID, since when.
    held: HashMap<String, (RoleAssignment, Timestamp)>,
    attached: bool,
    claimed: bool,
    status: AttachmentStatus,
    now: Timestamp,
    looks: u32,
    writes: u32,
    grants: u32,
    said: Vec<String>,
}

impl World {
    // Longer than other functions: one field per dimension of the start.
    fn new(start: Start) -> Self {
        let wanted = start.wants.then(|| Role { id: "role".into(), workspace_wide: false, linked_service: false });
        let goal = if start.deleted {
            Goal::Detached(Detached { retain: start.retain, suspend: start.suspend, ..detached() })
        } else {
            let policy = Policy { suspend: start.suspend, ..attached().policy };
            let identity = Identity { system: true, user: Vec::new() };
            Goal::Attached(Attached { role: wanted, policy, identity, ..attached() })
        };
        let (mut held, mut status) = (HashMap::new(), AttachmentStatus::default());
        let earlier = now().checked_sub(Duration::from_hours(2)).expect("a time");
        let mut remember = |one: &RoleAssignment, confirmed: bool| {
            let phase = match (start.before, confirmed) {
                (Before::Doubted, _) => RolePhase::PreExisting,
                (_, true) => RolePhase::Assigned,
                (_, false) => RolePhase::Pending,
            };
            status.role_assignments.push(role_status(one, phase, confirmed.then_some(earlier)));
        };
        let mut grant = |one: RoleAssignment| drop(held.insert(guid(&one), (one, earlier)));
        match start.before {
            Before::Nothing => {}
            Before::Same | Before::Intended | Before::Doubted => {
                remember(&role("now"), start.before != Before::Intended);
                grant(role("now"));
            }
            Before::OnlyIntended => remember(&role("now"), false),
            Before::Former => {
                for principal in ["former", "older"] {
                    remember(&role(principal), true);
                    grant(role(principal));
                }
            }
        }
        // Synapse takes the same role to the same principal on the same scope only once.
        if start.another && !held.contains_key(&guid(&role("now"))) {
            held.insert("another".into(), (role("now"), earlier));
        }
        let (attached, claimed) = (start.attached, true);
        let said = Vec::new();
        Self { start, goal, held, attached, claimed, status, now: now(), looks: 0, writes: 0, grants: 0, said }
    }

    fn compute(&self) -> Compute {
        let principal_id = (self.looks > self.start.principal_after).then(|| "now".to_owned());
        let identity = ObservedIdentity { system: true, principal_id, ..ObservedIdentity::default() };
        Compute { identity, ..compute(Progress::Succeeded) }
    }

    fn observe(&mut self) -> Observed {
        self.looks += 1;
        let compute = self.compute();
        let finding = |one: &RoleAssignment| match self.held.iter().find(|(_, (held, _))| held == one) {
            _ if self.start.lists.is_some() => Finding::Unknown(fault(self.start.lists.expect("it fails"))),
            Some((id, (_, since))) if !self.start.lags || between(*since, self.now) >= LAG => Finding::Present(id.clone()),
            _ => Finding::Absent,
        };
        let wants = matches!(&self.goal, Goal::Attached(goal) if goal.role.is_some());
        let wanted = wants.then(|| {
            let one = compute.identity.principal_id.as_deref().map(role);
            let found = one.as_ref().map_or(Finding::Absent, finding);
            (one, found)
        });
        let recorded = self.status.role_assignments.iter().map(|one| Recorded {
            is_ours: is_created_by(&owner().uid, one),
            confirmed_ago: one.assigned_at.as_ref().map(|at| between(at.0, self.now)),
            status: one.clone(),
        });
        let failure = self.status.failure.as_ref().map(|failure| history(failure, self.now));
        let roles = Roles {
            wanted: wanted.into_iter().collect(),
            recorded: recorded.collect(),
            pending_verification: Vec::new(),
            failure: failure.filter(FailureHistory::is_of_role),
        };
        let found = if self.attached { Finding::Present(compute) } else { Finding::Absent };
        let mut observed = Observed { roles, failure, ..seen(self.claimed, found) };
        observed.object.reconciling_for = condition(&self.status, "Reconciling")
            .map_or(Some(Duration::ZERO), |one| Some(between(one.last_transition_time.0, self.now)));
        observed
    }

    /// A write to Synapse. Returns the answer that the operator receives.
    fn write(&mut self, step: &Step, one: &RoleAssignment) -> WriteResult {
        self.writes += 1;
        match self.start.writes {
            Writes::Fault(kind, times) if self.writes <= times => return WriteResult::Failed(fault(kind)),
            _ => {}
        }
        let existed = self.held.values().any(|(held, _)| held == one);
        let is_assignment = matches!(step, Step::AssignRole(_));
        if is_assignment && !existed {
            self.held.insert(guid(one), (one.clone(), self.now));
        } else if !is_assignment {
            self.held.remove(&guid(one));
        }
        match self.start.writes {
            Writes::FirstIsLost(kind) if self.writes == 1 => WriteResult::Failed(fault(kind)),
            _ if is_assignment && existed => WriteResult::AlreadyExists,
            _ => WriteResult::Accepted(None),
        }
    }

    fn is_held(&self) -> bool {
        self.held.values().any(|(one, _)| *one == role("now"))
    }

    fn ours(&self) -> usize {
        self.held.keys().filter(|id| *id != "another").count()
    }

    fn has_said(&self, id: &str) -> bool {
        self.said.iter().any(|said| said.contains(id))
    }

    fn remembers(&self, id: &str) -> bool {
        // The status is deleted with the object.
        self.claimed && self.status.role_assignments.iter().any(|known| known.assignment_id == id)
    }
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    elapsed(from, to).unwrap_or_default()
}

/// A status without the times of the attempts.
fn without_attempts(status: &AttachmentStatus) -> AttachmentStatus {
    AttachmentStatus { failure: None, ..status.clone() }
}

/// One reconcile: what was decided, and what is reported. The intent of a write is stored before the write is sent.
fn reconcile(world: &mut World) -> Result<(Observed, Decision), String> {
    let observed = world.observe();
    let decision = decide(&world.goal, &observed);
    check_step(world, &decision.step).map_err(|rule| format!("{rule}: {decision:?}"))?;
    let result = match decision.step.clone() {
        Step::AssignRole(one) | Step::RevokeRole(one) => {
            world.grants += u32::from(matches!(decision.step, Step::AssignRole(_)));
            Some(world.write(&decision.step, &one))
        }
        Step::Detach(_) => {
            world.attached = false;
            Some(WriteResult::Accepted(None))
        }
        Step::RemoveFinalizer => {
            world.claimed = false;
            None
        }
        _ => None,
    };
    let reported = match (&result, decision.step.write()) {
        (Some(WriteResult::Failed(fault)), Some(write)) => decision.write_failed(write, fault.clone(), &observed),
        _ => decision.clone(),
    };
    if !matches!(reported.step, Step::Detach(_)) {
        world.said.extend(reported.cause.orphaned().iter().cloned());
    }
    let goal = world.goal.clone();
    let written = result.as_ref().map(|result| (&decision, result));
    let report = Report { now: world.now, ..report(&goal, &observed, &reported, written) };
    world.status = status(&world.status, &report);
    Ok((observed, reported))
}

// Longer than other functions: one arm per rule.
fn check_step(world: &World, step: &Step) -> Result<(), &'static str> {
    let start = world.start;
    let may_write = !start.suspend && !start.retain;
    match step {
        Step::AssignRole(_) | Step::RevokeRole(_) if !may_write => Err("writes nothing that is not to be written"),
        Step::AssignRole(_) if !start.wants || start.deleted => Err("assigns what nobody wants"),
        Step::RevokeRole(one) if start.wants && !start.deleted && *one == role("now") => Err("revokes what is wanted"),
        Step::Detach(_) if !start.deleted || !may_write => Err("detaches what is wanted"),
        Step::Put(_) | Step::AddFinalizer => Err("the compute is in sync"),
        _ => Ok(()),
    }
}

/// Runs one start to its end. Returns what is wrong with it.
fn run(start: Start) -> Result<(), String> {
    let mut world = World::new(start);
    let (mut settled, mut failed_since, mut taken, mut changes) = (0, None, false, 0);
    for _ in 0..200 {
        let before = without_attempts(&world.status);
        let (_, decision) = reconcile(&mut world)?;
        if decision.cause.error().is_some() && decision.step == Step::Wait && world.writes > 0 {
            failed_since.get_or_insert(world.now);
        }
        changes += u32::from(before != without_attempts(&world.status));
        check_status(&world, taken)?;
        let is_done = decision.step == Step::Done || decision.cause.reason() == Reason::Suspended;
        settled = if is_done || !world.claimed { settled + 1 } else { 0 };
        if start.taken && !taken && settled == AT_REST {
            world.held.clear();
            (taken, settled) = (true, 0);
        }
        if !world.claimed || settled == AT_REST {
            break;
        }
        let pause = decision.requeue.pause(RESYNC);
        let is_throttled = matches!(start.writes, Writes::Fault(FaultKind::Throttled(_), _));
        if pause > if is_throttled { Duration::from_hours(1) } else { MAX_BACKOFF } {
            return Err(format!("a pause of {pause:?}"));
        }
        world.now = world.now.checked_add(pause).expect("a time");
    }
    if changes > MAX_CHANGES {
        return Err(format!("changes the status {changes} times: {:?}", world.status));
    }
    check(&world, failed_since, taken)
}

fn check_status(world: &World, taken: bool) -> Result<(), String> {
    let (start, status) = (world.start, &world.status);
    let is = |kind| condition(status, kind).is_some_and(|condition| condition.status == "True");
    // Without permission to list, the operator cannot see that somebody revoked it.
    let is_blind = taken && (start.lists.is_some() || between(now(), world.now) < LAG * 4);
    let wants = start.wants && !start.deleted;
    if wants && (is("Ready") || is("RoleAssigned")) && !start.suspend && !world.is_held() && !is_blind {
        return Err(format!("says that the role is assigned, and it is not: {status:?}"));
    }
    if is("Ready") && start.wants && !is("RoleAssigned") {
        return Err(format!("Ready without the role: {status:?}"));
    }
    let forgotten = world.held.keys().find(|id| *id != "another" && !world.remembers(id) && !world.has_said(id));
    match forgotten {
        Some(id) if world.claimed || !start.retain => Err(format!("forgets {id} without a word: {status:?}")),
        _ => Ok(()),
    }
}

/// How it must have ended.
fn check(world: &World, failed_since: Option<Timestamp>, taken: bool) -> Result<(), String> {
    let start = world.start;
    let works = matches!(start.writes, Writes::Good | Writes::FirstIsLost(_) | Writes::Fault(_, 3));
    let must =
        |holds: bool, rule: &str| if holds { Ok(()) } else { Err(format!("{rule}: held {:?}, {:?}", world.held, world.status)) };
    let was_others = start.another && !matches!(start.before, Before::Same | Before::Intended | Before::Doubted);
    must(taken || was_others == world.held.contains_key("another"), "others' stays")?;
    if start.suspend {
        must(world.writes == 0, "writes nothing while suspended")?;
        return must(world.claimed || !start.attached || start.retain, "keeps what it may not detach");
    }
    if start.deleted {
        must(!world.claimed, "lets go of the object")?;
        must(world.attached == (start.retain && start.attached), "detaches, unless told to leave it")?;
        let held_up = failed_since.map(|since| between(since, world.now)).unwrap_or_default();
        must(held_up <= ROLE_PATIENCE * 2, "no role holds a detach up")?;
        must(start.writes != FORBIDDEN || held_up <= Duration::from_secs(5), "least of all where rights are missing")?;
        return must(start.retain || !works || world.ours() == 0, "leaves no role of its own behind");
    }
    let is_ready = condition(&world.status, "Ready").is_some_and(|ready| ready.status == "True");
    must(!works || world.held.keys().all(|id| *id == "another" || *id == guid(&role("now"))), "leaves no former role")?;
    if !start.wants {
        must(!works || world.ours() == 0, "takes back what is no longer wanted")?;
        must(is_ready && condition(&world.status, "RoleAssigned").is_none(), "is Ready: what is asked for is there")?;
        let longest = if start.writes == FORBIDDEN { UNWANTED_ROLE_PATIENCE + MAX_BACKOFF } else { Duration::from_hours(2) };
        let held_up = failed_since.map(|since| between(since, world.now)).unwrap_or_default();
        let held_up = held_up.saturating_sub(RESYNC * AT_REST * (1 + u32::from(taken)));
        return must(held_up <= longest, "no role that is not wanted stands in the way for long");
    }
    // No answer has ever shown whether it exists.
    let knows = matches!(start.before, Before::Same | Before::Doubted) || start.lists.is_none() && world.is_held();
    if works && (start.lists != Some(FaultKind::Unavailable(None)) || matches!(start.before, Before::Same | Before::Doubted)) {
        must(is_ready && (world.is_held() || taken), "ends Ready, with the role")?;
        let needed = match start.writes {
            Writes::Good => 1,
            Writes::FirstIsLost(_) => 2,
            Writes::Fault(..) => 4,
        };
        must(world.grants <= needed + u32::from(taken), &format!("asks no more often than it takes ({})", world.grants))?;
        let remembered = world.status.role_assignments.iter();
        let of_ours = remembered.filter(|one| world.held.contains_key(&one.assignment_id) && one.assignment_id != "another");
        return must(of_ours.count() == world.ours(), "remembers what it has to take back");
    }
    must(knows || !is_ready, "is not Ready without the role")?;
    let granted = condition(&world.status, "RoleAssigned");
    must(is_ready || granted.is_none_or(|one| one.status == "False"), "says that the role is not there")
}

#[test]
fn roles_are_assigned_and_revoked_without_long_delays() {
    let all = starts();
    let bad: Vec<_> = all.iter().filter_map(|start| run(*start).err().map(|wrong| format!("{start:?}\n  {wrong}"))).collect();
    let (wrong, first) = (bad.len(), bad.iter().take(5).cloned().collect::<Vec<_>>().join("\n"));
    assert!(bad.is_empty(), "{wrong} of {} starts go wrong:\n{first}", all.len());
}
