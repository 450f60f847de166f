//! One pass over one object, in this process: what cannot be asked of the real binary.

#[path = "reconcile/stored.rs"]
mod stored;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{Method, Request, Response};
use azure_core::credentials::Secret;
use azure_core::http::{AsyncRawResponse, HttpClient};
use kube::client::Body;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::api::SynapseSparkAttachment;
use synapse_spark_operator::azure::{Client, Credential, Metrics, Settings};
use synapse_spark_operator::controller::{Context, Options, Readiness, clock_ahead, metrics, reconcile, run};

/// An Azure that brings out a defect of ours.
#[derive(Debug)]
struct Trap;

#[async_trait::async_trait]
impl HttpClient for Trap {
    async fn execute_request(&self, _: &azure_core::http::Request) -> azure_core::Result<AsyncRawResponse> {
        panic!("a trap")
    }
}

/// An Azure with this compute, or where nothing is attached yet. It counts what would change that.
#[derive(Default)]
struct Still {
    compute: Option<Value>,
    writes: AtomicU32,
    tokens: AtomicU32,
    /// Tokens hold for one request, and with this one something happens.
    short: Option<(u32, Box<dyn Fn() + Send + Sync>)>,
}

impl std::fmt::Debug for Still {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Still")
    }
}

#[async_trait::async_trait]
impl HttpClient for Still {
    async fn execute_request(&self, request: &azure_core::http::Request) -> azure_core::Result<AsyncRawResponse> {
        let path = request.url().path();
        let (code, body) = match request.method() {
            azure_core::http::Method::Get if path.contains("/computes/") => {
                let absent = json!({"error": {"code": "ResourceNotFound", "message": "m"}});
                self.compute.clone().map_or((404, absent), |compute| (200, compute))
            }
            azure_core::http::Method::Get => (200, json!({"location": "eastus2"})),
            azure_core::http::Method::Post => {
                let number = self.tokens.fetch_add(1, Ordering::Relaxed) + 1;
                if let Some((_, happens)) = self.short.as_ref().filter(|(at, _)| *at == number) {
                    happens();
                }
                let lasts = if self.short.is_some() { 30 } else { 3600 };
                (200, json!({"token_type": "Bearer", "access_token": "t", "expires_in": lasts}))
            }
            _ => {
                self.writes.fetch_add(1, Ordering::Relaxed);
                (201, json!({}))
            }
        };
        Ok(AsyncRawResponse::from_bytes(code.into(), azure_core::http::headers::Headers::new(), body.to_string()))
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

fn context(kube: kube::Client, azure: Arc<dyn HttpClient>, registry: &mut Registry) -> Context {
    let settings = Settings {
        endpoint: "https://arm.example".into(),
        authority: "https://entra.example".into(),
        scope: "https://arm.example/.default".into(),
        synapse_endpoint: "https://{workspace}.synapse.example".into(),
        synapse_scope: "https://synapse.example/.default".into(),
        api_version: "2024-04-01".into(),
        credential: Credential::ClientSecret { tenant: "t".into(), client: "c".into(), secret: Secret::new("s") },
    };
    let azure = Client::new(&settings, azure, Metrics::new(registry)).expect("good settings");
    Context::new(kube, azure, "cluster".into(), Duration::from_mins(5), metrics::Metrics::new(registry))
}

/// An API server that answers everything so.
fn always(code: u16, body: Value, date: &'static str) -> kube::Client {
    let api = tower::service_fn(move |_: Request<Body>| {
        let answer = Response::builder().status(code).header("date", date).body(Body::from(body.to_string().into_bytes()));
        std::future::ready(Ok::<_, std::convert::Infallible>(answer.expect("an answer")))
    });
    kube::Client::new(api, "default")
}

#[tokio::test]
async fn a_missing_definition_or_right_is_told_by_readyz() {
    for (code, reason, says) in [(404, "NotFound", "the server could not find"), (403, "Forbidden", "is forbidden")] {
        let message = format!("synapsesparkattachments {says} it");
        let failure = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message});
        let kube = always(code, failure, "");
        let readiness = Arc::new(Readiness::default());
        let options = Options { concurrency: 1, namespaces: vec!["team-a".into()], readiness: readiness.clone() };
        let context = Arc::new(context(kube.clone(), Arc::new(Trap), &mut Registry::default()));
        let running = tokio::spawn(run(kube, context, options, std::future::pending()));
        let told = async {
            while !readiness.text().contains(says) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), told).await.unwrap_or_else(|_| panic!("{:?}", readiness.text()));
        assert!(readiness.text().contains("namespace team-a"), "{}", readiness.text());
        running.abort();
    }
}

