//! Where Azure is known or likely to be strict: with the default of each setting, and with its other value.

use std::time::Duration;

use azure_emulator::{Answer, Request};
use serde_json::{Value, json};

use crate::support::{CLIENT, Lab, SECRET, TENANT, code, compute, holding, pool, spark, workspace};

/// The body of an attach with a system-assigned identity.
fn with_identity() -> Value {
    let mut body = spark(&pool("yogisparkpool"));
    body["identity"] = json!({"type": "SystemAssigned"});
    body
}

/// Attaches, detaches, and waits for the end of both.
fn detached(lab: &mut Lab, body: &Value) -> Answer {
    lab.attached("spark", body);
    let answer = lab.detach(&compute("spark"));
    lab.pass(Duration::from_secs(2));
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
    answer
}

#[test]
fn the_identity_of_a_detached_compute_blocks_a_new_one_for_a_while() {
    let mut lab = Lab::new();
    detached(&mut lab, &with_identity());
    let refused = lab.put(&compute("spark"), &with_identity());
    assert_eq!((refused.status, code(&refused).as_str()), (400, "FailedIdentityOperation"));
    assert!(refused.body_json()["error"]["message"].as_str().is_some_and(|m| m.contains("pending delete operation")));
    assert_eq!(lab.put(&compute("other"), &with_identity()).status, 201, "of another name");
    lab.pass(Duration::from_secs(150));
    assert_eq!(lab.put(&compute("spark"), &with_identity()).status, 201);

    let mut lab = Lab::new();
    detached(&mut lab, &with_identity());
    assert_eq!(lab.put(&compute("spark"), &spark(&pool("yogisparkpool"))).status, 201, "without an identity");
    let mut lab = Lab::new();
    detached(&mut lab, &spark(&pool("yogisparkpool")));
    assert_eq!(lab.put(&compute("spark"), &with_identity()).status, 201, "the first had no identity");
    let mut lab = Lab::new();
    detached(&mut lab, &with_identity());
    let mut seeded = with_identity();
    seeded["id"] = json!(compute("spark"));
    seeded["identity"]["principalId"] = json!("11111111-aaaa-4bbb-8ccc-000000000001");
    seeded["properties"]["provisioningState"] = json!("Succeeded");
    lab.control("PUT", "world", &json!({"computes": [seeded]}));
    assert_eq!(lab.put(&compute("spark"), &with_identity()).status, 201, "an update of one that has an identity");
    let mut lab = Lab::new();
    lab.set(&json!({"identityDeletion": "0s"}));
    detached(&mut lab, &with_identity());
    assert_eq!(lab.put(&compute("spark"), &with_identity()).status, 201, "switched off");
}

#[test]
fn a_pool_that_is_not_succeeded_is_not_attached() {
    for (switch, state) in [("fail", "Failed"), ("attach", "Succeeded")] {
        let mut lab = Lab::new();
        lab.set(&json!({"unusablePool": switch}));
        lab.control("PATCH", &format!("pool?id={}", pool("yogisparkpool")), &json!({"provisioningState": "Failed"}));
        let body = lab.attached("spark", &spark(&pool("yogisparkpool")));
        assert_eq!(body["properties"]["provisioningState"], state, "{switch}");
    }
}

#[test]
fn an_operation_is_found_in_its_region_and_while_its_compute_exists() {
    let mut lab = Lab::new();
    let answer = lab.put(&compute("spark"), &spark(&pool("yogisparkpool")));
    let link = answer.header("Azure-AsyncOperation").expect("an operation").strip_prefix("https://arm.test").expect("here");
    for (region, status) in [("eastus2", 200), ("mars", 404)] {
        let target = link.replace("eastus2", region);
        assert_eq!(lab.send(Request::new("GET", &target)).status, status, "{region}");
    }
    for (switch, status) in [("kept", 200), ("notFound", 404)] {
        let mut lab = Lab::new();
        lab.set(&json!({"detachedOperation": switch}));
        let answer = detached(&mut lab, &spark(&pool("yogisparkpool")));
        assert_eq!(lab.follow(&answer).status, status, "{switch}");
    }
}

#[test]
fn reading_an_operation_may_require_a_permission() {
    for (asked, status) in [(false, 200), (true, 403)] {
        let mut lab = holding(&json!([{"scope": workspace(), "actions": ["Microsoft.MachineLearningServices/workspaces/*"]}]));
        lab.set(&json!({"operationRights": asked}));
        let answer = lab.put(&compute("spark"), &spark(&pool("yogisparkpool")));
        assert_eq!((answer.status, lab.follow(&answer).status), (201, status), "{asked}");
    }
}

