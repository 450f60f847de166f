//! The picture and the pauses of `docs/how-it-works.md`: which steps follow which, as the real planner decides them.
//!
//! Each row of the picture is a run of the world of [`crate::exhaustive`]. `UPDATE=1 cargo test --test planner how_it_works`
//! writes both.

#[path = "how_it_works/picture.rs"]
mod picture;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use synapse_spark_operator::planner::backoff::{
    LONGEST_TICK, MAX_BACKOFF, MIN_BACKOFF, MIN_POLLING, MIN_SLOW_BACKOFF, RESYNC, RESYNC_SPREAD, TICKS,
};
use synapse_spark_operator::planner::goal::Policy;
use synapse_spark_operator::planner::roles::goal::Role;
use synapse_spark_operator::planner::{Attached, Detached, FaultKind, Goal, Health, Identity, Progress, Step};

use crate::builders::{attached, detached};
use crate::exhaustive::starts::{Deletion, Jobs, Model, PoolState, ShownPool, Start, Synapse, TIMEOUT, Trick, Whose};
use crate::exhaustive::world::World;
use picture::{Chip, Row};

const PICTURE: &str = "docs/how-it-works.svg";
const PAGE: &str = "docs/how-it-works.md";
/// More reconciles than any row has.
const MAX_RECONCILES: u32 = 60;
/// A row ends when the same was decided so many times in a row.
const REPEATED: u32 = 8;

#[test]
fn the_picture_shows_the_steps_that_the_planner_decides() {
    let rows = rows();
    let shown: BTreeSet<_> = rows.iter().flat_map(|row| &row.chips).map(|chip| chip.step).collect();
    assert_eq!(shown, Step::NAMES.into(), "a step is in no row");
    keep(PICTURE, &picture::draw(&rows));
}

#[test]
fn the_page_has_the_pauses_of_the_planner() {
    let page = fs::read_to_string(path(PAGE)).expect("the page");
    let (begins, ends) = ("<!-- Generated: UPDATE=1 cargo test --test planner -->\n", "<!-- End of what is generated. -->");
    let (before, rest) = page.split_once(begins).expect("the mark where the table begins");
    let (_, after) = rest.split_once(ends).expect("the mark where the table ends");
    keep(PAGE, &format!("{before}{begins}\n{}\n{ends}{after}", pauses()));
}

