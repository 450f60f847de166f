//! The dependencies of an attachment: pool, linked service and role assignments.

use std::time::Duration;

use serde_json::{Value, json};
use synapse_spark_operator::azure::{Assigned, Error, Freshness, RoleAssignmentRequest};
use synapse_spark_operator::resource_id::PoolId;

use crate::script::{ARM, Response, Script, pool_id, response, workspace};

const LATER: Freshness = Freshness::Within(Duration::from_mins(10));
const ID: &str = "3d9d9f3c-0000-5000-8000-000000000001";

fn request() -> RoleAssignmentRequest {
    RoleAssignmentRequest {
        workspace: "yogi-synapse-ws".into(),
        role: "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78".into(),
        principal: "11111111-2222-3333-4444-555555555555".into(),
        scope: "workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool".into(),
    }
}

fn refusal(status: u16, code: &str) -> Response {
    response(status, &json!({"error": {"code": code, "message": "m"}}))
}

fn shown(principal: &str) -> Value {
    json!({"id": ID, "roleDefinitionId": request().role, "principalId": principal, "scope": request().scope, "principalType": "ServicePrincipal"})
}

/// Method and URL of each request, and its authorization.
fn sent(script: &Script) -> Vec<(String, String)> {
    script.sent().into_iter().map(|(method, url, token, _)| (format!("{method} {url}"), token.unwrap_or_default())).collect()
}

#[tokio::test]
async fn assigns_a_role_with_the_body_of_microsofts_client_and_the_token_of_the_data_plane() {
    let (script, client) = Script::of([response(200, &shown(&request().principal))]);
    assert_eq!(client.assign_role(ID, &request(), None).await.expect("the role is assigned"), Assigned::Created);
    let url = format!("https://yogi-synapse-ws.synapse.example/roleAssignments/{ID}?api-version=2020-12-01");
    assert_eq!(sent(&script), [(format!("PUT {url}"), "Bearer synapses-token".to_owned())]);
    let body: Value = serde_json::from_str(&script.sent()[0].3).expect("JSON");
    let RoleAssignmentRequest { role, principal, scope, .. } = request();
    assert_eq!(body, json!({"roleId": role, "principalId": principal, "scope": scope, "principalType": "ServicePrincipal"}));
}

#[tokio::test]
async fn existing_role_assignment_is_not_an_error_whatever_the_status() {
    for status in [400, 409] {
        let (_, client) = Script::of([refusal(status, "RoleAssignmentAlreadyExists")]);
        assert_eq!(client.assign_role(ID, &request(), None).await.expect("it is there"), Assigned::AlreadyExisted, "{status}");
    }
    for (status, code) in [(403, "Unauthorized"), (400, "ValidationError"), (409, "RoleAssignmentUpdateNotPermitted")] {
        let (_, client) = Script::of([refusal(status, code)]);
        let refused = client.assign_role(ID, &request(), None).await.expect_err("it is refused");
        assert_eq!(matches!(refused, Error::Forbidden(_)), status == 403, "{refused}");
    }
}

