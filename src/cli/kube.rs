//! The way to a cluster: kubectl's own options, and refusals in words that say what to do.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use kube::api::Api;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, Error, core::Status};

use super::output::printable;
use crate::api::SynapseSparkAttachment;
use crate::error_chain::chain;

/// A call to Kubernetes takes no longer.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// As whom changes are made: what `metadata.managedFields` shows.
pub(super) const FIELD_MANAGER: &str = "kubectl-synapse";

const RESOURCE: &str = "synapsesparkattachments.synapse-spark.dev";

#[derive(Debug, Clone, Default, Args)]
pub(super) struct ClusterArgs {
    /// The namespace; without it, the one of the context.
    #[arg(short, long, value_name = "NAME", help_heading = "Cluster")]
    pub(super) namespace: Option<String>,
    /// The context of the kubeconfig; without it, the current one.
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    context: Option<String>,
    /// The kubeconfig; without it, KUBECONFIG, then ~/.kube/config, then the pod's ServiceAccount.
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    kubeconfig: Option<PathBuf>,
}

/// A cluster, and the namespace of the command.
pub(super) struct Cluster {
    /// For calls, with time-outs.
    pub(super) calls: Client,
    /// For watches, which may be quiet for long.
    pub(super) watch: Client,
    pub(super) namespace: String,
    server: String,
}

impl ClusterArgs {
    pub(super) async fn connect(&self) -> Result<Cluster, String> {
        let config = self.config().await.map_err(|error| {
            format!("no cluster: {error}. Name one as for kubectl: with KUBECONFIG, --kubeconfig or --context.")
        })?;
        let namespace = self.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let server = config.cluster_url.to_string();
        let (watch, calls) = clients(config).map_err(|error| format!("no cluster: {server}: {error}"))?;
        Ok(Cluster { calls, watch, namespace, server })
    }

    async fn config(&self) -> Result<Config, String> {
        let file = match &self.kubeconfig {
            None if self.context.is_none() => return Config::infer().await.map_err(|error| chain(&error)),
            None => Kubeconfig::read(),
            Some(file) => Kubeconfig::read_from(file),
        };
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        Config::from_custom_kubeconfig(file.map_err(|error| chain(&error))?, &options).await.map_err(|error| chain(&error))
    }
}

impl Cluster {
    /// The attachments of the namespace.
    pub(super) fn attachments(&self) -> Api<SynapseSparkAttachment> {
        Api::namespaced(self.calls.clone(), &self.namespace)
    }

    pub(super) async fn attachment(&self, name: &str) -> Result<SynapseSparkAttachment, String> {
        self.attachments().get(name).await.map_err(|error| self.refused(&error, "get", name))
    }

    /// What went wrong, and what to do now. `verb` is the right that it takes; `name` is empty for a list.
    pub(super) fn refused(&self, error: &Error, verb: &str, name: &str) -> String {
        let Self { namespace, server, .. } = self;
        match error {
            Error::Api(status) => self.answered(status, verb, name),
            Error::Auth(_) => {
                format!("the credentials for {server} do not work: {}. Log in again, or choose another --context.", chain(error))
            }
            Error::SerdeError(_) => format!(
                "{namespace}/{name} is stored in a form that this version cannot read: {}. Look at it with kubectl get ssa {name} -n {namespace} -o yaml.",
                chain(error)
            ),
            _ => format!(
                "no answer from the API server {server}: {}. Is the cluster up, and is it the right --context?",
                chain(error)
            ),
        }
    }

    fn answered(&self, status: &Status, verb: &str, name: &str) -> String {
        let Self { namespace, server, .. } = self;
        let said = printable(status.message.trim());
        // An API server that does not know the kind answers 404 without saying of which object.
        let names_it = status.details.as_ref().is_some_and(|details| !details.name.is_empty());
        match status.code {
            401 => format!("{server} does not know you: {said}. Log in again, or choose another --context."),
            403 => format!(
                "Kubernetes refuses it: {said}. Ask whoever manages the cluster for the verb {verb} on {RESOURCE} in namespace {namespace}."
            ),
            404 if names_it => {
                format!(
                    "there is no SynapseSparkAttachment {name} in namespace {namespace}. All that there are: kubectl get ssa --all-namespaces."
                )
            }
            404 => format!(
                "{server} does not know {RESOURCE}: the operator is not installed in this cluster. Install it, or choose another --context."
            ),
            code => format!("Kubernetes refuses to {verb} {namespace}/{name}: {code} {}: {said}", status.reason),
        }
    }
}

/// The configuration of whoever runs this: a kubeconfig, or the ServiceAccount of the pod.
pub(super) async fn config() -> Result<Config, String> {
    let inferred = Config::infer().await;
    inferred.map_err(|error| format!("no Kubernetes: {}; set KUBECONFIG, or run it in a cluster", chain(&error)))
}

/// Two clients: a read time-out would cut quiet watches, and calls need one. Neither retries: passes do.
pub(super) fn clients(config: Config) -> Result<(Client, Client), String> {
    Ok((client(config.clone(), None)?, client(config, Some(CALL_TIMEOUT))?))
}

/// A client whose calls end after `longest`, if there is a limit.
pub(super) fn client(mut config: Config, longest: Option<Duration>) -> Result<Client, String> {
    config.default_retry = false;
    config.connect_timeout = Some(longest.unwrap_or(CALL_TIMEOUT));
    config.read_timeout = longest;
    config.write_timeout = longest;
    config.reset_reader_on_write = longest.is_some();
    Client::try_from(config).map_err(|error| chain(&error))
}