fn path(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

fn keep(file: &str, generated: &str) {
    if env::var_os("UPDATE").is_some() {
        fs::write(path(file), generated).expect("the file can be written");
    }
    assert!(fs::read_to_string(path(file)).unwrap_or_default() == generated, "{file} is outdated: run `make generate`");
}

fn pauses() -> String {
    let text = |pause: Duration| match pause.as_secs() {
        seconds if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    };
    let ticks = TICKS.map(|(younger, period)| format!("{} until it is {} old", text(period), text(younger))).join(", ");
    let rows = [
        ("the object changes".to_owned(), "at once".to_owned()),
        (
            "Azure works on an operation".to_owned(),
            format!("after {} at first, then every {ticks}, and {} from then on", text(MIN_POLLING), text(LONGEST_TICK)),
        ),
        (
            "Azure gives no answer, or a write failed".to_owned(),
            format!("after {}, then after a pause that doubles, up to {}", text(MIN_BACKOFF), text(MAX_BACKOFF)),
        ),
        (
            "a permission is missing, or Azure rejects the request".to_owned(),
            format!("the same, from {} to {}", text(MIN_SLOW_BACKOFF), text(MAX_BACKOFF)),
        ),
        ("Azure throttles, or the request limit is reached".to_owned(), "when Azure, or the limit, allows it".to_owned()),
        (
            "it is in sync, or only a change elsewhere helps".to_owned(),
            format!("after `--resync-interval`: {} by default, give or take {} %", text(RESYNC), RESYNC_SPREAD * 100.0),
        ),
    ];
    let rows = rows.map(|(state, pause)| format!("| {state} | {pause} |\n")).concat();
    format!("| if | the next reconcile is |\n|---|---|\n{rows}")
}

fn goal(policy: Policy) -> Goal {
    Goal::Attached(Attached { identity: identity(), policy, ..attached() })
}

fn identity() -> Identity {
    Identity { system: true, user: Vec::new() }
}

/// With a role, and with this time for jobs.
fn with_role(waits_for_jobs: Option<Duration>) -> Goal {
    let role = Some(Role { id: "role".into(), workspace_wide: false, linked_service: false });
    let policy = Policy { waits_for_jobs, ..attached().policy };
    Goal::Attached(Attached { identity: identity(), role, policy, ..attached() })
}

const NEW: Start = Start {
    has_finalizer: false,
    older: false,
    was_ready: false,
    compute: None,
    trick: Trick::None,
    deletion: Deletion::Never,
    dependencies: (PoolState::Usable, Synapse::Good),
    jobs: Jobs::None,
};
const KNOWN: Start = Start { has_finalizer: true, was_ready: true, ..NEW };
const COMPUTE: Model = Model {
    spark: true,
    pool: ShownPool::Wanted,
    whose: Whose::Ours,
    shown_whose: Whose::Ours,
    right_identity: true,
    progress: Progress::Succeeded,
    is_new: false,
    is_foreign: false,
};

const fn of(whose: Whose) -> Model {
    Model { whose, shown_whose: whose, right_identity: false, is_foreign: true, ..COMPUTE }
}

fn rows() -> Vec<Row> {
    let usual = goal(attached().policy);
    let suspended = goal(Policy { suspend: true, ..attached().policy });
    let recreate = goal(Policy { replace: true, ..attached().policy });
    let retained = Goal::Detached(Detached { retain: true, ..detached() });
    let guarded = with_role(Some(TIMEOUT));
    let drifted = Start { compute: Some(Model { right_identity: false, ..COMPUTE }), ..KNOWN };
    let other = Start { compute: Some(Model { pool: ShownPool::Other, ..COMPUTE }), ..KNOWN };
    let silent = Start { compute: Some(COMPUTE), trick: Trick::Observe(FaultKind::Unavailable(None)), ..KNOWN };
    let refused = Start { has_finalizer: true, trick: Trick::Write(FaultKind::Forbidden, 1), ..NEW };
    let deleted = Start { deletion: Deletion::InSync, ..NEW };
    vec![
        row("A new attachment, with a role in Synapse", run(&with_role(None), &NEW)),
        row("The compute exists and has no owner", run(&usual, &Start { compute: Some(of(Whose::Nobodys)), ..NEW })),
        row("The compute belongs to another object", run(&usual, &Start { compute: Some(of(Whose::Anothers)), ..NEW })),
        row("Azure refuses the first write", run(&usual, &refused)),
        row("The identity is changed in Azure", run(&usual, &drifted)),
        row("The same, while suspended", run(&suspended, &drifted)),
        row("The compute is detached in Azure", run(&usual, &KNOWN)),
        row("Another pool, replacePolicy: Recreate", run(&recreate, &other)),
        row("Azure gives no answer for a while", run(&usual, &silent)),
        row("The object is deleted", after_done(run(&with_role(None), &deleted))),
        row("The same, deletionGuard: WhenIdle", after_done(run(&guarded, &Start { jobs: Jobs::End(2), ..deleted }))),
        row("The same, deletionPolicy: Retain", run(&retained, &Start { compute: Some(COMPUTE), ..KNOWN })),
    ]
}

const fn row(title: &'static str, chips: Vec<Chip>) -> Row {
    Row { title, chips }
}

/// What is decided from one start to its end. What is decided again is in it once.
fn run(goal: &Goal, start: &Start) -> Vec<Chip> {
    let mut world = World::new(goal, start);
    let (mut chips, mut repeated) = (Vec::new(), 0);
    for _ in 0..MAX_RECONCILES {
        let pause = world.reconcile().expect("nothing does harm");
        let chip = decided(&world);
        if chips.last() == Some(&chip) {
            repeated += 1;
        } else {
            chips.push(chip);
            repeated = 0;
        }
        let step = chips.last().map(|chip| chip.step);
        if repeated == REPEATED || step == Some("RemoveFinalizer") {
            return chips;
        }
        // An operation of Azure takes longer than the first pause.
        if !matches!(step, Some("Put" | "Detach")) {
            world.pass_time(pause);
        }
    }
    panic!("no end: {chips:?}");
}

/// What was decided, and the reason that the object then shows.
fn decided(world: &World<'_>) -> Chip {
    let (decision, reported) = world.last.as_ref().zip(world.reported.as_ref()).expect("a decision");
    Chip {
        step: decision.step.name(),
        reason: reported.cause.reason(),
        writes_to_azure: decision.step.write().is_some(),
        is_stalled: reported.cause.health() == Health::Stalled,
    }
}

/// What follows once it was in sync.
fn after_done(chips: Vec<Chip>) -> Vec<Chip> {
    chips.into_iter().skip_while(|chip| chip.step != "Done").skip_while(|chip| chip.step == "Done").collect()
}
