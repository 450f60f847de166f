//! An API server and an Azure inside the test's process: functions over maps, on the clock of tokio.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::http::{Method, Request, Response};
use azure_core::credentials::Secret;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, HttpClient};
use futures::StreamExt;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use kube::client::Body;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::azure::{Client, Credential, Metrics, Settings};
use synapse_spark_operator::controller::{Context, metrics};

/// Where every object's pool is.
const POOL: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Synapse/workspaces/w/bigDataPools/p";

/// An object with the finalizer, whose compute has the object's name unless `spec` says otherwise.
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
    merge(&mut object["spec"], spec);
    object
}

/// RFC 7386, without the removal of keys.
fn merge(into: &mut Value, patch: &Value) {
    match patch.as_object() {
        Some(patch) => patch.iter().for_each(|(key, value)| merge(&mut into[key], value)),
        None => into.clone_from(patch),
    }
}

/// What every reconcile needs, over this API server and this Azure.
pub fn context(kube: kube::Client, azure: Arc<Azure>) -> Context {
    let settings = Settings {
        endpoint: "https://arm.example".into(),
        authority: "https://entra.example".into(),
        scope: "https://arm.example/.default".into(),
        synapse_endpoint: "https://{workspace}.synapse.example".into(),
        synapse_scope: "https://synapse.example/.default".into(),
        api_version: "2024-04-01".into(),
        credential: Credential::ClientSecret { tenant: "t".into(), client: "c".into(), secret: Secret::new("s") },
    };
    let mut registry = Registry::default();
    let azure = Client::new(&settings, azure, Metrics::new(&mut registry)).expect("good settings");
    Context::new(kube, azure, "cluster".into(), Duration::from_mins(5), metrics::Metrics::new(&mut registry))
}

/// An API server with objects of the one kind.
#[derive(Clone, Default)]
pub struct Api(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    objects: BTreeMap<(String, String), Value>,
    version: u64,
    /// Each with the namespace that it watches; none: all.
    watches: Vec<(Option<String>, UnboundedSender<String>)>,
    /// The verb or method, path and query of each request.
    requests: Vec<String>,
    streams_lists: bool,
    page: Option<usize>,
    /// How long the pages after the first one take.
    later_pages: Duration,
}

impl State {
    fn send(&mut self, kind: &str, object: &Value) {
        let line = format!("{}\n", json!({"type": kind, "object": object}));
        let namespace = object["metadata"]["namespace"].as_str();
        self.watches.retain(|(of, to)| (of.is_some() && of.as_deref() != namespace) || to.unbounded_send(line.clone()).is_ok());
    }

    fn store(&mut self, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let own = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        let known = self.objects.insert((own("namespace"), own("name")), object.clone());
        self.send(if known.is_some() { "MODIFIED" } else { "ADDED" }, &object);
        object
    }
}

impl Api {
    /// One that serves streaming lists.
    pub fn streaming() -> Self {
        let api = Self::default();
        api.state().streams_lists = true;
        api
    }

    /// One that refuses streaming lists, as kube-apiserver does without the feature gate `WatchList`. It lists so many
    /// objects at most in a page, and each page but the first takes so long.
    pub fn paging(page: usize, later_pages: Duration) -> Self {
        let api = Self::default();
        (api.state().page, api.state().later_pages) = (Some(page), later_pages);
        api
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder panics")
    }

    /// Stores an object.
    pub fn put(&self, object: Value) {
        self.state().store(object);
    }

    /// Stores an object without a word to those who watch: they may have been away.
    pub fn put_unseen(&self, object: Value) {
        let watches = std::mem::take(&mut self.state().watches);
        self.put(object);
        self.state().watches = watches;
    }

    /// Changes an object.
    pub fn change(&self, namespace: &str, name: &str, patch: &Value) {
        let mut object = self.get(namespace, name);
        merge(&mut object, patch);
        self.put(object);
    }

    /// The object as it is stored.
    pub fn get(&self, namespace: &str, name: &str) -> Value {
        self.state().objects[&(namespace.to_owned(), name.to_owned())].clone()
    }

