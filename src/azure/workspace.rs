//! Machine Learning workspaces.

use std::time::Duration;

use crate::azure::cache::Freshness;
use crate::azure::call::Call;
use crate::azure::client::{Client, REGION_TTL};
use crate::azure::error::Error;
use crate::azure::wire;
use crate::refusal::Refusal;
use crate::resource_id::WorkspaceId;

/// The answer that a compute does not exist also comes right before its first attach. A region of this age is
/// therefore kept, so that many attachments of one workspace cause one request a minute.
const RECENT_REGION: Duration = Duration::from_mins(1);

impl Client {
    /// The region of a workspace, cached.
    ///
    /// # Errors
    ///
    /// [`Error`], and [`Error::ParentNotFound`] if the workspace does not exist.
    pub async fn location(&self, workspace: &WorkspaceId) -> Result<String, Error> {
        let request = async {
            let path = self.machine_learning(&workspace.to_string());
            let answer = self.get(Call::Workspace, workspace.subscription(), &path).await.map_err(|error| match error {
                Error::NotFound(error) => Error::ParentNotFound(error),
                other => other,
            })?;
            answer.read().map(|found: wire::Workspace| found.location)
        };
        self.cached.regions.get(workspace, Freshness::Within(REGION_TTL), request).await
    }

    /// Drops the cached region if the workspace may have been deleted and created again in another region.
    pub(super) fn reconsider_region(&self, workspace: &WorkspaceId, error: &Error) {
        match error {
            Error::ParentNotFound(_) | Error::Rejected(_) | Error::Refused(Refusal::Provider, _) => {
                self.cached.regions.invalidate(workspace);
            }
            Error::NotFound(_) => self.cached.regions.expire(workspace, RECENT_REGION),
            _ => {}
        }
    }
}
