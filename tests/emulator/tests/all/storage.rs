//! What a job needs beside its pool: storage accounts, datastores, and the network of a Synapse workspace.

use azure_emulator::Request;
use serde_json::{Value, json};

use crate::support::{CLIENT, GROUP, Lab, SECRET, code, holding, pool, workspace};

pub fn account(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/{name}")
}

pub fn synapse() -> String {
    format!("{GROUP}/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws")
}

fn datastores() -> String {
    format!("{}/datastores", workspace())
}

/// GET with this API version.
pub fn get(lab: &mut Lab, id: &str, version: &str) -> azure_emulator::Answer {
    let mark = if id.contains('?') { '&' } else { '?' };
    lab.send(Request::new("GET", &format!("{id}{mark}api-version={version}")))
}

pub fn seed(lab: &mut Lab, seed: &Value) {
    let answer = lab.control("PUT", "world", seed);
    assert_eq!(answer.status, 200, "{}", answer.body_json());
}

pub fn remove(lab: &mut Lab, id: &str) {
    let answer = lab.control("DELETE", &format!("resource?id={id}"), &Value::Null);
    assert_eq!(answer.status, 200, "{id}: {}", answer.body_json());
}

/// Uses a token for the data plane of Synapse from now on.
fn on_data_plane(lab: &mut Lab) {
    let scope = ("scope", "https://dev.azuresynapse.net/.default");
    let token = lab.token_request(&[("client_id", CLIENT), ("client_secret", SECRET), scope]);
    lab.use_token(&token);
}

#[test]
fn a_storage_account_shows_its_network() {
    let mut lab = Lab::new();
    let open = get(&mut lab, &account("YOGIamlstorage"), "2025-06-01").body_json();
    assert_eq!(open["id"], json!(account("yogiamlstorage")));
    assert_eq!(open["properties"]["publicNetworkAccess"], "Enabled");
    assert_eq!(open["properties"]["networkAcls"]["defaultAction"], "Allow");
    assert_eq!(open["properties"]["primaryEndpoints"]["blob"], "https://yogiamlstorage.blob.core.windows.net/");
    let rule = json!({"tenantId": "t", "resourceId": synapse()});
    let closed = json!({
        "id": account("closed"), "isHnsEnabled": false, "allowSharedKeyAccess": false, "publicNetworkAccess": "Disabled",
        "networkAcls": {"defaultAction": "Deny", "bypass": "None", "resourceAccessRules": [rule]},
        "privateEndpointConnections": [{"name": "pe", "privateEndpoint": "/pe", "status": "Pending"}],
    });
    seed(&mut lab, &json!({"storageAccounts": [closed]}));
    let shown = get(&mut lab, &account("closed"), "2023-05-01").body_json()["properties"].take();
    for (key, expected) in [
        ("publicNetworkAccess", json!("Disabled")),
        ("allowSharedKeyAccess", json!(false)),
        ("isHnsEnabled", json!(false)),
        (
            "networkAcls",
            json!({"defaultAction": "Deny", "bypass": "None", "resourceAccessRules": [rule], "ipRules": [], "virtualNetworkRules": []}),
        ),
    ] {
        assert_eq!(shown[key], expected, "{key}");
    }
    let state = &shown["privateEndpointConnections"][0]["properties"]["privateLinkServiceConnectionState"];
    assert_eq!(state["status"], "Pending");
    remove(&mut lab, &account("closed"));
    assert_eq!(code(&get(&mut lab, &account("closed"), "2023-05-01")), "ResourceNotFound");
    let elsewhere = account("yogiamlstorage").replace("yogi-res-group", "none");
    assert_eq!(code(&get(&mut lab, &elsewhere, "2023-05-01")), "ResourceGroupNotFound");
    assert_eq!(code(&get(&mut lab, &account("yogiamlstorage"), "1999-01-01")), "NoRegisteredProviderFound");
    let written = lab.put(&account("yogiamlstorage"), &json!({}));
    assert_eq!(code(&written), "NoRegisteredProviderFound", "2025-12-01 is no version of it");
}