    /// The reason of the object's `Ready` condition.
    pub fn reason(&self, namespace: &str, name: &str) -> Option<String> {
        let object = self.get(namespace, name);
        let ready = object["status"]["conditions"].as_array()?.iter().find(|one| one["type"] == "Ready")?;
        Some(ready["reason"].as_str()?.to_owned())
    }

    /// Tells all who watch that their version is too old: they have to list again.
    pub fn expire(&self) {
        let gone = json!({"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"});
        let line = format!("{}\n", json!({"type": "ERROR", "object": gone}));
        for (_, to) in std::mem::take(&mut self.state().watches) {
            let _ = to.unbounded_send(line.clone());
        }
    }

    /// The requests so far that contain all of these words.
    pub fn requests(&self, words: &[&str]) -> Vec<String> {
        let state = self.state();
        state.requests.iter().filter(|one| words.iter().all(|word| one.contains(word))).cloned().collect()
    }

    /// A client of it.
    pub fn client(&self) -> kube::Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move { Ok::<_, std::convert::Infallible>(api.answer(request).await) }
        });
        kube::Client::new(service, "default")
    }

    async fn answer(&self, request: Request<Body>) -> Response<axum::body::Body> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        self.state().requests.push(format!("{method} {uri}"));
        let query: BTreeMap<String, String> = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|one| one.split_once('='))
            .map(|(k, v)| (k.into(), v.into()))
            .collect();
        let path: Vec<_> = uri.path().split('/').collect();
        let namespace = path.iter().position(|part| *part == "namespaces").map(|at| path[at + 1].to_owned());
        let name = path.iter().position(|part| *part == "synapsesparkattachments").and_then(|at| path.get(at + 1));
        match (method, name) {
            (Method::GET, None) if query.contains_key("watch") => self.watch(namespace, &query),
            (Method::GET, None) => self.list(namespace.as_deref(), query.get("continue")).await,
            (Method::GET, Some(name)) => ok(&self.get(&namespace.unwrap_or_default(), name)),
            (Method::PATCH, Some(name)) => {
                let body = request.into_body().collect_bytes().await.expect("a body");
                let change: Value = serde_json::from_slice(&body).expect("JSON");
                ok(&self.patch(&namespace.unwrap_or_default(), name, &change))
            }
            _ => ok(&serde_json::from_slice(&request.into_body().collect_bytes().await.expect("a body")).unwrap_or_default()),
        }
    }

    fn patch(&self, namespace: &str, name: &str, patch: &Value) -> Value {
        let mut object = self.get(namespace, name);
        match patch.as_array() {
            Some(operations) => {
                for one in operations.iter().filter(|one| one["op"] == "add") {
                    object["metadata"]["finalizers"] = json!(["synapse-spark.dev/detach"]);
                    assert!(one["path"].as_str().is_some_and(|path| path.starts_with("/metadata/finalizers")), "{one}");
                }
            }
            // An apply of the status: all that it leaves out goes.
            None => object["status"] = patch["status"].clone(),
        }
        self.state().store(object)
    }

    fn watch(&self, namespace: Option<String>, query: &BTreeMap<String, String>) -> Response<axum::body::Body> {
        let (send, lines) = unbounded();
        let mut state = self.state();
        let initial = query.contains_key("sendInitialEvents");
        if initial && !state.streams_lists {
            let message = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
            let refusal = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 422, "reason": "Invalid", "message": message});
            return Response::builder().status(422).body(axum::body::Body::from(refusal.to_string())).expect("an answer");
        }
        let since = query.get("resourceVersion").and_then(|version| version.parse::<u64>().ok()).unwrap_or_default();
        for object in state.objects.values().filter(|object| is_in(object, namespace.as_deref())) {
            let version = object["metadata"]["resourceVersion"].as_str().and_then(|version| version.parse::<u64>().ok());
            if initial || version > Some(since) {
                let _ = send.unbounded_send(format!("{}\n", json!({"type": "ADDED", "object": object})));
            }
        }
        if initial {
            let metadata =
                json!({"resourceVersion": state.version.to_string(), "annotations": {"k8s.io/initial-events-end": "true"}});
            let bookmark =
                json!({"apiVersion": "synapse-spark.dev/v1alpha1", "kind": "SynapseSparkAttachment", "metadata": metadata});
            let _ = send.unbounded_send(format!("{}\n", json!({"type": "BOOKMARK", "object": bookmark})));
        }
        state.watches.push((namespace, send));
        let frames = lines.map(|line| Ok::<_, std::convert::Infallible>(line.into_bytes()));
        Response::new(axum::body::Body::from_stream(frames))
    }

    async fn list(&self, namespace: Option<&str>, after: Option<&String>) -> Response<axum::body::Body> {
        let from = after.and_then(|after| after.parse::<usize>().ok()).unwrap_or_default();
        let later = self.state().later_pages;
        if from > 0 {
            tokio::time::sleep(later).await;
        }
        let state = self.state();
        let all: Vec<_> = state.objects.values().filter(|object| is_in(object, namespace)).cloned().collect();
        let until = state.page.map_or(all.len(), |page| all.len().min(from + page));
        let more = if until < all.len() { until.to_string() } else { String::new() };
        let metadata = json!({"resourceVersion": state.version.to_string(), "continue": more});
        ok(&json!({"apiVersion": "synapse-spark.dev/v1alpha1", "kind": "List", "metadata": metadata, "items": all[from..until]}))
    }
}

