//! The cached region of a workspace.

use std::time::Duration;

use serde_json::{Value, json};
use synapse_spark_operator::azure::{Client, Freshness};

use crate::script::{Response, Script, compute, put, response, workspace};

fn region(name: &str) -> Response {
    response(200, &json!({"location": name}))
}

fn error(code: &str) -> Value {
    json!({"error": {"code": code, "message": "m"}})
}

async fn location(client: &Client) -> String {
    client.location(&workspace()).await.expect("a region")
}

#[tokio::test]
async fn region_is_read_once() {
    let (script, client) = Script::of([region("eastus2")]);
    assert_eq!((location(&client).await, location(&client).await), ("eastus2".into(), "eastus2".into()));
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn region_is_read_again_after_the_workspace_was_absent() {
    let (_, client) = Script::of([region("eastus2"), response(404, &error("ParentResourceNotFound")), region("westus")]);
    assert_eq!(location(&client).await, "eastus2");
    client.compute(&compute(), Freshness::Now).await.expect_err("the workspace is absent");
    assert_eq!(location(&client).await, "westus");
}

#[tokio::test]
async fn region_is_read_again_after_a_put_was_rejected() {
    let (_, client) = Script::of([region("eastus2"), response(400, &error("InvalidLocation")), region("westus")]);
    assert_eq!(location(&client).await, "eastus2");
    client.put(&compute(), &put(), None).await.expect_err("another region");
    assert_eq!(location(&client).await, "westus");
}

#[tokio::test(start_paused = true)]
async fn absent_compute_drops_the_region_unless_it_is_recent() {
    let absent = || response(404, &error("ResourceNotFound"));
    let (_, client) = Script::of([region("eastus2"), absent(), absent(), region("westus")]);
    assert_eq!(location(&client).await, "eastus2");
    client.compute(&compute(), Freshness::Now).await.expect("an answer");
    assert_eq!(location(&client).await, "eastus2", "it was read a moment ago");
    tokio::time::advance(Duration::from_secs(61)).await;
    client.compute(&compute(), Freshness::Now).await.expect("an answer");
    assert_eq!(location(&client).await, "westus");
}
