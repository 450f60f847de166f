//! Linked services of a Machine Learning workspace.

use crate::azure::api_version;
use crate::azure::cache::Freshness;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::wire;
use crate::resource_id::WorkspaceId;

impl Client {
    /// A linked service; `None` if Azure answers that none has this name.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure gives no such answer.
    pub async fn linked_service(
        &self,
        workspace: &WorkspaceId,
        name: &str,
        freshness: Freshness,
    ) -> Result<Option<wire::LinkedService>, Error> {
        let key = (workspace.clone(), name.to_ascii_lowercase());
        let request = async {
            let path = format!("{workspace}/linkedServices/{name}?api-version={}", api_version::LINKED_SERVICES);
            let answer = self.get(Call::LinkedService, workspace.subscription(), &path).await;
            match answer.inspect_err(|error| self.reconsider_region(workspace, error)) {
                Ok(answer) => answer.read().map(Some),
                Err(Error::NotFound(_)) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.cached.linked_services.get(&key, freshness, request).await
    }

    /// All linked services of a Machine Learning workspace.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not return all of them.
    pub async fn linked_services(&self, workspace: &WorkspaceId) -> Result<Vec<wire::LinkedService>, Error> {
        let first = format!("{workspace}/linkedServices?api-version={}", api_version::LINKED_SERVICES);
        self.list(Call::LinkedServices, workspace.subscription(), first).await
    }
}
