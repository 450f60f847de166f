//! Every start leads to the goal, and no path does harm.
//!
//! A small model of the world (one object, one compute, an Azure that works,
//! fails and forgets) is driven by the real `decide` and the real `status`
//! from every start: goal × claim × compute × owner × pool × identity × elder ×
//! fault. Safety is checked before every step, the end after the last.

#[path = "convergence/roles.rs"]
mod roles;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use synapse_spark_operator::api::v1alpha1::{
    AdoptionPolicy, Applied, AttachmentStatus, OperationKind, OperationStatus, PoolStatus,
};
use synapse_spark_operator::planner::goal::{Identity, OWNER_TAG};
use synapse_spark_operator::planner::observed::ShownIdentity;
use synapse_spark_operator::planner::pause::{LATEST, SETTLED, UNREADABLE};
use synapse_spark_operator::planner::status::{Pass, Written, between, condition, failing_for, status, trouble, waiting_for};
use synapse_spark_operator::planner::{
    Attached, Behind, Compute, Desired, Detached, Fault, FaultKind, Finding, Goal, Observed, Operation, Outcome, Owner,
    Ownership, Progress, Step, Words, decide,
};
use synapse_spark_operator::resource_id::{PoolId, WorkspaceId};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    Nobodys,
    /// A former object's of this name.
    Formers,
    Anothers,
}

impl Whose {
    fn tag(self) -> Option<String> {
        match self {
            Self::Ours => Some(owner().to_string()),
            Self::Nobodys => None,
            Self::Formers => Some(Owner { uid: "former".into(), ..owner() }.to_string()),
            Self::Anothers => Some("another/cluster/it/uid".to_owned()),
        }
    }
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

/// So often that it never ends.
const LASTING: u32 = u32::MAX;

/// What goes wrong, once, for some passes or for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trick {
    None,
    /// The first three looks find this.
    Look(FaultKind),
    /// So many writes are refused so.
    Write(FaultKind, u32),
    /// The first write is done, but answered with an error.
    Lost,
    /// So many writes are taken, end as failed, and leave what was there, or nothing.
    OperationFails(u32),
    /// So many attaches are taken and leave a failed compute behind.
    LeavesFailed(u32),
    /// Nobody may ask how an operation goes.
    Unreadable,
    /// The operator is killed after its first write: nothing of the pass is remembered.
    Killed,
}

impl Trick {
    fn is_lasting(self) -> bool {
        matches!(self, Self::Write(_, LASTING) | Self::OperationFails(LASTING) | Self::LeavesFailed(LASTING))
    }
}

