//! Which objects rely on role assignments that another created: Synapse keeps one of each, regardless of who requests it.

use std::collections::{HashMap, HashSet};

use kube::ResourceExt;

use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::{RoleAssignmentStatus, RolePhase};
use crate::controller::key::Key;
use crate::planner::RoleAssignment;
use crate::planner::roles::goal::is_created_by;
use crate::planner::roles::observed::PendingVerification;

/// A role assignment that a status records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recorded {
    /// In lower case.
    assignment: RoleAssignment,
    id: String,
    /// The object created it, or may have created it.
    is_made: bool,
    /// Another client created it, or may have created it.
    relies: bool,
    /// Synapse did not show who created it.
    existed: bool,
}

/// The role assignments that an object's status records.
pub(super) fn of(object: &SynapseSparkAttachment) -> Vec<Recorded> {
    let uid = object.uid().unwrap_or_default();
    let recorded = |role: &RoleAssignmentStatus| {
        let is_own = is_created_by(&uid, role) && role.phase != RolePhase::PreExisting;
        let is_denied = role.phase == RolePhase::Denied;
        Recorded {
            assignment: RoleAssignment::from(role).folded(),
            id: role.assignment_id.clone(),
            is_made: is_own && !is_denied,
            relies: !(is_denied || is_own && role.phase == RolePhase::Assigned),
            existed: role.phase == RolePhase::PreExisting,
        }
    };
    object.status.iter().flat_map(|status| &status.role_assignments).map(recorded).collect()
}

/// The role assignments of all objects.
#[derive(Debug, Default)]
pub(super) struct SharedRoles {
    recorded: HashMap<Key, Vec<Recorded>>,
    relying: HashMap<RoleAssignment, HashSet<Key>>,
    pending: HashMap<Key, Vec<PendingVerification>>,
    /// The sequence number of the last verification.
    sequence: u64,
}

impl SharedRoles {
    /// Records what an object's status has now. Returns those that rely on assignments that the object created and has revoked.
    pub(super) fn recorded(&mut self, key: &Key, now: Vec<Recorded>) -> Vec<Key> {
        if self.recorded.get(key).map_or(&[][..], Vec::as_slice) == now {
            return Vec::new();
        }
        let before = self.recorded.remove(key).unwrap_or_default();
        for role in before.iter().filter(|role| role.relies) {
            if let Some(relying) = self.relying.get_mut(&role.assignment) {
                relying.remove(key);
            }
            if self.relying.get(&role.assignment).is_some_and(HashSet::is_empty) {
                self.relying.remove(&role.assignment);
            }
        }
        for role in now.iter().filter(|role| role.relies) {
            self.relying.entry(role.assignment.clone()).or_default().insert(key.clone());
        }
        let mut to_requeue = Vec::new();
        let is_gone = |role: &&Recorded| now.iter().all(|one| one.assignment != role.assignment);
        for role in before.iter().filter(|role| role.is_made).filter(is_gone) {
            for relying in self.relying.get(&role.assignment).cloned().unwrap_or_default() {
                self.verify(&relying, role.assignment.clone(), Some(role.id.clone()));
                to_requeue.push(relying);
            }
        }
        if !now.is_empty() {
            self.recorded.insert(key.clone(), now);
        }
        to_requeue
    }

    /// An object is listed for the first time since the process started: another object may have revoked an assignment that this
    /// one relies on while no operator was running.
    pub(super) fn found(&mut self, key: &Key, roles: &[Recorded]) {
        for role in roles.iter().filter(|role| role.existed) {
            self.verify(key, role.assignment.clone(), None);
        }
    }

    /// The object is gone. Returns those that rely on assignments that it created.
    pub(super) fn forget(&mut self, key: &Key) -> Vec<Key> {
        self.pending.remove(key);
        self.recorded(key, Vec::new())
    }

    pub(super) fn pending(&self, key: &Key) -> Vec<PendingVerification> {
        self.pending.get(key).cloned().unwrap_or_default()
    }

    pub(super) fn verify_all(&mut self, key: &Key) {
        for role in self.recorded.get(key).cloned().unwrap_or_default().into_iter().filter(|role| role.relies) {
            self.verify(key, role.assignment, None);
        }
    }

    /// One verification of each role is enough: the last one, with all that is known.
    fn verify(&mut self, key: &Key, assignment: RoleAssignment, revoked_id: Option<String>) {
        self.sequence += 1;
        let pending = self.pending.entry(key.clone()).or_default();
        let known = pending.iter().position(|one| one.assignment == assignment).map(|at| pending.swap_remove(at));
        let revoked_id = revoked_id.or_else(|| known.and_then(|known| known.revoked_id));
        pending.push(PendingVerification { assignment, revoked_id, sequence: self.sequence });
    }

    pub(super) fn resolve(&mut self, key: &Key, done: &[PendingVerification]) {
        if let Some(pending) = self.pending.get_mut(key) {
            pending.retain(|one| done.iter().all(|done| done.sequence != one.sequence));
        }
        if self.pending.get(key).is_some_and(Vec::is_empty) {
            self.pending.remove(key);
        }
    }

    /// Whether no object relies on a role assignment.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.relying.is_empty() && self.pending.is_empty()
    }
}
