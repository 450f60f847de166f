//! What a reconcile stores, and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, HttpClient, Method, Request};
use kube::runtime::controller::Action;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
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
async fn stale_watch_cache_does_not_erase_role_assignments() {
    let (api, azure) = (Api::with(object("team-a", "pool", &json!({}))), Arc::new(Azure::slow()));
    let context = Arc::new(context(api.client(), azure, &mut Registry::default()));
    let cached = stored(&api);
    reconcile(cached.clone(), context.clone()).await.expect("the PUT is accepted");
    // A later reconcile has recorded a role assignment, which the cache does not show.
    let role = json!({"assignmentId": "a", "roleId": "r", "principalId": "p", "scope": "workspaces/w", "phase": "Assigned"});
    let mut later = api.get("team-a", "pool");
    later["status"]["roleAssignments"] = json!([role]);
    api.put(later);
    let second = reconcile(cached, context).await;
    assert!(second.is_err(), "the second status conflicts: {second:?}");
    assert_eq!(api.get("team-a", "pool")["status"]["roleAssignments"], json!([role]));
}

/// An Azure whose PUT panics, as with a bug in the operator.
#[derive(Debug, Default)]
struct Trapped(Azure);

#[async_trait::async_trait]
impl HttpClient for Trapped {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        assert!(request.method() != Method::Put, "a trap");
        self.0.execute_request(request).await
    }
}

#[tokio::test]
async fn a_panic_after_the_write_intent_is_recorded_over_the_intent() {
    let failing = json!({"since": "2026-01-01T00:00:00Z", "lastAttempt": "2026-01-01T00:00:00Z", "step": "Observe"});
    let mut failed = object("team-a", "pool", &json!({}));
    failed["status"] = json!({"observedGeneration": 1, "failure": failing});
    let api = Api::with(failed);
    let context = Arc::new(context(api.client(), Arc::new(Trapped::default()), &mut Registry::default()));
    let ended = reconcile(stored(&api), context).await.expect("the panic is caught");
    let status = api.get("team-a", "pool")["status"].clone();
    let is_stalled = |one: &Value| one["type"] == "Stalled" && one["reason"] == "InternalError";
    assert!(status["conditions"].as_array().expect("conditions").iter().any(is_stalled), "{status}");
    assert_eq!(status["operation"]["pending"], true, "the PUT may have been carried out: {status}");
    assert_eq!(status["failure"], failing, "{status}");
    assert_ne!(ended, Action::requeue(Duration::from_secs(5)), "it has failed for longer, so the pause has grown");
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
    assert_eq!(status["operation"]["pending"], true, "the intent records that the write may have been sent");
}

/// An Azure without the compute that refuses a PUT because of another operation, or an Entra that issues no token for it.
#[derive(Debug, Default)]
struct Refusing {
    fails_token: bool,
    lease_was_read: AtomicBool,
}

#[async_trait::async_trait]
impl HttpClient for Refusing {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let error = |code: &str| json!({"error": {"code": code, "message": "m"}});
        let is_last_token = self.fails_token && self.lease_was_read.load(Ordering::Relaxed);
        let (code, body) = match request.method() {
            Method::Get if request.url().path().contains("/computes/") => (404, error("ResourceNotFound")),
            Method::Get => (200, json!({"location": "eastus2", "properties": {"provisioningState": "Succeeded"}})),
            Method::Post if is_last_token => (503, json!({})),
            // Each request needs an access token of its own.
            Method::Post => (200, json!({"token_type": "Bearer", "access_token": "t", "expires_in": 30})),
            _ => (409, error("AnotherOperationInProgress")),
        };
        Ok(AsyncRawResponse::from_bytes(code.into(), Headers::new(), body.to_string()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_refused_or_not_sent_is_not_waited_for() {
    for (case, fails_token, reason, says) in [
        ("another operation is in progress", false, "Conflict", "Azure reports a conflict"),
        ("there is no access token", true, "AzureUnavailable", "Microsoft Entra ID is unavailable"),
    ] {
        let azure = Arc::new(Refusing { fails_token, ..Refusing::default() });
        let (api, gate) = (Api::with(object("team-a", "pool", &json!({}))), azure.clone());
        let server = api.clone();
        let context = context(api.client(), azure, &mut Registry::default()).with_write_gate(move || {
            let is_stored = server.get("team-a", "pool")["status"]["operation"]["pending"] == true;
            gate.lease_was_read.store(is_stored, Ordering::Relaxed);
            Some(Duration::MAX)
        });
        reconcile(stored(&api), Arc::new(context)).await.expect("it ends in the status");
        let status = api.get("team-a", "pool")["status"].clone();
        assert_eq!(status["operation"], Value::Null, "{case}: nothing may still be carried out: {status}");
        assert_eq!(status["failure"]["step"], "Put", "{case}: {status}");
        assert_eq!(api.reason("team-a", "pool").as_deref(), Some(reason), "{case}");
        assert!(status["conditions"][0]["message"].as_str().is_some_and(|text| text.starts_with(says)), "{case}: {status}");
    }
}

/// An Azure that refuses each PUT.
#[derive(Debug)]
struct Denying(Azure);

#[async_trait::async_trait]
impl HttpClient for Denying {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        match request.method() {
            Method::Put => {
                let body = json!({"error": {"code": "AuthorizationFailed", "message": "m"}});
                Ok(AsyncRawResponse::from_bytes(403.into(), Headers::new(), body.to_string()))
            }
            _ => self.0.execute_request(request).await,
        }
    }
}

#[tokio::test]
async fn the_removal_of_an_identity_is_published_only_if_azure_may_have_removed_it() {
    let id = "/subscriptions/s/not-an-identity";
    let mut object = object("team-a", "pool", &json!({}));
    let drift = json!({"field": "identity.userAssignedIdentities", "want": "", "have": id});
    object["status"] = json!({"observedGeneration": 1, "drift": [drift]});
    let compute = json!({
        "tags": {"synapse-spark-operator-owner": "cluster/team-a/pool/team-a-pool"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {id: {}}},
        "properties": {"computeType": "SynapseSpark", "resourceId": object["spec"]["resourceId"], "provisioningState": "Succeeded"},
    });
    for is_denied in [false, true] {
        let azure = Azure::with("pool", compute.clone());
        let azure: Arc<dyn HttpClient> = if is_denied { Arc::new(Denying(azure)) } else { Arc::new(azure) };
        let api = Api::with(object.clone());
        let context = context(api.client(), azure, &mut Registry::default());
        reconcile(stored(&api), Arc::new(context)).await.expect("it ends in the status");
        let events = api.bodies(&["POST", "/events"]);
        let is_published =
            events.iter().any(|event| event["note"].as_str().is_some_and(|note| note.contains("Removing the user")));
        assert_eq!(is_published, !is_denied, "denied: {is_denied}, {events:?}");
    }
}
