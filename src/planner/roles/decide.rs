//! Which role assignment is to be created or revoked next.

use crate::api::v1alpha1::RolePhase;
use crate::planner::backoff::{PROPAGATION, ROLE_PATIENCE, UNWANTED_ROLE_PATIENCE};
use crate::planner::finding::{Fault, FaultKind, Finding};
use crate::planner::roles::goal::RoleAssignment;
use crate::planner::roles::observed::{Recorded, Roles};

/// The next thing to do about role assignments.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Wait until Azure shows the principal.
    AwaitPrincipal,
    /// Wait until Synapse answers whether the role is assigned.
    AwaitAnswer(Fault),
    /// Assign this role.
    Assign(RoleAssignment),
    /// Revoke this role: it is no longer wanted.
    Revoke(RoleAssignment),
}

/// What to do about role assignments while the pool is to be attached; none if everything that is wanted exists and nothing
/// else of ours.
///
/// Assignments come first, unless one cannot be assigned now: a revocation does not wait for it.
#[must_use]
pub fn next(roles: &Roles, requested: bool) -> Option<Next> {
    // Until all principals are known, an assignment that seems to be unwanted may be one of the desired ones.
    let is_known = roles.wanted.iter().all(|(one, _)| one.is_some());
    let unwanted = roles.ours().find(|recorded| is_known && !roles.wants(&recorded.status)).map(|one| (&one.status).into());
    match (missing(roles, requested), unwanted, roles.failure) {
        (missing, None, _) => missing,
        (Some(Next::Assign(one)), _, None) => Some(Next::Assign(one)),
        (_, Some(one), _) => Some(Next::Revoke(one)),
    }
}

/// What to do about the assignments that are wanted; none if they exist.
///
/// If a user requests it, or a verification is pending, a missing assignment is created once more, which does no
/// harm.
#[must_use]
pub fn missing(roles: &Roles, requested: bool) -> Option<Next> {
    roles.wanted.iter().find_map(|(one, finding)| match one {
        None => Some(Next::AwaitPrincipal),
        Some(one) => missing_one(roles, one, finding, requested),
    })
}

fn missing_one(roles: &Roles, one: &RoleAssignment, finding: &Finding<String>, requested: bool) -> Option<Next> {
    let verification = roles.verification(one);
    let requested = requested || verification.is_some();
    let recorded = roles.recorded.iter().find(|recorded| one.is(&recorded.status));
    let confirmed_ago = recorded.and_then(|recorded| recorded.confirmed_ago);
    let assign = || Next::Assign(one.clone());
    match finding {
        Finding::Present(id) if verification.is_some_and(|pending| pending.contradicts(id)) => Some(assign()),
        Finding::Present(_) => None,
        // An assignment takes minutes to show, and one that existed before may never show. An assignment of others that no
        // longer shows has been revoked.
        Finding::Absent if !requested && recorded.is_some_and(is_trusted) => confirmed_ago.is_none().then(assign),
        Finding::Absent => Some(assign()),
        // Without the permission to list, the operator relies on the answer to the PUT. On a user's request it checks
        // assignments of others again.
        Finding::Unknown(Fault { kind: FaultKind::Forbidden | FaultKind::Rejected, .. }) => {
            let is_of_others = |one: &Recorded| one.status.phase == RolePhase::PreExisting || !one.is_ours;
            (confirmed_ago.is_none() || requested && recorded.is_some_and(is_of_others)).then(assign)
        }
        Finding::Unknown(fault) => confirmed_ago.is_none().then(|| Next::AwaitAnswer(fault.clone())),
    }
}

fn is_trusted(recorded: &Recorded) -> bool {
    recorded.is_ours && (recorded.status.phase == RolePhase::PreExisting || recorded.confirmed_ago < Some(PROPAGATION))
}

/// What to revoke before a detach, if it can be revoked: each assignment once, if Synapse refuses it; without answers it delays
/// the detach for [`ROLE_PATIENCE`] at most.
#[must_use]
pub fn to_revoke(roles: &Roles) -> Option<RoleAssignment> {
    let is_given_up = roles.failure.is_some_and(|failure| failure.failing_for >= ROLE_PATIENCE);
    let next = roles.ours().find(|recorded| !recorded.status.revocation_refused);
    next.filter(|_| !is_given_up).map(|recorded| (&recorded.status).into())
}

/// The outcome of a role assignment that is not wanted and could not be revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Abandoned {
    /// It was never created: every request for it was refused.
    NeverCreated,
    /// It stays in Synapse. The command revokes it by hand.
    Orphaned(String),
}

/// Whether to abandon the revocation of an unwanted assignment, after an attempt that ended like this.
///
/// Each is attempted once, also one that was denied.
#[must_use]
pub fn abandon(roles: &Roles, one: &RoleAssignment, kind: FaultKind) -> Option<Abandoned> {
    let recorded = roles.own_record(one)?;
    match roles.failure {
        _ if recorded.phase == RolePhase::Denied && kind.is_conclusive() => Some(Abandoned::NeverCreated),
        Some(failure) if failure.failing_for >= UNWANTED_ROLE_PATIENCE => {
            Some(Abandoned::Orphaned(one.delete_command(&recorded.assignment_id)))
        }
        _ => None,
    }
}
