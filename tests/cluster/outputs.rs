//! `spec.outputs`: values for other manifests, in a ConfigMap.

use std::time::Duration;

use serde_json::{Value, json};

use super::plugin::{has, synapse};
use crate::support::World;

const IDENTITY: &str = "identity: {type: SystemAssigned}";

fn named(name: &str) -> String {
    format!("outputs: {{configMapName: {name}}}")
}

fn config_map(world: &World, name: &str) -> Option<Value> {
    let found = world.kubectl(&["get", "configmaps", name, "--ignore-not-found", "-o", "json"]);
    (!found.is_empty()).then(|| serde_json::from_str(&found).expect("JSON"))
}

/// Waits until the condition has this reason. Returns its message.
fn written(world: &World, name: &str, reason: &str) -> String {
    world.until(&format!("{name} shows {reason}"), || {
        let shown = world.condition(name, "OutputsWritten").filter(|one| one["reason"] == reason)?;
        Some(shown["message"].as_str().unwrap_or_default().to_owned())
    })
}

#[test]
// Longer than other functions: one operator, which may write ConfigMaps, for the life of one.
fn values_for_other_manifests_are_kept_in_a_config_map() {
    let world = World::without_operator("outputs", Duration::ZERO);
    world.use_outputs();
    world.kubectl(&["create", "configmap", "taken", "--from-literal=owner=team"]);
    world.apply("nightly", "one", &[IDENTITY, &named("nightly-outputs")]);
    world.ready("nightly");
    written(&world, "nightly", "OutputsWritten");
    let data = || config_map(&world, "nightly-outputs").map(|found| found["data"].clone());
    let status = world.object("nightly").expect("it is there")["status"].clone();
    let expected = json!({
        "computeId": status["computeId"], "computeName": "nightly", "poolId": world.pool("one"),
        "principalId": status["identity"]["principalId"], "tenantId": status["identity"]["tenantId"],
        "resourceGroup": world.workspace().split('/').nth(4), "subscriptionId": world.subscription,
        "workspaceName": world.workspace().rsplit('/').next(),
    });
    assert_eq!(data(), Some(expected.clone()));
    let (_, out, _) = synapse(&world, &["status", "nightly"]);
    has(&out, &["outputs    ConfigMap nightly-outputs", "OutputsWritten True"]);

    // Another attachment does not get it, nor one that is nobody's.
    world.apply("second", "two", &[&named("nightly-outputs")]);
    world.ready("second");
    has(&written(&world, "second", "OutputsConflict"), &["belongs to SynapseSparkAttachment nightly", "Choose another name"]);
    world.event("second", "OutputsConflict", "Choose another name");
    world.patch("second", &json!({"spec": {"outputs": {"configMapName": "taken"}}}));
    world.until("it names the other one", || written(&world, "second", "OutputsConflict").contains("taken").then_some(()));
    world.patch("second", &json!({"spec": {"outputs": null}}));
    world.until("nothing is shown", || world.condition("second", "OutputsWritten").is_none().then_some(()));
    assert_eq!(config_map(&world, "taken").expect("it stays")["data"], json!({"owner": "team"}));
    assert_eq!(data(), Some(expected.clone()));

    // A change by hand is corrected.
    world.kubectl(&["patch", "configmap", "nightly-outputs", "--type=merge", "--patch", r#"{"data": {"principalId": "x"}}"#]);
    world.request_reconcile("nightly");
    world.until("it is corrected", || (data().as_ref() == Some(&expected)).then_some(()));

    // After a rename the former one is deleted.
    world.patch("nightly", &json!({"spec": {"outputs": {"configMapName": "renamed"}}}));
    world.until("the former one is deleted", || config_map(&world, "nightly-outputs").is_none().then_some(()));
    let next = world.until("the next one is there", || config_map(&world, "renamed"));
    // By this Kubernetes deletes it with the attachment, as the test of docs/outputs.md shows.
    let (owners, uid) =
        (&next["metadata"]["ownerReferences"], world.object("nightly").expect("it is there")["metadata"]["uid"].clone());
    assert_eq!((&owners[0]["uid"], &owners[0]["controller"], &owners[1]), (&uid, &json!(true), &Value::Null));
    assert_eq!(
        (&owners[0]["apiVersion"], &owners[0]["kind"]),
        (&json!("synapse-spark.dev/v1alpha1"), &json!("SynapseSparkAttachment"))
    );
    world.kubectl(&["delete", "ssa", "--all", "--timeout=30s"]);
}

#[test]
fn without_the_right_the_status_names_the_setting_of_the_chart() {
    let world = World::new("outputs-403");
    world.apply("nightly", "one", &[&named("nightly-outputs")]);
    world.ready("nightly");
    has(&written(&world, "nightly", "OutputsForbidden"), &["may not read the ConfigMap nightly-outputs", "Set outputs.enabled"]);
    assert!(config_map(&world, "nightly-outputs").is_none());
}
