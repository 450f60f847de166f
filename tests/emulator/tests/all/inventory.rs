//! What a client finds without knowing its name: subscriptions, workspaces, pools.

use std::collections::BTreeSet;

use azure_emulator::Request;
use serde_json::{Value, json};

use crate::support::{GROUP, Lab, code, compute, holding, pool, spark, workspace};

const SUBSCRIPTION: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a";

fn synapse(group: &str, name: &str) -> String {
    format!("{group}/providers/Microsoft.Synapse/workspaces/{name}")
}

/// Follows `nextLink` to the end; returns the names, and the number of pages.
fn names(lab: &mut Lab, path: &str) -> (Vec<String>, usize) {
    let (mut found, mut pages) = (Vec::new(), 0);
    let mut answer = lab.ask("GET", path);
    loop {
        let body = answer.body_json();
        assert_eq!(answer.status, 200, "{body}");
        pages += 1;
        found.extend(body["value"].as_array().expect("a list").iter().map(|v| v["name"].as_str().unwrap_or_default().to_owned()));
        match body.get("nextLink") {
            None => return (found, pages),
            Some(next) => {
                let next = next.as_str().expect("no null").strip_prefix("https://arm.test").expect("same host");
                answer = lab.send(Request::new("GET", next));
            }
        }
    }
}

#[test]
fn workspaces_are_listed_by_subscription_and_by_group() {
    let mut lab = Lab::new();
    let other = format!("{SUBSCRIPTION}/resourceGroups/other");
    let ml = |group: &str, name: &str| format!("{group}/providers/Microsoft.MachineLearningServices/workspaces/{name}");
    let seed = json!({
        "workspaces": [{"id": ml(&other, "other-ml")}, {"id": ml("/subscriptions/0a/resourceGroups/far", "far-ml")}],
        "synapseWorkspaces": [{"id": synapse(&other, "other-syn"), "location": "westeurope"}, {"id": synapse(&other, "third-syn")}],
    });
    assert_eq!(lab.control("PUT", "world", &seed).status, 200);
    lab.set(&json!({"pageSize": 1}));
    for (provider, all, one) in [
        ("MachineLearningServices", vec!["other-ml", "yogi-aml-ws"], "yogi-aml-ws"),
        ("Synapse", vec!["other-syn", "third-syn", "yogi-synapse-ws"], "yogi-synapse-ws"),
    ] {
        let path = |scope: &str| format!("{scope}/providers/Microsoft.{provider}/workspaces");
        let (found, pages) = names(&mut lab, &path(SUBSCRIPTION));
        assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), all.iter().copied().collect());
        assert_eq!(pages, all.len());
        assert_eq!(names(&mut lab, &path(GROUP)), (vec![one.to_owned()], 1));
        assert_eq!(code(&lab.ask("GET", &path(&format!("{SUBSCRIPTION}/resourceGroups/none")))), "ResourceGroupNotFound");
    }
    let subscriptions = lab.ask("GET", "/subscriptions").body_json();
    let ids: Vec<&Value> = subscriptions["value"].as_array().expect("a list").iter().map(|s| &s["id"]).collect();
    assert_eq!(ids, [&json!("/subscriptions/0a"), &json!(SUBSCRIPTION)]);
}

#[test]
fn a_synapse_workspace_shows_its_data_plane_endpoint() {
    let mut lab = Lab::new();
    let body = lab.ask("GET", &synapse(GROUP, "YOGI-synapse-ws")).body_json();
    assert_eq!(body["id"], json!(synapse(GROUP, "yogi-synapse-ws")));
    assert_eq!(body["properties"]["connectivityEndpoints"]["dev"], "https://yogi-synapse-ws.dev.azuresynapse.net");
    assert_eq!(code(&lab.ask("GET", &synapse(GROUP, "none"))), "ResourceNotFound");
}

