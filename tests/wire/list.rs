//! Lists, against the examples of Microsoft's specification.

use serde_json::{Value, json};
use synapse_spark_operator::azure::Error;
use synapse_spark_operator::azure::wire::AutoScale;
use synapse_spark_operator::planner::Progress;
use synapse_spark_operator::resource_id::{PoolId, SynapseWorkspaceId};

use crate::script::{ARM, SUBSCRIPTION, Script, response, workspace};

fn example(text: &str) -> Value {
    let file: Value = serde_json::from_str(text).expect("an example");
    file["responses"]["200"]["body"].clone()
}

fn synapse() -> SynapseWorkspaceId {
    let id = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Synapse/workspaces/Syn-1");
    SynapseWorkspaceId::parse(&id).expect("an ID")
}

#[tokio::test]
async fn each_list_has_its_path_and_api_version() {
    let empty = || response(200, &json!({"value": []}));
    let (script, client) = Script::of([empty(), empty(), empty(), empty(), empty()]);
    client.subscriptions().await.expect("a list");
    client.workspaces(SUBSCRIPTION).await.expect("a list");
    client.synapse_workspaces(SUBSCRIPTION).await.expect("a list");
    client.pools(&synapse()).await.expect("a list");
    client.linked_services(&workspace()).await.expect("a list");
    let subscription = format!("{ARM}/subscriptions/{SUBSCRIPTION}");
    let sent: Vec<_> = script.sent().into_iter().map(|(method, url, ..)| format!("{method} {url}")).collect();
    assert_eq!(
        sent,
        [
            format!("GET {ARM}/subscriptions?api-version=2022-12-01"),
            format!("GET {subscription}/providers/Microsoft.MachineLearningServices/workspaces?api-version=2024-04-01"),
            format!("GET {subscription}/providers/Microsoft.Synapse/workspaces?api-version=2021-06-01"),
            format!("GET {ARM}{}/bigDataPools?api-version=2021-06-01", synapse()),
            format!("GET {ARM}{}/linkedServices?api-version=2020-09-01-preview", workspace()),
        ]
    );
}

#[tokio::test]
async fn reads_the_pool_of_the_specification() {
    let pool = example(include_str!("../fixtures/synapse-bigdatapool-2021-06-01.json"));
    let fixed = json!({"id": "/odd", "name": "fixed", "properties": {"nodeCount": 3, "autoScale": null}});
    let (_, client) = Script::of([response(200, &json!({"value": [pool, fixed, "no pool"]}))]);
    let all = client.pools(&synapse()).await.expect("a list");
    assert_eq!(all.len(), 2, "what cannot be read is skipped");
    let found = &all[0].properties;
    assert_eq!(PoolId::parse(&all[0].id).expect("an ID").name(), "ExamplePool");
    assert_eq!(
        (found.spark_version.as_deref(), found.node_size.as_deref(), found.provisioning_state.as_deref()),
        (Some("2.4"), Some("Medium"), Some("Succeeded"))
    );
    assert_eq!(found.auto_scale, Some(AutoScale { enabled: true, min_node_count: 3, max_node_count: 50 }));
    assert_eq!((all[1].id.as_str(), all[1].properties.node_count), ("/odd", Some(3)));
}

#[tokio::test]
async fn reads_the_linked_services_of_the_specification() {
    let links = example(include_str!("../fixtures/aml-linked-services-2020-09-01-preview.json"));
    let (_, client) = Script::of([response(200, &links)]);
    let all = client.linked_services(&workspace()).await.expect("a list");
    assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["link-1", "link-2"]);
    let leads = all[0].properties.linked_service_resource_id.as_str();
    assert_eq!(SynapseWorkspaceId::parse(leads).expect("an ID").name(), "Syn-1");
    let principal = all[0].identity.as_ref().and_then(|identity| identity.principal_id.as_deref());
    assert_eq!(principal, Some("aaaaaaaa-1111-2222-3333-444444444444"));
}

#[tokio::test]
async fn list_follows_its_links_within_the_origin_only() {
    let page = |id: &str, next: &Value| response(200, &json!({"value": [{"id": id}], "nextLink": next}));
    let link = format!("{ARM}/subscriptions/{SUBSCRIPTION}/providers/x?api-version=2021-06-01&$skiptoken=2");
    let other = synapse().to_string().replace("Syn-1", "Syn-2");
    let (script, client) = Script::of([page(&synapse().to_string(), &json!(link)), page(&other, &json!(null))]);
    let all = client.synapse_workspaces(SUBSCRIPTION).await.expect("all pages");
    assert_eq!(all.iter().map(SynapseWorkspaceId::name).collect::<Vec<_>>(), ["Syn-1", "Syn-2"]);
    assert_eq!(script.sent()[1].1, link, "the link is used as it came");

    let (script, client) = Script::of([page(&other, &json!("https://evil.example/next"))]);
    let error = client.synapse_workspaces(SUBSCRIPTION).await.expect_err("the rest is elsewhere");
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert_eq!(script.sent().len(), 1, "the token went nowhere else");
}

#[tokio::test]
async fn list_skips_undecodable_elements_and_follows_its_links() {
    let link = format!("{ARM}{}/computes?api-version=2024-04-01&$skip=abc%3D", workspace());
    let first = json!({"value": [
        {"name": "ours", "properties": {"computeType": "SynapseSpark", "provisioningState": "Resizing"}},
        {"name": "odd", "properties": {"computeType": "QuantumPool", "properties": ["a", "list"]}},
        {"name": "broken", "properties": "no object"},
        {"name": "bare"},
    ], "nextLink": link});
    let (script, client) = Script::of([response(200, &first), response(200, &json!({"value": null, "nextLink": null}))]);
    let all = client.computes(&workspace()).await.expect("all pages");
    assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["ours", "odd", "bare"]);
    assert_eq!(
        Progress::of(all[0].properties.provisioning_state.as_deref()),
        Progress::Working,
        "an unknown state is work in progress"
    );
    assert_eq!(script.sent()[1].1, link, "the link is used as it came");
}
