//! The ID of a Spark pool.

use std::fmt;

use crate::resource_id::folded::Folded;
use crate::resource_id::parse::{NotAnId, names};
use crate::resource_id::synapse_workspace::SynapseWorkspaceId;

const POOL: &str = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Synapse/workspaces/{}/bigDataPools/{}";

/// The ID of an Apache Spark pool of Azure Synapse (`bigDataPools`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolId(Folded);

impl PoolId {
    /// Reads the ID of a Spark pool.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        names::<4>(text, POOL).map(|_| Self(Folded(text.to_owned()))).ok_or_else(|| NotAnId {
            text: text.to_owned(),
            wanted: "Synapse Spark pool",
            pattern: POOL,
        })
    }

    /// The pool of this name in the Synapse workspace of this resource ID.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the two make no ID of a pool.
    pub fn within(synapse_workspace: &str, name: &str) -> Result<Self, NotAnId> {
        Self::parse(&format!("{}/bigDataPools/{name}", synapse_workspace.trim_end_matches('/')))
    }

    /// The name of the pool, the last segment of its ID.
    #[must_use]
    pub fn name(&self) -> &str {
        self.names()[3]
    }

    /// The name of its Synapse workspace.
    #[must_use]
    pub fn workspace_name(&self) -> &str {
        self.names()[2]
    }

    /// Its Synapse workspace.
    #[must_use]
    pub fn workspace(&self) -> SynapseWorkspaceId {
        // `/bigDataPools/` and the name are what the ID of a pool has in addition.
        let text = self.0.0.rsplitn(3, '/').last().unwrap_or_default();
        SynapseWorkspaceId::parse(text).expect("it is the start of the ID of a pool")
    }

    /// The GUID of its subscription.
    #[must_use]
    pub fn subscription(&self) -> &str {
        self.names()[0]
    }

    fn names(&self) -> [&str; 4] {
        names(&self.0.0, POOL).expect("it was parsed so")
    }
}

impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.0)
    }
}
