//! Pipelines of SDK v1. What the client needs of the answers is seen in tests/sdk-v1.

use std::time::Duration;

use azure_emulator::{Answer, Request};
use serde_json::{Value, json};

use crate::jobs::{grant, lab, principal, synapse};
use crate::support::{Lab, OBJECT, compute, workspace};

const OF_LINK: &str = "77777777-aaaa-4bbb-8ccc-000000000007";

/// The only scope at which Apache Spark Administrator can be assigned.
const WHOLE: &str = "workspaces/yogi-synapse-ws";

pub fn ask(lab: &mut Lab, method: &str, service: &str, path: &str, body: &Value) -> Answer {
    let request = Request::new(method, &format!("/{service}{}/{path}", workspace()));
    lab.send(if body.is_null() { request } else { request.with_json(body) })
}

/// Saves a module of this type, without code.
fn module(lab: &mut Lab, name: &str, kind: &str) -> Value {
    let body = json!({"Name": name, "ModuleExecutionType": kind, "StructuredInterface": {"Inputs": [], "Outputs": []}});
    ask(lab, "POST", "pipelines/v1.0", "Modules", &body).body_json()["Id"].take()
}

/// The state of nodes, and of a pipeline.
fn states(lab: &mut Lab, run: &str) -> [String; 3] {
    let pipeline = ask(lab, "GET", "pipelines/v1.0", &format!("PipelineRuns/{run}"), &Value::Null).body_json();
    let mut all = vec![pipeline["Status"]["StatusCode"].clone()];
    for node in ["n1", "n2"] {
        all.push(
            ask(lab, "POST", "pipelines/v1.0", &format!("PipelineRuns/{run}/Graph/Node/StatusCode"), &json!([node])).body_json(),
        );
    }
    let text = |at: usize| all[at].as_str().unwrap_or_default().to_owned();
    [text(0), text(1), text(2)]
}

fn graph(lab: &mut Lab, names: [&str; 2]) -> Value {
    let settings = json!({"spark": {"configuration": {"spark.driver.cores": 4, "spark.driver.memory": "7g",
        "spark.executor.cores": 2, "spark.executor.memory": "7g", "spark.executor.instances": 1}}});
    let (first, second) = (module(lab, names[0], "synapse"), module(lab, names[1], "escloud"));
    let target = |compute: &str| json!([{"ValueType": "0", "Name": "Target", "Value": compute}]);
    json!({
        // Not in the order in which they run: that follows from the edge.
        "ModuleNodes": [
            {"Id": "n2", "ModuleId": second, "ModuleParameters": target("cpucluster"), "Runconfig": "{}"},
            {"Id": "n1", "ModuleId": first, "ModuleParameters": target("spark"), "Runconfig": settings.to_string()},
        ],
        "DatasetNodes": [],
        "Edges": [{"SourceOutputPort": {"NodeId": "n1", "PortName": "out"}, "DestinationInputPort": {"NodeId": "n2", "PortName": "in"}}],
    })
}

fn draft(lab: &mut Lab, graph: &Value) -> Answer {
    let body = json!({"CreationInfo": {"Description": "two"}, "Graph": graph});
    ask(lab, "POST", "pipelines/v1.0", "PipelineRuns/Unsubmitted/CreationInfoWithGraph?experimentName=exp", &body)
}

fn submit(lab: &mut Lab, run: &str) -> Answer {
    ask(lab, "POST", "pipelines/v1.0", &format!("PipelineRuns/Submit/{run}"), &Value::Null)
}

fn submitted(lab: &mut Lab, names: [&str; 2]) -> String {
    let graph = graph(lab, names);
    let run = draft(lab, &graph).body_json()["Id"].as_str().expect("a run").to_owned();
    assert_eq!(states(lab, &run)[0], "NotStarted");
    assert_eq!(submit(lab, &run).status, 200);
    run
}

fn history(lab: &mut Lab, run: &str, what: &str) -> Value {
    ask(lab, "GET", "history/v1.0", &format!("experiments/exp/runs/{run}{what}"), &Value::Null).body_json()
}

/// A linked service whose identity may use the data of the resource group.
fn link(lab: &mut Lab, name: &str, principal: &str) {
    link_without_storage(lab, name, principal);
    let group = workspace().split("/providers/").next().expect("a resource group").to_owned();
    let storage = json!({"scope": group, "roleId": "Storage Blob Data Contributor", "principalId": principal});
    assert_eq!(lab.control("PUT", "world", &json!({"azureRoleAssignments": [storage]})).status, 200);
}

