//! The life of a compute.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{GROUP, Lab, code, compute, pool, spark, workspace};

#[test]
fn a_first_attach_answers_as_azure_does() {
    let mut lab = Lab::new();
    let answer = lab.put(&compute("spark"), &spark(&pool("yogisparkpool")));
    let body = answer.body_json();
    assert_eq!(answer.status, 201);
    assert!(answer.header("Location").is_none() && answer.header("Retry-After").is_none());
    assert_eq!(body["properties"]["provisioningState"], "Creating");
    assert_eq!(body["tags"], Value::Null);
    assert_eq!(body["properties"]["createdOn"], "2026-01-02T03:04:05.6789012+00:00");
    assert_eq!(body["properties"]["properties"], json!({}));
    for absent in [&body["identity"], &body["etag"], &body["properties"]["computeLocation"]] {
        assert!(absent.is_null());
    }

    assert_eq!(lab.follow(&answer).body_json(), json!({"status": "InProgress"}));
    lab.pass(Duration::from_secs(2));
    assert_eq!(lab.follow(&answer).body_json(), json!({"status": "Succeeded", "percentComplete": 100.0}));
    let body = lab.ask("GET", &compute("spark")).body_json();
    assert_eq!(body["properties"]["provisioningState"], "Succeeded");
    assert_eq!(body["tags"], json!({}));
    assert_eq!(body["properties"]["computeLocation"], "eastus2");
    assert_eq!(body["properties"]["properties"]["poolName"], "yogisparkpool");
    assert_eq!(
        body["properties"]["properties"]["autoScaleProperties"],
        json!({"minNodeCount": 3, "maxNodeCount": 10, "enabled": true})
    );
    assert!(body.as_object().is_some_and(|b| !b.contains_key("identity")));
}

#[test]
fn the_node_counts_of_a_pool_without_autoscale_are_zero() {
    let mut lab = Lab::new();
    let body = lab.attached("spark", &spark(&pool("othersparkpool")));
    assert_eq!(
        body["properties"]["properties"]["autoScaleProperties"],
        json!({"minNodeCount": 0, "maxNodeCount": 0, "enabled": false})
    );
}

#[test]
fn an_update_is_a_put_that_answers_like_the_first() {
    let mut lab = Lab::new();
    lab.attached("spark", &spark(&pool("yogisparkpool")));
    let mut wanted = spark(&pool("yogisparkpool"));
    wanted["tags"] = json!({"team": "data"});
    wanted["properties"]["description"] = json!("d");
    let answer = lab.put(&compute("spark"), &wanted);
    assert_eq!((answer.status, &answer.body_json()["properties"]["provisioningState"]), (201, &json!("Creating")));
    assert_eq!(code(&lab.put(&compute("spark"), &wanted)), "Conflict", "while the first is at work");
    lab.pass(Duration::from_secs(2));
    let body = lab.ask("GET", &compute("spark")).body_json();
    assert_eq!((&body["tags"], &body["properties"]["description"]), (&json!({"team": "data"}), &json!("d")));
    assert_eq!(body["properties"]["createdOn"], "2026-01-02T03:04:05.6789012+00:00");
    assert_ne!(body["properties"]["modifiedOn"], body["properties"]["createdOn"]);
    let again = lab.attached("spark", &spark(&pool("yogisparkpool")));
    assert_eq!((&again["tags"], &again["properties"]["description"]), (&json!({}), &Value::Null), "a PUT replaces");
}

#[test]
fn another_pool_is_refused_unless_the_compute_failed() {
    let mut lab = Lab::new();
    lab.attached("spark", &spark(&pool("yogisparkpool")));
    let answer = lab.put(&compute("spark"), &spark(&pool("othersparkpool")));
    assert_eq!((answer.status, code(&answer).as_str()), (400, "UserError"));
    lab.attached("broken", &spark(&pool("nosuchpool")));
    assert_eq!(lab.attached("broken", &spark(&pool("othersparkpool")))["properties"]["provisioningState"], "Succeeded");
}

