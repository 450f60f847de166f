//! An absence is confirmed over a new connection before anything rests on it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{Request, Response};
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, HttpClient, Method};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::client::Body;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::api::SynapseSparkAttachment;
use synapse_spark_operator::controller::{Context, metrics, reconcile};

use super::{client, object};

/// Two absences so far apart are certain (`src/planner/backoff.rs`).
const CONFIRMED_AFTER: Duration = Duration::from_secs(15);

/// A front end of Azure, as one kind of connection reaches it.
#[derive(Debug, Default)]
struct FrontEnd {
    /// None: it answers 404.
    compute: Option<Value>,
    reads: AtomicU32,
    writes: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl HttpClient for FrontEnd {
    async fn execute_request(&self, request: &azure_core::http::Request) -> azure_core::Result<AsyncRawResponse> {
        let is_compute = request.url().path().contains("/computes/");
        let (code, body) = match request.method() {
            Method::Get if is_compute => {
                self.reads.fetch_add(1, Ordering::Relaxed);
                let absent = json!({"error": {"code": "ResourceNotFound", "message": "m"}});
                self.compute.clone().map_or((404, absent), |compute| (200, compute))
            }
            Method::Get => (200, json!({"location": "eastus2"})),
            Method::Post => (200, json!({"token_type": "Bearer", "access_token": "t", "expires_in": 3600})),
            method => {
                self.writes.lock().expect("no holder panics").push(method.to_string());
                (202, json!({}))
            }
        };
        Ok(AsyncRawResponse::from_bytes(code.into(), Headers::new(), body.to_string()))
    }
}

/// The object's own compute.
fn ours() -> Value {
    json!({
        "tags": {"synapse-spark-operator-owner": "cluster/team-a/pool/u"},
        "properties": {"computeType": "SynapseSpark", "resourceId": object().spec.resource_id, "provisioningState": "Succeeded"},
    })
}

/// An object that is being deleted.
fn deleted() -> SynapseSparkAttachment {
    let mut object = object();
    object.metadata.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
    object
}

/// An object whose compute was seen in Azure.
fn attached() -> SynapseSparkAttachment {
    let mut object = object();
    let status = json!({"observedGeneration": 1, "applied": {"createdOn": "2026-01-01T00:00:00Z"}});
    object.status = serde_json::from_value(status).expect("a status");
    object
}

/// The operator, one object, and Azure behind a kept connection and behind new ones.
struct Scene {
    object: Arc<SynapseSparkAttachment>,
    context: Arc<Context>,
    kept: Arc<FrontEnd>,
    new: Arc<FrontEnd>,
    released: Arc<AtomicU32>,
}

impl Scene {
    /// Kept connections lead to a front end that shows no compute.
    fn new(object: SynapseSparkAttachment, on_new_connection: Option<Value>) -> Self {
        let (kept, released) = (Arc::new(FrontEnd::default()), Arc::new(AtomicU32::default()));
        let new = Arc::new(FrontEnd { compute: on_new_connection, ..FrontEnd::default() });
        let mut registry = Registry::default();
        let azure = client(kept.clone(), &mut registry).with_unpooled(new.clone());
        let kube = kubernetes(&object, released.clone());
        let metrics = metrics::Metrics::new(&mut registry);
        let context = Context::new(kube, azure, "cluster".into(), Duration::from_mins(5), metrics);
        Self { object: Arc::new(object), context: Arc::new(context), kept, new, released }
    }

    async fn reconcile(&self) {
        reconcile(self.object.clone(), self.context.clone()).await.expect("Kubernetes accepts every write");
    }

    /// Two reconciles, the second when the absence has lasted long enough.
    async fn reconcile_twice(&self) {
        self.reconcile().await;
        tokio::time::advance(CONFIRMED_AFTER).await;
        self.reconcile().await;
    }

    /// The reads of the compute, over kept connections and over new ones.
    fn reads(&self) -> (u32, u32) {
        (self.kept.reads.load(Ordering::Relaxed), self.new.reads.load(Ordering::Relaxed))
    }

    fn writes(&self) -> Vec<String> {
        self.kept.writes.lock().expect("no holder panics").clone()
    }

    fn is_released(&self) -> bool {
        self.released.load(Ordering::Relaxed) > 0
    }
}

/// An API server with this object. It counts how often a finalizer is removed.
fn kubernetes(object: &SynapseSparkAttachment, released: Arc<AtomicU32>) -> kube::Client {
    let stored = serde_json::to_vec(object).expect("JSON");
    let api = tower::service_fn(move |request: Request<Body>| {
        let (stored, released) = (stored.clone(), released.clone());
        async move {
            let body = request.into_body().collect_bytes().await.expect("a body");
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            let operations = body.as_array().into_iter().flatten();
            if operations.into_iter().any(|one| one["op"] == "remove") {
                released.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, std::convert::Infallible>(Response::new(Body::from(stored)))
        }
    });
    kube::Client::new(api, "default")
}

#[tokio::test(start_paused = true)]
async fn absence_is_confirmed_over_a_new_connection_before_the_finalizer_is_removed() {
    let scene = Scene::new(deleted(), None);
    scene.reconcile().await;
    assert_eq!((scene.reads(), scene.is_released()), ((1, 0), false), "one absence proves nothing");
    tokio::time::advance(CONFIRMED_AFTER).await;
    scene.reconcile().await;
    assert_eq!((scene.reads(), scene.is_released()), ((1, 2), true));
}

#[tokio::test(start_paused = true)]
async fn compute_that_a_stale_connection_does_not_show_is_detached_before_the_finalizer_is_removed() {
    let scene = Scene::new(deleted(), Some(ours()));
    scene.reconcile_twice().await;
    assert!(!scene.is_released(), "the compute exists");
    assert_eq!(scene.writes(), ["DELETE"]);
}

#[tokio::test(start_paused = true)]
async fn compute_that_a_stale_connection_does_not_show_is_not_attached_again() {
    let scene = Scene::new(attached(), Some(ours()));
    scene.reconcile_twice().await;
    assert_eq!(scene.writes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn compute_that_is_absent_on_a_new_connection_too_is_attached_again() {
    let scene = Scene::new(attached(), None);
    scene.reconcile_twice().await;
    assert_eq!((scene.reads(), scene.writes()), ((1, 2), vec!["PUT".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn compute_of_another_owner_that_a_stale_connection_does_not_show_is_not_overwritten() {
    let mut compute = ours();
    compute["tags"]["synapse-spark-operator-owner"] = json!("cluster/team-b/pool/v");
    let scene = Scene::new(object(), Some(compute));
    scene.reconcile().await;
    assert_eq!((scene.reads(), scene.writes()), ((1, 1), Vec::new()));
}