#[test]
fn a_workspace_has_the_datastores_with_which_azure_creates_it() {
    let mut lab = Lab::new();
    let body = lab.ask("GET", &workspace()).body_json()["properties"].take();
    assert_eq!(body["storageAccount"], json!(account("yogiamlstorage")));
    assert_eq!((&body["publicNetworkAccess"], &body["managedNetwork"]["isolationMode"]), (&json!("Enabled"), &json!("Disabled")));
    let default = lab.ask("GET", &format!("{}?isDefault=true", datastores())).body_json();
    let found = default["value"].as_array().expect("a list");
    assert_eq!((found.len(), found[0]["name"].as_str()), (1, Some("workspaceblobstore")));
    let container = format!("azureml-blobstore-{}", body["workspaceId"].as_str().expect("a GUID"));
    assert_eq!(
        found[0]["properties"],
        json!({
            "description": null, "tags": {}, "properties": null, "isDefault": true,
            "credentials": {"credentialsType": "AccountKey"},
            "datastoreType": "AzureBlob", "accountName": "yogiamlstorage", "containerName": container,
            "endpoint": "core.windows.net", "protocol": "https", "resourceGroup": "yogi-res-group",
            "subscriptionId": "6560575d-fa06-4e7d-95fb-f962e74efd7a", "serviceDataAccessAuthIdentity": "None",
        })
    );
    assert_eq!(lab.ask("GET", &format!("{}/WorkspaceBlobStore", datastores())).body_json(), found[0]);
    assert_eq!(code(&lab.ask("GET", &format!("{}/none", datastores()))), "ResourceNotFound");
    let nowhere = datastores().replace("yogi-aml-ws", "none");
    assert_eq!(code(&lab.ask("GET", &nowhere)), "ParentResourceNotFound");
    assert_eq!(code(&lab.ask("GET", &format!("{}?isDefault=yes", datastores()))), "UserError");
}

#[test]
fn the_filter_of_datastores_holds_on_each_page() {
    let mut lab = Lab::new();
    lab.set(&json!({"pageSize": 1}));
    let other = json!({
        "id": format!("{}/lake", datastores()), "isDefault": true, "datastoreType": "AzureDataLakeGen2",
        "storageAccount": account("yogisynapselake"), "container": "data", "credentialsType": "None",
    });
    seed(&mut lab, &json!({"datastores": [other]}));
    let (mut target, mut names) = (format!("{}?api-version=2025-06-01&isDefault=false", datastores()), Vec::new());
    loop {
        let body = lab.send(Request::new("GET", &target)).body_json();
        names.extend(body["value"].as_array().expect("a page").iter().map(|one| one["name"].clone()));
        match body["nextLink"].as_str() {
            Some(next) => next.strip_prefix("https://arm.test").expect("on the same host").clone_into(&mut target),
            None => break,
        }
    }
    let expected = ["workspaceartifactstore", "workspaceblobstore", "workspacefilestore", "workspaceworkingdirectory"];
    assert_eq!(names, expected, "a workspace has one default datastore");
    let lake = lab.ask("GET", &format!("{}?isDefault=true", datastores())).body_json()["value"][0]["properties"].take();
    assert_eq!((&lake["filesystem"], &lake["credentials"]), (&json!("data"), &json!({"credentialsType": "None"})));
}

