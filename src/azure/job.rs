//! Jobs of Machine Learning. Only a command submits them, as its user; the operator never does.

use azure_core::http::Url;

use crate::azure::auth::token::TokenCache;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::throttle::Scope;
use crate::azure::transport::ApiRequest;
use crate::azure::wire::{self, SparkJob};
use crate::resource_id::WorkspaceId;

/// What the regional hosts of Machine Learning end with, in each cloud. Only they get an access token.
///
/// Source: <https://learn.microsoft.com/azure/machine-learning/how-to-access-azureml-behind-firewall>.
const REGIONAL_HOSTS: [&str; 3] = [".api.azureml.ms", ".api.ml.azure.cn", ".api.ml.azure.us"];

impl Client {
    /// Submits a job under a name that no other job has.
    ///
    /// # Errors
    ///
    /// [`Error`]; after [`Error::Unavailable`] it is unknown whether the job was submitted.
    pub async fn submit_job(&self, workspace: &WorkspaceId, name: &str, job: &SparkJob) -> Result<wire::SubmittedJob, Error> {
        let path = self.machine_learning(&format!("{workspace}/jobs/{name}"));
        let mut request = self.request(Call::SubmitJob, workspace.subscription(), &path)?;
        request.body = Some(job.body().to_string().into_bytes());
        self.send(request).await?.read()
    }

    /// A job.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not show it.
    pub async fn job(&self, workspace: &WorkspaceId, name: &str) -> Result<wire::SubmittedJob, Error> {
        let path = self.machine_learning(&format!("{workspace}/jobs/{name}"));
        self.get(Call::Job, workspace.subscription(), &path).await?.read()
    }

    /// Requests that a job is canceled.
    ///
    /// # Errors
    ///
    /// [`Error`], and [`Error::Rejected`] if it has ended.
    pub async fn cancel_job(&self, workspace: &WorkspaceId, name: &str) -> Result<(), Error> {
        let path = self.machine_learning(&format!("{workspace}/jobs/{name}/cancel"));
        self.send(self.request(Call::CancelJob, workspace.subscription(), &path)?).await.map(drop)
    }

    /// Why a job failed, as code and message. Its resource does not show this, the run history does.
    ///
    /// # Errors
    ///
    /// [`Error`] if the run history does not show the job.
    pub async fn job_errors(&self, workspace: &WorkspaceId, name: &str) -> Result<Vec<(String, String)>, Error> {
        let path = self.machine_learning(&workspace.to_string());
        let found: wire::Workspace = self.get(Call::Workspace, workspace.subscription(), &path).await?.read()?;
        let discovery = self.regional(found.properties.discovery_url.as_deref().unwrap_or_default(), "")?;
        let tokens = TokenCache::new(
            &self.settings.credential,
            &self.settings.authority,
            &self.settings.machine_learning_scope,
            self.transports.pooled.clone(),
            self.metrics.clone(),
        )
        .map_err(Error::unavailable)?;
        let request = |url: Url| ApiRequest {
            call: Call::Run,
            // Its limits are not those of Azure Resource Manager.
            scope: Scope::MachineLearning(url.host_str().unwrap_or_default().to_owned()),
            url,
            tokens: &tokens,
            body: None,
            continuation: None,
            deadline: None,
            new_connection: false,
        };
        let hosts: wire::Discovery = self.send(request(discovery)).await?.read()?;
        let path = format!("/history/v1.0{workspace}/runs/{name}/details");
        let details = self.regional(&hosts.history.unwrap_or_default(), &path)?;
        let details: wire::RunDetails = self.send(request(details)).await?.read()?;
        Ok(wire::errors_of(details.error.as_ref()))
    }

    /// The URL with this path, if it leads to a host of Machine Learning.
    fn regional(&self, url: &str, path: &str) -> Result<Url, Error> {
        let text = format!("{}{path}", url.trim_end_matches('/'));
        let found = Url::parse(&text).ok().filter(|url| url.scheme() == "https");
        let is_regional =
            |url: &Url| url.host_str().is_some_and(|host| REGIONAL_HOSTS.iter().any(|suffix| host.ends_with(suffix)));
        // An endpoint of Azure Resource Manager that was set may serve Machine Learning too.
        let found = found.filter(|url| is_regional(url) || self.origin.admit(url.as_str()).is_ok());
        found.ok_or_else(|| Error::unavailable("the run history is on no known host of Azure Machine Learning"))
    }
}
