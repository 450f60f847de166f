//! What Microsoft's clients really sent, what they need in the answers, and recorded behaviour of Azure.

use std::collections::BTreeSet;
use std::time::Duration;

use azure_emulator::{Request, Seed};
use serde_json::{Value, json};

use crate::support::{CLIENT, Lab, SECRET, TENANT, fixture};

const WORKSPACE: &str = "/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/rg-aml/providers/Microsoft.MachineLearningServices/workspaces/ws-aml";
const SYNAPSE: &str = "/subscriptions/66666666-7777-8888-9999-000000000000/resourceGroups";

/// The world in which the recordings were made, with these computes.
fn recorded_world(computes: &[Value]) -> Lab {
    let user =
        |name: &str| json!({"id": format!("{SYNAPSE}/rg-id/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}")});
    let pool =
        |name: &str| json!({"id": format!("{SYNAPSE}/rg-syn/providers/Microsoft.Synapse/workspaces/syn-ws/bigDataPools/{name}")});
    let seed = json!({
        "principals": [{"tenantId": TENANT, "clientId": CLIENT, "objectId": "o", "secret": SECRET}],
        "workspaces": [{"id": WORKSPACE, "location": "westeurope"}],
        "pools": [pool("sparkpool"), pool("spark01")],
        "identities": [user("id-zeta"), user("id-alpha")],
        "computes": computes,
    });
    Lab::with(Seed::from_json(seed).expect("a good seed"))
}

/// Sends what was recorded; the operation's address is the one in the previous answer.
fn replayed(lab: &mut Lab, name: &str) -> Vec<(Value, azure_emulator::Answer)> {
    let recording = fixture(&format!("sdk/{name}"));
    let (mut operation, mut polls, mut answers) = (String::new(), 0, Vec::new());
    for exchange in recording["exchanges"].as_array().expect("exchanges") {
        let sent = &exchange["request"];
        let text = |key: &str| sent[key].as_str().unwrap_or_default();
        let mut target = format!("{}?{}", text("path"), text("rawQuery"));
        if target.contains("computeOperationsStatus") {
            target.clone_from(&operation);
            polls += 1;
            if polls == 2 {
                lab.pass(Duration::from_secs(2));
            }
        }
        let mut request = Request::new(text("method"), &target);
        for (name, value) in sent["headers"].as_object().into_iter().flatten() {
            request = request.with_header(name, value.as_str().unwrap_or_default());
        }
        if !sent["body"].is_null() {
            request.body = text("rawBody").as_bytes().to_vec();
        }
        let answer = lab.send(request);
        if let Some(link) = answer.header("Azure-AsyncOperation") {
            link.strip_prefix("https://arm.test").expect("same host").clone_into(&mut operation);
        }
        answers.push((exchange["stubResponse"].clone(), answer));
    }
    answers
}

/// Every key of the accepted answer is there with the same value, except for the named ones.
fn agrees(ours: &Value, theirs: &Value, at: &str, differ: &BTreeSet<&str>) {
    match theirs {
        _ if differ.contains(at.rsplit('/').next().unwrap_or_default()) => {}
        Value::Object(map) => {
            for (key, value) in map {
                agrees(&ours[key], value, &format!("{at}/{key}"), differ);
            }
        }
        Value::Array(list) => {
            assert_eq!(ours.as_array().map(Vec::len), Some(list.len()), "{at}");
            list.iter().enumerate().for_each(|(n, value)| agrees(&ours[n], value, &format!("{at}/{n}"), differ));
        }
        _ => assert_eq!(ours, theirs, "{at}"),
    }
}

/// What may differ: GUIDs, times, hosts; where the hand-written answers differ from recordings of Azure
/// (`tags`, `computeLocation`, `disableLocalAuth`); the case of identities (compared elsewhere); whose subscription the inner one is.
const MAY_DIFFER: [&str; 14] = [
    "principalId",
    "clientId",
    "tenantId",
    "workspaceId",
    "createdOn",
    "modifiedOn",
    "creationDate",
    "nextLink",
    "tags",
    "computeLocation",
    "disableLocalAuth",
    "message",
    "userAssignedIdentities",
    "subscriptionId",
];

