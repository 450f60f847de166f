//! `run`: the operator itself, from its start to its end.

mod election;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::args::AzureArgs;
use super::interrupt::shutdown_signal;
use super::kube::{CALL_TIMEOUT, client, clients, config};
use super::scope::{Identity, Scope};
use crate::azure;
use crate::controller::metrics::kubernetes_requests::KubernetesRequests;
use crate::controller::{self, ActivityLog, Context, Definition, Options, Readiness, Shard};
use crate::error_chain::chain;
use crate::leader::{HeldLease, Leadership};
use crate::planner::backoff;
use crate::server;
use crate::telemetry::traces::Traces;
use crate::telemetry::{self, LogFormat};
use election::Election;

/// The port of /livez, /readyz and /metrics.
const METRICS_PORT: u16 = 8080;
/// The time limit for one export of spans to the collector.
const OTLP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long running reconciles may take after SIGTERM: less than the 30 s that Kubernetes allows.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Args)]
// Many fields: one per option.
pub(crate) struct Run {
    #[command(flatten)]
    azure: AzureArgs,
    /// The address that serves /livez, /readyz and /metrics [default: port 8080 of all addresses, IPv6 and IPv4].
    #[arg(long, value_name = "ADDRESS", env = "METRICS_ADDRESS")]
    metrics_address: Option<SocketAddr>,
    /// Add the label `attachment_namespace` to the metrics of attachments, so that alerts can be routed by it. The number of
    /// series then grows with the number of namespaces, and everyone who may read the metrics sees their names.
    #[arg(long, value_name = "BOOL", env = "METRICS_NAMESPACE_LABEL", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    metrics_namespace_label: bool,
    /// How often an attachment that is in sync is observed again, in seconds: the longest time that a change made
    /// elsewhere in Azure goes unnoticed.
    #[arg(long, value_name = "SECONDS", env = "RESYNC_INTERVAL", default_value_t = backoff::RESYNC.as_secs(), value_parser = clap::value_parser!(u64).range(1..=86_400))]
    resync_interval: u64,
    /// How many days before Microsoft's support for its version of Spark ends a pool has the reason `SparkVersionEnding`.
    #[arg(long, value_name = "DAYS", env = "SPARK_VERSION_WARNING", default_value_t = backoff::SPARK_VERSION_WARNING, value_parser = clap::value_parser!(u16).range(0..=3650))]
    spark_version_warning: u16,
    /// The maximum number of concurrent reconciles. A reconcile that has waited for Azure for more than two seconds does not
    /// count; at most eight times this number run in total.
    #[arg(long, value_name = "N", env = "CONCURRENCY", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,
    /// How long after a change made elsewhere in Azure the operator reads Azure's Activity Log, in seconds, to report who made
    /// the change. The log lags behind by minutes. 0: never.
    #[arg(long, value_name = "SECONDS", env = "ACTIVITY_LOG_DELAY", default_value_t = backoff::ACTIVITY_LOG_DELAY.as_secs(), value_parser = clap::value_parser!(u64).range(0..=86_400))]
    activity_log_delay: u64,
    /// Report the name (user principal name) of a user who made such a change, besides the object ID. Names are personal data:
    /// everyone who may read attachments or events sees them.
    #[arg(long, value_name = "BOOL", env = "ACTIVITY_LOG_NAMES", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    activity_log_names: bool,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    scope: Scope,
    /// The name of the pod. It is part of the identity of the lease holder.
    #[arg(long, value_name = "NAME", env = "POD_NAME", default_value = "outside-of-a-pod")]
    pod_name: String,
    /// The format of log lines.
    #[arg(long, env = "LOG_FORMAT", default_value = "text", value_enum)]
    log_format: LogFormat,
    /// The filter for log lines, in the syntax of Rust's tracing-subscriber: info, debug, `synapse_spark_operator=debug`, …
    #[arg(long, value_name = "FILTER", env = "LOG", default_value = "info")]
    log: String,
    /// The collector that receives traces by OTLP over HTTP, such as `http://collector:4318`. Default: no traces are sent.
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,
}

