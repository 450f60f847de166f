//! argv + environment → what to do. The only reader of the environment.

mod check;
mod completion;
mod import;
mod input;
mod kube;
mod links;
mod manifest;
mod output;
mod plan;
mod plugin;
mod pools;
mod reconcile;
mod run;
mod status;
mod suspend;
mod view;
mod workspace;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::Secret;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::api::v1alpha1;
use crate::azure::{self, Credential};
use crate::controller::chain;

/// Attaches Apache Spark pools of Azure Synapse to Azure Machine Learning workspaces, as Kubernetes objects.
#[derive(Debug, Parser)]
#[command(name = "synapse-spark-operator", version, max_term_width = 110)]
pub struct Cli {
    #[arg(skip)]
    program: plugin::Program,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator: look after all `SynapseSparkAttachment` objects of a cluster.
    Run(Box<run::Run>),
    /// Look at Azure and tell what the operator would do with a manifest or an attachment. Changes nothing.
    ///
    /// Exit code 0: nothing to do; 2: something to do; 1: it could not be told.
    Plan(Box<plan::Preview>),
    /// Print manifests for Spark pools that another tool attaches, or that are attached to a workspace now. Changes nothing.
    ///
    /// What cannot be carried over is said on standard error, a line each. What is printed is valid; where one document is
    /// not, nothing is printed, and the exit code is 1.
    Import(Box<import::Import>),
    /// List the Synapse Spark pools that you may attach, and where they are attached already. Changes nothing.
    ///
    /// With -o yaml a manifest for each of them, ready for --workspace: what the studio's drop-downs ask for. What you may
    /// not read is left out, and said on standard error.
    Pools(Box<pools::Pools>),
    /// List the linked services of an Azure ML workspace, by which SDK v1 attached pools. Changes nothing.
    ///
    /// Azure makes no new links: a pool is attached by its resourceId instead, without one. What a link leads to, with
    /// /bigDataPools/ and the pool's name behind it, is that ID.
    Links(Box<links::Links>),
    /// Tell how an attachment is: what is, what is wanted, why not, and what to do next; or list all.
    ///
    /// Exit code 0: all that is shown is Ready; 2: something is not; 1: it could not be told.
    Status(status::Status),
    /// Ask the operator for a look at Azure at once, and wait until the attachment is Ready or Stalled.
    ///
    /// Exit code 0: it is Ready, or was deleted and is gone; 2: it is Stalled, or suspended and not as asked; 1: it could
    /// not be told, or not in time.
    Reconcile(reconcile::Reconcile),
    /// Set spec.suspend: the operator looks and reports, and writes nothing to Azure.
    Suspend(suspend::Suspend),
    /// Take spec.suspend back: the operator writes to Azure again.
    Resume(suspend::Suspend),
    /// Look whether the operator could work here, as whoever runs this: Kubernetes, the definition, rights, Entra. Changes
    /// nothing. With the settings of `run`; with --require-service-account also whether it may make a token for any
    /// ServiceAccount: a right to some by their names is not seen.
    ///
    /// Exit code 0: it could; 1: something is missing, and the output says what.
    Check(Box<check::Check>),
    /// Print the custom resource definition, for kubectl apply -f -.
    Crd,
    /// Print a completion script for a shell.
    Completion(completion::Completion),
    /// What kubectl asks for its own completion, under another name of the program.
    #[command(skip)]
    Candidates(Vec<OsString>),
}

