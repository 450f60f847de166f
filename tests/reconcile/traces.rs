//! What a reconcile exports as traces.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use serde_json::json;
use synapse_spark_operator::controller::reconcile;
use synapse_spark_operator::telemetry::{self, LogFormat, traces::Traces};

use super::in_process::{Api, Azure, context, object};
use super::stored;

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
async fn a_reconcile_and_its_requests_are_exported_as_one_trace() {
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
    telemetry::log(LogFormat::Text, "off", std::io::sink, Some(traces.layer())).expect("no logger has been installed yet");

    let api = Api::with(object("team-a", "pool", &json!({})));
    let context = context(api.client(), Arc::new(Azure::default()), &mut Registry::default());
    reconcile(stored(&api), Arc::new(context)).await.expect("the reconcile ends like any other");
    traces.end().await;

    let request = tokio::time::timeout(Duration::from_secs(30), arrived.recv()).await.ok().flatten().expect("spans arrive");
    let spans = spans(&request);
    // Other tests' reconciles are exported too; one that lost the Lease makes fewer requests.
    let children = |root: &[u8]| spans.iter().filter(|(name, _, parent)| name == "azure" && parent == root).count();
    let mut roots = spans.iter().filter(|(name, _, parent)| name == "reconcile" && parent.is_empty());
    assert!(
        roots.any(|(_, root, _)| children(root) == 5),
        "two GETs of the compute, the pool, the region and the PUT: {spans:?}"
    );
    let has = |text: &str| request.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has("service.name") && has("synapse-spark-operator") && has("team-a"), "whose it is");
    assert!(has("client_request_id") && has("/computes/pool") && !has("Bearer"), "what was asked, and no secret");
    serving.abort();
}
