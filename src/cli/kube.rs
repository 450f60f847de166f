//! The connection to a cluster: kubectl's own options, and error messages with advice.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use kube::api::Api;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, Error, core::Status};

use super::output::printable;
use super::proxy;
use crate::api::SynapseSparkAttachment;
use crate::error_chain::chain;

/// A call to Kubernetes takes no longer.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// The field manager of changes, as `metadata.managedFields` shows it.
pub(super) const FIELD_MANAGER: &str = "kubectl-synapse";

/// The attachments, as messages name them.
const ATTACHMENTS: Resource = Resource { plural: "synapsesparkattachments.synapse-spark.dev", kind: "SynapseSparkAttachment" };

/// A resource, as messages name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resource {
    /// As RBAC names it: the plural, with its group.
    pub(super) plural: &'static str,
    pub(super) kind: &'static str,
}

#[derive(Debug, Clone, Default, Args)]
pub(super) struct ClusterArgs {
    /// The namespace. Default: that of the context.
    #[arg(short, long, value_name = "NAME", help_heading = "Cluster")]
    pub(super) namespace: Option<String>,
    #[command(flatten)]
    pub(super) context: ContextArgs,
}

/// How to reach the cluster.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ContextArgs {
    /// The context of the kubeconfig. Default: the current context.
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    context: Option<String>,
    /// The kubeconfig. Default: KUBECONFIG, then ~/.kube/config, then the pod's ServiceAccount.
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    kubeconfig: Option<PathBuf>,
}

/// A cluster, and the namespace of the command.
pub(super) struct Cluster {
    /// For calls, with timeouts.
    pub(super) calls: Client,
    /// For watches, which may be quiet for long.
    pub(super) watch: Client,
    pub(super) namespace: String,
    pub(super) server: String,
    /// The proxy to it.
    proxy: Option<String>,
}

impl ClusterArgs {
    pub(super) async fn connect(&self) -> Result<Cluster, String> {
        let cluster = self.context.connect().await?;
        Ok(match &self.namespace {
            Some(namespace) => cluster.of(namespace),
            None => cluster,
        })
    }
}

impl ContextArgs {
    /// The cluster, with the namespace of the context.
    pub(super) async fn connect(&self) -> Result<Cluster, String> {
        let config = self.config().await?;
        let namespace = config.default_namespace.clone();
        let (server, proxy) = (config.cluster_url.to_string(), config.proxy_url.as_ref().map(proxy::name));
        let (watch, calls) = clients(config).map_err(|error| format!("cannot connect to {server}: {error}"))?;
        Ok(Cluster { calls, watch, namespace, server, proxy })
    }

    /// The configuration of the user: a kubeconfig, or the ServiceAccount of the pod.
    async fn config(&self) -> Result<Config, String> {
        let mut config = self
            .loaded()
            .await
            .map_err(|error| format!("cannot load a kubeconfig: {error}. Set KUBECONFIG, --kubeconfig or --context."))?;
        config.proxy_url = proxy::choose(config.proxy_url.take(), &config.cluster_url, |name| std::env::var(name).ok());
        Ok(config)
    }

    /// The configuration for a process that works as the operator does: without options, that of the operator.
    pub(super) async fn config_as_operator(&self) -> Result<Config, String> {
        if self.context.is_none() && self.kubeconfig.is_none() { config().await } else { self.config().await }
    }

