//! The role assignments that an attachment needs, as Synapse shows them.

use jiff::Timestamp;

use crate::api::v1alpha1::AttachmentStatus;
use crate::azure::{self, Freshness, RoleAssignmentRequest};
use crate::controller::observe::fault::fault;
use crate::planner::backoff::FailureHistory;
use crate::planner::roles::goal::is_created_by;
use crate::planner::roles::observed::{PendingVerification, Recorded, Roles};
use crate::planner::status::failure::history;
use crate::planner::status::time::elapsed;
use crate::planner::{Compute, Dependencies, Finding, Goal, Ownership, Progress, RoleAssignment};

/// What the status records of role assignments, and what Synapse shows of those that are wanted.
///
/// Requests are sent to Synapse only when the answer matters: once the compute is ours and Azure is done with it.
pub(super) async fn observe(
    azure: &azure::Client,
    (goal, status): (&Goal, &AttachmentStatus),
    dependencies: &Dependencies,
    (compute, pending_verification): (&Finding<Compute>, Vec<PendingVerification>),
    (freshness, now): (Freshness, Timestamp),
) -> Roles {
    let uid = &goal.owner().uid;
    let recorded = status.role_assignments.iter().map(|one| Recorded {
        is_ours: is_created_by(uid, one),
        confirmed_ago: one.assigned_at.as_ref().map(|at| elapsed(at.0, now).unwrap_or_default()),
        status: one.clone(),
    });
    let failure = status.failure.as_ref().map(|failure| history(failure, now)).filter(FailureHistory::is_of_role);
    let mut roles = Roles { recorded: recorded.collect(), wanted: Vec::new(), pending_verification, failure };
    for one in wanted(goal, dependencies, compute) {
        let finding = match &one {
            Some(one) => find(azure, &roles, one, freshness).await,
            None => Finding::Absent,
        };
        roles.wanted.push((one, finding));
    }
    roles
}

fn wanted(goal: &Goal, dependencies: &Dependencies, compute: &Finding<Compute>) -> Vec<Option<RoleAssignment>> {
    let (Goal::Attached(goal), Finding::Present(compute)) = (goal, compute) else { return Vec::new() };
    let is_relevant = compute.owner == Ownership::Ours && compute.progress == Progress::Succeeded;
    match (&goal.role, dependencies.resolve(&goal.pool)) {
        (Some(role), Some(pool)) if is_relevant && goal.transfer_to.is_none() => {
            role.assignments(&pool, &goal.identity, &compute.identity, dependencies.link_principal())
        }
        _ => Vec::new(),
    }
}

async fn find(azure: &azure::Client, roles: &Roles, one: &RoleAssignment, freshness: Freshness) -> Finding<String> {
    let is_pending = roles.verification(one).is_some();
    let freshness = if is_pending { Freshness::Now } else { freshness };
    match azure.role_assignment(&request(one), freshness).await {
        Ok(Some(id)) => Finding::Present(id),
        Ok(None) => Finding::Absent,
        Err(error) => Finding::Unknown(fault(error)),
    }
}

/// An assignment, in the client's terms.
pub(crate) fn request(one: &RoleAssignment) -> RoleAssignmentRequest {
    RoleAssignmentRequest {
        workspace: one.workspace().to_owned(),
        role: one.role.clone(),
        principal: one.principal.clone(),
        scope: one.scope.clone(),
    }
}
