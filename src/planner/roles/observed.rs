//! What is known of role assignments when a decision is taken.

use std::time::Duration;

use crate::api::v1alpha1::{RoleAssignmentStatus, RolePhase};
use crate::planner::backoff::FailureHistory;
use crate::planner::finding::Finding;
use crate::planner::roles::goal::RoleAssignment;

/// What is known of role assignments when a decision is taken.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Roles {
    /// What the status records.
    pub recorded: Vec<Recorded>,
    /// What is wanted, and whether Synapse shows it: under which GUID.
    pub wanted: Vec<(Option<RoleAssignment>, Finding<String>)>,
    /// Assignments that may have been revoked by another object.
    pub pending_verification: Vec<PendingVerification>,
    /// Failures of assignments and revocations.
    pub failure: Option<FailureHistory>,
}

/// A role assignment that the status records.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// As the status records it.
    pub status: RoleAssignmentStatus,
    /// Its GUID is the one that this object derives: this object may revoke it.
    pub is_ours: bool,
    /// How long ago Synapse confirmed it; none if it never did.
    pub confirmed_ago: Option<Duration>,
}

/// A role assignment that this object relies on and has to check again, because another object revoked it or a user requests it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingVerification {
    /// The assignment, in lower case.
    pub assignment: RoleAssignment,
    /// The GUID that was revoked: a list that still shows it is out of date.
    pub revoked_id: Option<String>,
    /// A sequence number: a verification that is requested during an observation has a higher number, and stays pending after it.
    pub sequence: u64,
}

impl PendingVerification {
    /// Whether a list that shows this GUID is out of date.
    #[must_use]
    pub fn contradicts(&self, id: &str) -> bool {
        self.revoked_id.as_deref().is_some_and(|revoked| revoked.eq_ignore_ascii_case(id))
    }

    /// Whether it is resolved: the assignment was confirmed after it, or is not wanted.
    ///
    /// `wants_role` is whether the spec has a role at all; `assigned` is what was assigned in this reconcile.
    #[must_use]
    pub fn is_resolved(&self, wants_role: bool, roles: &Roles, assigned: Option<&RoleAssignment>) -> bool {
        if !wants_role || assigned.is_some_and(|one| one.folded() == self.assignment) {
            return true;
        }
        // Until Azure shows every principal, what is wanted is unknown.
        let wanted: Option<Vec<_>> = roles.wanted.iter().map(|(one, finding)| Some((one.as_ref()?.folded(), finding))).collect();
        wanted.is_some_and(|wanted| {
            let mut same = wanted.iter().filter(|(one, _)| *one == self.assignment);
            !wanted.is_empty() && same.all(|(_, finding)| matches!(finding, Finding::Present(id) if !self.contradicts(id)))
        })
    }
}

impl Roles {
    /// The check that is due for this assignment.
    #[must_use]
    pub fn verification(&self, one: &RoleAssignment) -> Option<&PendingVerification> {
        self.pending_verification.iter().find(|pending| pending.assignment == one.folded())
    }

    /// What the status records of this assignment, if it is this object's own.
    #[must_use]
    pub fn own_record(&self, one: &RoleAssignment) -> Option<&RoleAssignmentStatus> {
        self.ours().find(|recorded| one.is(&recorded.status)).map(|recorded| &recorded.status)
    }

    /// Whether this assignment is wanted.
    #[must_use]
    pub fn wants(&self, recorded: &RoleAssignmentStatus) -> bool {
        self.wanted.iter().any(|(one, _)| one.as_ref().is_some_and(|one| one.is(recorded)))
    }

    /// The assignments that this object may revoke.
    pub fn ours(&self) -> impl Iterator<Item = &Recorded> {
        self.recorded.iter().filter(|recorded| recorded.is_ours)
    }

    /// The commands that revoke by hand what may remain when the object is gone.
    ///
    /// Also for what existed before: an answer that was lost may have created it.
    #[must_use]
    pub fn orphaned(&self) -> Vec<String> {
        self.ours()
            .filter(|recorded| recorded.status.phase != RolePhase::Denied)
            .map(|recorded| RoleAssignment::from(&recorded.status).delete_command(&recorded.status.assignment_id))
            .collect()
    }
}
