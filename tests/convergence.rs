//! Every start leads to the goal, and no path does harm.
//!
//! A small model of the world (one object, one compute, an Azure that works,
//! fails and forgets) is driven by the real `decide` and the real `status`
//! from every start: goal × claim × compute × owner × pool × identity × elder ×
//! fault. Safety is checked before every step, the end after the last.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use synapse_spark_operator::api::v1alpha1::{AdoptionPolicy, AttachmentStatus, OperationKind, OperationStatus, PoolStatus};
use synapse_spark_operator::id::{PoolId, WorkspaceId};
use synapse_spark_operator::plan::goal::{Identity, OWNER_TAG};
use synapse_spark_operator::plan::observed::ShownIdentity;
use synapse_spark_operator::plan::pause::{LATEST, SETTLED};
use synapse_spark_operator::plan::status::{Pass, Written, between, condition, failing_for, status, trouble};
use synapse_spark_operator::plan::{
    Attached, Compute, Desired, Detached, Fault, FaultKind, Finding, Goal, Observed, Operation, Outcome, Owner, Ownership,
    Progress, Step, Words, decide,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    Nobodys,
    Anothers,
}

/// A compute of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Model {
    spark: bool,
    same_pool: bool,
    whose: Whose,
    right_identity: bool,
    progress: Progress,
}

/// What goes wrong, once or for some passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trick {
    None,
    /// The first three looks find this.
    Look(FaultKind),
    /// The first three writes are refused so.
    Write(FaultKind),
    /// The first write is done, but answered with an error.
    Lost,
    /// The first write is taken, ends as failed, and leaves what was there, or nothing.
    OperationFails,
    /// The first attach is taken and leaves a failed compute behind.
    LeavesFailed,
    /// The operator is killed after its first write: nothing of the pass is remembered.
    Killed,
}

#[derive(Debug, Clone, Copy)]
struct Start {
    claimed: bool,
    elder: bool,
    compute: Option<Model>,
    trick: Trick,
}

fn owner() -> Owner {
    Owner { cluster: "cluster".into(), namespace: "team-a".into(), name: "pool".into(), uid: "uid".into() }
}

fn pool(same: bool) -> PoolId {
    let name = if same { "wanted" } else { "other" };
    PoolId::parse(&format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Synapse/workspaces/w/bigDataPools/{name}"))
        .expect("an ID")
}

fn goals() -> Vec<Goal> {
    let compute = WorkspaceId::new("s", "g", "w").and_then(|workspace| workspace.compute("pool")).expect("an ID");
    let mut goals = Vec::new();
    for suspend in [false, true] {
        for adopt in [AdoptionPolicy::Never, AdoptionPolicy::IfSamePool, AdoptionPolicy::Always] {
            for replace in [false, true] {
                goals.push(Goal::Attached(Attached {
                    compute: compute.clone(),
                    owner: owner(),
                    pool: pool(true),
                    identity: Identity { system: true, user: Vec::new() },
                    description: None,
                    tags: BTreeMap::new(),
                    replace,
                    adopt,
                    suspend,
                }));
            }
        }
        for retain in [false, true] {
            goals.push(Goal::Detached(Detached { compute: Some(compute.clone()), owner: owner(), retain, suspend }));
        }
    }
    goals
}

fn starts() -> Vec<Start> {
    let mut computes = vec![None];
    for spark in [true, false] {
        for same_pool in [true, false] {
            for whose in [Whose::Ours, Whose::Nobodys, Whose::Anothers] {
                for right_identity in [true, false] {
                    for progress in [Progress::Working, Progress::Succeeded, Progress::Failed, Progress::Deleting] {
                        computes.push(Some(Model { spark, same_pool, whose, right_identity, progress }));
                    }
                }
            }
        }
    }
    let faults = [
        FaultKind::Passing,
        FaultKind::Throttled(Duration::from_secs(17)),
        FaultKind::Unauthorized,
        FaultKind::NoCredential,
        FaultKind::NoSubscription,
        FaultKind::Refused,
    ];
    let mut tricks = vec![Trick::None, Trick::Lost, Trick::OperationFails, Trick::LeavesFailed, Trick::Killed];
    tricks.extend(faults.map(Trick::Look));
    tricks.extend(faults.map(Trick::Write));
    // A workspace that is gone has no computes: only then is the finding true.
    let gone = Trick::Look(FaultKind::NoWorkspace);
    let mut starts = Vec::new();
    for claimed in [true, false] {
        for elder in [true, false] {
            for compute in &computes {
                for trick in tricks.iter().chain(compute.is_none().then_some(&gone)) {
                    starts.push(Start { claimed, elder, compute: *compute, trick: *trick });
                }
            }
        }
    }
    starts
}

/// How it must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Attached as asked, and ours.
    Attached,
    /// The finalizer is off, and the compute is gone.
    Detached,
    /// Detached, to attach another pool; then the older object's turn has come.
    HandedOver,
    /// The finalizer is off (or never was on), and Azure was never written to.
    LetGo,
    /// Nothing was written to Azure, and the object stays.
    Untouched,
}

