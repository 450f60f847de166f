//! The same for roles: whatever Synapse answers, nothing is left behind unsaid, no detach is held up, and nobody is called
//! Ready who is not.
//!
//! The compute is attached as asked. What varies is what is wanted, what was granted before, who else has granted it, and how
//! Synapse answers.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{AttachmentStatus, OperationKind, OperationStatus};
use synapse_spark_operator::plan::goal::{Identity, Role};
use synapse_spark_operator::plan::pause::{LATEST, ROLE_PATIENCE, SETTLED};
use synapse_spark_operator::plan::role::{Granted, Roles, wanted};
use synapse_spark_operator::plan::status::{
    Pass, Written, between, condition, failing_for, role_trouble, status, trouble, waiting_for,
};
use synapse_spark_operator::plan::{
    Assignment, Attached, Behind, Compute, Detached, Fault, FaultKind, Finding, Goal, Observed, Progress, Step, Words, decide,
};

use super::{Model, Whose, began, goals, owner, shown};

/// What was granted before the run, and is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// What is wanted now.
    Same,
    /// To the principal of a former compute.
    Former,
    /// It was granted, and the answer was lost: nobody remembers.
    Unremembered,
}

/// How Synapse answers to writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writes {
    Good,
    /// The first is done, and answered with an error.
    FirstIsLost,
    /// So many are not answered, and not done.
    Silent(u32),
    Forbidden,
}

#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a dimension of its own")]
struct Start {
    wants: bool,
    deleted: bool,
    retain: bool,
    suspend: bool,
    before: Before,
    /// Somebody else has granted just that.
    another: bool,
    may_list: bool,
    /// What was granted shows in lists only after this many looks.
    shows_after: u32,
    /// Azure shows the principal only after this many looks.
    principal_after: u32,
    writes: Writes,
}

const FOREVER: u32 = u32::MAX;

