//! The ID of a storage account.

use std::fmt;

use crate::resource_id::folded::Folded;
use crate::resource_id::parse::{NotAnId, RESOURCE_GROUP, names};

const STORAGE: &str = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}";

/// The ID of a storage account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StorageAccountId(Folded);

impl StorageAccountId {
    /// Reads the ID of a storage account.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        names::<3>(text, STORAGE).map(|_| Self(Folded(text.to_owned()))).ok_or_else(|| NotAnId {
            text: text.to_owned(),
            wanted: "storage account",
            pattern: STORAGE,
        })
    }

    /// Puts the ID together from its names.
    ///
    /// # Errors
    ///
    /// [`NotAnId`] if a name has characters that no name of Azure has.
    pub fn new(subscription: &str, resource_group: &str, name: &str) -> Result<Self, NotAnId> {
        Self::parse(&format!(
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.Storage/storageAccounts/{name}"
        ))
    }

    /// The GUID of its subscription.
    #[must_use]
    pub fn subscription(&self) -> &str {
        self.names()[0]
    }

    /// The name of the resource group, as it was given.
    #[must_use]
    pub fn resource_group(&self) -> &str {
        self.names()[RESOURCE_GROUP]
    }

    /// The name of the account, the last segment of its ID.
    #[must_use]
    pub fn name(&self) -> &str {
        self.names()[2]
    }

    fn names(&self) -> [&str; 3] {
        names(&self.0.0, STORAGE).expect("it was parsed so")
    }
}

impl fmt::Display for StorageAccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.0)
    }
}
