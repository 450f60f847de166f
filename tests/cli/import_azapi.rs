//! `import` of an `azapi_resource` in a state or a plan of Terraform.

use serde_json::{Value, json};

use super::import::{import, play, user};
use super::{POOL, WORKSPACE};

const TYPE: &str = "Microsoft.MachineLearningServices/workspaces/computes@2023-10-01";

fn body(more: &Value) -> Value {
    let mut properties = json!({"computeType": "SynapseSpark", "resourceId": POOL});
    properties.as_object_mut().expect("a mapping").extend(more.as_object().expect("a mapping").clone());
    json!({"properties": properties})
}

/// A state with an azapi resource; `more` is added to its entry, `values` to its values.
fn state(values: &Value, more: &Value) -> Value {
    let mut all = json!({
        "id": format!("{WORKSPACE}/computes/spark"), "type": TYPE, "name": "spark", "parent_id": WORKSPACE, "body": body(&json!({})),
        "identity": [], "location": null, "tags": null, "output": {}, "timeouts": null, "schema_validation_enabled": true, "locks": null,
    });
    all.as_object_mut().expect("a mapping").extend(values.as_object().expect("a mapping").clone());
    let mut entry =
        json!({"address": "azapi_resource.spark", "mode": "managed", "type": "azapi_resource", "name": "spark", "values": all});
    entry.as_object_mut().expect("a mapping").extend(more.as_object().expect("a mapping").clone());
    json!({"format_version": "1.0", "terraform_version": "1.9.5", "values": {"root_module": {"resources": [entry]}}})
}

/// The same as a plan, in which some values will be known after the apply.
fn planned(values: &Value, unknown: &Value) -> Value {
    let mut document = state(values, &json!({}));
    let map = document.as_object_mut().expect("a mapping");
    let values = map.shift_remove("values").expect("values");
    map.insert("planned_values".to_owned(), values);
    map.insert("resource_changes".to_owned(), json!([{"address": "azapi_resource.spark", "type": "azapi_resource", "change": {"actions": ["create"], "after_unknown": unknown}}]));
    document
}

#[test]
fn an_azapi_resource_becomes_an_attachment() {
    let object = |spec: Value| json!({"metadata": {"name": "spark"}, "spec": spec});
    let of = |values: Value| state(&values, &json!({})).to_string();
    let both = json!({"identity": {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": [{"resourceId": user("zeta")}, {"resourceId": user("alpha")}]}});
    let in_body = json!({
        "properties": {"computeType": "SynapseSpark", "resourceId": POOL}, "tags": {"team": "data"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {user("zeta"): {}}},
    });
    let user_assigned = json!({"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": user("zeta")}]});
    let mut secret = state(&json!({"body": body(&json!({"description": "nightly"}))}), &json!({}));
    secret["values"]["root_module"]["resources"][0]["sensitive_values"] =
        json!({"body": {"properties": {"description": true}}, "output": true});
    #[rustfmt::skip]
    let rows = [
        ("of version 2",      of(json!({})), object(json!({})), &[][..]),
        ("of version 1",      of(json!({"body": body(&json!({"description": "nightly"})).to_string()})), object(json!({"description": "nightly"})), &[]),
        ("its attributes",    of(json!({"location": "eastus2", "tags": {"team": "data"}, "identity": [{"type": "SystemAssigned, UserAssigned", "identity_ids": [user("zeta"), user("alpha")], "principal_id": "x", "tenant_id": "y"}]})),
            object(json!({"identity": both["identity"], "tags": {"team": "data"}})), &["azapi_resource.spark: location: left out"]),
        ("in the body",       of(json!({"body": in_body, "tags": {"cost": "42"}})), object(json!({"identity": user_assigned, "tags": {"cost": "42", "team": "data"}})), &[]),
        ("what is left out",  of(json!({"body": body(&json!({"disableLocalAuth": true, "computeLocation": "eastus2", "new": 1})), "sensitive_body": {"a": 1}})),
            object(json!({})), &["body.properties.computeLocation: left out", "body.properties.disableLocalAuth: left out", "body.properties.new: left out", "sensitive_body: left out"]),
        ("of a plan",         planned(&json!({}), &json!({"id": true, "output": true, "body": {"properties": {}}, "tags": {"build": true}})).to_string(), object(json!({})), &["tags.build: left out: it is known only after the apply"]),
        ("sensitive",         secret.to_string(), object(json!({"description": "nightly"})), &["body.properties.description: is sensitive in Terraform"]),
        ("percent-encoded",   of(json!({"parent_id": WORKSPACE.replace("yogi-res-group", "yogi%2Dres-group")})), object(json!({})), &[]),
    ];
    play(&rows, &[]);
}

#[test]
fn an_azapi_resource_that_is_no_attachment_is_reported() {
    let entry = |more: Value| state(&json!({}), &more);
    #[rustfmt::skip]
    let table = [
        ("a data source",     entry(json!({"mode": "data", "address": "data.azapi_resource.spark"})), "data.azapi_resource.spark: type: skipped: azapi_resource reads or changes a compute"),
        ("an update",         entry(json!({"type": "azapi_update_resource"})), "type: skipped: azapi_update_resource reads or changes a compute that is attached elsewhere"),
        ("another compute",   state(&json!({"body": {"properties": {"computeType": "AmlCompute"}}}), &json!({})), "body.properties.computeType: skipped: a compute of type AmlCompute"),
        ("another resource",  state(&json!({"type": "Microsoft.Storage/storageAccounts@2023-01-01"}), &json!({})), "skipped: it contains no azurerm_machine_learning_synapse_spark"),
    ];
    for (case, document, words) in table {
        let (code, objects, said) = import(&["-f", "-"], &document.to_string());
        assert_eq!((code, objects.len()), (Some(1), 0), "{case}: {said:?}");
        assert!(said[0].contains(words), "{case}: {words:?} is not in {said:#?}");
    }
    #[rustfmt::skip]
    let table = [
        ("no body",           state(&json!({"body": null}), &json!({})), "body: is missing: in a plan"),
        ("no JSON",           state(&json!({"body": "{"}), &json!({})), "body: is not JSON"),
        ("a list",            state(&json!({"body": []}), &json!({})), "body: must be a mapping"),
        ("no pool",           state(&json!({"body": {"properties": {"computeType": "SynapseSpark"}}}), &json!({})), "body.properties.resourceId: is missing: the ID of the Spark pool"),
        ("another parent",    state(&json!({"parent_id": POOL}), &json!({})), "parent_id: "),
        ("a pool later",      planned(&json!({}), &json!({"body": {"properties": {"resourceId": true}}})), "body.properties.resourceId: is missing: in a plan it may be known only after the apply"),
        ("an identity later", planned(&json!({}), &json!({"identity": [{"identity_ids": true}]})), "identity[0].identity_ids: is known only after the apply"),
    ];
    for (case, document, words) in table {
        let (code, objects, said) = import(&["-f", "-"], &document.to_string());
        assert_eq!((code, objects.len()), (Some(1), 0), "{case}: {said:?}");
        assert!(
            said.iter().any(|line| line.starts_with("error: -, azapi_resource.spark: ") && line.contains(words)),
            "{case}: {words:?} is not in {said:#?}"
        );
    }
}
