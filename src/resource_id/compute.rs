//! The ID of a compute.

use std::fmt;

use crate::resource_id::folded::Folded;
use crate::resource_id::parse::{NotAnId, names};
use crate::resource_id::workspace::WorkspaceId;

const COMPUTE: &str = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}/computes/{}";

/// The ID of a compute of a Machine Learning workspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ComputeId {
    workspace: WorkspaceId,
    name: Folded,
}

impl ComputeId {
    /// Reads the ID of a compute.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        let not = || NotAnId { text: text.to_owned(), wanted: "Machine Learning compute", pattern: COMPUTE };
        let [subscription, group, workspace, name] = names(text, COMPUTE).ok_or_else(not)?;
        Ok(Self { workspace: WorkspaceId::new(subscription, group, workspace)?, name: Folded(name.into()) })
    }

    /// The workspace that the compute belongs to.
    #[must_use]
    pub fn workspace(&self) -> &WorkspaceId {
        &self.workspace
    }

    /// The name of the compute inside its workspace.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name.0
    }
}

impl fmt::Display for ComputeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/computes/{}", self.workspace, self.name.0)
    }
}

impl WorkspaceId {
    /// The compute of this name in the workspace.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the name has characters that no name of Azure has.
    pub fn compute(&self, name: &str) -> Result<ComputeId, NotAnId> {
        ComputeId::parse(&format!("{self}/computes/{name}"))
    }
}
