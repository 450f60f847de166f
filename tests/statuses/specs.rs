//! The objects that the reconciles run over: what a user may ask for.

use serde_json::{Value, json};
use synapse_spark_operator::api::{FINALIZER, SynapseSparkAttachment, TRANSFER_TO};
use synapse_spark_operator::planner::{Owner, Recipient};
use synapse_spark_operator::resource_id::PoolId;

use crate::catalogue::Wish;

/// The generation of the spec.
pub const GENERATION: i64 = 3;
/// The UID of the cluster.
pub const CLUSTER: &str = "8f6d9b8c-3f3a-4c1d-9c5b-0d5a4f2e7a11";
/// When an object is deleted: two minutes before the reconcile.
pub const DELETED_AT: &str = "2027-01-15T07:58:00Z";
/// The resource group of everything.
pub const GROUP: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group";
const UID: &str = "2b1d9f0e-6c1b-4f0a-8d57-3f7c0d9a5e21";

/// The object, as the owner tag spells it.
pub fn owner() -> Owner {
    Owner { cluster: CLUSTER.into(), namespace: "team-a".into(), name: "my-spark-pool".into(), uid: UID.into() }
}

/// The resource ID of the Synapse workspace.
pub fn synapse() -> String {
    format!("{GROUP}/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws")
}

/// A pool of the Synapse workspace; the spec names `yogisparkpool`.
pub fn pool(name: &str) -> PoolId {
    PoolId::within(&synapse(), name).expect("an ID")
}

/// The object to which another one hands its compute over.
pub fn recipient() -> Recipient {
    Recipient::parse(&format!("{CLUSTER}/team-b/my-spark-pool"), &owner()).expect("a recipient")
}

/// The object of a user. `more` is merged into its spec, or is its annotations.
pub fn object(wish: Wish, more: &Value) -> SynapseSparkAttachment {
    let mut spec = json!({
        "workspace": {
            "subscriptionId": "6560575d-fa06-4e7d-95fb-f962e74efd7a",
            "resourceGroup": "yogi-res-group",
            "name": "yogi-aml-ws",
        },
        "resourceId": pool("yogisparkpool").to_string(),
        "identity": {"type": "SystemAssigned"},
        "tags": {"team": "data"},
        "suspend": wish == Wish::Suspended,
    });
    let mut metadata = json!({
        "name": "my-spark-pool",
        "namespace": "team-a",
        "uid": UID,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "generation": GENERATION,
        "finalizers": [FINALIZER],
    });
    for (field, value) in more.as_object().expect("fields") {
        let part = if field == "annotations" { &mut metadata } else { &mut spec };
        part[field] = value.clone();
    }
    if wish == Wish::Deleted {
        metadata["deletionTimestamp"] = DELETED_AT.into();
        metadata["deletionGracePeriodSeconds"] = 0.into();
    }
    serde_json::from_value(json!({
        "apiVersion": "synapse-spark.dev/v1alpha1",
        "kind": "SynapseSparkAttachment",
        "metadata": metadata,
        "spec": spec,
    }))
    .expect("an object")
}

/// What the specs add to the usual one, where it makes a difference.
pub fn specs(wish: Wish) -> Vec<Value> {
    let transfer = json!({"annotations": {TRANSFER_TO: recipient().to_string()}});
    if wish == Wish::Deleted {
        return vec![
            json!({}),
            json!({"deletionPolicy": "Retain"}),
            json!({"suspend": true}),
            json!({"deletionGuard": "WhenIdle"}),
            transfer,
        ];
    }
    vec![
        json!({}),
        json!({"adoptionPolicy": "Never", "jobChecks": true}),
        json!({"adoptionPolicy": "Always"}),
        json!({"replacePolicy": "Recreate"}),
        json!({"replacePolicy": "Recreate", "deletionGuard": "WhenIdle"}),
        json!({"tags": {"team": "data", "Team": "sales"}}),
        json!({"synapseRole": {"name": "Synapse Administrator"}}),
        json!({"resourceId": null, "linkedService": {"name": "synapselink1", "poolName": "yogisparkpool"}}),
        json!({"outputs": {"configMapName": "my-spark-pool-outputs"}}),
        transfer,
    ]
}
