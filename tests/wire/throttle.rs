//! Throttling.

use std::time::Duration;

use serde_json::json;
use synapse_spark_operator::azure::{Error, Freshness};
use synapse_spark_operator::resource_id::WorkspaceId;

use crate::script::{Response, SUBSCRIPTION, Script, compute, put, response, workspace};

#[tokio::test]
async fn throttling_stops_requests_of_the_same_kind_and_subscription() {
    let busy = json!({"error": {"code": "SubscriptionRequestsThrottled", "message": "Please try again after '10' seconds."}});
    let throttled = Response { headers: vec![("retry-after", "10".to_owned())], ..response(429, &busy) };
    let (script, client) = Script::of([throttled, response(201, &json!({})), response(200, &json!({"properties": {}}))]);
    let error = client.compute(&compute(), Freshness::Now).await.expect_err("throttled");
    assert!(matches!(error, Error::Throttled { retry_after, .. } if retry_after == Duration::from_secs(10)), "{error}");
    let other = workspace().compute("another").expect("an ID");
    let error = client.compute(&other, Freshness::Now).await.expect_err("still closed");
    assert!(matches!(error, Error::Throttled { retry_after, .. } if retry_after <= Duration::from_secs(10)), "{error}");
    assert_eq!(script.sent().len(), 1, "no request is sent in the meantime");
    client.put(&compute(), &put(), None).await.expect("writes have a bucket of their own");
    let elsewhere =
        WorkspaceId::new("00000000-0000-0000-0000-000000000000", "g", "w2").and_then(|ws| ws.compute("it")).expect("an ID");
    client.compute(&elsewhere, Freshness::Now).await.expect("another subscription has its own");
}

const FOREVER: &str = "18446744073709551615";

fn refused(status: u16, retry_after: &str) -> Response {
    let headers = vec![("retry-after", retry_after.to_owned()), ("date", "Sun, 06 Nov 1994 08:49:37 GMT".to_owned())];
    Response { headers, ..response(status, &json!({"error": {"code": "Busy", "message": "m"}})) }
}

#[tokio::test]
async fn retry_after_of_a_429_is_limited_to_an_hour_and_breaks_no_later_request() {
    #[rustfmt::skip]
    let table = [
        ("7",                             7),
        ("Sun, 06 Nov 1994 08:49:44 GMT", 7),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
        ("86400",                         3600),
        (FOREVER,                         3600),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("soon",                          10),
    ];
    for (header, seconds) in table {
        let (_, client) = Script::of([refused(429, header), response(201, &json!({}))]);
        let error = client.compute(&compute(), Freshness::Now).await.expect_err("throttled");
        let Error::Throttled { retry_after, .. } = error else { panic!("{header}: {error}") };
        assert_eq!(retry_after.as_secs(), seconds, "{header}");
        let other = workspace().compute("another").expect("an ID");
        client.put(&other, &put(), None).await.expect("the lock of the buckets still works");
    }
}

#[tokio::test]
async fn retry_after_of_a_5xx_is_limited_to_five_minutes_and_closes_no_bucket() {
    for (header, seconds) in [("7", Some(7)), ("100000000", Some(300)), (FOREVER, Some(300)), ("soon", None)] {
        let (_, client) = Script::of([refused(503, header), response(200, &json!({"properties": {}}))]);
        let error = client.compute(&compute(), Freshness::Now).await.expect_err("unavailable");
        let Error::Unavailable { retry_after, .. } = error else { panic!("{header}: {error}") };
        assert_eq!(retry_after.map(|pause| pause.as_secs()), seconds, "{header}");
        client.compute(&compute(), Freshness::Now).await.expect("the next request is sent");
    }
}

#[tokio::test]
async fn refusal_by_a_resource_provider_holds_back_its_compute_and_then_its_workspace() {
    let busy = || Response {
        headers: vec![
            ("retry-after", "10".to_owned()),
            ("x-ms-ratelimit-remaining-subscription-resource-requests", "0".to_owned()),
        ],
        ..response(429, &json!({"error": {"code": "TooManyRequests", "message": "The request is being throttled."}}))
    };
    let found = || response(200, &json!({"properties": {}}));
    let (script, client) = Script::of([busy(), found(), busy(), found()]);
    let of = |workspace: &str, name: &str| {
        WorkspaceId::new(SUBSCRIPTION, "g", workspace).and_then(|workspace| workspace.compute(name)).expect("an ID")
    };
    // Each request, whether it is sent, and whether there is an answer.
    for (workspace, name, is_sent, is_answered, case) in [
        ("one", "a", true, false, "the provider refuses it"),
        ("one", "a", false, false, "the compute is held back"),
        ("one", "b", true, true, "no other compute is"),
        ("one", "c", true, false, "the provider refuses another one"),
        ("one", "b", false, false, "now the workspace is held back"),
        ("two", "a", true, true, "no other workspace is"),
    ] {
        let before = script.sent().len();
        let answer = client.compute(&of(workspace, name), Freshness::Now).await;
        assert_eq!(script.sent().len() - before, usize::from(is_sent), "{case}");
        assert!(answer.is_ok() == is_answered && !matches!(answer, Err(Error::Unavailable { .. })), "{case}: {answer:?}");
    }
}

#[tokio::test]
async fn remaining_requests_of_a_provider_do_not_count_as_those_of_arm() {
    for name in ["resource-requests", "resource-entities-read"] {
        let header: &'static str = format!("x-ms-ratelimit-remaining-subscription-{name}").leak();
        let found = || Response { headers: vec![(header, "0".to_owned())], ..response(200, &json!({"properties": {}})) };
        let (script, client) = Script::of([found(), found(), found()]);
        for _ in 0..3 {
            client.compute(&compute(), Freshness::Now).await.expect("an answer");
        }
        assert_eq!(script.sent().len(), 3, "{name}");
    }
}