fn starts() -> Vec<Start> {
    let mut all = Vec::new();
    for (wants, deleted, retain) in [(true, false, false), (false, false, false), (true, true, false), (true, true, true)] {
        for suspend in [false, true] {
            for before in [Before::Nothing, Before::Same, Before::Former, Before::Unremembered] {
                for (another, may_list) in [(false, true), (false, false), (true, true), (true, false)] {
                    for (shows_after, principal_after) in [(0, 0), (4, 0), (0, 3)] {
                        for writes in
                            [Writes::Good, Writes::FirstIsLost, Writes::Silent(3), Writes::Silent(FOREVER), Writes::Forbidden]
                        {
                            all.push(Start {
                                wants,
                                deleted,
                                retain,
                                suspend,
                                before,
                                another,
                                may_list,
                                shows_after,
                                principal_after,
                                writes,
                            });
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

struct World {
    start: Start,
    goal: Goal,
    /// Under which GUID the wanted role is held, in Synapse.
    held: HashSet<(String, Assignment)>,
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
        let (mut held, mut status) = (HashSet::new(), AttachmentStatus::default());
        let earlier = Time(began().checked_sub(Duration::from_hours(2)).expect("a time"));
        let mut grant = |one: Assignment, remembered: bool| {
            held.insert((one.id(&owner().uid), one.clone()));
            if remembered {
                status.role_assignments.push(one.remembered(&owner().uid, earlier.clone()));
            }
        };
        match start.before {
            Before::Nothing => {}
            Before::Same => grant(assignment("now"), true),
            Before::Former => grant(assignment("former"), true),
            Before::Unremembered => grant(assignment("now"), false),
        }
        // Synapse takes the same role to the same principal on the same scope only once.
        if start.another && !held.iter().any(|(_, one)| *one == assignment("now")) {
            held.insert(("another".into(), assignment("now")));
        }
        let claimed = true;
        Self {
            start,
            goal,
            held,
            attached: true,
            claimed,
            status,
            now: began(),
            looks: 0,
            writes: 0,
            grants: 0,
            said: Vec::new(),
        }
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
        let shows = self.looks > self.start.shows_after;
        let finding = |one: &Assignment| match self.held.iter().find(|(_, held)| held == one) {
            _ if !self.start.may_list => Finding::Unknown(Fault { kind: FaultKind::Unauthorized, words: Words::default() }),
            Some((id, _)) if shows => Finding::Present(id.clone()),
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
        let granted = self.status.role_assignments.iter();
        let roles = Roles {
            wanted: wanted.collect(),
            granted: granted.map(|one| Granted { status: one.clone(), ago: between(one.granted_at.0, self.now) }).collect(),
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

    /// A write to Synapse. `Err` is what the operator hears of it.
    fn write(&mut self, step: Step, one: &Assignment) -> Result<(), FaultKind> {
        self.writes += 1;
        match self.start.writes {
            Writes::Forbidden => return Err(FaultKind::Unauthorized),
            Writes::Silent(times) if self.writes <= times => return Err(FaultKind::Passing),
            _ => {}
        }
        let id = one.id(&owner().uid);
        match step {
            // That it is there already is an answer like any other.
            Step::Grant if self.held.iter().all(|(_, held)| held != one) => drop(self.held.insert((id, one.clone()))),
            Step::Revoke => self.held.retain(|(held, _)| *held != id),
            _ => {}
        }
        if self.start.writes == Writes::FirstIsLost && self.writes == 1 { Err(FaultKind::Passing) } else { Ok(()) }
    }

    fn is_held(&self) -> bool {
        self.held.iter().any(|(_, one)| *one == assignment("now"))
    }

    fn ours(&self) -> usize {
        self.held.iter().filter(|(id, _)| id != "another").count()
    }
}

/// Runs one start to its end. Gives what is wrong with it.
fn run(start: Start) -> Result<(), String> {
    let mut world = World::new(start);
    let (mut settled, mut failed_since) = (0, None);
    for _ in 0..200 {
        let observed = world.observe();
        let mut plan = decide(&world.goal, &observed);
        let mut written = None;
        let may_write = !start.suspend && !start.retain;
        match (plan.step, plan.assignment.clone()) {
            (Step::Grant | Step::Revoke, Some(_)) if !may_write && !start.deleted => return Err(format!("writes: {plan:?}")),
            (Step::Grant, Some(_)) if !start.wants || start.deleted => return Err(format!("grants what nobody wants: {plan:?}")),
            (Step::Revoke, Some(one)) if start.wants && !start.deleted && one == assignment("now") => {
                return Err("takes back what is wanted".into());
            }
            (step @ (Step::Grant | Step::Revoke), Some(one)) => {
                world.grants += u32::from(step == Step::Grant);
                match world.write(step, &one) {
                    Ok(()) if step == Step::Grant => {
                        written = Some(Written::Granted(one.remembered(&owner().uid, Time(world.now))));
                    }
                    Ok(()) => written = Some(Written::Revoked(one.id(&owner().uid))),
                    Err(kind) => {
                        failed_since.get_or_insert(world.now);
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
            (Step::Release, _) => {
                world.claimed = false;
                world.said.clone_from(&plan.left_behind);
            }
            (Step::Attach | Step::Claim, _) => return Err(format!("the compute is as asked: {plan:?}")),
            _ => {}
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
        if start.wants && !start.deleted && (is("Ready") || is("RoleGranted")) && !start.suspend && !world.is_held() {
            return Err(format!("says that the role is there, and it is not: {next:?}"));
        }
        if is("Ready") && start.wants && !is("RoleGranted") {
            return Err(format!("Ready without the role: {next:?}"));
        }
        world.status = next;
        settled = if plan.step == Step::Rest || plan.reason == Reason::Suspended || !world.claimed { settled + 1 } else { 0 };
        if !world.claimed || settled == 3 {
            break;
        }
        let pause = plan.look.pause(SETTLED);
        if pause > LATEST {
            return Err(format!("a pause of {pause:?}"));
        }
        world.now = world.now.checked_add(pause).expect("time goes on");
    }
    check(&world, failed_since)
}

/// How it must have ended.
fn check(world: &World, failed_since: Option<Timestamp>) -> Result<(), String> {
    let start = world.start;
    let works = matches!(start.writes, Writes::Good | Writes::FirstIsLost | Writes::Silent(3));
    let remembered = world.status.role_assignments.len();
    let must =
        |holds: bool, rule: &str| if holds { Ok(()) } else { Err(format!("{rule}: held {:?}, {:?}", world.held, world.status)) };
    if start.suspend {
        return must(world.writes == 0 || start.deleted && start.retain, "writes nothing while suspended");
    }
    if start.deleted {
        must(!world.claimed, "lets go of the object")?;
        must(world.attached == start.retain, "detaches, unless told to leave it")?;
        let held_up = failed_since.map(|since| between(since, world.now)).unwrap_or_default();
        must(held_up <= ROLE_PATIENCE + LATEST, "no role holds a detach up")?;
        // What nobody remembers is found again only while the pool is to be attached.
        let known = start.before != Before::Unremembered && !start.retain;
        must(!known || !works || world.ours() == 0, "leaves no role of its own behind")?;
        return must(!known || world.said.len() == world.ours(), "says what it leaves behind");
    }
    must(start.another == world.held.iter().any(|(id, _)| id == "another") || start.before != Before::Nothing, "others' stays")?;
    if !start.wants {
        return must(!works || start.before == Before::Unremembered || world.ours() == 0, "takes back what is no longer wanted");
    }
    let is_ready = condition(&world.status, "Ready").is_some_and(|ready| ready.status == "True");
    if works {
        must(is_ready && world.is_held(), "ends Ready, with the role")?;
        must(world.grants <= 5, "asks no more often than it takes")?;
        return must(remembered >= world.ours(), "remembers what it has to take back");
    }
    let could_see = start.may_list && (start.another || start.before != Before::Nothing && start.before != Before::Former);
    let knows = could_see || start.before == Before::Same;
    must(knows || !is_ready, "is not Ready without the role")?;
    let granted = condition(&world.status, "RoleGranted").expect("it is asked for");
    let reason = if start.writes == Writes::Forbidden { "RoleForbidden" } else { "AzureUnavailable" };
    must(knows || granted.reason == reason || granted.reason == "Granting", "says why the role is not there")
}

#[test]
fn roles_are_granted_taken_back_and_never_in_the_way() {
    let all = starts();
    let bad: Vec<_> = all.iter().filter_map(|start| run(*start).err().map(|wrong| format!("{start:?}\n  {wrong}"))).collect();
    let (wrong, first) = (bad.len(), bad.iter().take(5).cloned().collect::<Vec<_>>().join("\n"));
    assert!(bad.is_empty(), "{wrong} of {} starts go wrong:\n{first}", all.len());
}
