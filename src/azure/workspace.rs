//! Machine Learning workspaces.

use tokio::time::Instant;

use crate::azure::cache::Freshness;
use crate::azure::call::Call;
use crate::azure::client::{Client, REGION_TTL};
use crate::azure::error::Error;
use crate::azure::wire;
use crate::resource_id::WorkspaceId;

impl Client {
    /// The region of a workspace, cached.
    ///
    /// # Errors
    ///
    /// [`Error`], and [`Error::ParentNotFound`] if the workspace does not exist.
    pub async fn location(&self, workspace: &WorkspaceId) -> Result<String, Error> {
        if let Some(region) = self.cached.regions.get(workspace, Freshness::Within(REGION_TTL)) {
            return Ok(region);
        }
        let began = Instant::now();
        let path = self.machine_learning(&workspace.to_string());
        let answer = self.get(Call::Workspace, workspace.subscription(), &path).await.map_err(|error| match error {
            Error::NotFound(error) => Error::ParentNotFound(error),
            other => other,
        })?;
        let found: wire::Workspace = answer.read()?;
        self.cached.regions.insert(workspace, began, found.location.clone());
        Ok(found.location)
    }
}
