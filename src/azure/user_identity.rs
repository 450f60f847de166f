//! User-assigned managed identities, in Azure Resource Manager.

use crate::azure::api_version;
use crate::azure::cache::Freshness;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::wire;
use crate::resource_id::IdentityId;

impl Client {
    /// A user-assigned identity; `None` if Azure answers that it does not exist. A refusal is cached like any other answer.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure gives no such answer.
    pub async fn user_identity(&self, id: &IdentityId, freshness: Freshness) -> Result<Option<wire::UserIdentity>, Error> {
        let request = async {
            let path = format!("{id}?api-version={}", api_version::MANAGED_IDENTITY);
            match self.get(Call::UserIdentity, id.subscription(), &path).await {
                Ok(answer) => answer.read().map(Some),
                Err(Error::NotFound(_) | Error::ParentNotFound(_)) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.cached.user_identities.get(id, freshness, request).await
    }
}
