//! Federation: a token of another issuer, which Microsoft Entra ID exchanges for an access token.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;

use crate::azure::error::Error;

/// An issuer of tokens that Entra ID trusts for an application.
#[async_trait::async_trait]
pub trait Assertion: Send + Sync {
    /// A token for the audience of [`Settings`](crate::azure::Settings). It is requested forevery exchange.
    ///
    /// # Errors
    ///
    /// The error that the caller of the client receives. No request is sent to Entra ID then.
    async fn token(&self) -> Result<String, Error>;
}

/// Why the last exchange had no assertion.
pub(super) type AssertionError = Arc<Mutex<Option<Error>>>;

/// Passes an [`Assertion`] to `azure_identity` and records its error, which `azure_identity` would replace by its own.
pub(super) struct AssertionAdapter {
    assertion: Arc<dyn Assertion>,
    assertion_error: AssertionError,
}

impl AssertionAdapter {
    pub(super) fn new(assertion: Arc<dyn Assertion>, assertion_error: AssertionError) -> Self {
        Self { assertion, assertion_error }
    }
}

impl fmt::Debug for AssertionAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AssertionAdapter")
    }
}

#[async_trait::async_trait]
impl ClientAssertion for AssertionAdapter {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.assertion.token().await.map_err(|error| {
            let wrapped = azure_core::Error::with_message(azure_core::error::ErrorKind::Credential, error.to_string());
            *self.assertion_error.lock().expect("no thread panics while it holds the lock") = Some(error);
            wrapped
        })
    }
}

/// The projected token of a ServiceAccount. It is read forevery exchange, since the kubelet renews it and
/// `azure_identity` reads it again only after ten minutes.
#[derive(Debug)]
pub(super) struct ProjectedToken(pub(super) PathBuf);

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
