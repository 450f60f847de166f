//! Synapse's roles, through the data plane of a workspace.

use std::time::Duration;

use azure_emulator::{Answer, Connection, Request};
use serde_json::{Value, json};

use crate::support::{CLIENT, GROUP, Lab, OBJECT, SECRET, code, fixture, holding, workspace};

const ADMINISTRATOR: &str = "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78";
const OPERATOR: &str = "e3844cc7-4670-42cb-9349-9bdac1ee7881";
const SPARK: &str = "c3a6d2f1-a26f-4810-9b0f-591308d5cbf1";
const SOMEBODY: &str = "11111111-aaaa-4bbb-8ccc-000000000001";
const POOL: &str = "workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool";
const WHOLE: &str = "workspaces/yogi-synapse-ws";

fn synapse() -> String {
    format!("{GROUP}/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws")
}

fn guid(n: u32) -> String {
    format!("aaaaaaaa-0000-4000-8000-{n:012}")
}

/// With a token for the data plane.
fn logged_in(mut lab: Lab) -> Lab {
    let scope = ("scope", "https://dev.azuresynapse.net/.default");
    let token = lab.token_request(&[("client_id", CLIENT), ("client_secret", SECRET), scope]);
    lab.use_token(&token);
    // The principals here are only names.
    lab.set(&json!({"absentAssignee": "accept"}));
    lab
}

fn send(lab: &mut Lab, method: &str, path: &str, body: &Value) -> Answer {
    let mark = if path.contains('?') { '&' } else { '?' };
    let request = Request::new(method, &format!("/synapse/yogi-synapse-ws/{path}{mark}api-version=2020-12-01"));
    lab.send(if body.is_null() { request } else { request.with_json(body) })
}

fn get(lab: &mut Lab, path: &str) -> Answer {
    send(lab, "GET", path, &Value::Null)
}

fn assign(lab: &mut Lab, n: u32, role: &str, principal: &str, scope: &str) -> Answer {
    let body = json!({"roleId": role, "principalId": principal, "scope": scope, "principalType": "ServicePrincipal"});
    send(lab, "PUT", &format!("roleAssignments/{}", guid(n)), &body)
}

#[test]
fn answers_equal_those_that_the_client_accepted() {
    let mut lab = logged_in(Lab::new());
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Synapse/workspaces/syn-ws";
    lab.control("PUT", "world", &json!({"synapseWorkspaces": [{"id": id}]}));
    for name in ["create", "get", "list_filtered", "delete"] {
        let exchange = fixture(&format!("sdk/rbac_{name}"))["exchanges"][0].take();
        let (sent, accepted) = (&exchange["request"], &exchange["stubResponse"]);
        let text = |key: &str| sent[key].as_str().unwrap_or_default();
        let target = format!("{}?{}", text("path"), text("rawQuery"));
        let mut request = Request::new(text("method"), &target).with_header("Host", "SYN-ws.dev.azuresynapse.net:40123");
        request.body = text("rawBody").as_bytes().to_vec();
        let answer = lab.send(request);
        assert_eq!((json!(answer.status), &answer.body_json()), (accepted["status"].clone(), &accepted["body"]), "{name}");
    }
}

#[test]
fn the_role_definitions_are_those_that_were_recorded() {
    let mut lab = logged_in(Lab::new());
    let body = get(&mut lab, "roleDefinitions").body_json();
    let recorded = fixture("real/synapse-role-definitions-2021-10-20")["roleDefinitions"].take();
    let (ours, theirs) = (body.as_array().expect("a bare array"), recorded.as_array().expect("an array"));
    assert_eq!((ours.len(), theirs.len()), (10, 10));
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!([&ours["id"], &ours["name"], &ours["scopes"]], [&theirs["id"], &theirs["name"], &theirs["scopes"]]);
    }
    let on_pools = get(&mut lab, &format!("roleDefinitions?scope={POOL}")).body_json();
    let on_pools = on_pools.as_array().expect("an array");
    assert!(on_pools.iter().any(|r| r["id"] == ADMINISTRATOR) && on_pools.iter().all(|r| r["id"] != SPARK));
}

