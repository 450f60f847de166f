//! What a reconcile stores, and when.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use serde_json::json;
use synapse_spark_operator::controller::reconcile;

use super::in_process::{Api, Azure, context, object};
use super::stored;

#[tokio::test]
async fn stale_watch_cache_does_not_erase_the_status() {
    let (api, azure) = (Api::with(object("team-a", "pool", &json!({"tags": {"team": "data"}}))), Arc::new(Azure::slow()));
    let context = Arc::new(context(api.client(), azure.clone(), &mut Registry::default()));
    let cached = stored(&api);
    reconcile(cached.clone(), context.clone()).await.expect("the PUT is accepted");
    let after_put = api.get("team-a", "pool")["status"].clone();
    assert_eq!(after_put["applied"]["tags"], json!(["team"]), "{after_put}");
    assert_eq!(after_put["operation"]["kind"], "Attach", "{after_put}");
    // The watch lags: the cache still has the object of before the PUT.
    let second = reconcile(cached, context).await;
    assert!(second.is_err(), "the second status conflicts: {second:?}");
    assert_eq!(api.get("team-a", "pool")["status"], after_put);
    assert_eq!(azure.writes(), 1);
}

#[tokio::test]
async fn nothing_is_written_to_azure_while_kubernetes_stores_no_status() {
    let (api, azure) = (Api::with(object("team-a", "pool", &json!({}))), Arc::new(Azure::slow()));
    api.refuse("/status", 500, "InternalError", "etcdserver: mvcc: database space exceeded");
    let context = Arc::new(context(api.client(), azure.clone(), &mut Registry::default()));
    for _ in 0..3 {
        let ended = reconcile(stored(&api), context.clone()).await;
        assert!(ended.is_err(), "the write intent is not stored: {ended:?}");
    }
    assert_eq!(azure.writes(), 0);
}

#[tokio::test]
async fn the_write_intent_is_stored_before_the_write() {
    let (api, azure) = (Api::with(object("team-a", "pool", &json!({}))), Arc::new(Azure::slow()));
    let server = api.clone();
    // The last check of the Lease comes between the intent and the write.
    let context = context(api.client(), azure.clone(), &mut Registry::default()).with_write_gate(move || {
        let is_pending = server.get("team-a", "pool")["status"]["operation"]["pending"] == true;
        (!is_pending).then_some(Duration::MAX)
    });
    let ended = reconcile(stored(&api), Arc::new(context)).await;
    assert!(ended.is_err(), "this process no longer leads: {ended:?}");
    assert_eq!(azure.writes(), 0);
    let status = api.get("team-a", "pool")["status"].clone();
    assert_eq!(status["operation"]["pending"], true, "the intent says that the write may have been sent");
}
