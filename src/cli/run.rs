//! `run`: the operator itself, from its start to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::args::AzureArgs;
use super::kube::{CALL_TIMEOUT, client, clients, config};
use super::scope::{Identity, Scope};
use crate::azure;
use crate::controller::{self, Context, Readiness, chain};
use crate::leader::{self, LeaseState};
use crate::planner::pause;
use crate::server;
use crate::telemetry::traces::Traces;
use crate::telemetry::{self, LogFormat};

/// A collector that takes longer gets no span.
const OTLP_LONGEST: Duration = Duration::from_secs(10);
/// After SIGTERM, passes that run get so long: less than the 30 s that Kubernetes gives.
const LAST_PASSES: Duration = Duration::from_secs(20);

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    azure: AzureArgs,
    /// Where /livez, /readyz and /metrics are.
    #[arg(long, value_name = "ADDRESS", env = "METRICS_ADDRESS", default_value = "0.0.0.0:8080")]
    metrics_address: SocketAddr,
    /// How often a settled attachment is looked at, in seconds: how long a change by others may stand.
    #[arg(long, value_name = "SECONDS", env = "LOOK_INTERVAL", default_value_t = pause::SETTLED.as_secs(), value_parser = clap::value_parser!(u64).range(1..=86_400))]
    look_interval: u64,
    /// Passes at the same time, at most.
    #[arg(long, value_name = "N", env = "CONCURRENCY", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    scope: Scope,
    /// The pod's name: who holds the Lease, for people.
    #[arg(long, value_name = "NAME", env = "POD_NAME", default_value = "outside-of-a-pod")]
    pod_name: String,
    /// How log lines look.
    #[arg(long, env = "LOG_FORMAT", default_value = "text", value_enum)]
    log_format: LogFormat,
    /// Which log lines are written, as tracing's filters say it: info, debug, `synapse_spark_operator=debug`, …
    #[arg(long, value_name = "FILTER", env = "LOG", default_value = "info")]
    log: String,
    /// Where traces go, by OTLP over HTTP, as `http://collector:4318`. Default: nowhere.
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,
}

impl Run {
    pub(crate) async fn execute(self) -> Result<(), String> {
        let traces = match &self.otlp_endpoint {
            Some(endpoint) => {
                let http = reqwest::Client::builder().timeout(OTLP_LONGEST).build().map_err(|error| chain(&error))?;
                Some(Traces::to(endpoint, http).map_err(|error| format!("--otlp-endpoint {endpoint}: {error}"))?)
            }
            None => None,
        };
        telemetry::log(self.log_format, &self.log, std::io::stderr, traces.as_ref().map(Traces::layer))?;
        let ended = self.work().await;
        if let Some(traces) = traces {
            traces.end().await;
        }
        ended
    }