    async fn loaded(&self) -> Result<Config, String> {
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
    /// The same cluster with another namespace.
    pub(super) fn of(&self, namespace: &str) -> Self {
        let Self { calls, watch, server, proxy, .. } = self;
        let (calls, watch, server, proxy) = (calls.clone(), watch.clone(), server.clone(), proxy.clone());
        Self { calls, watch, server, proxy, namespace: namespace.to_owned() }
    }

    /// The attachments of the namespace.
    pub(super) fn attachments(&self) -> Api<SynapseSparkAttachment> {
        Api::namespaced(self.calls.clone(), &self.namespace)
    }

    pub(super) async fn attachment(&self, name: &str) -> Result<SynapseSparkAttachment, String> {
        self.attachments().get(name).await.map_err(|error| self.refused(&error, "get", name))
    }

    /// What went wrong with an attachment, and what to do. `verb` is the verb that RBAC must allow; `name` is empty for a list.
    pub(super) fn refused(&self, error: &Error, verb: &str, name: &str) -> String {
        match error {
            Error::SerdeError(_) if !name.is_empty() => format!(
                "{}/{name} is stored in a form that this version cannot read: {}. To show it, run kubectl get ssa {name} -n {0} -o yaml.",
                self.namespace,
                chain(error)
            ),
            error => self.refused_for(ATTACHMENTS, error, verb, name),
        }
    }

    /// What went wrong with an object of any resource, and what to do.
    pub(super) fn refused_for(&self, resource: Resource, error: &Error, verb: &str, name: &str) -> String {
        let Self { server, proxy, .. } = self;
        match error {
            Error::Api(status) => self.answered(resource, status, verb, name),
            Error::Auth(_) => {
                format!("the credentials for {server} are invalid: {}. Log in again, or choose another --context.", chain(error))
            }
            Error::SerdeError(_) => format!("the answer of {server} cannot be read: {}", chain(error)),
            _ if proxy.is_some() => format!(
                "no answer from the API server {server} through the proxy {}: {}. Check the proxy; if the server can be reached without it, name the server in NO_PROXY.",
                proxy.as_deref().unwrap_or_default(),
                chain(error)
            ),
            _ => format!(
                "no answer from the API server {server}: {}. Check that the cluster is running and that --context is right.",
                chain(error)
            ),
        }
    }

    fn answered(&self, Resource { plural, kind }: Resource, status: &Status, verb: &str, name: &str) -> String {
        let Self { namespace, server, .. } = self;
        let message = printable(status.message.trim());
        // An API server without this kind answers 404 without the name of an object.
        let names_it = status.details.as_ref().is_some_and(|details| !details.name.is_empty());
        match status.code {
            401 => format!("{server} rejects your credentials: {message}. Log in again, or choose another --context."),
            403 => {
                // That is how Kubernetes words the refusal of a request for all namespaces.
                let is_of_cluster = message.contains("at the cluster scope");
                let place = if is_of_cluster { "in all namespaces".to_owned() } else { format!("in namespace {namespace}") };
                format!("forbidden: {message}. Ask the administrator of the cluster for the verb {verb} on {plural} {place}.")
            }
            404 if names_it => {
                let hint = if plural == ATTACHMENTS.plural { " To list all, run kubectl get ssa --all-namespaces." } else { "" };
                format!("there is no {kind} {name} in namespace {namespace}.{hint}")
            }
            404 => format!(
                "{server} has no {plural}: the operator is not installed in this cluster. Install it, or choose another --context."
            ),
            code => format!("cannot {verb} {namespace}/{name}: {code} {}: {message}", status.reason),
        }
    }
}

/// The configuration of the operator: the ServiceAccount of its pod, or a kubeconfig.
pub(super) async fn config() -> Result<Config, String> {
    let inferred = Config::infer().await;
    inferred.map_err(|error| format!("cannot connect to Kubernetes: {}; set KUBECONFIG, or run it in a cluster", chain(&error)))
}

/// Two clients: a read timeout would cut quiet watches, and calls need one. Neither retries: reconciles do.
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

#[cfg(test)]
impl Cluster {
    /// A cluster whose API server answers the path of a request with a code and an object.
    pub(super) fn answering(answer: impl Fn(&str) -> (u16, serde_json::Value) + Clone + Send + Sync + 'static) -> Self {
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (code, object) = answer(request.uri().path());
            let body = kube::client::Body::from(object.to_string().into_bytes());
            let answer = http::Response::builder().status(code).body(body).expect("an answer");
            std::future::ready(Ok::<_, std::convert::Infallible>(answer))
        });
        let calls = Client::new(service, "team-a");
        let [namespace, server] = ["team-a", "https://api.example"].map(ToOwned::to_owned);
        Self { watch: calls.clone(), calls, namespace, server, proxy: None }
    }
}
