//! What a reconcile stores, against an API server that stores a status only over the version that it was computed from.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::{Method, Request, Response};
use azure_core::http::{AsyncRawResponse, HttpClient};
use kube::client::Body;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::controller::reconcile;

use super::{context, object};

/// One object, as an API server keeps it.
struct Server {
    object: Mutex<Value>,
    refuses: bool,
}

impl Server {
    fn new(refuses: bool) -> Arc<Self> {
        let mut stored = serde_json::to_value(object()).expect("JSON");
        stored["metadata"]["resourceVersion"] = json!("1");
        Arc::new(Self { object: Mutex::new(stored), refuses })
    }

    fn client(self: &Arc<Self>) -> kube::Client {
        let server = self.clone();
        let api = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { Ok::<_, std::convert::Infallible>(server.answer(request).await) }
        });
        kube::Client::new(api, "default")
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let is_status = request.uri().path().ends_with("/status");
        let is_read = request.method() == Method::GET;
        let body = request.into_body().collect_bytes().await.expect("a body");
        let mut stored = self.object.lock().expect("no holder panics");
        let (code, answer) = match () {
            () if is_read => (200, stored.clone()),
            () if is_status && self.refuses => (500, failure(500, "InternalError", "etcdserver: mvcc: database space exceeded")),
            () if is_status => {
                let applied: Value = serde_json::from_slice(&body).expect("JSON");
                let version = stored["metadata"]["resourceVersion"].clone();
                if applied["metadata"]["resourceVersion"] == version {
                    let next: u64 = version.as_str().and_then(|text| text.parse().ok()).expect("a version");
                    stored["metadata"]["resourceVersion"] = json!((next + 1).to_string());
                    stored["status"] = applied["status"].clone();
                    (200, stored.clone())
                } else {
                    (409, failure(409, "Conflict", "the object has been modified"))
                }
            }
            // An event.
            () => (201, serde_json::from_slice(&body).unwrap_or_default()),
        };
        let bytes = Body::from(answer.to_string().into_bytes());
        Response::builder().status(code).body(bytes).expect("an answer")
    }

    fn status(&self) -> Value {
        self.object.lock().expect("no holder panics")["status"].clone()
    }
}

fn failure(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
}

/// An Azure in which a compute exists, and is being created, as soon as it was PUT.
#[derive(Debug, Default)]
struct Attaching {
    put: Mutex<Option<Value>>,
    writes: AtomicU32,
}

#[async_trait::async_trait]
impl HttpClient for Attaching {
    async fn execute_request(&self, request: &azure_core::http::Request) -> azure_core::Result<AsyncRawResponse> {
        let is_compute = request.url().path().contains("/computes/");
        let (code, body) = match request.method() {
            azure_core::http::Method::Get if is_compute => {
                let absent = json!({"error": {"code": "ResourceNotFound", "message": "m"}});
                self.put.lock().expect("no holder panics").clone().map_or((404, absent), |compute| (200, compute))
            }
            azure_core::http::Method::Get => (200, json!({"location": "eastus2"})),
            azure_core::http::Method::Post => (200, json!({"token_type": "Bearer", "access_token": "t", "expires_in": 3600})),
            _ => {
                self.writes.fetch_add(1, Ordering::Relaxed);
                let azure_core::http::Body::Bytes(body) = request.body() else { panic!("a PUT has a body") };
                let mut compute: Value = serde_json::from_slice(body).expect("JSON");
                compute["properties"]["provisioningState"] = json!("Creating");
                *self.put.lock().expect("no holder panics") = Some(compute);
                (201, json!({}))
            }
        };
        Ok(AsyncRawResponse::from_bytes(code.into(), azure_core::http::headers::Headers::new(), body.to_string()))
    }
}

#[tokio::test]
async fn stale_watch_cache_does_not_erase_the_status() {
    let (server, azure) = (Server::new(false), Arc::new(Attaching::default()));
    let context = Arc::new(context(server.client(), azure.clone(), &mut Registry::default()));
    let mut cached = object();
    cached.spec.tags = [("team".to_owned(), "data".to_owned())].into();
    cached.metadata.resource_version = Some("1".into());
    server.object.lock().expect("no holder panics")["spec"]["tags"] = json!({"team": "data"});
    let cached = Arc::new(cached);
    reconcile(cached.clone(), context.clone()).await.expect("the PUT is accepted");
    let after_put = server.status();
    assert_eq!(after_put["applied"]["tags"], json!(["team"]), "{after_put}");
    assert_eq!(after_put["operation"]["kind"], "Attach", "{after_put}");
    // The watch lags: the cache still shows the object of before the PUT.
    let second = reconcile(cached, context).await;
    assert!(second.is_err(), "the second status conflicts: {second:?}");
    assert_eq!(server.status(), after_put);
    assert_eq!(azure.writes.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn nothing_is_written_to_azure_while_kubernetes_stores_no_status() {
    let (server, azure) = (Server::new(true), Arc::new(Attaching::default()));
    let context = Arc::new(context(server.client(), azure.clone(), &mut Registry::default()));
    for _ in 0..3 {
        let ended = reconcile(Arc::new(object()), context.clone()).await;
        assert!(ended.is_err(), "the write intent is not stored: {ended:?}");
    }
    assert_eq!(azure.writes.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_write_intent_is_stored_before_the_write() {
    let (server, azure) = (Server::new(false), Arc::new(Attaching::default()));
    let stored = server.clone();
    // The last look at the Lease comes between the intent and the write.
    let context = context(server.client(), azure.clone(), &mut Registry::default()).with_write_gate(move || {
        let is_announced = stored.status()["operation"]["pending"] == true;
        (!is_announced).then_some(std::time::Duration::MAX)
    });
    let ended = reconcile(Arc::new(object()), Arc::new(context)).await;
    assert!(ended.is_err(), "this process no longer leads: {ended:?}");
    assert_eq!(azure.writes.load(Ordering::Relaxed), 0);
    assert_eq!(server.status()["operation"]["pending"], true, "the intent tells that it may have been sent");
}
