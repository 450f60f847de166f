//! `import` of the computes of a workspace, and `pools` for it.

use serde_json::{Value, json};

use super::import::{SHORT, read, told, user};
use super::{Azure, WORKSPACE, compute, text};

const SECRET: &str = "emulator-secret-not-a-real-one";

#[test]
// Longer than other functions: a table with one row per case.
fn an_attached_compute_is_imported_without_a_change() {
    let azure = Azure::start();
    let (zeta, alpha) = (user("zeta"), user("alpha"));
    let identities = json!({zeta.as_str(): {"principalId": "1", "clientId": "2"}, alpha.as_str(): {}});
    #[rustfmt::skip]
    let table = [
        ("plain",     json!({}),                                            json!(null),                          json!({})),
        ("system",    json!({"team": "data", "cost": "42"}),                json!({"type": "SystemAssigned"}),    json!({"identity": {"type": "SystemAssigned"}, "tags": {"team": "data", "cost": "42"}})),
        ("Ordered",   json!({}),                                            json!({"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": identities}), json!({"computeName": "Ordered", "identity": {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": [{"resourceId": zeta}, {"resourceId": alpha}]}})),
        ("described", json!({"a": "yes"}),                                  json!(null),                          json!({"description": "nightly: 'all'", "tags": {"a": "yes"}})),
    ];
    for (name, tags, identity, spec) in &table {
        let mut one = compute(name, tags);
        one["identity"] = identity.clone();
        if let Some(text) = spec["description"].as_str() {
            one["properties"]["description"] = json!(text);
        }
        azure.seed(&one);
    }
    azure.seed(&compute("owned", &json!({"synapse-spark-operator-owner": "c/team-a/owned/u"})));
    azure.seed(&json!({"id": format!("{WORKSPACE}/computes/cpu"), "name": "cpu", "location": "eastus2", "properties": {"computeType": "AmlCompute", "provisioningState": "Succeeded"}}));
    let run = |args: &[&str]| azure.run(&[&["import", "--workspace", SHORT], args].concat(), "", SECRET);
    let out = run(&[]);
    let manifests = text(&out.stdout);
    let (code, objects, said) = read(&out);
    assert_eq!(code, Some(0), "{said:?}");
    assert!(said[0].starts_with("compute owned: skipped: it belongs to c/team-a/owned/u"), "{said:?}");
    let alone =
        |line: &&String| line.ends_with(": applying the manifest changes only the owner tag, tags.synapse-spark-operator-owner");
    assert_eq!(said.iter().filter(alone).count(), table.len(), "{said:#?}");
    for (name, _, identity, spec) in &table {
        let label = name.to_lowercase();
        let object = objects.iter().find(|one| one["metadata"]["name"] == label).unwrap_or_else(|| panic!("{name}: {manifests}"));
        let mut wanted = spec.clone();
        wanted["adoptionPolicy"] = json!("IfSamePool");
        if identity.is_null() {
            // Otherwise it would get the default of its namespace.
            wanted["identity"] = json!({"type": "None"});
        }
        assert_eq!(told(object)["spec"], wanted, "{name}");
    }
    assert_eq!(objects.len(), table.len(), "{manifests}");
    // The operator would put its tag there, and change nothing else.
    let plans: Value = serde_json::from_slice(&azure.plan(&["-o", "json"], &manifests).stdout).expect("JSON");
    for plan in plans["plans"].as_array().expect("plans") {
        let changes: Vec<_> = plan["changes"].as_array().expect("changes").iter().map(|one| &one["field"]).collect();
        assert_eq!(changes, ["tags.synapse-spark-operator-owner"], "{plan}");
        assert_eq!((&plan["reason"], &plan["ownershipAlone"]), (&json!("Adopting"), &json!(true)), "{plan}");
    }
    let said = text(&azure.plan(&[], &manifests).stdout);
    assert_eq!(said.matches("note     pool, identity, tags and description are in sync").count(), table.len(), "{said}");
    let otherwise = text(&azure.plan(&[], &manifests.replace("description: ", "description: not ")).stdout);
    assert!(otherwise.matches("note     pool, identity, tags and description are in sync").count() < table.len(), "{otherwise}");
    // A List of them is accepted, too.
    let list = text(&run(&["-o", "json"]).stdout);
    let again: Value = serde_json::from_slice(&azure.plan(&["-o", "json"], &list).stdout).expect("JSON");
    assert_eq!(again, plans);
    // Those of other owners, with --all.
    let (_, objects, said) = read(&run(&["--all"]));
    assert!(objects.iter().any(|one| one["metadata"]["name"] == "owned"), "{objects:?}");
    assert!(said.iter().any(|line| line.starts_with("compute owned: OwnedByAnother: ")), "{said:?}");
    let (code, objects, said) = read(&azure.run(&["import", "-w", &SHORT.replace("yogi-aml-ws", "nope")], "", SECRET));
    assert!(code == Some(1) && objects.is_empty() && said[0].contains("its computes cannot be listed"), "{said:?}");
    assert_eq!(azure.writes(), 0, "it changes nothing");
}

#[test]
fn what_applying_each_manifest_changes_and_keeps_is_reported() {
    let azure = Azure::start();
    let mut one = compute("strict", &json!({"team": "data"}));
    one["properties"]["disableLocalAuth"] = json!(true);
    azure.seed(&one);
    azure.seed(&compute("owned", &json!({"synapse-spark-operator-owner": "c/team-a/owned/u"})));
    let run = |args: &[&str]| read(&azure.run(&[&["import", "--workspace", SHORT], args].concat(), "", SECRET));
    let of = |name: &str, said: &[String]| {
        let place = format!("compute {name}: ");
        said.iter().filter_map(|line| line.strip_prefix(&place).map(ToOwned::to_owned)).collect::<Vec<_>>()
    };
    let (_, objects, said) = run(&["--all"]);
    assert_eq!(objects.len(), 2, "{said:?}");
    let wanted = [
        "applying the manifest changes only the owner tag, tags.synapse-spark-operator-owner",
        "keep properties.computeLocation: \"eastus2\"",
        "keep properties.disableLocalAuth: true",
    ];
    assert_eq!(of("strict", &said), wanted, "{said:#?}");
    let owned = of("owned", &said);
    assert!(owned.len() == 1 && owned[0].starts_with("OwnedByAnother: "), "{said:#?}");
    // In its own namespace, the object is the owner.
    let (_, _, said) = run(&["--all", "--namespace", "team-a"]);
    let owned = of("owned", &said);
    assert!(owned.len() == 1 && owned[0].starts_with("Attached: "), "{said:#?}");
    // The remarks are those of plan.
    let manifest = text(&azure.run(&["import", "--workspace", SHORT], "", SECRET).stdout);
    let plan = text(&azure.plan(&[], &manifest).stdout);
    for line in &wanted[1..] {
        assert!(plan.contains(&line.replace("keep ", "  keep     ")), "{line:?} is not in {plan}");
    }
}

#[test]
fn pools_become_manifests_for_an_existing_workspace() {
    let azure = Azure::start();
    let run = |workspace: &str| read(&azure.run(&["pools", "-o", "yaml", "-w", workspace], "", SECRET));
    let (code, objects, said) = run(SHORT);
    assert!(code == Some(0) && !objects.is_empty(), "{said:?}");
    let (code, objects, said) = run(&SHORT.replace("yogi-aml-ws", "nope-ws"));
    assert!(code == Some(1) && objects.is_empty(), "{said:?}");
    assert!(said[0].contains("nope-ws: its computes cannot be listed"), "{said:?}");
}