impl Run {
    /// Runs the operator. Gives the exit code; an error is one from before anything could be logged.
    pub(crate) async fn execute(self) -> Result<u8, String> {
        let traces = match &self.otlp_endpoint {
            Some(endpoint) => {
                let http = reqwest::Client::builder().timeout(OTLP_TIMEOUT).build().map_err(|error| chain(&error))?;
                Some(Traces::to(endpoint, http).map_err(|error| format!("--otlp-endpoint {endpoint}: {error}"))?)
            }
            None => None,
        };
        telemetry::log(self.log_format, &self.log, std::io::stderr, traces.as_ref().map(Traces::layer))?;
        let ended = Box::pin(self.start()).await;
        // Where the filter lets it through, it is a line of the log; else main prints it.
        let is_logged = tracing::enabled!(tracing::Level::ERROR);
        if let Err(error) = &ended {
            tracing::error!(error, "operator ended");
        }
        if let Some(traces) = traces {
            traces.end().await;
        }
        match ended {
            Ok(()) => Ok(0),
            Err(_) if is_logged => Ok(1),
            Err(error) => Err(error),
        }
    }

    async fn start(self) -> Result<(), String> {
        // Before anything else: a signal that comes early must not be lost.
        let shutdown = shutdown_signal()?;
        let shard = self.scope.shard()?;
        self.log_start();
        let mut registry = telemetry::registry(jiff::Timestamp::now());
        let ours = telemetry::ours(&mut registry);
        let (azure, _) = self.azure.client_as(self.identity.unavailable(), azure::Metrics::new(ours))?;
        let metrics = controller::metrics::Metrics::new(ours).with_namespaces(self.metrics_namespace_label);
        let requests = KubernetesRequests::new(ours);
        let config = config().await?;
        let (watch, calls) = clients(config.clone())?;
        let (watch, calls) = (requests.counted(&watch), requests.counted(&calls));
        // A client of its own: renewals must not queue behind other calls, and a quiet connection must not delay one.
        let leases = requests.counted(&client(config, Some(CALL_TIMEOUT))?);
        let listener = match self.metrics_address {
            Some(address) => server::listen(address).await.map_err(|error| format!("--metrics-address {address}: {error}"))?,
            None => server::listen_everywhere(METRICS_PORT)
                .await
                .map_err(|error| format!("port {METRICS_PORT} cannot be bound: {error}; set --metrics-address"))?,
        };
        let readiness = Arc::new(Readiness::starting());
        tokio::spawn(server::serve(listener, server::ServerState { registry: Arc::new(registry), readiness: readiness.clone() }));
        let definition = Arc::new(Definition::default());
        tokio::spawn(definition.clone().follow(calls.clone(), readiness.clone(), metrics.definition_missing_fields.clone()));
        let election = Election::new((&self.scope, &shard), &self.pod_name, &leases, readiness.clone());
        let clients = Clients { watch, calls, azure, metrics, readiness, definition, shard };
        let mut held = Vec::new();
        let ended = Box::pin(self.lead(clients, election, shutdown, &mut held)).await;
        // However it ends: a standby need not wait until the Leases expire.
        futures::future::join_all(held.into_iter().map(HeldLease::release)).await;
        ended
    }