/// The settings of Azure: where it is, and who we are there.
#[derive(Debug, Args)]
pub(crate) struct AzureArgs {
    /// The Azure cloud.
    #[arg(long, env = "AZURE_CLOUD", default_value = "public", value_enum)]
    cloud: Cloud,
    /// Azure Resource Manager's endpoint, instead of the cloud's own.
    #[arg(long, value_name = "URL", env = "AZURE_RESOURCE_MANAGER_ENDPOINT")]
    arm_endpoint: Option<String>,
    /// Entra's endpoint, instead of the cloud's own.
    #[arg(long, value_name = "URL", env = "AZURE_AUTHORITY_HOST")]
    authority_host: Option<String>,
    /// The data plane of Synapse workspaces, instead of the cloud's own.
    #[arg(long, value_name = "URL with {workspace}", env = "AZURE_SYNAPSE_ENDPOINT")]
    synapse_endpoint: Option<String>,
    /// The API version of Microsoft.MachineLearningServices.
    #[arg(long, value_name = "DATE", env = "AZURE_ML_API_VERSION", default_value = "2024-04-01")]
    api_version: String,
    /// A file of CA certificates (PEM) to trust besides the system's.
    #[arg(long, value_name = "FILE", env = "AZURE_CA_FILE")]
    azure_ca_file: Option<PathBuf>,
    /// Who the operator is in Entra. auto takes what the environment offers: workload identity, a client secret, Azure CLI
    /// outside a cluster, else managed identity; and says which, and why.
    #[arg(long, env = "AZURE_CREDENTIAL", default_value = "auto", value_enum)]
    credential: CredentialKind,
    /// The Entra tenant.
    #[arg(long, value_name = "GUID", env = "AZURE_TENANT_ID")]
    tenant_id: Option<String>,
    /// The client ID of the application or of the user-assigned managed identity.
    #[arg(long, value_name = "GUID", env = "AZURE_CLIENT_ID")]
    client_id: Option<String>,
    /// The projected ServiceAccount token, for workload identity.
    #[arg(long, value_name = "FILE", env = "AZURE_FEDERATED_TOKEN_FILE")]
    federated_token_file: Option<PathBuf>,
    /// A file that holds the client secret. Or set `AZURE_CLIENT_SECRET`; never an argument, which others could see.
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
enum CredentialKind {
    Auto,
    WorkloadIdentity,
    ManagedIdentity,
    ClientSecret,
    AzureCli,
}

/// Whose rights in Azure are used.
#[derive(Debug, Args)]
struct Identity {
    /// Ask nothing of Azure as the operator itself: each attachment has to name a ServiceAccount of its namespace
    /// (spec.serviceAccountName), and one that does not is Stalled. The operator needs no credential then.
    #[arg(long, value_name = "BOOL", env = "REQUIRE_SERVICE_ACCOUNT", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    require_service_account: bool,
}

impl Identity {
    /// What an object is told for which nobody may be asked.
    fn nobody(&self) -> Option<Credential> {
        let message =
            "the operator runs with --require-service-account, and uses no identity of its own: set spec.serviceAccountName";
        let why = azure::Words { message: message.to_owned(), ..azure::Words::default() };
        self.require_service_account.then_some(Credential::Nobody(azure::Error::NoCredential(why)))
    }
}

/// Where the operator looks after objects, and what keeps others from doing so at the same time.
#[derive(Debug, Args)]
struct Scope {
    /// The namespaces whose objects are looked after, with commas between them. Default: all.
    #[arg(long, value_name = "NAMESPACES", env = "WATCH_NAMESPACES", value_delimiter = ',')]
    watch_namespaces: Vec<String>,
    /// Hold a Lease before any write: of several replicas one works, the others stand by. Only without it, nothing keeps two
    /// operators from working at once.
    #[arg(long, value_name = "BOOL", env = "LEADER_ELECTION", default_value_t = true, action = clap::ArgAction::Set)]
    leader_election: bool,
    /// Where that Lease is; the same for all operators of a cluster. With --watch-namespaces there is one in each of them
    /// instead, and this one says whether an operator for all namespaces works: then that for some waits.
    #[arg(long, value_name = "NAMESPACE", env = "LEADER_ELECTION_NAMESPACE", default_value = "kube-system")]
    leader_election_namespace: String,
}

impl Scope {
    /// The namespaces that are named, each once.
    fn namespaces(&self) -> Vec<String> {
        let mut named: Vec<_> =
            self.watch_namespaces.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
        named.sort();
        named.dedup();
        named
    }

    /// The namespaces that have a Lease to hold before any write.
    fn leases(&self) -> Vec<String> {
        match self.namespaces() {
            _ if !self.leader_election => Vec::new(),
            all if all.is_empty() => vec![self.leader_election_namespace.clone()],
            named => named,
        }
    }