#[tokio::test]
async fn revoking_an_absent_role_assignment_is_not_an_error() {
    for answer in [response(200, &json!({})), response(204, &json!({})), refusal(404, "RoleAssignmentNotFound")] {
        let (script, client) = Script::of([answer]);
        client.revoke_role(ID, &request(), None).await.expect("it is gone");
        assert!(sent(&script)[0].0.starts_with(&format!("DELETE https://yogi-synapse-ws.synapse.example/roleAssignments/{ID}?")));
    }
    let (_, client) = Script::of([refusal(403, "Unauthorized")]);
    assert!(matches!(client.revoke_role(ID, &request(), None).await, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn role_assignment_is_searched_on_all_pages_and_cached() {
    let others = || Response {
        headers: vec![("x-ms-continuation", "more".to_owned())],
        ..response(200, &json!({"count": 1, "value": [shown("somebody-else")]}))
    };
    let (script, client) = Script::of([
        others(),
        response(200, &json!({"count": 1, "value": [shown(&request().principal.to_uppercase())]})),
        others(),
    ]);
    for _ in 0..2 {
        assert_eq!(client.role_assignment(&request(), LATER).await.expect("a list").as_deref(), Some(ID));
    }
    let (urls, tokens): (Vec<_>, Vec<_>) = sent(&script).into_iter().unzip();
    assert_eq!(urls.len(), 2, "kept: {urls:?}");
    assert!(urls[0].contains(
        "principalId=11111111-2222-3333-4444-555555555555&scope=workspaces%2Fyogi-synapse-ws%2FbigDataPools%2Fyogisparkpool"
    ));
    assert!(!urls[0].contains('#') && urls[1].ends_with("#more"), "{urls:?}");
    assert!(tokens.iter().all(|token| token == "Bearer synapses-token"), "{tokens:?}");
}

#[tokio::test]
async fn role_assignment_is_cached_until_a_write() {
    let none = || response(200, &json!({"count": 0, "value": []}));
    let (script, client) = Script::of([none(), response(200, &json!({})), none(), response(204, &json!({})), none()]);
    assert_eq!(client.role_assignment(&request(), LATER).await.expect("a list"), None);
    client.assign_role(ID, &request(), None).await.expect("the role is assigned");
    client.role_assignment(&request(), LATER).await.expect("a list");
    client.revoke_role(ID, &request(), None).await.expect("it is gone");
    client.role_assignment(&request(), LATER).await.expect("a list");
    assert_eq!(script.sent().len(), 5);
}

#[tokio::test]
async fn throttling_by_the_data_plane_stops_that_workspace_only() {
    let throttled = Response { headers: vec![("retry-after", "7".to_owned())], ..refusal(429, "TooManyRequests") };
    let none = response(200, &json!({"count": 0, "value": []}));
    let (script, client) = Script::of([throttled, none, refusal(404, "ResourceNotFound")]);
    assert!(matches!(client.role_assignment(&request(), LATER).await, Err(Error::Throttled { .. })));
    assert!(matches!(client.role_assignment(&request(), LATER).await, Err(Error::Throttled { .. })), "no request is sent");
    client
        .role_assignment(&RoleAssignmentRequest { workspace: "another".into(), ..request() }, LATER)
        .await
        .expect("another workspace answers");
    client.pool(&PoolId::parse(&pool_id()).expect("an ID"), LATER).await.expect("so does ARM");
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test]
async fn pool_and_its_refusals_are_cached() {
    let pool = PoolId::parse(&pool_id()).expect("an ID");
    let spark = json!({"id": pool_id(), "name": "yogisparkpool", "properties": {"sparkVersion": "3.5", "nodeCount": 3}});
    for (answers, there) in [
        (vec![response(200, &spark), response(200, &spark)], Some(true)),
        (vec![refusal(404, "ResourceNotFound"), refusal(404, "ResourceNotFound")], Some(false)),
        (vec![refusal(404, "ParentResourceNotFound"), refusal(404, "ParentResourceNotFound")], Some(false)),
        (vec![refusal(403, "AuthorizationFailed"), refusal(403, "AuthorizationFailed")], None),
    ] {
        let (script, client) = Script::of(answers);
        for freshness in [LATER, LATER, Freshness::Now] {
            let found = client.pool(&pool, freshness).await;
            assert_eq!(found.ok().map(|found| found.is_some()), there);
        }
        let url = format!("GET {ARM}{}?api-version=2021-06-01", pool_id());
        assert_eq!(sent(&script).iter().map(|(url, _)| url.as_str()).collect::<Vec<_>>(), [&url, &url]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_not_answered_is_sent_again_ten_seconds_later() {
    let pool = PoolId::parse(&pool_id()).expect("an ID");
    let spark = json!({"id": pool_id(), "name": "yogisparkpool", "properties": {"sparkVersion": "3.5", "nodeCount": 3}});
    let (script, client) = Script::of([refusal(500, "Odd"), refusal(500, "Odd"), response(200, &spark)]);
    for _ in 0..3 {
        assert!(client.pool(&pool, LATER).await.is_err());
    }
    assert_eq!(script.sent().len(), 1, "all share the failure");
    assert!(client.pool(&pool, Freshness::Now).await.is_err());
    assert_eq!(script.sent().len(), 2, "who needs the current state asks again");
    tokio::time::advance(Duration::from_secs(11)).await;
    let found = client.pool(&pool, LATER).await.expect("a third request").expect("it is there");
    assert_eq!((found.properties.spark_version.as_deref(), script.sent().len()), (Some("3.5"), 3));
}

#[tokio::test]
async fn linked_service_is_read_by_name_and_cached() {
    let link = json!({
        "name": "link-1",
        "identity": {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"},
        "properties": {"linkedServiceResourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Synapse/workspaces/Syn-1", "linkType": "Synapse"},
    });
    let (script, client) = Script::of([response(200, &link), refusal(404, "NotFound")]);
    let found = client.linked_service(&workspace(), "link-1", LATER).await.expect("an answer").expect("it is there");
    assert!(found.properties.linked_service_resource_id.ends_with("/Syn-1"));
    assert_eq!(client.linked_service(&workspace(), "link-2", LATER).await.expect("an answer"), None);
    client.linked_service(&workspace(), "LINK-1", LATER).await.expect("kept");
    let urls: Vec<_> = sent(&script).into_iter().map(|(url, _)| url).collect();
    let url = |name: &str| format!("GET {ARM}{}/linkedServices/{name}?api-version=2020-09-01-preview", workspace());
    assert_eq!(urls, [url("link-1"), url("link-2")]);
}
