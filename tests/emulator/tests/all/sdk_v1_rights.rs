//! Permissions of the services that only SDK v1 uses.

use azure_emulator::Request;
use serde_json::{Value, json};

use crate::sdk_v1::ask;
use crate::support::{CLIENT, Lab, OBJECT, SECRET, TENANT, workspace};

#[test]
fn each_request_needs_its_permission() {
    let run = "00000000-0000-0000-0000-000000000001";
    for (method, service, path, action) in [
        ("GET", "datastore/v1.0", "default".to_owned(), "datastores/read"),
        ("GET", "datastore/v1.0", "datastores/workspaceblobstore".to_owned(), "datastores/read"),
        ("POST", "dataset/v1.0", "saveddatasets".to_owned(), "datasets/unregistered/write"),
        ("GET", "data/v1.0", format!("dataversion/unregistered-{run}/versions/1"), "datasets/unregistered/read"),
        ("GET", "content/v1.0", "snapshots/latest/metadata".to_owned(), "metadata/snapshots/read"),
        ("POST", "content/v2.0", "snapshots/getblob".to_owned(), "metadata/snapshots/write"),
        ("POST", "content/v2.0", format!("snapshots/{run}"), "metadata/snapshots/write"),
        ("GET", "pipelines/v1.0", "DataTypes".to_owned(), "modules/read"),
        ("POST", "pipelines/v1.0", "Modules".to_owned(), "modules/write"),
        ("GET", "pipelines/v1.0", format!("Modules/{run}"), "modules/read"),
        ("POST", "pipelines/v1.0", "PipelineRuns/Unsubmitted/CreationInfoWithGraph".to_owned(), "experiments/runs/write"),
        ("POST", "pipelines/v1.0", format!("PipelineRuns/Submit/{run}"), "experiments/runs/submit/action"),
        ("GET", "pipelines/v1.0", format!("PipelineRuns/{run}"), "experiments/runs/read"),
        ("POST", "pipelines/v1.0", format!("PipelineRuns/{run}/Graph/Node/StatusCode"), "experiments/runs/read"),
        ("GET", "history/v1.0", format!("experiments/exp/runs/{run}"), "experiments/runs/read"),
        ("GET", "history/v1.0", format!("experiments/exp/runs/{run}/children"), "experiments/runs/read"),
        ("GET", "history/v1.0", format!("experiments/exp/runs/{run}/details"), "experiments/runs/read"),
        (
            "GET",
            "artifact/v2.0",
            format!("artifacts/prefix/contentinfo/ExperimentRun/dcid.{run}/logs"),
            "metadata/artifacts/read",
        ),
    ] {
        let mut lab = Lab::new();
        let mut status = |actions: Value| {
            let rights = json!([{"scope": workspace(), "actions": actions}]);
            let principal =
                json!({"tenantId": TENANT, "clientId": CLIENT, "objectId": OBJECT, "secret": SECRET, "rights": rights});
            lab.control("PUT", "world", &json!({"principals": [principal]}));
            ask(&mut lab, method, service, &path, &if method == "POST" { json!({}) } else { Value::Null }).status
        };
        let whole = format!("Microsoft.MachineLearningServices/workspaces/{action}");
        assert_eq!(status(json!(["Microsoft.MachineLearningServices/workspaces/computes/*"])), 403, "{method} {path}");
        assert!(matches!(status(json!([whole])), 200 | 400 | 404), "{method} {path}");
        let wrong = ask(&mut lab, "DELETE", service, &path, &Value::Null);
        assert_eq!(wrong.status, 405, "{path}");
    }
}

#[test]
fn the_key_of_the_account_is_for_those_who_may_list_secrets() {
    let mut lab = Lab::new();
    let section = |lab: &mut Lab| {
        let answer = ask(lab, "GET", "datastore/v1.0", "default", &Value::Null).body_json();
        (
            answer["azureStorageSection"]["credentialType"].clone(),
            answer["azureStorageSection"]["accountKey"].as_str().map(str::len),
        )
    };
    assert_eq!(section(&mut lab), (json!("AccountKey"), Some(88)));
    let rights = json!([{"scope": workspace(), "actions": ["Microsoft.MachineLearningServices/workspaces/*/read"]}]);
    let principal = json!({"tenantId": TENANT, "clientId": CLIENT, "objectId": OBJECT, "secret": SECRET, "rights": rights});
    lab.control("PUT", "world", &json!({"principals": [principal]}));
    assert_eq!(section(&mut lab), (json!("None"), None));
}

#[test]
fn a_token_and_a_workspace_are_needed() {
    let mut lab = Lab::new();
    let target = format!("/pipelines/v1.0{}/DataTypes", workspace());
    assert_eq!(lab.azure.answer(lab.now, &Request::new("GET", &target)).status, 401);
    assert_eq!(lab.send(Request::new("GET", &target)).status, 200);
    assert_eq!(lab.send(Request::new("GET", &target.replace("yogi-aml-ws", "absent"))).status, 404);
    assert_eq!(lab.send(Request::new("GET", &target.replace("DataTypes", "Schedules"))).status, 404, "not served");
}
