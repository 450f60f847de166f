//! An absence is confirmed over a new connection before the operator relies on it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, HttpClient, Method};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::controller::{Context, metrics, reconcile};

use super::in_process::{Api, client, context, now, object};
use super::{is_released, stored};

/// Two absences so far apart are certain (`src/planner/backoff.rs`).
const CONFIRMED_AFTER: Duration = Duration::from_secs(15);

/// A front end of Azure, as one kind of connection reaches it.
#[derive(Debug, Default)]
struct FrontEnd {
    /// None: it answers 404.
    compute: Option<Value>,
    /// It answers 404 to a DELETE, whatever it shows.
    detaches_nothing: bool,
    /// After so many reads, the workspace is gone.
    gone_after: Option<u32>,
    reads: AtomicU32,
    writes: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl HttpClient for FrontEnd {
    async fn execute_request(&self, request: &azure_core::http::Request) -> azure_core::Result<AsyncRawResponse> {
        let is_compute = request.url().path().contains("/computes/");
        let (code, body) = match request.method() {
            Method::Get if is_compute => {
                let number = self.reads.fetch_add(1, Ordering::Relaxed);
                let is_gone = self.gone_after.is_some_and(|reads| number >= reads);
                let code = if is_gone { "ParentResourceNotFound" } else { "ResourceNotFound" };
                let absent = json!({"error": {"code": code, "message": "m"}});
                self.compute.clone().filter(|_| !is_gone).map_or((404, absent), |compute| (200, compute))
            }
            Method::Get => (200, json!({"location": "eastus2"})),
            Method::Post => (200, json!({"token_type": "Bearer", "access_token": "t", "expires_in": 3600})),
            method => {
                self.writes.lock().expect("no holder panics").push(method.to_string());
                if self.detaches_nothing { (404, absent()) } else { (202, json!({})) }
            }
        };
        Ok(AsyncRawResponse::from_bytes(code.into(), Headers::new(), body.to_string()))
    }
}

/// The body of a 404 of a compute.
fn absent() -> Value {
    json!({"error": {"code": "ResourceNotFound", "message": "m"}})
}

/// The object's own compute.
fn ours() -> Value {
    json!({
        "tags": {"synapse-spark-operator-owner": "cluster/team-a/pool/team-a-pool"},
        "properties": {"computeType": "SynapseSpark", "resourceId": pending()["spec"]["resourceId"], "provisioningState": "Succeeded"},
    })
}

/// An object that was never attached.
fn pending() -> Value {
    object("team-a", "pool", &json!({}))
}

/// An object that is being deleted.
fn deleted() -> Value {
    let mut object = pending();
    object["metadata"]["deletionTimestamp"] = json!("2026-01-02T00:00:00Z");
    object
}

/// An object whose compute was seen in Azure.
fn attached() -> Value {
    let mut object = pending();
    object["status"] = json!({"observedGeneration": 1, "applied": {"createdOn": "2026-01-01T00:00:00Z"}});
    object
}

/// The operator, one object, and Azure behind a kept connection and behind new ones.
struct Scene {
    api: Api,
    context: Arc<Context>,
    kept: Arc<FrontEnd>,
    new: Arc<FrontEnd>,
}

impl Scene {
    /// Kept connections lead to a front end that shows no compute.
    fn new(object: Value, on_new_connection: Option<Value>) -> Self {
        Self::behind(object, FrontEnd::default(), FrontEnd { compute: on_new_connection, ..FrontEnd::default() })
    }

    fn behind(object: Value, kept: FrontEnd, new: FrontEnd) -> Self {
        let (api, kept, new) = (Api::with(object), Arc::new(kept), Arc::new(new));
        let mut registry = Registry::default();
        let azure = client(kept.clone(), &mut registry).with_unpooled(new.clone());
        let metrics = metrics::Metrics::new(&mut registry);
        let context = Context::new(api.client(), azure, "cluster".into(), Duration::from_mins(5), metrics);
        Self { api, context: Arc::new(context), kept, new }
    }

    async fn reconcile(&self) {
        reconcile(stored(&self.api), self.context.clone()).await.expect("Kubernetes accepts every write");
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
        is_released(&self.api)
    }
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
    let scene = Scene::new(pending(), Some(compute));
    scene.reconcile().await;
    assert_eq!((scene.reads(), scene.writes()), ((1, 1), Vec::new()));
}

/// An Azure without the workspace of the object.
#[derive(Debug, Default)]
struct NoWorkspace;

#[async_trait::async_trait]
impl HttpClient for NoWorkspace {
    async fn execute_request(&self, request: &azure_core::http::Request) -> azure_core::Result<AsyncRawResponse> {
        let gone = json!({"error": {"code": "ParentResourceNotFound", "message": "m"}});
        let (code, body) = match request.method() {
            Method::Post => (200, json!({"token_type": "Bearer", "access_token": "t", "expires_in": 3600})),
            _ => (404, gone),
        };
        Ok(AsyncRawResponse::from_bytes(code.into(), Headers::new(), body.to_string()))
    }
}

#[tokio::test(start_paused = true)]
async fn object_of_a_workspace_that_is_deleted_during_an_attach_is_released() {
    for (case, pending) in [("Azure accepted the attach", false), ("the attach was not answered", true)] {
        let mut object = deleted();
        let started = (now() - Duration::from_mins(1)).to_string();
        let operation = json!({"kind": "Attach", "pending": pending, "path": "/operation", "startedAt": started});
        object["status"] = json!({"observedGeneration": 1, "operation": operation});
        let api = Api::with(object);
        let context = Arc::new(context(api.client(), Arc::new(NoWorkspace), &mut Registry::default()));
        reconcile(stored(&api), context.clone()).await.expect("Kubernetes accepts every write");
        assert!(!is_released(&api), "{case}: one observation is not certain");
        tokio::time::advance(CONFIRMED_AFTER).await;
        reconcile(stored(&api), context).await.expect("Kubernetes accepts every write");
        assert!(is_released(&api), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn compute_that_a_stale_connection_shows_after_a_detach_found_none_is_read_over_a_new_connection() {
    let stale = FrontEnd { compute: Some(ours()), detaches_nothing: true, ..FrontEnd::default() };
    let scene = Scene::behind(deleted(), stale, FrontEnd::default());
    scene.reconcile().await;
    let status = scene.api.get("team-a", "pool")["status"].clone();
    assert_eq!((scene.writes(), &status["failure"]["step"]), (vec!["DELETE".to_owned()], &json!("Detach")), "{status}");
    assert_eq!(scene.api.reason("team-a", "pool").as_deref(), Some("Detaching"), "{status}");
    scene.reconcile_twice().await;
    assert_eq!((scene.writes().len(), scene.is_released()), (1, true), "new connections show none");
}

#[tokio::test(start_paused = true)]
async fn workspace_that_is_deleted_between_the_two_rounds_releases_the_object_once_confirmed() {
    let kept = FrontEnd { compute: Some(ours()), gone_after: Some(1), ..FrontEnd::default() };
    let scene = Scene::behind(deleted(), kept, FrontEnd { gone_after: Some(0), ..FrontEnd::default() });
    scene.reconcile().await;
    assert_eq!((scene.reads(), scene.is_released()), ((2, 0), false), "one answer proves nothing");
    tokio::time::advance(CONFIRMED_AFTER).await;
    scene.reconcile().await;
    assert_eq!((scene.reads(), scene.is_released(), scene.writes()), ((2, 2), true, Vec::new()));
}
