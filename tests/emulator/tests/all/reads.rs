//! What a read shows of a write, and when.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Lab, compute, pool, spark, workspace};

fn tagged(tags: &Value) -> Value {
    let mut body = spark(&pool("yogisparkpool"));
    body["tags"] = tags.clone();
    body
}

/// The tags that GET and LIST show, which are the same.
fn tags(lab: &mut Lab) -> Value {
    let one = lab.ask("GET", &compute("spark")).body_json()["tags"].take();
    let listed = lab.ask("GET", &format!("{}/computes", workspace())).body_json()["value"][0]["tags"].take();
    assert_eq!(one, listed);
    one
}

/// The state that GET shows, which is that of LIST; none for 404.
fn state(lab: &mut Lab) -> Option<String> {
    let text = |body: &Value| body["properties"]["provisioningState"].as_str().map(str::to_owned);
    let one = text(&lab.ask("GET", &compute("spark")).body_json());
    let listed = lab.ask("GET", &format!("{}/computes", workspace())).body_json();
    assert_eq!(one, listed["value"].as_array().and_then(|all| all.first()).and_then(text));
    one
}

#[test]
fn tags_show_at_once_by_default() {
    let mut lab = Lab::new();
    lab.put(&compute("spark"), &tagged(&json!({"a": "b"})));
    assert_eq!(tags(&mut lab), json!({"a": "b"}));
}

#[test]
fn tags_can_stay_hidden_until_the_operation_ends() {
    let mut lab = Lab::new();
    lab.set(&json!({"tagsVisibleAtEnd": true}));
    let created = lab.put(&compute("spark"), &tagged(&json!({"a": "b"})));
    assert_eq!((created.status, &created.body_json()["tags"]), (201, &Value::Null));
    assert_eq!(tags(&mut lab), json!({}), "none while it is being created");
    lab.pass(Duration::from_secs(2));
    assert_eq!(tags(&mut lab), json!({"a": "b"}));

    let updated = lab.put(&compute("spark"), &tagged(&json!({"c": "d"})));
    assert_eq!(updated.body_json()["tags"], json!({"a": "b"}));
    assert_eq!(tags(&mut lab), json!({"a": "b"}), "the old ones while it is being updated");
    lab.pass(Duration::from_secs(2));
    assert_eq!(tags(&mut lab), json!({"c": "d"}));
}

#[test]
fn hidden_tags_show_when_the_operation_fails() {
    let mut lab = Lab::new();
    lab.set(&json!({"tagsVisibleAtEnd": true}));
    let mut wanted = spark(&pool("nosuchpool"));
    wanted["tags"] = json!({"a": "b"});
    lab.put(&compute("spark"), &wanted);
    assert_eq!(tags(&mut lab), json!({}));
    lab.pass(Duration::from_secs(2));
    assert_eq!((state(&mut lab).as_deref(), tags(&mut lab)), (Some("Failed"), json!({"a": "b"})));
}

#[test]
fn a_read_after_a_create_can_be_stale() {
    let mut lab = Lab::new();
    lab.set(&json!({"staleReads": "3s"}));
    let answer = lab.put(&compute("spark"), &tagged(&json!({})));
    assert_eq!((answer.status, state(&mut lab)), (201, None));
    lab.pass(Duration::from_millis(2999));
    assert_eq!(lab.follow(&answer).body_json()["status"], "Succeeded", "the operation is told as it is");
    assert_eq!(state(&mut lab), None);
    lab.pass(Duration::from_millis(1));
    assert_eq!(state(&mut lab).as_deref(), Some("Succeeded"));
}

#[test]
fn a_read_after_a_delete_can_be_stale() {
    let mut lab = Lab::new();
    lab.attached("spark", &tagged(&json!({})));
    lab.set(&json!({"staleReads": "3s"}));
    assert_eq!(lab.detach(&compute("spark")).status, 202);
    assert_eq!(state(&mut lab).as_deref(), Some("Succeeded"));
    lab.pass(Duration::from_millis(2999));
    assert_eq!(state(&mut lab).as_deref(), Some("Succeeded"), "though it is gone");
    assert_eq!(lab.detach(&compute("spark")).status, 204, "a write meets what is there");
    lab.pass(Duration::from_millis(1));
    assert_eq!(state(&mut lab), None);
}

#[test]
fn each_of_two_writes_has_its_own_stale_time() {
    let mut lab = Lab::new();
    lab.attached("spark", &tagged(&json!({"n": "0"})));
    lab.set(&json!({"staleReads": "3s"}));
    lab.put(&compute("spark"), &tagged(&json!({"n": "1"})));
    lab.pass(Duration::from_secs(2));
    assert_eq!(lab.put(&compute("spark"), &tagged(&json!({"n": "2"}))).status, 201, "the first has ended");
    assert_eq!(tags(&mut lab), json!({"n": "0"}));
    lab.pass(Duration::from_secs(1));
    assert_eq!(tags(&mut lab), json!({"n": "1"}));
    lab.pass(Duration::from_secs(2));
    assert_eq!(tags(&mut lab), json!({"n": "2"}));
}

#[test]
fn a_refused_write_leaves_no_read_stale() {
    let mut lab = Lab::new();
    lab.attached("spark", &tagged(&json!({})));
    lab.set(&json!({"staleReads": "3s"}));
    assert_eq!(lab.put(&compute("spark"), &spark(&pool("othersparkpool"))).status, 400);
    lab.control("PATCH", &format!("compute?id={}", compute("spark")), &json!({"tags": {"by": "hand"}}));
    assert_eq!(tags(&mut lab), json!({"by": "hand"}));
}

#[test]
fn removed_resources_are_missing_from_stale_reads() {
    let mut lab = Lab::new();
    lab.attached("spark", &tagged(&json!({})));
    lab.set(&json!({"staleReads": "3s"}));
    lab.put(&compute("spark"), &tagged(&json!({"a": "b"})));
    lab.control("DELETE", &format!("resource?id={}", compute("spark")), &Value::Null);
    assert_eq!(state(&mut lab), None);
}

/// The states that GET and LIST show.
fn states(lab: &mut Lab) -> (Option<String>, Vec<String>) {
    let state = |one: &Value| one["properties"]["provisioningState"].as_str().map(ToOwned::to_owned);
    let one = state(&lab.ask("GET", &compute("spark")).body_json());
    let listed = lab.ask("GET", &format!("{}/computes", workspace())).body_json();
    (one, listed["value"].as_array().expect("a page").iter().filter_map(state).collect())
}

#[test]
fn a_list_can_be_stale_while_a_get_is_not() {
    let mut lab = Lab::new();
    lab.set(&json!({"staleLists": "3s"}));
    let there = || "Succeeded".to_owned();
    lab.put(&compute("spark"), &tagged(&json!({})));
    assert_eq!(states(&mut lab), (Some("Creating".to_owned()), Vec::new()));
    lab.pass(Duration::from_secs(3));
    assert_eq!(states(&mut lab), (Some(there()), vec![there()]));
    assert_eq!(lab.detach(&compute("spark")).status, 202);
    lab.pass(Duration::from_millis(2999));
    assert_eq!(states(&mut lab), (None, vec![there()]));
    lab.pass(Duration::from_millis(1));
    assert_eq!(states(&mut lab), (None, Vec::new()));
}
