//! `run`: the operator itself, from its start to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{AzureArgs, KUBERNETES_LONGEST, Scope, client, clients, config};
use crate::azure;
use crate::controller::{self, Context, Readiness, chain};
use crate::lease;
use crate::plan::pause;
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
        let (azure, _) = self.azure.client(azure::Metrics::new(ours))?;
        let metrics = controller::metrics::Metrics::new(ours);
        let config = config().await?;
        let (watch, calls) = clients(config.clone())?;
        let electors = self.electors(config)?;
        let listener = server::listen(self.metrics_address)
            .await
            .map_err(|error| format!("--metrics-address {}: {error}", self.metrics_address))?;
        let readiness = Arc::new(Readiness::default());
        tokio::spawn(server::serve(listener, server::Told { registry: Arc::new(registry), readiness: readiness.clone() }));
        let signal = async {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let mut signal = std::pin::pin!(signal);
        let begin = async {
            check_clock(&calls).await;
            let cluster = controller::cluster(&calls).await.map_err(|error| chain(&error))?;
            let terms = lease::acquire_all(electors, |why| tracing::info!("{why}")).await.map_err(|lost| chain(&lost))?;
            Ok::<_, String>((cluster, terms))
        };
        let (cluster, mut terms) = tokio::select! {
            held = begin => held?,
            name = &mut signal => {
                tracing::info!("{name}: it had not begun to work");
                return Ok(());
            }
        };
        metrics.leader.set(1);
        let context = Arc::new(
            Context::new(calls, azure, cluster, Duration::from_secs(self.look_interval), metrics)
                .only_while(lease::are_held(&terms)),
        );
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let options = controller::Options { concurrency: self.concurrency, namespaces: self.scope.namespaces(), readiness };
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
            lost = lease::hold_all(&mut terms) => return Err(chain(&lost)),
            ended = work => ended?,
        }
        futures::future::join_all(terms.into_iter().map(lease::Term::release)).await;
        Ok(())
    }

    /// The Leases to hold before any write.
    fn electors(&self, config: kube::Config) -> Result<Vec<lease::Elector>, String> {
        // A client of its own: renewals must not queue behind other calls, and a quiet connection must not hold one up.
        let kube = client(config, Some(KUBERNETES_LONGEST))?;
        // Of this process alone: a container that starts anew keeps the pod's name.
        let holder = format!("{}_{}", self.pod_name, uuid::Uuid::new_v4());
        Ok(self.scope.leases().iter().map(|namespace| lease::Elector::new(kube.clone(), namespace, &holder)).collect())
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
