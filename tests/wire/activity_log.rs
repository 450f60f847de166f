//! The Activity Log: its request, its pages, and what is read of an entry of Microsoft's specification.

use azure_core::credentials::Secret;
use serde_json::{Value, json};
use synapse_spark_operator::azure::{Client, Credential, Error, detaches};

use crate::script::{ARM, SUBSCRIPTION, Script, response, workspace};

/// The example of the specification (`GetActivityLogsFiltered.json`), as of another operation.
fn event(operation: &str, claims: &Value) -> Value {
    json!({
        "authorization": {"action": operation, "role": "Subscription Admin"},
        "caller": "admin@contoso.com",
        "claims": claims,
        "correlationId": "1e121103-0ba6-4300-ac9d-952bb5d0c80f",
        "eventName": {"value": "EndRequest", "localizedValue": "End request"},
        "httpRequest": {"clientRequestId": "27003b25-91d3-418f-8eb1-29e537dcb249", "clientIpAddress": "192.168.35.115", "method": "PUT"},
        "operationName": {"value": operation, "localizedValue": operation},
        "status": {"value": "Succeeded", "localizedValue": "Succeeded"},
        "eventTimestamp": "2015-01-21T22:14:26.9792776Z",
    })
}

fn claims() -> Value {
    json!({
        "http://schemas.microsoft.com/identity/claims/objectidentifier": "2468adf0-8211-44e3-95xq-85137af64708",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "admin@contoso.com",
        "name": "John Smith",
    })
}

#[tokio::test]
async fn writes_to_a_compute_are_read_from_two_pages_at_most() {
    let write = |claims: &Value| event("Microsoft.MachineLearningServices/workspaces/computes/write", claims);
    let next = format!("{ARM}/next?$skiptoken=1");
    let other = event("Microsoft.Authorization/policies/modify/action", &claims());
    let (script, client) = Script::of([
        response(200, &json!({"value": [write(&claims()), other, "no event"], "nextLink": next})),
        response(200, &json!({"value": [write(&Value::Null)], "nextLink": next})),
    ]);
    let compute = workspace().compute("spark").expect("an ID");
    let at = |text: &str| text.parse().expect("a time");
    let found = client.activity(&compute, at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z")).await.expect("entries");
    let sent: Vec<_> = script.sent().into_iter().map(|(method, url, ..)| format!("{method} {url}")).collect();
    let filter = format!(
        "eventTimestamp%20ge%20%272026-01-01T00:00:00Z%27%20and%20eventTimestamp%20le%20%272026-01-02T00:00:00Z%27%20and%20resourceUri%20eq%20%27{compute}%27"
    );
    assert_eq!(
        sent,
        [
            format!(
                "GET {ARM}/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01&$filter={filter}&$select=claims,correlationId,eventTimestamp,httpRequest,operationName,status"
            ),
            format!("GET {next}"),
        ]
    );
    assert_eq!(found.entries.len(), 2, "only writes to computes");
    let [first, second] = &found.entries[..] else { panic!("{found:?}") };
    assert_eq!(first.caller(), Some("2468adf0-8211-44e3-95xq-85137af64708"));
    assert_eq!(first.caller_name(), Some("admin@contoso.com"));
    assert_eq!((first.status.value.as_str(), first.event_timestamp.as_str()), ("Succeeded", "2015-01-21T22:14:26.9792776Z"));
    assert_eq!((second.caller(), second.caller_name()), (None, None));
    assert_eq!(found.own, None, "an opaque token shows no identity");
    assert_eq!((first.client_request_id(), found.has_mark(first)), (Some("27003b25-91d3-418f-8eb1-29e537dcb249"), None));
    assert_eq!((second.client_request_id(), found.has_mark(second)), (Some("27003b25-91d3-418f-8eb1-29e537dcb249"), None));
    assert!(!detaches(first));
}

#[tokio::test]
async fn requests_are_recognized_by_the_mark_of_the_client_that_sent_them() {
    let at = |text: &str| text.parse().expect("a time");
    let compute = workspace().compute("spark").expect("an ID");
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
    let delete = event("Microsoft.MachineLearningServices/workspaces/computes/delete", &claims());
    for (sender, reader, expected) in [
        (Some("one"), Some("one"), Some(true)),
        (Some("other"), Some("one"), Some(false)),
        (None, Some("one"), Some(false)),
        (Some("one"), None, None),
    ] {
        let with = |client: Client, mark: Option<&str>| if let Some(mark) = mark { client.with_mark(mark) } else { client };
        let (script, client) = Script::of([response(200, &json!({"value": []}))]);
        with(client, sender).activity(&compute, from, to).await.expect("entries");
        let mut shown = delete.clone();
        shown["httpRequest"]["clientRequestId"] = json!(script.client_request_ids()[0]);
        let (_, client) = Script::of([response(200, &json!({"value": [shown]}))]);
        let found = with(client, reader).activity(&compute, from, to).await.expect("entries");
        assert_eq!(found.has_mark(&found.entries[0]), expected, "{sender:?} {reader:?}");
        assert!(detaches(&found.entries[0]));
    }
    // The client of a namespace's identity has the mark, too.
    let (script, client) = Script::of([response(200, &json!({"value": []}))]);
    let secret = Credential::ClientSecret { tenant: "t".into(), client: "another".into(), secret: Secret::new("s") };
    let other = client.with_mark("one").with_credential(secret).expect("a good credential");
    other.activity(&compute, from, to).await.expect("entries");
    let mut shown = delete;
    shown["httpRequest"]["clientRequestId"] = json!(script.client_request_ids()[0]);
    let (_, client) = Script::of([response(200, &json!({"value": [shown]}))]);
    let found = client.with_mark("one").activity(&compute, from, to).await.expect("entries");
    assert_eq!(found.has_mark(&found.entries[0]), Some(true));
}

#[tokio::test]
async fn missing_right_is_an_error_and_a_foreign_link_is_not_followed() {
    let denied = json!({"error": {"code": "AuthorizationFailed", "message": "no"}});
    let foreign = json!({"value": [], "nextLink": "https://evil.example/next"});
    let compute = workspace().compute("spark").expect("an ID");
    let at = |text: &str| text.parse().expect("a time");
    for (answer, is_forbidden) in [(response(403, &denied), true), (response(200, &foreign), false)] {
        let (script, client) = Script::of([answer]);
        let found = client.activity(&compute, at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z")).await;
        assert_eq!(matches!(found, Err(Error::Forbidden(_))), is_forbidden, "{found:?}");
        assert!(found.is_err());
        assert_eq!(script.sent().len(), 1);
    }
}
