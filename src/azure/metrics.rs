//! What is counted of the calls to Azure.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

use crate::azure::budget::Kind;

/// The labels of a request: bounded, no name of anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Bucket {
    kind: &'static str,
}

/// Counters of the calls to Azure.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: Family<Request, Counter>,
    duration: Histogram,
    throttled: Family<Bucket, Counter<f64, AtomicU64>>,
    pub(crate) tokens: Counter,
}

impl Metrics {
    /// Makes them, and makes them known.
    pub fn new(registry: &mut Registry) -> Self {
        let made = Self {
            requests: Family::default(),
            duration: Histogram::new([0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]),
            throttled: Family::default(),
            tokens: Counter::default(),
        };
        registry.register(
            "azure_requests",
            "Requests to Azure Resource Manager, by method and HTTP status (\"none\" without an answer)",
            made.requests.clone(),
        );
        registry.register_with_unit(
            "azure_request_duration",
            "How long requests to Azure Resource Manager took",
            Unit::Seconds,
            made.duration.clone(),
        );
        registry.register_with_unit(
            "azure_throttled",
            "Pauses that Azure asked for with 429, by token bucket",
            Unit::Seconds,
            made.throttled.clone(),
        );
        registry.register("azure_token_requests", "Tokens asked of Entra", made.tokens.clone());
        // An alert on a counter that is not there yet would see nothing: it begins at zero.
        for kind in [Kind::Read, Kind::Write, Kind::Delete] {
            drop(made.throttled.get_or_create(&Bucket { kind: kind.as_str() }));
        }
        made
    }

    pub(crate) fn request(&self, method: &'static str, status: Option<u16>, took: Duration) {
        let code = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        self.requests.get_or_create(&Request { method, code }).inc();
        self.duration.observe(took.as_secs_f64());
    }

    pub(crate) fn throttled(&self, kind: Kind, pause: Duration) {
        self.throttled.get_or_create(&Bucket { kind: kind.as_str() }).inc_by(pause.as_secs_f64());
    }
}
