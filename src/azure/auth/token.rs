//! Credential → bearer token.
//!
//! The credentials are `azure_identity`'s; the cache around them is ours, since
//! theirs fetches one token at a time for all, and returns an error while the
//! old token is still good for minutes (`azure_identity` 1.0.0, `src/cache.rs`).

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as Slot};
use std::time::Duration;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::{
    AsyncRawResponse, ClientMethodOptions, ClientOptions, ExponentialRetryOptions, HttpClient, Request, RetryOptions, Transport,
};
use azure_core::time::OffsetDateTime;
use azure_identity::{
    AzureCliCredential, ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::azure::auth::assertion::{Assertion, Presented};
use crate::azure::error::{Error, Words};
use crate::azure::metrics::Metrics;

/// How to be somebody in Entra.
#[derive(Clone)]
pub enum Credential {
    /// A ServiceAccount's projected token, exchanged by federation (AKS workload identity).
    WorkloadIdentity {
        /// The Entra tenant.
        tenant: String,
        /// The application's client ID.
        client: String,
        /// The projected token; read anew for every exchange, since the kubelet renews it.
        token_file: PathBuf,
    },
    /// The identity of the machine (IMDS) or of the App Service.
    ManagedIdentity {
        /// The client ID of a user-assigned one.
        client: Option<String>,
    },
    /// An application's secret.
    ClientSecret {
        /// The Entra tenant.
        tenant: String,
        /// The application's client ID.
        client: String,
        /// The secret.
        secret: Secret,
    },
    /// Whoever is logged in with `az login`: for development.
    AzureCli,
    /// An application that another issuer vouches for, exchanged by federation.
    Federated {
        /// The Entra tenant.
        tenant: String,
        /// The application's client ID.
        client: String,
        /// The token to exchange.
        assertion: Arc<dyn Assertion>,
    },
    /// Nobody: whatever is asked of Azure ends with this error, unasked.
    Nobody(Error),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Credential {
    /// The word of the setting `--credential`, where there is one.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::WorkloadIdentity { .. } => "workload-identity",
            Self::ManagedIdentity { .. } => "managed-identity",
            Self::ClientSecret { .. } => "client-secret",
            Self::AzureCli => "azure-cli",
            Self::Federated { .. } => "federated",
            Self::Nobody(_) => "nobody",
        }
    }
}

/// A token is renewed this long before it ends: as long as `azure_identity`'s own cache would.
const RENEW: Duration = Duration::from_mins(5);
/// And no longer used this long before it ends: a request takes its time.
const USABLE: Duration = Duration::from_mins(1);
/// An exchange with Entra takes no longer: the pass that waits for it has others behind it.
const LONGEST: Duration = Duration::from_secs(20);
/// After a failure Entra is left alone for this long, and everybody gets the same error.
const LEAVE_ALONE: Duration = Duration::from_secs(5);

/// The bearer tokens for one scope.
pub(crate) struct Tokens {
    credential: Result<Arc<dyn TokenCredential>, Error>,
    heard: Arc<Listening>,
    /// Why there was no assertion to send.
    unvouched: Arc<Slot<Option<Error>>>,
    scope: String,
    current: Slot<Option<(String, Instant)>>,
    failed: Mutex<Option<(Instant, Error)>>,
    /// Where the operator's own tokens are counted; others' faults are not its own.
    metrics: Option<Metrics>,
}

