//! One LIST answers all concurrent reads of computes of a workspace; a GET is sent where that costs less.

use std::time::Duration;

use futures::future::{join_all, select};
use serde_json::{Value, json};
use synapse_spark_operator::azure::wire::Compute;
use synapse_spark_operator::azure::{Ask, Client, Error, Source};
use synapse_spark_operator::resource_id::ComputeId;

use crate::script::{Response, Script, put, response, workspace};

fn id(name: &str) -> ComputeId {
    workspace().compute(name).expect("an ID")
}

/// One of this many concurrent reads, which accepts an answer of the last second.
fn one_of(sharers: usize) -> Ask {
    Ask { max_age: Duration::from_secs(1), sharers, listed_absence: None }
}

fn element(name: &str, state: &str) -> Value {
    json!({"name": name, "properties": {"computeType": "SynapseSpark", "provisioningState": state}})
}

fn page(elements: &[Value]) -> Response {
    response(200, &json!({"value": elements}))
}

fn refusal(status: u16, code: &str) -> Response {
    response(status, &json!({"error": {"code": code, "message": "m"}}))
}

fn state(answer: &Result<(Option<Compute>, Source), Error>) -> Option<(&str, Source)> {
    let (compute, source) = answer.as_ref().expect("an answer");
    compute.as_ref().map(|compute| (compute.properties.provisioning_state.as_deref().unwrap_or_default(), *source))
}

/// What was requested: `list` for a page of a LIST, or the name of a compute.
fn requested(script: &Script) -> Vec<String> {
    let last = |url: &str| url.split('?').next().and_then(|path| path.rsplit('/').next()).map(ToOwned::to_owned);
    script.sent().iter().filter_map(|(_, url, ..)| last(url)).map(|last| last.replace("computes", "list")).collect()
}

async fn ask(client: &Client, name: &str, ask: Ask) -> Result<(Option<Compute>, Source), Error> {
    client.shared_compute(&id(name), &ask).await
}

#[tokio::test]
async fn one_list_answers_all_concurrent_reads() {
    let elements: Vec<_> = (0..100).map(|number| element(&format!("c{number}"), "Creating")).collect();
    let (script, client) = Script::of([page(&elements)]);
    let answers = join_all((0..100).map(|number| {
        let client = &client;
        async move { ask(client, &format!("C{number}"), one_of(100)).await }
    }));
    for answer in answers.await {
        assert_eq!(state(&answer), Some(("Creating", Source::List)));
    }
    assert_eq!(requested(&script), ["list"]);
    let counted = |source: &str| script.metric(&format!("azure_observations_total{{source=\"{source}\"}}"));
    assert_eq!([counted("list"), counted("get"), counted("cache")].map(Option::unwrap_or_default), ["100", "0", "0"]);
}

#[tokio::test]
async fn single_read_sends_a_get_or_uses_a_recent_list() {
    let (script, client) = Script::of([response(200, &element("a", "Creating")), page(&[element("b", "Creating")])]);
    assert_eq!(state(&ask(&client, "a", one_of(1)).await), Some(("Creating", Source::Get)));
    assert_eq!(state(&ask(&client, "a", one_of(1)).await), Some(("Creating", Source::Cache)));
    assert_eq!(state(&ask(&client, "b", one_of(2)).await), Some(("Creating", Source::List)));
    assert_eq!(state(&ask(&client, "b", one_of(1)).await), Some(("Creating", Source::List)));
    assert_eq!(requested(&script), ["a", "list"]);
}

#[tokio::test]
async fn gets_are_sent_if_they_are_fewer_than_the_pages_of_the_last_list() {
    let link = format!("https://arm.example{}/computes?page=2", workspace());
    let first = response(200, &json!({"value": [element("a", "Creating")], "nextLink": link}));
    let (script, client) = Script::of([first, page(&[]), response(200, &element("b", "Creating"))]);
    assert!(state(&ask(&client, "a", one_of(2)).await).is_some(), "the number of pages is not known yet");
    // Longer than the answer may be old.
    let now = Ask { max_age: Duration::ZERO, ..one_of(2) };
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(state(&ask(&client, "b", now).await), Some(("Creating", Source::Get)));
    assert_eq!(requested(&script), ["list", "list", "b"]);
}

#[tokio::test]
async fn list_is_sent_again_by_another_when_its_sender_is_cancelled() {
    let (_release, held) = tokio::sync::oneshot::channel();
    let (script, client) = Script::of([Response { held: Some(held), ..page(&[]) }, page(&[element("b", "Creating")])]);
    let leader = Box::pin(ask(&client, "a", one_of(2)));
    let cancelled = select(leader, Box::pin(script.has_sent(1)));
    let ((), answer) = tokio::join!(async { drop(cancelled.await) }, ask(&client, "b", one_of(2)));
    assert_eq!(state(&answer), Some(("Creating", Source::List)));
    assert_eq!(requested(&script), ["list", "list"]);
}

