//! `import` of a state or a plan of Terraform.

use serde_json::{Value, json};

use super::import::{import, play, user};
use super::{POOL, WORKSPACE};

/// What `terraform show -json` prints of a state, with these resources in a nested module.
pub fn terraform(values: &[Value]) -> Value {
    let resources: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(at, values)| {
            json!({
                "address": format!("module.a.azurerm_machine_learning_synapse_spark.one[{at}]"), "mode": "managed",
                "type": "azurerm_machine_learning_synapse_spark", "name": "one", "index": at, "schema_version": 0, "values": values,
            })
        })
        .collect();
    let other = json!({"address": "azurerm_resource_group.x", "mode": "managed", "type": "azurerm_resource_group", "values": {"name": "x"}});
    json!({"format_version": "1.0", "terraform_version": "1.9.5", "values": {"root_module": {
        "resources": [other], "child_modules": [{"address": "module.a", "resources": resources}],
    }}})
}

/// What it prints of a plan for one resource, of which some will be known after the apply.
pub fn planned(values: &Value, unknown: &Value) -> Value {
    let mut document = terraform(std::slice::from_ref(values));
    let map = document.as_object_mut().expect("a mapping");
    let values = map.shift_remove("values").expect("values");
    map.insert("planned_values".to_owned(), values);
    let change = |more: Value| {
        let mut change = json!({"address": "module.a.azurerm_machine_learning_synapse_spark.one[0]", "mode": "managed"});
        change.as_object_mut().expect("a mapping").extend(more.as_object().expect("a mapping").clone());
        change
    };
    // The deposed one is skipped, and nothing is unknown.
    let gone = change(json!({"deposed": "5f2ab4d1", "change": {"actions": ["delete"], "after_unknown": {"identity": true}}}));
    let new = change(json!({"change": {"actions": ["create"], "after_unknown": unknown}}));
    map.insert("resource_changes".to_owned(), json!([gone, new]));
    document
}

pub fn resource(name: &str, more: &Value) -> Value {
    let mut values = json!({
        "id": format!("{WORKSPACE}/computes/{name}"), "name": name, "machine_learning_workspace_id": WORKSPACE,
        "synapse_spark_pool_id": POOL, "location": "eastus2", "local_auth_enabled": true, "description": "", "identity": [],
        "tags": null, "timeouts": null,
    });
    values.as_object_mut().expect("a mapping").extend(more.as_object().expect("a mapping").clone());
    values
}

#[test]
fn a_state_of_terraform_becomes_attachments() {
    let object = |spec: Value| json!({"metadata": {"name": "spark"}, "spec": spec});
    let location = "module.a.azurerm_machine_learning_synapse_spark.one[0]: location: left out";
    let one = |more: Value| terraform(&[resource("spark", &more)]).to_string();
    let plan = |unknown: Value| planned(&resource("spark", &json!({})), &unknown).to_string();
    let new = json!({"id": true, "identity": [{"principal_id": true, "tenant_id": true}], "tags": {}, "timeouts": {}});
    let mut secret = terraform(&[resource("spark", &json!({"description": "nightly", "tags": {"team": "data"}}))]);
    secret["values"]["root_module"]["child_modules"][0]["resources"][0]["sensitive_values"] =
        json!({"description": true, "identity": [], "location": true, "tags": {"team": true}});
    let later = json!({"id": true, "description": true, "tags": {"build": true}});
    #[rustfmt::skip]
    let rows = [
        ("the least",    one(json!({})), object(json!({})), &[location][..]),
        ("of a plan",    plan(new), object(json!({})), &[location]),
        ("sensitive",    secret.to_string(), object(json!({"description": "nightly", "tags": {"team": "data"}})), &["description: is sensitive in Terraform", "tags.team: is sensitive in Terraform", location]),
        ("known later",  plan(later), object(json!({})), &["description: left out: it is known only after the apply", "tags.build: left out: it is known only after the apply", location]),
        ("all of it",    one(json!({"tags": {"team": "data"}, "description": "nightly", "identity": [{"type": "SystemAssigned, UserAssigned", "identity_ids": [user("zeta")], "principal_id": "x", "tenant_id": "y"}]})),
            object(json!({"identity": {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": [{"resourceId": user("zeta")}]}, "description": "nightly", "tags": {"team": "data"}})), &[location]),
        ("what is left", one(json!({"local_auth_enabled": false, "new": 1, "identity": [{"type": "UserAssigned", "identity_ids": [user("zeta"), user("alpha")]}]})),
            object(json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": user("zeta")}, {"resourceId": user("alpha")}]}})), &["identity_ids: is an unordered set", location, "local_auth_enabled: left out", "new: left out"]),
    ];
    play(&rows, &[]);
    let several = terraform(&[resource("one", &json!({})), resource("two", &json!({}))]).to_string();
    let (code, objects, _) = import(&["-f", "-", "-n", "team-b", "-o", "json"], &several);
    assert_eq!((code, objects.len(), &objects[0]["kind"]), (Some(0), 1, &json!("List")));
    let items = objects[0]["items"].as_array().expect("items");
    assert_eq!(items[1]["metadata"], json!({"name": "two", "namespace": "team-b"}));
    // The one that another resource has replaced already.
    let mut deposed = terraform(&[resource("spark", &json!({})), resource("spark", &json!({}))]);
    deposed["values"]["root_module"]["child_modules"][0]["resources"][1]["deposed_key"] = json!("5f2ab4d1");
    let (code, objects, said) = import(&["-f", "-"], &deposed.to_string());
    assert_eq!((code, objects.len()), (Some(0), 1), "{said:?}");
    assert!(said[1].contains("one[1]: deposed_key: skipped: Terraform has replaced it"), "{said:?}");
}
