//! The ways to authenticate to Microsoft Entra ID.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::{ClientOptions, HttpClient};
use azure_identity::{
    AzureCliCredential, ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};

use crate::azure::auth::assertion::{Assertion, AssertionAdapter, AssertionError, ProjectedToken};
use crate::azure::error::Error;

/// A way to authenticate to Microsoft Entra ID.
#[derive(Clone)]
pub enum Credential {
    /// A ServiceAccount's projected token, exchanged by federation (AKS workload identity).
    WorkloadIdentity {
        /// The Entra tenant.
        tenant: String,
        /// The application's client ID.
        client: String,
        /// The file of the projected token. It is read forevery exchange, since the kubelet renews it.
        token_file: PathBuf,
    },
    /// The identity of the machine (IMDS) or of the App Service.
    ManagedIdentity {
        /// The client ID of a user-assigned identity.
        client: Option<String>,
        /// The transport to its endpoint, which is of this machine: no proxy could reach it.
        direct: Arc<dyn HttpClient>,
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
    /// The account that is logged in with `az login`: for development.
    AzureCli,
    /// An application whose tokens another issuer signs, exchanged by federation.
    Federated {
        /// The Entra tenant.
        tenant: String,
        /// The application's client ID.
        client: String,
        /// The token to exchange.
        assertion: Arc<dyn Assertion>,
    },
    /// No usable credential: every call fails with this error, without a request.
    Unavailable(Error),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Credential {
    /// The value of the option `--credential`, where there is one.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::WorkloadIdentity { .. } => "workload-identity",
            Self::ManagedIdentity { .. } => "managed-identity",
            Self::ClientSecret { .. } => "client-secret",
            Self::AzureCli => "azure-cli",
            Self::Federated { .. } => "federated",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// The credential of the Azure SDK; the inner error is that of [`Credential::Unavailable`].
    ///
    /// # Errors
    ///
    /// The error names the part of the credential that is wrong.
    pub(super) fn build(
        &self,
        client_options: ClientOptions,
        assertion_error: &AssertionError,
    ) -> Result<Result<Arc<dyn TokenCredential>, Error>, String> {
        let built: azure_core::Result<Arc<dyn TokenCredential>> = match self {
            Self::WorkloadIdentity { tenant, client, token_file } => {
                let options = ClientAssertionCredentialOptions { client_options };
                let token = ProjectedToken(token_file.clone());
                ClientAssertionCredential::new(tenant.clone(), client.clone(), token, Some(options)).map(|built| built as _)
            }
            Self::ManagedIdentity { client, direct: _ } => {
                let user_assigned_id = client.clone().map(UserAssignedId::ClientId);
                let options = ManagedIdentityCredentialOptions { user_assigned_id, client_options };
                ManagedIdentityCredential::new(Some(options)).map(|built| built as _)
            }
            Self::ClientSecret { tenant, client, secret } => {
                let options = ClientSecretCredentialOptions { client_options };
                ClientSecretCredential::new(tenant, client.clone(), secret.clone(), Some(options)).map(|built| built as _)
            }
            Self::AzureCli => AzureCliCredential::new(None).map(|built| built as _),
            Self::Federated { tenant, client, assertion } => {
                let options = ClientAssertionCredentialOptions { client_options };
                let adapter = AssertionAdapter::new(assertion.clone(), assertion_error.clone());
                ClientAssertionCredential::new(tenant.clone(), client.clone(), adapter, Some(options)).map(|built| built as _)
            }
            Self::Unavailable(error) => return Ok(Err(error.clone())),
        };
        built.map(Ok).map_err(|error| error.to_string())
    }
}
