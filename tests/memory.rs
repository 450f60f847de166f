//! The memory of the operator's process with huge objects in the cluster: with streaming lists, and with pages.
//!
//! The API server here is a function that serves such objects from one text, so that the machine need not store them.
//! `benches/annotations.sh` measures a thousand of them with a real one.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use serde_json::{Value, json};

const OBJECTS: usize = 200;
const ANNOTATION: usize = 250 * 1024;
/// What the annotations may cost, in KiB, at rest and at the peak. Buffers, whose size does not depend on the number of objects,
/// take up to 5 and 9 MiB of it; the annotations themselves have 50 MiB. `benches/annotations.sh` measures a thousand objects.
const MORE_AT_REST: i64 = 7 * 1024;
const MORE_AT_MOST: i64 = 14 * 1024;
/// Nothing that is waited for takes longer.
const DEADLINE: Duration = Duration::from_mins(2);

/// An API server with objects that are invalid: the operator reports that once and sends no request to Azure.
struct Server {
    streams_lists: bool,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    annotation: Arc<str>,
    statuses: BTreeMap<usize, Value>,
    generations: BTreeMap<usize, u64>,
    version: u64,
    watches: Vec<UnboundedSender<String>>,
    lists: usize,
}

type Shared = State<Arc<Server>>;

/// The placeholder for the annotation until the object is sent.
const PLACE: &str = "PLACE-OF-THE-ANNOTATION";

fn event(kind: &str, object: &str) -> String {
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")
}

impl Server {
    async fn start(streams_lists: bool) -> (Arc<Self>, SocketAddr) {
        let server = Arc::new(Self { streams_lists, all: Mutex::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let router = axum::Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        (server, address)
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().expect("no holder panics")
    }

    /// The text of an object: its annotation is put in as it is, since a debug build takes long to write it as JSON.
    fn text(&self, number: usize) -> String {
        let annotation = self.all().annotation.clone();
        self.object(number).to_string().replace(PLACE, &annotation)
    }

    fn object(&self, number: usize) -> Value {
        let all = self.all();
        let mut object = json!({
            "apiVersion": "synapse-spark.dev/v1alpha1",
            "kind": "SynapseSparkAttachment",
            "metadata": {
                "name": format!("o{number:04}"),
                "namespace": "team-a",
                "uid": format!("00000000-0000-4000-8000-{number:012}"),
                "generation": all.generations.get(&number).copied().unwrap_or(1),
                "resourceVersion": all.version.max(1).to_string(),
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "finalizers": ["synapse-spark.dev/detach"],
                "annotations": {"example.com/huge": PLACE},
            },
            "spec": {"workspace": {"subscriptionId": "s", "resourceGroup": "g", "name": "w"}, "resourceId": "no ID"},
        });
        if let Some(status) = all.statuses.get(&number) {
            object["status"] = status.clone();
        }
        object
    }

    fn send(&self, line: &str) {
        self.all().watches.retain(|to| to.unbounded_send(line.to_owned()).is_ok());
    }

    /// Has the operator list again, and then reconcile one object.
    fn relist(&self) {
        let gone = json!({"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"});
        self.send(&event("ERROR", &gone.to_string()));
        self.all().watches.clear();
    }

    fn change(&self, number: usize) {
        self.all().version += 1;
        *self.all().generations.entry(number).or_insert(1) += 1;
        let line = event("MODIFIED", &self.text(number));
        self.send(&line);
    }

    fn store_status(&self, number: usize, patch: &Value) -> String {
        self.all().version += 1;
        self.all().statuses.insert(number, patch["status"].clone());
        let object = self.text(number);
        self.send(&event("MODIFIED", &object));
        object
    }

    fn list(self: &Arc<Self>, query: &str) -> Response {
        let of = |name: &str| query.split('&').find_map(|one| one.strip_prefix(name)?.strip_prefix('='));
        let from = of("continue").and_then(|from| from.parse().ok()).unwrap_or(0);
        let until = OBJECTS.min(from + of("limit").and_then(|limit| limit.parse().ok()).unwrap_or(OBJECTS));
        let items: Vec<_> = (from..until).map(|number| self.text(number)).collect();
        let more = if until < OBJECTS { until.to_string() } else { String::new() };
        self.all().lists += usize::from(until == OBJECTS);
        let metadata = json!({"resourceVersion": "1", "continue": more});
        format!("{{\"kind\":\"List\",\"metadata\":{metadata},\"items\":[{}]}}", items.join(",")).into_response()
    }

    fn watch(self: &Arc<Self>, query: &str) -> Response {
        let initial = query.contains("sendInitialEvents=true");
        if initial && !self.streams_lists {
            let refusal = json!({"kind": "Status", "status": "Failure", "code": 422, "reason": "Invalid", "message": "no"});
            return (StatusCode::UNPROCESSABLE_ENTITY, refusal.to_string()).into_response();
        }
        let (send, lines) = unbounded();
        self.all().watches.push(send);
        let (server, done) = (self.clone(), self.clone());
        let objects = (0..if initial { OBJECTS } else { 0 }).map(move |number| event("ADDED", &server.text(number)));
        let end = initial.then(move || {
            done.all().lists += 1;
            let metadata = json!({"resourceVersion": "1", "annotations": {"k8s.io/initial-events-end": "true"}});
            let kind =
                json!({"apiVersion": "synapse-spark.dev/v1alpha1", "kind": "SynapseSparkAttachment", "metadata": metadata});
            event("BOOKMARK", &kind.to_string())
        });
        // Made one after the other, as they are sent.
        let all = futures::stream::iter(objects).chain(futures::stream::iter(end)).chain(lines);
        Body::from_stream(all.map(Ok::<_, std::convert::Infallible>)).into_response()
    }
}

async fn answer(State(server): Shared, request: Request) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let query = uri.query().unwrap_or_default();
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.expect("a body");
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let number = uri.path().split('/').find_map(|part| part.strip_prefix('o')?.parse::<usize>().ok());
    match (method, number) {
        (Method::GET, None) if uri.path().starts_with("/openapi/") => StatusCode::NOT_FOUND.into_response(),
        (Method::GET, None) if query.contains("watch=true") => server.watch(query),
        (Method::GET, None) if uri.path().ends_with("/synapsesparkattachments") => server.list(query),
        (Method::GET, None) => json!({"metadata": {"name": "kube-system", "uid": "cluster"}}).to_string().into_response(),
        (Method::GET, Some(number)) => server.text(number).into_response(),
        (Method::PATCH, Some(number)) => server.store_status(number, &body).into_response(),
        _ => body.to_string().into_response(),
    }
}

/// The operator's process. It ends when this is dropped.
struct Operator {
    child: Child,
    metrics: String,
}

impl Operator {
    fn start(folder: &Path, server: SocketAddr) -> Self {
        let (kubeconfig, token) = (folder.join("kubeconfig"), folder.join("token"));
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": format!("http://{server}")}}],
            "users": [{"name": "c", "user": {}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        });
        std::fs::File::create(&kubeconfig).and_then(|mut file| write!(file, "{config}")).expect("a kubeconfig");
        std::fs::write(&token, "token").expect("a token");
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a free port");
        let child = Command::new(env!("CARGO_BIN_EXE_synapse-spark-operator"))
            .args(["run", "--leader-election", "false", "--metrics-address", &free.to_string()])
            .env_clear()
            .env("KUBECONFIG", &kubeconfig)
            .env("AZURE_CLIENT_ID", "22222222-3333-4444-5555-666666666666")
            .env("AZURE_TENANT_ID", "72f988bf-0000-4000-8000-000000000001")
            .env("AZURE_FEDERATED_TOKEN_FILE", &token)
            .stderr(std::fs::File::create(folder.join("log")).expect("a log"))
            .stdin(Stdio::null())
            .spawn()
            .expect("it starts");
        Self { child, metrics: format!("http://{free}/metrics") }
    }

