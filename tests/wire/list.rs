//! The lists behind `pools` and `links`, against the examples of Microsoft's specification.

use serde_json::{Value, json};
use synapse_spark_operator::azure::Error;
use synapse_spark_operator::azure::wire::AutoScale;
use synapse_spark_operator::resource_id::{PoolId, SynapseWorkspaceId};

use super::{ARM, SUBSCRIPTION, Script, said, workspace};

fn example(text: &str) -> Value {
    let file: Value = serde_json::from_str(text).expect("an example");
    file["responses"]["200"]["body"].clone()
}

fn synapse() -> SynapseWorkspaceId {
    let id = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Synapse/workspaces/Syn-1");
    SynapseWorkspaceId::parse(&id).expect("an ID")
}

#[tokio::test]
async fn each_list_has_its_path_and_its_api_version() {
    let empty = || said(200, &json!({"value": []}));
    let (script, client) = Script::of([empty(), empty(), empty(), empty(), empty()]);
    client.subscriptions().await.expect("a list");
    client.workspaces(SUBSCRIPTION).await.expect("a list");
    client.synapse_workspaces(SUBSCRIPTION).await.expect("a list");
    client.pools(&synapse()).await.expect("a list");
    client.linked_services(&workspace()).await.expect("a list");
    let subscription = format!("{ARM}/subscriptions/{SUBSCRIPTION}");
    let asked: Vec<_> = script.asked().into_iter().map(|(method, url, ..)| format!("{method} {url}")).collect();
    assert_eq!(
        asked,
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
async fn a_pool_is_read_as_the_specification_shows_it() {
    let pool = example(include_str!("../fixtures/synapse-bigdatapool-2021-06-01.json"));
    let fixed = json!({"id": "/odd", "name": "fixed", "properties": {"nodeCount": 3, "autoScale": null}});
    let (_, client) = Script::of([said(200, &json!({"value": [pool, fixed, "no pool"]}))]);
    let all = client.pools(&synapse()).await.expect("a list");
    assert_eq!(all.len(), 2, "what cannot be read is passed over");
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
async fn a_link_is_read_as_the_specification_shows_it() {
    let links = example(include_str!("../fixtures/aml-linked-services-2020-09-01-preview.json"));
    let (_, client) = Script::of([said(200, &links)]);
    let all = client.linked_services(&workspace()).await.expect("a list");
    assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["link-1", "link-2"]);
    let leads = all[0].properties.linked_service_resource_id.as_str();
    assert_eq!(SynapseWorkspaceId::parse(leads).expect("an ID").name(), "Syn-1");
    let principal = all[0].identity.as_ref().and_then(|identity| identity.principal_id.as_deref());
    assert_eq!(principal, Some("aaaaaaaa-1111-2222-3333-444444444444"));
}

#[tokio::test]
async fn a_list_goes_on_over_pages_and_never_elsewhere() {
    let page = |id: &str, next: &Value| said(200, &json!({"value": [{"id": id}], "nextLink": next}));
    let link = format!("{ARM}/subscriptions/{SUBSCRIPTION}/providers/x?api-version=2021-06-01&$skiptoken=2");
    let other = synapse().to_string().replace("Syn-1", "Syn-2");
    let (script, client) = Script::of([page(&synapse().to_string(), &json!(link)), page(&other, &json!(null))]);
    let all = client.synapse_workspaces(SUBSCRIPTION).await.expect("all pages");
    assert_eq!(all.iter().map(SynapseWorkspaceId::name).collect::<Vec<_>>(), ["Syn-1", "Syn-2"]);
    assert_eq!(script.asked()[1].1, link, "the link is used as it came");

    let (script, client) = Script::of([page(&other, &json!("https://evil.example/next"))]);
    let error = client.synapse_workspaces(SUBSCRIPTION).await.expect_err("the rest is elsewhere");
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert_eq!(script.asked().len(), 1, "the token went nowhere else");
}
