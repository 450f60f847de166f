//! The storage that a job needs: roles on it, and a way to it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::job_identities::sender;
use crate::jobs::{able, end, job, principal, standalone};
use crate::pipelines::pipeline;
use crate::storage::{account, remove, seed, synapse};
use crate::support::{GROUP, Lab, compute, workspace};

const GRANTS: &str = "/providers/Microsoft.Authorization/roleAssignments/5f3d0f6e-0000-4000-8000-000000000002";
const NO_ROLE: &str = "This request is not authorized to perform this operation using this permission.";
const NO_WAY: &str = "This request is not authorized to perform this operation.\"";
const SUBSCRIPTION: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a";
const ROOT: &str = "/providers/Microsoft.Management/managementGroups/root";

/// A lab whose compute may run on its pool, and has no role on storage; and the principal of the compute.
fn without_storage() -> (Lab, String) {
    let mut lab = able();
    remove(&mut lab, &format!("{GROUP}{GRANTS}"));
    let principal = principal(&mut lab);
    (lab, principal)
}

/// Expects a job to complete, or to fail with these words.
fn expect(lab: &mut Lab, name: &str, body: &Value, words: &[&str]) {
    let (ended, error) = end(lab, name, body);
    assert_eq!(ended, if words.is_empty() { "Completed" } else { "Failed" }, "{name}: {error}");
    assert!(words.iter().all(|word| error.contains(word)), "{name}: {error}");
}

fn container(account: &str, name: &str) -> String {
    format!("{}/blobServices/default/containers/{name}", self::account(account))
}

#[test]
fn a_role_with_reads_and_writes_of_blobs_counts_where_it_is_at_or_above_the_container() {
    let blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
    let (mut lab, _) = without_storage();
    let datastore = lab.ask("GET", &format!("{}/datastores/workspaceblobstore", workspace())).body_json();
    let own = datastore["properties"]["containerName"].as_str().expect("a container").to_owned();
    let (aml, lake) = (account("yogiamlstorage"), account("yogisynapselake"));
    let both = |role: &str| vec![(role.to_owned(), aml.clone()), (role.to_owned(), lake.clone())];
    let at = |role: &str, scope: &str| vec![(role.to_owned(), scope.to_owned())];
    let reader = "Storage Blob Data Reader";
    let contributor = "Storage Blob Data Contributor";
    for (held, words) in [
        (vec![], vec!["AuthorizationPermissionMismatch", NO_ROLE, "https://yogiamlstorage.dfs.core.windows.net/"]),
        (both(contributor), vec![]),
        (both("Storage Blob Data Owner"), vec![]),
        (both(reader), vec![NO_ROLE]),
        (both("Owner"), vec![NO_ROLE]),
        (at(contributor, &aml), vec![NO_ROLE, "https://yogisynapselake.dfs.core.windows.net/synapse"]),
        (at(contributor, &lake), vec![NO_ROLE, "yogiamlstorage"]),
        (at(contributor, GROUP), vec![]),
        (at(contributor, SUBSCRIPTION), vec![]),
        (at(contributor, ROOT), vec![]),
        (at(contributor, "/"), vec![]),
        (at(contributor, &format!("{GROUP}2")), vec![NO_ROLE]),
        (
            vec![
                (contributor.into(), container("yogiamlstorage", &own)),
                (contributor.into(), container("yogisynapselake", "synapse")),
            ],
            vec![],
        ),
        (vec![(contributor.into(), container("yogiamlstorage", "other")), (contributor.into(), lake.clone())], vec![NO_ROLE]),
        (at("Blobs", GROUP), vec![]),
        (at("Not written", GROUP), vec![NO_ROLE]),
        (vec![("Not written".into(), GROUP.into()), ("Writes".into(), GROUP.into())], vec![]),
    ] {
        let (mut lab, principal) = without_storage();
        let role = |number: u32, name: &str, permission: Value| json!({"id": format!("bbbbbbbb-0000-4000-8000-00000000000{number}"), "roleName": name, "assignableScopes": ["/"], "permissions": [permission]});
        let assigned = |(role, scope): &(String, String)| json!({"scope": scope, "roleId": role, "principalId": principal});
        seed(
            &mut lab,
            &json!({
                "managementGroups": [{"id": ROOT, "subscriptions": [SUBSCRIPTION]}],
                "azureRoles": [
                    role(1, "Blobs", json!({"dataActions": [format!("{blobs}/*")]})),
                    role(2, "Not written", json!({"dataActions": [format!("{blobs}/*")], "notDataActions": [format!("{blobs}/write")]})),
                    role(3, "Writes", json!({"dataActions": [format!("{blobs}/write")]})),
                ],
                "azureRoleAssignments": held.iter().map(assigned).collect::<Vec<_>>(),
            }),
        );
        let name: String = format!("{held:?}").chars().filter(char::is_ascii_alphanumeric).collect();
        expect(&mut lab, &format!("a{name}"), &standalone(), &words);
    }
}

