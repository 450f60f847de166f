//! The options for Azure's endpoints and the credential, and the client that is built from them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::Secret;
use clap::{Args, ValueEnum};

use crate::azure::{self, Credential};
use crate::cli::output::{age, remark};
use crate::error_chain::chain;

/// Where Azure is, and which credential the operator uses there.
#[derive(Debug, Args)]
// Many fields: one per option.
pub(super) struct AzureArgs {
    /// The Azure cloud.
    #[arg(long, env = "AZURE_CLOUD", default_value = "public", value_enum)]
    cloud: Cloud,
    /// The endpoint of Azure Resource Manager, instead of that of the cloud.
    #[arg(long, value_name = "URL", env = "AZURE_RESOURCE_MANAGER_ENDPOINT")]
    arm_endpoint: Option<String>,
    /// The endpoint of Microsoft Entra ID, instead of that of the cloud.
    #[arg(long, value_name = "URL", env = "AZURE_AUTHORITY_HOST")]
    authority_host: Option<String>,
    /// The data plane endpoint of Synapse workspaces, instead of that of the cloud.
    #[arg(long, value_name = "URL with {workspace}", env = "AZURE_SYNAPSE_ENDPOINT")]
    synapse_endpoint: Option<String>,
    /// The API version of Microsoft.MachineLearningServices.
    #[arg(long, value_name = "DATE", env = "AZURE_ML_API_VERSION", default_value = "2024-04-01")]
    api_version: String,
    /// The share of Azure's request limits that this process may use: above 0, and 1 at most. Less than 1 leaves the rest to
    /// other tools that use the same identity.
    #[arg(long, value_name = "SHARE", env = "AZURE_REQUEST_SHARE", default_value_t)]
    azure_request_share: azure::Share,
    /// The request limits to apply. none: slow down only after a 429, for an --arm-endpoint without the documented limits.
    #[arg(long, env = "AZURE_REQUEST_LIMITS", default_value = "cloud", value_enum)]
    azure_request_limits: RequestLimits,
    /// A file with CA certificates (PEM) to trust in addition to those of the system.
    #[arg(long, value_name = "FILE", env = "AZURE_CA_FILE")]
    azure_ca_file: Option<PathBuf>,
    /// The credential for Microsoft Entra ID. auto chooses by the environment: workload identity, a client secret, Azure CLI
    /// outside a cluster, otherwise managed identity. The log names the choice and its reason.
    #[arg(long, env = "AZURE_CREDENTIAL", default_value = "auto", value_enum)]
    credential: CredentialKind,
    /// The tenant in Microsoft Entra ID.
    #[arg(long, value_name = "GUID", env = "AZURE_TENANT_ID")]
    pub(super) tenant_id: Option<String>,
    /// The client ID of the application or of the user-assigned managed identity.
    #[arg(long, value_name = "GUID", env = "AZURE_CLIENT_ID")]
    client_id: Option<String>,
    /// The file with the projected ServiceAccount token, for workload identity.
    #[arg(long, value_name = "FILE", env = "AZURE_FEDERATED_TOKEN_FILE")]
    federated_token_file: Option<PathBuf>,
    /// The audience of that token, and of the tokens of `ServiceAccounts` that objects name. Default: that of the cloud.
    #[arg(long, value_name = "URI", env = "AZURE_TOKEN_AUDIENCE")]
    token_audience: Option<String>,
    /// A file with the client secret. The environment variable `AZURE_CLIENT_SECRET` is the alternative. No option takes the
    /// secret itself, because other users of the machine could read it.
    #[arg(long, value_name = "FILE", env = "AZURE_CLIENT_SECRET_FILE")]
    client_secret_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Cloud {
    Public,
    China,
    Usgov,
}

impl Cloud {
    /// ARM's endpoint and Entra's. Source: azure-cli-core's `azure/cli/core/cloud.py`.
    const fn endpoints(self) -> (&'static str, &'static str) {
        match self {
            Self::Public => ("https://management.azure.com", "https://login.microsoftonline.com"),
            Self::China => ("https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
            Self::Usgov => ("https://management.usgovcloudapi.net", "https://login.microsoftonline.us"),
        }
    }

    /// How Azure Resource Manager counts requests.
    /// Source: <https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling>.
    const fn profile(self) -> azure::Profile {
        match self {
            Self::Public => azure::Profile::Buckets,
            Self::China | Self::Usgov => azure::Profile::Hourly,
        }
    }

    /// The audience of a token that Entra ID exchanges.
    /// Source: <https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust>.
    const fn token_audience(self) -> &'static str {
        match self {
            Self::Public => "api://AzureADTokenExchange",
            Self::China => "api://AzureADTokenExchangeChina",
            Self::Usgov => "api://AzureADTokenExchangeUSGov",
        }
    }

