//! `logs`, against an API server in this process: a node is needed for real ones.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::no_cluster::kubeconfig;
use super::{program, text};

const A: &str = r#"{"timestamp":"2026-03-02T10:00:00.000000Z","level":"INFO","target":"t","message":"status changed","controller":"synapsesparkattachment","namespace":"team-a","name":"nightly","reason":"Attached"}"#;
const B: &str = r#"{"timestamp":"2026-03-02T10:00:01.000000Z","level":"INFO","target":"t","message":"status changed","controller":"synapsesparkattachment","namespace":"team-b","name":"nightly","reason":"Attaching"}"#;
const START: &str = r#"{"timestamp":"2026-03-02T09:59:59.000000Z","level":"INFO","target":"t","message":"became leader","lease":"ops/synapse-spark-operator"}"#;
const NOT_JSON: &str = "thread 'main' panicked";

/// Who leads, and what the requests for logs were.
#[derive(Default)]
struct State {
    leader: &'static str,
    requests: Vec<String>,
}

fn answer(state: &Mutex<State>, path: &str) -> Option<String> {
    let list = |kind: &str, items: Value| json!({"apiVersion": "v1", "kind": kind, "metadata": {}, "items": items}).to_string();
    let mut state = state.lock().expect("no holder panics");
    let (path, _) = path.split_once('?').map_or((path, ""), |(before, query)| {
        if before.ends_with("/log") {
            state.requests.push(format!("{before}?{query}"));
        }
        (before, query)
    });
    match path {
        "/apis/apps/v1/deployments" => {
            let containers = json!([{"name": "other"}, {"name": "operator", "args": ["run"]}]);
            let annotations = json!({"kubectl.kubernetes.io/default-container": "operator"});
            let template = json!({"metadata": {"annotations": annotations}, "spec": {"containers": containers}});
            let spec = json!({"selector": {"matchLabels": {"app": "operator"}}, "template": template});
            Some(list("DeploymentList", json!([{"metadata": {"name": "operator", "namespace": "ops"}, "spec": spec}])))
        }
        "/api/v1/namespaces/ops/pods" => {
            let pod = |name: &str| json!({"metadata": {"name": name, "namespace": "ops"}});
            let pods = json!([pod("pod-1"), pod("pod-2")]);
            let kind =
                json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList", "metadata": {}, "items": pods});
            Some(kind.to_string())
        }
        "/apis/coordination.k8s.io/v1/namespaces/ops/leases/synapse-spark-operator" => {
            let holder = format!("{}_0", state.leader);
            let metadata = json!({"name": "synapse-spark-operator", "namespace": "ops"});
            Some(json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": {"holderIdentity": holder}}).to_string())
        }
        "/api/v1/namespaces/ops/pods/pod-1/log" => Some([START, A, NOT_JSON, B].map(|line| format!("{line}\n")).concat()),
        "/api/v1/namespaces/ops/pods/pod-2/log" => Some(format!("{}\n", B.replace("Attaching", "Attached"))),
        _ => None,
    }
}

fn respond(state: &Mutex<State>, mut stream: TcpStream) {
    let mut head = [0; 8192];
    let read = stream.read(&mut head).unwrap_or(0);
    let head = String::from_utf8_lossy(&head[..read]).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (status, body) = answer(state, path).map_or(("404 Not Found", String::new()), |body| ("200 OK", body));
    let length = body.len();
    let kind = if path.contains("/log") { "text/plain" } else { "application/json" };
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
    // A pod that stops leading: its log ends, and the other one leads.
    if path.contains("/pod-1/log") && path.contains("follow=true") {
        state.lock().expect("no holder panics").leader = "pod-2";
    }
}

/// An API server of two operator pods, of which the first one leads.
fn api_server(dir: &tempfile::TempDir) -> (String, Arc<Mutex<State>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let server = format!("http://{}", listener.local_addr().expect("an address"));
    let state = Arc::new(Mutex::new(State { leader: "pod-1", ..State::default() }));
    let shared = state.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let state = shared.clone();
            std::thread::spawn(move || respond(&state, stream));
        }
    });
    (kubeconfig(dir, &server), state)
}

#[test]
fn log_of_the_leader_is_shown_and_filtered_by_object() {
    let dir = tempfile::tempdir().expect("a folder");
    let (kubeconfig, state) = api_server(&dir);
    let a = "2026-03-02T10:00:00.000000Z INFO  team-a/nightly status changed reason=Attached\n";
    let b = "2026-03-02T10:00:01.000000Z INFO  team-b/nightly status changed reason=Attaching\n";
    let start = "2026-03-02T09:59:59.000000Z INFO  became leader lease=ops/synapse-spark-operator\n";
    #[rustfmt::skip]
    let table = [
        (&[][..],                                   format!("{start}{a}{NOT_JSON}\n{b}")),
        // The namespace of the context is team-a.
        (&["nightly"],                              a.to_owned()),
        (&["nightly", "-n", "team-b"],              b.to_owned()),
        (&["-n", "team-b"],                         b.to_owned()),
        (&["other"],                                String::new()),
        (&["nightly", "-o", "json"],                format!("{A}\n")),
        (&["-o", "json"],                           format!("{START}\n{A}\n{B}\n")),
    ];
    for (args, wanted) in table {
        let out = program(&[&["logs"], args].concat(), &[("KUBECONFIG", &kubeconfig)], "");
        assert_eq!((out.status.code(), text(&out.stdout)), (Some(0), wanted), "{args:?}: {}", text(&out.stderr));
    }
    program(&["logs", "--since", "10m"], &[("KUBECONFIG", &kubeconfig)], "");
    let requests = std::mem::take(&mut state.lock().expect("no holder panics").requests);
    assert!(requests.iter().all(|one| one.starts_with("/api/v1/namespaces/ops/pods/pod-1/log?")), "{requests:?}");
    assert!(requests.iter().all(|one| one.contains("container=operator")), "{requests:?}");
    let since: Vec<_> = requests.iter().filter(|one| one.contains("sinceSeconds=600")).collect();
    assert_eq!(since, [&requests[7]]);
}

/// Ends the program when the test ends.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn follow_continues_with_the_next_leader() {
    let dir = tempfile::tempdir().expect("a folder");
    let (kubeconfig, state) = api_server(&dir);
    let mut child = Started(
        Command::new(env!("CARGO_BIN_EXE_synapse-spark-operator"))
            .args(["logs", "nightly", "-n", "team-b", "--follow", "--timeout", "60s"])
            .env_clear()
            .env("KUBECONFIG", kubeconfig)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts"),
    );
    let mut lines = BufReader::new(child.0.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    assert!(lines.next().is_some_and(|line| line.ends_with("reason=Attaching")));
    assert!(lines.next().is_some_and(|line| line.ends_with("reason=Attached")), "the log of the second pod");
    let requests = &state.lock().expect("no holder panics").requests;
    assert!(requests[0].contains("pod-1") && requests[1].contains("pod-2"), "{requests:?}");
    assert!(requests[1].contains("sinceSeconds="), "only what is new: {requests:?}");
}
