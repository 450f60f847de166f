//! What the checks for Spark jobs read, from the emulator: one row for each thing that is missing, and each that cannot be read.

use azure_emulator::{Emulator, Fault, Seed};
use jiff::Timestamp;
use serde_json::{Value, json};
use synapse_spark_operator::azure::wire::{Put, PutIdentity};
use synapse_spark_operator::azure::{Client, Freshness, RoleAssignmentRequest};
use synapse_spark_operator::controller::observe::job_facts;
use synapse_spark_operator::planner::jobs::{CheckResult, Fix, Verdict, check};
use synapse_spark_operator::planner::{Attached, Goal};

use crate::emulated::{SECRET, emulated};
use crate::script::{SUBSCRIPTION, compute, pool_id, put};

use Verdict::{Missing, NotApplicable, NotReadable, Ok as Met, Warning};

const GROUP: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group";
/// The assignments that give the identities of the group *Contributor* and *Storage Blob Data Contributor*.
const CONTRIBUTOR: &str = "5f3d0f6e-0000-4000-8000-000000000001";
const BLOB_DATA: &str = "5f3d0f6e-0000-4000-8000-000000000002";
const ADMINISTRATOR: &str = "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78";

fn within(provider: &str) -> String {
    format!("{GROUP}/providers/{provider}")
}

fn storage(name: &str) -> String {
    within(&format!("Microsoft.Storage/storageAccounts/{name}"))
}

fn synapse() -> String {
    within("Microsoft.Synapse/workspaces/yogi-synapse-ws")
}

fn user_identity() -> String {
    within("Microsoft.ManagedIdentity/userAssignedIdentities/yogi-managed-id")
}

/// The Synapse workspace of the documents with this difference.
fn workspace(more: &Value) -> Value {
    let mut one = json!({"id": synapse(), "location": "eastus2",
        "defaultDataLakeStorage": {"resourceId": storage("yogisynapselake"), "filesystem": "synapse"}});
    one.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    json!({"synapseWorkspaces": [one]})
}

/// Both storage accounts accept connections from some networks only, and the Synapse workspace has a managed network.
fn closed(endpoints: &[(&str, &str)]) -> Value {
    let mut seed = workspace(&json!({"managedVirtualNetwork": "default"}));
    seed["storageAccounts"] = ["yogiamlstorage", "yogisynapselake"]
        .map(|name| {
            json!({"id": storage(name), "networkAcls": {"defaultAction": "Deny"},
            "privateEndpointConnections": [{"name": "one", "privateEndpoint": "/subscriptions/s/e", "status": "Pending"}]})
        })
        .into();
    let endpoint = |(number, (name, status)): (usize, &(&str, &str))| {
        json!({"id": format!("{}/managedVirtualNetworks/default/managedPrivateEndpoints/lake{number}", synapse()),
            "privateLinkResourceId": storage(name), "groupId": "dfs", "status": status})
    };
    seed["managedPrivateEndpoints"] = endpoints.iter().enumerate().map(endpoint).collect();
    seed
}

/// An assignment of a role of Azure to the identities of the group; `more` is in addition.
fn assigned(id: &str, role: &str, scope: &str, more: &Value) -> Value {
    let mut one = json!({"id": id, "scope": scope, "roleId": role, "principalId": "77777777-2222-3333-4444-555555555555"});
    one.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    one
}

/// A role in place of the one that this assignment gives.
fn role(replaced: &str, role: &str, scope: &str, more: &Value) -> Value {
    let nothing = assigned(replaced, "Reader", GROUP, &json!({}));
    json!({"azureRoleAssignments": [nothing, assigned("5f3d0f6e-0000-4000-8000-00000000000d", role, scope, more)]})
}

/// A custom role, and its assignment in place of another.
fn custom(replaced: &str, permissions: &Value) -> Value {
    let id = "5f3d0f6e-0000-4000-8000-00000000000c";
    let mut seed = role(replaced, id, GROUP, &json!({}));
    seed["azureRoles"] = json!([{"id": id, "roleName": "custom", "assignableScopes": [GROUP], "permissions": permissions}]);
    seed
}

fn refused(path: &str) -> Value {
    json!({"fault": {"method": "GET", "path": path, "times": 99, "status": 403, "code": "AuthorizationFailed", "message": "no"}})
}

