//! Injected faults, and their journal.

use std::time::Duration;

use azure_emulator::{Connection, Request};
use serde_json::{Value, json};

use crate::support::{CLIENT, Lab, SECRET, TENANT, code, compute, pool, spark, workspace};

fn failing(fault: &Value) -> Lab {
    let mut lab = Lab::new();
    let answer = lab.control("POST", "faults", fault);
    assert_eq!((answer.status, answer.body_json()), (201, json!({"id": 1})));
    lab
}

#[test]
fn a_status_is_answered_without_processing() {
    let mut lab =
        failing(&json!({"method": "PUT", "path": "/COMPUTES/", "status": 503, "retryAfter": 7, "headers": {"x-odd": "1"}}));
    let answer = lab.put(&compute("spark"), &spark(&pool("yogisparkpool")));
    assert_eq!((answer.status, answer.header("Retry-After"), answer.header("x-odd")), (503, Some("7"), Some("1")));
    assert_eq!(code(&answer), "ServiceUnavailable");
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
    assert_eq!(lab.put(&compute("spark"), &spark(&pool("yogisparkpool"))).status, 201, "once only");
}

#[test]
fn an_existing_compute_can_be_missing_from_some_reads() {
    let mut lab = Lab::new();
    lab.attached("spark", &spark(&pool("yogisparkpool")));
    let missing = lab.ask("GET", &compute("nosuch"));
    let message = missing.body_json()["error"]["message"].as_str().expect("a text").replace("nosuch", "spark");
    let mut fault = json!({"method": "GET", "path": "/computes/spark", "times": 2, "status": 404});
    fault["code"] = json!("ResourceNotFound");
    fault["message"] = json!(message);
    assert_eq!(lab.control("POST", "faults", &fault).status, 201);
    let statuses: Vec<_> = (0..3).map(|_| lab.ask("GET", &compute("SPARK")).status).collect();
    assert_eq!(statuses, [404, 404, 200]);
    lab.control("POST", "faults", &fault);
    let answer = lab.ask("GET", &compute("spark"));
    assert_eq!(answer.body_json(), json!({"error": {"code": "ResourceNotFound", "message": message}}));
}

#[test]
fn a_fault_can_answer_with_any_body() {
    let mut lab = Lab::new();
    lab.attached("spark", &spark(&pool("yogisparkpool")));
    let fault = json!({"method": "GET", "path": "/computes", "status": 200, "body": {"value": []}});
    assert_eq!(lab.control("POST", "faults", &fault).status, 201);
    let list = format!("{}/computes", workspace());
    assert_eq!(lab.ask("GET", &list).body_json(), json!({"value": []}));
    assert_eq!(lab.ask("GET", &list).body_json()["value"].as_array().map(Vec::len), Some(1));
    assert_eq!(lab.control("POST", "faults", &json!({"reset": true, "body": {}})).status, 400, "a body needs a status");
}

#[test]
fn a_reset_is_not_processed_and_a_lost_answer_is() {
    for (fault, connection, after) in [("reset", Connection::Reset, 404), ("lostAnswer", Connection::Lost, 200)] {
        let mut lab = failing(&json!({"method": "PUT", fault: true}));
        assert_eq!(lab.put(&compute("spark"), &spark(&pool("yogisparkpool"))).connection, connection);
        assert_eq!(lab.ask("GET", &compute("spark")).status, after, "{fault}");
    }
}

#[test]
fn an_operation_fails_as_configured() {
    let mut lab = failing(
        &json!({"path": "/computes/", "method": "PUT", "failOperation": {"code": "InternalServerError", "message": "no luck"}}),
    );
    let answer = lab.put(&compute("spark"), &spark(&pool("yogisparkpool")));
    lab.pass(Duration::from_secs(2));
    assert_eq!(
        lab.follow(&answer).body_json(),
        json!({"status": "Failed", "error": {"code": "InternalServerError", "message": "no luck"}})
    );
    let properties = lab.ask("GET", &compute("spark")).body_json()["properties"].take();
    assert_eq!(
        (&properties["provisioningState"], &properties["provisioningErrors"][0]["error"]["code"]),
        (&json!("Failed"), &json!("InternalServerError"))
    );
    lab.control("POST", "faults", &json!({"method": "DELETE", "failOperation": {"code": "Conflict", "message": "m"}}));
    lab.detach(&compute("spark"));
    lab.pass(Duration::from_secs(2));
    assert_eq!(lab.ask("GET", &compute("spark")).status, 200, "what can't be detached is still there");
    assert_eq!(lab.attached("spark", &spark(&pool("yogisparkpool")))["properties"]["provisioningErrors"], Value::Null);
}

