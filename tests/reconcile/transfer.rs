//! A hand-over that shows no effect yet is judged by Azure's operation, not by the compute, which still is as its owner's spec.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::controller::reconcile;

use super::in_process::{Api, context, now, object};
use super::one_compute::OneCompute;
use super::stored;

const RECIPIENT: &str = "0b5d1f5e-3c1c-4c55-9a4e-1f2a3b4c5d6e/team-b/pool";

/// An owner whose hand-over Azure accepted a minute ago.
fn handing_over() -> Value {
    let mut object = object("team-a", "pool", &json!({}));
    let subscription = object["spec"]["workspace"]["subscriptionId"].as_str().expect("a subscription").to_owned();
    let path =
        format!("/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/eastus2/operations/1");
    let started = (now() - Duration::from_mins(1)).to_string();
    object["metadata"]["annotations"] = json!({"synapse-spark.dev/transfer-to": RECIPIENT});
    let operation = json!({"kind": "Transfer", "pending": false, "path": path, "startedAt": started});
    object["status"] = json!({"observedGeneration": 1, "operation": operation});
    object
}

#[tokio::test(start_paused = true)]
async fn a_hand_over_without_effect_yet_is_judged_by_its_operation() {
    let failed = json!({"status": "Failed", "error": {"code": "TagsRefused", "message": "a policy refuses the tag"}});
    for (case, operation, reason, part) in [
        ("it goes on", json!({"status": "InProgress"}), "Transferring", RECIPIENT),
        ("it has failed", failed, "UpdateFailed", "a policy refuses the tag"),
    ] {
        let (api, azure) = (
            Api::with(handing_over()),
            Arc::new(OneCompute::owned_by("cluster/team-a/pool/team-a-pool").with_operation(operation)),
        );
        let context = Arc::new(context(api.client(), azure.clone(), &mut Registry::default()));
        for _ in 0..2 {
            reconcile(stored(&api), context.clone()).await.expect("Kubernetes accepts every write");
            // Before a retry is due.
            tokio::time::advance(Duration::from_secs(4)).await;
        }
        assert_eq!(api.reason("team-a", "pool").as_deref(), Some(reason), "{case}");
        let status = api.get("team-a", "pool")["status"].clone();
        assert!(status.to_string().contains(part), "{case}: {status}");
        assert_eq!(azure.writes(), Vec::<String>::new(), "{case}: nothing is sent again");
    }
}
