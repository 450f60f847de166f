//! Every start reaches the desired state, and no path does harm.
//!
//! A small world (one object, one compute, its pool and its role assignments, an Azure that works, fails, shows outdated
//! states, and answers late or not at all, an API server that refuses and a cache that lags) is driven by the real `decide` and the real `status` from
//! every start. Safety is checked before every step, the end after the last.

#[path = "exhaustive/ends.rs"]
mod ends;
#[path = "exhaustive/starts.rs"]
pub mod starts;
#[path = "exhaustive/world.rs"]
pub mod world;

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use synapse_spark_operator::api::Reason;
use synapse_spark_operator::planner::Goal;

use starts::{Start, Synapse, goals, starts};
use world::{Existing, World};

/// No start takes more reconciles.
const MAX_RECONCILES: u32 = 200;
/// No reconcile follows another one sooner.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// A run in which nothing changes for so many reconciles has ended, unless a write is still unanswered: that takes ten minutes.
const MAX_IDLE: u32 = 6;
const MAX_IDLE_UNANSWERED: u32 = 24;
/// Simulates a slow operator: while nothing changes, each pause is longer than requested, by up to this factor.
const MAX_SLOWNESS: u32 = 8;

/// Runs one start to its end. Returns the number of reconciles, or what is wrong with it.
fn run(goal: &Goal, start: &Start) -> Result<u32, String> {
    let mut world = World::new(goal, start);
    let (mut at_rest, mut idle, mut shown) = (0, 0, Shown::default());
    for reconciles in 1..=MAX_RECONCILES {
        let before = world.fingerprint();
        let pause = world.reconcile()?;
        if pause < MIN_PAUSE {
            return Err(format!("reconciles again after {pause:?}: {:?}", world.last));
        }
        shown.next(&world)?;
        at_rest = if world.is_at_rest() && !world.is_cache_behind() { at_rest + 1 } else { 0 };
        idle = if before == world.fingerprint() { idle + 1 } else { 0 };
        let is_waiting = world.is_late() || world.is_waiting_for_a_write();
        if at_rest == 2 && !world.is_late() || idle >= if is_waiting { MAX_IDLE_UNANSWERED } else { MAX_IDLE } {
            ends::check(&world)?;
            return Ok(reconciles);
        }
        world.pass_time(pause * (idle + 1).min(MAX_SLOWNESS));
    }
    // What fails for ever is retried for ever.
    if start.trick.is_lasting() || start.dependencies.1 == Synapse::Forbidden {
        ends::check(&world).map(|()| MAX_RECONCILES)
    } else {
        Err(format!("has no end: {:?}", world.last))
    }
}

/// The reasons that were shown while the same things existed.
#[derive(Default)]
struct Shown {
    world: Option<Existing>,
    reasons: Vec<Reason>,
}

impl Shown {
    /// A reason that gave way to another one recurs only if something has changed.
    fn next(&mut self, world: &World<'_>) -> Result<(), String> {
        let (now, reason) = (world.existing(), world.last.as_ref().map(|decision| decision.cause.reason()));
        if self.world.as_ref() != Some(&now) || !world.is_told_truly() {
            *self = Self { world: Some(now), reasons: Vec::new() };
        }
        let Some(reason) = reason.filter(|reason| self.reasons.last() != Some(reason)) else { return Ok(()) };
        if self.reasons.contains(&reason) {
            return Err(format!("shows {reason} again without a cause, after {:?}", self.reasons));
        }
        self.reasons.push(reason);
        Ok(())
    }
}

#[test]
fn every_start_reaches_the_desired_state_without_a_harmful_step() {
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
