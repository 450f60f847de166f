//! The identity of a compute.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Lab, TENANT, code, compute, identity, pool, spark};

#[test]
fn updates_keep_the_principal_and_a_detach_ends_it() {
    let mut lab = Lab::new();
    let mut wanted = spark(&pool("yogisparkpool"));
    wanted["identity"] = json!({"type": "Systemassigned"});
    let first = lab.attached("spark", &wanted)["identity"].take();
    assert_eq!((&first["type"], &first["tenantId"]), (&json!("SystemAssigned"), &json!(TENANT)));
    wanted["tags"] = json!({"a": "b"});
    assert_eq!(lab.attached("spark", &wanted)["identity"], first);
    lab.detach(&compute("spark"));
    lab.pass(Duration::from_secs(2));
    // The next request ends the operation; from then on the old identity is being deleted.
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
    lab.pass(Duration::from_secs(150));
    let second = lab.attached("spark", &wanted)["identity"].take();
    assert_ne!(second["principalId"], first["principalId"]);
}

#[test]
fn user_assigned_identities_keep_their_order_but_not_their_case() {
    let mut lab = Lab::new();
    let mut wanted = spark(&pool("yogisparkpool"));
    let map = json!({identity("yogi-second-id"): {}, identity("yogi-managed-id"): {}});
    wanted["identity"] = json!({"type": "UserAssigned", "userAssignedIdentities": map});
    let names = |body: &Value| {
        body["identity"]["userAssignedIdentities"].as_object().map(|m| m.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
    };
    let small = |name: &str| identity(name).replace("resourceGroups", "resourcegroups");
    let body = lab.attached("spark", &wanted);
    assert_eq!(names(&body), [small("yogi-second-id"), small("yogi-managed-id")]);
    assert!(body["identity"]["userAssignedIdentities"][&names(&body)[0]]["principalId"].is_string());
    lab.set(&json!({"sortIdentities": true, "lowercaseResourceGroups": false}));
    assert_eq!(names(&lab.attached("spark", &wanted)), [identity("yogi-managed-id"), identity("yogi-second-id")]);
    wanted["identity"]["userAssignedIdentities"] = json!({identity("nobody"): {}});
    assert_eq!(code(&lab.put(&compute("spark"), &wanted)), "FailedIdentityOperation");
}

#[test]
fn an_absent_identity_is_removed_or_kept_as_configured() {
    for (setting, stays) in [("remove", false), ("keep", true)] {
        let mut lab = Lab::new();
        lab.set(&json!({"absentIdentity": setting}));
        let mut wanted = spark(&pool("yogisparkpool"));
        wanted["identity"] = json!({"type": "SystemAssigned"});
        lab.attached("spark", &wanted);
        let after = lab.attached("spark", &spark(&pool("yogisparkpool")));
        assert_eq!(after.get("identity").is_some(), stays, "{setting}");
        wanted["identity"] = json!({"type": "None"});
        assert!(lab.attached("spark", &wanted).get("identity").is_none(), "None is explicit, {setting}");
    }
}

#[test]
fn an_identity_of_any_name_can_be_on_a_compute() {
    let mut lab = Lab::new();
    lab.attached("spark", &spark(&pool("yogisparkpool")));
    let odd = identity("yogi-managed-id").replace("yogi-res-group", "größe");
    let of = |id: &str| json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": {id: {"principalId": "p", "clientId": "c"}}}});
    for id in [odd.as_str(), "/not/an/identity", ""] {
        lab.control("PATCH", &format!("compute?id={}", compute("spark")), &json!({"identity": null}));
        assert_eq!(lab.control("PATCH", &format!("compute?id={}", compute("spark")), &of(id)).status, 200);
        assert_eq!(lab.ask("GET", &compute("spark")).body_json()["identity"], of(id)["identity"], "{id}");
    }
    let added = lab.control("PUT", "world", &json!({"identities": [{"id": odd}]}));
    assert_eq!(added.status, 200, "{}", added.body_json());
    let mut wanted = spark(&pool("yogisparkpool"));
    wanted["identity"] = json!({"type": "UserAssigned", "userAssignedIdentities": {&odd: {}}});
    let body = lab.attached("spark", &wanted);
    let key = odd.replace("resourceGroups", "resourcegroups");
    assert!(body["identity"]["userAssignedIdentities"][&key]["principalId"].is_string(), "{body}");
}
