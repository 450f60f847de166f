//! The jobs on a compute that have not ended, as Azure shows them.

use crate::azure::{self, Freshness};
use crate::controller::observe::fault::fault;
use crate::planner::{Finding, Goal, Job, Jobs, Observed, decide};

/// Reads the jobs if the decision depends on them: if nothing else keeps the compute from being detached, and the spec wants the
/// detach to wait.
///
/// While it waits, an older list is enough than `freshness` allows. A detach needs a second observation, with the jobs as they are
/// now.
pub async fn active_jobs(azure: &azure::Client, goal: &Goal, observed: &mut Observed, freshness: Freshness) {
    let Some(id) = goal.compute().filter(|_| goal.waits_for_jobs().is_some()) else { return };
    let Some(age) = decide(goal, observed).needs_jobs() else { return };
    observed.jobs = Some(match azure.active_jobs(id, freshness.at_least(age)).await {
        Ok(active) if active.count == 0 => Finding::Absent,
        Ok(active) => {
            let first = active.first.into_iter().map(|(name, status)| Job { name, status }).collect();
            Finding::Present(Jobs { count: active.count, first })
        }
        Err(error) => Finding::Unknown(fault(error)),
    });
}