#[test]
fn a_delay_is_in_the_journal_and_skipped_requests_are_counted() {
    let mut lab = failing(&json!({"path": "yogi-aml-ws", "skip": 1, "times": 2, "delay": "500ms"}));
    let delays: Vec<_> = (0..4).map(|_| lab.ask("GET", &workspace()).delay.as_millis()).collect();
    assert_eq!(delays, [0, 500, 500, 0]);
}

#[test]
fn the_token_endpoint_can_fail_too() {
    let mut lab = failing(&json!({"path": "/oauth2/", "status": 503, "code": "temporarily_unavailable"}));
    let answer = lab.token_request(&[("client_id", CLIENT), ("client_secret", SECRET)]);
    assert_eq!((answer.status, &answer.body_json()["error"]), (503, &json!("temporarily_unavailable")));
    assert_eq!(lab.control("DELETE", "faults", &Value::Null).status, 204);
}

#[test]
fn bodies_of_token_requests_are_not_kept() {
    let mut lab = Lab::new();
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    let request = Request::new("POST", &path).with_json(&json!({"client_secret": SECRET}));
    lab.azure.answer(lab.now, &request);
    let kept: Vec<_> = lab.azure.journal(1).map(|e| e.body.clone()).collect();
    assert_eq!(kept, [Value::Null], "also when it is no form");
}

#[test]
fn the_journal_has_all_requests_and_no_secrets() {
    let mut lab = Lab::new();
    lab.put(&compute("spark"), &spark(&pool("yogisparkpool")));
    lab.control("POST", "faults", &json!({"reset": true}));
    lab.ask("GET", &workspace());
    let requests = lab.control("GET", "journal?since=1", &Value::Null).body_json()["requests"].take();
    assert_eq!(requests.as_array().map(Vec::len), Some(2), "the log-in is the first, the control API isn't there");
    let (put, get) = (&requests[0], &requests[1]);
    assert_eq!(
        (&put["seq"], &put["method"], &put["status"], &put["principal"]),
        (&json!(2), &json!("PUT"), &json!(201), &json!(CLIENT))
    );
    assert_eq!((&put["authorization"], &put["body"]["properties"]["computeType"]), (&json!("Bearer"), &json!("SynapseSpark")));
    assert_eq!((&get["status"], &get["query"]), (&Value::Null, &json!("api-version=2025-12-01")));
    let all = lab.control("GET", "journal", &Value::Null).body_json();
    assert!(all["requests"][0]["path"].as_str().is_some_and(|p| p.ends_with("/oauth2/v2.0/token")));
    assert!(!all.to_string().contains(SECRET) && !all.to_string().contains(&lab.token));
    lab.set(&json!({"journalSize": 2}));
    lab.ask("GET", &workspace());
    let kept = lab.control("GET", "journal", &Value::Null).body_json()["requests"].take();
    assert_eq!((kept.as_array().map(Vec::len), &kept[1]["seq"]), (Some(2), &json!(4)));
    lab.control("DELETE", "journal", &Value::Null);
    assert_eq!(lab.control("GET", "journal", &Value::Null).body_json(), json!({"requests": []}));
}

#[test]
fn the_control_api_lists_all_resources() {
    let mut lab = Lab::new();
    assert_eq!(lab.control("GET", "healthz", &Value::Null).status, 200);
    let answer = lab.control("GET", "nonsense", &Value::Null);
    assert!(answer.status == 404 && answer.body_json()["routes"].as_array().is_some_and(|r| r.len() > 5));
    for (method, target, body) in [
        ("PATCH", "settings", json!({"pagesize": 1})),
        ("POST", "faults", json!({"stauts": 1})),
        ("PUT", "world", json!({"pool": []})),
        ("PATCH", "compute", json!({})),
    ] {
        assert_eq!(lab.control(method, target, &body).status, 400, "{method} {target}");
    }
}
