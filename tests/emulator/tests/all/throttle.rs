//! The request limits of ARM and of the resource providers, and their answers.

use std::time::Duration;

use azure_emulator::Answer;
use serde_json::{Value, json};

use crate::support::{CLIENT, Lab, OBJECT, SECRET, TENANT, code, compute, pool, spark, workspace};

const OWN: &str = "x-ms-ratelimit-remaining-subscription-reads";
const ALL: &str = "x-ms-ratelimit-remaining-subscription-global-reads";
const TENANT_READS: &str = "x-ms-ratelimit-remaining-tenant-reads";
const REQUESTS: &str = "x-ms-ratelimit-remaining-subscription-resource-requests";
const ENTITIES: &str = "x-ms-ratelimit-remaining-subscription-resource-entities-read";

/// Reads the compute so often, and returns the statuses.
fn read(lab: &mut Lab, times: usize) -> Vec<u16> {
    (0..times).map(|_| lab.ask("GET", &compute("spark")).status).collect()
}

/// The headers of the answer with the remaining requests.
fn remaining(answer: &Answer) -> Vec<(&str, &str)> {
    let all = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    all.filter(|(name, _)| name.starts_with("x-ms-ratelimit-remaining")).collect()
}

fn small(reads: u64) -> Value {
    json!({"throttle": {"reads": {"bucket": reads, "perSecond": 1}}})
}

#[test]
fn the_default_limits_are_those_of_arm() {
    let mut lab = Lab::new();
    assert_eq!(remaining(&lab.ask("GET", &compute("spark"))), [(OWN, "249"), (ALL, "3749")]);
    let put = lab.put(&compute("spark"), &spark(&pool("yogisparkpool")));
    assert_eq!(put.header("x-ms-ratelimit-remaining-subscription-writes"), Some("199"));
    assert_eq!(put.header("x-ms-ratelimit-remaining-subscription-global-writes"), Some("2999"));
    lab.pass(Duration::from_secs(2));
    let delete = lab.detach(&compute("spark"));
    assert_eq!(delete.header("x-ms-ratelimit-remaining-subscription-deletes"), Some("199"));
}

#[test]
fn a_principal_out_of_reads_may_still_write() {
    let mut lab = Lab::new();
    lab.set(&small(1));
    assert_eq!(read(&mut lab, 2), [404, 429]);
    assert_eq!(lab.put(&compute("spark"), &spark(&pool("yogisparkpool"))).status, 201);
}

#[test]
fn an_early_request_restarts_the_pause() {
    let mut lab = Lab::new();
    lab.set(&small(1));
    read(&mut lab, 2);
    for _ in 0..3 {
        lab.pass(Duration::from_secs(9));
        let answer = lab.ask("GET", &compute("spark"));
        assert_eq!((answer.status, answer.header("Retry-After")), (429, Some("10")));
        assert_eq!(remaining(&answer), [(OWN, "0")]);
    }
    lab.pass(Duration::from_secs(10));
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
}

#[test]
fn all_principals_of_a_subscription_have_fifteen_times_as_much_together() {
    let mut lab = Lab::new();
    lab.set(&json!({"throttle": {"reads": {"bucket": 2, "perSecond": 0.001}}}));
    let mut answered = 0;
    for number in 0..16 {
        let (client, object) = (format!("{CLIENT}{number}"), format!("{OBJECT}{number}"));
        let principal = json!({"tenantId": TENANT, "clientId": client, "objectId": object, "secret": SECRET});
        lab.control("PUT", "world", &json!({"principals": [principal]}));
        let token = lab.token_request(&[("client_id", &client), ("client_secret", SECRET)]);
        lab.use_token(&token);
        answered += read(&mut lab, 2).iter().filter(|status| **status == 404).count();
    }
    assert_eq!(answered, 30);
    let refused = lab.ask("GET", &compute("spark"));
    assert_eq!(remaining(&refused), [(ALL, "0")]);
}

#[test]
fn a_request_without_a_subscription_counts_for_the_tenant() {
    let mut lab = Lab::new();
    lab.set(&small(1));
    let first = lab.ask("GET", "/subscriptions");
    assert_eq!((first.status, first.header(TENANT_READS)), (200, Some("0")));
    let second = lab.ask("GET", "/subscriptions");
    assert_eq!((second.status, code(&second).as_str()), (429, "TenantRequestsThrottled"));
    assert_eq!(read(&mut lab, 1), [404], "the subscription's bucket is another");
}

