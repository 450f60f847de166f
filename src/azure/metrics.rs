//! What is counted of the calls to Azure.
//!
//! Every label is bounded: no name, no ID, no URL. Every series that can be named begins at zero, since an alert on a
//! counter that is not there yet would miss its first step.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::azure::call::Call;
use crate::azure::error::Error;
use crate::azure::throttle::Kind;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    call: &'static str,
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
struct Outcome {
    outcome: &'static str,
}

/// Figures of the calls to Azure.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: Family<Request, Counter>,
    duration: Family<Method, Histogram>,
    throttled: Family<Bucket, Counter<f64, AtomicU64>>,
    remaining: Family<Bucket, Gauge<f64, AtomicU64>>,
    tokens: Family<Outcome, Counter>,
}

/// From a look that a cache of Azure answers to the longest that is waited for.
const BOUNDS: [f64; 10] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

impl Metrics {
    /// Makes them, and makes them known.
    pub fn new(registry: &mut Registry) -> Self {
        let made = Self {
            requests: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
            throttled: Family::default(),
            remaining: Family::default(),
            tokens: Family::default(),
        };
        registry.register(
            "azure_requests",
            "Requests to Azure Resource Manager, by what they ask for and the HTTP status (none: no answer)",
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
            "How long Azure's 429 kept requests of a subscription back, summed over subscriptions",
            Unit::Seconds,
            made.throttled.clone(),
        );
        registry.register(
            "azure_ratelimit_remaining",
            "Requests that Azure has left for us in the scarcest subscription, as x-ms-ratelimit-remaining-subscription-* \
             last said (NaN: not said yet)",
            made.remaining.clone(),
        );
        registry.register(
            "azure_token_refreshes",
            "Tokens asked of Entra for the operator itself, by what came of it",
            made.tokens.clone(),
        );
        for call in Call::ALL {
            drop(made.requests.get_or_create(&Request { method: call.method().as_str(), call: call.as_str(), code: none() }));
            drop(made.duration.get_or_create(&Method { method: call.method().as_str() }));
        }
        for kind in [Kind::Read, Kind::Write, Kind::Delete] {
            drop(made.throttled.get_or_create(&Bucket { kind: kind.as_str() }));
            made.remaining.get_or_create(&Bucket { kind: kind.as_str() }).set(f64::NAN);
        }
        for outcome in ["success", "refused", "unanswered"] {
            drop(made.tokens.get_or_create(&Outcome { outcome }));
        }
        made
    }

    pub(crate) fn request(&self, call: Call, status: Option<u16>, took: Duration) {
        let method = call.method().as_str();
        let code = status.map_or_else(none, |status| status.to_string());
        self.requests.get_or_create(&Request { method, call: call.as_str(), code }).inc();
        self.duration.get_or_create(&Method { method }).observe(took.as_secs_f64());
    }

    pub(crate) fn throttled(&self, kind: Kind, longer: Duration) {
        self.throttled.get_or_create(&Bucket { kind: kind.as_str() }).inc_by(longer.as_secs_f64());
    }

    pub(crate) fn remaining(&self, kind: Kind, left: u32) {
        self.remaining.get_or_create(&Bucket { kind: kind.as_str() }).set(f64::from(left));
    }

    pub(crate) fn token<T>(&self, answer: &Result<T, Error>) {
        let outcome = match answer {
            Ok(_) => "success",
            Err(Error::CredentialUnavailable(_)) => "refused",
            Err(_) => "unanswered",
        };
        self.tokens.get_or_create(&Outcome { outcome }).inc();
    }
}

fn none() -> String {
    "none".to_owned()
}
