//! The linked services of SDK v1.

use azure_emulator::Request;
use serde_json::{Value, json};

use crate::support::{GROUP, Lab, TENANT, code, fixture, holding, workspace};

fn link(name: &str) -> String {
    format!("{}/linkedServices/{name}", workspace())
}

fn synapse() -> String {
    format!("{GROUP}/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws")
}

/// Everything but `may_differ` is the same.
fn same(ours: &Value, theirs: &Value, may_differ: &[&str]) {
    let without = |value: &Value| {
        let mut value = value.clone();
        for map in ["/identity", "/properties", ""] {
            let map = value.pointer_mut(map).and_then(Value::as_object_mut).expect("an object");
            map.retain(|key, _| !may_differ.contains(&key.as_str()));
        }
        value
    };
    assert_eq!(without(ours), without(theirs));
}

#[test]
// Longer than other functions: a table with one row per case.
fn sdk_v1_gets_the_answers_that_it_accepted() {
    let accepted = fixture("sdk/v1_linked_service_list")["exchanges"][1]["stubResponse"]["body"]["value"].take();
    let accepted = accepted.as_array().expect("a list");
    let seeds: Vec<Value> = accepted
        .iter()
        .map(|one| {
            let (identity, properties) = (&one["identity"], &one["properties"]);
            json!({
                "id": one["id"], "linkedServiceResourceId": properties["linkedServiceResourceId"], "location": one["location"],
                "principalId": identity["principalId"], "tenantId": identity["tenantId"],
                "createdTime": properties["createdTime"], "modifiedTime": properties["modifiedTime"],
            })
        })
        .collect();
    let mut lab = Lab::new();
    let answer = lab.control("PUT", "world", &json!({"linkedServices": seeds}));
    assert_eq!(answer.status, 200, "{}", answer.body_json());
    for name in ["v1_linked_service_list", "v1_linked_service_get", "v1_linked_service_get_missing"] {
        for exchange in fixture(&format!("sdk/{name}"))["exchanges"].as_array().expect("exchanges") {
            let (sent, expected) = (&exchange["request"], &exchange["stubResponse"]);
            let text = |key: &str| sent[key].as_str().unwrap_or_default();
            let answer = lab.send(Request::new(text("method"), &format!("{}?{}", text("path"), text("rawQuery"))));
            let body = answer.body_json();
            assert_eq!(json!(answer.status), expected["status"], "{name}: {body}");
            match text("path") {
                "/subscriptions" => {
                    let theirs = expected["body"]["value"][0].as_object().expect("an object");
                    for key in ["id", "subscriptionId", "state", "tenantId"] {
                        assert!(theirs.contains_key(key) && body["value"][0].get(key).is_some(), "{key}: {body}");
                    }
                }
                path if path.ends_with("/linkedServices") => {
                    assert!(body.get("nextLink").is_none() && body["value"].as_array().is_some_and(|v| v.len() == 2), "{body}");
                    for one in accepted {
                        assert!(body["value"].as_array().is_some_and(|all| all.contains(one)), "{body}");
                    }
                }
                _ if answer.status == 200 => assert_eq!(body, expected["body"]),
                _ => assert_eq!(body["error"]["code"], expected["body"]["error"]["code"]),
            }
        }
    }
}

