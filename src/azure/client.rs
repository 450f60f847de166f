//! The client: its settings, its identity, and what its methods share.

use std::sync::Arc;
use std::time::Duration;

use azure_core::http::HttpClient;

use crate::azure::active_jobs::JobsOfWorkspace;
use crate::azure::auth::credential::Credential;
use crate::azure::auth::token::TokenCache;
use crate::azure::cache::TtlCache;
use crate::azure::data_plane::DataPlane;
use crate::azure::error::Error;
use crate::azure::job_answers::JobAnswers;
use crate::azure::metrics::Metrics;
use crate::azure::origin::Origin;
use crate::azure::permits::Permits;
use crate::azure::shared::{DEPENDENCY_TTL, SharedAnswers, is_conclusive};
use crate::azure::throttle::{Limits, Throttle};
use crate::azure::views::{COMPUTE_TTL, Views};
use crate::azure::wire;
use crate::resource_id::{ComputeId, IdentityId, PoolId, WorkspaceId};

/// The endpoints of Azure, and the credential for them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Azure Resource Manager, as `https://management.azure.com`.
    pub endpoint: String,
    /// Microsoft Entra ID, as `https://login.microsoftonline.com`.
    pub authority: String,
    /// The scope of the access token, as `https://management.azure.com/.default`.
    pub scope: String,
    /// The data plane of a Synapse workspace, as `https://{workspace}.dev.azuresynapse.net`.
    pub synapse_endpoint: String,
    /// The scope of the access token for the data plane, as `https://dev.azuresynapse.net/.default`.
    pub synapse_scope: String,
    /// The scope of the access token for the run history of Machine Learning, as `https://ml.azure.com/.default`.
    pub machine_learning_scope: String,
    /// The audience of a token that Entra ID exchanges, as `api://AzureADTokenExchange`.
    pub token_audience: String,
    /// The API version of Machine Learning.
    pub api_version: String,
    /// The credential.
    pub credential: Credential,
    /// Azure's limits, and the share of them that this process may use.
    pub limits: Limits,
}

/// A client of Azure for one identity. A clone is the same client: it shares tokens, answers and buckets.
#[derive(Clone)]
pub struct Client {
    pub(super) settings: Arc<Settings>,
    pub(super) transports: Transports,
    pub(super) origin: Arc<Origin>,
    pub(super) data_plane: Arc<DataPlane>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) permits: Permits,
    pub(super) metrics: Metrics,
    pub(super) cached: Arc<Caches>,
    /// What the IDs of its requests are recognized by.
    pub(super) mark: Option<Arc<str>>,
}

/// How requests are sent.
#[derive(Clone)]
pub(super) struct Transports {
    /// Over connections that are kept for the next request.
    pub(super) pooled: Arc<dyn HttpClient>,
    /// Each over a connection of its own.
    pub(super) unpooled: Arc<dyn HttpClient>,
}

/// The access tokens of both audiences.
pub(super) struct Tokens {
    pub(super) arm: TokenCache,
    pub(super) synapse: TokenCache,
}

/// Answers that several attachments share. They belong to one identity: another one may not be allowed to see them.
pub(super) struct Caches {
    pub(super) computes: TtlCache<ComputeId, Option<wire::Compute>>,
    pub(super) views: Arc<Views>,
    pub(super) regions: SharedAnswers<WorkspaceId, String>,
    pub(super) pools: SharedAnswers<PoolId, Option<wire::SparkPool>>,
    pub(super) user_identities: SharedAnswers<IdentityId, Option<wire::UserIdentity>>,
    pub(super) linked_services: SharedAnswers<(WorkspaceId, String), Option<wire::LinkedService>>,
    pub(super) jobs: SharedAnswers<WorkspaceId, JobsOfWorkspace>,
    pub(super) role_assignments: SharedAnswers<wire::RoleAssignmentRequest, Option<String>>,
    pub(super) of_job_checks: JobAnswers,
}

/// A detach that waits for jobs reads them every five minutes; no reader accepts older answers.
const JOBS_TTL: Duration = Duration::from_mins(5);
/// The region of a workspace never changes; `workspace.rs` drops it when another workspace may have taken the name.
pub(super) const REGION_TTL: Duration = Duration::from_hours(24);

