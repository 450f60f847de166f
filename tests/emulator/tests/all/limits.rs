//! PUTs that Azure refuses: too many tags, a wrong region.

use serde_json::{Map, Value, json};

use crate::support::{Lab, code, compute, pool, spark, workspace};

fn with_tags(count: usize) -> Value {
    let mut body = spark(&pool("yogisparkpool"));
    body["tags"] = (0..count).map(|n| (format!("tag{n}"), json!("x"))).collect::<Map<_, _>>().into();
    body
}

fn at(location: &str) -> Value {
    let mut body = spark(&pool("yogisparkpool"));
    body["location"] = json!(location);
    body
}

#[test]
fn more_than_fifty_tags_are_refused() {
    let mut lab = Lab::new();
    let answer = lab.put(&compute("spark"), &with_tags(51));
    assert_eq!((answer.status, code(&answer).as_str()), (400, "InvalidTags"));
    let message = answer.body_json()["error"]["message"].take();
    assert!(message.as_str().is_some_and(|m| m.contains("'51'") && m.contains("'50'")), "{message}");
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
    assert_eq!(lab.put(&compute("spark"), &with_tags(50)).status, 201);
}

#[test]
fn the_limit_of_tags_can_be_set() {
    let mut lab = Lab::new();
    lab.set(&json!({"tagLimit": 15}));
    assert_eq!(code(&lab.put(&compute("spark"), &with_tags(16))), "InvalidTags");
    lab.set(&json!({"tagLimit": 1000}));
    assert_eq!(lab.put(&compute("spark"), &with_tags(200)).status, 201);
}

#[test]
fn a_new_compute_in_another_region_than_its_workspace_is_refused() {
    let mut lab = Lab::new();
    for location in ["westeurope", "no such place !!", ""] {
        let answer = lab.put(&compute("spark"), &at(location));
        assert_eq!((answer.status, code(&answer).as_str()), (400, "UserError"), "{location:?}");
    }
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
}

#[test]
fn a_region_may_be_given_by_its_display_name() {
    let mut lab = Lab::new();
    assert_eq!(lab.attached("spark", &at("East US 2"))["location"], "eastus2");
}

#[test]
fn a_put_without_a_region_is_accepted() {
    let mut lab = Lab::new();
    let mut body = at("");
    body.as_object_mut().and_then(|b| b.shift_remove("location")).expect("it was there");
    assert_eq!(lab.attached("spark", &body)["location"], "eastus2");
}

#[test]
fn a_compute_cannot_move_to_another_region() {
    let mut lab = Lab::new();
    lab.attached("spark", &at("eastus2"));
    let answer = lab.put(&compute("spark"), &at("westeurope"));
    assert_eq!((answer.status, code(&answer).as_str()), (409, "InvalidResourceLocation"));
    let message = answer.body_json()["error"]["message"].take();
    assert!(message.as_str().is_some_and(|m| m.contains("'eastus2'") && m.contains("'westeurope'")), "{message}");
}

#[test]
fn a_workspace_recreated_in_another_region_requires_that_region() {
    let mut lab = Lab::new();
    lab.control("PUT", "world", &json!({"workspaces": [{"id": workspace(), "location": "westeurope"}]}));
    assert_eq!(code(&lab.put(&compute("spark"), &at("eastus2"))), "UserError");
    assert_eq!(lab.attached("spark", &at("westeurope"))["location"], "westeurope");
}

#[test]
fn a_setting_lets_a_wrong_region_be_ignored() {
    let mut lab = Lab::new();
    lab.set(&json!({"wrongLocation": "ignore"}));
    for round in ["created", "updated"] {
        let body = lab.attached("spark", &at("westeurope"));
        assert_eq!(
            (&body["location"], &body["properties"]["computeLocation"]),
            (&json!("eastus2"), &json!("eastus2")),
            "{round}"
        );
    }
}

#[test]
fn a_cluster_may_be_in_another_region_than_its_workspace() {
    let mut lab = Lab::new();
    let body =
        json!({"location": "westeurope", "properties": {"computeType": "AmlCompute", "properties": {"vmSize": "STANDARD_D2"}}});
    let body = lab.attached("cluster", &body);
    assert_eq!((&body["location"], &body["properties"]["computeLocation"]), (&json!("eastus2"), &json!("westeurope")));
}
