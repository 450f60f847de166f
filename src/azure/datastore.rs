//! Datastores of Machine Learning.

use crate::azure::cache::Freshness;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::wire;
use crate::resource_id::WorkspaceId;

impl Client {
    /// The default datastore of a workspace; `None` if Azure lists none.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not list them.
    pub async fn default_datastore(
        &self,
        workspace: &WorkspaceId,
        freshness: Freshness,
    ) -> Result<Option<wire::Datastore>, Error> {
        let request = async {
            let first = format!("{}&isDefault=true", self.machine_learning(&format!("{workspace}/datastores")));
            let all: Vec<wire::Datastore> = self.list(Call::Datastores, workspace.subscription(), first).await?;
            Ok(all.into_iter().find(|one| one.properties.is_default))
        };
        self.cached.of_job_checks.datastores.get(workspace, freshness, request).await
    }

    /// The ID of the storage account that a workspace was created with, as Azure spells it.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not show the workspace.
    pub async fn workspace_storage(&self, workspace: &WorkspaceId, freshness: Freshness) -> Result<Option<String>, Error> {
        let request = async {
            let path = self.machine_learning(&workspace.to_string());
            let answer = self.get(Call::Workspace, workspace.subscription(), &path).await?;
            answer.read().map(|found: wire::Workspace| found.properties.storage_account)
        };
        self.cached.of_job_checks.workspace_storages.get(workspace, freshness, request).await
    }
}
