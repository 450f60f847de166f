//! What is cached, and until when.

use std::time::Duration;

use serde_json::json;
use synapse_spark_operator::azure::Freshness;

use crate::script::{Response, Script, compute, put, response};

#[tokio::test]
async fn compute_is_cached_until_a_write() {
    let there = json!({"properties": {"computeType": "SynapseSpark"}});
    let absent = json!({"error": {"code": "ResourceNotFound", "message": "m"}});
    let (script, client) =
        Script::of([response(404, &absent), response(404, &absent), response(201, &there), response(200, &there)]);
    let while_fresh = Freshness::Within(Duration::from_mins(1));
    for _ in 0..3 {
        assert!(client.compute(&compute(), while_fresh).await.expect("an answer").is_none());
    }
    assert_eq!(script.sent().len(), 1);
    client.compute(&compute(), Freshness::Now).await.expect("an answer");
    assert_eq!(script.sent().len(), 2);
    client.put(&compute(), &put(), None).await.expect("taken");
    assert!(
        client.compute(&compute(), while_fresh).await.expect("an answer").is_some(),
        "what was before the write is forgotten"
    );
}

#[tokio::test]
async fn get_that_began_before_a_put_is_not_cached_after_it() {
    let compute_in = |state: &str| json!({"properties": {"computeType": "SynapseSpark", "provisioningState": state}});
    let (release, held) = tokio::sync::oneshot::channel();
    let late = Response { held: Some(held), ..response(200, &compute_in("Succeeded")) };
    let (script, client) = Script::of([late, response(201, &json!({})), response(200, &compute_in("Updating"))]);
    let (id, body) = (compute(), put());
    let get = client.compute(&id, Freshness::Now);
    let write = async {
        script.has_sent(1).await;
        client.put(&id, &body, None).await.expect("taken");
        release.send(()).expect("the GET waits");
    };
    let (late, ()) = tokio::join!(get, write);
    assert_eq!(late.expect("an answer").expect("a compute").properties.provisioning_state.as_deref(), Some("Succeeded"));
    let cached = client.compute(&id, Freshness::Within(Duration::from_secs(5))).await.expect("an answer");
    assert_eq!(cached.expect("a compute").properties.provisioning_state.as_deref(), Some("Updating"));
}
