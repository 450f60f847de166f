//! What one identity may read in Azure is never used for another one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::controller::{Options, Readiness, run};

use super::in_process::{Api, context, object};

/// An Azure in which everything is attached, and which only the account `allowed` may see.
#[derive(Debug, Default)]
struct Guarded {
    /// The account, and what it requested: `computes` for a LIST.
    requests: Mutex<Vec<(String, String)>>,
}

/// The computes of these objects, as Azure shows them.
fn element(name: &str) -> Value {
    let pool = object("team-a", name, &json!({}))["spec"]["resourceId"].clone();
    json!({
        "name": name,
        "tags": {"synapse-spark-operator-owner": format!("cluster/team-a/{name}/team-a-{name}")},
        "properties": {"computeType": "SynapseSpark", "resourceId": pool, "provisioningState": "Succeeded"},
    })
}

#[async_trait::async_trait]
impl HttpClient for Guarded {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let path = request.url().path().to_owned();
        let (code, body) = if path.contains("/oauth2/") {
            let Body::Bytes(form) = request.body() else { panic!("a form") };
            // The assertion is the token that Kubernetes made for the account.
            let form = String::from_utf8_lossy(form).into_owned();
            let account = if form.contains("%2Fallowed") { "allowed" } else { "forbidden" };
            (200, json!({"token_type": "Bearer", "access_token": account, "expires_in": 3600}))
        } else {
            let bearer = request.headers().get_optional_string(&"authorization".into()).unwrap_or_default();
            let account = bearer.trim_start_matches("Bearer ").to_owned();
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            self.requests.lock().expect("no holder panics").push((account.clone(), name.clone()));
            match name.as_str() {
                _ if account != "allowed" => (403, json!({"error": {"code": "AuthorizationFailed", "message": "no right"}})),
                "computes" => (200, json!({"value": NAMES.map(element)})),
                "p" => (200, json!({"properties": {"provisioningState": "Succeeded"}})),
                name => (200, element(name)),
            }
        };
        Ok(AsyncRawResponse::from_bytes(code.into(), Headers::new(), body.to_string()))
    }
}

/// Two objects of each account, all in one workspace.
const NAMES: [&str; 4] = ["allowed-1", "allowed-2", "forbidden-1", "forbidden-2"];

fn account(name: &str) -> &str {
    name.split('-').next().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn an_identity_without_permission_receives_nothing_that_another_listed_at_the_same_time() {
    let (api, azure) = (Api::streaming(), Arc::new(Guarded::default()));
    let guid = "11111111-0000-4000-8000-000000000001";
    for account in ["allowed", "forbidden"] {
        let annotations = [("azure.workload.identity/client-id", guid), ("azure.workload.identity/tenant-id", guid)];
        api.put_account("team-a", account, account, &annotations);
    }
    for name in NAMES {
        api.put(object("team-a", name, &json!({"serviceAccountName": account(name)})));
    }
    let options = Options { concurrency: 4, namespaces: Vec::new(), readiness: Arc::new(Readiness::default()) };
    let context = Arc::new(context(api.client(), azure.clone(), &mut Registry::default()));
    let _running = tokio::spawn(run(api.client(), context, options, std::future::pending()));
    let wanted = |name: &str| if account(name) == "allowed" { "Attached" } else { "AuthorizationFailed" };
    let are_decided = || NAMES.iter().all(|name| api.reason("team-a", name).as_deref() == Some(wanted(name)));
    let decided = async {
        while !are_decided() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let reasons = || NAMES.map(|name| api.reason("team-a", name));
    tokio::time::timeout(Duration::from_mins(1), decided).await.unwrap_or_else(|_| panic!("{:?}", reasons()));
    let requests = azure.requests.lock().expect("no holder panics");
    let of = |account: &str, what: &str| requests.iter().filter(|(who, name)| who == account && name.starts_with(what)).count();
    assert_eq!((of("allowed", "computes"), of("allowed", "allowed-")), (1, 0), "one list for both: {requests:?}");
    assert_eq!(of("forbidden", "computes"), 1, "the refusal is remembered: {requests:?}");
    assert!(of("forbidden", "forbidden-") >= 2, "each compute is read: {requests:?}");
}