    /// Where the Lease of an operator for all namespaces is, if this one is for some.
    fn wider(&self) -> Option<&str> {
        (self.leader_election && !self.namespaces().is_empty()).then_some(&*self.leader_election_namespace)
    }
}

/// A call to Kubernetes takes no longer.
const KUBERNETES_LONGEST: Duration = Duration::from_secs(15);
impl Cli {
    /// Does what was asked. Gives the exit code.
    ///
    /// # Errors
    ///
    /// One line that names the setting, or what failed.
    pub async fn execute(self) -> Result<u8, String> {
        match self.command {
            Command::Run(run) => Box::pin(run.execute()).await.map(|()| 0),
            Command::Plan(preview) => preview.execute().await,
            Command::Import(import) => import.execute().await,
            Command::Pools(pools) => pools.execute().await,
            Command::Links(links) => links.execute().await,
            Command::Status(status) => status.execute(self.program).await,
            Command::Reconcile(reconcile) => reconcile.execute(self.program).await,
            Command::Suspend(suspend) => suspend.execute(true).await,
            Command::Resume(suspend) => suspend.execute(false).await,
            Command::Completion(completion) => completion.execute(self.program),
            Command::Candidates(words) => completion::candidates(words),
            Command::Check(check) => check.execute().await,
            Command::Crd => {
                let yaml = serde_saphyr::to_string(&v1alpha1::definition()).map_err(|error| error.to_string())?;
                print(&yaml).map(|()| 0)
            }
        }
    }
}

/// Writes to standard output.
fn print(text: &str) -> Result<(), String> {
    match anstream::stdout().write_all(text.as_bytes()) {
        // Whoever reads has seen enough (`| head`).
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(format!("standard output: {error}")),
        _ => Ok(()),
    }
}

impl AzureArgs {
    /// A client of Azure, and why it is who it is.
    fn client(&self, metrics: azure::Metrics) -> Result<(azure::Client, &'static str), String> {
        self.client_as(None, metrics)
    }

    /// The same, but as somebody who is given, if there is one.
    fn client_as(&self, who: Option<Credential>, metrics: azure::Metrics) -> Result<(azure::Client, &'static str), String> {
        let (arm, authority) = self.cloud.endpoints();
        let endpoint = self.arm_endpoint.as_deref().unwrap_or(arm).trim_end_matches('/').to_owned();
        azure::Origin::new(&endpoint).map_err(|error| format!("--arm-endpoint: {error}"))?;
        let authority = self.authority_host.as_deref().unwrap_or(authority).trim_end_matches('/').to_owned();
        azure::Origin::new(&authority).map_err(|error| format!("--authority-host: {error}"))?;
        let of_cloud = || format!("https://{{workspace}}.{}", self.cloud.synapse());
        let synapse_endpoint = self.synapse_endpoint.clone().unwrap_or_else(of_cloud);
        azure::DataPlane::new(&synapse_endpoint).map_err(|error| format!("--synapse-endpoint: {error}"))?;
        let (credential, why) = match who {
            Some(given) => (given, "--require-service-account"),
            None => self.credential()?,
        };
        let settings = azure::Settings {
            scope: format!("{endpoint}/.default"),
            synapse_endpoint,
            synapse_scope: format!("https://{}/.default", self.cloud.synapse()),
            endpoint,
            authority,
            api_version: self.api_version.clone(),
            credential,
        };
        let name = settings.credential.name();
        let client = azure::Client::new(&settings, Arc::new(self.transport()?), metrics)
            .map_err(|error| format!("--credential {name}: {error}"))?;
        tracing::info!(credential = name, why, endpoint = settings.endpoint, "azure");
        Ok((client, why))
    }

    fn transport(&self) -> Result<reqwest::Client, String> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_mins(1));
        if let Some(file) = &self.azure_ca_file {
            let named = |error: &dyn std::fmt::Display| format!("--azure-ca-file {}: {error}", file.display());
            let pem = std::fs::read(file).map_err(|error| named(&error))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| named(&error))?;
            builder = builder.tls_certs_merge(certificates);
        }
        builder.build().map_err(|error| chain(&error))
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
            CredentialKind::Auto => (CredentialKind::AzureCli, "it runs outside a cluster, and nothing else is set"),
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
            CredentialKind::ManagedIdentity => Credential::ManagedIdentity { client: self.client_id.clone() },
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

async fn config() -> Result<::kube::Config, String> {
    let inferred = ::kube::Config::infer().await;
    inferred.map_err(|error| format!("no Kubernetes: {}; set KUBECONFIG, or run it in a cluster", chain(&error)))
}

/// Two clients: a read time-out would cut quiet watches, and calls need one. Neither retries: passes do.
fn clients(config: ::kube::Config) -> Result<(::kube::Client, ::kube::Client), String> {
    Ok((client(config.clone(), None)?, client(config, Some(KUBERNETES_LONGEST))?))
}

fn client(mut config: ::kube::Config, longest: Option<Duration>) -> Result<::kube::Client, String> {
    config.default_retry = false;
    config.connect_timeout = Some(longest.unwrap_or(KUBERNETES_LONGEST));
    config.read_timeout = longest;
    config.write_timeout = longest;
    config.reset_reader_on_write = longest.is_some();
    ::kube::Client::try_from(config).map_err(|error| chain(&error))
}
