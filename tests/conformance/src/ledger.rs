//! What a run has created and has to remove: written down before the request that creates it is sent.

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
pub struct Ledger(Vec<Created>);

impl Ledger {
    /// Adds one, once.
    pub fn add(&mut self, created: Created) {
        if !self.0.contains(&created) {
            self.0.push(created);
        }
    }

    /// Whether this run has created it.
    #[must_use]
    pub fn has(&self, created: &Created) -> bool {
        self.0.contains(created)
    }

    /// Strikes one out that is gone.
    pub fn remove(&mut self, created: &Created) {
        self.0.retain(|known| known != created);
    }

    /// What is still there, the newest first.
    #[must_use]
    pub fn left(&self) -> Vec<Created> {
        self.0.iter().rev().cloned().collect()
    }
}
