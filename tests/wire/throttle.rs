//! Throttling.

use std::time::Duration;

use serde_json::json;
use synapse_spark_operator::azure::{Error, Freshness};
use synapse_spark_operator::resource_id::WorkspaceId;

use crate::script::{Response, Script, compute, put, response, workspace};

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
    assert_eq!(script.sent().len(), 1, "no request is sent meanwhile");
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
async fn retry_after_of_a_429_is_an_hour_at_most_and_breaks_no_later_request() {
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
        client.put(&compute(), &put(), None).await.expect("the lock of the buckets still works");
    }
}

#[tokio::test]
async fn retry_after_of_a_5xx_is_five_minutes_at_most_and_closes_no_bucket() {
    for (header, seconds) in [("7", Some(7)), ("100000000", Some(300)), (FOREVER, Some(300)), ("soon", None)] {
        let (_, client) = Script::of([refused(503, header), response(200, &json!({"properties": {}}))]);
        let error = client.compute(&compute(), Freshness::Now).await.expect_err("unavailable");
        let Error::Unavailable { retry_after, .. } = error else { panic!("{header}: {error}") };
        assert_eq!(retry_after.map(|pause| pause.as_secs()), seconds, "{header}");
        client.compute(&compute(), Freshness::Now).await.expect("the next request is sent");
    }
}
