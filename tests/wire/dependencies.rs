//! The pool, the link and the roles behind an attachment.

use std::time::Duration;

use serde_json::{Value, json};
use synapse_spark_operator::azure::{Assigned, Error, Freshness, RoleAssignmentRequest};
use synapse_spark_operator::resource_id::PoolId;

use super::{ARM, Said, Script, pool_id, said, workspace};

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

fn refusal(status: u16, code: &str) -> Said {
    said(status, &json!({"error": {"code": code, "message": "m"}}))
}

fn shown(principal: &str) -> Value {
    json!({"id": ID, "roleDefinitionId": request().role, "principalId": principal, "scope": request().scope, "principalType": "ServicePrincipal"})
}

/// Method and URL of what was asked, and whose token it had.
fn asked(script: &Script) -> Vec<(String, String)> {
    script.asked().into_iter().map(|(method, url, token, _)| (format!("{method} {url}"), token.unwrap_or_default())).collect()
}

#[tokio::test]
async fn a_grant_says_what_microsofts_client_says_and_takes_the_data_planes_token() {
    let (script, client) = Script::of([said(200, &shown(&request().principal))]);
    assert_eq!(client.assign_role(ID, &request(), None).await.expect("it is made"), Assigned::Created);
    let url = format!("https://yogi-synapse-ws.synapse.example/roleAssignments/{ID}?api-version=2020-12-01");
    assert_eq!(asked(&script), [(format!("PUT {url}"), "Bearer synapses-token".to_owned())]);
    let body: Value = serde_json::from_str(&script.asked()[0].3).expect("JSON");
    let RoleAssignmentRequest { role, principal, scope, .. } = request();
    assert_eq!(body, json!({"roleId": role, "principalId": principal, "scope": scope, "principalType": "ServicePrincipal"}));
}

#[tokio::test]
async fn that_it_is_there_already_is_no_error_whatever_its_status() {
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
async fn that_it_is_gone_already_is_no_error_either() {
    for answer in [said(200, &json!({})), said(204, &json!({})), refusal(404, "RoleAssignmentNotFound")] {
        let (script, client) = Script::of([answer]);
        client.revoke_role(ID, &request(), None).await.expect("it is gone");
        assert!(
            asked(&script)[0].0.starts_with(&format!("DELETE https://yogi-synapse-ws.synapse.example/roleAssignments/{ID}?"))
        );
    }
    let (_, client) = Script::of([refusal(403, "Unauthorized")]);
    assert!(matches!(client.revoke_role(ID, &request(), None).await, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn who_holds_a_role_is_looked_for_on_all_pages_and_kept() {
    let others = || Said {
        headers: vec![("x-ms-continuation", "more".to_owned())],
        ..said(200, &json!({"count": 1, "value": [shown("somebody-else")]}))
    };
    let (script, client) =
        Script::of([others(), said(200, &json!({"count": 1, "value": [shown(&request().principal.to_uppercase())]})), others()]);
    for _ in 0..2 {
        assert_eq!(client.role_assignment(&request(), LATER).await.expect("a list").as_deref(), Some(ID));
    }
    let (urls, tokens): (Vec<_>, Vec<_>) = asked(&script).into_iter().unzip();
    assert_eq!(urls.len(), 2, "kept: {urls:?}");
    assert!(urls[0].contains(
        "principalId=11111111-2222-3333-4444-555555555555&scope=workspaces%2Fyogi-synapse-ws%2FbigDataPools%2Fyogisparkpool"
    ));
    assert!(!urls[0].contains('#') && urls[1].ends_with("#more"), "{urls:?}");
    assert!(tokens.iter().all(|token| token == "Bearer synapses-token"), "{tokens:?}");
}

#[tokio::test]
async fn what_was_known_of_a_role_is_forgotten_with_a_write() {
    let none = || said(200, &json!({"count": 0, "value": []}));
    let (script, client) = Script::of([none(), said(200, &json!({})), none(), said(204, &json!({})), none()]);
    assert_eq!(client.role_assignment(&request(), LATER).await.expect("a list"), None);
    client.assign_role(ID, &request(), None).await.expect("it is made");
    client.role_assignment(&request(), LATER).await.expect("a list");
    client.revoke_role(ID, &request(), None).await.expect("it is gone");
    client.role_assignment(&request(), LATER).await.expect("a list");
    assert_eq!(script.asked().len(), 5);
}

#[tokio::test]
async fn the_data_planes_429_closes_that_workspace_alone() {
    let throttled = Said { headers: vec![("retry-after", "7".to_owned())], ..refusal(429, "TooManyRequests") };
    let none = said(200, &json!({"count": 0, "value": []}));
    let (script, client) = Script::of([throttled, none, refusal(404, "ResourceNotFound")]);
    assert!(matches!(client.role_assignment(&request(), LATER).await, Err(Error::Throttled { .. })));
    assert!(matches!(client.role_assignment(&request(), LATER).await, Err(Error::Throttled { .. })), "it is not asked again");
    client
        .role_assignment(&RoleAssignmentRequest { workspace: "another".into(), ..request() }, LATER)
        .await
        .expect("another workspace answers");
    client.pool(&PoolId::parse(&pool_id()).expect("an ID"), LATER).await.expect("so does ARM");
    assert_eq!(script.asked().len(), 3);
}

#[tokio::test]
async fn a_look_at_a_pool_is_shared_and_so_is_a_refusal() {
    let pool = PoolId::parse(&pool_id()).expect("an ID");
    let spark = json!({"id": pool_id(), "name": "yogisparkpool", "properties": {"sparkVersion": "3.5", "nodeCount": 3}});
    for (answers, there) in [
        (vec![said(200, &spark), said(200, &spark)], Some(true)),
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
        assert_eq!(asked(&script).iter().map(|(url, _)| url.as_str()).collect::<Vec<_>>(), [&url, &url]);
    }
    let (script, client) = Script::of([refusal(500, "Odd"), said(200, &spark)]);
    assert!(client.pool(&pool, LATER).await.is_err());
    let found = client.pool(&pool, LATER).await.expect("asked again").expect("it is there");
    assert_eq!((found.properties.spark_version.as_deref(), script.asked().len()), (Some("3.5"), 2));
}

#[tokio::test]
async fn a_link_is_followed_by_its_own_name() {
    let link = json!({
        "name": "link-1",
        "identity": {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"},
        "properties": {"linkedServiceResourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Synapse/workspaces/Syn-1", "linkType": "Synapse"},
    });
    let (script, client) = Script::of([said(200, &link), refusal(404, "NotFound")]);
    let found = client.linked_service(&workspace(), "link-1", LATER).await.expect("an answer").expect("it is there");
    assert!(found.properties.linked_service_resource_id.ends_with("/Syn-1"));
    assert_eq!(client.linked_service(&workspace(), "link-2", LATER).await.expect("an answer"), None);
    client.linked_service(&workspace(), "LINK-1", LATER).await.expect("kept");
    let urls: Vec<_> = asked(&script).into_iter().map(|(url, _)| url).collect();
    let url = |name: &str| format!("GET {ARM}{}/linkedServices/{name}?api-version=2020-09-01-preview", workspace());
    assert_eq!(urls, [url("link-1"), url("link-2")]);
}