#[tokio::test]
async fn refused_list_is_replaced_by_gets_and_not_tried_again() {
    for (status, code) in [(403, "AuthorizationFailed"), (404, "ResourceNotFound"), (400, "BadRequest")] {
        let there = |name: &str| response(200, &element(name, "Creating"));
        let (script, client) = Script::of([refusal(status, code), there("a"), there("b"), there("c")]);
        for name in ["a", "b", "c"] {
            assert_eq!(state(&ask(&client, name, one_of(3)).await), Some(("Creating", Source::Get)), "{code}");
        }
        assert_eq!(requested(&script), ["list", "a", "b", "c"], "{code}");
    }
}

#[tokio::test]
async fn failed_list_fails_all_concurrent_reads() {
    // A server error may concern the LIST alone; a GET shows whether it does.
    let table = [
        (503, "ServiceUnavailable", &["list", "a"][..]),
        (429, "TooManyRequests", &["list"]),
        (404, "ParentResourceNotFound", &["list"]),
        // It is sent again with another token.
        (401, "InvalidToken", &["list", "list"]),
    ];
    for (status, code, sent) in table {
        let (script, client) = Script::of(sent.iter().map(|_| refusal(status, code)));
        let (one, two) = tokio::join!(ask(&client, "a", one_of(3)), ask(&client, "b", one_of(3)));
        let three = ask(&client, "c", one_of(3)).await;
        for answer in [one, two, three] {
            assert_eq!(answer.expect_err("the list failed").service_error().code, code);
        }
        assert_eq!(requested(&script), sent, "{code}");
    }
}

#[tokio::test]
async fn list_that_fails_while_a_compute_can_be_read_is_not_used_for_a_while() {
    let found = |name: &str| response(200, &element(name, "Succeeded"));
    let (script, client) = Script::of([refusal(503, "ServiceUnavailable"), found("a"), found("a"), found("b")]);
    for name in ["a", "b"] {
        assert_eq!(state(&ask(&client, name, one_of(3)).await), Some(("Succeeded", Source::Get)), "{name}");
    }
    assert_eq!(requested(&script), ["list", "a", "a", "b"]);
}

#[tokio::test]
async fn list_that_began_before_a_write_is_not_served_after_it() {
    let (release, held) = tokio::sync::oneshot::channel();
    let list = Response { held: Some(held), ..page(&[element("a", "Succeeded"), element("b", "Succeeded")]) };
    let (script, client) = Script::of([list, response(201, &json!({})), response(200, &element("a", "Updating"))]);
    let write = async {
        script.has_sent(1).await;
        client.put(&id("a"), &put(), None).await.expect("taken");
        release.send(()).expect("the LIST waits");
    };
    let (other, ()) = tokio::join!(ask(&client, "b", one_of(2)), write);
    assert_eq!(state(&other), Some(("Succeeded", Source::List)));
    // One page, as is known by now, so a single read sends a GET.
    assert_eq!(state(&ask(&client, "a", one_of(1)).await), Some(("Updating", Source::Get)));
    assert_eq!(state(&ask(&client, "b", one_of(1)).await), Some(("Succeeded", Source::List)));
}

#[tokio::test]
async fn compute_missing_from_a_list_is_read_unless_the_list_is_sufficient() {
    let (script, client) = Script::of([page(&[]), response(200, &element("a", "Succeeded"))]);
    assert_eq!(state(&ask(&client, "a", one_of(2)).await), Some(("Succeeded", Source::Get)), "the list was out of date");
    let enough = Ask { listed_absence: Some(Duration::from_secs(10)), ..one_of(2) };
    assert_eq!(state(&ask(&client, "b", enough).await), None);
    assert_eq!(requested(&script), ["list", "a"]);
}

#[tokio::test]
async fn absence_from_a_list_before_a_write_is_not_used_after_it() {
    let there = response(200, &element("a", "Creating"));
    let (script, client) = Script::of([page(&[]), response(201, &json!({})), there]);
    let enough = Ask { listed_absence: Some(Duration::from_secs(10)), ..one_of(2) };
    assert_eq!(state(&ask(&client, "a", enough).await), None);
    client.put(&id("a"), &put(), None).await.expect("taken");
    let alone = Ask { sharers: 1, ..enough };
    assert_eq!(state(&ask(&client, "a", alone).await), Some(("Creating", Source::Get)));
    assert_eq!(requested(&script), ["list", "a", "a"]);
}

#[tokio::test]
async fn region_pool_and_linked_service_are_requested_once_for_concurrent_reads() {
    use synapse_spark_operator::azure::Freshness;
    use synapse_spark_operator::resource_id::PoolId;
    let any = || response(200, &json!({"location": "eastus2", "id": "i", "name": "n", "properties": {}}));
    let (script, client) = Script::of([any(), any(), any()]);
    let (workspace, pool) = (workspace(), PoolId::parse(&crate::script::pool_id()).expect("an ID"));
    let recent = Freshness::Within(Duration::from_mins(1));
    let asks = join_all((0..50).map(|_| async {
        client.location(&workspace).await.expect("a region");
        client.pool(&pool, recent).await.expect("an answer");
        client.linked_service(&workspace, "link", recent).await.expect("an answer");
    }));
    asks.await;
    assert_eq!(script.sent().len(), 3, "{:?}", script.sent());
}