#[test]
fn a_write_may_return_no_operation() {
    for named in [true, false] {
        let mut lab = Lab::new();
        lab.set(&json!({"operationHeader": named}));
        let answer = lab.put(&compute("spark"), &spark(&pool("yogisparkpool")));
        assert_eq!(answer.header("Azure-AsyncOperation").is_some(), named);
        lab.pass(Duration::from_secs(2));
        assert_eq!(lab.ask("GET", &compute("spark")).body_json()["properties"]["provisioningState"], "Succeeded");
        assert_eq!(lab.detach(&compute("spark")).header("Azure-AsyncOperation").is_some(), named);
    }
}

#[test]
fn a_provider_serves_the_versions_of_its_specification() {
    let mut lab = Lab::new();
    let status = |lab: &mut Lab, id: &str, version: &str| {
        let answer = lab.send(Request::new("GET", &format!("{id}?api-version={version}")));
        (answer.status, code(&answer))
    };
    let refused = (400, "NoRegisteredProviderFound".to_owned());
    assert_eq!(status(&mut lab, &workspace(), "2024-04-01").0, 200);
    assert_eq!(status(&mut lab, &workspace(), "1999-01-01"), refused);
    assert_eq!(status(&mut lab, &pool("yogisparkpool"), "2021-06-01").0, 200);
    assert_eq!(status(&mut lab, &pool("yogisparkpool"), "2024-04-01"), refused);
    lab.set(&json!({"apiVersions": {"microsoft.machinelearningservices": ["2022-10-01"]}}));
    assert_eq!(status(&mut lab, &workspace(), "2024-04-01"), refused, "an older cloud");
    assert_eq!(status(&mut lab, &workspace(), "2022-10-01").0, 200);
}

#[test]
fn tags_keys_and_sizes_are_checked() {
    let tag = |name: &str, value: &str| json!({"tags": {name: value}});
    let (long, longer) = ("n".repeat(513), "v".repeat(257));
    for (change, expected, switch) in [
        (tag("a/b", ""), "InvalidTagNameCharacters", json!({"tagRules": false})),
        (tag(r"a\b", ""), "InvalidTagNameCharacters", json!({"tagRules": false})),
        (tag(&long, ""), "InvalidTagName", json!({"tagRules": false})),
        (tag("a", &longer), "InvalidTagValueLength", json!({"tagRules": false})),
        (json!({"propreties": {}}), "UserError", json!({"unknownKeys": "ignore"})),
    ] {
        let mut lab = Lab::new();
        let mut body = spark(&pool("yogisparkpool"));
        body.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        let refused = lab.put(&compute("spark"), &body);
        assert_eq!((refused.status, code(&refused).as_str()), (400, expected), "{change}");
        lab.set(&switch);
        assert_eq!(lab.put(&compute("spark"), &body).status, 201, "{switch}");
    }
    let mut inner = spark(&pool("yogisparkpool"));
    inner["properties"]["disableLocalAth"] = json!(true);
    assert_eq!(code(&Lab::new().put(&compute("spark"), &inner)), "UserError");
    let mut large = spark(&pool("yogisparkpool"));
    large["properties"]["description"] = json!("d".repeat(4 * 1024 * 1024));
    let refused = Lab::new().put(&compute("spark"), &large);
    assert_eq!((refused.status, code(&refused).as_str()), (413, "RequestContentTooLarge"));
}

#[test]
fn entra_knows_the_resources_of_azure_and_those_that_a_test_adds() {
    let mut lab = Lab::new();
    lab.set(&json!({"knownResources": ["https://known.example"]}));
    for (scope, status) in [
        ("https://management.azure.com/.default", 200),
        ("https://dev.azuresynapse.net/.default", 200),
        ("https://ml.azure.com/.default", 200),
        ("https://known.example/.default", 200),
        ("https://nobody.example/.default", 400),
    ] {
        let answer = lab.token_request(&[("client_id", CLIENT), ("client_secret", SECRET), ("scope", scope)]);
        assert_eq!(answer.status, status, "{scope}");
        if status == 400 {
            let body = answer.body_json();
            assert_eq!((&body["error"], &body["error_codes"]), (&json!("invalid_resource"), &json!([500_011])));
            assert!(body["error_description"].as_str().is_some_and(|d| d.contains(TENANT)));
        }
    }
}

