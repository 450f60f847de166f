//! When the defaults of a namespace are read, and what keeps them from being written.

use std::sync::Arc;

use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::controller::reconcile;

use super::in_process::{Api, Azure, context, object};
use super::stored;

/// The resource ID of the workspace of [`object`], as a default has it.
const WORKSPACE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/ml";

/// A new object, and a namespace with both defaults.
fn new(spec: &Value) -> Api {
    let mut new = object("team-a", "pool", spec);
    new["metadata"].as_object_mut().expect("an object").remove("finalizers");
    let api = Api::with(new);
    api.annotate_namespace("team-a", "synapse-spark.dev/default-workspace", WORKSPACE);
    api.annotate_namespace("team-a", "synapse-spark.dev/default-identity", "SystemAssigned");
    api
}

/// Reconciles the object as the watch showed it, after `meanwhile`. Returns whether that ended well, and the writes to Azure.
async fn reconciled(api: &Api, meanwhile: impl FnOnce(&Api)) -> (bool, usize) {
    let azure = Arc::new(Azure::slow());
    let context = Arc::new(context(api.client(), azure.clone(), &mut Registry::default()));
    let cached = stored(api);
    meanwhile(api);
    (reconcile(cached, context).await.is_ok(), azure.writes())
}

#[tokio::test]
async fn defaults_are_stored_before_anything_is_sent_to_azure() {
    let api = new(&json!({}));
    assert_eq!(reconciled(&api, |_| {}).await, (true, 0));
    assert_eq!(api.get("team-a", "pool")["spec"]["identity"], json!({"type": "SystemAssigned"}));
    assert_eq!(reconciled(&api, |_| {}).await, (true, 1));
}

#[tokio::test]
async fn namespace_of_an_attachment_that_exists_is_not_read() {
    let api = new(&json!({}));
    api.change("team-a", "pool", &json!({"metadata": {"finalizers": ["synapse-spark.dev/detach"]}}));
    assert_eq!(reconciled(&api, |_| {}).await, (true, 1));
    assert_eq!(api.requests(&["GET /api/v1/namespaces/team-a"]), [""; 0]);
    assert_eq!(api.get("team-a", "pool")["spec"]["identity"], json!(null));
}

#[tokio::test]
async fn what_was_written_since_the_watch_showed_the_object_is_kept() {
    for change in [
        // Another process has begun to attach it without an identity.
        json!({"metadata": {"finalizers": ["synapse-spark.dev/detach"]}}),
        json!({"spec": {"identity": {"type": "None"}}}),
    ] {
        let api = new(&json!({}));
        let (ended_well, writes) = reconciled(&api, |api| api.change("team-a", "pool", &change)).await;
        assert_eq!((ended_well, writes), (false, 0), "{change}");
        assert_eq!(api.get("team-a", "pool")["spec"]["identity"], change["spec"]["identity"], "{change}");
    }
}

#[tokio::test]
async fn without_an_answer_about_the_defaults_nothing_is_attached() {
    for (code, reason) in [(403, Some("InvalidSpec")), (500, None)] {
        let api = new(&json!({}));
        let refuse = |api: &Api| api.refuse("/api/v1/namespaces/", code, "Refused", "namespaces \"team-a\" is refused");
        assert_eq!(reconciled(&api, refuse).await, (reason.is_some(), 0), "{code}");
        assert_eq!(api.reason("team-a", "pool").as_deref(), reason, "{code}");
    }
}
