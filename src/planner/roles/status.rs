//! What the status records of role assignments: those that this object may revoke, and those that others assigned, which count
//! while Synapse gives no answer.

use crate::api::v1alpha1::{AttachmentStatus, RoleAssignmentStatus, RolePhase};
use crate::planner::cause::Cause;
use crate::planner::decision::Step;
use crate::planner::finding::{Fault, Finding};
use crate::planner::goal::{Attached, Goal};
use crate::planner::observed::Observed;
use crate::planner::roles::goal::{RoleAssignment, is_created_by};
use crate::planner::status::report::Report;
use crate::planner::status::time::stored;
use crate::planner::write::WriteResult;

/// The role assignments that the status records after a reconcile.
#[must_use]
pub fn role_assignments(previous: &AttachmentStatus, report: &Report<'_>) -> Vec<RoleAssignmentStatus> {
    let mut all = previous.role_assignments.clone();
    if let (Some(Goal::Attached(goal)), Some(seen)) = (report.goal, report.observed) {
        drop_unwanted_of_others(&mut all, goal, seen);
        record_observed(&mut all, seen, report);
    }
    if let (Some(goal), Some((decision, result))) = (report.goal, report.written) {
        match &decision.step {
            Step::AssignRole(one) => {
                if let Some(next) = assigned(previous, report, (one, &goal.owner().uid), result) {
                    replace(&mut all, one, next);
                }
            }
            Step::RevokeRole(one) if matches!(result, WriteResult::Accepted(_)) => all.retain(|known| !one.is(known)),
            // An object that stays tries again.
            Step::RevokeRole(one) if matches!(goal, Goal::Detached(_)) && is_refused(result) => {
                all.iter_mut().filter(|known| one.is(known)).for_each(|known| known.revocation_refused = true);
            }
            _ => {}
        }
    }
    if let Cause::RoleAbandoned { assignment, .. } = &report.decision.cause {
        all.retain(|known| !assignment.is(known));
    }
    all
}

/// Assignments of others are only recorded if they are desired.
fn drop_unwanted_of_others(all: &mut Vec<RoleAssignmentStatus>, goal: &Attached, seen: &Observed) {
    let is_known = goal.role.is_none() || !seen.roles.wanted.is_empty();
    if is_known && seen.compute.present().is_some() {
        all.retain(|known| is_created_by(&goal.owner.uid, known) || seen.roles.wants(known));
    }
}

/// Records what Synapse shows. What existed before under the GUID that this object derives was created by this object, whose
/// request was not answered.
fn record_observed(all: &mut Vec<RoleAssignmentStatus>, seen: &Observed, report: &Report<'_>) {
    for (one, finding) in &seen.roles.wanted {
        let (Some(one), Finding::Present(id)) = (one, finding) else { continue };
        let is_recorded =
            |known: &RoleAssignmentStatus| known.phase == RolePhase::Assigned && known.assignment_id.eq_ignore_ascii_case(id);
        if !all.iter().any(|known| one.is(known) && is_recorded(known)) {
            let recorded = entry(one, id.to_ascii_lowercase(), RolePhase::Assigned);
            replace(all, one, RoleAssignmentStatus { assigned_at: Some(stored(report.now)), ..recorded });
        }
    }
}

/// What the status records of an assignment that was, or is about to be, requested; none if nothing changes.
fn assigned(
    previous: &AttachmentStatus,
    report: &Report<'_>,
    (one, uid): (&RoleAssignment, &str),
    result: &WriteResult,
) -> Option<RoleAssignmentStatus> {
    let id = one.id(uid);
    let before = previous.role_assignments.iter().find(|known| known.assignment_id == id).map(|known| known.phase);
    let confirmed = |phase| {
        let recorded = entry(one, id.clone(), phase);
        Some(RoleAssignmentStatus { assigned_at: Some(stored(report.now)), ..recorded })
    };
    match (result, before) {
        (WriteResult::Intent, Some(_)) | (WriteResult::NotSent(_) | WriteResult::NotFound, _) => None,
        (WriteResult::Intent, None) => Some(entry(one, id, RolePhase::Pending)),
        (WriteResult::Accepted(_), _) => confirmed(RolePhase::Assigned),
        (WriteResult::AlreadyExists, None | Some(RolePhase::PreExisting)) => confirmed(RolePhase::PreExisting),
        // A request of ours was not answered: what exists most likely is its effect.
        (WriteResult::AlreadyExists, Some(_)) => confirmed(RolePhase::Assigned),
        (WriteResult::Failed(fault), before) => Some(entry(one, id, failed(fault, before))),
    }
}

/// Whether only another credential or another permission helps.
const fn is_refused(result: &WriteResult) -> bool {
    match result {
        WriteResult::Failed(fault) | WriteResult::NotSent(fault) => fault.kind.is_conclusive() && fault.kind.is_answer(),
        _ => false,
    }
}

/// Every request for a denied assignment was refused, so it never existed. Otherwise it may have been created anyway.
const fn failed(fault: &Fault, before: Option<RolePhase>) -> RolePhase {
    match (fault.kind.is_conclusive(), before) {
        (true, None | Some(RolePhase::Denied)) => RolePhase::Denied,
        (true, Some(RolePhase::PreExisting)) => RolePhase::PreExisting,
        _ => RolePhase::Pending,
    }
}

fn entry(one: &RoleAssignment, assignment_id: String, phase: RolePhase) -> RoleAssignmentStatus {
    RoleAssignmentStatus {
        assignment_id,
        role_id: one.role.clone(),
        principal_id: one.principal.clone(),
        scope: one.scope.clone(),
        phase,
        assigned_at: None,
        revocation_refused: false,
    }
}

fn replace(all: &mut Vec<RoleAssignmentStatus>, one: &RoleAssignment, next: RoleAssignmentStatus) {
    all.retain(|known| !one.is(known));
    all.push(next);
}
