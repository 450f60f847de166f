//! What Azure shows of the compute, the pool and the linked service, as the status stores it.

use crate::api::v1alpha1::{AttachmentStatus, IdentityStatus, LinkedServiceStatus, PoolStatus, UserAssignedStatus};
use crate::planner::compute::Compute;
use crate::planner::finding::Finding;
use crate::planner::goal::{Goal, PoolReference};
use crate::planner::identity::ObservedIdentity;
use crate::planner::status::report::Report;
use crate::planner::status::shown::condition;
use crate::resource_id::IdentityId;

/// Copies what was observed into the status. What was not observed, or has no answer, stays.
pub(super) fn show(next: &mut AttachmentStatus, previous: &AttachmentStatus, report: &Report<'_>) {
    match report.observed.map(|seen| &seen.compute) {
        Some(Finding::Present(compute)) => show_compute(next, compute, report.goal),
        Some(Finding::Absent) => {}
        Some(Finding::Unknown(_)) | None => keep_compute(next, previous),
    }
    if let Some(compute) = report.goal.and_then(Goal::compute) {
        next.compute_id = Some(compute.to_string());
        next.compute_name = Some(compute.name().to_owned());
    }
    show_pool(next, previous, report);
    next.linked_service = linked_service(previous, report);
}

fn show_compute(next: &mut AttachmentStatus, compute: &Compute, goal: Option<&Goal>) {
    let details = &compute.details;
    next.provisioning_state = Some(details.state.clone());
    next.location.clone_from(&details.location);
    next.created_on.clone_from(&details.created_on);
    next.modified_on.clone_from(&details.modified_on);
    next.provisioning_errors.clone_from(&details.errors);
    next.pool = Some(details.pool.clone());
    next.identity = compute.identity.exists().then(|| identity(&compute.identity, goal));
}

/// The user-assigned identities in the order of the spec, then those that it does not name.
fn identity(shown: &ObservedIdentity, goal: Option<&Goal>) -> IdentityStatus {
    let mut user = shown.user.clone();
    if let Some(Goal::Attached(goal)) = goal {
        let place = |id: &IdentityId| goal.identity.user.iter().position(|wanted| wanted == id).unwrap_or(usize::MAX);
        user.sort_by_key(|one| place(&one.id));
    }
    let readable = user.into_iter().map(|one| UserAssignedStatus {
        resource_id: one.id.to_string(),
        principal_id: one.principal_id,
        client_id: one.client_id,
    });
    let unreadable = shown.unreadable.iter().map(|id| UserAssignedStatus { resource_id: id.clone(), ..Default::default() });
    IdentityStatus {
        kind: shown.kind.clone(),
        principal_id: shown.principal_id.clone(),
        tenant_id: shown.tenant_id.clone(),
        user_assigned: readable.chain(unreadable).collect(),
    }
}

fn keep_compute(next: &mut AttachmentStatus, previous: &AttachmentStatus) {
    next.compute_id.clone_from(&previous.compute_id);
    next.compute_name.clone_from(&previous.compute_name);
    next.provisioning_state.clone_from(&previous.provisioning_state);
    next.location.clone_from(&previous.location);
    next.created_on.clone_from(&previous.created_on);
    next.modified_on.clone_from(&previous.modified_on);
    next.provisioning_errors.clone_from(&previous.provisioning_errors);
    next.identity.clone_from(&previous.identity);
    next.pool.clone_from(&previous.pool);
}

fn show_pool(next: &mut AttachmentStatus, previous: &AttachmentStatus, report: &Report<'_>) {
    let was_available = condition(previous, "PoolAvailable").is_some_and(|one| one.status == "True");
    let Some(Goal::Attached(goal)) = report.goal else {
        // A deletion does not read the pool, and the compute shows it as it was at the attach.
        if was_available && next.pool.is_some() {
            next.pool.clone_from(&previous.pool);
        }
        return;
    };
    match report.observed.and_then(|seen| seen.dependencies.pool.as_ref()) {
        // Synapse's own data about the pool is more accurate than that of Machine Learning.
        Some(Finding::Present(pool)) => next.pool = Some(pool.details.clone()),
        Some(Finding::Unknown(_)) | None if was_available => next.pool.clone_from(&previous.pool),
        Some(Finding::Unknown(_) | Finding::Absent) | None => {}
    }
    let name = report.observed.and_then(|seen| seen.dependencies.resolve(&goal.pool)).map(|pool| pool.name().to_owned());
    let Some(name) = name else { return };
    let pool = next.pool.get_or_insert_with(PoolStatus::default);
    if pool.name.is_empty() {
        pool.name = name;
    }
}

fn linked_service(previous: &AttachmentStatus, report: &Report<'_>) -> Option<LinkedServiceStatus> {
    match (report.goal, report.observed.map(|seen| &seen.dependencies.link)) {
        (Some(Goal::Attached(goal)), _) if matches!(goal.pool, PoolReference::Id(_)) => None,
        (_, Some(Some(Finding::Present(link)))) => Some(LinkedServiceStatus {
            name: link.name.clone(),
            resource_id: link.resource_id.clone(),
            principal_id: link.principal.clone(),
        }),
        (_, Some(Some(Finding::Absent))) => None,
        _ => previous.linked_service.clone(),
    }
}
