//! Who changed a compute, by the entries of the Activity Log: the operator's access token shows no object ID here.

use std::sync::Arc;

use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::controller::reconcile;

use super::in_process::{Api, Azure, context, object};
use super::stored;

const ANN: &str = "00000000-0000-0000-0000-0000000000aa";
const OPERATOR: &str = "00000000-0000-0000-0000-00000000000b";

/// An event of the log: a request of this caller, at this minute of an hour, with this ID of the client's.
fn event(operation: &str, caller: &str, minute: u32, client_request_id: Option<&str>) -> Value {
    let text = |value: &str| json!({"value": value, "localizedValue": value});
    json!({
        "claims": {"http://schemas.microsoft.com/identity/claims/objectidentifier": caller},
        "correlationId": format!("{caller} {minute}"),
        "eventTimestamp": format!("2024-11-01T10:{minute:02}:00Z"),
        "httpRequest": {"clientRequestId": client_request_id},
        "operationName": text(&format!("Microsoft.MachineLearningServices/workspaces/computes/{operation}")),
        "status": text("Succeeded"),
    })
}

/// What the status shows of these events, given what was changed; and the request for them.
async fn shown(fields: &Value, in_sync_at: Option<&str>, events: impl FnOnce(&str) -> Vec<Value>) -> (Value, String) {
    let (api, azure) = (Api::with(object("team-a", "pool", &json!({}))), Arc::new(Azure::default()));
    let context = Arc::new(context(api.client(), azure.clone(), &mut Registry::default()));
    for _ in 0..2 {
        reconcile(stored(&api), context.clone()).await.expect("it is attached");
    }
    let own = azure.write_ids().first().expect("the ID of the attach").clone();
    azure.set_activity(events(&own));
    let mut last = json!({"fields": fields, "observedAt": "2024-11-01T11:00:00Z"});
    if let Some(in_sync_at) = in_sync_at {
        last["inSyncAt"] = json!(in_sync_at);
    }
    api.change("team-a", "pool", &json!({"status": {"lastDrift": last}}));
    reconcile(stored(&api), context.clone()).await.expect("it is in sync");
    let statuses = api.bodies(&["PATCH", "/pool/status"]);
    let requests = azure.activity_requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    (statuses.last().expect("a status")["status"]["lastDrift"]["activityLog"].clone(), requests[0].clone())
}

#[tokio::test]
async fn its_own_request_with_a_former_identity_is_not_taken_for_that_of_another() {
    let (found, request) = shown(&json!(["tags.team"]), Some("2024-11-01T10:00:00Z"), |own| {
        vec![event("write", OPERATOR, 50, Some(own)), event("write", ANN, 40, Some("of a portal"))]
    })
    .await;
    assert_eq!((&found["result"], &found["caller"]), (&json!("Found"), &json!(ANN)));
    assert!(request.contains("eventTimestamp%20ge%20%272024-11-01T10:00:00Z%27"), "no earlier change is read: {request}");
    assert!(request.contains("eventTimestamp%20le%20%272024-11-01T11:02:00Z%27"), "{request}");
}

#[tokio::test]
async fn without_any_sign_of_its_sender_a_request_is_nobodys() {
    let (found, request) = shown(&json!(["tags.team"]), None, |_| vec![event("write", OPERATOR, 50, None)]).await;
    assert_eq!(found, json!({"result": "Ambiguous"}));
    assert!(request.contains("eventTimestamp%20ge%20%272024-10-31T11:00:00Z%27"), "the day before is read: {request}");
    let (found, _) = shown(&json!(["tags.team"]), None, |_| Vec::new()).await;
    assert_eq!(found, json!({"result": "NoEntry"}));
}

#[tokio::test]
async fn only_a_request_to_detach_explains_that_the_compute_was_detached() {
    let events = |_: &str| vec![event("write", OPERATOR, 50, Some("other")), event("delete", ANN, 40, Some("other"))];
    for (fields, caller) in [(json!(["compute"]), ANN), (json!(["tags.team"]), OPERATOR)] {
        let (found, _) = shown(&fields, None, events).await;
        assert_eq!(found["caller"], json!(caller), "{fields}");
    }
}
