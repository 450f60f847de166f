//! A process that no longer leads writes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::controller::reconcile;

use super::in_process::{Api, Azure, context, object};
use super::{is_released, stored};

/// An object for each step, the compute that is there, and how many writes to Azure the step takes.
fn steps() -> Vec<(&'static str, Value, Option<Value>, usize)> {
    let new = object("team-a", "pool", &json!({}));
    let (mut unclaimed, mut deleted) = (new.clone(), new.clone());
    unclaimed["metadata"]["finalizers"] = json!(null);
    deleted["metadata"]["deletionTimestamp"] = json!("1970-01-01T00:00:00Z");
    let ours = json!({
        "tags": {"synapse-spark-operator-owner": "cluster/team-a/pool/team-a-pool"},
        "properties": {"computeType": "SynapseSpark", "resourceId": new["spec"]["resourceId"], "provisioningState": "Succeeded"},
    });
    vec![
        ("AddFinalizer, then Put", unclaimed, None, 1),
        ("Put", new, None, 1),
        ("Detach", deleted.clone(), Some(ours), 1),
        ("RemoveFinalizer", deleted, None, 0),
    ]
}

#[tokio::test(start_paused = true)]
async fn no_step_writes_anything_after_the_lease_is_lost() {
    for (step, object, compute, to_azure) in steps() {
        for leads in [true, false] {
            let azure = Arc::new(compute.clone().map_or_else(Azure::default, |compute| Azure::with("pool", compute)));
            let api = Api::with(object.clone());
            let context = context(api.client(), azure.clone(), &mut Registry::default())
                .with_write_gate(move || leads.then_some(Duration::MAX));
            let context = Arc::new(context);
            let mut ended = reconcile(stored(&api), context.clone()).await;
            if step == "RemoveFinalizer" {
                // The absence has to be confirmed.
                tokio::time::advance(Duration::from_secs(15)).await;
                ended = reconcile(stored(&api), context).await;
            }
            assert_eq!(ended.is_ok(), leads, "{step}: {ended:?}");
            let wrote = (azure.writes(), api.writes() > 0);
            assert_eq!(wrote, if leads { (to_azure, true) } else { (0, false) }, "{step}, leads: {leads}");
            assert_eq!(is_released(&api), leads && step == "RemoveFinalizer", "{step}, leads: {leads}");
        }
    }
}

#[tokio::test]
async fn the_lease_is_checked_after_the_last_access_token() {
    let leads = Arc::new(AtomicBool::new(true));
    // Each request needs a token of its own. The sixth is the one of the PUT.
    for (token, writes) in [(7, 1), (6, 0)] {
        leads.store(true, Ordering::Relaxed);
        let (lost, gate) = (leads.clone(), leads.clone());
        let azure = Arc::new(Azure::on_token(token, move || lost.store(false, Ordering::Relaxed)));
        let api = Api::with(object("team-a", "pool", &json!({})));
        let context = context(api.client(), azure.clone(), &mut Registry::default())
            .with_write_gate(move || gate.load(Ordering::Relaxed).then_some(Duration::MAX));
        let _ = reconcile(stored(&api), Arc::new(context)).await;
        assert_eq!(azure.writes(), writes, "lost with token {token}");
    }
}