#[test]
// Longer than other functions: a table with one row per case.
fn answers_equal_those_that_the_clients_accepted() {
    let listed = fixture("sdk/list");
    let pages = listed["exchanges"]
        .as_array()
        .expect("pages")
        .iter()
        .flat_map(|e| e["stubResponse"]["body"]["value"].as_array().into_iter().flatten());
    let all: Vec<Value> = pages.cloned().collect();
    for name in [
        "attach_no_identity",
        "attach_system_assigned",
        "attach_tags_description",
        "attach_user_assigned_two",
        "get",
        "get_missing",
        "bigdatapool_get",
        "v1_attach_via_linked_service",
        "delete_detach",
        "v1_detach",
        "list",
    ] {
        let is_attach = name.contains("attach_");
        let present: &[Value] = if is_attach { &[] } else { &all };
        let mut lab = recorded_world(present);
        lab.set(&json!({"pageSize": 2}));
        if name.starts_with("v1_detach") {
            let id = format!("{WORKSPACE}/computes/link1-spark01");
            lab.control("PUT", "world", &json!({"computes": [{"id": id}]}));
        }
        let mut differ: BTreeSet<&str> = MAY_DIFFER.into();
        if name == "bigdatapool_get" {
            differ.extend(["nodeCount", "location"]);
        }
        for (accepted, answer) in replayed(&mut lab, name) {
            assert_eq!(json!(answer.status), accepted["status"], "{name}: {}", answer.body_json());
            let ours = answer.body_json();
            let mut theirs = accepted["body"].clone();
            if ours["properties"]["provisioningState"] == "Creating"
                && let Some(properties) = theirs["properties"].as_object_mut()
            {
                properties.shift_remove("properties");
            }
            agrees(&ours, &theirs, name, &differ);
            assert_eq!(
                answer.header("Azure-AsyncOperation").is_some(),
                accepted["headers"].get("Azure-AsyncOperation").is_some(),
                "{name}"
            );
        }
    }
}

#[test]
fn two_identities_come_back_in_the_order_in_which_the_client_sent_them() {
    let mut lab = recorded_world(&[]);
    let (_, last) = replayed(&mut lab, "attach_user_assigned_two").pop().expect("a last GET");
    let body = last.body_json();
    let names: Vec<_> = body["identity"]["userAssignedIdentities"]
        .as_object()
        .expect("a map")
        .keys()
        .filter_map(|k| k.rsplit('/').next())
        .collect();
    assert_eq!(names, ["id-zeta", "id-alpha"]);
    assert_eq!(body["identity"]["type"], "UserAssigned", "sent as Userassigned");
}

#[test]
fn every_compute_has_the_keys_that_sdk_v1_asks_for() {
    let mut lab = recorded_world(&[]);
    let first = replayed(&mut lab, "v1_attach_via_linked_service").swap_remove(0).1;
    assert_eq!(first.status, 201);
    for body in [first.body_json(), lab.ask("GET", &format!("{WORKSPACE}/computes/link1-spark01")).body_json()] {
        let has = |value: &Value, keys: &[&str]| keys.iter().all(|k| value.get(*k).is_some());
        assert!(has(&body, &["id", "name", "location", "tags"]), "{body}");
        assert!(
            has(
                &body["properties"],
                &[
                    "properties",
                    "provisioningErrors",
                    "description",
                    "provisioningState",
                    "resourceId",
                    "isAttachedCompute",
                    "computeType"
                ]
            ),
            "{body}"
        );
        assert!(body["properties"]["properties"].is_object());
    }
}