    /// The scope of tokens for Machine Learning itself. Source: azure-ai-ml's `_azure_environments.py`.
    const fn machine_learning_scope(self) -> &'static str {
        match self {
            Self::Public => "https://ml.azure.com/.default",
            Self::China => "https://ml.azure.cn/.default",
            Self::Usgov => "https://ml.azure.us/.default",
        }
    }

    /// What the names of Synapse workspaces end with, and the audience of tokens for them. Source: as above.
    const fn synapse(self) -> &'static str {
        match self {
            Self::Public => "dev.azuresynapse.net",
            Self::China => "dev.azuresynapse.azure.cn",
            Self::Usgov => "dev.azuresynapse.usgovcloudapi.net",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RequestLimits {
    /// Those that are documented for the cloud.
    Cloud,
    /// None.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CredentialKind {
    Auto,
    WorkloadIdentity,
    ManagedIdentity,
    ClientSecret,
    AzureCli,
}

impl AzureArgs {
    const fn profile(&self) -> azure::Profile {
        match self.azure_request_limits {
            RequestLimits::Cloud => self.cloud.profile(),
            RequestLimits::None => azure::Profile::Unknown,
        }
    }

    /// The client of Azure for a command, and why it uses this credential.
    pub(super) fn client(&self, metrics: azure::Metrics) -> Result<(azure::Client, &'static str), String> {
        let (client, why) = self.client_as(None, metrics)?;
        Ok((client.with_notice(waiting), why))
    }

    /// The same with the given credential, if there is one.
    pub(super) fn client_as(
        &self,
        given: Option<Credential>,
        metrics: azure::Metrics,
    ) -> Result<(azure::Client, &'static str), String> {
        let (arm, authority) = self.cloud.endpoints();
        let endpoint = self.arm_endpoint.as_deref().unwrap_or(arm).trim_end_matches('/').to_owned();
        azure::Origin::new(&endpoint).map_err(|error| format!("--arm-endpoint: {error}"))?;
        let authority = self.authority_host.as_deref().unwrap_or(authority).trim_end_matches('/').to_owned();
        azure::Origin::new(&authority).map_err(|error| format!("--authority-host: {error}"))?;
        let of_cloud = || format!("https://{{workspace}}.{}", self.cloud.synapse());
        let synapse_endpoint = self.synapse_endpoint.clone().unwrap_or_else(of_cloud);
        azure::DataPlane::new(&synapse_endpoint).map_err(|error| format!("--synapse-endpoint: {error}"))?;
        let (credential, why) = match given {
            Some(given) => (given, "--require-service-account"),
            None => self.credential()?,
        };
        let settings = azure::Settings {
            scope: format!("{endpoint}/.default"),
            synapse_endpoint,
            synapse_scope: format!("https://{}/.default", self.cloud.synapse()),
            machine_learning_scope: self.cloud.machine_learning_scope().to_owned(),
            endpoint,
            authority,
            token_audience: self.token_audience.clone().unwrap_or_else(|| self.cloud.token_audience().to_owned()),
            api_version: self.api_version.clone(),
            credential,
            limits: azure::Limits { profile: self.profile(), share: self.azure_request_share },
        };
        let name = settings.credential.name();
        let [pooled, unpooled] = [usize::MAX, 0].map(|idle| self.transport(idle)?.build().map_err(|error| chain(&error)));
        let client = azure::Client::new(&settings, Arc::new(pooled?), metrics)
            .map_err(|error| format!("--credential {name}: {error}"))?
            .with_unpooled(Arc::new(unpooled?));
        tracing::info!(credential = name, why, endpoint = settings.endpoint, "using azure credential");
        Ok((client, why))
    }

    /// The transport to Azure and to Microsoft Entra ID. It keeps at most so many idle connections to a host; with none, each
    /// request gets a connection of its own.
    fn transport(&self, idle_connections: usize) -> Result<reqwest::ClientBuilder, String> {
        let mut builder = reqwest::Client::builder()
            .pool_max_idle_per_host(idle_connections)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_mins(1));
        if let Some(file) = &self.azure_ca_file {
            let named = |error: &dyn std::fmt::Display| format!("--azure-ca-file {}: {error}", file.display());
            let pem = std::fs::read(file).map_err(|error| named(&error))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| named(&error))?;
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(builder)
    }

    fn credential(&self) -> Result<(Credential, &'static str), String> {
        let secret = self.secret()?;
        let in_cluster = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
        let has_endpoint = std::env::var_os("IDENTITY_ENDPOINT").is_some();
        let (kind, why) = match self.credential {
            CredentialKind::Auto if self.federated_token_file.is_some() => {
                (CredentialKind::WorkloadIdentity, "AZURE_FEDERATED_TOKEN_FILE is set")
            }
            CredentialKind::Auto if secret.is_some() => (CredentialKind::ClientSecret, "a client secret is set"),
            CredentialKind::Auto if has_endpoint => (CredentialKind::ManagedIdentity, "IDENTITY_ENDPOINT is set"),
            CredentialKind::Auto if in_cluster => {
                (CredentialKind::ManagedIdentity, "it runs in a cluster, with neither a federated token nor a client secret")
            }
            CredentialKind::Auto => (CredentialKind::AzureCli, "it runs outside a cluster, and no other credential is set"),
            named => (named, "--credential names it"),
        };
        let need = |value: &Option<String>, name: &str| {
            value.clone().ok_or_else(|| format!("{name} is not set, and the credential ({why}) needs it"))
        };
        let credential = match kind {
            CredentialKind::WorkloadIdentity => Credential::WorkloadIdentity {
                tenant: need(&self.tenant_id, "--tenant-id (AZURE_TENANT_ID)")?,
                client: need(&self.client_id, "--client-id (AZURE_CLIENT_ID)")?,
                token_file: self.federated_token_file.clone().ok_or("--federated-token-file (AZURE_FEDERATED_TOKEN_FILE) is not set; is the pod labelled azure.workload.identity/use: \"true\"?")?,
            },
            CredentialKind::ClientSecret => Credential::ClientSecret {
                tenant: need(&self.tenant_id, "--tenant-id (AZURE_TENANT_ID)")?,
                client: need(&self.client_id, "--client-id (AZURE_CLIENT_ID)")?,
                secret: secret.ok_or("neither --client-secret-file nor AZURE_CLIENT_SECRET is set")?,
            },
            CredentialKind::ManagedIdentity => {
                let direct = self.transport(usize::MAX)?.no_proxy().build().map_err(|error| chain(&error))?;
                Credential::ManagedIdentity { client: self.client_id.clone(), direct: Arc::new(direct) }
            }
            CredentialKind::AzureCli | CredentialKind::Auto => Credential::AzureCli,
        };
        Ok((credential, why))
    }

    fn secret(&self) -> Result<Option<Secret>, String> {
        let text = match &self.client_secret_file {
            Some(file) => {
                Some(std::fs::read_to_string(file).map_err(|error| format!("--client-secret-file {}: {error}", file.display()))?)
            }
            None => std::env::var("AZURE_CLIENT_SECRET").ok(),
        };
        Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).map(Secret::new))
    }
}

fn waiting(wait: Duration) {
    remark(&format!("Waiting for Azure's request limit, about {}.", age(wait)));
}