/// An API server with this object, that counts what would change something.
fn counting(object: &SynapseSparkAttachment, writes: Arc<AtomicU32>) -> kube::Client {
    let body = serde_json::to_vec(object).expect("JSON");
    let api = tower::service_fn(move |request: Request<Body>| {
        if request.method() != Method::GET {
            writes.fetch_add(1, Ordering::Relaxed);
        }
        std::future::ready(Ok::<_, std::convert::Infallible>(Response::new(Body::from(body.clone()))))
    });
    kube::Client::new(api, "default")
}

/// An object that is to be attached, claimed or not; one that goes; one whose compute is gone; and how many writes each takes.
fn to_be_written() -> Vec<(&'static str, SynapseSparkAttachment, Option<Value>, u32)> {
    let (mut unclaimed, mut gone) = (object(), object());
    unclaimed.metadata.finalizers = None;
    gone.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH));
    let ours = json!({
        "tags": {"synapse-spark-operator-owner": "cluster/team-a/pool/u"},
        "properties": {"computeType": "SynapseSpark", "resourceId": object().spec.resource_id, "provisioningState": "Succeeded"},
    });
    vec![
        ("claim", unclaimed, None, 0),
        ("attach", object(), None, 1),
        ("detach", gone.clone(), Some(ours), 1),
        ("release", gone, None, 0),
    ]
}

#[tokio::test]
async fn who_lost_the_lease_writes_nothing_more() {
    for (step, object, compute, to_azure) in to_be_written() {
        for leads in [true, false] {
            let azure = Arc::new(Still { compute: compute.clone(), ..Still::default() });
            let to_kubernetes = Arc::new(AtomicU32::default());
            let kube = counting(&object, to_kubernetes.clone());
            let context =
                context(kube, azure.clone(), &mut Registry::default()).with_write_gate(move || leads.then_some(Duration::MAX));
            let ended = reconcile(Arc::new(object.clone()), Arc::new(context)).await;
            assert_eq!(ended.is_ok(), leads, "{step}: {ended:?}");
            let wrote = (azure.writes.load(Ordering::Relaxed), to_kubernetes.load(Ordering::Relaxed) > 0);
            assert_eq!(wrote, if leads { (to_azure, true) } else { (0, false) }, "{step}, leads: {leads}");
        }
    }
}

#[tokio::test]
async fn a_lease_that_is_lost_while_entra_is_asked_is_lost() {
    let leads = Arc::new(AtomicBool::new(true));
    // Each request needs a token of its own. The last is asked for after everything else, right before the PUT.
    for (tokens, writes) in [(7, 1), (6, 0)] {
        leads.store(true, Ordering::Relaxed);
        let lost = leads.clone();
        let azure =
            Arc::new(Still { short: Some((tokens, Box::new(move || lost.store(false, Ordering::Relaxed)))), ..Still::default() });
        let kube = counting(&object(), Arc::default());
        let asked = leads.clone();
        let context = context(kube, azure.clone(), &mut Registry::default())
            .with_write_gate(move || asked.load(Ordering::Relaxed).then_some(Duration::MAX));
        let _ = reconcile(Arc::new(object()), Arc::new(context)).await;
        assert_eq!(azure.writes.load(Ordering::Relaxed), writes, "lost with token {tokens}");
    }
}

#[tokio::test]
async fn nothing_is_written_as_somebody_whom_the_object_names_no_longer() {
    let mut named = object();
    named.spec.service_account_name = Some("team".into());
    for (case, live, writes) in [("as before", object(), 1), ("named since", named, 0)] {
        let azure = Arc::new(Still::default());
        let context = context(counting(&live, Arc::default()), azure.clone(), &mut Registry::default());
        reconcile(Arc::new(object()), Arc::new(context)).await.expect("the pass ends like any other");
        assert_eq!(azure.writes.load(Ordering::Relaxed), writes, "{case}");
    }
}