fn is_in(object: &Value, namespace: Option<&str>) -> bool {
    namespace.is_none() || object["metadata"]["namespace"].as_str() == namespace
}

fn ok(body: &Value) -> Response<axum::body::Body> {
    Response::new(axum::body::Body::from(body.to_string()))
}

/// An Azure where a compute is attached as soon as it is asked for.
#[derive(Debug, Default)]
pub struct Azure {
    computes: Mutex<BTreeMap<String, Value>>,
    requests: Mutex<Vec<String>>,
    silent: Mutex<HashSet<String>>,
}

impl Azure {
    /// Never answers a PUT of this compute.
    pub fn silence(&self, compute: &str) {
        self.silent.lock().expect("no holder panics").insert(compute.to_owned());
    }

    /// How often this method was asked for of a compute.
    pub fn count(&self, method: &str, compute: &str) -> usize {
        let asked = format!("{method} {compute}");
        self.requests.lock().expect("no holder panics").iter().filter(|one| **one == asked).count()
    }

    fn compute(&self, method: azure_core::http::Method, name: &str, body: Option<Value>) -> (u16, Value) {
        let mut all = self.computes.lock().expect("no holder panics");
        match (method, body) {
            (azure_core::http::Method::Put, Some(mut body)) => {
                body["properties"]["provisioningState"] = json!("Succeeded");
                all.insert(name.to_owned(), body.clone());
                (201, body)
            }
            (azure_core::http::Method::Delete, _) => {
                all.remove(name);
                (200, json!({}))
            }
            _ => all
                .get(name)
                .map_or((404, json!({"error": {"code": "ResourceNotFound", "message": "m"}})), |one| (200, one.clone())),
        }
    }
}

#[async_trait::async_trait]
impl HttpClient for Azure {
    async fn execute_request(&self, request: &azure_core::http::Request) -> azure_core::Result<AsyncRawResponse> {
        let path = request.url().path().to_owned();
        let (code, body) = match path.split_once("/computes/") {
            Some((_, name)) => {
                self.requests.lock().expect("no holder panics").push(format!("{} {name}", request.method()));
                let is_silent = self.silent.lock().expect("no holder panics").contains(name);
                if is_silent && request.method() == azure_core::http::Method::Put {
                    std::future::pending::<()>().await;
                }
                let body = match request.body() {
                    azure_core::http::Body::Bytes(bytes) => serde_json::from_slice(bytes).ok(),
                    azure_core::http::Body::SeekableStream(_) => None,
                };
                self.compute(request.method(), name, body)
            }
            None if path.contains("/oauth2/") => (200, json!({"token_type": "Bearer", "access_token": "t", "expires_in": 3600})),
            None => (200, json!({"location": "eastus2", "properties": {"provisioningState": "Succeeded"}})),
        };
        Ok(AsyncRawResponse::from_bytes(code.into(), Headers::new(), body.to_string()))
    }
}
