//! The ID of an Azure Machine Learning workspace.

use std::fmt;

use crate::resource_id::folded::Folded;
use crate::resource_id::parse::{NotAnId, names};

const WORKSPACE: &str = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}";

/// The ID of an Azure Machine Learning workspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkspaceId {
    subscription: Folded,
    resource_group: Folded,
    name: Folded,
}

impl WorkspaceId {
    /// Puts the ID together from its names.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if a name has characters that no name of Azure has.
    pub fn new(subscription: &str, resource_group: &str, name: &str) -> Result<Self, NotAnId> {
        let text = format!(
            "/subscriptions/{subscription}/resourceGroups/{resource_group}\
             /providers/Microsoft.MachineLearningServices/workspaces/{name}"
        );
        let [subscription, resource_group, name] = names(&text, WORKSPACE).ok_or_else(|| NotAnId {
            text: text.clone(),
            wanted: "Machine Learning workspace",
            pattern: WORKSPACE,
        })?;
        Ok(Self {
            subscription: Folded(subscription.into()),
            resource_group: Folded(resource_group.into()),
            name: Folded(name.into()),
        })
    }

    /// Reads the ID of a workspace.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        let not = || NotAnId { text: text.to_owned(), wanted: "Machine Learning workspace", pattern: WORKSPACE };
        let [subscription, group, name] = names(text, WORKSPACE).ok_or_else(not)?;
        Self::new(subscription, group, name)
    }

    /// The GUID of the subscription, as it was given.
    #[must_use]
    pub fn subscription(&self) -> &str {
        &self.subscription.0
    }

    /// The name of the resource group, as it was given.
    #[must_use]
    pub fn resource_group(&self) -> &str {
        &self.resource_group.0
    }

    /// The name of the workspace, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name.0
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}",
            self.subscription.0, self.resource_group.0, self.name.0
        )
    }
}
