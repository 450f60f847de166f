//! A write to Azure gets no more time than the Lease has left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, HttpClient, Method};
use prometheus_client::registry::Registry;
use serde_json::json;
use synapse_spark_operator::controller::reconcile;
use tokio::time::Instant;

use super::in_process::{Api, context, now, object};
use super::stored;

/// An Azure without the compute, which never answers a PUT. Each request needs an access token of its own.
#[derive(Debug, Default)]
struct Silent {
    puts: AtomicU32,
    /// How long an access token takes after the Lease has been read.
    token_takes: Duration,
    /// How long a read of the compute takes.
    read_takes: Duration,
    lease_was_read: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl HttpClient for Silent {
    async fn execute_request(&self, request: &azure_core::http::Request) -> azure_core::Result<AsyncRawResponse> {
        let is_compute = request.url().path().contains("/computes/");
        let (code, body) = match request.method() {
            Method::Get if is_compute => {
                tokio::time::sleep(self.read_takes).await;
                (404, json!({"error": {"code": "ResourceNotFound", "message": "m"}}))
            }
            Method::Get => (200, json!({"location": "eastus2"})),
            Method::Post => {
                if self.lease_was_read.load(Ordering::Relaxed) {
                    tokio::time::sleep(self.token_takes).await;
                }
                (200, json!({"token_type": "Bearer", "access_token": "t", "expires_in": 30}))
            }
            _ => {
                self.puts.fetch_add(1, Ordering::Relaxed);
                std::future::pending().await
            }
        };
        Ok(AsyncRawResponse::from_bytes(code.into(), Headers::new(), body.to_string()))
    }
}

/// A reconcile that attaches while the Lease has this much time left: how long it takes, and how many PUTs are sent.
async fn attach(left: Duration, token_takes: Duration) -> (Duration, u32) {
    let azure = Arc::new(Silent { token_takes, ..Silent::default() });
    let read = azure.lease_was_read.clone();
    let api = Api::with(object("team-a", "pool", &json!({})));
    let context = context(api.client(), azure.clone(), &mut Registry::default()).with_write_gate(move || {
        read.store(true, Ordering::Relaxed);
        Some(left)
    });
    let began = Instant::now();
    reconcile(stored(&api), Arc::new(context)).await.expect("a write without an answer ends in the status");
    let sent = azure.puts.load(Ordering::Relaxed);
    let is_pending = api.get("team-a", "pool")["status"]["operation"]["pending"] == true;
    assert_eq!(is_pending, sent > 0, "only a write that was sent may still be carried out");
    (began.elapsed(), sent)
}

#[tokio::test(start_paused = true)]
async fn write_without_an_answer_ends_when_the_lease_may_be_taken_over() {
    let left = Duration::from_secs(7);
    assert_eq!(attach(left, Duration::ZERO).await, (left, 1));
}

#[tokio::test(start_paused = true)]
async fn time_that_an_access_token_takes_counts_against_the_lease() {
    let (left, token_takes) = (Duration::from_secs(7), Duration::from_secs(3));
    assert_eq!(attach(left, token_takes).await, (left, 1));
}

#[tokio::test(start_paused = true)]
async fn write_is_not_sent_if_the_lease_may_be_taken_over_before_its_access_token_arrives() {
    let (left, token_takes) = (Duration::from_secs(7), Duration::from_secs(8));
    assert_eq!(attach(left, token_takes).await, (token_takes, 0));
}

/// When the last write was sent according to the status, as the time since the test began.
fn started_after(api: &Api, began: jiff::Timestamp) -> i64 {
    let status = api.get("team-a", "pool")["status"].clone();
    let started: jiff::Timestamp = status["operation"]["startedAt"].as_str().expect("a time").parse().expect("a time");
    started.duration_since(began).as_secs()
}

#[tokio::test(start_paused = true)]
async fn time_in_which_an_unanswered_write_may_be_carried_out_counts_from_the_write() {
    let (reads, left) = (Duration::from_secs(50), Duration::from_secs(40));
    let azure = Arc::new(Silent { read_takes: reads, ..Silent::default() });
    let api = Api::with(object("team-a", "pool", &json!({})));
    let (server, began) = (api.clone(), now());
    let intent = Arc::new(std::sync::Mutex::new(None));
    let seen = intent.clone();
    let context = context(api.client(), azure, &mut Registry::default()).with_write_gate(move || {
        let is_stored = server.get("team-a", "pool")["status"]["operation"].is_object();
        *seen.lock().expect("no holder panics") = is_stored.then(|| started_after(&server, began));
        Some(left)
    });
    reconcile(stored(&api), Arc::new(context)).await.expect("a write without an answer ends in the status");
    let intent = intent.lock().expect("no holder panics").expect("an intent");
    // The reads of both rounds come before; a status has whole seconds.
    assert!((99..=102).contains(&intent), "the intent is stored {intent} s after the start");
    let outcome = started_after(&api, began);
    assert!((139..=142).contains(&outcome), "the write had no answer {outcome} s after the start");
}
