//! Spark pools of Synapse, in Azure Resource Manager.

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
        let request = async {
            let path = format!("{id}?api-version={}", api_version::SYNAPSE);
            match self.get(Call::Pool, id.subscription(), &path).await {
                Ok(answer) => answer.read().map(Some),
                Err(Error::NotFound(_) | Error::ParentNotFound(_)) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.cached.pools.get(id, freshness, request).await
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
