//! Writes that are processed after their connection was closed.

use std::time::Duration;

use azure_emulator::Connection;
use serde_json::{Value, json};

use crate::support::{Lab, code, compute, pool, spark};

/// A lab with one fault.
fn lab(fault: &Value) -> Lab {
    let mut lab = Lab::new();
    add(&mut lab, fault);
    lab
}

fn add(lab: &mut Lab, fault: &Value) {
    let answer = lab.control("POST", "faults", fault);
    assert_eq!(answer.status, 201, "{}", answer.body_json());
}

/// The last request in the journal.
fn last(lab: &mut Lab) -> Value {
    lab.control("GET", "journal", &Value::Null).body_json()["requests"].as_array_mut().and_then(Vec::pop).expect("a request")
}

fn wanted() -> Value {
    spark(&pool("yogisparkpool"))
}

#[test]
fn a_put_is_processed_after_its_connection_was_closed() {
    let mut lab = lab(&json!({"method": "PUT", "path": "/computes/", "processAfter": "5s"}));
    assert_eq!(lab.put(&compute("spark"), &wanted()).connection, Connection::Reset);
    let entry = last(&mut lab);
    assert_eq!(
        (&entry["status"], &entry["late"]),
        (&Value::Null, &json!({"at": "2026-01-02T03:04:10.6789012Z", "status": null}))
    );
    lab.pass(Duration::from_millis(4999));
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
    lab.pass(Duration::from_millis(1));
    let body = lab.ask("GET", &compute("spark")).body_json();
    assert_eq!(body["properties"]["provisioningState"], "Creating");
    assert_eq!(body["properties"]["createdOn"], "2026-01-02T03:04:10.6789012+00:00");
    let entries = lab.control("GET", "journal", &Value::Null).body_json()["requests"].take();
    let puts: Vec<_> = entries.as_array().into_iter().flatten().filter(|e| e["method"] == "PUT").collect();
    assert_eq!(puts.len(), 1, "the journal holds what was sent, and that was one request");
    assert_eq!(puts[0]["status"], Value::Null);
    assert_eq!(puts[0]["late"], json!({"at": "2026-01-02T03:04:10.6789012Z", "status": 201}));
}

#[test]
fn a_status_can_be_answered_before_the_write_is_processed() {
    let fault = json!({"method": "PUT", "status": 504, "retryAfter": 3, "processAfter": "5s"});
    let mut lab = lab(&fault);
    let answer = lab.put(&compute("spark"), &wanted());
    assert_eq!((answer.status, code(&answer).as_str(), answer.header("Retry-After")), (504, "GatewayTimeout", Some("3")));
    assert_eq!((answer.connection, last(&mut lab)["status"].clone()), (Connection::Kept, json!(504)));
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
    lab.pass(Duration::from_secs(5));
    assert_eq!(lab.ask("GET", &compute("spark")).status, 200);
}

#[test]
fn a_late_write_takes_effect_on_time_without_requests() {
    let mut lab = lab(&json!({"method": "PUT", "processAfter": "3m"}));
    lab.put(&compute("spark"), &wanted());
    lab.pass(Duration::from_mins(10));
    let properties = lab.ask("GET", &compute("spark")).body_json()["properties"].take();
    assert_eq!(properties["provisioningState"], "Succeeded");
    assert_eq!(properties["createdOn"], "2026-01-02T03:07:05.6789012+00:00");
    assert_eq!(properties["modifiedOn"], "2026-01-02T03:07:07.6789012+00:00", "the operation began then, and took two seconds");
}

#[test]
fn a_late_delete_removes_the_compute_later() {
    let mut lab = Lab::new();
    lab.attached("spark", &wanted());
    add(&mut lab, &json!({"method": "DELETE", "processAfter": "5s"}));
    assert_eq!(lab.detach(&compute("spark")).connection, Connection::Reset);
    assert_eq!(lab.ask("GET", &compute("spark")).body_json()["properties"]["provisioningState"], "Succeeded");
    lab.pass(Duration::from_secs(5));
    assert_eq!(lab.ask("GET", &compute("spark")).body_json()["properties"]["provisioningState"], "Deleting");
    lab.pass(Duration::from_secs(2));
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
}

#[test]
fn a_late_write_can_be_refused_when_it_is_processed() {
    let mut lab = lab(&json!({"method": "PUT", "processAfter": "1s"}));
    lab.put(&compute("spark"), &wanted());
    let late = last(&mut lab)["seq"].clone();
    assert_eq!(lab.put(&compute("spark"), &wanted()).status, 201, "only the first is late");
    lab.pass(Duration::from_secs(1));
    let entries = lab.control("GET", "journal", &Value::Null).body_json()["requests"].take();
    let entry = entries.as_array().into_iter().flatten().find(|e| e["seq"] == late).expect("the first PUT");
    assert_eq!(entry["late"]["status"], 409, "the second PUT is still at work");
}

#[test]
fn late_writes_count_like_other_faults_and_do_not_affect_reads() {
    let mut lab = lab(&json!({"path": "/computes/", "skip": 1, "times": 2, "processAfter": "5s"}));
    let names = ["aaa", "bbb", "ccc", "ddd"];
    assert_eq!(lab.ask("GET", &compute("aaa")).connection, Connection::Kept, "a read is neither met nor counted");
    let closed = names.map(|name| lab.put(&compute(name), &wanted()).connection == Connection::Reset);
    assert_eq!(closed, [false, true, true, false]);
    lab.pass(Duration::from_secs(5));
    assert!(names.iter().all(|name| lab.ask("GET", &compute(name)).status == 200));
}

#[test]
fn a_late_write_needs_its_token_only_when_it_arrives() {
    let mut lab = Lab::new();
    lab.set(&json!({"tokenLifetime": "2s"}));
    lab.log_in();
    add(&mut lab, &json!({"method": "PUT", "processAfter": "5s"}));
    lab.put(&compute("spark"), &wanted());
    lab.pass(Duration::from_secs(5));
    lab.log_in();
    assert_eq!(lab.ask("GET", &compute("spark")).status, 200);
}

#[test]
fn clearing_faults_and_the_journal_does_not_stop_running_operations() {
    let mut lab = lab(&json!({"method": "PUT", "processAfter": "5s"}));
    lab.put(&compute("spark"), &wanted());
    lab.control("DELETE", "faults", &Value::Null);
    lab.control("DELETE", "journal", &Value::Null);
    lab.pass(Duration::from_secs(5));
    assert_eq!(lab.ask("GET", &compute("spark")).status, 200);
}

#[test]
fn only_a_status_is_stored_together_with_a_late_write() {
    let mut lab = Lab::new();
    for more in [json!({"reset": true}), json!({"lostAnswer": true}), json!({"delay": "1s"}), json!({"method": "GET"})] {
        let mut fault = json!({"processAfter": "5s"});
        for (key, value) in more.as_object().into_iter().flatten() {
            fault[key] = value.clone();
        }
        assert_eq!(lab.control("POST", "faults", &fault).status, 400, "{fault}");
    }
}