#[test]
fn microsofts_examples_are_served_if_linked_services_can_still_be_created() {
    let (create, get, list) =
        (fixture("swagger/createLinkedService"), fixture("swagger/getLinkedService"), fixture("swagger/listLinkedServices"));
    let parameters = &create["parameters"];
    let of = |key: &str| parameters[key].as_str().unwrap_or_default();
    let group = format!("/subscriptions/{}/resourceGroups/{}", of("subscriptionId"), of("resourceGroupName"));
    let workspace = format!("{group}/providers/Microsoft.MachineLearningServices/workspaces/{}", of("workspaceName"));
    let mut lab = Lab::new();
    lab.control("PUT", "world", &json!({"workspaces": [{"id": workspace, "location": "westus"}]}));
    let target = format!("{workspace}/linkedServices/{}?api-version={}", of("linkName"), of("api-version"));
    let put = Request::new("PUT", &target).with_json(&parameters["parameters"]);

    let refused = lab.send(put.clone());
    assert_eq!((refused.status, code(&refused).as_str()), (400, "UserError"), "Azure makes no new ones");
    lab.set(&json!({"linkedServicesCreatable": true}));
    let made = lab.send(put.clone());
    assert_eq!(made.status, 200, "{}", made.body_json());
    let differ = ["principalId", "tenantId", "createdTime", "modifiedTime"];
    same(&made.body_json(), &create["responses"]["200"]["body"], &differ);
    assert_eq!(made.body_json()["identity"]["tenantId"], TENANT);
    assert_eq!(made.body_json()["properties"]["createdTime"], "2026-01-01T20:04:05.6789012-07:00");
    let again = lab.send(put).body_json();
    assert_eq!(again["identity"], made.body_json()["identity"], "its principal stays");

    let shown = lab.send(Request::new("GET", &target.replace("2020-04-01-preview", "2025-12-01"))).body_json();
    same(&shown, &get["responses"]["200"]["body"], &[&differ[..], &["linkedServiceResourceId", "linkType"]].concat());
    let all = lab.ask("GET", &format!("{workspace}/linkedServices")).body_json();
    assert_eq!(all, json!({"value": [shown]}));
    let keys = |v: &Value| v.as_object().map(|m| m.keys().cloned().collect::<Vec<_>>());
    assert_eq!(keys(&all), keys(&list["responses"]["200"]["body"]), "and no nextLink");
}

#[test]
fn a_linked_service_is_deleted_at_once() {
    let mut lab = Lab::new();
    lab.control("PUT", "world", &json!({"linkedServices": [{"id": link("synapselink1"), "linkedServiceResourceId": synapse()}]}));
    let seeded = lab.ask("GET", &link("SynapseLink1")).body_json();
    assert!(seeded["identity"]["principalId"].is_string() && seeded["identity"]["tenantId"] == TENANT, "{seeded}");
    let gone = lab.ask("DELETE", &link("synapselink1"));
    assert_eq!((gone.status, gone.body.len()), (200, 0));
    assert_eq!(lab.ask("DELETE", &link("synapselink1")).status, 204);
    assert_eq!(code(&lab.ask("GET", &link("synapselink1"))), "ResourceNotFound");
    let nowhere = link("x").replace("yogi-aml-ws", "none");
    assert_eq!(code(&lab.ask("GET", &nowhere)), "ParentResourceNotFound");
    lab.set(&json!({"linkedServicesCreatable": true}));
    let wrong = lab.put(&link("x"), &json!({"properties": {"linkedServiceResourceId": workspace()}}));
    assert_eq!((wrong.status, code(&wrong).as_str()), (400, "UserError"));
}

#[test]
fn linked_services_need_their_own_permissions() {
    let of = |verb: &str| format!("Microsoft.MachineLearningServices/workspaces/linkedServices/{verb}");
    for (verb, expected) in [("read", [200, 403, 403]), ("write", [403, 200, 403]), ("delete", [403, 403, 200])] {
        let mut lab = holding(&json!([{"scope": workspace(), "actions": [of(verb)]}]));
        lab.set(&json!({"linkedServicesCreatable": true}));
        lab.control("PUT", "world", &json!({"linkedServices": [{"id": link("a"), "linkedServiceResourceId": synapse()}]}));
        let body = json!({"properties": {"linkedServiceResourceId": synapse()}});
        let list = lab.ask("GET", &format!("{}/linkedServices", workspace())).status;
        assert_eq!([list, lab.put(&link("a"), &body).status, lab.ask("DELETE", &link("a")).status], expected, "{verb}");
    }
}
