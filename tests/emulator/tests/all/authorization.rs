//! Azure's own roles: who holds which, where.

use azure_emulator::Answer;
use serde_json::{Value, json};

use crate::storage::{account, get, remove, seed};
use crate::support::{GROUP, Lab, code, compute, holding, pool, spark};

const SUBSCRIPTION: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a";
const ROOT: &str = "/providers/Microsoft.Management/managementGroups/root";
const TEAM: &str = "/providers/Microsoft.Management/managementGroups/team";
const SOMEBODY: &str = "11111111-aaaa-4bbb-8ccc-000000000001";
const ANOTHER: &str = "11111111-aaaa-4bbb-8ccc-000000000002";
const INNER: &str = "22222222-aaaa-4bbb-8ccc-000000000001";
const OUTER: &str = "22222222-aaaa-4bbb-8ccc-000000000002";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

/// A role assignment whose GUID ends with a number.
fn assigned(number: u32, scope: &str, principal: &str) -> Value {
    json!({"id": format!("aaaaaaaa-0000-4000-8000-0000000000{number:02}"), "scope": scope, "roleId": "Reader", "principalId": principal})
}

/// Assignments at each level, of a principal and of a group in which it is through another group.
fn lab() -> Lab {
    let mut lab = Lab::new();
    for number in [1, 2] {
        remove(
            &mut lab,
            &format!("{GROUP}/providers/Microsoft.Authorization/roleAssignments/5f3d0f6e-0000-4000-8000-00000000000{number}"),
        );
    }
    let container = format!("{}/blobServices/default/containers/c", account("yogiamlstorage"));
    seed(
        &mut lab,
        &json!({
            "managementGroups": [{"id": ROOT}, {"id": TEAM, "parent": ROOT, "subscriptions": [SUBSCRIPTION]}],
            "groups": [{"objectId": INNER, "members": [SOMEBODY]}, {"objectId": OUTER, "members": [INNER]}],
            "azureRoleAssignments": [
                assigned(0, "/", SOMEBODY), assigned(1, ROOT, SOMEBODY), assigned(2, TEAM, OUTER), assigned(3, SUBSCRIPTION, SOMEBODY),
                assigned(4, GROUP, ANOTHER), assigned(5, &account("yogiamlstorage"), SOMEBODY), assigned(6, &container, INNER),
                assigned(7, &account("yogisynapselake"), SOMEBODY),
            ],
        }),
    );
    lab
}

fn list(lab: &mut Lab, scope: &str, filter: &str) -> Answer {
    let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    let query = if filter.is_empty() { String::new() } else { format!("?$filter={query}") };
    get(lab, &format!("{scope}/providers/Microsoft.Authorization/roleAssignments{query}"), "2022-04-01")
}

/// The last digits of the GUIDs that a LIST shows, in order.
fn numbers(lab: &mut Lab, scope: &str, filter: &str) -> Vec<u32> {
    let body = list(lab, scope, filter).body_json();
    let of = |one: &Value| one["name"].as_str().and_then(|name| name[34..].parse::<u32>().ok());
    let mut found: Vec<u32> = body["value"].as_array().unwrap_or_else(|| panic!("{body}")).iter().filter_map(of).collect();
    found.sort_unstable();
    found
}