impl Tokens {
    /// # Errors
    ///
    /// Says which part of the credential is wrong.
    pub(crate) fn new(
        credential: &Credential,
        authority: &str,
        scope: &str,
        transport: Arc<dyn HttpClient>,
        metrics: Metrics,
    ) -> Result<Self, String> {
        let listening = Arc::new(Listening { inner: transport, heard: Slot::default() });
        let mut custom = CustomConfiguration::default();
        authority.clone_into(&mut custom.authority_host);
        let retry = ExponentialRetryOptions {
            max_retries: 2,
            max_total_elapsed: azure_core::time::Duration::seconds(10),
            ..Default::default()
        };
        let client_options = ClientOptions {
            cloud: Some(Arc::new(CloudConfiguration::from(custom))),
            transport: Some(Transport::new(listening.clone())),
            retry: RetryOptions::exponential(retry),
            ..Default::default()
        };
        let unvouched = Arc::<Slot<Option<Error>>>::default();
        let made: azure_core::Result<Arc<dyn TokenCredential>> = match credential {
            Credential::WorkloadIdentity { tenant, client, token_file } => {
                let options = ClientAssertionCredentialOptions { client_options };
                ClientAssertionCredential::new(tenant.clone(), client.clone(), ProjectedToken(token_file.clone()), Some(options))
                    .map(|made| made as _)
            }
            Credential::ManagedIdentity { client } => {
                let user_assigned_id = client.clone().map(UserAssignedId::ClientId);
                let options = ManagedIdentityCredentialOptions { user_assigned_id, client_options };
                ManagedIdentityCredential::new(Some(options)).map(|made| made as _)
            }
            Credential::ClientSecret { tenant, client, secret } => {
                let options = ClientSecretCredentialOptions { client_options };
                ClientSecretCredential::new(tenant, client.clone(), secret.clone(), Some(options)).map(|made| made as _)
            }
            Credential::AzureCli => AzureCliCredential::new(None).map(|made| made as _),
            Credential::Federated { tenant, client, assertion } => {
                let options = ClientAssertionCredentialOptions { client_options };
                let presented = Presented::new(assertion.clone(), unvouched.clone());
                ClientAssertionCredential::new(tenant.clone(), client.clone(), presented, Some(options)).map(|made| made as _)
            }
            Credential::Nobody(why) => return Ok(Self::with(Err(why.clone()), listening, unvouched, scope, None)),
        };
        let made = made.map_err(|error| error.to_string())?;
        let counted = (!matches!(credential, Credential::Federated { .. })).then_some(metrics);
        Ok(Self::with(Ok(made), listening, unvouched, scope, counted))
    }

    fn with(
        credential: Result<Arc<dyn TokenCredential>, Error>,
        heard: Arc<Listening>,
        unvouched: Arc<Slot<Option<Error>>>,
        scope: &str,
        metrics: Option<Metrics>,
    ) -> Self {
        Self {
            credential,
            heard,
            unvouched,
            scope: scope.to_owned(),
            current: Slot::default(),
            failed: Mutex::default(),
            metrics,
        }
    }

    /// A token that is good for a while.
    ///
    /// # Errors
    ///
    /// [`Error::NoCredential`] if Entra refuses, [`Error::Unanswered`] if it does not answer.
    pub(crate) async fn bearer(&self) -> Result<String, Error> {
        let credential = self.credential.as_ref().map_err(Clone::clone)?;
        if let Some(token) = self.good_for(RENEW) {
            return Ok(token);
        }
        let mut failed = match (self.failed.try_lock(), self.good_for(USABLE)) {
            (Ok(turn), _) => turn,
            // Somebody renews it already, and the old one still holds.
            (Err(_), Some(token)) => return Ok(token),
            (Err(_), None) => self.failed.lock().await,
        };
        if let Some(token) = self.good_for(RENEW) {
            return Ok(token);
        }
        let error = match &*failed {
            Some((at, error)) if at.elapsed() < LEAVE_ALONE => error.clone(),
            _ => match self.ask(credential.as_ref()).await {
                Ok(token) => {
                    *failed = None;
                    return Ok(token);
                }
                Err(error) => {
                    *failed = Some((Instant::now(), error.clone()));
                    error
                }
            },
        };
        self.good_for(USABLE).ok_or(error)
    }

    fn good_for(&self, at_least: Duration) -> Option<String> {
        let current = self.current.lock().expect("no holder panics");
        current.as_ref().filter(|(_, until)| *until > Instant::now() + at_least).map(|(token, _)| token.clone())
    }