#[test]
fn a_missing_pool_leaves_a_failed_compute() {
    let mut lab = Lab::new();
    let answer = lab.put(&compute("spark"), &spark(&pool("nosuchpool")));
    assert_eq!(answer.status, 201);
    lab.pass(Duration::from_secs(2));
    let operation = lab.follow(&answer).body_json();
    assert_eq!((&operation["status"], &operation["error"]["code"]), (&json!("Failed"), &json!("UserError")));
    let properties = lab.ask("GET", &compute("spark")).body_json()["properties"].take();
    assert_eq!(properties["provisioningState"], "Failed");
    assert!(properties["provisioningErrors"][0]["error"]["message"].as_str().is_some_and(|m| m.contains("nosuchpool")));
    lab.set(&json!({"doubleNestedErrors": true}));
    assert_eq!(lab.follow(&answer).body_json()["error"]["error"]["code"], "UserError");
}

#[test]
fn a_compute_is_gone_when_its_detach_has_ended() {
    let mut lab = Lab::new();
    lab.attached("spark", &spark(&pool("yogisparkpool")));
    assert_eq!(lab.ask("DELETE", &compute("spark")).status, 400, "underlyingResourceAction is required");
    assert_eq!(lab.ask("DELETE", &format!("{}?underlyingResourceAction=Delete", compute("spark"))).status, 400);
    let answer = lab.ask("DELETE", &format!("{}?underlyingResourceAction=detach", compute("spark")));
    assert_eq!((answer.status, answer.header("Content-Length"), answer.header("Location")), (202, Some("0"), None));
    assert_eq!(lab.ask("GET", &compute("spark")).body_json()["properties"]["provisioningState"], "Deleting");
    assert_eq!(code(&lab.put(&compute("spark"), &spark(&pool("yogisparkpool")))), "Conflict");
    lab.pass(Duration::from_secs(2));
    assert_eq!(lab.follow(&answer).body_json()["status"], "Succeeded");
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
    assert_eq!(lab.detach(&compute("spark")).status, 204);
}

