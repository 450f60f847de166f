//! Logs and the metric registry.

use prometheus_client::registry::Registry;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Lets log lines go to `writer`, from now on.
///
/// kube's client logs every 5xx as an error of its own, though it is handled here: it is heard only when asked for.
///
/// # Errors
///
/// Says what is wrong with the filter.
pub fn log<W>(format: LogFormat, filter: &str, writer: W) -> Result<(), String>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(format!("kube_client=off,{filter}")).map_err(|error| format!("--log {filter:?}: {error}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false);
    let set = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    set.map_err(|error| error.to_string())
}

/// The registry of all metrics.
#[must_use]
pub fn registry() -> Registry {
    Registry::with_prefix("synapse_spark_operator")
}
