//! Asks Azure: one function a call, one request a call, no retries, no policy.
//!
//! The seam for tests is the transport, the Azure SDK's own [`HttpClient`]: in
//! production a `reqwest::Client`, which serves Entra too. Every request takes
//! the same way (`Client::send`): closed bucket? token; origin; time-out;
//! capped body; count. Whoever calls decides what an [`Error`] means.

pub mod auth;
mod call;
pub mod error;
pub mod list;
pub mod metrics;
pub mod operation;
pub mod origin;
pub mod role_assignment;
pub mod throttle;
mod transport;
pub mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azure_core::http::{HttpClient, Method, Request};
use tokio::time::Instant;

pub use auth::assertion::{AUDIENCE, Assertion};
pub use auth::token::Credential;
pub use error::{Error, Words};
pub use metrics::Metrics;
pub use operation::State;
pub use origin::Origin;
pub use role_assignment::{DataPlane, Grant, Granted, seldom};
pub use throttle::Kind;

use crate::azure::auth::token;
use crate::azure::call::Call;
use crate::azure::role_assignment::Looks;
use crate::azure::transport::{Answer, LONGEST, read};
use crate::error_chain::chain;
use crate::resource_id::{ComputeId, PoolId, WorkspaceId};

/// Where Azure is, and who we are there.
#[derive(Debug, Clone)]
pub struct Settings {
    /// ARM's endpoint, as `https://management.azure.com`.
    pub endpoint: String,
    /// Entra's, as `https://login.microsoftonline.com`.
    pub authority: String,
    /// The scope of the token, as `https://management.azure.com/.default`.
    pub scope: String,
    /// The data plane of a Synapse workspace, as `https://{workspace}.dev.azuresynapse.net`.
    pub synapse_endpoint: String,
    /// The scope of the token for it, as `https://dev.azuresynapse.net/.default`.
    pub synapse_scope: String,
    /// The API version of Machine Learning.
    pub api_version: String,
    /// Who we are.
    pub credential: Credential,
}

/// How fresh an answer must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Asked after the call began: for what is done on the strength of it.
    Now,
    /// May be this old: for what is looked over again before anything is done.
    Within(Duration),
}

/// Azure, as seen by one identity.
pub struct Client {
    settings: Settings,
    transport: Arc<dyn HttpClient>,
    origin: Origin,
    tokens: token::Tokens,
    data_plane: DataPlane,
    synapse_tokens: token::Tokens,
    budget: throttle::Budget,
    metrics: Metrics,
    looks: Mutex<HashMap<ComputeId, (Instant, Option<wire::Compute>)>>,
    locations: Mutex<HashMap<WorkspaceId, String>>,
    pools: Looks<PoolId, Result<Option<wire::SparkPool>, Error>>,
    links: Looks<(WorkspaceId, String), Option<wire::LinkedService>>,
    assignments: Looks<Grant, Result<Option<String>, Error>>,
}

/// Looks are kept for sharing as long as this; older ones are dropped.
const KEPT: Duration = Duration::from_secs(10);

impl Client {
    /// A client of Azure through this transport.
    ///
    /// # Errors
    ///
    /// Says which setting is wrong.
    pub fn new(settings: &Settings, transport: Arc<dyn HttpClient>, metrics: Metrics) -> Result<Self, String> {
        let tokens = |scope: &str| {
            token::Tokens::new(&settings.credential, &settings.authority, scope, transport.clone(), metrics.clone())
        };
        Ok(Self {
            settings: settings.clone(),
            origin: Origin::new(&settings.endpoint)?,
            tokens: tokens(&settings.scope)?,
            data_plane: DataPlane::new(&settings.synapse_endpoint)?,
            synapse_tokens: tokens(&settings.synapse_scope)?,
            transport,
            budget: throttle::Budget::default(),
            metrics,
            looks: Mutex::default(),
            locations: Mutex::default(),
            pools: Looks::default(),
            links: Looks::default(),
            assignments: Looks::default(),
        })
    }

    /// The same Azure, as seen by somebody else: nothing that was learnt or is held with one identity is the other's.
    ///
    /// # Errors
    ///
    /// Says which part of the credential is wrong.
    pub fn as_who(&self, credential: Credential) -> Result<Self, String> {
        let settings = Settings { credential, ..self.settings.clone() };
        Self::new(&settings, self.transport.clone(), self.metrics.clone())
    }

    /// The same Azure for nobody: whatever is asked of it ends with this error, unasked.
    #[must_use]
    pub fn as_nobody(&self, why: Error) -> Self {
        self.as_who(Credential::Nobody(why)).expect("the settings were good, and nobody has no part that is wrong")
    }

    /// Whether this is nobody: then no answer is missed.
    #[must_use]
    pub const fn is_nobody(&self) -> bool {
        matches!(self.settings.credential, Credential::Nobody(_))
    }

    /// Whether Entra gives a token.
    ///
    /// # Errors
    ///
    /// [`Error::NoCredential`] if it refuses, [`Error::Unanswered`] if it does not answer.
    pub async fn authenticate(&self) -> Result<(), Error> {
        self.tokens.bearer().await.map(drop)
    }

