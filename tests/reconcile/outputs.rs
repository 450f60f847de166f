//! When the ConfigMap of `spec.outputs` is read and written.

use std::sync::Arc;
use std::time::Duration;

use kube::runtime::controller::Action;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::controller::{Context, reconcile};

use super::in_process::{Api, Azure, context, object};
use super::stored;

const NAME: &str = "pool-outputs";
const CONFIG_MAPS: &[&str] = &["/configmaps"];

fn with_outputs() -> Value {
    object("team-a", "pool", &json!({"identity": {"type": "SystemAssigned"}, "outputs": {"configMapName": NAME}}))
}

fn attached() -> Value {
    json!({
        "tags": {"synapse-spark-operator-owner": "cluster/team-a/pool/team-a-pool"},
        "identity": {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"},
        "properties": {
            "computeType": "SynapseSpark",
            "resourceId": with_outputs()["spec"]["resourceId"],
            "provisioningState": "Succeeded",
        },
    })
}

/// An attachment of this spec whose compute is attached.
fn start(object: Value) -> (Api, Arc<Context>) {
    let api = Api::with(object);
    let azure = Arc::new(Azure::with("pool", attached()));
    let context = Arc::new(context(api.client(), azure, &mut Registry::default()));
    (api, context)
}

/// Reconciles the object as it is stored now.
async fn run(api: &Api, context: &Arc<Context>) {
    reconcile(stored(api), context.clone()).await.expect("it ends in the status");
}

fn condition(api: &Api) -> Value {
    let status = api.get("team-a", "pool")["status"].clone();
    let all = status["conditions"].as_array().cloned().unwrap_or_default();
    all.into_iter().find(|one| one["type"] == "OutputsWritten").unwrap_or_default()
}

fn shown(api: &Api) -> (Value, Value) {
    let one = condition(api);
    (one["status"].clone(), one["reason"].clone())
}

/// The methods of the requests for ConfigMaps so far.
fn methods(api: &Api) -> Vec<String> {
    let methods = api.requests(CONFIG_MAPS);
    methods.iter().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_attachment_in_sync_reads_its_config_map_once_and_writes_nothing() {
    let (api, context) = start(with_outputs());
    run(&api, &context).await;
    assert_eq!(methods(&api), ["GET", "POST"]);
    let made = api.config_map_of(NAME);
    assert_eq!((&made["data"]["principalId"], &made["data"]["tenantId"]), (&json!("p"), &json!("t")), "{made}");
    let owner = &made["metadata"]["ownerReferences"];
    assert_eq!((&owner[0]["uid"], &owner[0]["controller"], &owner[1]), (&json!("team-a-pool"), &json!(true), &json!(null)));
    assert_eq!(owner[0]["blockOwnerDeletion"], json!(null), "it would need a right to finalizers");
    assert_eq!(shown(&api), (json!("True"), json!("OutputsWritten")));
    let writes = api.writes();
    for reads in 2..4 {
        run(&api, &context).await;
        assert_eq!(api.writes(), writes, "nothing is written at rest");
        assert_eq!(methods(&api).len(), reads + 1, "one more read");
    }
}

#[tokio::test(start_paused = true)]
async fn without_outputs_or_before_the_attach_no_config_map_is_read() {
    let (api, context) = start(object("team-a", "pool", &json!({"identity": {"type": "SystemAssigned"}})));
    run(&api, &context).await;
    assert_eq!((api.requests(CONFIG_MAPS).len(), condition(&api)), (0, json!(null)));

    let api = Api::with(with_outputs());
    let slow = super::in_process::context(api.client(), Arc::new(Azure::slow()), &mut Registry::default());
    let slow = Arc::new(slow);
    for _ in 0..4 {
        run(&api, &slow).await;
    }
    assert_eq!(api.reason("team-a", "pool").as_deref(), Some("Attaching"));
    assert_eq!((methods(&api).len(), shown(&api)), (0, (json!("False"), json!("OutputsPending"))));
}

#[tokio::test(start_paused = true)]
async fn a_change_by_hand_is_corrected_and_what_others_added_to_the_metadata_stays() {
    let (api, context) = start(with_outputs());
    run(&api, &context).await;
    let ours = api.config_map_of(NAME);
    let changes = [("changed", json!({"principalId": "x"})), ("added", json!({"more": "x"})), ("emptied", json!(null))];
    for (case, data) in changes {
        let mut edited = ours.clone();
        edited["data"] = data;
        edited["metadata"]["annotations"] = json!({"team": "data"});
        api.put_config_map(edited);
        run(&api, &context).await;
        let now = api.config_map_of(NAME);
        assert_eq!((&now["data"], &now["metadata"]["annotations"]["team"]), (&ours["data"], &json!("data")), "{case}");
    }
    api.remove_config_maps();
    run(&api, &context).await;
    assert_eq!(api.config_map_of(NAME)["data"], ours["data"], "it was deleted by hand");
}

#[tokio::test(start_paused = true)]
async fn a_config_map_of_others_is_neither_changed_nor_deleted() {
    let controlled_by = |owner: Value| json!({"metadata": {"name": NAME, "ownerReferences": owner}, "data": {"a": "b"}});
    let owner = |uid: &str, controller: bool| json!([{"apiVersion": "v1", "kind": "SynapseSparkAttachment", "name": "other", "uid": uid, "controller": controller}]);
    for (case, owner, says) in [
        ("without an owner", json!(null), "A ConfigMap pool-outputs exists"),
        ("of another attachment", owner("another", true), "which belongs to SynapseSparkAttachment other, exists"),
        ("not controlled", owner("team-a-pool", false), "A ConfigMap pool-outputs exists"),
    ] {
        let (api, context) = start(with_outputs());
        api.put_config_map(controlled_by(owner));
        let foreign = api.config_map_of(NAME);
        run(&api, &context).await;
        assert_eq!(shown(&api), (json!("False"), json!("OutputsConflict")), "{case}");
        let message = condition(&api)["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.contains(says) && message.contains("Choose another name"), "{case}: {message}");
        assert_eq!(api.reason("team-a", "pool").as_deref(), Some("Attached"), "{case}");
        let mut without = api.get("team-a", "pool");
        without["spec"]["outputs"] = json!(null);
        api.put(without);
        run(&api, &context).await;
        assert_eq!((condition(&api), api.config_map_of(NAME)), (json!(null), foreign), "{case}");
        assert!(methods(&api).iter().all(|method| method == "GET"), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_config_map_of_another_attachment_is_awaited_with_growing_pauses() {
    let owned_by = |kind: &str| {
        let owner = json!([{"apiVersion": "v1", "kind": kind, "name": "former", "uid": "former", "controller": true}]);
        json!({"metadata": {"name": NAME, "ownerReferences": owner}})
    };
    let (api, context) = start(with_outputs());
    api.put_config_map(owned_by("SynapseSparkAttachment"));
    for seconds in [30, 30, 60, 120, 240] {
        let action = reconcile(stored(&api), context.clone()).await.expect("it ends in the status");
        assert_eq!(action, Action::requeue(Duration::from_secs(seconds)));
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }
    let action = reconcile(stored(&api), context.clone()).await.expect("it ends in the status");
    assert_ne!(action, Action::requeue(Duration::from_mins(8)), "the resync is sooner");
    api.remove_config_maps();
    run(&api, &context).await;
    assert_eq!(shown(&api), (json!("True"), json!("OutputsWritten")));

    let (api, context) = start(with_outputs());
    api.put_config_map(owned_by("CronJob"));
    let action = reconcile(stored(&api), context).await.expect("it ends in the status");
    assert_ne!(action, Action::requeue(Duration::from_secs(30)), "nothing deletes it");
}

#[tokio::test(start_paused = true)]
async fn after_a_rename_the_former_config_map_is_deleted() {
    let (api, context) = start(with_outputs());
    run(&api, &context).await;
    api.change("team-a", "pool", &json!({"spec": {"outputs": {"configMapName": "next"}}}));
    run(&api, &context).await;
    assert_eq!(methods(&api), ["GET", "POST", "GET", "DELETE", "GET", "POST"]);
    assert!(api.config_map_of(NAME).is_null() && api.config_map_of("next")["data"]["principalId"] == "p");
    let deleted = api.bodies(&["DELETE", "/configmaps"]);
    assert!(deleted[0]["preconditions"]["uid"].is_string() && deleted[0]["preconditions"]["resourceVersion"].is_string());
    assert_eq!(api.get("team-a", "pool")["status"]["outputs"]["configMapName"], "next");
    assert_eq!(shown(&api), (json!("True"), json!("OutputsWritten")));
}

#[tokio::test(start_paused = true)]
async fn without_the_right_the_status_names_the_setting_and_one_request_is_sent_in_each_reconcile() {
    let (api, context) = start(with_outputs());
    api.refuse("/configmaps", 403, "Forbidden", "configmaps \"pool-outputs\" is forbidden");
    for requests in 1..4 {
        run(&api, &context).await;
        assert_eq!(methods(&api).len(), requests);
    }
    assert_eq!(shown(&api), (json!("False"), json!("OutputsForbidden")));
    assert!(condition(&api)["message"].as_str().is_some_and(|text| text.contains("outputs.enabled")), "{}", condition(&api));
    assert_eq!(api.requests(&["PATCH", "/pool/status"]).len(), 2, "the status is stored when it changes");
    api.accept();
    run(&api, &context).await;
    assert_eq!(shown(&api), (json!("True"), json!("OutputsWritten")));
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_name_does_not_block_the_next_one() {
    for (case, next) in [("corrected", json!({"configMapName": "next"})), ("removed", json!(null))] {
        let (api, context) = start(with_outputs());
        api.refuse("/configmaps/pool-outputs", 403, "Forbidden", "configmaps \"pool-outputs\" is forbidden");
        run(&api, &context).await;
        assert_eq!(shown(&api), (json!("False"), json!("OutputsForbidden")), "{case}");
        let mut corrected = api.get("team-a", "pool");
        corrected["spec"]["outputs"] = next.clone();
        api.put(corrected);
        run(&api, &context).await;
        let is_written = next.is_object();
        let expected = if is_written { (json!("True"), json!("OutputsWritten")) } else { (json!(null), json!(null)) };
        assert_eq!((shown(&api), api.config_map_of("next").is_object()), (expected, is_written), "{case}");
        assert_eq!(api.get("team-a", "pool")["status"]["outputs"], next, "{case}");
        let notes: Vec<_> = api.bodies(&["POST", "/events"]).iter().map(|one| one["note"].to_string()).collect();
        let says = |note: &&String| note.contains("may not read the former ConfigMap pool-outputs");
        assert_eq!(notes.iter().filter(says).count(), 1, "{case}: {notes:?}");
        let before = api.writes();
        run(&api, &context).await;
        assert_eq!(api.writes(), before, "{case}: nothing is written at rest");
    }
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_does_not_answer_is_asked_again() {
    for (code, reason) in [(500, "InternalError"), (429, "TooManyRequests"), (409, "Conflict")] {
        let (api, context) = start(with_outputs());
        api.refuse("/configmaps", code, reason, "not now");
        reconcile(stored(&api), context.clone()).await.expect_err("it is retried with backoff");
        assert_eq!(api.reason("team-a", "pool").as_deref(), Some("Attached"), "{code}");
        assert_eq!(shown(&api), (json!("Unknown"), json!("OutputsPending")), "{code}");
        api.accept();
        run(&api, &context).await;
        assert_eq!(shown(&api), (json!("True"), json!("OutputsWritten")), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_config_map_is_written_by_the_leader_and_after_the_status() {
    let api = Api::with(with_outputs());
    let (azure, server) = (Arc::new(Azure::with("pool", attached())), api.clone());
    let context = context(api.client(), azure, &mut Registry::default()).with_write_gate(move || {
        let is_recorded = server.get("team-a", "pool")["status"]["outputs"]["configMapName"] == NAME;
        (!is_recorded).then_some(Duration::MAX)
    });
    reconcile(stored(&api), Arc::new(context)).await.expect_err("this process no longer leads");
    assert_eq!(methods(&api), ["GET"]);
    assert_eq!(shown(&api), (json!("Unknown"), json!("OutputsPending")));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_leaves_the_config_map_to_kubernetes() {
    let (api, context) = start(with_outputs());
    run(&api, &context).await;
    api.change("team-a", "pool", &json!({"metadata": {"deletionTimestamp": "1970-01-01T00:00:00Z"}}));
    let before = methods(&api).len();
    run(&api, &context).await;
    assert_eq!(methods(&api).len(), before);
}