fn link_without_storage(lab: &mut Lab, name: &str, principal: &str) {
    let one = json!({"id": format!("{}/linkedServices/{name}", workspace()), "linkedServiceResourceId": synapse(), "principalId": principal});
    assert_eq!(lab.control("PUT", "world", &json!({"linkedServices": [one]})).status, 200);
}

fn all(a: &str, b: &str, c: &str) -> [String; 3] {
    [a.to_owned(), b.to_owned(), c.to_owned()]
}

#[test]
fn steps_run_one_after_the_other_as_the_linked_service() {
    let mut lab = lab();
    link(&mut lab, "first", OF_LINK);
    grant(&mut lab, "Apache Spark Administrator", OF_LINK, WHOLE);
    let run = submitted(&mut lab, ["prepare", "train"]);
    assert_eq!(states(&mut lab, &run), all("NotStarted", "NotStarted", "NotStarted"));
    assert_eq!(history(&mut lab, &run, "/children")["value"], json!([]));
    for (seconds, expected) in [
        (2, all("Running", "NotStarted", "NotStarted")),
        (2, all("Running", "Queued", "NotStarted")),
        (2, all("Running", "Running", "NotStarted")),
        (4, all("Running", "Finished", "NotStarted")),
        (4, all("Running", "Finished", "Running")),
        (4, all("Finished", "Finished", "Finished")),
    ] {
        lab.pass(Duration::from_secs(seconds));
        assert_eq!(states(&mut lab, &run), expected);
    }
    let children = history(&mut lab, &run, "/children")["value"].take();
    let seen: Vec<_> =
        children.as_array().expect("a list").iter().map(|c| (&c["name"], &c["status"], &c["target"], &c["tags"])).collect();
    let tags = |node: &str| json!({"azureml.nodeid": node, "azureml.pipeline": run});
    let (first, second, done) = (json!("prepare"), json!("train"), json!("Completed"));
    let (spark, cluster) = (json!("spark"), json!("cpucluster"));
    assert_eq!(seen, [(&first, &done, &spark, &tags("n1")), (&second, &done, &cluster, &tags("n2"))]);
    assert_eq!(history(&mut lab, &run, "/details")["status"], "Completed");
    assert_eq!(ask(&mut lab, "GET", "history/v1.0", &format!("experiments/other/runs/{run}"), &Value::Null).status, 404);
    assert_eq!(submit(&mut lab, &run).status, 400, "a run is submitted once");
}

#[test]
fn the_linked_service_needs_the_role_and_without_one_the_compute() {
    // Which principals have a role, whether there is a linked service, and as whom the step is refused.
    for (of_link, of_compute, is_linked, refused) in [
        (true, false, true, None),
        (false, true, true, Some(OF_LINK)),
        (false, true, false, None),
        (true, false, false, Some("")),
    ] {
        let mut lab = lab();
        let own = principal(&mut lab);
        if is_linked {
            link(&mut lab, "first", OF_LINK);
        }
        for one in [(of_link, OF_LINK), (of_compute, own.as_str())].into_iter().filter(|(has, _)| *has).map(|(_, one)| one) {
            grant(&mut lab, "Apache Spark Administrator", one, WHOLE);
        }
        let run = submitted(&mut lab, ["prepare", "train"]);
        lab.pass(Duration::from_mins(1));
        let error = history(&mut lab, &run, "/details")["error"]["error"].take();
        let case = format!("{of_link} {of_compute} {is_linked}: {error}");
        let Some(refused) = refused else {
            assert_eq!((states(&mut lab, &run), error), (all("Finished", "Finished", "Finished"), Value::Null), "{case}");
            continue;
        };
        assert_eq!(states(&mut lab, &run), all("Failed", "Failed", "Canceled"), "{case}");
        let who = if refused.is_empty() { own.as_str() } else { refused };
        let text = format!("The step 'prepare' failed: The principal '{who}' does not have the required Synapse RBAC permission");
        assert!(error["code"] == "Unauthorized" && error["message"].as_str().is_some_and(|m| m.starts_with(&text)), "{case}");
    }
}

