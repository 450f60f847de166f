//! Jobs of a workspace, by the compute that they use.

use std::time::Duration;

use serde_json::{Value, json};
use synapse_spark_operator::azure::{ActiveJobs, Error, Freshness};

use crate::script::{ARM, Script, compute, response, workspace};

const SHARED: Freshness = Freshness::Within(Duration::from_secs(15));

fn job(name: &str, status: &str, properties: &Value) -> Value {
    let mut job = json!({"name": name, "properties": properties});
    job["properties"]["status"] = json!(status);
    job
}

fn first(found: &ActiveJobs) -> Vec<String> {
    found.first.iter().map(|(name, status)| format!("{name} {status}")).collect()
}

#[tokio::test]
async fn one_list_with_all_its_pages_shows_the_jobs_of_each_compute() {
    let (id, other) = (compute(), workspace().compute("cpucluster").expect("an ID"));
    let next = format!("{ARM}{}/jobs?api-version=2024-04-01&$skip=2&listViewType=All", workspace());
    let pages = [
        json!({"value": [
            job("done", "Completed", &json!({"computeId": id.to_string()})),
            job("spark", "Running", &json!({"jobType": "Spark", "computeId": id.to_string().to_uppercase()})),
        ], "nextLink": next}),
        json!({"value": [
            job("pipeline", "Queued", &json!({"jobType": "Pipeline", "jobs": {
                "a": {"computeId": id.to_string()}, "b": {"computeId": other.to_string()},
            }})),
            job("nowhere", "Running", &json!({})),
        ]}),
    ];
    let (script, client) = Script::of(pages.map(|page| response(200, &page)));
    let found = client.active_jobs(&id, Freshness::Now).await.expect("a list");
    assert_eq!((found.count, first(&found)), (2, vec!["spark Running".to_owned(), "pipeline Queued".to_owned()]));
    let found = client.active_jobs(&other, SHARED).await.expect("the same list");
    assert_eq!(first(&found), ["pipeline Queued"]);
    let third = workspace().compute("unused").expect("an ID");
    assert_eq!(client.active_jobs(&third, SHARED).await.expect("the same list"), ActiveJobs::default());
    let sent: Vec<_> = script.sent().into_iter().map(|(method, url, ..)| format!("{method} {url}")).collect();
    let asked = format!("GET {ARM}{}/jobs?api-version=2024-04-01&listViewType=All", workspace());
    assert_eq!(sent, [asked, format!("GET {next}")]);
}

#[tokio::test]
async fn many_jobs_are_counted_and_few_of_them_kept() {
    let all: Vec<_> = (0..12).map(|n| job(&format!("j{n}"), "Running", &json!({"computeId": compute().to_string()}))).collect();
    let (_, client) = Script::of([response(200, &json!({"value": all}))]);
    let found = client.active_jobs(&compute(), Freshness::Now).await.expect("a list");
    assert_eq!((found.count, found.first.len()), (12, 5));
}

#[tokio::test]
async fn a_missing_permission_is_asked_for_once() {
    let refusal = json!({"error": {"code": "AuthorizationFailed", "message": "may not list jobs"}});
    let (script, client) = Script::of([response(403, &refusal)]);
    for freshness in [Freshness::Now, SHARED] {
        let error = client.active_jobs(&compute(), freshness).await.expect_err("a refusal");
        assert!(matches!(error, Error::Forbidden(_)), "{error}");
    }
    assert_eq!(script.sent().len(), 1);
}

/// What cannot be decoded may be a job that runs.
#[tokio::test]
async fn a_list_with_an_entry_that_cannot_be_decoded_proves_nothing() {
    let (_, client) = Script::of([response(200, &json!({"value": [{"name": "odd", "properties": {"status": 7}}]}))]);
    let error = client.active_jobs(&compute(), Freshness::Now).await.expect_err("no answer");
    assert!(error.to_string().contains("cannot be decoded"), "{error}");
}
