//! Access tokens for one scope, from a credential.
//!
//! The credentials are those of `azure_identity`. The cache around them is our own, since theirs fetches one token
//! at a time for all, and returns an error while the old token is still valid for minutes
//! (`azure_identity` 1.0.0, `src/cache.rs`).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Slot};
use std::time::Duration;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, ExponentialRetryOptions, HttpClient, RetryOptions, Transport};
use azure_core::time::OffsetDateTime;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::azure::auth::assertion::AssertionError;
use crate::azure::auth::credential::Credential;
use crate::azure::auth::recording::RecordingTransport;
use crate::azure::clock::Clock;
use crate::azure::error::Error;
use crate::azure::metrics::Metrics;
use crate::azure::throttle::Principal;
use crate::error_chain::chain;
use crate::service_error::{Service, ServiceError};

/// A token is renewed this long before it expires, as the cache of `azure_identity` would.
const RENEW_BEFORE: Duration = Duration::from_mins(5);
/// A token is not used any longer this long before it expires, since a request takes time.
const UNUSABLE_BEFORE: Duration = Duration::from_mins(1);
/// A token is renewed after this time, whatever lifetime Entra ID names: managed identities get a day.
const MAX_LIFETIME: Duration = Duration::from_hours(24);
/// The time limit of a request for a token, for which other reconciles wait.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(20);
/// For this long after a failure no request is sent to Entra ID, and every caller gets the same error.
const FAILURE_TTL: Duration = Duration::from_secs(5);
/// After a token was dropped because Azure did not accept it, no other one is dropped for this long: if the reason is not the
/// token, as with a wrong tenant, each answer would cost a request to Entra ID.
const REPLACE_PAUSE: Duration = Duration::from_secs(30);
/// The number of the next credential.
static CREDENTIALS: AtomicU64 = AtomicU64::new(0);

/// An access token, and its principal.
#[derive(Clone)]
pub(crate) struct AccessToken {
    pub(crate) secret: String,
    pub(crate) principal: Principal,
}

/// The access tokens for one scope.
pub(crate) struct TokenCache {
    credential: Credential,
    authority: String,
    /// Obtains the tokens, from [`Self::credential`]. It has a cache of its own, which cannot be cleared.
    source: Slot<Result<Arc<dyn TokenCredential>, Error>>,
    /// When [`Self::source`] was last replaced, because Azure did not accept its token.
    replaced: Slot<Option<Instant>>,
    transport: Arc<RecordingTransport>,
    assertion_error: AssertionError,
    scope: String,
    /// Distinguishes credentials whose tokens do not name their principal.
    number: u64,
    current: Slot<Option<(AccessToken, Instant)>>,
    last_failure: Mutex<Option<(Instant, Error)>>,
    clock: Clock,
    /// Counts the operator's own tokens only: a fault of another identity is not the operator's.
    metrics: Option<Metrics>,
}

impl TokenCache {
    /// # Errors
    ///
    /// The error names the part of the credential that is wrong.
    pub(crate) fn new(
        credential: &Credential,
        authority: &str,
        scope: &str,
        transport: Arc<dyn HttpClient>,
        metrics: Metrics,
    ) -> Result<Self, String> {
        let transport = match credential {
            Credential::ManagedIdentity { direct, .. } => direct.clone(),
            _ => transport,
        };
        let transport = Arc::new(RecordingTransport::new(transport, metrics.clock.clone()));
        let assertion_error = AssertionError::default();
        let is_own = !matches!(credential, Credential::Federated { .. } | Credential::Unavailable(_));
        Ok(Self {
            source: Slot::new(credential.build(client_options(authority, transport.clone()), &assertion_error)?),
            credential: credential.clone(),
            authority: authority.to_owned(),
            replaced: Slot::default(),
            transport,
            assertion_error,
            scope: scope.to_owned(),
            number: CREDENTIALS.fetch_add(1, Ordering::Relaxed),
            current: Slot::default(),
            last_failure: Mutex::default(),
            clock: metrics.clock.clone(),
            metrics: is_own.then_some(metrics),
        })
    }

    /// Azure does not accept this token: drops it, and obtains the next one from a new credential, since the old one would return
    /// it again from its cache. Returns whether another token can be obtained: one is requested at most once per
    /// [`REPLACE_PAUSE`].
    pub(crate) fn replace(&self, rejected: &AccessToken) -> bool {
        let mut current = self.current.lock().expect("no thread panics while it holds the lock");
        if current.as_ref().is_none_or(|(token, _)| token.secret != rejected.secret) {
            return true;
        }
        let mut replaced = self.replaced.lock().expect("no thread panics while it holds the lock");
        if replaced.is_some_and(|at| at.elapsed() < REPLACE_PAUSE) {
            return false;
        }
        let options = client_options(&self.authority, self.transport.clone());
        let Ok(source) = self.credential.build(options, &self.assertion_error) else { return false };
        tracing::info!(credential = self.credential.name(), "access token dropped: azure does not accept it");
        *self.source.lock().expect("no thread panics while it holds the lock") = source;
        *replaced = Some(Instant::now());
        *current = None;
        true
    }

