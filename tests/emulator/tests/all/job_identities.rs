//! The identity as which a job runs, and the role that it needs.

use std::time::Duration;

use azure_emulator::Request;
use serde_json::{Value, json};

use crate::jobs::{POOL, able, end, grant, job, lab, principal, refused, standalone};
use crate::support::{CLIENT, Lab, OBJECT, SECRET, TENANT, compute, identity, pool, spark};

/// Gives the principal of the tests these rights.
pub fn sender(lab: &mut Lab, rights: &Value) {
    let principal = json!({"tenantId": TENANT, "clientId": CLIENT, "objectId": OBJECT, "secret": SECRET, "rights": rights});
    assert_eq!(lab.control("PUT", "world", &json!({"principals": [principal]})).status, 200);
}

#[test]
fn the_computes_identity_needs_a_role_on_the_pool() {
    let mut lab = lab();
    let own = principal(&mut lab);
    let (ended, error) = end(&mut lab, "without", &standalone());
    assert_eq!(ended, "Failed");
    assert!(error.contains(&own) && error.contains("Synapse RBAC permission") && error.contains(POOL), "{error}");
    grant(&mut lab, "Synapse Administrator", "11111111-aaaa-4bbb-8ccc-000000000001", POOL);
    grant(&mut lab, "Synapse Administrator", &own, "workspaces/yogi-synapse-ws/bigDataPools/othersparkpool");
    grant(&mut lab, "Synapse User", &own, POOL);
    assert_eq!(end(&mut lab, "wrong", &standalone()).0, "Failed");
    for (role, scope) in [
        ("Synapse Administrator", POOL),
        ("Synapse Administrator", "workspaces/yogi-synapse-ws"),
        ("Synapse Contributor", POOL),
        ("Synapse Compute Operator", POOL),
        ("Apache Spark Administrator", "workspaces/yogi-synapse-ws"),
    ] {
        let mut lab = self::lab();
        let own = principal(&mut lab);
        grant(&mut lab, role, &own, scope);
        assert_eq!(end(&mut lab, "one", &standalone()), ("Completed".into(), String::new()), "{role} {scope}");
    }
}

#[test]
fn a_role_applies_after_its_propagation_time() {
    let mut lab = lab();
    lab.set(&json!({"rolePropagation": "5s"}));
    let own = principal(&mut lab);
    let scope = ("scope", "https://dev.azuresynapse.net/.default");
    let (arm, token) = (lab.token.clone(), lab.token_request(&[("client_id", CLIENT), ("client_secret", SECRET), scope]));
    lab.use_token(&token);
    let role = json!({"roleId": "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78", "principalId": own, "scope": POOL});
    let path = "/synapse/yogi-synapse-ws/roleAssignments/aaaaaaaa-0000-4000-8000-000000000001?api-version=2020-12-01";
    assert_eq!(lab.send(Request::new("PUT", path).with_json(&role)).status, 200);
    lab.token = arm;
    // It runs four seconds after it is sent.
    assert_eq!(end(&mut lab, "early", &standalone()).0, "Failed");
    assert_eq!(end(&mut lab, "later", &standalone()).0, "Completed");
}

#[test]
fn a_role_assignment_remains_after_its_compute_is_detached() {
    let mut lab = able();
    let first = principal(&mut lab);
    lab.detach(&compute("spark"));
    lab.pass(Duration::from_secs(2));
    // The next request ends the operation; from then on the old identity is being deleted.
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
    lab.pass(Duration::from_secs(150));
    let mut wanted = spark(&pool("yogisparkpool"));
    wanted["identity"] = json!({"type": "SystemAssigned"});
    lab.attached("spark", &wanted);
    let (ended, error) = end(&mut lab, "again", &standalone());
    assert_eq!(ended, "Failed");
    assert!(!error.contains(&first) && error.contains(&principal(&mut lab)), "{error}");
    let shown = lab.control("GET", "world", &Value::Null).body_json()["roleAssignments"].take();
    assert_eq!(shown[0]["principalId"], json!(first), "still there");
}

#[test]
fn a_job_runs_as_the_first_user_assigned_identity_or_as_the_one_that_it_names() {
    let mut lab = lab();
    let mut wanted = spark(&pool("yogisparkpool"));
    let users = json!({identity("yogi-second-id"): {}, identity("yogi-managed-id"): {}});
    wanted["identity"] = json!({"type": "UserAssigned", "userAssignedIdentities": users});
    let body = lab.attached("spark", &wanted);
    let ids: Vec<&Value> = body["identity"]["userAssignedIdentities"].as_object().expect("a map").values().collect();
    let second = ids[1].clone();
    grant(&mut lab, "Synapse Administrator", second["principalId"].as_str().expect("a GUID"), POOL);
    let (ended, error) = end(&mut lab, "first", &standalone());
    assert!(ended == "Failed" && error.contains(ids[0]["principalId"].as_str().expect("a GUID")), "{error}");
    for (key, value) in [("clientId", second["clientId"].clone()), ("resourceId", json!(identity("yogi-managed-id")))] {
        let mut named = standalone();
        named["properties"]["identity"][key] = value;
        assert_eq!(end(&mut lab, key, &named).0, "Completed", "{key}");
    }
    let mut strange = standalone();
    strange["properties"]["identity"]["clientId"] = json!("nobody");
    assert_eq!(end(&mut lab, "strange", &strange).0, "Failed");
}

#[test]
fn a_job_needs_a_managed_identity_or_the_identity_of_its_user() {
    let mut lab = lab();
    lab.attached("spark", &spark(&pool("yogisparkpool")));
    let (ended, error) = end(&mut lab, "none", &standalone());
    assert!(ended == "Failed" && error.contains("no managed identity"), "{error}");
    let mut body = standalone();
    body["properties"]["identity"] = json!({"identityType": "UserIdentity"});
    assert_eq!(end(&mut lab, "user", &body).0, "Completed");
    body["properties"]["identity"] = json!({"identityType": "AMLToken"});
    refused(&lab.put(&job("token"), &body), "AMLToken");
}
