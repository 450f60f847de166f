//! Kubernetes and Azure in this process, and what a reconcile needs over them.

mod api;
mod azure;
#[path = "../settings.rs"]
mod settings;

use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::Secret;
use azure_core::http::HttpClient;
use jiff::Timestamp;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::azure::{Client, Credential, Limits, Metrics, Settings};
use synapse_spark_operator::controller::{Context, metrics};

pub use api::Api;
pub use azure::Azure;
use settings::settings;

/// Where every object's pool is.
const POOL: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Synapse/workspaces/w/bigDataPools/p";

/// An object with the finalizer, whose compute has the object's name unless `spec` has another.
pub fn object(namespace: &str, name: &str, spec: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "synapse-spark.dev/v1alpha1",
        "kind": "SynapseSparkAttachment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": format!("{namespace}-{name}"),
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "finalizers": ["synapse-spark.dev/detach"],
        },
        "spec": {"workspace": {"subscriptionId": "s", "resourceGroup": "g", "name": "ml"}, "resourceId": POOL},
    });
    api::merge(&mut object["spec"], spec);
    object
}

/// The time of day by the runtime's clock: where a test has paused it, hours may pass at once, and none while the machine is busy.
/// A test begins with a whole second, as times in a status are.
pub fn now() -> Timestamp {
    thread_local! {
        static START: (Timestamp, tokio::time::Instant) = (whole_second(), tokio::time::Instant::now());
    }
    START.with(|(time, instant)| *time + instant.elapsed())
}

fn whole_second() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).expect("a time of today")
}

/// What every reconcile needs, over this API server and this Azure. Its clock is the runtime's, which a test may have paused.
pub fn context(kube: kube::Client, azure: Arc<dyn HttpClient>, registry: &mut Registry) -> Context {
    let azure = client(azure, registry);
    Context::new(kube, azure, "cluster".into(), Duration::from_mins(5), metrics::Metrics::new(registry)).with_wall_clock(now)
}

/// A client of this Azure.
pub fn client(azure: Arc<dyn HttpClient>, registry: &mut Registry) -> Client {
    let credential = Credential::ClientSecret { tenant: "t".into(), client: "c".into(), secret: Secret::new("s") };
    let settings = settings("https://arm.example", "https://entra.example", credential);
    Client::new(&settings, azure, Metrics::new(registry)).expect("good settings")
}