#[test]
fn a_filter_selects_the_levels_and_the_principal() {
    let mut lab = lab();
    let storage = account("yogiamlstorage");
    let of = |words: &str, principal: &str| words.replace("ID", principal);
    let (both, assigned, own) = ("atScope() and assignedTo('ID')", "assignedTo('ID')", "principalId eq 'ID'");
    for (scope, filter, expected) in [
        (storage.as_str(), String::new(), vec![0, 1, 2, 3, 4, 5, 6]),
        (storage.as_str(), "atScope()".into(), vec![0, 1, 2, 3, 4, 5]),
        (storage.as_str(), of(assigned, SOMEBODY), vec![0, 1, 2, 3, 5, 6]),
        (storage.as_str(), of(both, SOMEBODY), vec![0, 1, 2, 3, 5]),
        (storage.as_str(), of(own, SOMEBODY), vec![0, 1, 3, 5]),
        (storage.as_str(), of(own, &SOMEBODY.to_uppercase()), vec![0, 1, 3, 5]),
        (storage.as_str(), of(own, OUTER), vec![2]),
        (storage.as_str(), of(both, ANOTHER), vec![4]),
        (SUBSCRIPTION, of(both, SOMEBODY), vec![0, 1, 2, 3]),
        (SUBSCRIPTION, of(own, SOMEBODY), vec![0, 1, 3, 5, 7]),
        (GROUP, of(own, ANOTHER), vec![4]),
    ] {
        assert_eq!(numbers(&mut lab, scope, &filter), expected, "{scope} {filter}");
    }
    for filter in [format!("principalId eq {SOMEBODY}"), of("atScope() and principalId eq 'ID'", SOMEBODY)] {
        let refused = list(&mut lab, &storage, &filter);
        assert_eq!((refused.status, code(&refused).as_str()), (400, "UnsupportedQuery"), "{filter}");
        assert!(refused.body_json()["error"]["message"].as_str().is_some_and(|text| text.contains(&filter)), "{filter}");
    }
    assert_eq!(code(&list(&mut lab, &format!("{SUBSCRIPTION}/resourceGroups/none"), "")), "ResourceGroupNotFound");
    assert_eq!(code(&list(&mut lab, "/subscriptions/none", "")), "SubscriptionNotFound");
}

#[test]
fn an_assignment_names_its_scope_its_role_and_its_principal() {
    let mut lab = lab();
    let storage = account("yogiamlstorage");
    let body = list(&mut lab, &storage, &format!("principalId eq '{OUTER}'")).body_json()["value"][0].take();
    let at_group = format!("{TEAM}/providers/Microsoft.Authorization/roleAssignments/aaaaaaaa-0000-4000-8000-000000000002");
    assert_eq!((&body["id"], &body["type"]), (&json!(at_group), &json!("Microsoft.Authorization/roleAssignments")));
    let properties = &body["properties"];
    assert_eq!((&properties["scope"], &properties["principalType"]), (&json!(TEAM), &json!("Group")));
    let role = properties["roleDefinitionId"].as_str().expect("an ID").to_owned();
    assert_eq!(role, format!("/providers/Microsoft.Authorization/roleDefinitions/{READER}"));
    assert_eq!(get(&mut lab, &role, "2022-04-01").body_json()["properties"]["roleName"], "Reader");

    let own = format!("{storage}/providers/Microsoft.Authorization/roleAssignments/AAAAAAAA-0000-4000-8000-000000000005");
    let body = get(&mut lab, &own, "2022-04-01").body_json();
    let role = body["properties"]["roleDefinitionId"].as_str().expect("an ID").to_owned();
    assert_eq!(role, format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{READER}"));
    assert_eq!(get(&mut lab, &role, "2022-04-01").body_json()["id"], json!(role));
    remove(&mut lab, &own);
    assert_eq!(code(&get(&mut lab, &own, "2022-04-01")), "RoleAssignmentNotFound");
    assert!(!numbers(&mut lab, &storage, "atScope()").contains(&5));
}

#[test]
fn assignments_come_in_pages_with_the_filter() {
    let mut lab = lab();
    lab.set(&json!({"pageSize": 2}));
    let filter = format!("principalId eq '{SOMEBODY}'");
    let first = list(&mut lab, &account("yogiamlstorage"), &filter).body_json();
    let next = first["nextLink"].as_str().and_then(|link| link.strip_prefix("https://arm.test")).expect("a link").to_owned();
    assert!(next.contains("$skipToken="), "{next}");
    let second = lab.send(azure_emulator::Request::new("GET", &next)).body_json();
    let all: Vec<&Value> = [&first, &second].iter().flat_map(|page| page["value"].as_array().expect("a page")).collect();
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|one| one["properties"]["principalId"] == SOMEBODY) && second.get("nextLink").is_none(), "{all:?}");
}

