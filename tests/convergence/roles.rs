//! The same for roles: whatever Synapse answers, nothing is left behind unsaid, no detach is held up, and nobody is called
//! Ready who is not.
//!
//! The compute is attached as asked. What varies is what is wanted, what was granted before, who else has granted it, and how
//! Synapse answers.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{AttachmentStatus, OperationKind, OperationStatus};
use synapse_spark_operator::planner::goal::{Identity, Role};
use synapse_spark_operator::planner::pause::{LATEST, ROLE_PATIENCE, ROLE_UNWANTED, SETTLED};
use synapse_spark_operator::planner::role::{Granted, Roles, is_made_by, wanted};
use synapse_spark_operator::planner::status::{
    Pass, Written, between, condition, failing_for, role_trouble, status, trouble, waiting_for,
};
use synapse_spark_operator::planner::{
    Assignment, Attached, Behind, Compute, Detached, Fault, FaultKind, Finding, Goal, Observed, Progress, Step, Words, decide,
};

use super::{Model, Whose, began, goals, owner, shown};

/// What was granted before the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// What is wanted now.
    Same,
    /// To the principals of two former computes.
    Former,
    /// It was granted, and the operator died before the status said more than that it was about to.
    Intended,
    /// It was about to be, and never was.
    OnlyIntended,
    /// The answer was lost, and the next said that it is there already: as if somebody else had made it.
    Doubted,
}

/// How Synapse answers to writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writes {
    Good,
    /// The first is done, and answered with an error.
    FirstIsLost(FaultKind),
    /// So many are answered so, and not done.
    Fault(FaultKind, u32),
}

const FOREVER: u32 = u32::MAX;
const FORBIDDEN: Writes = Writes::Fault(FaultKind::Unauthorized, FOREVER);

