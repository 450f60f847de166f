//! What a part of Azure that does not answer costs the attachments of other parts.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::in_process::{Api, Azure, object};
use super::{nothing, start_with, until};

/// More than are reconciled at the same time; and more than may wait at the same time.
const SILENT: [usize; 2] = [40, 600];
const OPERATION: Duration = Duration::from_secs(30);

/// Each has a few of these attachments.
const WORKSPACES: usize = 100;

/// How long an attach takes next to this many objects that depend on a part of Azure that never answers.
async fn healthy_attach(silent: usize, path: &str, spec: impl Fn(usize) -> Value) -> Duration {
    let (api, azure) = (Api::streaming(), Arc::new(Azure::paging(OPERATION, 100)));
    azure.silence_path(path);
    for number in 0..silent {
        api.put(object("team-a", &format!("silent-{number:03}"), &spec(number)));
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
async fn a_part_of_azure_that_does_not_answer_hardly_delays_other_attachments() {
    let (synapse, machine_learning) =
        ("/Microsoft.Synapse/workspaces/silent", "/Microsoft.MachineLearningServices/workspaces/silent");
    let pool = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Synapse/workspaces/silent/bigDataPools/p";
    let workspace = |name: String| json!({"subscriptionId": "s", "resourceGroup": "g", "name": name});
    let pool_of_one = |_| json!({"resourceId": pool});
    let pool_of_many = |number: usize| json!({"resourceId": pool, "workspace": workspace(format!("ws-{}", number % WORKSPACES))});
    let workspace_of_one = |_| json!({"workspace": workspace("silent".to_owned())});
    let alone = healthy_attach(0, synapse, pool_of_one).await;
    let check = |case: &str, silent: usize, beside: Duration| {
        assert!(beside <= alone.mul_f64(1.2), "{case}: {beside:?} next to {silent} of it, {alone:?} alone");
    };
    for silent in SILENT {
        check("a Synapse workspace", silent, healthy_attach(silent, synapse, pool_of_one).await);
        check("a Synapse workspace of many", silent, healthy_attach(silent, synapse, pool_of_many).await);
        check("a Machine Learning workspace", silent, healthy_attach(silent, machine_learning, workspace_of_one).await);
    }
}

#[tokio::test(start_paused = true)]
async fn user_assigned_identities_that_cannot_be_read_delay_an_attach_by_seconds_at_most() {
    let id = |number: usize| {
        format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i{number}")
    };
    let identities: Vec<_> = (0..50).map(|number| json!({"resourceId": id(number)})).collect();
    let attached_within = async |path: &str| {
        let (api, azure) = (Api::streaming(), Arc::new(Azure::paging(OPERATION, 100)));
        azure.silence_path(path);
        let _running = start_with(&api, &azure, &[]);
        let began = Instant::now();
        api.put(object("team-a", "one", &json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": identities}})));
        until("it is attached", || api.reason("team-a", "one").as_deref() == Some("Attached")).await;
        began.elapsed()
    };
    let (answered, silent) = (attached_within("/nothing").await, attached_within("/Microsoft.ManagedIdentity/").await);
    assert!(silent <= answered + Duration::from_secs(5), "{silent:?}, and {answered:?} where they can be read");
}
