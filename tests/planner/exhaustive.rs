//! Every start leads to the goal, and no path does harm.
//!
//! A small world (one object, one compute, its pool and its role assignments, an Azure that works, fails, forgets, is late and
//! stays silent, an API server that refuses and a cache that lags) is driven by the real `decide` and the real `status` from
//! every start. Safety is checked before every step, the end after the last.

#[path = "exhaustive/ends.rs"]
mod ends;
#[path = "exhaustive/starts.rs"]
mod starts;
#[path = "exhaustive/world.rs"]
mod world;

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use synapse_spark_operator::planner::Goal;

use starts::{Start, goals, starts};
use world::World;

/// No start takes more reconciles.
const MAX_RECONCILES: u32 = 200;
/// A run in which nothing changes for so many reconciles has ended, unless a write is still unanswered: that takes ten minutes.
const MAX_IDLE: u32 = 6;
const MAX_IDLE_UNANSWERED: u32 = 24;
/// The operator is slow: while nothing changes, each pause is longer than the operator asks for, by up to this factor.
const MAX_SLOWNESS: u32 = 8;

/// Runs one start to its end. Gives the reconciles that it took, or what is wrong with it.
fn run(goal: &Goal, start: &Start) -> Result<u32, String> {
    let mut world = World::new(goal, start);
    let (mut at_rest, mut idle, mut reconciles) = (0, 0, 0);
    while reconciles < MAX_RECONCILES {
        reconciles += 1;
        let before = world.fingerprint();
        let pause = world.reconcile()?;
        at_rest = if world.is_at_rest() && !world.is_cache_behind() { at_rest + 1 } else { 0 };
        idle = if before == world.fingerprint() { idle + 1 } else { 0 };
        let is_waiting = world.is_late() || world.is_waiting_for_a_write();
        if at_rest == 2 && !world.is_late() || idle >= if is_waiting { MAX_IDLE_UNANSWERED } else { MAX_IDLE } {
            break;
        }
        world.pass_time(pause * (idle + 1).min(MAX_SLOWNESS));
    }
    ends::check(&world)?;
    Ok(reconciles)
}

#[test]
fn every_start_leads_to_the_goal_and_no_path_does_harm() {
    let (goals, starts) = (goals(), starts());
    let pairs: Vec<_> = goals.iter().flat_map(|goal| starts.iter().map(move |start| (goal, start))).collect();
    let pairs: Vec<_> = pairs.into_iter().filter(|(goal, start)| start.applies_to(goal)).collect();
    let (next, steps) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut wrong = Vec::new();
        while let Some(chunk) = pairs.chunks(256).nth(next.fetch_add(1, Ordering::Relaxed)) {
            for (goal, start) in chunk {
                match run(goal, start) {
                    Ok(reconciles) => drop(steps.fetch_add(reconciles as usize, Ordering::Relaxed)),
                    Err(rule) => wrong.push(format!("{rule}\n  {start:?}\n  {goal:?}")),
                }
            }
            // A few are enough to see what is wrong.
            if wrong.len() > 20 {
                break;
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
    assert!(wrong.is_empty(), "{} of {} runs go wrong:\n{}", wrong.len(), pairs.len(), shown.join("\n"));
    writeln!(std::io::stdout(), "{} starts, {} reconciles", pairs.len(), steps.into_inner()).expect("standard output");
}