    async fn work(self) -> Result<(), String> {
        // Before anything else: a signal that comes early must not be lost.
        let listen = |kind| signal(kind).map_err(|error| format!("signals: {error}"));
        let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        let mut registry = telemetry::registry(jiff::Timestamp::now());
        let ours = telemetry::ours(&mut registry);
        let (azure, _) = self.azure.client_as(self.identity.nobody(), azure::Metrics::new(ours))?;
        let metrics = controller::metrics::Metrics::new(ours);
        let config = config().await?;
        let (watch, calls) = clients(config.clone())?;
        let listener = server::listen(self.metrics_address)
            .await
            .map_err(|error| format!("--metrics-address {}: {error}", self.metrics_address))?;
        let readiness = Arc::new(Readiness::starting());
        tokio::spawn(server::serve(listener, server::Told { registry: Arc::new(registry), readiness: readiness.clone() }));
        let signal = async {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let start = Start { watch, calls, azure, metrics, readiness, config };
        let mut terms = Vec::new();
        let ended = self.look_after(start, signal, &mut terms).await;
        // However it ends: a standby need not wait for the Leases' end.
        futures::future::join_all(terms.into_iter().map(leader::HeldLease::release)).await;
        ended
    }

    async fn look_after(
        self,
        start: Start,
        signal: impl Future<Output = &'static str>,
        terms: &mut Vec<leader::HeldLease>,
    ) -> Result<(), String> {
        let Start { watch, calls, azure, metrics, readiness, config } = start;
        let mut signal = std::pin::pin!(signal);
        let lease_client = self.lease_clients(config)?;
        let candidates = self.scope.leases().iter().map(|namespace| leader::Candidate::new(lease_client(namespace))).collect();
        let mut wider = self.scope.wider().map(|namespace| leader::ClusterWideLease::new(lease_client(namespace)));
        let on_change = |lease: &str, state: LeaseState| match state {
            LeaseState::Held => readiness.there(lease),
            LeaseState::HeldBy(holder) => {
                readiness.there(lease);
                readiness.begun();
                tracing::info!("standby: {holder} holds {lease}");
            }
            LeaseState::Unknown(why) => {
                tracing::warn!("{lease} cannot be had: {why}");
                readiness.missing(lease, why);
                readiness.begun();
            }
        };
        let begin = async {
            check_clock(&calls).await;
            let cluster = controller::cluster(&calls).await.map_err(|error| chain(&error))?;
            if let Some(wider) = &mut wider {
                wider.wait_until_free(|lease, whose| wait_for_wider(&readiness, lease, whose)).await;
            }
            let refused = leader::acquire_each(candidates, terms, on_change).await.map_err(|lost| chain(&lost))?;
            Ok::<_, String>((cluster, refused))
        };
        let (cluster, refused) = tokio::select! {
            held = begin => held?,
            name = &mut signal => {
                tracing::info!("{name}: it had not begun to work");
                return Ok(());
            }
        };
        metrics.leader.set(1);
        let context = Arc::new(
            Context::new(calls, azure, cluster, Duration::from_secs(self.look_interval), metrics)
                .in_tenant(self.azure.tenant_id.clone().filter(|tenant| !tenant.is_empty()))
                .only_while({
                    let leadership = leader::Leadership::of(terms);
                    move || leadership.time_left().is_some()
                }),
        );
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let namespaces = match self.scope.namespaces() {
            _ if self.scope.wider().is_some() => terms.iter().map(|term| term.namespace().to_owned()).collect(),
            named => named,
        };
        let options = controller::Options { concurrency: self.concurrency, namespaces, readiness };
        let work = async {
            let mut running = std::pin::pin!(controller::run(watch, context, options, async {
                let _ = stopped.await;
            }));
            tokio::select! {
                () = &mut running => return Err("the watch has ended by itself".to_owned()),
                name = &mut signal => tracing::info!("{name}: no new pass begins"),
            }
            let _ = stop.send(());
            if tokio::time::timeout(LAST_PASSES, running).await.is_err() {
                tracing::warn!(seconds = LAST_PASSES.as_secs(), "passes still run; the next start takes them up");
            }
            Ok(())
        };
        tokio::select! {
            // At once, in the middle of whatever it is at: another may be about to write.
            lost = leader::renew_each(terms) => Err(chain(&lost)),
            holder = taken(&mut wider) => {
                Err(format!("{holder} looks after all namespaces now: this one waits until it ends, or give each its own"))
            }
            namespace = leader::first_available(refused) => {
                Err(format!("the Lease of namespace {namespace} can be had now: starts anew, to look after it too"))
            }
            ended = work => ended,
        }
    }

    /// Makes the client for the Lease of a namespace.
    fn lease_clients(&self, config: kube::Config) -> Result<impl Fn(&str) -> leader::LeaseClient + use<>, String> {
        // A client of its own: renewals must not queue behind other calls, and a quiet connection must not hold one up.
        let kube = client(config, Some(CALL_TIMEOUT))?;
        // Of this process alone: a container that starts anew keeps the pod's name.
        let holder = format!("{}_{}", self.pod_name, uuid::Uuid::new_v4());
        Ok(move |namespace: &str| leader::LeaseClient::new(kube.clone(), namespace, &holder))
    }
}

/// What it works with.
struct Start {
    watch: kube::Client,
    calls: kube::Client,
    azure: azure::Client,
    metrics: controller::metrics::Metrics,
    readiness: Arc<Readiness>,
    config: kube::Config,
}

/// An operator for all namespaces holds its Lease, or nobody may see whether one does.
fn wait_for_wider(readiness: &Readiness, lease: &str, whose: LeaseState) {
    let what = "another operator";
    match whose {
        LeaseState::Held => readiness.there(what),
        LeaseState::HeldBy(holder) => {
            let why = format!("{holder} looks after all namespaces ({lease}); this one waits until it ends");
            tracing::warn!("{why}");
            readiness.missing(what, why);
            readiness.begun();
        }
        LeaseState::Unknown(why) => {
            tracing::warn!("{lease}: whether an operator for all namespaces is there cannot be seen: {why}")
        }
    }
}

async fn taken(wider: &mut Option<leader::ClusterWideLease>) -> String {
    match wider {
        Some(wider) => wider.wait_until_held().await,
        None => std::future::pending().await,
    }
}

/// Tokens and Leases rest on clocks: say so if ours is far off.
async fn check_clock(kube: &kube::Client) {
    if let Some(ahead) = controller::clock_ahead(kube).await.filter(|ahead| ahead.abs().as_secs() >= 60) {
        tracing::error!(
            seconds = ahead.as_secs(),
            "this machine's clock is ahead of the API server's (negative: behind); Entra refuses tokens then: set its clock"
        );
    }
}
