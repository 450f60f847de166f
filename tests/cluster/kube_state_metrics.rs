//! `deploy/kube-state-metrics`, with the real program and the permissions of `rbac.yaml` alone.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::manifests::deploy;
use crate::support::{World, block_on, gotool};

/// A kube-state-metrics of a namespace. It ends with the test.
struct KubeStateMetrics {
    process: Child,
    address: String,
}

impl Drop for KubeStateMetrics {
    fn drop(&mut self) {
        // It ends only if it has not ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl KubeStateMetrics {
    fn start(world: &World) -> Self {
        let plane = world.plane();
        world.kubectl(&["create", "serviceaccount", "kube-state-metrics"]);
        let rights = std::fs::read_to_string(deploy("kube-state-metrics/rbac.yaml")).expect("it is there");
        let rights = rights.replace("namespace: monitoring", &format!("namespace: {}", world.namespace));
        plane.kubectl(&["apply", "-f", "-"], &rights).expect("rights");
        let kubeconfig = plane.folder.join(format!("{}-kube-state-metrics", world.namespace));
        plane.kubeconfig_of(&world.namespace, "kube-state-metrics", &kubeconfig);
        let [port, telemetry] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let [port, telemetry] = [port, telemetry].map(|free| free.local_addr().expect("an address").port().to_string());
        let process = Command::new(gotool("kube-state-metrics"))
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .args(["--namespaces", &world.namespace, "--host", "127.0.0.1", "--port", &port])
            .args(["--telemetry-host", "127.0.0.1", "--telemetry-port", &telemetry, "--custom-resource-state-only=true"])
            .args(["--custom-resource-state-config-file", &deploy("kube-state-metrics/config.yaml")])
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        Self { process, address: format!("http://127.0.0.1:{port}/metrics") }
    }

    /// What Prometheus would scrape; empty while there is no answer.
    fn metrics(&self) -> String {
        let answer = async { reqwest::get(&self.address).await.ok()?.text().await.ok() };
        block_on(answer).unwrap_or_default()
    }
}

/// The value of the series with this name and these labels.
fn value(text: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let has = |line: &str| labels.iter().all(|(label, value)| line.contains(&format!("{label}=\"{value}\"")));
    let mut lines = text.lines().filter(|line| line.starts_with(&format!("kube_synapsesparkattachment_{name}{{")) && has(line));
    lines.next().and_then(|line| line.rsplit(' ').next()?.parse().ok())
}

/// The metrics that the rules use.
fn used() -> BTreeSet<String> {
    let rules = std::fs::read_to_string(deploy("kube-state-metrics/alerts.yaml")).expect("it is there");
    let rules: Value = serde_saphyr::from_str(&rules).expect("YAML");
    let queries = rules["groups"][0]["rules"].as_array().expect("rules").iter().map(|rule| rule["expr"].to_string());
    let words =
        |query: String| query.split(|one: char| !one.is_ascii_alphanumeric() && one != '_').map(ToOwned::to_owned).collect();
    queries.flat_map(|query| -> Vec<String> { words(query) }).filter(|word| word.starts_with("kube_")).collect()
}

/// The labels of a sample, each with its value.
type Labels<'a> = &'a [(&'a str, &'a str)];

#[test]
fn kube_state_metrics_shows_each_attachment() {
    let world = World::new("ksm");
    let metrics = KubeStateMetrics::start(&world);
    world.pool_fault("missing", &json!({"status": 403, "code": "AuthorizationFailed", "times": 1000}));
    world.apply("broken", "missing", &[]);
    world.apply("nightly", "one", &[]);
    world.apply("paused", "two", &[]);
    world.ready("nightly");
    world.ready("paused");
    world.patch("paused", &json!({"spec": {"suspend": true}}));
    world.stalled("broken", "AttachFailed");
    world.delete("paused");
    let deleted = [("name", "paused")];
    let text = world.until("kube-state-metrics shows them", || {
        let text = metrics.metrics();
        let is_stalled = [("name", "broken"), ("condition", "Stalled"), ("reason", "AttachFailed"), ("status", "True")];
        let all =
            value(&text, "status_condition", &is_stalled).is_some() && value(&text, "deletion_timestamp", &deleted).is_some();
        all.then_some(text)
    });
    let namespace = ("namespace", world.namespace.as_str());
    #[rustfmt::skip]
    let cases: &[(&str, Labels<'_>, f64)] = &[
        ("info", &[namespace, ("name", "nightly"), ("workspace", "ml-ws"), ("resource_group", "rg"), ("pool", "one"), ("compute", "nightly")], 1.0),
        ("spec_suspended", &[namespace, ("name", "nightly")], 0.0),
        ("spec_suspended", &[namespace, ("name", "paused")], 1.0),
        ("metadata_generation", &[("name", "nightly")], 1.0),
        ("status_observed_generation", &[("name", "nightly")], 1.0),
        ("status_condition", &[namespace, ("name", "nightly"), ("condition", "Ready"), ("reason", "Attached"), ("status", "True")], 1.0),
        ("status_condition", &[("name", "nightly"), ("condition", "Ready"), ("status", "False")], 0.0),
        ("status_condition", &[("name", "broken"), ("condition", "Stalled"), ("reason", "AttachFailed"), ("status", "True")], 1.0),
        ("status_condition", &[("name", "broken"), ("condition", "Ready"), ("status", "True")], 0.0),
    ];
    for (name, labels, expected) in cases {
        assert_eq!(value(&text, name, labels), Some(*expected), "{name} {labels:?}\n{text}");
    }
    assert_eq!(value(&text, "deletion_timestamp", &[("name", "nightly")]), None, "it was not deleted");
    assert_eq!(value(&text, "status_condition", &[("name", "nightly"), ("condition", "Stalled")]), None);
    let created = value(&text, "created", &[("name", "nightly")]).expect("a time");
    let ready = [("name", "nightly"), ("condition", "Ready")];
    let since = value(&text, "status_condition_last_transition_time", &ready).expect("a time");
    assert!(created > 1e9 && (created..created + 300.0).contains(&since), "created {created}, Ready since {since}");
    for name in used() {
        assert!(text.contains(&format!("# HELP {name} ")), "the rules use {name}");
    }
    assert!(used().len() > 3, "the metrics of the rules are found: {:?}", used());
    world.patch("paused", &json!({"spec": {"suspend": false}}));
}
