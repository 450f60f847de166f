//! The ID of a Synapse workspace.

use std::fmt;

use crate::resource_id::folded::Folded;
use crate::resource_id::parse::{NotAnId, RESOURCE_GROUP, names};

const SYNAPSE: &str = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Synapse/workspaces/{}";

/// The ID of an Azure Synapse workspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SynapseWorkspaceId(Folded);

impl SynapseWorkspaceId {
    /// Reads the ID of a Synapse workspace.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        names::<3>(text, SYNAPSE).map(|_| Self(Folded(text.to_owned()))).ok_or_else(|| NotAnId {
            text: text.to_owned(),
            wanted: "Synapse workspace",
            pattern: SYNAPSE,
        })
    }

    /// The GUID of the subscription, as it was given.
    #[must_use]
    pub fn subscription(&self) -> &str {
        names::<3>(&self.0.0, SYNAPSE).map(|[subscription, ..]| subscription).unwrap_or_default()
    }

    /// The name of the resource group, as it was given.
    #[must_use]
    pub fn resource_group(&self) -> &str {
        names::<3>(&self.0.0, SYNAPSE).map(|names| names[RESOURCE_GROUP]).unwrap_or_default()
    }

    /// The name of the workspace, the last segment of its ID.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.0.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for SynapseWorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.0)
    }
}
