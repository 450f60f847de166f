//! The ID of a user-assigned managed identity.

use std::fmt;

use crate::resource_id::folded::Folded;
use crate::resource_id::parse::{NotAnId, RESOURCE_GROUP, names};

const IDENTITY: &str = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}";

/// The ID of a user-assigned managed identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityId(Folded);

impl IdentityId {
    /// Reads the ID of a user-assigned identity.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        names::<3>(text, IDENTITY).map(|_| Self(Folded(text.to_owned()))).ok_or_else(|| NotAnId {
            text: text.to_owned(),
            wanted: "user-assigned managed identity",
            pattern: IDENTITY,
        })
    }

    /// The GUID of its subscription.
    #[must_use]
    pub fn subscription(&self) -> &str {
        names::<3>(&self.0.0, IDENTITY).map(|[subscription, ..]| subscription).unwrap_or_default()
    }

    /// The name of the resource group, as it was given.
    #[must_use]
    pub fn resource_group(&self) -> &str {
        names::<3>(&self.0.0, IDENTITY).map(|names| names[RESOURCE_GROUP]).unwrap_or_default()
    }

    /// The name of the identity, the last segment of its ID.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.0.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for IdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.0)
    }
}
