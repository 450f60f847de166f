//! Storage accounts, in Azure Resource Manager.

use crate::azure::api_version;
use crate::azure::cache::Freshness;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::wire;
use crate::resource_id::StorageAccountId;

impl Client {
    /// A storage account; `None` if Azure answers that it does not exist.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure gives no such answer.
    pub async fn storage_account(
        &self,
        id: &StorageAccountId,
        freshness: Freshness,
    ) -> Result<Option<wire::StorageAccount>, Error> {
        let request = async {
            let path = format!("{id}?api-version={}", api_version::STORAGE);
            match self.get(Call::StorageAccount, id.subscription(), &path).await {
                Ok(answer) => answer.read().map(Some),
                Err(Error::NotFound(_) | Error::ParentNotFound(_)) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.cached.of_job_checks.storage_accounts.get(id, freshness, request).await
    }
}