#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a dimension of its own")]
struct Start {
    wants: bool,
    deleted: bool,
    retain: bool,
    suspend: bool,
    /// The compute is there.
    attached: bool,
    before: Before,
    /// Somebody else has granted just that.
    another: bool,
    /// What comes of a list, if it fails.
    lists: Option<FaultKind>,
    /// What was granted shows in lists only after a while.
    lags: bool,
    /// Azure shows the principal only after this many looks.
    principal_after: u32,
    /// Once all is as asked, somebody takes the role away.
    taken: bool,
    writes: Writes,
}

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
                    for lists in [None, Some(FaultKind::Unauthorized), Some(FaultKind::Passing)] {
                        for (lags, principal_after, taken) in
                            [(false, 0, false), (true, 0, false), (false, 3, false), (true, 0, true)]
                        {
                            for writes in [
                                Writes::Good,
                                Writes::FirstIsLost(FaultKind::Passing),
                                Writes::FirstIsLost(FaultKind::Throttled(Duration::from_secs(10))),
                                Writes::Fault(FaultKind::Passing, 3),
                                Writes::Fault(FaultKind::Passing, FOREVER),
                                Writes::Fault(FaultKind::Throttled(Duration::from_hours(1)), FOREVER),
                                Writes::Fault(FaultKind::NoWorkspace, FOREVER),
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

fn assignment(principal: &str) -> Assignment {
    Assignment { role: "role".into(), principal: principal.into(), scope: "workspaces/w/bigDataPools/wanted".into() }
}

fn guid(one: &Assignment) -> String {
    one.id(&owner().uid)
}

/// However long it fails, a status that says so is not written again and again.
const MOST_CHANGES: u32 = 10;
/// So many settled looks end a run.
const AT_REST: u32 = 12;
/// After so long a list shows what was granted: two to five minutes are documented.
const LAG: Duration = Duration::from_mins(5);

struct World {
    start: Start,
    goal: Goal,
    /// Who holds which role in Synapse, under which GUID, since when.
    held: HashMap<String, (Assignment, Timestamp)>,
    attached: bool,
    claimed: bool,
    status: AttachmentStatus,
    now: Timestamp,
    looks: u32,
    writes: u32,
    grants: u32,
    /// Who is asked for one that was only announced, and refuses, never granted it.
    announced: Vec<String>,
    said: Vec<String>,
}

impl World {
    fn new(start: Start) -> Self {
        let compute = goals().iter().find_map(|goal| goal.compute().cloned()).expect("a compute");
        let role = start.wants.then(|| Role { id: "role".into(), workspace_wide: false, linked_service: false });
        let goal = if start.deleted {
            Goal::Detached(Detached { compute: Some(compute), owner: owner(), retain: start.retain, suspend: start.suspend })
        } else {
            let Goal::Attached(usual) = goals().swap_remove(0) else { panic!("the first is to be attached") };
            Goal::Attached(Attached {
                role,
                suspend: start.suspend,
                identity: Identity { system: true, user: Vec::new() },
                ..usual
            })
        };
        let (mut held, mut status) = (HashMap::new(), AttachmentStatus::default());
        let earlier = began().checked_sub(Duration::from_hours(2)).expect("a time");
        let mut remember = |one: &Assignment, granted: bool| {
            let existed = start.before == Before::Doubted;
            status.role_assignments.push(one.remembered(guid(one), granted.then_some(Time(earlier)), existed));
        };
        let mut grant = |one: Assignment| drop(held.insert(guid(&one), (one, earlier)));
        match start.before {
            Before::Nothing => {}
            Before::Same | Before::Intended | Before::Doubted => {
                remember(&assignment("now"), start.before != Before::Intended);
                grant(assignment("now"));
            }
            Before::OnlyIntended => remember(&assignment("now"), false),
            Before::Former => {
                for principal in ["former", "older"] {
                    remember(&assignment(principal), true);
                    grant(assignment(principal));
                }
            }
        }
        // Synapse takes the same role to the same principal on the same scope only once.
        if start.another && !held.contains_key(&guid(&assignment("now"))) {
            held.insert("another".into(), (assignment("now"), earlier));
        }
        let (attached, claimed) = (start.attached, true);
        let (announced, said) = (Vec::new(), Vec::new());
        Self { start, goal, held, attached, claimed, status, now: began(), looks: 0, writes: 0, grants: 0, announced, said }
    }

    fn compute(&self) -> Compute {
        let model =
            Model { spark: true, same_pool: true, whose: Whose::Ours, right_identity: true, progress: Progress::Succeeded };
        let mut compute = shown(model);
        compute.identity.principal_id = (self.looks > self.start.principal_after).then(|| "now".to_owned());
        compute
    }

    fn observe(&mut self) -> Observed {
        self.looks += 1;
        let compute = self.compute();
        let finding = |one: &Assignment| match self.held.iter().find(|(_, (held, _))| held == one) {
            _ if self.start.lists.is_some() => {
                Finding::Unknown(Fault { kind: self.start.lists.expect("it fails"), words: Words::default() })
            }
            Some((id, (_, since))) if !self.start.lags || between(*since, self.now) >= LAG => Finding::Present(id.clone()),
            _ => Finding::Absent,
        };
        let all = match &self.goal {
            Goal::Attached(goal) => wanted(goal, &compute, None),
            Goal::Detached(_) => Vec::new(),
        };
        let wanted = all.into_iter().map(|one| {
            let found = one.as_ref().map_or(Finding::Absent, finding);
            (one, found)
        });
        let granted = self.status.role_assignments.iter().map(|one| Granted {
            is_ours: is_made_by(&owner().uid, one),
            ago: one.granted_at.as_ref().map(|at| between(at.0, self.now)),
            status: one.clone(),
        });
        let roles = Roles {
            wanted: wanted.collect(),
            granted: granted.collect(),
            doubts: Vec::new(),
            trouble: role_trouble(&self.status, Some(1), self.now),
        };
        Observed {
            claimed: self.claimed,
            elder: None,
            compute: if self.attached { Finding::Present(compute) } else { Finding::Absent },
            operation: None,
            applied: None,
            asked: false,
            trouble: trouble(&self.status, self.now),
            failing_for: failing_for(&self.status, self.now),
            waiting_for: waiting_for(&self.status, self.now),
            behind: Behind { roles, ..Behind::default() },
        }
    }

    /// A write to Synapse: whether it was there already. `Err` is what the operator hears of it.
    fn write(&mut self, step: Step, one: &Assignment) -> Result<bool, FaultKind> {
        self.writes += 1;
        match self.start.writes {
            Writes::Fault(kind, times) if self.writes <= times => return Err(kind),
            _ => {}
        }
        let existed = self.held.values().any(|(held, _)| held == one);
        match step {
            Step::Grant if !existed => drop(self.held.insert(guid(one), (one.clone(), self.now))),
            Step::Revoke => drop(self.held.remove(&guid(one))),
            _ => {}
        }
        match self.start.writes {
            Writes::FirstIsLost(kind) if self.writes == 1 => Err(kind),
            _ => Ok(existed),
        }
    }

    fn is_held(&self) -> bool {
        self.held.values().any(|(one, _)| *one == assignment("now"))
    }

    fn ours(&self) -> usize {
        self.held.keys().filter(|id| *id != "another").count()
    }

    fn has_said(&self, id: &str) -> bool {
        self.said.iter().any(|said| said.contains(id))
    }

    fn remembers(&self, id: &str) -> bool {
        // With the object its status goes.
        self.claimed && self.status.role_assignments.iter().any(|known| known.assignment_id == id)
    }
}

/// Runs one start to its end. Gives what is wrong with it.
fn run(start: Start) -> Result<(), String> {
    let mut world = World::new(start);
    let (mut settled, mut failed_since, mut taken, mut changes) = (0, None, false, 0);
    for _ in 0..200 {
        let observed = world.observe();
        let mut plan = decide(&world.goal, &observed);
        let mut written = None;
        let may_write = !start.suspend && !start.retain;
        match (plan.step, plan.assignment.clone()) {
            (Step::Grant | Step::Revoke, Some(_)) if !may_write => return Err(format!("writes: {plan:?}")),
            (Step::Grant, Some(_)) if !start.wants || start.deleted => return Err(format!("grants what nobody wants: {plan:?}")),
            (Step::Revoke, Some(one)) if start.wants && !start.deleted && one == assignment("now") => {
                return Err("takes back what is wanted".into());
            }
            // As `act` does: first the status has to know of it.
            (Step::Grant, Some(one)) if !world.remembers(&guid(&one)) => {
                world.announced.push(guid(&one));
                written = Some(Written::Granted(one.remembered(guid(&one), None, false)));
            }
            (step @ (Step::Grant | Step::Revoke), Some(one)) => {
                let is_first = world.announced.iter().position(|id| *id == guid(&one)).map(|at| world.announced.remove(at));
                world.grants += u32::from(step == Step::Grant);
                match world.write(step, &one) {
                    Ok(existed) if step == Step::Grant => {
                        let known = world.status.role_assignments.iter().find(|known| known.assignment_id == guid(&one));
                        let existed = existed && (is_first.is_some() || known.is_some_and(|known| known.existed));
                        written = Some(Written::Granted(one.remembered(guid(&one), Some(Time(world.now)), existed)));
                    }
                    Ok(_) => written = Some(Written::Revoked(one)),
                    Err(kind) => {
                        failed_since.get_or_insert(world.now);
                        let vain = |one| observed.behind.roles.not_granted(one, &owner().uid, kind, is_first.is_some());
                        written = (step == Step::Grant).then(|| Written::Granted(vain(&one)));
                        plan = plan.thwarted(Fault { kind, words: Words::default() }, &observed);
                    }
                }
            }
            (Step::Detach, _) => {
                if !start.deleted || !may_write {
                    return Err("detaches".into());
                }
                world.attached = false;
                let operation = OperationStatus { kind: OperationKind::Detach, path: None, started_at: Time(world.now) };
                written = Some(Written::Compute { operation, applied: None });
            }
            (Step::Release, _) => world.claimed = false,
            (Step::Attach | Step::Claim, _) => return Err(format!("the compute is as asked: {plan:?}")),
            _ => {}
        }
        if plan.step != Step::Detach {
            world.said.extend(plan.left_behind.iter().cloned());
        }
        let pass = Pass {
            goal: Some(&world.goal),
            observed: Some(&observed),
            plan: &plan,
            written: written.as_ref(),
            generation: Some(1),
            requested: None,
            now: world.now,
        };
        let next = status(&world.status, &pass);
        let is = |kind| condition(&next, kind).is_some_and(|condition| condition.status == "True");
        // Who cannot list cannot see that somebody took it.
        let is_blind = taken && (start.lists.is_some() || between(began(), world.now) < LAG * 4);
        if start.wants && !start.deleted && (is("Ready") || is("RoleGranted")) && !start.suspend && !world.is_held() && !is_blind
        {
            return Err(format!("says that the role is there, and it is not: {next:?}"));
        }
        if is("Ready") && start.wants && !is("RoleGranted") {
            return Err(format!("Ready without the role: {next:?}"));
        }
        changes += u32::from(world.status != next);
        world.status = next;
        let forgotten = world.held.keys().find(|id| *id != "another" && !world.remembers(id) && !world.has_said(id));
        if let (Some(id), true) = (forgotten, world.claimed || !start.retain) {
            return Err(format!("forgets {id} unsaid: {:?}", world.status));
        }
        settled = if plan.step == Step::Rest || plan.reason == Reason::Suspended || !world.claimed { settled + 1 } else { 0 };
        if start.taken && !taken && settled == AT_REST {
            world.held.clear();
            (taken, settled) = (true, 0);
        }
        if !world.claimed || settled == AT_REST {
            break;
        }
        let pause = plan.look.pause(SETTLED);
        let longest =
            if matches!(start.writes, Writes::Fault(FaultKind::Throttled(_), _)) { Duration::from_hours(1) } else { LATEST };
        if pause > longest {
            return Err(format!("a pause of {pause:?}"));
        }
        world.now = world.now.checked_add(pause).expect("time goes on");
    }
    if changes > MOST_CHANGES {
        return Err(format!("writes {changes} statuses: {:?}", world.status));
    }
    check(&world, failed_since, taken)
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
    must(!works || world.held.keys().all(|id| *id == "another" || *id == guid(&assignment("now"))), "leaves no former role")?;
    if !start.wants {
        must(!works || world.ours() == 0, "takes back what is no longer wanted")?;
        must(is_ready && condition(&world.status, "RoleGranted").is_none(), "is Ready: what is asked for is there")?;
        let longest = if start.writes == FORBIDDEN { ROLE_UNWANTED + LATEST } else { Duration::from_hours(2) };
        let held_up = failed_since.map(|since| between(since, world.now)).unwrap_or_default();
        let held_up = held_up.saturating_sub(SETTLED * AT_REST * (1 + u32::from(taken)));
        return must(held_up <= longest, "no role that is not wanted stands in the way for long");
    }
    // Nobody answers whether it is there, and nobody ever did.
    let knows = matches!(start.before, Before::Same | Before::Doubted) || start.lists.is_none() && world.is_held();
    if works && (start.lists != Some(FaultKind::Passing) || matches!(start.before, Before::Same | Before::Doubted)) {
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
    let granted = condition(&world.status, "RoleGranted");
    must(is_ready || granted.is_none_or(|one| one.status == "False"), "says that the role is not there")
}

#[test]
fn roles_are_granted_taken_back_and_never_in_the_way() {
    let all = starts();
    let bad: Vec<_> = all.iter().filter_map(|start| run(*start).err().map(|wrong| format!("{start:?}\n  {wrong}"))).collect();
    let (wrong, first) = (bad.len(), bad.iter().take(5).cloned().collect::<Vec<_>>().join("\n"));
    assert!(bad.is_empty(), "{wrong} of {} starts go wrong:\n{first}", all.len());
}
