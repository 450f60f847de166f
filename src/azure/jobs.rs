//! Jobs of a Machine Learning workspace.

use crate::azure::active_jobs::{ActiveJobs, JobsOfWorkspace};
use crate::azure::cache::Freshness;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::list::{List, ListError};
use crate::azure::wire;
use crate::resource_id::{ComputeId, WorkspaceId};

impl Client {
    /// The jobs that use a compute and have not ended. One LIST serves all computes of the workspace.
    ///
    /// The API filters neither by state nor by compute, so all jobs of the workspace are read, page by page. Archived ones are
    /// included: nothing in the specification says that they have ended.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not return all of them within a minute. A refusal is cached like any other answer.
    pub async fn active_jobs(&self, id: &ComputeId, freshness: Freshness) -> Result<ActiveJobs, Error> {
        let workspace = id.workspace();
        let all = self.cached.jobs.get(workspace, freshness, self.list_jobs(workspace)).await?;
        Ok(all.of(id.name()))
    }

    async fn list_jobs(&self, workspace: &WorkspaceId) -> Result<JobsOfWorkspace, Error> {
        let first = format!("{}&listViewType=All", self.machine_learning(&format!("{workspace}/jobs")));
        let list = List { call: Call::Jobs, subscription: workspace.subscription(), first, is_shared: true };
        let (mut all, mut is_readable) = (JobsOfWorkspace::default(), true);
        let take = |page: wire::Page| {
            for job in page.raw() {
                match serde_json::from_str(job.get()) {
                    Ok(job) => all.add(&job),
                    Err(_) => is_readable = false,
                }
            }
        };
        self.pages(list, take).await.map_err(ListError::into_azure)?;
        // What cannot be decoded may be a job that runs.
        if is_readable {
            Ok(all)
        } else {
            Err(Error::unavailable("the list of jobs has an entry that cannot be decoded".to_owned()))
        }
    }
}
