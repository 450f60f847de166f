//! What a part of Azure that does not answer costs the attachments of other parts.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::in_process::{Api, Azure, object};
use super::{nothing, start_with, until};

/// More than are reconciled at the same time.
const SILENT: usize = 40;
const OPERATION: Duration = Duration::from_secs(30);

/// How long an attach takes beside this many objects that depend on a part of Azure that never answers.
async fn healthy_attach(silent: usize, path: &str, spec: &Value) -> Duration {
    let (api, azure) = (Api::streaming(), Arc::new(Azure::paging(OPERATION, 100)));
    azure.silence_path(path);
    for number in 0..silent {
        api.put(object("team-a", &format!("silent-{number:02}"), spec));
    }
    let _running = start_with(&api, &azure, &[]);
    // All of them have begun.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    api.put(object("team-b", "healthy", &nothing()));
    until("the healthy one is attached", || api.reason("team-b", "healthy").as_deref() == Some("Attached")).await;
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_part_of_azure_that_does_not_answer_costs_other_attachments_little() {
    let subscription = "/subscriptions/s/resourceGroups/g/providers";
    let pool = json!({"resourceId": format!("{subscription}/Microsoft.Synapse/workspaces/silent/bigDataPools/p")});
    let workspace = json!({"workspace": {"subscriptionId": "s", "resourceGroup": "g", "name": "silent"}});
    for (case, path, spec) in [
        ("a Synapse workspace", "/Microsoft.Synapse/workspaces/silent", pool),
        ("a Machine Learning workspace", "/Microsoft.MachineLearningServices/workspaces/silent", workspace),
    ] {
        let alone = healthy_attach(0, path, &spec).await;
        let beside = healthy_attach(SILENT, path, &spec).await;
        assert!(beside <= alone.mul_f64(1.2), "{case}: {beside:?} beside {SILENT} of it, {alone:?} alone");
    }
}