/// An attached compute with this identity, whose principal is *Synapse Administrator* on the pool.
async fn attached(emulator: &Emulator, client: &Client, user: &[String]) -> (Attached, String) {
    let kind = if user.is_empty() { "SystemAssigned" } else { "UserAssigned" };
    let identity = Some(PutIdentity { kind, user: user.to_vec() });
    client.put(&compute(), &Put { identity, ..put() }, None).await.expect("taken");
    let shown = client.compute(&compute(), Freshness::Now).await.expect("an answer").expect("there").identity.expect("one");
    let of_user = || shown.user_assigned_identities.values().next().and_then(|one| one["principalId"].as_str());
    let principal = shown.principal_id.as_deref().or_else(of_user).expect("a principal").to_owned();
    let scope = "workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool";
    let assignment = json!({"workspace": synapse(), "roleId": ADMINISTRATOR, "principalId": principal, "scope": scope});
    seed(emulator, json!({"roleAssignments": [assignment]}));
    let ids: Vec<_> = user.iter().map(|id| json!({"resourceId": id})).collect();
    let object = json!({
        "apiVersion": "synapse-spark.dev/v1alpha1", "kind": "SynapseSparkAttachment",
        "metadata": {"name": compute().name(), "namespace": "team-a"},
        "spec": {
            "workspace": {"subscriptionId": SUBSCRIPTION, "resourceGroup": "yogi-res-group", "name": "yogi-aml-ws"},
            "resourceId": pool_id(), "identity": {"type": kind, "userAssignedIdentities": ids},
        },
    });
    let object = serde_json::from_value(object).expect("an object");
    let Goal::Attached(goal) = Goal::of(&object, "cluster").expect("a goal") else { panic!("it is not being deleted") };
    (goal, principal)
}

fn seed(emulator: &Emulator, seed: Value) {
    let azure = emulator.azure();
    let mut azure = azure.lock().expect("no thread panics while it holds the lock");
    azure.seed(Timestamp::now(), Seed::from_json(seed).expect("a seed")).expect("it is added");
}

/// Adds a seed, a fault, or both.
fn change(emulator: &Emulator, mut what: Value) {
    if let Some(fault) = what.as_object_mut().and_then(|all| all.remove("fault")) {
        let fault = Fault::from_json(&fault).expect("a fault");
        emulator.azure().lock().expect("no thread panics while it holds the lock").add_fault(fault);
    }
    seed(emulator, what);
}

fn found(results: &[CheckResult], id: &str) -> (Verdict, String) {
    let outcome = &results.iter().find(|one| one.check.id == id).expect("the check exists").outcome;
    let fix = match &outcome.fix {
        Some(Fix::Command(text) | Fix::Advice(text)) => text,
        None => "",
    };
    (outcome.verdict, format!("{}\n{fix}", outcome.message))
}

#[tokio::test]
async fn jobs_can_run_on_an_attachment_that_has_everything() {
    for user in [vec![], vec![user_identity()]] {
        let (_dir, emulator, client) = emulated(SECRET).await;
        let (goal, principal) = attached(&emulator, &client, &user).await;
        // Each list has several pages.
        emulator.azure().lock().expect("no thread panics while it holds the lock").settings_mut().page_size = 1;
        let results = check(&job_facts(&client, &goal, Timestamp::now()).await);
        for result in &results {
            assert_eq!(result.outcome.verdict, Met, "{}: {:?}", result.check.id, result.outcome);
        }
        let (_, text) = found(&results, "datastore-blob-data");
        assert!(text.contains(&principal) && text.contains(&format!("Storage Blob Data Contributor on {GROUP}")), "{text}");
    }
}