#[derive(Debug, Clone, Copy)]
struct Start {
    claimed: bool,
    elder: bool,
    /// The status says Ready from an earlier time, of a compute that was ours.
    was_ready: bool,
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
                    pool: Some(pool(true)),
                    link: None,
                    role: None,
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
            for whose in [Whose::Ours, Whose::Nobodys, Whose::Formers, Whose::Anothers] {
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
    let mut tricks = vec![Trick::None, Trick::Lost, Trick::Unreadable, Trick::Killed];
    tricks.extend([1, LASTING].map(Trick::OperationFails));
    tricks.extend([1, LASTING].map(Trick::LeavesFailed));
    tricks.extend(faults.map(Trick::Look));
    tricks.extend(faults.map(|fault| Trick::Write(fault, 3)));
    tricks.extend(faults.map(|fault| Trick::Write(fault, LASTING)));
    // A workspace that is gone has no computes: only then is the finding true.
    let gone = Trick::Look(FaultKind::NoWorkspace);
    let mut starts = Vec::new();
    for (claimed, elder, was_ready) in
        [(true, false, true), (true, false, false), (true, true, false), (false, false, false), (false, true, false)]
    {
        for compute in &computes {
            for trick in tricks.iter().chain(compute.is_none().then_some(&gone)) {
                starts.push(Start { claimed, elder, was_ready, compute: *compute, trick: *trick });
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
            Some(Model { whose: Whose::Nobodys | Whose::Formers, same_pool, .. }) => match goal.adopt {
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
            waiting_for: waiting_for(&self.status, self.now),
            behind: Behind::default(),
        }
    }

    /// One write to Azure. `Err` is what the operator hears of it.
    fn write(&mut self, kind: OperationKind) -> Result<(), FaultKind> {
        self.writes += 1;
        match self.start.trick {
            Trick::Write(fault, times) if self.writes <= times => return Err(fault),
            Trick::OperationFails(times) if self.writes <= times => {
                self.outcome = Outcome::Failed(Words { code: "InternalServerError".into(), ..Words::default() });
                return Ok(());
            }
            _ => {}
        }
        self.outcome = if self.start.trick == Trick::Unreadable { Outcome::Unknown } else { Outcome::Running };
        let fails = matches!(self.start.trick, Trick::LeavesFailed(times) if self.writes <= times);
        self.running = Some(fails && kind != OperationKind::Detach);
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
        if self.start.trick == Trick::Lost && self.writes == 1 { Err(FaultKind::Passing) } else { Ok(()) }
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
        let running_for = self.status.operation.as_ref().map(|kept| between(kept.started_at.0, self.now)).unwrap_or_default();
        if self.outcome == Outcome::Running || running_for > UNREADABLE {
            self.outcome = Outcome::Ended;
        }
    }
}

fn shown(model: Model) -> Compute {
    let tag = model.whose.tag();
    Compute {
        kind: if model.spark { "SynapseSpark" } else { "AmlCompute" }.to_owned(),
        pool: model.spark.then(|| pool(model.same_pool)),
        progress: model.progress,
        state: format!("{:?}", model.progress),
        owner: tag.as_ref().map_or(Ownership::Nobody, |tag| owner().of_tag(tag)),
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
        (_, Step::Grant | Step::Revoke) => Err("no role is asked for"),
        (Goal::Attached(goal), Step::Claim) => must(!goal.suspend && !world.claimed, "claims once, and not while suspended"),
        (Goal::Attached(goal), Step::Attach) => {
            must(world.claimed, "attaches only what is claimed")?;
            must(!goal.suspend, "writes nothing while suspended")?;
            let may_adopt = match goal.adopt {
                AdoptionPolicy::IfSamePool => compute.is_some_and(|compute| compute.same_pool),
                AdoptionPolicy::Always => compute.is_some_and(|compute| compute.same_pool || goal.replace),
                _ => false,
            };
            let nobodys =
                compute.is_some_and(|compute| compute.spark && matches!(compute.whose, Whose::Nobodys | Whose::Formers));
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

fn began() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

/// The status of a former time, when all was well.
fn ready() -> AttachmentStatus {
    let at_goal = Condition {
        type_: "Ready".into(),
        status: "True".into(),
        reason: "Attached".into(),
        message: String::new(),
        observed_generation: Some(1),
        last_transition_time: Time(Timestamp::UNIX_EPOCH),
    };
    AttachmentStatus {
        observed_generation: Some(1),
        conditions: vec![at_goal],
        applied: Some(Applied { created_on: Some("then".into()), ..Applied::default() }),
        ..AttachmentStatus::default()
    }
}

/// Runs one start to its end. Gives what is wrong with it.
fn run(goal: &Goal, start: &Start) -> Result<(), String> {
    let mut world = World {
        goal,
        start,
        claimed: start.claimed,
        compute: start.compute,
        running: None,
        outcome: Outcome::Unknown,
        status: if start.was_ready { ready() } else { AttachmentStatus::default() },
        now: began(),
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
                    Goal::Attached(goal) if plan.step == Step::Attach => {
                        Some(Desired::remembered(goal, observed.applied.as_ref()))
                    }
                    _ => None,
                };
                match world.write(kind) {
                    Ok(()) => {
                        let operation = OperationStatus { kind, path: Some("/op".into()), started_at: Time(world.now) };
                        written = Some(Written::Compute { operation, applied });
                    }
                    Err(kind) => plan = plan.thwarted(Fault { kind, words: Words::default() }, &observed),
                }
            }
            // `roles` has a world of its own for them.
            Step::Grant | Step::Revoke => return Err(format!("a role that nobody asked for: {plan:?}")),
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
            check_conditions(&world, &observed, &next).map_err(|rule| format!("{rule}: {plan:?} {next:?}"))?;
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
fn check_conditions(world: &World<'_>, observed: &Observed, status: &AttachmentStatus) -> Result<(), &'static str> {
    let is = |kind| condition(status, kind).is_some_and(|condition| condition.status == "True");
    let at_goal = world.compute.is_some_and(|compute| {
        compute.spark
            && compute.whose == Whose::Ours
            && compute.same_pool
            && compute.right_identity
            && compute.progress == Progress::Succeeded
    });
    let was_ready = condition(&world.status, "Ready").is_some_and(|condition| condition.status == "True");
    match () {
        () if is("Ready") && !was_ready && !at_goal => Err("becomes Ready and is not"),
        () if condition(status, "Ready").is_none() => Err("Ready is always there"),
        () if is("Ready") && (is("Reconciling") || is("Stalled")) => Err("Ready, and yet not"),
        () if is("Reconciling") && is("Stalled") => Err("on the way, and stuck"),
        // What was Ready stays so while Azure does not tell.
        () if is("Ready") && !at_goal && !matches!(observed.compute, Finding::Unknown(_)) => Err("says Ready and is not"),
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
    let trick = world.start.trick;
    // What fails for ever ends nowhere, but is tried with growing pauses.
    let (holds, bound) = match trick {
        _ if trick.is_lasting() && world.writes > 0 => {
            let tries = world.now.duration_since(began()).as_secs() / i64::try_from(LATEST.as_secs()).expect("some minutes");
            (wanted != End::Untouched && wanted != End::LetGo, 10 + u32::try_from(tries).expect("a few"))
        }
        Trick::Write(..) => (holds, 6),
        _ => (holds, 4),
    };
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
    let next = AtomicUsize::new(0);
    let work = || {
        let mut wrong = Vec::new();
        while let Some(goal) = goals.get(next.fetch_add(1, Ordering::Relaxed)) {
            for start in &starts {
                if let Err(rule) = run(goal, start) {
                    wrong.push(format!("{rule}\n  {start:?}\n  {goal:?}"));
                }
            }
        }
        wrong
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let wrong: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        all.into_iter().flat_map(|one| one.join().expect("a run does not panic")).collect()
    });
    let shown: Vec<_> = wrong.iter().take(5).cloned().collect();
    assert!(wrong.is_empty(), "{} of {} runs go wrong:\n{}", wrong.len(), goals.len() * starts.len(), shown.join("\n"));
}