    /// What runs, and with which settings.
    fn log_start(&self) {
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            pod = self.pod_name,
            manages = self.scope.managed(),
            concurrency = self.concurrency,
            resync_interval_seconds = self.resync_interval,
            "starting"
        );
    }

    /// Waits until this process leads, and reconciles until it must stop.
    async fn lead(
        self,
        clients: Clients,
        mut election: Election,
        shutdown: impl Future<Output = &'static str>,
        held: &mut Vec<HeldLease>,
    ) -> Result<(), String> {
        let mut shutdown = std::pin::pin!(shutdown);
        let begin = async {
            check_clock(&clients.calls).await;
            let cluster = controller::cluster_uid(&clients.calls).await.map_err(|error| chain(&error))?;
            // An older version, which knows no other fields, may go on until then.
            clients.definition.usable().await;
            election.win(held).await?;
            Ok::<_, String>(cluster)
        };
        let cluster = tokio::select! {
            uid = begin => uid?,
            signal = &mut shutdown => {
                tracing::info!(signal, "shutting down: this process did not lead");
                return Ok(());
            }
        };
        let (watch, definition) = (clients.watch.clone(), clients.definition.clone());
        let (context, options) = self.controller(clients, cluster, (held, election.leadership(held)));
        tokio::select! {
            biased;
            why = definition.unusable() => Err(format!("{why}. This operator restarts and waits until it is upgraded")),
            // At once, in the middle of whatever it does: another process may be about to write.
            lost = election.lost(held) => Err(lost),
            ended = run_until(shutdown, watch, context, options) => ended,
        }
    }

    /// What the controller needs, in the process that leads.
    fn controller(
        self,
        clients: Clients,
        cluster: String,
        (held, leadership): (&[HeldLease], Leadership),
    ) -> (Arc<Context>, Options) {
        let Clients { calls, azure, metrics, readiness, definition, shard, .. } = clients;
        metrics.leader.set(1);
        for lease in held {
            tracing::info!(lease = lease.path(), cluster, "became leader");
        }
        let namespaces = if self.scope.is_for_namespaces() {
            // A namespace whose Lease Kubernetes refuses is left out.
            held.iter().map(|lease| lease.namespace().to_owned()).collect()
        } else {
            self.scope.namespaces()
        };
        let delay = Some(Duration::from_secs(self.activity_log_delay)).filter(|delay| !delay.is_zero());
        let context = Context::new(calls, azure, cluster, Duration::from_secs(self.resync_interval), metrics)
            .with_activity_log(ActivityLog { delay, names: self.activity_log_names })
            .with_default_tenant(self.azure.tenant_id.filter(|tenant| !tenant.is_empty()))
            .with_shard(shard)
            .with_spark_version_warning(self.spark_version_warning)
            .with_definition(definition)
            .with_write_gate(move || leadership.time_left());
        (Arc::new(context), Options { concurrency: self.concurrency, namespaces, readiness })
    }
}

/// What the process works with.
struct Clients {
    watch: kube::Client,
    calls: kube::Client,
    azure: azure::Client,
    metrics: controller::metrics::Metrics,
    readiness: Arc<Readiness>,
    definition: Arc<Definition>,
    shard: Shard,
}

/// Runs the controller until the shutdown; reconciles that have begun may end.
async fn run_until(
    shutdown: impl Future<Output = &'static str>,
    watch: kube::Client,
    context: Arc<Context>,
    options: Options,
) -> Result<(), String> {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut running = std::pin::pin!(controller::run(watch, context, options, async {
        let _ = stopped.await;
    }));
    tokio::select! {
        () = &mut running => return Err("the watch ended unexpectedly".to_owned()),
        signal = shutdown => tracing::info!(signal, "shutting down: no new reconcile begins"),
    }
    let _ = stop.send(());
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, running).await.is_err() {
        tracing::warn!(seconds = SHUTDOWN_TIMEOUT.as_secs(), "reconciles still run; the next leader continues them");
    }
    Ok(())
}

/// Access tokens depend on the clock: reports if that of this machine is far off.
async fn check_clock(kube: &kube::Client) {
    if let Some(ahead) = controller::clock_ahead(kube).await.filter(|ahead| ahead.abs().as_secs() >= 60) {
        tracing::error!(seconds = ahead.as_secs(), "clock differs from the API server's: tokens may be rejected");
    }
}