    async fn ask(&self, credential: &dyn TokenCredential) -> Result<String, Error> {
        let answer = tokio::time::timeout(LONGEST, credential.get_token(&[&self.scope], None)).await;
        let refusal = self.heard.heard.lock().expect("no holder panics").take();
        let unvouched = self.unvouched.lock().expect("no holder panics").take();
        let token = match answer {
            Err(_) => Err(Error::unanswered(format!("Entra did not answer within {} s", LONGEST.as_secs()))),
            Ok(Ok(token)) => {
                let left = Duration::try_from(token.expires_on - OffsetDateTime::now_utc()).unwrap_or_default();
                let text = token.token.secret().to_owned();
                *self.current.lock().expect("no holder panics") = Some((text.clone(), Instant::now() + left));
                tracing::debug!(seconds = left.as_secs(), "entra gave a token");
                Ok(text)
            }
            Ok(Err(error)) => Err(match (unvouched, refusal) {
                (Some(why), _) => why,
                (None, Some((status, words))) if (400..500).contains(&status) && status != 429 => Error::NoCredential(words),
                (None, Some((_, words))) => Error::Unanswered(words),
                (None, None) if matches!(error.kind(), azure_core::error::ErrorKind::Credential) && !is_network(&error) => {
                    Error::NoCredential(Words { message: error.to_string(), ..Words::default() })
                }
                (None, None) => Error::unanswered(format!("Entra: {error}")),
            }),
        };
        if let Some(metrics) = &self.metrics {
            metrics.token(&token);
        }
        if let Err(error @ (Error::NoCredential(words) | Error::Unanswered(words))) = &token {
            tracing::warn!(%error, correlation_id = words.correlation, "entra gives no token");
        }
        token
    }
}

fn is_network(error: &azure_core::Error) -> bool {
    error
        .downcast_ref::<azure_core::Error>()
        .is_some_and(|inner| matches!(inner.kind(), azure_core::error::ErrorKind::Io | azure_core::error::ErrorKind::Connection))
}

/// Reads the projected token for every exchange: the kubelet renews it, and `azure_identity` re-reads it
/// only after ten minutes.
#[derive(Debug)]
struct ProjectedToken(PathBuf);

#[async_trait::async_trait]
impl ClientAssertion for ProjectedToken {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let text = tokio::fs::read_to_string(&self.0).await.map_err(|error| {
            azure_core::Error::with_message(
                azure_core::error::ErrorKind::Credential,
                format!("cannot read the federated token {}: {error}", self.0.display()),
            )
        })?;
        Ok(text.trim().to_owned())
    }
}

/// Hears what Entra says in a refusal.
///
/// `azure_identity` 1.0.0 loses code and status of any refusal whose
/// description has an escape in it, as Entra's have (`\r\n`):
/// Azure/azure-sdk-for-rust#3479.
#[derive(Debug)]
struct Listening {
    inner: Arc<dyn HttpClient>,
    heard: Slot<Option<(u16, Words)>>,
}

#[async_trait::async_trait]
impl HttpClient for Listening {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let answer = self.inner.execute_request(request).await?;
        let status = u16::from(answer.status());
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        let (code, headers, body) = answer.deconstruct();
        let body = body.collect().await?;
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let description = text("error_description").lines().next().unwrap_or_default();
        let number = description.split(':').next().filter(|word| word.starts_with("AADSTS"));
        let words = Words {
            code: number.unwrap_or(text("error")).to_owned(),
            message: match description.split_once(": ") {
                Some((_, rest)) if number.is_some() => rest.to_owned(),
                _ if description.is_empty() => format!("Entra answered HTTP {status}"),
                _ => description.to_owned(),
            },
            correlation: value.get("correlation_id").and_then(Value::as_str).map(ToOwned::to_owned),
        };
        let plain =
            json!({"error": text("error"), "error_description": words.message.replace(['"', '\\'], "'"), "error_codes": []});
        *self.heard.lock().expect("no holder panics") = Some((status, words));
        Ok(AsyncRawResponse::from_bytes(code, headers, plain.to_string().into_bytes()))
    }
}