#[test]
fn other_clouds_count_by_the_hour() {
    let mut lab = Lab::new();
    lab.set(&json!({"throttleProfile": "hourly"}));
    assert_eq!(remaining(&lab.ask("GET", &compute("spark"))), [(OWN, "11999")]);
    assert!(read(&mut lab, 11_999).iter().all(|status| *status == 404));
    let answer = lab.ask("GET", &compute("spark"));
    let pause: u64 = answer.header("Retry-After").and_then(|text| text.parse().ok()).expect("seconds");
    assert_eq!((answer.status, code(&answer).as_str()), (429, "SubscriptionRequestsThrottled"));
    assert!((3_600..=3_660).contains(&pause), "{pause}");
    lab.pass(Duration::from_secs(pause));
    // A token lasts about an hour, too.
    lab.log_in();
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
}

#[test]
fn a_providers_limit_replaces_arms_headers() {
    let mut lab = Lab::new();
    lab.set(&json!({"providerLimit": {"bucket": 2, "perSecond": 1}}));
    assert_eq!(remaining(&lab.ask("GET", &compute("spark"))), [(REQUESTS, "1")]);
    assert_eq!(remaining(&lab.put(&compute("spark"), &spark(&pool("yogisparkpool")))), [(REQUESTS, "0")]);
    assert_eq!(remaining(&lab.ask("GET", &format!("{}/computes", workspace()))), [(ENTITIES, "1")]);
    let refused = lab.ask("GET", &compute("spark"));
    assert_eq!((refused.status, code(&refused).as_str()), (429, "ResourceRequestsThrottled"));
    assert_eq!(remaining(&refused), [(REQUESTS, "0")]);
}

#[test]
fn a_provider_can_refuse_one_compute_and_an_early_request_restarts_the_pause() {
    let mut lab = Lab::new();
    lab.control("POST", "faults", &json!({"path": "/computes/spark", "providerThrottle": "5s"}));
    let refused = lab.ask("GET", &compute("spark"));
    assert_eq!((refused.status, code(&refused).as_str(), refused.header("Retry-After")), (429, "TooManyRequests", Some("5")));
    assert_eq!(remaining(&refused), []);
    assert_eq!(lab.ask("GET", &compute("spark2")).status, 404, "another compute");
    lab.pass(Duration::from_secs(4));
    assert_eq!(lab.ask("GET", &compute("spark")).status, 429, "renewed");
    lab.pass(Duration::from_secs(4));
    assert_eq!(lab.put(&compute("spark"), &spark(&pool("yogisparkpool"))).status, 429, "writes too");
    lab.pass(Duration::from_secs(5));
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
    assert_eq!(lab.control("GET", "faults", &json!(null)).body_json(), json!({"faults": []}));
}

#[test]
fn a_provider_can_refuse_a_whole_workspace() {
    let mut lab = Lab::new();
    lab.control("POST", "faults", &json!({"path": "/workspaces/yogi-aml-ws", "providerThrottle": "5s"}));
    assert_eq!(read(&mut lab, 1), [429]);
    assert_eq!(lab.ask("GET", &compute("other")).status, 429);
    assert_eq!(lab.ask("GET", &pool("yogisparkpool")).status, 200);
}

#[test]
fn requests_are_counted_even_if_the_journal_does_not_keep_them() {
    let mut lab = Lab::new();
    lab.control("DELETE", "counters", &json!(null));
    lab.set(&json!({"journalSize": 0}));
    read(&mut lab, 3);
    lab.put(&compute("spark"), &spark(&pool("yogisparkpool")));
    let counters = lab.control("GET", "counters", &json!(null)).body_json();
    assert_eq!(
        counters,
        json!({"total": 4, "requests": [
            {"method": "GET", "kind": "compute", "status": 404, "principal": CLIENT, "count": 3},
            {"method": "PUT", "kind": "compute", "status": 201, "principal": CLIENT, "count": 1},
        ]})
    );
    assert_eq!(lab.azure.journal(0).count(), 0);
}

#[test]
fn the_journal_stays_within_its_size_in_bytes() {
    let mut lab = Lab::new();
    lab.set(&json!({"journalBytes": 10_000}));
    read(&mut lab, 100);
    let kept: Vec<u64> = lab.azure.journal(0).map(|entry| entry.seq).collect();
    assert!((5..40).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last(), lab.azure.journal(0).map(|entry| entry.seq).max().as_ref(), "the newest stay");
}
