//! What a run must never do, and what it does at its end.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use azure_conformance::client::Auth;
use azure_conformance::expectation;
use azure_conformance::ledger::Created;
use azure_conformance::report::Report;
use azure_conformance::run::{self, asked};
use azure_conformance::seen::Failure;
use azure_conformance::transport::Body;
use azure_conformance::{probes, verdict::Verdict};
use azure_emulator::Fault;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{client, emulator, in_process};

/// The names of the computes of an emulator that the seeds do not have.
fn computes(emulator: &azure_emulator::Emulator) -> Vec<String> {
    let azure = emulator.azure();
    let mut azure = azure.lock().unwrap_or_else(PoisonError::into_inner);
    let world = azure.answer(jiff::Timestamp::now(), &azure_emulator::Request::new("GET", "/_emulator/world")).body_json();
    let ids = world["computes"].as_array().into_iter().flatten().filter_map(|compute| compute["id"].as_str());
    ids.filter(|id| !id.contains("/computes/cluster")).map(str::to_owned).collect()
}

#[tokio::test]
async fn writes_to_what_the_run_did_not_create_are_refused() {
    let azure = in_process(&json!({})).await;
    let theirs = azure.compute("cluster1");
    for method in ["PUT", "PATCH", "DELETE"] {
        let refused = azure.arm(method, &theirs, azure.version(), Body::Json(azure.spark())).await;
        assert!(matches!(&refused, Err(Failure::Broken(why)) if why.contains("did not create")), "{method}: {refused:?}");
    }
    let guid = uuid::Uuid::new_v4();
    let path = format!("roleAssignments/{guid}");
    assert!(azure.synapse("DELETE", &path, Body::None).await.is_err(), "not this run's");
    azure.will_create(Created::RoleAssignment(guid.to_string()));
    assert_eq!(azure.synapse("DELETE", &path, Body::None).await.expect("an answer").status, 204);
    let get = azure.get(&theirs).await.expect("an answer");
    assert_eq!(get.status, 200, "it is still there");
}

#[tokio::test]
async fn a_token_goes_to_no_other_host() {
    let azure = in_process(&json!({})).await;
    let link = |url: &str| azure_conformance::transport::Reply {
        status: 202,
        headers: vec![("azure-asyncoperation".to_owned(), url.to_owned())],
        body: Value::Null,
    };
    for url in ["https://arm.test.evil.example/op", "https://evil.example/op", "http://arm.test/op"] {
        let refused = azure.settled(&link(url)).await;
        assert!(matches!(&refused, Err(Failure::Broken(why)) if why.contains("another host")), "{url}: {refused:?}");
    }
}

#[tokio::test]
async fn names_fit_what_azure_allows() {
    let azure = in_process(&json!({})).await;
    for name in (0..60).map(|_| azure.name()) {
        assert!(name.starts_with("conf") && name.len() == 14 && name.bytes().all(|b| b.is_ascii_alphanumeric()), "{name}");
    }
}

