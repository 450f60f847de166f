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
    reconciled_with(api, &Arc::new(Azure::slow()), meanwhile).await
}

/// The same with this Azure.
async fn reconciled_with(api: &Api, azure: &Arc<Azure>, meanwhile: impl FnOnce(&Api)) -> (bool, usize) {
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

/// A compute on the object's pool, with this identity and owner tag.
fn compute(identity: &Value, owner: &Value) -> Value {
    json!({
        "name": "pool", "location": "eastus2", "identity": identity, "tags": {"synapse-spark-operator-owner": owner},
        "properties": {
            "computeType": "SynapseSpark", "resourceId": object("team-a", "pool", &json!({}))["spec"]["resourceId"],
            "provisioningState": "Succeeded",
        },
    })
}

/// After a restore, a rename or a hand-over the object is new, but not its compute.
#[tokio::test]
async fn compute_that_exists_keeps_the_identity_that_it_has() {
    let user = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/jobs";
    let wire = json!({"type": "UserAssigned", "userAssignedIdentities": {user: {}}});
    let spec = json!({"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": user}]});
    let (none, own, of_before) =
        (json!({"type": "None"}), json!("cluster/team-a/pool/team-a-pool"), json!("cluster/team-a/pool/u"));
    #[rustfmt::skip]
    let table = [
        // the compute's identity           owner tag       the identity in the spec
        (&json!(null),                      &json!(null),   Some(&none)),
        (&none,                             &own,           Some(&none)),
        (&wire,                             &json!(null),   Some(&spec)),
        (&wire,                             &of_before,     Some(&spec)),
        (&json!({"type": "Federated"}),     &own,           None),
    ];
    for (identity, owner, wanted) in table {
        let (api, azure) = (new(&json!({})), Arc::new(Azure::with("pool", compute(identity, owner))));
        for _ in 0..3 {
            assert!(reconciled_with(&api, &azure, |_| {}).await.0, "{identity}");
        }
        let spec = api.get("team-a", "pool")["spec"]["identity"].clone();
        assert_eq!((&spec), wanted.unwrap_or(&json!(null)), "{identity} {owner}");
        let sent = azure.write_ids().len();
        assert_eq!(sent, usize::from(wanted.is_some() && *owner != own), "{identity} {owner}: only the owner tag is written");
        if wanted.is_none() {
            assert_eq!(api.reason("team-a", "pool").as_deref(), Some("InvalidSpec"));
        }
    }
}

#[tokio::test]
async fn without_an_answer_about_the_compute_no_default_identity_is_stored() {
    let role = json!({"synapseRole": {"name": "Synapse Administrator"}});
    let (api, azure) = (new(&role), Arc::new(Azure::with("pool", json!({"properties": 5}))));
    assert_eq!(reconciled_with(&api, &azure, |_| {}).await, (true, 0));
    let stored = api.get("team-a", "pool");
    assert_eq!((&stored["spec"]["identity"], &stored["metadata"]["finalizers"]), (&json!(null), &json!(null)));
    let reason = api.reason("team-a", "pool");
    assert!(reason.as_deref().is_some_and(|reason| reason != "InvalidSpec"), "the default identity is for the role: {reason:?}");
    // It answers now.
    azure.remove("pool");
    for _ in 0..2 {
        assert!(reconciled_with(&api, &azure, |_| {}).await.0);
    }
    assert_eq!(api.get("team-a", "pool")["spec"]["identity"], json!({"type": "SystemAssigned"}));
}

#[tokio::test]
async fn object_that_has_handed_its_compute_over_gets_no_defaults() {
    let api = new(&json!({}));
    api.change("team-a", "pool", &json!({"metadata": {"annotations": {"synapse-spark.dev/transfer-to": "cluster/team-b/pool"}}}));
    assert_eq!(reconciled(&api, |_| {}).await, (true, 0));
    assert_eq!(api.requests(&["GET /api/v1/namespaces/team-a"]), [""; 0]);
    assert_eq!(api.get("team-a", "pool")["spec"]["identity"], json!(null));
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
