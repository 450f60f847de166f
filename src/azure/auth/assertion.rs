//! What vouches for an application in the place of a secret: a token of an issuer that Entra trusts for it.

use std::fmt;
use std::sync::{Arc, Mutex};

use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;

use crate::azure::error::Error;

/// The audience of a token that Entra takes as an assertion.
pub const AUDIENCE: &str = "api://AzureADTokenExchange";

/// What vouches for an application: an issuer that Entra trusts for it.
#[async_trait::async_trait]
pub trait Assertion: Send + Sync {
    /// A token for [`AUDIENCE`]; asked for anew for every exchange.
    ///
    /// # Errors
    ///
    /// What whoever needs the exchange is told: Entra is not asked then.
    async fn token(&self) -> Result<String, Error>;
}

/// Hands an assertion over, and keeps why there is none: `azure_identity` would wrap it in words of its own.
pub(crate) struct Presented {
    assertion: Arc<dyn Assertion>,
    unvouched: Arc<Mutex<Option<Error>>>,
}

impl Presented {
    pub(crate) fn new(assertion: Arc<dyn Assertion>, unvouched: Arc<Mutex<Option<Error>>>) -> Self {
        Self { assertion, unvouched }
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented")
    }
}

#[async_trait::async_trait]
impl ClientAssertion for Presented {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.assertion.token().await.map_err(|why| {
            let error = azure_core::Error::with_message(azure_core::error::ErrorKind::Credential, why.to_string());
            *self.unvouched.lock().expect("no holder panics") = Some(why);
            error
        })
    }
}
