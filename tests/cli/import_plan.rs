//! `import` of a plan of Terraform that releases, moves or removes attachments.

use serde_json::{Value, json};

use super::import::{import, play};
use super::import_terraform::resource;
use super::import_text::fixture;

const TYPE: &str = "azurerm_machine_learning_synapse_spark";

fn address(key: &str) -> String {
    format!("module.a[\"west\"].{TYPE}.one[\"{key}\"]")
}

/// An entry of a state or of planned values.
fn entry(address: &str, values: &Value) -> Value {
    json!({"address": address, "mode": "managed", "type": TYPE, "name": "one", "values": values, "sensitive_values": {}})
}

fn values(entries: &[Value]) -> Value {
    json!({"root_module": {"child_modules": [{"address": "module.a[\"west\"]", "resources": entries}]}})
}

fn change(address: &str, action: &str, more: &Value) -> Value {
    let mut change = json!({
        "address": address, "mode": "managed", "type": TYPE, "name": "one",
        "change": {"actions": [action], "before": null, "after": null, "after_unknown": {}},
    });
    change.as_object_mut().expect("a mapping").extend(more.as_object().expect("a mapping").clone());
    change
}

fn plan(planned: &[Value], prior: &[Value], changes: &[Value]) -> Value {
    json!({
        "format_version": "1.2", "terraform_version": "1.15.6", "planned_values": values(planned),
        "resource_changes": changes, "prior_state": {"format_version": "1.0", "values": values(prior)},
    })
}

#[test]
fn a_plan_that_releases_or_moves_an_attachment_is_imported() {
    let of_fixture: Value =
        serde_json::from_str(&std::fs::read_to_string(fixture("terraform-plan-forget-1.15.4.json")).expect("a file"))
            .expect("JSON");
    let mut filtered = of_fixture.clone();
    filtered["planned_values"] = json!({"root_module": {}});
    let example = json!({"metadata": {"name": "mysparksystem"}, "spec": {"identity": {"type": "SystemAssigned"}, "tags": {"team": "data"}}});
    let spark = |spec: Value| json!({"metadata": {"name": "spark"}, "spec": spec});
    let (old, new) = (address("old"), address("new"));
    let had = resource("spark", &json!({"location": null, "description": "nightly"}));
    let moved = json!({"previous_address": old});
    let before =
        json!({"change": {"actions": ["forget"], "before": had, "before_sensitive": {"description": true}, "after": null}});
    let nightly = || spark(json!({"description": "nightly"}));
    #[rustfmt::skip]
    let rows = [
        ("released, 1.15.4",       of_fixture.to_string(), example.clone(), &["location: left out"][..]),
        ("released, 1.15.6",       filtered.to_string(), example, &["location: left out"]),
        ("released in a module",   plan(&[], &[entry(&new, &had)], &[change(&new, "forget", &json!({}))]).to_string(), nightly(), &[]),
        ("planned without values", plan(&[entry(&new, &Value::Null)], &[entry(&new, &had)], &[change(&new, "forget", &json!({}))]).to_string(), nightly(), &[]),
        ("moved, then released",   plan(&[], &[entry(&old, &had)], &[change(&new, "forget", &moved)]).to_string(), nightly(), &[]),
        ("without a prior state",  plan(&[], &[], &[change(&new, "forget", &before)]).to_string(), nightly(), &["description: is sensitive in Terraform"]),
        ("moved",                  plan(&[entry(&new, &had)], &[entry(&old, &had)], &[change(&new, "no-op", &moved)]).to_string(), nightly(), &[]),
    ];
    play(&rows, &[]);
}

#[test]
fn what_a_plan_removes_or_defers_is_reported() {
    let (kept, gone) = (address("kept"), address("gone"));
    let had = |name: &str| resource(name, &json!({"location": null}));
    let removed = |action: &str, more: Value| {
        plan(
            &[entry(&kept, &had("kept"))],
            &[entry(&kept, &had("kept")), entry(&gone, &had("gone"))],
            &[change(&kept, "no-op", &json!({})), change(&gone, action, &more)],
        )
    };
    let mut deferred = removed("no-op", json!({"address": kept}));
    deferred["deferred_changes"] = json!([{"reason": "provider_config_unknown", "resource_change": change(&gone, "create", &json!({"change": {"actions": ["create"], "after": had("gone")}}))}]);
    let deposed = json!({"address": kept, "deposed": "5f2ab4d1", "change": {"actions": ["delete"], "before": had("kept")}});
    #[rustfmt::skip]
    let rows = [
        ("destroyed", removed("delete", json!({})), format!("-, {gone}: change.actions: skipped: the plan destroys it. To import it, let a removed block with destroy = false")),
        ("replaced before", removed("delete", deposed), format!("-, {kept}: deposed_key: skipped: Terraform has replaced it")),
        ("deferred", deferred, format!("-, {gone}: deferred_changes: skipped: Terraform defers it. Apply the plan")),
    ];
    for (case, document, words) in rows {
        let (code, objects, said) = import(&["-f", "-"], &document.to_string());
        assert_eq!((code, objects.len(), said.len()), (Some(0), 1, 1), "{case}: {said:#?}");
        assert!(said[0].starts_with(&words), "{case}: {said:?}");
        assert_eq!(objects[0]["metadata"]["name"], "kept", "{case}");
    }
    // A plan with nothing else, and a state without resources.
    let destroyed = plan(&[], &[entry(&gone, &had("gone"))], &[change(&gone, "delete", &json!({}))]);
    #[rustfmt::skip]
    let table = [
        (destroyed.to_string(),                                                   "no attached Synapse Spark pool to import other than what was skipped"),
        (json!({"format_version": "1.0"}).to_string(),                            "no attached Synapse Spark pool to import other than what was skipped"),
        (plan(&[entry(&kept, &Value::Null)], &[], &[]).to_string(),               "values: is missing: in a plan it may be known only after the apply. Apply the plan and import the state instead"),
    ];
    for (document, words) in table {
        let (code, objects, said) = import(&["-f", "-"], &document);
        assert_eq!((code, objects.len()), (Some(1), 0), "{said:?}");
        assert!(said.last().is_some_and(|line| line.contains(words)), "{words}: {said:?}");
    }
}
