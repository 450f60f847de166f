//! The addresses that the access token is sent to.

use serde_json::json;
use synapse_spark_operator::azure::{Freshness, State};

use crate::script::{Response, SUBSCRIPTION, Script, compute, put, response, workspace};

#[tokio::test]
async fn token_is_not_sent_to_another_origin() {
    for foreign in [
        "https://evil.example/x",
        "http://arm.example/x",
        "https://arm.example.evil.example/x",
        "//evil.example/x",
        "https://arm.example@evil.example/",
    ] {
        let (script, client) = Script::of([
            response(200, &json!({"value": [], "nextLink": foreign})),
            Response {
                status: 201,
                headers: vec![("azure-asyncoperation", foreign.to_owned())],
                body: b"{}".to_vec(),
                ..Response::default()
            },
            Response { status: 302, headers: vec![("location", foreign.to_owned())], body: Vec::new(), ..Response::default() },
        ]);
        client.computes(&workspace()).await.expect_err("the rest is elsewhere");
        assert_eq!(client.put(&compute(), &put(), None).await.expect("taken"), None, "an operation elsewhere is none");
        client.compute(&compute(), Freshness::Now).await.expect_err("a redirect is no answer");
        assert_eq!(script.sent().len(), 3, "{foreign}: {:?}", script.sent());
    }
}

#[tokio::test]
async fn operation_request_is_sent_to_paths_of_operations_only() {
    let of = |subscription: &str| {
        format!("/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/eastus2")
    };
    let (here, elsewhere) = (of(SUBSCRIPTION), of("6560575d-fa06-4e7d-95fb-000000000000"));
    for path in [
        format!("{elsewhere}/computeOperationsStatus/1"),
        format!("{here}/../../../../resourceGroups/rg"),
        format!("{here}/%2e%2e/%2e%2e/%2e%2e/%2e%2e/resourceGroups/rg"),
        format!("{here}/..%2f..%2f..%2f..%2fresourceGroups/rg"),
        format!("{here}\\..\\..\\..\\..\\resourceGroups/rg"),
        format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v"),
        format!("https://evil.example{here}/computeOperationsStatus/1"),
        String::new(),
    ] {
        let (script, client) = Script::of([]);
        assert_eq!(client.operation(SUBSCRIPTION, &path).await.expect("an answer"), State::Forgotten, "{path}");
        assert!(script.sent().is_empty(), "{path}");
    }
    let (_, client) = Script::of([response(200, &json!({"status": "Succeeded"}))]);
    let shouted = format!("{}/computeOperationsStatus/1?api-version=1", here.to_uppercase());
    assert_eq!(client.operation(SUBSCRIPTION, &shouted).await.expect("an answer"), State::Succeeded);
}
