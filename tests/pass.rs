//! One pass over one object, in this process: what cannot be asked of the real binary.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{Request, Response};
use azure_core::credentials::Secret;
use azure_core::http::{AsyncRawResponse, HttpClient};
use kube::client::Body;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::api::SynapseSparkAttachment;
use synapse_spark_operator::azure::{Client, Credential, Metrics, Settings};
use synapse_spark_operator::controller::{Context, metrics, reconcile};

/// An Azure that brings out a defect of ours.
#[derive(Debug)]
struct Trap;

#[async_trait::async_trait]
impl HttpClient for Trap {
    async fn execute_request(&self, _: &azure_core::http::Request) -> azure_core::Result<AsyncRawResponse> {
        panic!("a trap")
    }
}

fn object() -> SynapseSparkAttachment {
    let pool = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Synapse/workspaces/w/bigDataPools/p";
    serde_json::from_value(json!({
        "apiVersion": "synapse-spark.dev/v1alpha1",
        "kind": "SynapseSparkAttachment",
        "metadata": {"name": "pool", "namespace": "team-a", "uid": "u", "generation": 1, "finalizers": ["synapse-spark.dev/detach"]},
        "spec": {"workspace": {"subscriptionId": "s", "resourceGroup": "g", "name": "w"}, "resourceId": pool},
    }))
    .expect("an object")
}

#[tokio::test]
async fn a_pass_that_panics_is_told_like_any_other_finding() {
    let written: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
    let kept = written.clone();
    let api = tower::service_fn(move |request: Request<Body>| {
        let kept = kept.clone();
        async move {
            let path = format!("{} {}", request.method(), request.uri().path());
            let body = request.into_body().collect_bytes().await.expect("a body");
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            kept.lock().expect("no holder panics").push((path.clone(), body.clone()));
            let answer = if path.contains("/events") { body } else { serde_json::to_value(object()).expect("JSON") };
            Ok::<_, std::convert::Infallible>(Response::new(Body::from(answer.to_string().into_bytes())))
        }
    });
    let settings = Settings {
        endpoint: "https://arm.example".into(),
        authority: "https://entra.example".into(),
        scope: "https://arm.example/.default".into(),
        api_version: "2024-04-01".into(),
        credential: Credential::ClientSecret { tenant: "t".into(), client: "c".into(), secret: Secret::new("s") },
    };
    let mut registry = Registry::default();
    let azure = Client::new(&settings, Arc::new(Trap), Metrics::new(&mut registry)).expect("good settings");
    let kube = kube::Client::new(api, "default");
    let context = Context::new(kube, azure, "cluster".into(), Duration::from_mins(5), metrics::Metrics::new(&mut registry));

    reconcile(Arc::new(object()), Arc::new(context)).await.expect("the pass ends like any other");

    let written = written.lock().expect("no holder panics");
    let (_, status) =
        written.iter().find(|(path, _)| path.starts_with("PATCH") && path.ends_with("/pool/status")).expect("a status");
    let conditions = status["status"]["conditions"].as_array().expect("conditions");
    assert!(conditions.iter().any(|one| one["type"] == "Stalled" && one["reason"] == "InternalError"), "{status}");
    assert!(conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "False"), "{status}");
    assert_eq!(status["metadata"]["uid"], "u", "it lands on no other object of that name");
    assert!(written.iter().any(|(path, _)| path.contains("/events")), "an event tells it");
    let mut text = String::new();
    encode(&mut text, &registry).expect("text");
    assert!(text.contains("panics_total 1"), "{text}");
}