#[tokio::test]
// Longer than other functions: a table with one row per case.
async fn what_is_missing_or_cannot_be_read_is_found_by_its_check() {
    let elsewhere = storage("another");
    let no_role = |id: &str| role(id, "Reader", GROUP, &json!({}));
    #[rustfmt::skip]
    let table = [
        ("identity",                   refused("/userAssignedIdentities/"),                                       NotReadable, "AuthorizationFailed"),
        ("compute",                    refused("/computes/"),                                                     NotReadable, "computes/read"),
        ("synapse-role",               refused("yogi-synapse-ws/roleAssignments"),                                NotReadable, "Synapse User"),
        ("datastore-contributor",      no_role(CONTRIBUTOR),                                                      Missing,     "--role \"Contributor\""),
        ("datastore-contributor",      role(CONTRIBUTOR, "Contributor", &elsewhere, &json!({})),                  Missing,     "yogiamlstorage"),
        ("datastore-contributor",      role(CONTRIBUTOR, "Owner", &storage("yogiamlstorage"), &json!({})),        Met,         "the role Owner on"),
        ("datastore-contributor",      custom(CONTRIBUTOR, &json!([{"actions": ["Microsoft.Storage/*"]}])),       Met,         "the role custom"),
        ("datastore-contributor",      custom(CONTRIBUTOR, &json!([{"actions": ["*"], "notActions": ["*/listKeys/action"]}])), Missing, "yogiamlstorage"),
        ("datastore-contributor",      refused("/datastores"),                                                    NotReadable, "datastores/read"),
        ("datastore-contributor",      refused("Microsoft.Authorization/roleAssignments"),                        NotReadable, "roleAssignments/read"),
        ("datastore-contributor",      refused("roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"),           NotReadable, "roleDefinitions/read"),
        ("datastore-blob-data",        refused("roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"),           Met,         "Storage Blob Data Contributor"),
        ("datastore-blob-data",        no_role(BLOB_DATA),                                                        Missing,     "--role \"Storage Blob Data Contributor\""),
        ("datastore-blob-data",        role(BLOB_DATA, "Storage Blob Data Owner", GROUP, &json!({})),             Met,         "Storage Blob Data Owner"),
        ("datastore-blob-data",        role(BLOB_DATA, "Storage Blob Data Owner", GROUP, &json!({"condition": "(true)"})), Warning, "under a condition"),
        ("primary-contributor",        role(CONTRIBUTOR, "Contributor", &storage("yogiamlstorage"), &json!({})),  Missing,     "yogisynapselake"),
        ("primary-blob-data",          role(BLOB_DATA, "Storage Blob Data Owner", &storage("yogiamlstorage"), &json!({})), Missing, "yogisynapselake"),
        ("primary-contributor",        workspace(&json!({"defaultDataLakeStorage": {"resourceId": storage("yogiamlstorage"), "filesystem": "f"}})), NotApplicable, "of the default datastore"),
        ("no-exfiltration-protection", workspace(&json!({"managedVirtualNetwork": "default", "preventDataExfiltration": true})), Missing, "does not support"),
        ("no-exfiltration-protection", refused("Microsoft.Synapse/workspaces/yogi-synapse-ws"),                  NotReadable, "Microsoft.Synapse/workspaces/read"),
        ("synapse-public-access",      workspace(&json!({"publicNetworkAccess": "Disabled"})),                    Missing,     "az resource update --ids"),
        ("synapse-firewall",           json!({"firewallRules": [{"id": format!("{}/firewallRules/allowAll", synapse()), "startIpAddress": "10.0.0.1", "endIpAddress": "10.0.0.2"}]}), Warning, "az synapse workspace firewall-rule create"),
        ("synapse-firewall",           refused("/firewallRules"),                                                 NotReadable, "firewallRules/read"),
        ("datastore-network",          closed(&[]),                                                               Missing,     "az synapse managed-private-endpoints create"),
        ("datastore-network",          closed(&[("yogisynapselake", "Approved")]),                                Missing,     "--pe-name yogiamlstorage-dfs"),
        ("datastore-network",          closed(&[("yogisynapselake", "Approved"), ("yogiamlstorage", "Approved")]), Met,        "lake1 leads to yogiamlstorage"),
        ("datastore-network",          closed(&[("yogiamlstorage", "Pending")]),                                  Missing,     "Azure does not show which of them belongs to lake0"),
        ("datastore-network",          json!({"storageAccounts": [{"id": storage("yogiamlstorage"), "publicNetworkAccess": "Disabled"}]}), Missing, "az storage account update"),
        ("datastore-network",          refused("storageAccounts/yogiamlstorage"),                                NotReadable, "storageAccounts/read"),
        ("primary-network",            closed(&[("yogiamlstorage", "Approved")]),                                 Missing,     "yogisynapselake"),
        ("primary-network",            refused("storageAccounts/yogiamlstorage"),                                Met,         "yogisynapselake accepts"),
        ("spark-version",              refused("/bigDataPools/"),                                                 NotReadable, "bigDataPools/read"),
    ];
    let mut wrong = Vec::new();
    for (number, (id, what, verdict, words)) in table.into_iter().enumerate() {
        let (_dir, emulator, client) = emulated(SECRET).await;
        let (goal, _) = attached(&emulator, &client, &[user_identity()]).await;
        change(&emulator, what);
        let (shown, text) = found(&check(&job_facts(&client, &goal, Timestamp::now()).await), id);
        if shown != verdict || !text.contains(words) {
            wrong.push(format!("row {number}, {id}: not {verdict:?} with {words:?}, but {shown:?}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_compute_an_identity_and_a_role_in_synapse_that_do_not_exist_are_found() {
    let (_dir, emulator, client) = emulated(SECRET).await;
    let (goal, principal) = attached(&emulator, &client, &[user_identity()]).await;
    remove_roles(&client, &principal).await;
    let fault = json!({"method": "GET", "path": "/userAssignedIdentities/", "times": 1, "status": 404});
    change(&emulator, json!({"fault": fault}));
    let results = check(&job_facts(&client, &goal, Timestamp::now()).await);
    for (id, words) in [("identity", "az identity create"), ("synapse-role", "az synapse role assignment create")] {
        let (verdict, text) = found(&results, id);
        assert!(verdict == Missing && text.contains(words), "{id}: {text}");
    }
    client.detach(&compute(), None).await.expect("taken");
    let results = check(&job_facts(&client, &goal, Timestamp::now()).await);
    let (verdict, text) = found(&results, "compute");
    assert!(verdict == Missing && text.contains("does not exist"), "{text}");
    // The principal of a user-assigned identity is known without a compute.
    assert_eq!(found(&results, "datastore-blob-data").0, Met);
}

/// Revokes what the principal has in Synapse.
async fn remove_roles(client: &Client, principal: &str) {
    let all = client.synapse_roles("yogi-synapse-ws", Freshness::Now).await.expect("a list");
    for one in all.iter().filter(|one| one.principal_id == principal).cloned() {
        let request = RoleAssignmentRequest {
            workspace: "yogi-synapse-ws".to_owned(),
            role: one.role_definition_id,
            principal: one.principal_id,
            scope: one.scope,
        };
        client.revoke_role(&one.id, &request, None).await.expect("it is revoked");
    }
}