#[tokio::test]
async fn a_request_is_sent_again_after_a_429() {
    let bucket = json!({"bucket": 2, "perSecond": 0.1});
    let throttle = json!({"throttle": {"reads": bucket, "writes": bucket, "deletes": bucket, "retryAfter": 20}});
    let azure = in_process(&throttle).await;
    let probe = probes::all().into_iter().find(|probe| probe.id == "patch").expect("a probe");
    let (seen, failure) = asked(&azure, probe).await;
    assert_eq!(failure, None);
    assert_eq!(seen, expectation::of(probe).await.expect("the emulator can be asked")[0].seen, "as without limits");
    run::removed(&azure).await;
    assert_eq!(azure.left(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_detaches_what_it_attached() {
    let folder = tempfile::tempdir().expect("a folder");
    let emulator = emulator(folder.path(), json!({})).await;
    let azure = client(&emulator, &folder.path().join("recordings"));
    azure.open().await.expect("the workspace is there");
    let stop = Arc::new(Notify::new());
    let run = run::run(&azure, false, &stop, |line| {
        if line.contains("] patch: PATCH of") {
            // In the middle of this probe: its PATCH is not answered before the end of this test.
            let (stop, azure) = (Arc::clone(&stop), emulator.azure());
            let fault = Fault::from_json(&json!({"method": "PATCH", "delay": "10m"})).expect("a fault");
            azure.lock().unwrap_or_else(PoisonError::into_inner).add_fault(fault);
            tokio::spawn(async move {
                let patched =
                    || azure.lock().unwrap_or_else(PoisonError::into_inner).journal(0).any(|entry| entry.method == "PATCH");
                while !patched() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                stop.notify_one();
            });
        }
    })
    .await;
    assert!(run.interrupted && run.left.is_empty(), "{run:?}");
    assert_eq!(computes(&emulator), [""; 0]);
    let report = Report::of(&run, "a test", "2026-01-02").await.expect("the emulator can be asked");
    assert_eq!(report.exit_code(), 1);
    let patch = report.rows.iter().find(|row| row.behaviour.starts_with("PATCH")).expect("a row");
    assert_eq!(patch.verdict(), Verdict::NotAsked("the run was interrupted".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compute_that_appears_after_its_put_was_lost_is_detached() {
    let folder = tempfile::tempdir().expect("a folder");
    let emulator = emulator(folder.path(), json!({})).await;
    let azure = client(&emulator, &folder.path().join("recordings"));
    azure.open().await.expect("the workspace is there");
    let fault = Fault::from_json(&json!({"method": "PUT", "path": "/computes/", "processAfter": "1s"})).expect("a fault");
    emulator.azure().lock().unwrap_or_else(PoisonError::into_inner).add_fault(fault);
    let name = azure.name();
    assert!(azure.put(&name, &azure.spark()).await.is_err(), "the connection was closed");
    assert_eq!(azure.detach(&name).await.expect("an answer").status, 204, "not there yet");
    run::removed(&azure).await;
    assert_eq!((azure.left(), computes(&emulator)), (Vec::new(), Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_probe_does_not_end_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let emulator = emulator(folder.path(), json!({})).await;
    let azure = client(&emulator, &folder.path().join("recordings"));
    azure.open().await.expect("the workspace is there");
    let fault = Fault::from_json(&json!({"method": "PATCH", "reset": true})).expect("a fault");
    emulator.azure().lock().unwrap_or_else(PoisonError::into_inner).add_fault(fault);
    let run = run::run(&azure, false, &Notify::new(), |_| {}).await;
    let broken: Vec<_> = run.broken().collect();
    assert!(matches!(broken[..], [("patch", why)] if why.contains("No answer to PATCH")), "{broken:?}");
    assert_eq!((run.left.len(), computes(&emulator)), (0, Vec::new()));
    let report = Report::of(&run, "a test", "2026-01-02").await.expect("the emulator can be asked");
    let counts = report.counts();
    assert_eq!((counts.otherwise, counts.with_setting, report.exit_code()), (0, 0, 1), "{}", report.markdown());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_run_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let emulator = emulator(folder.path(), json!({})).await;
    let azure = client(&emulator, &folder.path().join("recordings"));
    azure.open().await.expect("the workspace is there");
    let run = run::run(&azure, true, &Notify::new(), |_| {}).await;
    let azure = emulator.azure();
    let azure = azure.lock().unwrap_or_else(PoisonError::into_inner);
    let reads =
        |path: &str, method: &str| method == "GET" || path.contains("/oauth2/") || path.ends_with("/checkAccessSynapseRbac");
    let writes: Vec<_> =
        azure.journal(0).filter(|entry| !reads(&entry.path, &entry.method)).map(|entry| entry.path.clone()).collect();
    assert_eq!(writes, [""; 0]);
    let asked = run.outcomes.iter().filter(|outcome| outcome.failure.is_none()).count();
    assert!(asked > 5, "{asked}");
}

#[tokio::test]
async fn a_refused_access_token_is_not_reported_as_azures_behaviour() {
    let azure = in_process(&json!({"tokenLifetime": "1s"})).await;
    azure.wait(Duration::from_secs(5)).await;
    let refused = azure.get(&azure.target.workspace).await;
    assert!(matches!(&refused, Err(Failure::Broken(why)) if why.contains("Obtain a new one")), "{refused:?}");
    let url = format!("{}{}?api-version={}", azure.target.arm, azure.target.workspace, azure.version());
    let answered = azure.send("GET", url, Auth::Invalid, Body::None).await.expect("an answer");
    assert_eq!(answered.outcome(), "401 InvalidAuthenticationToken", "a probe that sends no good token sees the answer");
}