#[test]
fn roles_are_built_in_or_of_the_scopes_where_they_can_be_assigned() {
    let mut lab = lab();
    let own = json!({
        "id": "bbbbbbbb-0000-4000-8000-000000000001", "roleName": "Blob user", "assignableScopes": [GROUP],
        "permissions": [{"dataActions": ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"]}],
    });
    seed(&mut lab, &json!({"azureRoles": [own]}));
    let mut names = |scope: &str, filter: &str| {
        let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let path = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions?$filter={query}");
        let body = get(&mut lab, &path, "2022-04-01").body_json();
        let all =
            body["value"].as_array().map(|all| all.iter().map(|one| one["properties"]["roleName"].clone()).collect::<Vec<_>>());
        (all.unwrap_or_default(), body["error"]["code"].clone())
    };
    assert_eq!(names(SUBSCRIPTION, "").0.len(), 6);
    assert_eq!(names(&account("yogiamlstorage"), "").0.len(), 7);
    assert_eq!(names(SUBSCRIPTION, "atScopeAndBelow()").0.len(), 7);
    assert_eq!(names(GROUP, "type eq 'CustomRole'").0, ["Blob user"]);
    assert_eq!(names(GROUP, "roleName eq 'Contributor'").0, ["Contributor"]);
    assert_eq!(names(GROUP, "roleName eq 'contributor'").0, [""; 0]);
    assert_eq!(names(GROUP, "description eq 'x'").1, "UnsupportedQuery");
    let definition = |scope: &str, guid: &str| format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{guid}");
    let contributor = get(&mut lab, &definition(GROUP, "ba92f5b4-2d11-453d-a403-e96b0029c9fe"), "2022-04-01").body_json();
    assert_eq!(contributor["properties"]["roleName"], "Storage Blob Data Contributor");
    assert_eq!(contributor["properties"]["type"], "BuiltInRole");
    let data = contributor["properties"]["permissions"][0]["dataActions"].as_array().expect("a list").clone();
    assert!(data.contains(&json!("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write")));
    for scope in [SUBSCRIPTION, ""] {
        let missing = get(&mut lab, &definition(scope, "bbbbbbbb-0000-4000-8000-000000000001"), "2022-04-01");
        assert_eq!((missing.status, code(&missing).as_str()), (404, "RoleDefinitionDoesNotExist"), "not assignable at {scope:?}");
    }
}

#[test]
fn a_seed_of_roles_is_checked() {
    let mut lab = Lab::new();
    for (key, wrong) in [
        ("azureRoleAssignments", json!({"scope": GROUP, "roleId": "No such role", "principalId": SOMEBODY})),
        ("azureRoleAssignments", json!({"scope": TEAM, "roleId": "Reader", "principalId": SOMEBODY})),
        ("azureRoleAssignments", json!({"scope": "yogi", "roleId": "Reader", "principalId": SOMEBODY})),
        ("azureRoles", json!({"id": READER, "roleName": "Mine", "assignableScopes": ["/"], "permissions": []})),
        ("azureRoles", json!({"id": "mine", "roleName": "Mine", "assignableScopes": ["/"], "permissions": []})),
        ("managementGroups", json!({"id": "/providers/root"})),
    ] {
        assert_eq!(lab.control("PUT", "world", &json!({key: [wrong]})).status, 400, "{wrong}");
    }
}

#[test]
fn the_group_of_the_default_seed_has_the_identities_of_computes() {
    let mut lab = Lab::new();
    let mut wanted = spark(&pool("yogisparkpool"));
    wanted["identity"] = json!({"type": "SystemAssigned"});
    let principal = lab.attached("spark", &wanted)["identity"]["principalId"].as_str().expect("its own").to_owned();
    let filter = format!("atScope() and assignedTo('{principal}')");
    let roles = |lab: &mut Lab| list(lab, &account("yogiamlstorage"), &filter).body_json()["value"].as_array().map(Vec::len);
    assert_eq!(roles(&mut lab), Some(2));
    assert_eq!(numbers(&mut lab, &account("yogiamlstorage"), &format!("principalId eq '{principal}'")), [0_u32; 0]);
    remove(&mut lab, &compute("spark"));
    assert_eq!(roles(&mut lab), Some(0), "its identity is gone");
}

#[test]
fn a_right_on_a_subscription_is_none_on_the_tenant() {
    let mut lab = holding(&json!([{"scope": SUBSCRIPTION, "actions": ["*/read"]}]));
    let path = format!("/providers/Microsoft.Authorization/roleDefinitions/{READER}");
    assert_eq!(code(&get(&mut lab, &path, "2022-04-01")), "AuthorizationFailed");
    assert_eq!(get(&mut lab, &format!("{SUBSCRIPTION}{path}"), "2022-04-01").status, 200);
}
