//! Linked services of a Machine Learning workspace.

use tokio::time::Instant;

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
        if let Some(cached) = self.cached.linked_services.get(&key, freshness) {
            return Ok(cached);
        }
        let began = Instant::now();
        let path = format!("{workspace}/linkedServices/{name}?api-version={}", api_version::LINKED_SERVICES);
        let answer = self.get(Call::LinkedService, workspace.subscription(), &path).await;
        let found = match answer.inspect_err(|error| self.reconsider_region(workspace, error)) {
            Ok(answer) => Some(answer.read()?),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        self.cached.linked_services.insert(&key, began, found.clone());
        Ok(found)
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