#[test]
fn a_synapse_workspace_shows_its_storage_and_its_network() {
    let mut lab = Lab::new();
    let body = lab.ask("GET", &synapse()).body_json()["properties"].take();
    assert_eq!(
        body["defaultDataLakeStorage"],
        json!({
            "accountUrl": "https://yogisynapselake.dfs.core.windows.net", "filesystem": "synapse",
            "resourceId": account("yogisynapselake"), "createManagedPrivateEndpoint": false,
        })
    );
    assert!(body["managedVirtualNetwork"].is_null() && body["publicNetworkAccess"] == "Enabled", "{body}");
    let closed = json!({
        "id": synapse(), "managedVirtualNetwork": "default", "preventDataExfiltration": true, "publicNetworkAccess": "Disabled",
    });
    seed(&mut lab, &json!({"synapseWorkspaces": [closed]}));
    let body = lab.ask("GET", &synapse()).body_json()["properties"].take();
    assert_eq!((&body["managedVirtualNetwork"], &body["publicNetworkAccess"]), (&json!("default"), &json!("Disabled")));
    assert_eq!(body["managedVirtualNetworkSettings"]["preventDataExfiltration"], true);
    assert!(body["defaultDataLakeStorage"].is_null(), "the seed replaced it");
    let rules = format!("{}/firewallRules", synapse());
    let rule = lab.ask("GET", &rules).body_json()["value"][0].take();
    assert_eq!(rule["id"], json!(format!("{rules}/allowAll")));
    assert_eq!(rule["properties"]["endIpAddress"], "255.255.255.255");
    remove(&mut lab, &format!("{rules}/allowAll"));
    assert_eq!(lab.ask("GET", &rules).body_json(), json!({"value": []}));
    assert_eq!(code(&lab.ask("GET", &rules.replace("yogi-synapse-ws", "none"))), "ParentResourceNotFound");
}

#[test]
fn managed_private_endpoints_are_on_the_data_plane() {
    let mut lab = Lab::new();
    let network = format!("{}/managedVirtualNetworks/default/managedPrivateEndpoints", synapse());
    let path = "/synapse/yogi-synapse-ws/managedVirtualNetworks/default/managedPrivateEndpoints";
    on_data_plane(&mut lab);
    assert_eq!(code(&get(&mut lab, path, "2020-12-01")), "ManagedVirtualNetworkNotFound");
    let one = |name: &str, status: &str| json!({"id": format!("{network}/{name}"), "privateLinkResourceId": account(name), "groupId": "dfs", "status": status});
    seed(
        &mut lab,
        &json!({
            "synapseWorkspaces": [{"id": synapse(), "managedVirtualNetwork": "default"}],
            "managedPrivateEndpoints": [one("first", "Approved"), one("second", "Pending")],
        }),
    );
    let all = get(&mut lab, path, "2020-12-01").body_json();
    assert_eq!((all["value"].as_array().map(Vec::len), &all["nextLink"]), (Some(2), &json!("")));
    assert_eq!(
        all["value"][1]["properties"],
        json!({
            "privateLinkResourceId": account("second"), "groupId": "dfs", "provisioningState": "Succeeded", "isReserved": false,
            "connectionState": {"status": "Pending", "description": "", "actionsRequired": ""},
        })
    );
    assert_eq!(get(&mut lab, &format!("{path}/SECOND"), "2020-12-01").body_json(), all["value"][1]);
    lab.set(&json!({"pageSize": 1}));
    let next = get(&mut lab, path, "2020-12-01").body_json()["nextLink"].take();
    let next = next.as_str().and_then(|n| n.strip_prefix("https://arm.test")).expect("a link").to_owned();
    let second = lab.send(Request::new("GET", &next)).body_json();
    assert_eq!((&second["value"][0], &second["nextLink"]), (&all["value"][1], &json!("")));
    remove(&mut lab, &format!("{network}/second"));
    assert_eq!(code(&get(&mut lab, &format!("{path}/second"), "2020-12-01")), "ManagedPrivateEndpointNotFound");
    assert_eq!(lab.send(Request::new("PUT", &format!("{path}/x?api-version=2020-12-01"))).status, 405);
}

#[test]
fn managed_private_endpoints_need_the_permission_to_read_the_workspace() {
    let path = "/synapse/yogi-synapse-ws/managedVirtualNetworks/default/managedPrivateEndpoints";
    for (action, expected) in
        [("Microsoft.Synapse/workspaces/read", 200), ("Microsoft.Synapse/workspaces/bigDataPools/read", 403)]
    {
        let mut lab = holding(&json!([{"scope": GROUP, "actions": [action]}]));
        seed(&mut lab, &json!({"synapseWorkspaces": [{"id": synapse(), "managedVirtualNetwork": "default"}]}));
        on_data_plane(&mut lab);
        assert_eq!(get(&mut lab, path, "2020-12-01").status, expected, "{action}");
    }
}

