//! Computes of a Machine Learning workspace.

use tokio::time::Instant;

use crate::azure::cache::Freshness;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::transport::Answer;
use crate::azure::view::Source;
use crate::azure::{operation, wire};
use crate::resource_id::{ComputeId, WorkspaceId};

impl Client {
    /// A compute; `None` if Azure answers that it does not exist.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure gives no such answer.
    pub async fn compute(&self, id: &ComputeId, freshness: Freshness) -> Result<Option<wire::Compute>, Error> {
        if let Some(cached) = self.cached.computes.get(id, freshness) {
            self.metrics.observed(Source::Cache);
            return Ok(cached);
        }
        self.metrics.observed(Source::Get);
        let began = Instant::now();
        let path = self.machine_learning(&id.to_string());
        let mut request = self.request(Call::Compute, id.workspace().subscription(), &path)?;
        request.new_connection = freshness == Freshness::NowOnNewConnection;
        let answer = self.send(request).await;
        let found = match answer.inspect_err(|error| self.reconsider_region(id.workspace(), error)) {
            Ok(answer) => Some(read(&answer)?),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        self.cached.computes.insert(id, began, found.clone());
        Ok(found)
    }

    /// All computes of a workspace, of every type.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not return all of them.
    pub async fn computes(&self, workspace: &WorkspaceId) -> Result<Vec<wire::Compute>, Error> {
        let first = self.machine_learning(&format!("{workspace}/computes"));
        self.list(Call::Computes, workspace.subscription(), first).await
    }

    /// Creates or replaces a compute. Returns path and query of the operation.
    ///
    /// The request ends at the deadline at the latest: a leader must not write after its lease.
    ///
    /// # Errors
    ///
    /// [`Error`]; after [`Error::Unavailable`] it is unknown whether Azure processed the request.
    pub async fn put(&self, id: &ComputeId, put: &wire::Put, deadline: Option<Instant>) -> Result<Option<String>, Error> {
        let path = self.machine_learning(&id.to_string());
        let mut request = self.request(Call::Put, id.workspace().subscription(), &path)?;
        request.body = Some(put.body().to_string().into_bytes());
        request.deadline = deadline;
        self.cached.computes.invalidate(id);
        let sent = self.send(request).await;
        self.cached.computes.invalidate(id);
        let answer = sent.inspect_err(|error| self.reconsider_region(id.workspace(), error))?;
        Ok(self.operation_path(answer))
    }

    /// Detaches a compute. Returns path and query of the operation; `None` if the compute does not exist.
    ///
    /// The Spark pool stays. `Delete`, the other value of the parameter, is not spelled anywhere.
    ///
    /// The request ends at the deadline at the latest: a leader must not write after its lease.
    ///
    /// # Errors
    ///
    /// [`Error`]; after [`Error::Unavailable`] it is unknown whether Azure processed the request.
    pub async fn detach(&self, id: &ComputeId, deadline: Option<Instant>) -> Result<Option<String>, Error> {
        let path = format!("{}&underlyingResourceAction=Detach", self.machine_learning(&id.to_string()));
        let mut request = self.request(Call::Detach, id.workspace().subscription(), &path)?;
        request.deadline = deadline;
        self.cached.computes.invalidate(id);
        let sent = self.send(request).await;
        self.cached.computes.invalidate(id);
        Ok(self.operation_path(sent?))
    }

    /// The operation that an answer names. A link to another origin is ignored.
    fn operation_path(&self, answer: Answer) -> Option<String> {
        let link = answer.operation?;
        match self.origin.admit(&link) {
            Ok(url) => Some(operation::path(&url)),
            Err(foreign) => {
                tracing::warn!(%foreign, "operation link ignored: foreign origin");
                None
            }
        }
    }
}

/// A compute with everything that a PUT has to send back.
fn read(answer: &Answer) -> Result<wire::Compute, Error> {
    wire::Compute::of(&answer.read()?).map_err(|error| Error::undecodable(&error))
}