    /// Whether ARM answers at all, whatever it says. Asked without a token.
    ///
    /// # Errors
    ///
    /// [`Error::Unanswered`] if it does not.
    pub async fn reach(&self) -> Result<(), Error> {
        let url = self.origin.admit("/").map_err(|foreign| Error::unanswered(foreign.to_string()))?;
        let answer = tokio::time::timeout(LONGEST, self.transport.execute_request(&Request::new(url, Method::Get))).await;
        let answer = answer.map_err(|_| Error::unanswered(format!("no answer within {} s", LONGEST.as_secs())))?;
        answer.map(drop).map_err(|error| Error::unanswered(chain(&error)))
    }

    /// The region of a workspace. It never changes, so it is asked for once.
    ///
    /// # Errors
    ///
    /// [`Error`], and [`Error::ParentNotFound`] if the workspace is not there.
    pub async fn location(&self, workspace: &WorkspaceId) -> Result<String, Error> {
        if let Some(known) = self.locations.lock().expect("no holder panics").get(workspace) {
            return Ok(known.clone());
        }
        let answer = self
            .send(Call::Workspace, workspace.subscription(), &self.path(&workspace.to_string(), ""), None)
            .await
            .map_err(|error| match error {
                Error::NotFound(words) => Error::ParentNotFound(words),
                other => other,
            })?;
        let found: wire::Workspace = read(&answer)?;
        self.locations.lock().expect("no holder panics").insert(workspace.clone(), found.location.clone());
        Ok(found.location)
    }

    /// How a compute is; `None` if Azure says that it is not there.
    ///
    /// The only way to look at a compute: so that looks can be shared.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not tell.
    pub async fn compute(&self, id: &ComputeId, freshness: Freshness) -> Result<Option<wire::Compute>, Error> {
        if let Freshness::Within(age) = freshness
            && let Some((at, look)) = self.looks.lock().expect("no holder panics").get(id)
            && at.elapsed() <= age
        {
            return Ok(look.clone());
        }
        let asked = Instant::now();
        let look = match self.send(Call::Compute, id.workspace().subscription(), &self.path(&id.to_string(), ""), None).await {
            Ok(answer) => Some(read(&answer)?),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        let mut looks = self.looks.lock().expect("no holder panics");
        looks.retain(|_, (at, _)| at.elapsed() <= KEPT);
        looks.insert(id.clone(), (asked, look.clone()));
        Ok(look)
    }

    /// All computes of a workspace, of every type.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not tell all of them.
    pub async fn computes(&self, workspace: &WorkspaceId) -> Result<Vec<wire::Compute>, Error> {
        let first = self.path(&format!("{workspace}/computes"), "");
        self.list(Call::Computes, workspace.subscription(), first).await
    }

    /// Puts a compute there, whole. Gives path and query of the operation.
    ///
    /// # Errors
    ///
    /// [`Error`]; after [`Error::Unanswered`] nobody knows whether it was done.
    pub async fn put(&self, id: &ComputeId, put: &wire::Put) -> Result<Option<String>, Error> {
        self.looks.lock().expect("no holder panics").remove(id);
        let body = put.body().to_string().into_bytes();
        let sent = self.send(Call::Put, id.workspace().subscription(), &self.path(&id.to_string(), ""), Some(body)).await;
        self.looks.lock().expect("no holder panics").remove(id);
        Ok(self.operation_path(sent?))
    }

    /// Detaches a compute: the pool itself is never touched. Gives path and query of the operation.
    ///
    /// `Delete`, the other value of the parameter, is not spelled anywhere.
    ///
    /// # Errors
    ///
    /// [`Error`]; after [`Error::Unanswered`] nobody knows whether it was done.
    pub async fn detach(&self, id: &ComputeId) -> Result<Option<String>, Error> {
        self.looks.lock().expect("no holder panics").remove(id);
        let path = self.path(&id.to_string(), "&underlyingResourceAction=Detach");
        let sent = self.send(Call::Detach, id.workspace().subscription(), &path, None).await;
        self.looks.lock().expect("no holder panics").remove(id);
        match sent {
            Ok(answer) => Ok(self.operation_path(answer)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What came of an operation. A path that is none of Machine Learning's in this subscription is not asked for.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not tell: which says nothing of the operation.
    pub async fn operation(&self, subscription: &str, path: &str) -> Result<State, Error> {
        let Some(url) = self.origin.admit(path).ok().filter(|url| operation::is_of(subscription, url.path())) else {
            return Ok(State::Forgotten);
        };
        match self.send(Call::Operation, subscription, url.as_str(), None).await {
            Ok(answer) => operation::state(&answer.body, answer.correlation)
                .ok_or_else(|| Error::unanswered("the operation's answer is not an operation")),
            Err(Error::NotFound(_) | Error::ParentNotFound(_)) => Ok(State::Forgotten),
            Err(error) => Err(error),
        }
    }

    fn path(&self, id: &str, more: &str) -> String {
        format!("{id}?api-version={}{more}", self.settings.api_version)
    }

    /// Where the answer says that its operation is. A link that leads elsewhere is none.
    fn operation_path(&self, answer: Answer) -> Option<String> {
        let link = answer.operation?;
        match self.origin.admit(&link) {
            Ok(url) => Some(operation::path(&url)),
            Err(foreign) => {
                tracing::warn!(%foreign, "an operation's link leads elsewhere, and is not followed");
                None
            }
        }
    }
}