impl Client {
    /// A client of Azure through this transport, also for requests that need a new connection:
    /// [`Client::with_unpooled`] gives those a transport of their own.
    ///
    /// # Errors
    ///
    /// The error names the setting that is wrong.
    pub fn new(settings: &Settings, transport: Arc<dyn HttpClient>, metrics: Metrics) -> Result<Self, String> {
        let tokens =
            |scope: &str| TokenCache::new(&settings.credential, &settings.authority, scope, transport.clone(), metrics.clone());
        Ok(Self {
            settings: Arc::new(settings.clone()),
            origin: Arc::new(Origin::new(&settings.endpoint)?),
            data_plane: Arc::new(DataPlane::new(&settings.synapse_endpoint)?),
            tokens: Arc::new(Tokens { arm: tokens(&settings.scope)?, synapse: tokens(&settings.synapse_scope)? }),
            transports: Transports { pooled: transport.clone(), unpooled: transport },
            permits: Permits::new(Arc::new(Throttle::new(settings.limits, metrics.clone()))),
            metrics,
            mark: None,
            cached: Arc::new(Caches {
                computes: TtlCache::new(COMPUTE_TTL),
                views: Arc::new(Views::new()),
                regions: SharedAnswers::new(REGION_TTL, Result::is_ok),
                pools: SharedAnswers::lasting(),
                user_identities: SharedAnswers::lasting(),
                linked_services: SharedAnswers::new(DEPENDENCY_TTL, Result::is_ok),
                jobs: SharedAnswers::new(JOBS_TTL, is_conclusive),
                role_assignments: SharedAnswers::lasting(),
                of_job_checks: JobAnswers::new(),
            }),
        })
    }

    /// Sends requests that need a new connection through this transport, which keeps no connection for a second request.
    #[must_use]
    pub fn with_unpooled(self, unpooled: Arc<dyn HttpClient>) -> Self {
        Self { transports: Transports { unpooled, ..self.transports }, ..self }
    }

    /// The same client, whose requests Azure's Activity Log shows with this mark: one that was sent before a restart, or with
    /// another identity, can be told from those of others.
    #[must_use]
    pub fn with_mark(self, mark: &str) -> Self {
        Self { mark: Some(mark.into()), ..self }
    }

    /// A client of the same Azure with another credential. The two share no token and no cached answer. They share a bucket
    /// if both credentials are those of one principal, since Azure counts their requests together.
    ///
    /// # Errors
    ///
    /// The error names the part of the credential that is wrong.
    pub fn with_credential(&self, credential: Credential) -> Result<Self, String> {
        let settings = Settings { credential, ..(*self.settings).clone() };
        let client = Self::new(&settings, self.transports.pooled.clone(), self.metrics.clone())?;
        let (transports, permits, mark) = (self.transports.clone(), self.permits.clone(), self.mark.clone());
        Ok(Self { transports, permits, mark, ..client })
    }

    /// A client of the same Azure without a usable credential: every call fails with this error, without a request.
    #[must_use]
    pub fn unavailable(&self, error: Error) -> Self {
        self.with_credential(Credential::Unavailable(error))
            .expect("the settings were valid before, and this credential has no part that could be wrong")
    }

    /// Whether the client has no usable credential, so that every call fails.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self.settings.credential, Credential::Unavailable(_))
    }

    /// Obtains an access token for Azure Resource Manager.
    ///
    /// # Errors
    ///
    /// [`Error::CredentialUnavailable`] if Entra ID refuses, [`Error::Unavailable`] if it does not answer.
    pub async fn authenticate(&self) -> Result<(), Error> {
        self.tokens.arm.bearer().await.map(drop)
    }

    /// Obtains an access token for the data plane of Synapse.
    ///
    /// # Errors
    ///
    /// [`Error::CredentialUnavailable`] if Entra ID refuses, [`Error::Unavailable`] if it does not answer.
    pub async fn authenticate_to_synapse(&self) -> Result<(), Error> {
        self.tokens.synapse.bearer().await.map(drop)
    }

    /// The audience of a token that Microsoft Entra ID exchanges for one of its own.
    #[must_use]
    pub fn token_audience(&self) -> &str {
        &self.settings.token_audience
    }

    /// Path and query of a resource of Machine Learning.
    pub(super) fn machine_learning(&self, id: &str) -> String {
        format!("{id}?api-version={}", self.settings.api_version)
    }
}
