//! Blobs, and the storage account of a Machine Learning workspace.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};

use super::World;
use super::seed::{StorageAccount, Workspace};
use crate::id;

/// The name of a workspace's default datastore (DOC).
pub(crate) const DEFAULT_DATASTORE: &str = "workspaceblobstore";

/// The container of a workspace's artifacts (DOC).
pub(crate) const ARTIFACTS: &str = "azureml";

/// What the name of the default datastore's container begins with (DOC).
const CONTAINER: &str = "azureml-blobstore-";

/// A blob.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    pub(crate) content: Vec<u8>,
    pub(crate) content_type: String,
    pub(crate) modified: Timestamp,
    /// Differs from that of every other content.
    pub(crate) etag: String,
}

/// By account, container and name.
pub(crate) type Blobs = BTreeMap<(String, String, String), Blob>;

/// Where the default datastore of a workspace is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Store {
    pub(crate) account: String,
    pub(crate) container: String,
}

impl Store {
    /// Of this workspace: that of its seed, or with Azure's own names, which are the same in each run (DOC of the container; INF
    /// of the account).
    pub(crate) fn of(workspace: &Workspace) -> Self {
        let guid = id::guid("workspace", &workspace.id);
        let container = format!("{CONTAINER}{guid}");
        if let Some(account) = &workspace.storage_account {
            return Self { account: id::name(account).to_owned(), container };
        }
        let letters = id::name(&workspace.id).chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
        let account = format!("{}{:010}", letters.take(14).collect::<String>(), guid.as_u128() % 10_000_000_000);
        Self { account, container }
    }

    /// The container for an upload of this name (INF: its name begins with the ID of the workspace). It exists once it has a
    /// name.
    pub(crate) fn upload(&self, name: &str) -> String {
        format!("{}-{name}", self.workspace_id())
    }

    fn workspace_id(&self) -> &str {
        self.container.strip_prefix(CONTAINER).unwrap_or_default()
    }
}

impl World {
    /// The key of a storage account in base64, if there is such an account.
    pub(crate) fn account_key(&self, account: &str) -> Option<String> {
        self.store(account)?;
        let secret = EncodingKey::from_secret(self.salt.as_bytes());
        crypto::sign(account.as_bytes(), &secret, Algorithm::HS512).ok().map(|text| standard(&text))
    }

    /// Whether the account has this container.
    pub(crate) fn has_container(&self, account: &str, container: &str) -> bool {
        self.store(account).is_some_and(|store| {
            container == store.container || container == ARTIFACTS || container.starts_with(&store.upload(""))
        })
    }

    /// Removes the blobs whose account is gone.
    pub(super) fn remove_blobs(&mut self) {
        let gone: Vec<_> = self.blobs.keys().filter(|(account, ..)| self.store(account).is_none()).cloned().collect();
        for key in gone {
            self.blobs.remove(&key);
        }
    }

    /// The account in Azure Resource Manager, unless it is one that only its blobs are emulated of.
    pub(crate) fn account(&self, name: &str) -> Option<&StorageAccount> {
        self.storage.values().find(|one| id::name(&one.id).eq_ignore_ascii_case(name))
    }

    fn store(&self, account: &str) -> Option<Store> {
        self.workspaces.values().map(Store::of).find(|store| store.account == account)
    }
}

/// The signature of this text with the key of an account: HMAC-SHA256 in base64 (DOC).
pub(crate) fn signature(key: &str, text: &str) -> Option<String> {
    let key = EncodingKey::from_base64_secret(key).ok()?;
    crypto::sign(text.as_bytes(), &key, Algorithm::HS256).ok().map(|text| standard(&text))
}

/// Base64 in the alphabet of URLs and without padding, as other base64 has it.
fn standard(url_safe: &str) -> String {
    let padding = "=".repeat((4 - url_safe.len() % 4) % 4);
    url_safe.replace('-', "+").replace('_', "/") + &padding
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_any_other_implementation() {
        // printf 'text' | openssl dgst -sha256 -mac HMAC -macopt hexkey:6b6579 -binary | base64, for the key "key".
        assert_eq!(signature("a2V5", "text").as_deref(), Some("avqQRqlXnK0UOjhMG1ZLmiUNJ9b2pj+fIL86dZTJ4sY="));
    }
}