    /// A token that stays valid for a while.
    ///
    /// # Errors
    ///
    /// [`Error::CredentialUnavailable`] if Entra ID refuses, [`Error::Unavailable`] if it does not answer.
    pub(crate) async fn bearer(&self) -> Result<AccessToken, Error> {
        let credential = self.source.lock().expect("no thread panics while it holds the lock").clone()?;
        if let Some(token) = self.valid_for(RENEW_BEFORE) {
            return Ok(token);
        }
        let mut last_failure = match (self.last_failure.try_lock(), self.valid_for(UNUSABLE_BEFORE)) {
            (Ok(guard), _) => guard,
            // Another task renews the token, and the old one is still valid.
            (Err(_), Some(token)) => return Ok(token),
            (Err(_), None) => self.last_failure.lock().await,
        };
        if let Some(token) = self.valid_for(RENEW_BEFORE) {
            return Ok(token);
        }
        let error = match &*last_failure {
            Some((at, error)) if at.elapsed() < FAILURE_TTL => error.clone(),
            _ => match self.request(credential.as_ref()).await {
                Ok(token) => {
                    *last_failure = None;
                    return Ok(token);
                }
                Err(error) => {
                    *last_failure = Some((Instant::now(), error.clone()));
                    error
                }
            },
        };
        self.valid_for(UNUSABLE_BEFORE).ok_or(error)
    }

    fn valid_for(&self, at_least: Duration) -> Option<AccessToken> {
        let current = self.current.lock().expect("no thread panics while it holds the lock");
        current.as_ref().filter(|(_, expires)| *expires > Instant::now() + at_least).map(|(token, _)| token.clone())
    }

    async fn request(&self, credential: &dyn TokenCredential) -> Result<AccessToken, Error> {
        let answer = tokio::time::timeout(TOKEN_TIMEOUT, credential.get_token(&[&self.scope], None)).await;
        let refusal = self.transport.take_last_refusal();
        let assertion_error = self.assertion_error.lock().expect("no thread panics while it holds the lock").take();
        let token = match answer {
            Err(_) => Err(Error::unavailable(format!("Microsoft Entra ID did not answer within {} s", TOKEN_TIMEOUT.as_secs()))),
            Ok(Ok(token)) => {
                let lifetime = Duration::try_from(token.expires_on - OffsetDateTime::now_utc()).unwrap_or_default();
                let expires = Instant::now() + lifetime.min(MAX_LIFETIME);
                let secret = token.token.secret().to_owned();
                let token = AccessToken { principal: Principal::of_token(&secret, self.number), secret };
                *self.current.lock().expect("no thread panics while it holds the lock") = Some((token.clone(), expires));
                tracing::debug!(seconds = lifetime.as_secs(), "access token obtained");
                Ok(token)
            }
            Ok(Err(error)) => Err(assertion_error.unwrap_or_else(|| failure(&error, refusal))),
        };
        let token = token.map_err(|error| error.of(Service::Entra).with_clock(&self.clock));
        if let Some(metrics) = &self.metrics {
            metrics.token(&token);
        }
        if let Err(error) = &token {
            let correlation_id = error.service_error().correlation_id.as_deref();
            tracing::warn!(%error, correlation_id, "access token request failed");
        }
        token
    }
}

fn client_options(authority: &str, transport: Arc<RecordingTransport>) -> ClientOptions {
    let mut cloud = CustomConfiguration::default();
    authority.clone_into(&mut cloud.authority_host);
    let retry = ExponentialRetryOptions {
        max_retries: 2,
        max_total_elapsed: azure_core::time::Duration::seconds(10),
        ..Default::default()
    };
    ClientOptions {
        cloud: Some(Arc::new(CloudConfiguration::from(cloud))),
        transport: Some(Transport::new(transport)),
        retry: RetryOptions::exponential(retry),
        ..Default::default()
    }
}

/// What a failed request for a token means.
fn failure(error: &azure_core::Error, refusal: Option<(u16, ServiceError)>) -> Error {
    match refusal {
        Some((status, error)) if (400..500).contains(&status) && status != 429 => Error::CredentialUnavailable(error),
        Some((_, error)) => Error::Unavailable { error, retry_after: None },
        None if matches!(error.kind(), azure_core::error::ErrorKind::Credential) && !is_network(error) => {
            Error::CredentialUnavailable(ServiceError { message: error.to_string(), ..ServiceError::default() })
        }
        None => Error::of_transport(chain(error)),
    }
}

fn is_network(error: &azure_core::Error) -> bool {
    error
        .downcast_ref::<azure_core::Error>()
        .is_some_and(|inner| matches!(inner.kind(), azure_core::error::ErrorKind::Io | azure_core::error::ErrorKind::Connection))
}
