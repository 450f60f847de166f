//! What a run has created and has to remove: recorded before the request that creates it is sent.

use std::collections::BTreeSet;

/// One thing that has to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// A compute, by its name: detached, which leaves the pool as it is.
    Compute(String),
    /// A role assignment, by its GUID.
    RoleAssignment(String),
    /// A linked service, by its name.
    LinkedService(String),
    /// A job, by its name: canceled, since jobs cannot be deleted.
    Job(String),
}

impl std::fmt::Display for Created {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Compute(name) => write!(f, "compute {name}"),
            Self::RoleAssignment(guid) => write!(f, "role assignment {guid}"),
            Self::LinkedService(name) => write!(f, "linked service {name}"),
            Self::Job(name) => write!(f, "job {name}"),
        }
    }
}

/// All of it, the oldest first.
#[derive(Debug, Default)]
pub struct Ledger {
    created: Vec<Created>,
    /// The names whose PUT has no answer: Azure may still carry it out.
    unanswered: BTreeSet<String>,
}

impl Ledger {
    /// Adds one, once.
    pub fn add(&mut self, created: Created) {
        if !self.created.contains(&created) {
            self.created.push(created);
        }
    }

    /// A PUT of this name is sent, or it is known what became of it.
    pub fn sent(&mut self, name: &str, is_answered: bool) {
        if is_answered {
            self.unanswered.remove(name);
        } else {
            self.unanswered.insert(name.to_owned());
        }
    }

    /// Whether a PUT of this name may still be carried out.
    #[must_use]
    pub fn is_unanswered(&self, name: &str) -> bool {
        self.unanswered.contains(name)
    }

    /// Whether this run has created it.
    #[must_use]
    pub fn has(&self, created: &Created) -> bool {
        self.created.contains(created)
    }

    /// Removes one that is gone.
    pub fn remove(&mut self, created: &Created) {
        self.created.retain(|known| known != created);
    }

    /// What is still there, the newest first.
    #[must_use]
    pub fn left(&self) -> Vec<Created> {
        self.created.iter().rev().cloned().collect()
    }
}