#[tokio::test]
async fn a_clock_that_is_far_off_is_seen() {
    let now = jiff::Timestamp::now();
    let long_ago = always(200, json!({}), "Wed, 01 Jan 2020 00:00:00 GMT");
    let ahead = clock_ahead(&long_ago).await.expect("the header is there");
    let really = now.duration_since("2020-01-01T00:00:00Z".parse().expect("a time"));
    assert!((ahead - really).abs().as_secs() < 10, "{ahead:?}");
    assert_eq!(clock_ahead(&always(200, json!({}), "no date")).await, None);
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
    let mut registry = Registry::default();
    let context = context(kube::Client::new(api, "default"), Arc::new(Trap), &mut registry);

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
    assert!(text.contains("reconcile_panics_total 1"), "{text}");
}

/// The spans of an OTLP request, each with its name, its ID and its parent's: protobuf's fields of fields, as
/// opentelemetry/proto/trace/v1/trace.proto numbers them.
fn spans(request: &[u8]) -> Vec<(String, Vec<u8>, Vec<u8>)> {
    /// The parts of a message that have a length, with this number.
    fn parts(message: &[u8], number: u64) -> Vec<&[u8]> {
        let (mut rest, mut found) = (message, Vec::new());
        while !rest.is_empty() {
            let mut varint = || {
                let end = rest.iter().position(|byte| byte & 0x80 == 0).expect("a number ends");
                let value = rest[..=end].iter().rev().fold(0_u64, |value, byte| value << 7 | u64::from(byte & 0x7f));
                rest = &rest[end + 1..];
                value
            };
            let key = varint();
            let length = match key & 7 {
                0 => {
                    varint();
                    0
                }
                1 => 8,
                5 => 4,
                _ => usize::try_from(varint()).expect("a length"),
            };
            let (part, after) = rest.split_at(length);
            rest = after;
            if key >> 3 == number && key & 7 == 2 {
                found.push(part);
            }
        }
        found
    }
    let one = |span: &[u8], number| parts(span, number).first().map(|part| part.to_vec()).unwrap_or_default();
    let scopes = parts(request, 1).into_iter().flat_map(|resource| parts(resource, 2));
    let spans = scopes.flat_map(|scope| parts(scope, 2));
    spans.map(|span| (String::from_utf8(one(span, 5)).expect("a name"), one(span, 2), one(span, 4))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_and_its_requests_arrive_as_one_trace() {
    use synapse_spark_operator::telemetry::{self, LogFormat, traces::Traces};

    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (send, mut arrived) = tokio::sync::mpsc::unbounded_channel();
    let collector = axum::Router::new().route(
        "/v1/traces",
        axum::routing::post(async move |body: axum::body::Bytes| {
            send.send(body).expect("the test waits");
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = format!("http://{}/", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(async { axum::serve(listener, collector).await });
    let traces = Traces::to(&endpoint, reqwest::Client::new()).expect("an endpoint");
    // The log's filter is not that of traces.
    telemetry::log(LogFormat::Text, "off", std::io::sink, Some(traces.layer())).expect("nobody was first");

    let kube = always(200, serde_json::to_value(object()).expect("JSON"), "");
    let context = context(kube, Arc::new(Still::default()), &mut Registry::default());
    reconcile(Arc::new(object()), Arc::new(context)).await.expect("the pass ends like any other");
    traces.end().await;

    let request = arrived.recv().await.expect("spans arrive");
    let spans = spans(&request);
    // Other tests' passes arrive too; that who lost the Lease makes three requests.
    let children = |pass: &[u8]| spans.iter().filter(|(name, _, parent)| name == "azure" && parent == pass).count();
    let mut roots = spans.iter().filter(|(name, _, parent)| name == "reconcile" && parent.is_empty());
    assert!(roots.any(|(_, pass, _)| children(pass) == 6), "two looks at compute and pool, the region and the PUT: {spans:?}");
    let has = |text: &str| request.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has("service.name") && has("synapse-spark-operator") && has("team-a"), "whose it is");
    assert!(has("client_request_id") && has("/computes/pool") && !has("Bearer"), "what was asked, and no secret");
    serving.abort();
}
