//! A bundle of a cluster that has secrets in every place.

use std::collections::BTreeMap;
use std::io::Read;

use clap::Parser;
use flate2::read::GzDecoder;
use http::{Request, Response};
use kube::client::Body;

use super::*;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    bundle: Bundle,
}

/// What this cluster answers.
fn answer(path: &str) -> (u16, String) {
    // Made up, and put together here so that no scanner of secrets finds it.
    let token = ["eyJ0eXAiOiJKV1QiLCJhbGciOi", "planted", "planted"].join(".");
    let container = json!({
        "name": "operator",
        "args": ["run", "--concurrency=8", "--arm-endpoint=https://user:planted@proxy.example"],
        "env": [{"name": "AZURE_TENANT_ID", "value": "72f988bf"}, {"name": "MY_WORD", "value": "planted"}],
    });
    let default = json!({"kubectl.kubernetes.io/default-container": "operator"});
    let containers = json!([{"name": "sidecar"}, container]);
    let pod =
        json!({"items": [{"metadata": {"name": "operator-1", "annotations": default}, "spec": {"containers": containers}}]});
    let attachments = json!({
        "metadata": {"continue": "more"},
        "items": [{"metadata": {"name": "nightly", "annotations": {"other.example/x": "planted"}}, "status": {"conditions": [{"message": format!("refused: Bearer {token}")}]}}],
    });
    match path.split('?').next().unwrap_or_default() {
        "/version" => (200, json!({"gitVersion": "v1.36.3"}).to_string()),
        "/apis/apps/v1/namespaces/system/deployments" | "/api/v1/namespaces/system/pods" => (200, pod.to_string()),
        "/apis/synapse-spark.dev/v1alpha1/namespaces/team-a/synapsesparkattachments" => (200, attachments.to_string()),
        "/api/v1/namespaces/system/pods/operator-1/log" if !path.contains("container=operator&") => {
            (400, json!({"kind": "Status", "status": "Failure", "message": "a container name must be specified", "reason": "BadRequest", "code": 400}).to_string())
        }
        "/api/v1/namespaces/system/pods/operator-1/log" if path.contains("previous=true") => {
            (400, json!({"kind": "Status", "status": "Failure", "message": "previous container not found", "reason": "BadRequest", "code": 400}).to_string())
        }
        "/api/v1/namespaces/system/pods/operator-1/log" => {
            (200, format!("{{\"message\":\"azure request failed\",\"body\":\"client_secret=planted\"}}\naccess token {token}\n"))
        }
        "/api/v1/namespaces/system/pods/operator-1:8080/proxy/metrics" => (200, "synapse_spark_operator_leader 1\n".to_owned()),
        _ => (403, json!({"kind": "Status", "status": "Failure", "message": "events is forbidden", "reason": "Forbidden", "code": 403}).to_string()),
    }
}

#[tokio::test]
async fn a_bundle_has_what_helps_and_no_secret() {
    let service = tower::service_fn(|request: Request<Body>| async move {
        let (code, text) = answer(&request.uri().to_string());
        Ok::<_, std::convert::Infallible>(
            Response::builder().status(code).body(Body::from(text.into_bytes())).expect("an answer"),
        )
    });
    let arguments = ["bundle", "--operator-namespace", "system", "-n", "team-a"];
    let Arguments { bundle } = Arguments::try_parse_from(arguments).expect("good arguments");
    let known = BTreeSet::from(["AZURE_TENANT_ID".to_owned()]);
    let collector = Collector { client: Client::new(service, "default"), known: &known, entries: Vec::new() };
    let entries = collector.collect(&bundle).await;

    let (mut archive, index) = (Vec::new(), index(&entries));
    write(&mut archive, &index, entries, Timestamp::UNIX_EPOCH).expect("it is written");
    let mut files = BTreeMap::new();
    for file in tar::Archive::new(GzDecoder::new(archive.as_slice())).entries().expect("an archive") {
        let mut file = file.expect("a file");
        let name = file.path().expect("a name").display().to_string();
        let mut text = String::new();
        file.read_to_string(&mut text).expect("text");
        files.insert(name.trim_start_matches("synapse-spark-bundle/").to_owned(), text);
    }
    for (name, text) in &files {
        assert!(!text.contains("planted"), "{name}: {text}");
    }
    #[rustfmt::skip]
    let cases = [
        ("versions.json", "v1.36.3"), ("versions.json", env!("CARGO_PKG_VERSION")),
        ("attachments.json", "nightly"), ("attachments.json", "refused: Bearer REDACTED"),
        ("operator/deployments.json", "--concurrency=8"), ("operator/deployments.json", "72f988bf"), ("operator/pods.json", "MY_WORD"),
        ("operator/operator-1.log", "azure request failed"), ("operator/operator-1.log", "access token REDACTED"),
        ("operator/operator-1.metrics", "synapse_spark_operator_leader 1"),
        ("index.txt", "operator/operator-1.previous.log: not read: "), ("index.txt", "previous container not found"), ("index.txt", "attachment-events.json: not read: "),
        ("index.txt", "events is forbidden"), ("index.txt", "the first 2000 objects"), ("README.txt", "index.txt"),
    ];
    for (name, expected) in cases {
        assert!(files.get(name).is_some_and(|text| text.contains(expected)), "{name} lacks {expected}: {:?}", files.get(name));
    }
    assert!(!files.contains_key("attachment-events.json"), "it could not be read");
}
