//! One reconcile of one object, in this process: what cannot be tested with the real program.

#[path = "reconcile/absence.rs"]
mod absence;
#[path = "reconcile/activity_log.rs"]
mod activity_log;
#[path = "reconcile/deadline.rs"]
mod deadline;
#[path = "reconcile/defaults.rs"]
mod defaults;
#[path = "reconcile/identities.rs"]
mod identities;
#[path = "support/in_process/mod.rs"]
#[expect(dead_code, reason = "tests/watch.rs needs the rest")]
mod in_process;
#[path = "reconcile/leadership.rs"]
mod leadership;
#[path = "reconcile/one_compute.rs"]
mod one_compute;
#[path = "reconcile/outputs.rs"]
mod outputs;
#[path = "reconcile/predecessor.rs"]
mod predecessor;
#[path = "reconcile/queue.rs"]
mod queue;
#[path = "reconcile/status.rs"]
mod status;
#[path = "reconcile/traces.rs"]
mod traces;
#[path = "reconcile/transfer.rs"]
mod transfer;

use std::sync::Arc;
use std::time::Duration;

use azure_core::http::{AsyncRawResponse, HttpClient};
use in_process::{Api, Azure, context, object};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::api::SynapseSparkAttachment;
use synapse_spark_operator::controller::{Options, Readiness, clock_ahead, reconcile, run};

/// An Azure whose requests panic, as with a bug in the operator.
#[derive(Debug)]
struct Trap;

#[async_trait::async_trait]
impl HttpClient for Trap {
    async fn execute_request(&self, _: &azure_core::http::Request) -> azure_core::Result<AsyncRawResponse> {
        panic!("a trap")
    }
}

/// The object `pool` as the watch brings it.
fn stored(api: &Api) -> Arc<SynapseSparkAttachment> {
    Arc::new(serde_json::from_value(api.get("team-a", "pool")).expect("an object"))
}

/// Whether the finalizer was removed.
fn is_released(api: &Api) -> bool {
    let patches = api.bodies(&["PATCH"]);
    patches.iter().filter_map(Value::as_array).flatten().any(|operation| operation["op"] == "remove")
}

#[tokio::test]
async fn readyz_names_a_missing_definition_or_permission() {
    for (code, reason, says) in [(404, "NotFound", "the server could not find"), (403, "Forbidden", "is forbidden")] {
        let api = Api::default();
        api.refuse("", code, reason, &format!("synapsesparkattachments {says} it"));
        let readiness = Arc::new(Readiness::default());
        let options = Options { concurrency: 1, namespaces: vec!["team-a".into()], readiness: readiness.clone() };
        let context = Arc::new(context(api.client(), Arc::new(Trap), &mut Registry::default()));
        let running = tokio::spawn(run(api.client(), context, options, std::future::pending()));
        let named = async {
            while !readiness.text().contains(says) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), named).await.unwrap_or_else(|_| panic!("{:?}", readiness.text()));
        assert!(readiness.text().contains("namespace team-a"), "{}", readiness.text());
        running.abort();
    }
}

#[tokio::test]
async fn nothing_is_written_with_an_identity_that_the_object_no_longer_names() {
    let named = json!({"spec": {"serviceAccountName": "team"}});
    for (case, change, writes) in [("unchanged", None, 1), ("names another identity since", Some(named), 0)] {
        let (api, azure) = (Api::with(object("team-a", "pool", &json!({}))), Arc::new(Azure::default()));
        let context = context(api.client(), azure.clone(), &mut Registry::default());
        let cached = stored(&api);
        if let Some(change) = &change {
            api.change("team-a", "pool", change);
        }
        let ended = reconcile(cached, Arc::new(context)).await;
        // The status of the former version conflicts; the watch brings the newer one.
        assert_eq!(ended.is_ok(), change.is_none(), "{case}: {ended:?}");
        assert_eq!(azure.writes(), writes, "{case}");
    }
}

#[tokio::test]
async fn clock_that_is_far_ahead_is_measured() {
    let now = jiff::Timestamp::now();
    let long_ago = Api::dated("Wed, 01 Jan 2020 00:00:00 GMT").client();
    let ahead = clock_ahead(&long_ago).await.expect("the header is there");
    let really = now.duration_since("2020-01-01T00:00:00Z".parse().expect("a time"));
    assert!((ahead - really).abs().as_secs() < 10, "{ahead:?}");
}

#[tokio::test]
async fn clock_is_not_measured_by_a_date_that_cannot_be_parsed() {
    assert_eq!(clock_ahead(&Api::dated("no date").client()).await, None);
}

#[tokio::test]
async fn a_reconcile_that_panics_is_reported_like_any_other_failure() {
    let api = Api::with(object("team-a", "pool", &json!({})));
    let mut registry = Registry::default();
    let context = context(api.client(), Arc::new(Trap), &mut registry);

    reconcile(stored(&api), Arc::new(context)).await.expect("the reconcile ends like any other");

    let applied = api.bodies(&["PATCH", "/pool/status"]);
    let status = applied.first().expect("a status");
    let conditions = status["status"]["conditions"].as_array().expect("conditions");
    assert!(conditions.iter().any(|one| one["type"] == "Stalled" && one["reason"] == "InternalError"), "{status}");
    assert!(conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "False"), "{status}");
    assert_eq!(status["metadata"]["uid"], "team-a-pool", "it lands on no other object of that name");
    assert!(!api.requests(&["/events"]).is_empty(), "an event is published");
    let mut text = String::new();
    encode(&mut text, &registry).expect("text");
    assert!(text.contains("reconcile_panics_total 1"), "{text}");
}