#[test]
fn a_workspace_is_found_by_its_host_in_every_cloud_or_by_the_path() {
    for (suffix, audience) in [
        ("dev.azuresynapse.net", "https://dev.azuresynapse.net"),
        ("dev.azuresynapse.azure.cn", "https://dev.azuresynapse.azure.cn"),
        ("dev.azuresynapse.usgovcloudapi.net", "https://dev.azuresynapse.usgovcloudapi.net"),
    ] {
        let mut lab = Lab::new();
        let scope = format!("{audience}/.default");
        let token = lab.token_request(&[("client_id", CLIENT), ("client_secret", SECRET), ("scope", &scope)]);
        lab.use_token(&token);
        for host in [format!("yogi-synapse-ws.{suffix}"), format!("Yogi-Synapse-WS.{suffix}:8443")] {
            let request = Request::new("GET", "/roleAssignments?api-version=2020-12-01").with_header("Host", &host);
            let answer = lab.send(request);
            assert_eq!((answer.status, answer.body_json()), (200, json!({"count": 0, "value": []})), "{host}");
            let last = lab.azure.journal(0).last().expect("noted");
            assert_eq!((last.host.as_deref(), last.principal.as_deref()), (Some(host.as_str()), Some(CLIENT)));
        }
        assert_eq!(get(&mut lab, "roleAssignments").status, 200);
        let elsewhere = Request::new("GET", "/roleAssignments?api-version=2020-12-01");
        assert_eq!(lab.send(elsewhere.with_header("Host", &format!("none.{suffix}"))).status, 404);
    }
}

#[test]
fn a_token_is_for_the_data_plane_or_for_arm() {
    let mut lab = Lab::new();
    let answer = get(&mut lab, "roleAssignments");
    assert_eq!((answer.status, code(&answer).as_str()), (401, "InvalidAuthenticationTokenAudience"));
    let mut lab = logged_in(lab);
    assert_eq!(get(&mut lab, "roleAssignments").status, 200);
    assert_eq!(lab.ask("GET", &workspace()).status, 401);
    let bare = lab.send(Request::new("GET", "/synapse/yogi-synapse-ws/roleAssignments"));
    assert_eq!(code(&bare), "MissingApiVersionParameter");
    lab.token.clear();
    assert_eq!(get(&mut lab, "roleAssignments").status, 401);
}

#[test]
fn the_same_assignment_a_second_time_is_refused() {
    let mut lab = logged_in(Lab::new());
    assert_eq!(assign(&mut lab, 1, ADMINISTRATOR, SOMEBODY, POOL).status, 200);
    for n in [1, 2] {
        let again = assign(&mut lab, n, &ADMINISTRATOR.to_uppercase(), SOMEBODY, &POOL.to_uppercase());
        assert_eq!((again.status, code(&again).as_str()), (409, "RoleAssignmentAlreadyExists"), "{n}");
        let text = again.body_json()["error"]["message"].take();
        assert!(text.as_str().is_some_and(|t| t.contains(SOMEBODY) && t.ends_with("already exists.")), "{text}");
    }
    assert_eq!(assign(&mut lab, 1, OPERATOR, SOMEBODY, POOL).status, 409, "a GUID is one assignment's");
    assert_eq!(assign(&mut lab, 2, ADMINISTRATOR, SOMEBODY, WHOLE).status, 200, "another scope");
    assert_eq!(assign(&mut lab, 3, ADMINISTRATOR, OBJECT, POOL).status, 200, "another principal");
    let path = format!("roleAssignments/{}", guid(1));
    assert_eq!(send(&mut lab, "DELETE", &path, &Value::Null).status, 200);
    assert_eq!(send(&mut lab, "DELETE", &path, &Value::Null).status, 204);
    assert_eq!(get(&mut lab, &path).status, 404);
    assert_eq!(assign(&mut lab, 1, ADMINISTRATOR, SOMEBODY, POOL).status, 200, "it can be made again");
}

#[test]
fn invalid_roles_and_scopes_are_refused() {
    let mut lab = logged_in(Lab::new());
    for (role, principal, scope) in [
        (SPARK, SOMEBODY, POOL),
        (ADMINISTRATOR, SOMEBODY, "workspaces/other"),
        (ADMINISTRATOR, SOMEBODY, "bigDataPools/yogisparkpool"),
        ("6e4bf58a-b8e1-4cc3-bbf9-000000000000", SOMEBODY, WHOLE),
        ("Synapse Administrator", SOMEBODY, WHOLE),
        (ADMINISTRATOR, "somebody", WHOLE),
    ] {
        assert_eq!(assign(&mut lab, 1, role, principal, scope).status, 400, "{role} {principal} {scope}");
    }
    let path = format!("roleAssignments/{}", guid(1));
    assert_eq!(send(&mut lab, "PUT", &path, &json!({"roleId": ADMINISTRATOR, "scope": WHOLE})).status, 400);
    assert_eq!(
        send(&mut lab, "PUT", "roleAssignments/one", &json!({"roleId": SPARK, "principalId": OBJECT, "scope": WHOLE})).status,
        400
    );
    assert_eq!(get(&mut lab, "roleAssignments").body_json()["count"], 0);
}