/// How a start must end, said without `decide`: the table of the custom resource's documents.
fn end(goal: &Goal, start: &Start) -> End {
    // What Azure is at ends first: a compute that is going is gone.
    let compute = start.compute.filter(|compute| compute.progress != Progress::Deleting);
    match goal {
        Goal::Attached(goal) => match compute {
            _ if goal.suspend => End::Untouched,
            None if start.elder => End::Untouched,
            None => End::Attached,
            Some(compute) if !compute.spark => End::Untouched,
            Some(Model { whose: Whose::Anothers, .. }) => End::Untouched,
            Some(Model { whose: Whose::Ours, same_pool, .. }) => match (same_pool, goal.replace) {
                (true, _) => End::Attached,
                (false, true) if start.elder => End::HandedOver,
                (false, true) => End::Attached,
                (false, false) => End::Untouched,
            },
            Some(Model { whose: Whose::Nobodys, same_pool, .. }) => match goal.adopt {
                _ if start.elder => End::Untouched,
                AdoptionPolicy::IfSamePool if same_pool => End::Attached,
                AdoptionPolicy::Always if same_pool || goal.replace => End::Attached,
                _ => End::Untouched,
            },
        },
        Goal::Detached(goal) => match compute {
            _ if !start.claimed => End::LetGo,
            _ if goal.retain => End::LetGo,
            Some(Model { spark: true, whose: Whose::Ours, .. }) if goal.suspend => End::Untouched,
            Some(Model { spark: true, whose: Whose::Ours, .. }) => End::Detached,
            Some(_) => End::LetGo,
            None => End::Detached,
        },
    }
}

/// The world of one run.
struct World<'a> {
    goal: &'a Goal,
    start: &'a Start,
    claimed: bool,
    compute: Option<Model>,
    /// The operation that Azure is at: what it does, and whether it will fail.
    running: Option<bool>,
    outcome: Outcome,
    status: AttachmentStatus,
    now: Timestamp,
    looks: u32,
    writes: u32,
    attaches: u32,
}

impl World<'_> {
    fn observe(&mut self) -> Observed {
        self.looks += 1;
        let fault = |kind| Fault { kind, words: Words::default() };
        let compute = match (self.start.trick, self.compute) {
            (Trick::Look(kind), _) if self.looks <= 3 => Finding::Unknown(fault(kind)),
            (_, None) => Finding::Absent,
            (_, Some(compute)) => Finding::Present(shown(compute)),
        };
        let operation = self.status.operation.as_ref().map(|kept| Operation {
            kind: kept.kind,
            running_for: between(kept.started_at.0, self.now),
            outcome: self.outcome.clone(),
        });
        Observed {
            claimed: self.claimed,
            elder: self.start.elder.then(|| "team-a/elder".to_owned()),
            compute,
            operation,
            applied: self.status.applied.clone(),
            asked: self.status.observed_generation != Some(1),
            trouble: trouble(&self.status, self.now),
            failing_for: failing_for(&self.status, self.now),
        }
    }

    /// One write to Azure. `Err` is what the operator hears of it.
    fn write(&mut self, kind: OperationKind) -> Result<(), FaultKind> {
        self.writes += 1;
        let first = self.writes == 1;
        match self.start.trick {
            Trick::Write(fault) if self.writes <= 3 => return Err(fault),
            Trick::OperationFails if first => {
                self.outcome = Outcome::Failed(Words { code: "InternalServerError".into(), ..Words::default() });
                return Ok(());
            }
            _ => {}
        }
        self.outcome = Outcome::Running;
        self.running = Some(self.start.trick == Trick::LeavesFailed && first);
        match (&mut self.compute, kind) {
            (Some(compute), OperationKind::Detach) => compute.progress = Progress::Deleting,
            (Some(compute), _) => {
                (compute.progress, compute.whose, compute.right_identity) = (Progress::Working, Whose::Ours, true);
            }
            (None, _) => {
                self.compute = Some(Model {
                    spark: true,
                    same_pool: true,
                    whose: Whose::Ours,
                    right_identity: true,
                    progress: Progress::Working,
                });
            }
        }
        if self.start.trick == Trick::Lost && first { Err(FaultKind::Passing) } else { Ok(()) }
    }

    /// Time passes: what Azure is at ends.
    fn pass_time(&mut self, pause: Duration) {
        self.now = self.now.checked_add(pause).expect("time goes on");
        let fails = self.running.take().unwrap_or(false);
        match &mut self.compute {
            Some(compute) if compute.progress == Progress::Working => {
                compute.progress = if fails { Progress::Failed } else { Progress::Succeeded };
            }
            Some(compute) if compute.progress == Progress::Deleting => self.compute = None,
            _ => {}
        }
        if self.outcome == Outcome::Running {
            self.outcome = Outcome::Ended;
        }
    }
}

