//! Commands that need a cluster, where none answers.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::atomic::Ordering;

use serde_json::json;

use super::{program, text};

/// An API server that answers everything alike, as long as this process lives; the kubeconfig to it.
fn api_server(dir: &tempfile::TempDir, answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
            // Closed with something unread, it would be reset, and the answer lost.
            let _ = stream.shutdown(Shutdown::Write).and_then(|()| std::io::copy(&mut stream, &mut std::io::sink()));
        }
    });
    kubeconfig(dir, &format!("http://{address}"))
}

pub fn kubeconfig(dir: &tempfile::TempDir, server: &str) -> String {
    let file = dir.path().join(format!("kubeconfig-{}", server.replace(['/', ':'], "-")));
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "team-a"}}],
    });
    std::fs::write(&file, config.to_string()).expect("a kubeconfig");
    file.display().to_string()
}

/// Literal answers of an API server: for an unknown group, and for two kinds of missing permissions.
const NO_GROUP: &str = "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: 19\r\n\r\n404 page not found\n";

const UNAUTHORIZED: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 125\r\n\r\n{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401}";

const NOT_KUBERNETES: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: 15\r\n\r\n<h1>Login</h1>\n";

#[test]
fn connection_errors_come_with_advice() {
    let dir = tempfile::tempdir().expect("a folder");
    let unused = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let dead = kubeconfig(&dir, &format!("http://{unused}"));
    #[rustfmt::skip]
    let table = [
        ("no kubeconfig",   "/nowhere".to_owned(),                  &[][..],               &["cannot load a kubeconfig", "--kubeconfig or --context"][..]),
        ("no such file",    dead.clone(),                           &["--kubeconfig", "/nowhere"], &["cannot load a kubeconfig", "/nowhere"]),
        ("no such context", dead.clone(),                           &["--context", "there"], &["cannot load a kubeconfig", "there"]),
        ("nobody answers",  dead,                                   &[],                   &["no answer from the API server", "Connection refused", "Check that the cluster is running"]),
        ("not installed",   api_server(&dir, NO_GROUP),             &[],                   &["has no synapsesparkattachments.synapse-spark.dev", "Install it"]),
        ("unknown user",    api_server(&dir, UNAUTHORIZED),         &[],                   &["rejects your credentials", "Log in again"]),
        ("a proxy's page",  api_server(&dir, NOT_KUBERNETES),       &[],                   &["expected value"]),
    ];
    for (case, kubeconfig, more, words) in table {
        for command in [
            &["status"][..],
            &["status", "nightly"],
            &["reconcile", "nightly"],
            &["reconcile", "--all"],
            &["suspend", "nightly"],
            &["status", "--watch"],
            &["plan", "nightly"],
            &["audit"],
        ] {
            let out = program(&[command, more].concat(), &[("KUBECONFIG", &kubeconfig)], "");
            let said = text(&out.stderr);
            assert_eq!(out.status.code(), Some(1), "{case}: {said}");
            assert!(words.iter().all(|word| said.contains(word)), "{case}, {command:?}: {said}");
            assert_eq!(said.lines().count(), 1, "{case}: {said}");
        }
    }
}

#[test]
fn proxy_is_used_unless_no_proxy_names_the_server() {
    const REFUSAL: &str = "HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let dir = tempfile::tempdir().expect("a folder");
    let (proxy, asked) = super::server(REFUSAL);
    let unused = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    #[rustfmt::skip]
    let table = [
        // server                              NO_PROXY              uses the proxy  message
        ("https://api.example:6443".to_owned(), "127.0.0.1",         1,              &["through the proxy http://127.0.0.1", "NO_PROXY"][..]),
        (format!("https://{unused}"),           "",                  0,              &["no answer from the API server", "Connection refused"]),
    ];
    for (server, none_for, requests, words) in table {
        let before = asked.load(Ordering::Relaxed);
        let kubeconfig = kubeconfig(&dir, &server);
        let env = [("KUBECONFIG", kubeconfig.as_str()), ("HTTPS_PROXY", proxy.as_str()), ("NO_PROXY", none_for)];
        let shown = program(&["status", "nightly"], &env, "");
        let error = text(&shown.stderr);
        assert_eq!(asked.load(Ordering::Relaxed) - before, requests, "{server}: {error}");
        assert!(words.iter().all(|word| error.contains(word)), "{server}: {error}");
    }
}