#[test]
fn a_list_is_filtered_and_comes_in_pages() {
    let mut lab = logged_in(Lab::new());
    assign(&mut lab, 1, ADMINISTRATOR, SOMEBODY, POOL);
    assign(&mut lab, 2, OPERATOR, SOMEBODY, POOL);
    assign(&mut lab, 3, ADMINISTRATOR, OBJECT, POOL);
    assign(&mut lab, 4, ADMINISTRATOR, SOMEBODY, WHOLE);
    let ids = |answer: &Answer| -> Vec<u32> {
        let body = answer.body_json();
        let value = body["value"].as_array().expect("a list");
        assert_eq!(body["count"], json!(value.len()));
        value.iter().filter_map(|v| v["id"].as_str()?.rsplit('-').next()?.parse().ok()).collect()
    };
    for (query, expected) in [
        (String::new(), vec![1, 2, 3, 4]),
        (format!("?roleId={ADMINISTRATOR}"), vec![1, 3, 4]),
        (format!("?principalId={}", SOMEBODY.to_uppercase()), vec![1, 2, 4]),
        (format!("?scope={}", POOL.replace('/', "%2F")), vec![1, 2, 3]),
        (format!("?roleId={ADMINISTRATOR}&principalId={SOMEBODY}&scope={WHOLE}"), vec![4]),
        (format!("?principalId={}", guid(9)), vec![]),
    ] {
        assert_eq!(ids(&get(&mut lab, &format!("roleAssignments{query}"))), expected, "{query}");
    }
    lab.set(&json!({"pageSize": 2}));
    let request =
        Request::new("GET", &format!("/synapse/yogi-synapse-ws/roleAssignments?roleId={ADMINISTRATOR}&api-version=2020-12-01"));
    let first = lab.send(request.clone());
    let next = first.header("x-ms-continuation").expect("there is more").to_owned();
    let second = lab.send(request.with_header("x-ms-continuation", &next));
    assert_eq!((ids(&first), ids(&second), second.header("x-ms-continuation")), (vec![1, 3], vec![4], None));
}

#[test]
fn roles_are_assigned_by_their_administrators_or_with_permission_of_arm() {
    let at = synapse();
    for (actions, expected) in [
        (json!(["Microsoft.Synapse/workspaces/read"]), [200, 403, 403]),
        (json!(["Microsoft.Synapse/workspaces/roleAssignments/write"]), [403, 200, 403]),
        (json!(["Microsoft.Synapse/workspaces/roleAssignments/delete"]), [403, 403, 204]),
        (json!(["Microsoft.Synapse/*"]), [200, 200, 204]),
    ] {
        let mut lab = logged_in(holding(&json!([{"scope": at, "actions": actions}])));
        let looked = get(&mut lab, "roleAssignments").status;
        let made = assign(&mut lab, 1, OPERATOR, SOMEBODY, POOL).status;
        let gone = send(&mut lab, "DELETE", &format!("roleAssignments/{}", guid(2)), &Value::Null).status;
        assert_eq!([looked, made, gone], expected, "{actions}");
    }

    let mut lab = logged_in(holding(&json!([])));
    let refused = get(&mut lab, "roleDefinitions");
    assert_eq!((refused.status, code(&refused).as_str()), (403, "Unauthorized"));
    let text = |action: &str, scope: &str| {
        format!(
            "The principal '{OBJECT}' does not have the required Synapse RBAC permission to perform this action. Required permission: Action: Microsoft.Synapse/workspaces/{action}, Scope: {scope}/*."
        )
    };
    assert_eq!(refused.body_json()["error"]["message"], text("read", WHOLE));
    let refused = assign(&mut lab, 1, OPERATOR, SOMEBODY, POOL);
    assert_eq!(refused.body_json()["error"]["message"], text("roleAssignments/write", POOL));

    // An administrator of the pool may assign roles, on that scope only; every principal with a role may read.
    let own = |role: &str, scope: &str| json!({"roleAssignments": [{"workspace": at, "roleId": role, "principalId": OBJECT, "scope": scope}]});
    lab.control("PUT", "world", &own("Synapse Compute Operator", POOL));
    assert_eq!([get(&mut lab, "roleAssignments").status, assign(&mut lab, 1, OPERATOR, SOMEBODY, POOL).status], [200, 403]);
    lab.control("PUT", "world", &own("Synapse Administrator", POOL));
    let made = [assign(&mut lab, 1, OPERATOR, SOMEBODY, POOL).status, assign(&mut lab, 2, OPERATOR, SOMEBODY, WHOLE).status];
    assert_eq!(made, [200, 403]);
}