fn shown(model: Model) -> Compute {
    let tag = match model.whose {
        Whose::Ours => Some(owner().to_string()),
        Whose::Nobodys => None,
        Whose::Anothers => Some("another/cluster/it/uid".to_owned()),
    };
    Compute {
        kind: if model.spark { "SynapseSpark" } else { "AmlCompute" }.to_owned(),
        pool: model.spark.then(|| pool(model.same_pool)),
        progress: model.progress,
        state: format!("{:?}", model.progress),
        owner: match model.whose {
            Whose::Ours => Ownership::Ours,
            Whose::Nobodys => Ownership::Nobody,
            Whose::Anothers => Ownership::Another("another/cluster/it/uid".to_owned()),
        },
        identity: ShownIdentity { system: model.right_identity, ..ShownIdentity::default() },
        description: None,
        tags: tag.map(|tag| (OWNER_TAG.to_owned(), tag)).into_iter().collect(),
        errors: Vec::new(),
        location: Some("eastus2".into()),
        created_on: Some("then".into()),
        modified_on: None,
        shown_pool: PoolStatus::default(),
    }
}

/// What must hold before every step, whatever the path.
fn check_safety(world: &World<'_>, step: Step) -> Result<(), &'static str> {
    let compute = world.compute;
    let ours = compute.is_some_and(|compute| compute.spark && compute.whose == Whose::Ours);
    let must = |holds: bool, rule| if holds { Ok(()) } else { Err(rule) };
    match (world.goal, step) {
        (_, Step::Wait) => Ok(()),
        (Goal::Attached(goal), Step::Claim) => must(!goal.suspend && !world.claimed, "claims once, and not while suspended"),
        (Goal::Attached(goal), Step::Attach) => {
            must(world.claimed, "attaches only what is claimed")?;
            must(!goal.suspend, "writes nothing while suspended")?;
            let may_adopt = match goal.adopt {
                AdoptionPolicy::IfSamePool => compute.is_some_and(|compute| compute.same_pool),
                AdoptionPolicy::Always => compute.is_some_and(|compute| compute.same_pool || goal.replace),
                _ => false,
            };
            let nobodys = compute.is_some_and(|compute| compute.spark && compute.whose == Whose::Nobodys);
            must(compute.is_none() || ours || nobodys && may_adopt, "writes to no compute that is not its own or free to adopt")?;
            must(ours || !world.start.elder, "leaves it to the older object")
        }
        (Goal::Attached(goal), Step::Detach) => {
            must(world.claimed && ours && !goal.suspend, "detaches only its own")?;
            must(goal.replace && compute.is_some_and(|compute| !compute.same_pool), "detaches only to replace the pool")
        }
        (Goal::Attached(goal), Step::Rest) => must(
            compute.is_some_and(|compute| {
                ours && compute.same_pool && compute.right_identity && compute.progress == Progress::Succeeded
            }) && (world.claimed || goal.suspend),
            "rests only at the goal",
        ),
        (Goal::Attached(_), Step::Release) => Err("lets go of nothing that is wanted"),
        (Goal::Detached(goal), Step::Detach) => {
            must(world.claimed && ours && !goal.suspend && !goal.retain, "detaches only its own, unless told to leave it")
        }
        (Goal::Detached(goal), Step::Release) => must(goal.retain || !ours, "lets go only of what is gone or not its own"),
        (Goal::Detached(_), Step::Rest) => must(!world.claimed, "rests only when it has let go"),
        (Goal::Detached(_), Step::Claim | Step::Attach) => Err("attaches nothing that is to go"),
    }
}

/// Runs one start to its end. Gives what is wrong with it.
fn run(goal: &Goal, start: &Start) -> Result<(), String> {
    let now = Timestamp::from_second(1_800_000_000).expect("a time");
    let mut world = World {
        goal,
        start,
        claimed: start.claimed,
        compute: start.compute,
        running: None,
        outcome: Outcome::Unknown,
        status: AttachmentStatus::default(),
        now,
        looks: 0,
        writes: 0,
        attaches: 0,
    };
    let (mut settled, mut idle) = (0, 0);
    for _ in 0..80 {
        let before = (world.compute, world.claimed, world.writes);
        let observed = world.observe();
        let mut plan = decide(goal, &observed);
        check_safety(&world, plan.step).map_err(|rule| format!("{rule}: {plan:?}"))?;
        let mut written = None;
        match plan.step {
            Step::Claim => world.claimed = true,
            Step::Release => world.claimed = false,
            Step::Attach | Step::Detach => {
                let kind = match (plan.step, world.compute) {
                    (Step::Detach, _) => OperationKind::Detach,
                    (_, Some(_)) => OperationKind::Update,
                    _ => OperationKind::Attach,
                };
                world.attaches += u32::from(plan.step == Step::Attach);
                let applied = match goal {
                    Goal::Attached(goal) if plan.step == Step::Attach => Some(Desired::remembered(goal)),
                    _ => None,
                };
                match world.write(kind) {
                    Ok(()) => {
                        let operation = OperationStatus { kind, path: Some("/op".into()), started_at: Time(world.now) };
                        written = Some(Written { operation, applied });
                    }
                    Err(kind) => plan = plan.thwarted(Fault { kind, words: Words::default() }, &observed),
                }
            }
            Step::Wait | Step::Rest => {}
        }
        let killed = start.trick == Trick::Killed && world.writes == 1 && written.is_some();
        if !killed {
            let pass = Pass {
                goal: Some(goal),
                observed: Some(&observed),
                plan: &plan,
                written: written.as_ref(),
                generation: Some(1),
                requested: None,
                now: world.now,
            };
            let next = status(&world.status, &pass);
            if status(&next, &Pass { written: None, ..pass }) != next && plan.step == Step::Rest {
                return Err(format!("a second report of the same is another: {next:?}"));
            }
            check_conditions(&world, &next).map_err(|rule| format!("{rule}: {plan:?} {next:?}"))?;
            world.status = next;
        }
        settled =
            if matches!(plan.step, Step::Rest) || !world.claimed && matches!(goal, Goal::Detached(_)) { settled + 1 } else { 0 };
        idle = if before == (world.compute, world.claimed, world.writes) { idle + 1 } else { 0 };
        // No path waits so often for something that then still comes.
        if settled == 3 || idle == 9 {
            break;
        }
        let pause = plan.look.pause(SETTLED);
        if pause > LATEST {
            return Err(format!("a pause of {pause:?}"));
        }
        world.pass_time(pause);
    }
    check_end(&world)
}

/// Conditions that contradict each other, or the world.
fn check_conditions(world: &World<'_>, status: &AttachmentStatus) -> Result<(), &'static str> {
    let is = |kind| condition(status, kind).is_some_and(|condition| condition.status == "True");
    let at_goal = world.compute.is_some_and(|compute| {
        compute.spark
            && compute.whose == Whose::Ours
            && compute.same_pool
            && compute.right_identity
            && compute.progress == Progress::Succeeded
    });
    match () {
        () if condition(status, "Ready").is_none() => Err("Ready is always there"),
        () if is("Ready") && (is("Reconciling") || is("Stalled")) => Err("Ready, and yet not"),
        () if is("Reconciling") && is("Stalled") => Err("on the way, and stuck"),
        () if is("Ready") && !at_goal => Err("says Ready and is not"),
        () => Ok(()),
    }
}

fn check_end(world: &World<'_>) -> Result<(), String> {
    let wanted = end(world.goal, world.start);
    let attached = world.compute.is_some_and(|compute| {
        compute.spark
            && compute.whose == Whose::Ours
            && compute.same_pool
            && compute.right_identity
            && compute.progress == Progress::Succeeded
    });
    let holds = match wanted {
        End::Attached => attached && world.claimed,
        End::Detached => world.compute.is_none_or(|_| world.start.trick == Trick::Look(FaultKind::NoWorkspace)) && !world.claimed,
        End::HandedOver => world.compute.is_none() && world.attaches == 0,
        End::LetGo => world.writes == 0 && !world.claimed,
        End::Untouched => world.writes == 0,
    };
    let bound = if matches!(world.start.trick, Trick::Write(_)) { 6 } else { 4 };
    match () {
        () if !holds => Err(format!(
            "must end as {wanted:?}: compute {:?}, claimed {}, {} writes",
            world.compute, world.claimed, world.writes
        )),
        () if world.writes > bound => Err(format!("{} writes, {} of them attaches", world.writes, world.attaches)),
        () => Ok(()),
    }
}

#[test]
fn every_start_leads_to_the_goal_and_no_path_does_harm() {
    let (goals, starts) = (goals(), starts());
    let mut wrong = Vec::new();
    for goal in &goals {
        for start in &starts {
            if let Err(rule) = run(goal, start) {
                wrong.push(format!("{rule}\n  {start:?}\n  {goal:?}"));
            }
        }
    }
    let shown: Vec<_> = wrong.iter().take(5).cloned().collect();
    assert!(wrong.is_empty(), "{} of {} runs go wrong:\n{}", wrong.len(), goals.len() * starts.len(), shown.join("\n"));
}