    /// How many reconciles it has finished.
    async fn reconciles(&self) -> u64 {
        let Ok(answer) = reqwest::get(&self.metrics).await else { return 0 };
        let text = answer.text().await.unwrap_or_default();
        let counts = text
            .lines()
            .filter(|line| line.contains("pass_duration_seconds_count") || line.contains("reconcile_duration_seconds_count"));
        counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    async fn finishes(&self, reconciles: u64, folder: &Path) -> u64 {
        let end = Instant::now() + DEADLINE;
        loop {
            let finished = self.reconciles().await;
            if finished >= reconciles {
                return finished;
            }
            let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < end, "{finished} of {reconciles} reconciles:\n{}", log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A figure of the process, in KiB.
    fn memory(&self, figure: &str) -> i64 {
        let file = std::fs::File::open(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = BufReader::new(file).lines().map_while(Result::ok).find(|line| line.starts_with(figure));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).expect("a figure")
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process weighs at rest, after its start; and at most, after a relist. In KiB.
async fn weigh(annotation: usize, streams_lists: bool) -> (i64, i64) {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, address) = Server::start(streams_lists).await;
    // The first process writes the statuses. The second finds all objects at rest.
    let objects = OBJECTS as u64;
    let first = Operator::start(folder.path(), address);
    first.finishes(objects, folder.path()).await;
    drop(first);
    server.all().annotation = "x".repeat(annotation).into();
    let operator = Operator::start(folder.path(), address);
    let finished = operator.finishes(objects, folder.path()).await;
    let at_rest = operator.memory("VmRSS");
    let lists = server.all().lists;
    server.relist();
    let end = Instant::now() + DEADLINE;
    while server.all().lists == lists || server.all().watches.is_empty() {
        assert!(Instant::now() < end, "it does not list again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.change(7);
    operator.finishes(finished + 1, folder.path()).await;
    (at_rest, operator.memory("VmHWM"))
}

async fn huge_objects_cost_little(streams_lists: bool) {
    let (rest, most) = weigh(0, streams_lists).await;
    let (huge_rest, huge_most) = weigh(ANNOTATION, streams_lists).await;
    let (at_rest, at_most) = (huge_rest - rest, huge_most - most);
    assert!(at_rest < MORE_AT_REST && at_most < MORE_AT_MOST, "{at_rest} KiB more at rest, {at_most} KiB more at most");
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_objects_cost_little_memory_with_streaming_lists() {
    huge_objects_cost_little(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_objects_cost_little_memory_with_pages() {
    huge_objects_cost_little(false).await;
}
