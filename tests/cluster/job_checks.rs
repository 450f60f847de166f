//! `spec.jobChecks`: the condition `JobsReady`, which shows what Spark jobs lack.

use std::time::Duration;

use serde_json::{Value, json};

use super::plugin::{has, synapse};
use super::plugin_try::{account, store};
use crate::support::World;

const SPEC: [&str; 3] = ["identity: {type: SystemAssigned}", "synapseRole: {name: Synapse Administrator}", "jobChecks: true"];

/// Waits for this status and reason of the condition. Gives its message.
fn jobs_ready(world: &World, status: &str, reason: &str) -> String {
    let shown = || {
        world.condition("nightly", "JobsReady").filter(|one| (&one["status"], &one["reason"]) == (&json!(status), &json!(reason)))
    };
    let found: Value = world.until(&format!("JobsReady is {status}, {reason}"), shown);
    found["message"].as_str().expect("a message").to_owned()
}

#[test]
fn the_condition_shows_what_jobs_lack_until_it_is_there_or_the_checks_are_switched_off() {
    let world = World::alone("job-checks", Duration::from_millis(200));
    store(&world, &json!({}));
    world.apply("nightly", "one", &SPEC);
    let message = jobs_ready(&world, "False", "JobChecksFailed");
    let principal = world.object("nightly").expect("it is there")["status"]["identity"]["principalId"].clone();
    let principal = principal.as_str().expect("a principal");
    let command = format!(
        "Run: az role assignment create --role \"Contributor\" --assignee-object-id {principal} --assignee-principal-type ServicePrincipal --scope {}",
        account(&world)
    );
    has(&message, &["2 of 13 checks failed: datastore-contributor, datastore-blob-data. ", &command]);
    world.ready("nightly");
    world.event("nightly", "JobChecksFailed", "2 of 13 checks failed");
    let (_, out, complaint) = synapse(&world, &["status", "nightly"]);
    has(&out, &["Ready: Attached", "checks     2 of 13 checks failed", &command, "synapse check nightly --for-jobs -n "]);
    assert_eq!(complaint, "", "{out}");

    let role = |name: &str| json!({"scope": account(&world), "roleId": name, "principalId": principal});
    world.add(&json!({"azureRoleAssignments": [role("Contributor"), role("Storage Blob Data Contributor")]}));
    world.request_reconcile("nightly");
    has(&jobs_ready(&world, "True", "JobChecksPassed"), &[" checks passed, "]);
    world.event("nightly", "JobChecksPassed", " checks passed, ");

    // Without the right to read roles, the operator attaches all the same.
    let actions = ["Microsoft.MachineLearningServices/*", "Microsoft.Synapse/*", "Microsoft.Storage/storageAccounts/read"];
    let group = world.workspace().split("/providers/").next().expect("a group").to_owned();
    world.restrict(&json!([{"scope": group, "actions": actions}]));
    world.request_reconcile("nightly");
    let message = jobs_ready(&world, "Unknown", "JobChecksUnreadable");
    has(&message, &["AuthorizationFailed", "The operator's identity needs: Microsoft.Authorization/roleAssignments/read"]);
    world.ready("nightly");

    world.patch("nightly", &json!({"spec": {"jobChecks": null}}));
    world.until("the condition is gone", || world.condition("nightly", "JobsReady").is_none().then_some(()));
    assert_eq!(world.writes("nightly"), ["PUT"]);
}