#[test]
fn access_follows_from_the_assigned_roles() {
    let mut lab = logged_in(Lab::new());
    assign(&mut lab, 1, OPERATOR, SOMEBODY, WHOLE);
    let check = |lab: &mut Lab, who: &str, action: &str| {
        let body = json!({"subject": {"principalId": who}, "actions": [{"id": action, "isDataAction": true}], "scope": POOL});
        send(lab, "POST", "checkAccessSynapseRbac", &body).body_json()["AccessDecisions"][0].take()
    };
    let (using, writing) =
        ("Microsoft.Synapse/workspaces/bigDataPools/useCompute/action", "Microsoft.Synapse/workspaces/notebooks/write");
    let allowed = check(&mut lab, SOMEBODY, using);
    assert_eq!((&allowed["accessDecision"], &allowed["roleAssignment"]["id"]), (&json!("Allowed"), &json!(guid(1))));
    assert_eq!(check(&mut lab, SOMEBODY, writing)["accessDecision"], "NotAllowed");
    assert_eq!(check(&mut lab, OBJECT, using)["accessDecision"], "NotAllowed");
    assign(&mut lab, 2, ADMINISTRATOR, OBJECT, POOL);
    assert_eq!(check(&mut lab, OBJECT, writing)["accessDecision"], "Allowed");
}

#[test]
fn the_world_exports_and_imports_role_assignments() {
    let mut lab = logged_in(Lab::new());
    assign(&mut lab, 1, ADMINISTRATOR, SOMEBODY, POOL);
    let shown = lab.control("GET", "world", &Value::Null).body_json()["roleAssignments"].take();
    let one = json!({
        "workspace": synapse(), "id": guid(1), "roleId": ADMINISTRATOR, "principalId": SOMEBODY,
        "principalType": "ServicePrincipal", "scope": POOL,
    });
    assert_eq!(shown, json!([one]));
    let mut other = logged_in(Lab::new());
    assert_eq!(other.control("PUT", "world", &json!({"roleAssignments": shown})).status, 200);
    assert_eq!(get(&mut other, &format!("roleAssignments/{}", guid(1))).body_json()["principalId"], SOMEBODY);
    for wrong in [json!({"roleId": "Synapse Emperor"}), json!({"roleId": SPARK, "scope": POOL})] {
        let mut seed = json!({"workspace": synapse(), "principalId": SOMEBODY});
        seed.as_object_mut().expect("an object").extend(wrong.as_object().expect("an object").clone());
        assert_eq!(lab.control("PUT", "world", &json!({"roleAssignments": [seed]})).status, 400, "{wrong}");
    }
    lab.control("DELETE", &format!("resource?id={}", synapse()), &Value::Null);
    assert_eq!(lab.control("GET", "world", &Value::Null).body_json()["roleAssignments"], json!([]));
}

#[test]
fn faults_apply_to_the_data_plane_too() {
    let mut lab = logged_in(Lab::new());
    lab.control("POST", "faults", &json!({"method": "PUT", "path": "roleassignments", "status": 503, "retryAfter": 3}));
    let answer = assign(&mut lab, 1, ADMINISTRATOR, SOMEBODY, POOL);
    assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("3")));
    lab.control("POST", "faults", &json!({"method": "PUT", "path": "roleassignments", "lostAnswer": true}));
    assign(&mut lab, 1, ADMINISTRATOR, SOMEBODY, POOL);
    assert_eq!(code(&assign(&mut lab, 1, ADMINISTRATOR, SOMEBODY, POOL)), "RoleAssignmentAlreadyExists", "it was made");
    lab.control("POST", "faults", &json!({"method": "PUT", "path": "roleassignments", "processAfter": "5s"}));
    assert_eq!(assign(&mut lab, 2, OPERATOR, SOMEBODY, POOL).connection, Connection::Reset);
    lab.pass(Duration::from_secs(5));
    assert_eq!(code(&assign(&mut lab, 2, OPERATOR, SOMEBODY, POOL)), "RoleAssignmentAlreadyExists", "it was made late");
}

#[test]
fn the_data_plane_shows_the_pool() {
    let mut lab = logged_in(Lab::new());
    let there = get(&mut lab, "bigDataPools/yogisparkpool").body_json();
    lab.log_in();
    assert_eq!(there, lab.ask("GET", &crate::support::pool("yogisparkpool")).body_json());
}
