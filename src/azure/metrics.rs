//! Metrics of the requests to Azure.
//!
//! Every label has a bounded set of values: no name, no ID, no URL. Every series whose labels are known in advance starts
//! at zero, because an alert on a counter that does not exist yet would miss its first increment.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::azure::call::Call;
use crate::azure::clock::Clock;
use crate::azure::error::Error;
use crate::azure::throttle::{Class, Kind};
use crate::azure::view::Source;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    operation: &'static str,
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Method {
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Bucket {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Observation {
    source: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Waiting {
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    result: &'static str,
}

/// Metrics of the requests to Azure.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: Family<Request, Counter>,
    duration: Family<Method, Histogram>,
    throttled: Family<Bucket, Counter<f64, AtomicU64>>,
    remaining: Family<Bucket, Gauge<f64, AtomicU64>>,
    permits: Family<Bucket, Counter>,
    waiting: Family<Waiting, Gauge>,
    waited: Family<Waiting, Histogram>,
    tokens: Family<Outcome, Counter>,
    observations: Family<Observation, Counter>,
    pub(super) clock: Clock,
}

/// From a second, for which a request waits without a place in line, to the hour of the sovereign clouds.
const WAIT_BOUNDS: [f64; 8] = [1.0, 5.0, 15.0, 60.0, 120.0, 300.0, 900.0, 3600.0];
/// From an answer of a cache in Azure to the timeout of a request.
const BOUNDS: [f64; 10] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

impl Metrics {
    /// Creates the metrics and registers them.
    // Longer than other functions: one entry per metric, with its help text.
    pub fn new(registry: &mut Registry) -> Self {
        let made = Self {
            requests: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
            throttled: Family::default(),
            remaining: Family::default(),
            permits: Family::default(),
            waiting: Family::default(),
            waited: Family::new_with_constructor(|| Histogram::new(WAIT_BOUNDS)),
            tokens: Family::default(),
            observations: Family::default(),
            clock: Clock::default(),
        };
        registry.register(
            "azure_requests",
            "Requests to Azure, by operation and by the HTTP status code of the answer (none: no answer)",
            made.requests.clone(),
        );
        registry.register_with_unit(
            "azure_request_duration",
            "Duration of the requests to Azure",
            Unit::Seconds,
            made.duration.clone(),
        );
        registry.register_with_unit(
            "azure_throttled",
            "Time during which the operator sent no requests because Azure throttled a subscription (429), summed over subscriptions",
            Unit::Seconds,
            made.throttled.clone(),
        );
        registry.register(
            "azure_ratelimit_remaining",
            "Remaining requests in the subscription with the fewest, from the last x-ms-ratelimit-remaining-subscription-* \
             header (NaN: none received yet)",
            made.remaining.clone(),
        );
        registry.register(
            "azure_permits",
            "Permits taken from the operator's own token buckets, one for each request that was sent, by kind of request",
            made.permits.clone(),
        );
        registry.register(
            "azure_queue_waiting",
            "Attachments in the queue, because Azure's limits do not allow their next request yet, by class of urgency",
            made.waiting.clone(),
        );
        registry.register_with_unit(
            "azure_queue_wait",
            "Time that attachments spent in the queue, by class of urgency",
            Unit::Seconds,
            made.waited.clone(),
        );
        registry.register(
            "azure_token_requests",
            "Requests to Microsoft Entra ID for access tokens of the operator's own identity, by result",
            made.tokens.clone(),
        );
        registry.register(
            "azure_observations",
            "Observations of computes, by where the answer came from: a LIST of the workspace, which may have answered others, \
             too; a GET of the compute; an earlier GET",
            made.observations.clone(),
        );
        registry.register_with_unit(
            "azure_clock_ahead",
            "How far the clock of this machine is ahead of Azure's, according to the last response; negative if it is behind",
            Unit::Seconds,
            made.clock.ahead.clone(),
        );
        for source in Source::ALL {
            drop(made.observations.get_or_create(&Observation { source: source.as_str() }));
        }
        for call in Call::ALL {
            drop(made.requests.get_or_create(&Request { operation: call.as_str(), code: none() }));
            drop(made.duration.get_or_create(&Method { method: call.method().as_str() }));
        }
        for class in Class::ALL {
            drop(made.waiting.get_or_create(&Waiting { class: class.as_str() }));
            drop(made.waited.get_or_create(&Waiting { class: class.as_str() }));
        }
        for kind in Kind::ALL {
            drop(made.permits.get_or_create(&Bucket { kind: kind.as_str() }));
            drop(made.throttled.get_or_create(&Bucket { kind: kind.as_str() }));
            made.remaining.get_or_create(&Bucket { kind: kind.as_str() }).set(f64::NAN);
        }
        for result in ["success", "rejected", "unavailable"] {
            drop(made.tokens.get_or_create(&Outcome { result }));
        }
        made
    }

    pub(crate) fn request(&self, call: Call, status: Option<u16>, took: Duration) {
        let method = call.method().as_str();
        let code = status.map_or_else(none, |status| status.to_string());
        self.requests.get_or_create(&Request { operation: call.as_str(), code }).inc();
        self.duration.get_or_create(&Method { method }).observe(took.as_secs_f64());
    }

    pub(crate) fn observed(&self, source: Source) {
        self.observations.get_or_create(&Observation { source: source.as_str() }).inc();
    }

    pub(crate) fn throttled(&self, kind: Kind, longer: Duration) {
        self.throttled.get_or_create(&Bucket { kind: kind.as_str() }).inc_by(longer.as_secs_f64());
    }

    pub(crate) fn remaining(&self, kind: Kind, left: u32) {
        self.remaining.get_or_create(&Bucket { kind: kind.as_str() }).set(f64::from(left));
    }

    /// A request with a permit is sent.
    pub(crate) fn permit(&self, kind: Kind) {
        self.permits.get_or_create(&Bucket { kind: kind.as_str() }).inc();
    }

    /// The number of those who wait before one bucket has changed.
    pub(crate) fn waiting(&self, class: Class, before: usize, after: usize) {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        if before != after {
            self.waiting.get_or_create(&Waiting { class: class.as_str() }).inc_by(count(after) - count(before));
        }
    }

    /// An attachment has waited in line, and its turn has come.
    pub(crate) fn has_waited(&self, class: Class, waited: Duration) {
        self.waited.get_or_create(&Waiting { class: class.as_str() }).observe(waited.as_secs_f64());
    }

    pub(crate) fn token<T>(&self, answer: &Result<T, Error>) {
        let result = match answer {
            Ok(_) => "success",
            Err(Error::CredentialUnavailable(_)) => "rejected",
            Err(_) => "unavailable",
        };
        self.tokens.get_or_create(&Outcome { result }).inc();
    }
}

fn none() -> String {
    "none".to_owned()
}
