//! Spark pools of Synapse, in Azure Resource Manager.

use tokio::time::Instant;

use crate::azure::api_version;
use crate::azure::cache::Freshness;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::wire;
use crate::resource_id::{PoolId, SynapseWorkspaceId};

impl Client {
    /// A Spark pool; `None` if Azure answers that it does not exist. A refusal is cached like any other answer.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure gives no such answer.
    pub async fn pool(&self, id: &PoolId, freshness: Freshness) -> Result<Option<wire::SparkPool>, Error> {
        if let Some(cached) = self.cached.pools.get(id, freshness) {
            return cached;
        }
        let began = Instant::now();
        let path = format!("{id}?api-version={}", api_version::SYNAPSE);
        let found = match self.get(Call::Pool, id.subscription(), &path).await {
            Ok(answer) => answer.read().map(Some),
            Err(Error::NotFound(_) | Error::ParentNotFound(_)) => Ok(None),
            Err(error) => Err(error),
        };
        let is_answer = !matches!(
            found,
            Err(Error::Unavailable { .. } | Error::Throttled { .. } | Error::Queued { .. } | Error::CredentialUnavailable(_))
        );
        if is_answer {
            self.cached.pools.insert(id, began, found.clone());
        }
        found
    }

    /// All Spark pools of a Synapse workspace.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not return all of them.
    pub async fn pools(&self, workspace: &SynapseWorkspaceId) -> Result<Vec<wire::SparkPool>, Error> {
        let first = format!("{workspace}/bigDataPools?api-version={}", api_version::SYNAPSE);
        self.list(Call::Pools, workspace.subscription(), first).await
    }
}