#[test]
fn names_are_case_insensitive_and_keep_their_first_spelling() {
    let mut lab = Lab::new();
    lab.attached("Spark", &spark(&pool("yogisparkpool")));
    let other = compute("sPARK").replace("resourceGroups", "resourcegroups").replace("Microsoft", "microsoft");
    assert_eq!(lab.ask("GET", &other).body_json()["id"], json!(compute("Spark")));
    assert_eq!(lab.attached("SPARK", &spark(&pool("yogisparkpool")))["name"], "Spark");
    assert_eq!(lab.ask("GET", &format!("{}/computes", workspace())).body_json()["value"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_list_comes_in_pages_and_the_last_has_no_link() {
    let mut lab = Lab::new();
    lab.set(&json!({"pageSize": 2}));
    for name in ["aaa", "ccc", "bbb", "ddd", "eee"] {
        lab.attached(name, &spark(&pool("yogisparkpool")));
    }
    let mut target = format!("{}/computes?api-version=2025-12-01", workspace());
    let (mut names, mut pages) = (Vec::new(), 0);
    loop {
        let body = lab.send(azure_emulator::Request::new("GET", &target)).body_json();
        names.extend(body["value"].as_array().into_iter().flatten().map(|c| c["name"].as_str().unwrap_or_default().to_owned()));
        pages += 1;
        let Some(next) = body.get("nextLink") else {
            break;
        };
        target = next.as_str().and_then(|n| n.strip_prefix("https://arm.test")).expect("absolute, on the same host").to_owned();
    }
    assert_eq!((pages, names.join(" ").as_str()), (3, "aaa ccc bbb ddd eee"));
    lab.set(&json!({"pageSize": 5}));
    let full = lab.ask("GET", &format!("{}/computes", workspace())).body_json();
    assert!(full.get("nextLink").is_none(), "a full last page has none either");
}

#[test]
fn a_404_names_the_missing_part() {
    let mut lab = Lab::new();
    let provider = "providers/Microsoft.MachineLearningServices/workspaces";
    for (id, expected) in [
        (compute("nosuch"), "ResourceNotFound"),
        (format!("{GROUP}/{provider}/nosuch"), "ResourceNotFound"),
        (format!("{GROUP}/{provider}/nosuch/computes/spark"), "ParentResourceNotFound"),
        (format!("{GROUP}/{provider}/nosuch/computes"), "ParentResourceNotFound"),
        (format!("{GROUP}-not/{provider}/yogi-aml-ws"), "ResourceGroupNotFound"),
        (format!("/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/{provider}/w"), "SubscriptionNotFound"),
    ] {
        let answer = lab.ask("GET", &id);
        assert_eq!((answer.status, code(&answer).as_str()), (404, expected), "{id}");
    }
}

#[test]
fn a_malformed_body_is_refused() {
    let mut lab = Lab::new();
    let good = spark(&pool("yogisparkpool"));
    let mut table =
        vec![("no type", json!({"properties": {}})), ("no properties", json!({})), ("not a pool", spark(&workspace()))];
    let mut numbers = good.clone();
    numbers["tags"] = json!({"n": 1});
    table.push(("a number as tag", numbers));
    for (case, body) in table {
        assert_eq!(lab.put(&compute("spark"), &body).status, 400, "{case}");
    }
    for name in ["x", "spark-1", "with_underscore", "seventeen-letters"] {
        assert_eq!(code(&lab.put(&compute(name), &good)), "UserError", "{name}");
    }
    assert_eq!(lab.put(&compute("spark"), &good).status, 201);
}

#[test]
fn tests_can_change_or_remove_resources_directly() {
    let mut lab = Lab::new();
    lab.attached("spark", &spark(&pool("yogisparkpool")));
    let target = format!("compute?id={}", compute("SPARK"));
    assert_eq!(
        lab.control("PATCH", &target, &json!({"properties": {"provisioningState": "Resizing"}, "tags": {"by": "hand"}})).status,
        200
    );
    let body = lab.ask("GET", &compute("spark")).body_json();
    assert_eq!((&body["properties"]["provisioningState"], &body["tags"]["by"]), (&json!("Resizing"), &json!("hand")));
    assert_eq!(
        lab.control("DELETE", &format!("resource?id={}", workspace()), &Value::Null).body_json()["removed"],
        6,
        "with four datastores"
    );
    assert_eq!(code(&lab.ask("GET", &compute("spark"))), "ParentResourceNotFound");
    assert_eq!(lab.control("DELETE", &format!("resource?id={}", workspace()), &Value::Null).status, 404);
}

#[test]
fn an_operation_on_a_removed_compute_does_not_affect_its_successor() {
    let mut lab = Lab::new();
    lab.put(&compute("spark"), &spark(&pool("nosuchpool")));
    lab.pass(Duration::from_secs(1));
    lab.control("DELETE", &format!("resource?id={}", compute("spark")), &Value::Null);
    lab.put(&compute("spark"), &spark(&pool("yogisparkpool")));
    lab.pass(Duration::from_secs(1));
    assert_eq!(
        lab.ask("GET", &compute("spark")).body_json()["properties"]["provisioningState"],
        "Creating",
        "the first operation isn't its"
    );
    lab.pass(Duration::from_secs(1));
    assert_eq!(lab.ask("GET", &compute("spark")).body_json()["properties"]["provisioningState"], "Succeeded");
}

#[test]
fn a_test_can_replace_a_compute_by_an_invalid_one() {
    let mut lab = Lab::new();
    let good = lab.attached("spark", &spark(&pool("yogisparkpool")));
    let target = format!("compute?id={}", compute("spark"));
    let mut shown = |method: &str, body: &Value| {
        let answer = lab.control(method, &target, body);
        assert_eq!(answer.status, 200, "{}", answer.body_json());
        lab.ask("GET", &compute("spark")).body_json()
    };
    let absent = shown("PATCH", &json!({"properties": {"resourceId": null}}));
    assert!(absent["properties"].as_object().is_some_and(|p| !p.contains_key("resourceId")), "{absent}");
    for odd in [json!(null), json!("not an ID"), json!(""), json!(7), json!({"id": "x"})] {
        let mut whole = good.clone();
        whole["properties"]["resourceId"] = odd.clone();
        let body = shown("PUT", &whole);
        assert_eq!(body, whole, "{odd}");
        assert!(body["properties"].as_object().is_some_and(|p| p.contains_key("resourceId")), "a null is there");
    }
    assert_eq!(shown("PUT", &good), good);
    assert_eq!(lab.control("PUT", &target, &json!([])).status, 400, "a compute is an object");
    assert_eq!(lab.control("PUT", &format!("compute?id={}", compute("nosuch")), &json!({})).status, 404);
}
