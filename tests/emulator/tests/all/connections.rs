//! Which TCP connection carried which request.

use std::collections::BTreeSet;

use azure_emulator::{Emulator, Fault, Options};
use serde_json::json;

use crate::support::workspace;

fn folder(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A client of this emulator that keeps this many idle connections.
fn client(emulator: &Emulator, idle: usize) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(emulator.ca_pem().as_bytes()).expect("a certificate");
    reqwest::Client::builder().tls_certs_only([ca]).pool_max_idle_per_host(idle).build().expect("a client")
}

/// GET of the workspace without a token, which is refused with 401.
async fn status(http: &reqwest::Client, emulator: &Emulator) -> u16 {
    let url = format!("{}{}?api-version=2025-12-01", emulator.endpoint(), workspace());
    let answer = http.get(url).send().await.expect("an answer");
    let status = answer.status().as_u16();
    // A connection carries the next request only when the whole body is read.
    answer.bytes().await.expect("a body");
    status
}

#[tokio::test]
async fn the_journal_shows_which_requests_shared_a_connection() {
    let emulator = Emulator::start(Options::in_dir(folder("connections"))).await.expect("it starts");
    let (pooling, other) = (client(&emulator, 1), client(&emulator, 0));
    for http in [&pooling, &other, &other, &pooling] {
        status(http, &emulator).await;
    }
    let azure = emulator.azure();
    let numbers: Vec<_> =
        azure.lock().expect("no thread panics while it holds the lock").journal(0).map(|entry| entry.connection).collect();
    assert!(numbers.iter().all(Option::is_some), "{numbers:?}");
    assert_eq!(numbers[0], numbers[3], "the pooled connection carries both");
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 3, "{numbers:?}");
}

#[tokio::test]
async fn a_fault_can_apply_to_reused_connections_only() {
    let emulator = Emulator::start(Options::in_dir(folder("reused"))).await.expect("it starts");
    let (pooling, other) = (client(&emulator, 1), client(&emulator, 0));
    let fault = Fault::from_json(&json!({"method": "GET", "reusedConnection": true, "times": 9, "status": 404}));
    emulator.azure().lock().expect("no thread panics while it holds the lock").add_fault(fault.expect("a fault"));
    let mut statuses = Vec::new();
    for http in [&pooling, &pooling, &other, &other, &pooling] {
        statuses.push(status(http, &emulator).await);
    }
    assert_eq!(statuses, [401, 404, 401, 401, 404]);
}
