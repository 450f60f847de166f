//! What is to be said and done about what is behind an attachment: the link, the pool, the roles.

use std::time::Duration;

use super::{Attached, Change, Finding, Look, Observed, Plan, Progress, Step, blocked, role, waiting_out};
use crate::api::Reason;
use crate::resource_id::PoolId;

/// The link that leads to the pool is not there, or nobody knows.
pub(super) fn unlinked(goal: &Attached, observed: &Observed) -> Plan {
    let name = goal.link.as_ref().map(|link| link.name.as_str()).unwrap_or_default();
    match &observed.behind.link {
        Some(Finding::Unknown(fault)) => waiting_out(fault.clone(), observed),
        Some(Finding::Present(link)) => {
            blocked(Reason::LinkedServiceNotFound, format!("{name} leads to {}, which is no Synapse workspace", link.resource_id))
        }
        Some(Finding::Absent) | None => {
            let links = &observed.behind.links;
            let there = if links.is_empty() { "there is none".to_owned() } else { format!("there are: {}", links.join(", ")) };
            blocked(Reason::LinkedServiceNotFound, format!("{name}; {there}"))
        }
    }
}

/// The pool itself is not there, or of no use.
pub(super) fn no_pool(pool: &PoolId, observed: &Observed) -> Option<Plan> {
    match &observed.behind.pool {
        Some(Finding::Absent) => Some(blocked(Reason::PoolNotFound, pool.to_string())),
        Some(Finding::Present(found)) if matches!(found.progress, Progress::Failed | Progress::Deleting) => {
            Some(blocked(Reason::PoolFailed, format!("{pool}, in state {}", found.state)))
        }
        Some(Finding::Present(_) | Finding::Unknown(_)) | None => None,
    }
}

/// What is to be done about roles once the compute is as asked.
pub(super) fn role_step(goal: &Attached, observed: &Observed) -> Option<Plan> {
    let plan = |step, look| Plan::new(step, Reason::Granting, look);
    let write = |step, one| Plan { assignment: Some(one), ..plan(step, Look::Working(Duration::ZERO)) };
    Some(match role::next(&observed.behind.roles, observed.asked) {
        role::Next::Nothing => return None,
        _ if goal.suspend => Plan::new(Step::Wait, Reason::Suspended, Look::Settled),
        role::Next::Answer(fault) => waiting_out(fault, observed),
        role::Next::Principal => plan(Step::Wait, Look::Failing(observed.waiting_for)),
        role::Next::Grant(one) => write(Step::Grant, one),
        role::Next::Revoke(one) => Plan { change: Change::Revoke, ..write(Step::Revoke, one) },
    })
}
