//! Metrics of the requests to Kubernetes.

use std::time::Instant;

use http::{Method, Request, Uri};
use kube::Client;
use kube::client::Body;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sent {
    verb: &'static str,
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Verb {
    verb: &'static str,
}

const WATCH: &str = "WATCH";
const OTHER: &str = "OTHER";
const VERBS: [&str; 6] = ["DELETE", "GET", "PATCH", "POST", "PUT", WATCH];

/// From an answer out of the API server's memory to the timeout of a request.
const BOUNDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0];

/// Metrics of the requests to Kubernetes.
#[derive(Debug, Clone)]
pub struct KubernetesRequests {
    sent: Family<Sent, Counter>,
    duration: Family<Verb, Histogram>,
}

impl KubernetesRequests {
    /// Creates the metrics and registers them.
    pub fn new(registry: &mut Registry) -> Self {
        let new = Self { sent: Family::default(), duration: Family::new_with_constructor(|| Histogram::new(BOUNDS)) };
        registry.register(
            "kubernetes_requests",
            "Requests to the Kubernetes API server, by verb (a LIST is a GET) and by the HTTP status code of the answer (none: no \
             answer)",
            new.sent.clone(),
        );
        registry.register_with_unit(
            "kubernetes_request_duration",
            "Time until the Kubernetes API server begins to answer a request",
            Unit::Seconds,
            new.duration.clone(),
        );
        for verb in VERBS {
            drop(new.sent.get_or_create(&Sent { verb, code: none() }));
            drop(new.duration.get_or_create(&Verb { verb }));
        }
        new
    }

    /// A client whose requests are counted.
    #[must_use]
    pub fn counted(&self, client: &Client) -> Client {
        let (metrics, inner) = (self.clone(), client.clone());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (metrics, inner) = (metrics.clone(), inner.clone());
            async move {
                let (verb, begun) = (verb(request.method(), request.uri()), Instant::now());
                let answer = inner.send(request).await;
                let code = answer.as_ref().map_or_else(|_| none(), |answer| answer.status().as_str().to_owned());
                metrics.sent.get_or_create(&Sent { verb, code }).inc();
                metrics.duration.get_or_create(&Verb { verb }).observe(begun.elapsed().as_secs_f64());
                answer
            }
        });
        Client::new(service, client.default_namespace())
    }
}

fn none() -> String {
    "none".to_owned()
}

/// The verb, of a bounded set.
fn verb(method: &Method, uri: &Uri) -> &'static str {
    let watches = |query: &str| query.split('&').any(|part| part == "watch=true" || part == "watch=1");
    if method == Method::GET && uri.query().is_some_and(watches) {
        return WATCH;
    }
    VERBS.into_iter().find(|verb| *verb == method.as_str()).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_a_verb_of_its_own() {
        let cases = [
            ("GET", "/apis/synapse-spark.dev/v1alpha1/synapsesparkattachments?watch=true&resourceVersion=1", "WATCH"),
            ("GET", "/apis/synapse-spark.dev/v1alpha1/synapsesparkattachments?limit=500", "GET"),
            ("PATCH", "/apis/synapse-spark.dev/v1alpha1/namespaces/watch=true/synapsesparkattachments/a/status", "PATCH"),
            ("OPTIONS", "/", "OTHER"),
        ];
        for (method, uri, expected) in cases {
            let method = method.parse().expect("a method");
            assert_eq!(verb(&method, &uri.parse().expect("a URI")), expected, "{method} {uri}");
        }
    }
}