#[test]
fn an_assignment_with_a_condition_does_not_count() {
    let (mut lab, principal) = without_storage();
    let held = |condition: Value| {
        json!({"azureRoleAssignments": [{"id": "aaaaaaaa-0000-4000-8000-000000000001", "scope": GROUP,
            "roleId": "Storage Blob Data Contributor", "principalId": principal, "condition": condition}]})
    };
    seed(&mut lab, &held(json!("@Resource[x] StringEquals 'y'")));
    expect(&mut lab, "conditional", &standalone(), &[NO_ROLE]);
    seed(&mut lab, &held(Value::Null));
    expect(&mut lab, "unconditional", &standalone(), &[]);
}

#[test]
fn closed_storage_needs_an_approved_managed_private_endpoint() {
    let closed = |key: &str, value: Value| json!({"id": account("yogisynapselake"), key: value});
    let disabled = closed("publicNetworkAccess", json!("Disabled"));
    let denied = closed("networkAcls", json!({"defaultAction": "Deny", "resourceAccessRules": [{"resourceId": synapse()}]}));
    let endpoint = |to: &str, group: &str, status: &str, state: &str| {
        json!({"id": format!("{}/managedVirtualNetworks/default/managedPrivateEndpoints/pe", synapse()),
            "privateLinkResourceId": account(to), "groupId": group, "status": status, "provisioningState": state})
    };
    let lake = "yogisynapselake";
    let no_way = vec!["AuthorizationFailure", NO_WAY, "https://yogisynapselake.dfs.core.windows.net/synapse"];
    let cases = [
        (&disabled, false, None, no_way.clone()),
        (&denied, false, None, no_way.clone()),
        (&disabled, true, None, no_way.clone()),
        (&disabled, false, Some(endpoint(lake, "dfs", "Approved", "Succeeded")), no_way.clone()),
        (&disabled, true, Some(endpoint(lake, "dfs", "Approved", "Succeeded")), vec![]),
        (&denied, true, Some(endpoint(&lake.to_uppercase(), "blob", "Approved", "Succeeded")), vec![]),
        (&disabled, true, Some(endpoint(lake, "dfs", "Pending", "Succeeded")), no_way.clone()),
        (&disabled, true, Some(endpoint(lake, "dfs", "Approved", "Provisioning")), no_way.clone()),
        (&disabled, true, Some(endpoint(lake, "file", "Approved", "Succeeded")), no_way.clone()),
        (&disabled, true, Some(endpoint("yogiamlstorage", "dfs", "Approved", "Succeeded")), no_way.clone()),
    ];
    for (number, (storage, is_managed, endpoint, words)) in cases.into_iter().enumerate() {
        let mut lab = able();
        let mut workspace =
            json!({"id": synapse(), "defaultDataLakeStorage": {"resourceId": account(lake), "filesystem": "synapse"}});
        if is_managed {
            workspace["managedVirtualNetwork"] = json!("default");
        }
        let endpoints: Vec<Value> = endpoint.into_iter().collect();
        seed(
            &mut lab,
            &json!({"storageAccounts": [storage], "synapseWorkspaces": [workspace], "managedPrivateEndpoints": endpoints}),
        );
        expect(&mut lab, &format!("case-{number}"), &standalone(), &words);
    }
}

#[test]
fn data_exfiltration_protection_is_not_supported() {
    let mut lab = able();
    let workspace = json!({"id": synapse(), "managedVirtualNetwork": "default", "preventDataExfiltration": true});
    seed(&mut lab, &json!({"synapseWorkspaces": [workspace]}));
    expect(&mut lab, "one", &standalone(), &["yogi-synapse-ws", "data exfiltration protection"]);
}

#[test]
fn storage_that_is_gone_is_reported() {
    let mut lab = able();
    remove(&mut lab, &account("yogiamlstorage"));
    expect(&mut lab, "gone", &standalone(), &["yogiamlstorage", "was not found"]);
    let mut lab = able();
    let mut body = standalone();
    body["properties"]["inputs"]["in1"]["uri"] = json!("azureml://datastores/d/paths/x.csv");
    expect(&mut lab, "unknown", &body, &["'d'", "was not found"]);
}