#[test]
fn reads_need_the_permission_of_their_type() {
    let cases = [
        ("Microsoft.Storage/storageAccounts/read", vec![account("yogiamlstorage")], "2023-05-01"),
        (
            "Microsoft.MachineLearningServices/workspaces/datastores/read",
            vec![datastores(), format!("{}/workspaceblobstore", datastores())],
            "2025-06-01",
        ),
        ("Microsoft.Synapse/workspaces/firewallRules/read", vec![format!("{}/firewallRules", synapse())], "2021-06-01"),
        (
            "Microsoft.Authorization/roleAssignments/read",
            vec![format!("{}/providers/Microsoft.Authorization/roleAssignments", account("yogiamlstorage"))],
            "2022-04-01",
        ),
        (
            "Microsoft.Authorization/roleDefinitions/read",
            vec![format!("{}/providers/Microsoft.Authorization/roleDefinitions", pool("yogisparkpool"))],
            "2022-04-01",
        ),
    ];
    for (action, _, _) in &cases {
        let mut lab = holding(&json!([{"scope": GROUP, "actions": [action]}]));
        for (needed, paths, version) in &cases {
            for path in paths {
                let expected = if needed == action { (200, "") } else { (403, "AuthorizationFailed") };
                let answer = get(&mut lab, path, version);
                assert_eq!((answer.status, code(&answer).as_str()), expected, "{action} {path}");
            }
        }
    }
}

#[test]
fn all_of_it_is_shown_as_a_seed() {
    let mut lab = Lab::new();
    let keys = [
        "storageAccounts",
        "datastores",
        "synapseWorkspaces",
        "firewallRules",
        "managedPrivateEndpoints",
        "managementGroups",
        "groups",
        "azureRoles",
        "azureRoleAssignments",
    ];
    let network = format!("{}/managedVirtualNetworks/default/managedPrivateEndpoints", synapse());
    let role =
        json!({"id": "aaaaaaaa-0000-4000-8000-000000000009", "roleName": "Own", "assignableScopes": [GROUP], "permissions": []});
    seed(
        &mut lab,
        &json!({
            "managedPrivateEndpoints": [{"id": format!("{network}/pe"), "privateLinkResourceId": "/x", "groupId": "blob", "status": "Approved"}],
            "managementGroups": [{"id": "/providers/Microsoft.Management/managementGroups/root"}],
            "azureRoles": [role],
        }),
    );
    let shown = lab.control("GET", "world", &Value::Null).body_json();
    let seed_of: Value =
        keys.iter().map(|key| ((*key).to_owned(), shown[*key].clone())).collect::<serde_json::Map<_, _>>().into();
    let mut other = Lab::with(
        azure_emulator::Seed::from_json(json!({
            "principals": [{"tenantId": crate::support::TENANT, "clientId": CLIENT, "objectId": "o", "secret": SECRET}]
        }))
        .expect("a seed"),
    );
    seed(&mut other, &seed_of);
    let again = other.control("GET", "world", &Value::Null).body_json();
    for key in keys {
        assert!(shown[key].as_array().is_some_and(|all| !all.is_empty()), "{key}");
        assert_eq!(again[key], shown[key], "{key}");
    }
    for (key, id) in [
        ("groups", "/groups/77777777-2222-3333-4444-555555555555".to_owned()),
        ("managementGroups", "/providers/Microsoft.Management/managementGroups/root".to_owned()),
        ("azureRoles", format!("{GROUP}/providers/Microsoft.Authorization/roleDefinitions/aaaaaaaa-0000-4000-8000-000000000009")),
        ("managedPrivateEndpoints", format!("{network}/pe")),
    ] {
        remove(&mut lab, &id);
        assert_eq!(lab.control("GET", "world", &Value::Null).body_json()[key], json!([]), "{key}");
    }
}
