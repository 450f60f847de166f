//! Logs, traces and the metric registry.

pub mod json_lines;
pub mod traces;

use std::fmt;
use std::fs;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use json_lines::JsonLines;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// An additional layer that receives spans and events.
pub type More = Box<dyn Layer<tracing_subscriber::Registry> + Send + Sync>;

/// Lets log lines go to `writer`, from now on.
///
/// kube's client logs every 5xx as an error, although it is handled here; and its runtime puts each reconcile into a span of its
/// own. Both are off unless the filter enables them.
///
/// # Errors
///
/// The error names what is wrong with the filter.
pub fn log<W>(format: LogFormat, filter: &str, writer: W, more: Option<More>) -> Result<(), String>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(format!("kube_client=off,kube_runtime=warn,{filter}"))
        .map_err(|error| format!("--log {filter:?}: {error}"))?;
    let registry = tracing_subscriber::registry();
    let ready = match more {
        // One filter for all: a filter of each layer is asked again at each poll of a future in a span.
        None => registry.with(lines(format, writer).and_then(filter)).try_init(),
        Some(more) => registry.with(more).with(lines(format, writer).with_filter(filter)).try_init(),
    };
    ready.map_err(|error| error.to_string())
}

fn lines<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.fmt_fields(JsonFields::new()).event_format(JsonLines).boxed(),
    }
}

/// The registry of all metrics, of a process that was started then.
#[must_use]
pub fn registry(started: Timestamp) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Process { started }));
    ours(&mut registry).register("build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    registry
}

/// The part of the registry that is the operator's own.
pub fn ours(registry: &mut Registry) -> &mut Registry {
    registry.sub_registry_with_prefix("synapse_spark_operator")
}

/// The standard metrics of a process.
///
/// Source: <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>.
#[derive(Debug)]
struct Process {
    started: Timestamp,
}

/// In /proc, Linux counts a hundred ticks a second on every architecture: `USER_HZ`, proc(5).
const TICKS: f64 = 100.0;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let read = |file| fs::read_to_string(file).unwrap_or_default();
        let number = |text: Option<&str>| text.and_then(|text| text.parse().ok()).unwrap_or(0.0);
        // After the name, which may have blanks in it: utime and stime are the 12th and 13th.
        let stat = read("/proc/self/stat");
        let mut ticks = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
        let cpu: f64 = (number(ticks.next()) + number(ticks.next())) / TICKS;
        let status = read("/proc/self/status");
        let resident =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")).and_then(|rest| rest.split_whitespace().next());
        let resident: f64 = number(resident) * 1024.0;
        let open = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let seconds = Some(&Unit::Seconds);
        let counter = ConstCounter::new(cpu);
        counter.encode(encoder.encode_descriptor("process_cpu", "CPU time used.", seconds, counter.metric_type())?)?;
        let mut gauge = |name: &str, help: &str, unit: Option<&Unit>, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)
        };
        gauge("process_resident_memory", "Memory in use, as the system counts it.", Some(&Unit::Bytes), resident)?;
        gauge("process_open_fds", "Open file descriptors.", None, u32::try_from(open).unwrap_or(u32::MAX).into())?;
        gauge("process_start_time", "When the process started.", seconds, self.started.as_duration().as_secs_f64())
    }
}