/// The status and the code of a role assignment.
fn assign(lab: &mut Lab, principal: &str, scope: &str) -> (u16, String) {
    let scopes = ("scope", "https://dev.azuresynapse.net/.default");
    let token = lab.token_request(&[("client_id", CLIENT), ("client_secret", SECRET), scopes]);
    let arm = lab.token.clone();
    lab.use_token(&token);
    let body = json!({"roleId": "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78", "principalId": principal, "scope": scope});
    let path = "/synapse/yogi-synapse-ws/roleAssignments/aaaaaaaa-0000-4000-8000-000000000001?api-version=2020-12-01";
    let answer = lab.send(Request::new("PUT", path).with_json(&body));
    lab.token = arm;
    (answer.status, code(&answer))
}

#[test]
fn a_role_assignment_needs_an_existing_principal_and_pool() {
    let (nobody, whole) = ("11111111-aaaa-4bbb-8ccc-000000000001", "workspaces/yogi-synapse-ws");
    let absent = format!("{whole}/bigDataPools/nosuchpool");
    let mut lab = Lab::new();
    let principal = lab.attached("spark", &with_identity())["identity"]["principalId"].as_str().expect("one").to_owned();
    for (who, scope, expected) in [
        (nobody, whole, (400, "PrincipalNotFound")),
        (&principal, &absent, (400, "InvalidScope")),
        (&principal, whole, (200, "")),
    ] {
        let (status, code) = assign(&mut lab, who, scope);
        assert_eq!((status, code.as_str()), expected, "{who} {scope}");
    }
    let mut lab = Lab::new();
    lab.set(&json!({"absentAssignee": "accept"}));
    assert_eq!(assign(&mut lab, nobody, &absent).0, 200);

    let mut lab = Lab::new();
    lab.set(&json!({"principalPropagation": "60s"}));
    let principal = lab.attached("spark", &with_identity())["identity"]["principalId"].as_str().expect("one").to_owned();
    assert_eq!(assign(&mut lab, &principal, whole), (400, "PrincipalNotFound".into()), "too new");
    lab.pass(Duration::from_mins(1));
    assert_eq!(assign(&mut lab, &principal, whole).0, 200);
}

#[test]
fn a_status_may_hide_that_a_write_was_processed() {
    for processed in [false, true] {
        let mut lab = Lab::new();
        lab.control("POST", "faults", &json!({"method": "PUT", "status": 500, "processed": processed}));
        assert_eq!(lab.put(&compute("spark"), &spark(&pool("yogisparkpool"))).status, 500);
        assert_eq!(lab.ask("GET", &compute("spark")).status, if processed { 200 } else { 404 });
    }
    for wrong in [json!({"processed": true}), json!({"method": "GET", "status": 500, "processed": true})] {
        assert_eq!(Lab::new().control("POST", "faults", &wrong).status, 400, "{wrong}");
    }
}

#[test]
fn an_operation_fails_in_the_form_that_a_test_asks_for() {
    let mut lab = Lab::new();
    let details = json!([{"code": "It is not a word", "message": "inner"}, {"message": "without a code"}]);
    let failure =
        json!({"code": "InternalServerError", "message": "outer", "statusCode": 500, "target": "pool", "details": details});
    lab.control("POST", "faults", &json!({"method": "PUT", "failOperation": failure}));
    let answer = lab.put(&compute("spark"), &spark(&pool("yogisparkpool")));
    lab.pass(Duration::from_secs(2));
    assert_eq!(lab.follow(&answer).body_json(), json!({"status": "Failed", "error": failure}));
    let errors = lab.ask("GET", &compute("spark")).body_json()["properties"]["provisioningErrors"].take();
    assert_eq!(errors, json!([{"error": failure}]));

    let canceled = json!({"status": "Canceled", "code": "OperationCanceled", "message": "stopped"});
    lab.control("POST", "faults", &json!({"method": "PUT", "failOperation": canceled}));
    let answer = lab.put(&compute("other"), &spark(&pool("yogisparkpool")));
    lab.pass(Duration::from_secs(2));
    assert_eq!(lab.follow(&answer).body_json()["status"], "Canceled");
    assert_eq!(lab.ask("GET", &compute("other")).body_json()["properties"]["provisioningState"], "Canceled");
}