#[test]
fn microsofts_examples_are_served() {
    let example = fixture("swagger/createOrUpdate_KubernetesCompute");
    let parameters = &example["parameters"];
    let of = |key: &str| parameters[key].as_str().unwrap_or_default();
    let group = format!("/subscriptions/{}/resourceGroups/{}", of("subscriptionId"), of("resourceGroupName"));
    let workspace = format!("{group}/providers/Microsoft.MachineLearningServices/workspaces/{}", of("workspaceName"));
    let mut lab = Lab::new();
    lab.control("PUT", "world", &json!({"workspaces": [{"id": workspace, "location": "eastus"}]}));
    let target = format!("{workspace}/computes/{}?api-version={}", of("computeName"), of("api-version"));
    // These belong to the type of compute, whose details this emulator does not implement.
    let differ: BTreeSet<&str> = [
        "createdOn",
        "modifiedOn",
        "relayConnectionString",
        "serviceBusConnectionString",
        "extensionPrincipalId",
        "extensionInstanceReleaseTrain",
        "vcName",
    ]
    .into();

    let put = lab.send(Request::new("PUT", &target).with_json(&parameters["parameters"]));
    assert_eq!(put.status, 201, "{}", put.body_json());
    agrees(&put.body_json(), &example["responses"]["201"]["body"], "put", &differ);
    lab.pass(Duration::from_secs(2));
    let get = lab.send(Request::new("GET", &target));
    agrees(&get.body_json(), &fixture("swagger/get_KubernetesCompute")["responses"]["200"]["body"], "get", &differ);
    let action = fixture("swagger/delete")["parameters"]["underlyingResourceAction"].take();
    let delete =
        lab.send(Request::new("DELETE", &format!("{target}&underlyingResourceAction={}", action.as_str().unwrap_or_default())));
    assert_eq!(delete.status, 202);
}

#[test]
// Longer than other functions: a table with one row per case.
fn create_update_and_delete_behave_as_recorded() {
    let real = fixture("real/aml-compute-lro-2022-08-30");
    let mut lab = recorded_world(&[]);
    let target = format!("{WORKSPACE}/computes/real?api-version=2022-01-01-preview");
    let body = json!({"location": "westeurope", "properties": {"computeType": "AmlCompute", "description": "some_desc_aml", "properties": {"vmSize": "STANDARD_DS2_V2"}}});
    let mut operation = String::new();
    for exchange in real["exchanges"].as_array().expect("exchanges") {
        let line = exchange["request"].as_str().expect("a request line");
        let method = line.split(' ').next().unwrap_or_default();
        let request = match method {
            "PUT" => Request::new("PUT", &target).with_json(&body),
            "DELETE" => Request::new("DELETE", &format!("{target}&underlyingResourceAction=Delete")),
            _ if line.contains("computeOperationsStatus") => {
                lab.pass(Duration::from_secs(2));
                Request::new("GET", &operation)
            }
            _ => Request::new("GET", &target),
        };
        let answer = lab.send(request);
        assert_eq!(json!(answer.status), exchange["status"], "{line}");
        for absent in exchange["absent_headers"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            assert!(answer.header(absent).is_none(), "{line}: {absent}");
        }
        for (name, _) in exchange["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(n, _)| n.starts_with("x-ms-r") && *n != "x-ms-response-type")
        {
            assert!(answer.header(name).is_some(), "{line}: {name}");
        }
        if let Some(link) = exchange["headers"]["Azure-AsyncOperation"].as_str() {
            let ours = answer.header("Azure-AsyncOperation").expect("an operation");
            // The same but for host, subscription, region and GUID.
            let shape = |l: &str| {
                l.split('/')
                    .skip(3)
                    .enumerate()
                    .filter(|(n, _)| ![1, 5, 7].contains(n))
                    .map(|(_, s)| s.to_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(shape(ours), shape(link));
            assert_eq!(ours.split_once('?').map(|q| q.1), link.split_once('?').map(|q| q.1));
            ours.strip_prefix("https://arm.test").expect("same host").clone_into(&mut operation);
        }
        let (ours, theirs) = (answer.body_json(), &exchange["body"]);
        let differ: BTreeSet<&str> = ["createdOn", "modifiedOn", "resourceId", "location", "computeLocation"].into();
        agrees(&ours, theirs, line, &differ);
        let absent_there =
            theirs["properties"].get("computeLocation").is_none() && theirs["tags"].is_null() && theirs.is_object();
        if absent_there && method == "PUT" {
            assert!(ours["properties"].get("computeLocation").is_none(), "{line}: not in the answer that creates");
        }
        assert!(ours.get("identity").is_none() && ours.get("etag").is_none());
    }
}
