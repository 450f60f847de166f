//! What an attachment depends on: a linked service, the Spark pool.

use crate::api::v1alpha1::{LinkedServiceStatus, PoolStatus};
use crate::planner::compute::Progress;
use crate::planner::finding::{Fault, Finding};
use crate::planner::goal::PoolReference;
use crate::resource_id::PoolId;

/// What an attachment depends on, as Azure shows it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dependencies {
    /// The linked service, where the spec names the pool through one.
    pub link: Option<Finding<LinkedService>>,
    /// The names of the workspace's linked services, where the named one does not exist.
    pub other_links: Vec<String>,
    /// The pool; none where it was not observed.
    pub pool: Option<Finding<SparkPool>>,
}

impl Dependencies {
    /// The pool that the spec names; none as long as its linked service does not lead to one.
    #[must_use]
    pub fn resolve(&self, reference: &PoolReference) -> Option<PoolId> {
        match (reference, &self.link) {
            (PoolReference::Id(id), _) => Some(id.clone()),
            (PoolReference::Link(link), Some(Finding::Present(found))) => PoolId::within(&found.resource_id, &link.pool).ok(),
            (PoolReference::Link(_), _) => None,
        }
    }

    /// The object ID of the linked service's own identity.
    #[must_use]
    pub fn link_principal(&self) -> Option<&str> {
        self.link.as_ref().and_then(Finding::present).and_then(|link| link.principal.as_deref())
    }
}

/// A linked service of the Machine Learning workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedService {
    /// Its name.
    pub name: String,
    /// The resource ID of the Synapse workspace.
    pub resource_id: String,
    /// The object ID of its own identity.
    pub principal: Option<String>,
}

impl LinkedService {
    /// What an observation that ended with this fault finds: while there is no answer, the linked service that the status records
    /// counts. A refusal is an answer.
    #[must_use]
    pub fn after(fault: Fault, name: &str, recorded: Option<&LinkedServiceStatus>) -> Finding<Self> {
        match recorded.filter(|known| known.name == name && !fault.kind.is_answer()) {
            Some(known) => Finding::Present(Self {
                name: known.name.clone(),
                resource_id: known.resource_id.clone(),
                principal: known.principal_id.clone(),
            }),
            None => Finding::Unknown(fault),
        }
    }
}

/// A Spark pool, as Synapse shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct SparkPool {
    /// Azure's name of its state.
    pub state: String,
    /// What Azure is doing with it.
    pub progress: Progress,
    /// Size, version and so on.
    pub details: PoolStatus,
}

impl SparkPool {
    /// Whether jobs can run on it at all.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        !matches!(self.progress, Progress::Failed | Progress::Deleting)
    }
}
