//! Recorded bytes of the service, and the body of a PUT.

use serde_json::{Value, json};
use synapse_spark_operator::api::v1alpha1::AttachmentStatus;
use synapse_spark_operator::azure::wire::{self, Put, PutIdentity};
use synapse_spark_operator::azure::{Freshness, State};
use synapse_spark_operator::controller::observe;
use synapse_spark_operator::planner::Owner;

use crate::script::{ARM, Response, SUBSCRIPTION, Script, compute, pool_id, put, response};

fn recorded() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../fixtures/aml-compute-lro-2022-08-30.json")).expect("a recording");
    file["exchanges"].as_array().expect("exchanges").clone()
}

/// A recorded answer, as bytes of the wire.
fn replay(exchange: &Value, at: &str) -> Response {
    let body = if exchange["body"].is_null() { Vec::new() } else { exchange["body"].to_string().into_bytes() };
    let mut headers = Vec::new();
    for name in ["Azure-AsyncOperation", "x-ms-correlation-request-id"] {
        if let Some(value) = exchange["headers"][name].as_str() {
            let name = if name == "Azure-AsyncOperation" { "azure-asyncoperation" } else { "x-ms-correlation-request-id" };
            headers.push((name, value.replace("https://management.azure.com", at)));
        }
    }
    let status = u16::try_from(exchange["status"].as_u64().expect("a status")).expect("a status");
    Response { status, headers, body, ..Response::default() }
}

#[tokio::test]
async fn reads_recorded_attach_update_and_detach() {
    let exchanges = recorded();
    let recorded = "00000000-0000-0000-0000-000000000";
    let (script, client) = Script::of(exchanges.iter().map(|exchange| replay(exchange, ARM)));
    // 201, Azure-AsyncOperation alone, no Location: path and query unchanged, in their order.
    let path = client.put(&compute(), &put(), None).await.expect("taken").expect("an operation");
    assert!(path.ends_with("?api-version=2022-01-01-preview&service=new") && path.starts_with("/subscriptions/"), "{path}");
    assert_eq!(client.operation(recorded, &path).await.expect("an answer"), State::Succeeded);
    assert_eq!(script.sent()[1].1, format!("{ARM}{path}"), "the link is used as it came");
    // Tags {} now, no identity, 7 digits of a second.
    let found = client.compute(&compute(), Freshness::Now).await.expect("an answer").expect("there");
    assert_eq!(found.properties.created_on.as_deref(), Some("2022-08-30T19:56:28.2261097+00:00"));
    assert_eq!(
        (found.tags.len(), found.identity.is_none(), found.properties.provisioning_state.as_deref()),
        (0, true, Some("Succeeded"))
    );
    // An update answers 201 too.
    let path = client.put(&compute(), &put(), None).await.expect("taken").expect("an operation");
    assert_eq!(client.operation(recorded, &path).await.expect("an answer"), State::Succeeded);
    // 202, empty body.
    client.detach(&compute(), None).await.expect("taken").expect("an operation");
    let sent = script.sent();
    assert!(
        sent[5].0.eq_ignore_ascii_case("DELETE")
            && sent[5].1.ends_with("?api-version=2024-04-01&underlyingResourceAction=Detach"),
        "{sent:?}"
    );
    assert!(
        sent.iter()
            .all(|(_, url, authorization, _)| url.starts_with(ARM) && authorization.as_deref() == Some("Bearer the-token"))
    );
}

#[test]
fn reads_recorded_bodies_of_computes() {
    let exchanges = recorded();
    let created: wire::Compute =
        serde_json::from_value(exchanges[0]["body"].clone()).expect("the create's answer: tags null, no computeLocation");
    assert_eq!(created.properties.provisioning_state.as_deref(), Some("Creating"));
    let updated: wire::Compute = serde_json::from_value(exchanges[3]["body"].clone()).expect("the update's answer");
    assert_eq!(updated.properties.modified_on.as_deref(), Some("2022-08-30T19:56:59.264095+00:00"), "6 digits");
    let bare: wire::Compute =
        serde_json::from_value(json!({"properties": {"computeType": "SynapseSpark"}})).expect("tags absent");
    assert!(bare.tags.is_empty());
}

#[test]
fn reads_identities_in_any_spelling_and_ids_in_any_case() {
    let owner = Owner { cluster: "c".into(), namespace: "n".into(), name: "o".into(), uid: "u".into() };
    let lower = format!(
        "/subscriptions/{SUBSCRIPTION}/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-zeta"
    );
    let other = lower.replace("id-zeta", "id-alpha");
    #[rustfmt::skip]
    let table = [
        ("SystemAssigned",               true,  0),
        ("Systemassigned",               true,  0),
        ("systemassigned",               true,  0),
        ("UserAssigned",                 false, 2),
        ("Userassigned",                 false, 2),
        ("SystemAssigned,UserAssigned",  true,  2),
        ("Systemassigned,Userassigned",  true,  2),
        ("SystemAssigned, UserAssigned", true,  2),
        ("None",                         false, 0),
    ];
    for (kind, system, users) in table {
        let ids = if users > 0 { json!({&lower: {"principalId": "p", "clientId": "c"}, &other: {}}) } else { Value::Null };
        let body = json!({"identity": {"type": kind, "userAssignedIdentities": ids}, "properties": {"computeType": "SynapseSpark", "resourceId": pool_id().to_lowercase()}});
        let found: wire::Compute = serde_json::from_value(body).expect("a compute");
        let seen = observe::compute(&found, &owner, &AttachmentStatus::default());
        assert_eq!((seen.identity.system, seen.identity.user.len()), (system, users), "{kind}");
        assert_eq!(seen.pool.id(), synapse_spark_operator::resource_id::PoolId::parse(&pool_id()).ok().as_ref(), "{kind}");
        if users > 0 {
            assert_eq!(
                seen.identity.user.iter().map(|one| one.id.name()).collect::<Vec<_>>(),
                ["id-zeta", "id-alpha"],
                "the order of the wire"
            );
        }
    }
}

#[tokio::test]
async fn put_has_the_body_that_azure_ai_ml_sends() {
    let ids = ["id-zeta", "id-alpha"].map(|name| {
        format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}")
    });
    let whole = Put {
        description: Some("d".into()),
        identity: Some(PutIdentity { kind: "SystemAssigned,UserAssigned", user: ids.to_vec() }),
        tags: vec![("Env".into(), "Prod".into())],
        ..put()
    };
    let (script, client) = Script::of([response(201, &json!({})), response(201, &json!({}))]);
    client.put(&compute(), &whole, None).await.expect("taken");
    client.put(&compute(), &put(), None).await.expect("taken");
    let bodies: Vec<_> = script.sent().into_iter().map(|(.., body)| body).collect();
    // The text, not the value: the order of the identities counts.
    let identity = format!(
        r#""identity":{{"type":"SystemAssigned,UserAssigned","userAssignedIdentities":{{"{}":{{}},"{}":{{}}}}}}"#,
        ids[0], ids[1]
    );
    assert!(bodies[0].contains(&identity), "{}", bodies[0]);
    let bare: Value = serde_json::from_str(&bodies[1]).expect("JSON");
    assert_eq!(
        bare,
        json!({"location": "eastus2", "properties": {"computeType": "SynapseSpark", "resourceId": pool_id()}}),
        "nothing is null"
    );
}