#[test]
fn inputs_outputs_and_code_elsewhere_are_checked_too() {
    let mut lab = able();
    let other = |name: &str| format!("/subscriptions/0a/resourceGroups/far/providers/Microsoft.Storage/storageAccounts/{name}");
    seed(&mut lab, &json!({"storageAccounts": [{"id": other("farstorage")}]}));
    let datastore =
        json!({"id": format!("{}/datastores/far", workspace()), "storageAccount": other("farstorage"), "container": "c"});
    seed(&mut lab, &json!({"datastores": [datastore]}));
    let long =
        format!("azureml:/{}/datastores/far/paths/x", workspace().replace("/providers/Microsoft.MachineLearningServices", ""));
    let far = [NO_ROLE, "https://farstorage.dfs.core.windows.net/c"];
    for (number, (uri, words)) in [
        ("azureml://datastores/far/paths/x", &far[..]),
        (&long, &far[..]),
        ("abfss://c@farstorage.dfs.core.windows.net/x", &far[..]),
        ("wasbs://c@FARstorage.blob.core.windows.net/x", &far[..]),
        ("https://farstorage.blob.core.windows.net/c/x", &far[..]),
        ("abfss://c@outsidetheworld.dfs.core.windows.net/x", &[]),
        ("https://example.org/x.csv", &[]),
    ]
    .into_iter()
    .enumerate()
    {
        for port in ["inputs", "outputs"] {
            let mut body = standalone();
            body["properties"][port] = json!({"a": {"uri": uri, "mode": "Direct"}});
            expect(&mut lab, &format!("{port}-{number}"), &body, words);
        }
    }
    let code = json!({"properties": {"codeUri": "https://farstorage.blob.core.windows.net/c/code"}});
    assert_eq!(lab.put(&format!("{}/codes/c/versions/1", workspace()), &code).status, 201);
    expect(&mut lab, "code", &standalone(), &far);
    // A step has its code in its component.
    let component = json!({"properties": {"componentSpec": {"code": format!("azureml:{}/codes/c/versions/1", workspace())}}});
    let mut body = pipeline(&mut lab);
    assert_eq!(lab.put(&format!("{}/components/azureml_anonymous/versions/spark", workspace()), &component).status, 200);
    assert_eq!(lab.put(&job("steps"), &body.take()).status, 201);
    lab.pass(Duration::from_secs(30));
    let shown = lab.ask("GET", &job("steps")).body_json()["properties"].take();
    assert!(shown["properties"]["error"].as_str().is_some_and(|error| error.contains(far[1])), "{shown}");
}

#[test]
fn a_step_needs_the_storage_of_the_pipelines_inputs() {
    let mut lab = able();
    let mut body = pipeline(&mut lab);
    let csv = |path: &str| json!({"csv": {"jobInputType": "uri_file", "uri": path, "mode": "Direct"}});
    body["properties"]["inputs"] = csv("azureml://datastores/workspaceblobstore/paths/x.csv");
    body["properties"]["jobs"]["prep"]["inputs"] =
        json!({"in1": {"job_input_type": "literal", "value": "${{parent.inputs.csv}}"}});
    assert_eq!(lab.put(&job("good"), &body).status, 201);
    body["properties"]["inputs"] = csv("azureml://datastores/d/paths/x.csv");
    assert_eq!(lab.put(&job("bad"), &body).status, 201);
    lab.pass(Duration::from_secs(30));
    let shown = |lab: &mut Lab, name: &str| lab.ask("GET", &job(name)).body_json()["properties"].take();
    assert_eq!(shown(&mut lab, "good")["status"], "Completed");
    let bad = shown(&mut lab, "bad");
    assert!(bad["status"] == "Failed" && bad["properties"]["error"].as_str().is_some_and(|e| e.contains("'d'")), "{bad}");
}

#[test]
fn a_job_that_runs_as_its_sender_needs_the_senders_roles() {
    let mut lab = able();
    let mut body = standalone();
    body["properties"]["identity"] = json!({"identityType": "UserIdentity"});
    expect(&mut lab, "unlimited", &body, &[]);
    sender(&mut lab, &json!([{"scope": GROUP, "actions": ["*"]}]));
    expect(&mut lab, "limited", &body, &[NO_ROLE]);
    let held = json!({"scope": GROUP, "roleId": "Storage Blob Data Contributor", "principalId": crate::support::OBJECT});
    seed(&mut lab, &json!({"azureRoleAssignments": [held]}));
    expect(&mut lab, "granted", &body, &[]);
}

#[test]
fn a_workspace_without_storage_in_the_seed_needs_no_role() {
    let mut lab = able();
    remove(&mut lab, &format!("{GROUP}{GRANTS}"));
    for name in ["workspaceblobstore", "workspaceartifactstore", "workspacefilestore", "workspaceworkingdirectory"] {
        remove(&mut lab, &format!("{}/datastores/{name}", workspace()));
    }
    expect(&mut lab, "lake", &standalone(), &["yogisynapselake"]);
    seed(&mut lab, &json!({"synapseWorkspaces": [{"id": synapse()}]}));
    expect(&mut lab, "none", &standalone(), &[]);
    assert_eq!(lab.ask("GET", &compute("spark")).status, 200);
}