#[test]
fn the_host_of_machine_learning_is_found_and_has_the_computes_too() {
    let mut lab = Lab::new();
    let url = |lab: &mut Lab| lab.ask("GET", &workspace()).body_json()["properties"]["discoveryUrl"].take();
    assert_eq!(url(&mut lab), "https://eastus2.api.azureml.ms/discovery");
    lab.set(&json!({"ownDiscovery": true}));
    assert_eq!(url(&mut lab), "https://arm.test/discovery");
    let found = lab.azure.answer(lab.now, &Request::new("GET", "/discovery"));
    assert_eq!((found.status, &found.body_json()["api"]), (200, &json!("https://arm.test")));
    lab.attached("spark", &spark(&pool("yogisparkpool")));
    for path in [compute("spark"), format!("{}/computes", workspace())] {
        let there = lab.ask("GET", &format!("/rp/workspaces{path}"));
        assert_eq!((there.status, there.body_json()), (200, lab.ask("GET", &path).body_json()));
    }
}

#[test]
fn pools_are_shown_listed_and_changed() {
    let mut lab = Lab::new();
    let at = synapse(GROUP, "yogi-synapse-ws");
    lab.set(&json!({"pageSize": 1}));
    assert_eq!(
        names(&mut lab, &format!("{at}/bigDataPools")),
        (vec!["othersparkpool".to_owned(), "yogisparkpool".to_owned()], 2)
    );
    let body = lab.ask("GET", &pool("yogisparkpool")).body_json();
    assert_eq!((&body["location"], &body["properties"]["provisioningState"]), (&json!("eastus2"), &json!("Succeeded")));
    assert_eq!(body["properties"]["creationDate"], "2026-01-02T03:04:05.6789012Z");
    assert_eq!(body["properties"]["dynamicExecutorAllocation"], json!({"enabled": false}));

    let target = format!("pool?id={}", pool("YOGIsparkpool"));
    let patch = json!({"provisioningState": "Failed", "nodeCount": 7, "sparkVersion": "3.5", "autoScale": {"enabled": false}});
    assert_eq!(lab.control("PATCH", &target, &patch).status, 200);
    let properties = lab.ask("GET", &pool("yogisparkpool")).body_json()["properties"].take();
    assert_eq!(
        [&properties["provisioningState"], &properties["nodeCount"], &properties["sparkVersion"]],
        [&json!("Failed"), &json!(7), &json!("3.5")]
    );
    assert_eq!(properties["autoScale"], json!({"enabled": false, "minNodeCount": 3, "maxNodeCount": 10}), "merged");
    let refused = lab.control("PATCH", &target, &json!({"nodeCuont": 7}));
    assert!(refused.status == 400 && refused.body_json().to_string().contains("nodeCuont"), "{}", refused.body_json());
    assert_eq!(lab.control("PATCH", "pool?id=/nowhere", &patch).status, 404);

    assert_eq!(code(&lab.ask("GET", &pool("none"))), "ResourceNotFound");
    assert_eq!(code(&lab.ask("GET", &format!("{}/bigDataPools", synapse(GROUP, "none")))), "ParentResourceNotFound");
    lab.control("DELETE", &format!("resource?id={at}"), &Value::Null);
    assert_eq!(code(&lab.ask("GET", &pool("yogisparkpool"))), "ParentResourceNotFound");
}

#[test]
fn reads_need_the_read_permission() {
    let group = |provider: &str| format!("{GROUP}/providers/Microsoft.{provider}/workspaces");
    let cases = [
        ("Microsoft.MachineLearningServices/workspaces/read", vec![group("MachineLearningServices"), workspace()]),
        ("Microsoft.Synapse/workspaces/read", vec![group("Synapse"), synapse(GROUP, "yogi-synapse-ws")]),
        (
            "Microsoft.Synapse/workspaces/bigDataPools/read",
            vec![format!("{}/bigDataPools", synapse(GROUP, "yogi-synapse-ws")), pool("yogisparkpool")],
        ),
    ];
    for (action, _) in &cases {
        let mut lab = holding(&json!([{"scope": GROUP, "actions": [action]}]));
        for (needed, paths) in &cases {
            for path in paths {
                let expected = if needed == action { (200, "") } else { (403, "AuthorizationFailed") };
                let answer = lab.ask("GET", path);
                assert_eq!((answer.status, code(&answer).as_str()), expected, "{action} {path}");
            }
        }
        let whole = lab.ask("GET", &format!("{SUBSCRIPTION}/providers/Microsoft.Synapse/workspaces"));
        assert_eq!(whole.status, 403, "a right on a group isn't one on the subscription");
    }
}