#[test]
fn the_linked_service_needs_the_storage_of_the_data() {
    let mut lab = lab();
    link_without_storage(&mut lab, "first", OF_LINK);
    grant(&mut lab, "Apache Spark Administrator", OF_LINK, WHOLE);
    let run = submitted(&mut lab, ["prepare", "train"]);
    lab.pass(Duration::from_mins(1));
    assert_eq!(states(&mut lab, &run), all("Failed", "Failed", "Canceled"));
    assert_eq!(history(&mut lab, &run, "/details")["error"]["error"]["code"], "AuthorizationPermissionMismatch");
}

#[test]
fn of_several_linked_services_one_with_the_role_suffices() {
    let mut lab = lab();
    link(&mut lab, "first", OF_LINK);
    link(&mut lab, "second", OBJECT);
    grant(&mut lab, "Apache Spark Administrator", OBJECT, WHOLE);
    let run = submitted(&mut lab, ["prepare", "train"]);
    lab.pass(Duration::from_mins(1));
    assert_eq!(states(&mut lab, &run), all("Finished", "Finished", "Finished"));
}

#[test]
fn steps_with_the_same_name_are_distinguished() {
    let mut lab = lab();
    link(&mut lab, "first", OF_LINK);
    grant(&mut lab, "Apache Spark Administrator", OF_LINK, WHOLE);
    let run = submitted(&mut lab, ["same", "same"]);
    lab.pass(Duration::from_mins(1));
    assert_eq!(states(&mut lab, &run), all("Finished", "Finished", "Finished"));
}

#[test]
fn what_was_not_saved_is_refused() {
    let mut lab = lab();
    let good = graph(&mut lab, ["prepare", "train"]);
    assert_eq!(draft(&mut lab, &good).status, 200);
    for (pointer, value, named) in [
        ("/ModuleNodes/0/ModuleId", json!("absent"), "module 'absent'"),
        ("/Edges/0/SourceOutputPort/NodeId", json!("n3"), "node 'n3'"),
        (
            "/DatasetNodes",
            json!([{"Id": "d", "DataSetDefinition": {"Value": {"SavedDataSetReference": {"Id": "none"}}}}]),
            "dataset 'none'",
        ),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect(pointer) = value;
        let answer = draft(&mut lab, &bad);
        let message = answer.body_json()["Error"]["Message"].take();
        assert!(answer.status == 400 && message.as_str().is_some_and(|m| m.contains(named)), "{pointer}: {message}");
    }
    // A compute is looked for when the run is submitted.
    lab.detach(&compute("spark"));
    lab.pass(Duration::from_secs(2));
    let run = draft(&mut lab, &good).body_json()["Id"].take();
    let answer = submit(&mut lab, run.as_str().expect("a run"));
    assert!(answer.status == 400 && answer.body_json()["Error"]["Code"] == "UserError", "{}", answer.body_json());

    let without_code = json!({"Name": "m", "ModuleExecutionType": "synapse", "StorageId": "absent"});
    assert_eq!(ask(&mut lab, "POST", "pipelines/v1.0", "Modules", &without_code).status, 400);
    let not_uploaded =
        json!({"FileRevisionList": {"FileNodes": [{"FullName": "a.py", "BlobUri": "https://x.blob.core.windows.net/a/a.py"}]}});
    assert_eq!(ask(&mut lab, "POST", "content/v2.0", "snapshots/one", &not_uploaded).status, 400);
    assert_eq!(ask(&mut lab, "POST", "content/v2.0", "snapshots/one", &json!({"ParentSnapshotId": "absent"})).status, 400);
    assert_eq!(ask(&mut lab, "POST", "dataset/v1.0", "saveddatasets", &json!({"dataflowJson": "{}"})).status, 400);
}

#[test]
fn the_newest_snapshot_is_the_one_that_was_saved_last() {
    let mut lab = Lab::new();
    let latest = |lab: &mut Lab| ask(lab, "GET", "content/v1.0", "snapshots/latest/metadata", &Value::Null).body_json();
    assert_eq!(latest(&mut lab), json!({"id": "00000000-0000-0000-0000-000000000000", "root": {}}));
    for (guid, parent) in [("one", "00000000-0000-0000-0000-000000000000"), ("two", "one")] {
        let tree = json!({"name": "", "type": "Directory", "hash": guid, "children": {}});
        let body = json!({"ParentSnapshotId": parent, "DirTreeNode": tree, "FileRevisionList": {"FileNodes": []}});
        assert_eq!(ask(&mut lab, "POST", "content/v2.0", &format!("snapshots/{guid}"), &body).status, 200);
        assert_eq!(latest(&mut lab), json!({"id": guid, "root": tree}));
    }
}
