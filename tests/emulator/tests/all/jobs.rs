//! Jobs on an attached pool, and pipelines that begin there.

use std::time::Duration;

use azure_emulator::Answer;
use serde_json::{Value, json};

use crate::pipelines::{pipeline, statuses};
use crate::support::{GROUP, Lab, code, compute, holding, pool, spark, workspace};

pub const POOL: &str = "workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool";

pub fn job(name: &str) -> String {
    format!("{}/jobs/{name}", workspace())
}

pub fn synapse() -> String {
    format!("{GROUP}/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws")
}

/// Jobs take eight seconds, two in each state; the pool is attached as `spark`; there is also a cluster.
pub fn lab() -> Lab {
    let mut lab = Lab::new();
    lab.set(&json!({"jobDuration": "8s"}));
    let mut wanted = spark(&pool("yogisparkpool"));
    wanted["identity"] = json!({"type": "SystemAssigned"});
    lab.attached("spark", &wanted);
    lab.control(
        "PUT",
        "world",
        &json!({"computes": [{"id": compute("cpucluster"), "properties": {"computeType": "AmlCompute"}}]}),
    );
    lab
}

/// The principal of the compute `spark`.
pub fn principal(lab: &mut Lab) -> String {
    lab.ask("GET", &compute("spark")).body_json()["identity"]["principalId"].as_str().expect("its own").to_owned()
}

pub fn grant(lab: &mut Lab, role: &str, principal: &str, scope: &str) {
    let one = json!({"workspace": synapse(), "roleId": role, "principalId": principal, "scope": scope});
    let answer = lab.control("PUT", "world", &json!({"roleAssignments": [one]}));
    assert_eq!(answer.status, 200, "{}", answer.body_json());
}

/// A lab whose compute may run on its pool.
pub fn able() -> Lab {
    let mut lab = lab();
    let principal = principal(&mut lab);
    grant(&mut lab, "Synapse Administrator", &principal, POOL);
    lab
}

/// As azure-ai-ml sends it.
pub fn standalone() -> Value {
    json!({"properties": {
        "jobType": "Spark", "experimentName": "exp", "codeId": format!("{}/codes/c/versions/1", workspace()),
        "entry": {"sparkJobEntryType": "SparkJobPythonEntry", "file": "main.py"},
        "conf": {"spark.driver.cores": "1", "spark.driver.memory": "2g", "spark.executor.cores": "2",
            "spark.executor.memory": "2g", "spark.executor.instances": "2"},
        "identity": {"identityType": "Managed"},
        "computeId": compute("spark"),
        "inputs": {"in1": {"jobInputType": "uri_file", "uri": "azureml://datastores/workspaceblobstore/paths/x.csv", "mode": "Direct"}},
        "outputs": {"out1": {"jobOutputType": "uri_folder", "uri": "azureml://datastores/workspaceblobstore/paths/out", "mode": "Direct"}},
        "args": "--in ${{inputs.in1}} --out ${{outputs.out1}}",
    }})
}

pub fn status(lab: &mut Lab, name: &str) -> String {
    let body = lab.ask("GET", &job(name)).body_json();
    body["properties"]["status"].as_str().unwrap_or_default().to_owned()
}

/// How a standalone job ends.
pub fn end(lab: &mut Lab, name: &str, body: &Value) -> (String, String) {
    let answer = lab.put(&job(name), body);
    assert_eq!(answer.status, 201, "{}", answer.body_json());
    lab.pass(Duration::from_secs(8));
    let body = lab.ask("GET", &job(name)).body_json();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    (text(&body["properties"]["status"]), text(&body["properties"]["properties"]["error"]))
}

pub fn refused(answer: &Answer, says: &str) {
    let body = answer.body_json();
    assert_eq!((answer.status, code(answer).as_str()), (400, "UserError"), "{body}");
    assert!(body["error"]["message"].as_str().is_some_and(|m| m.contains(says)), "{says}: {body}");
}

#[test]
fn a_job_changes_its_state_over_time() {
    let mut lab = able();
    let answer = lab.put(&job("one"), &standalone());
    let (body, sent) = (answer.body_json(), standalone());
    assert_eq!((answer.status, &body["id"], &body["name"]), (201, &json!(job("one")), &json!("one")));
    for key in ["jobType", "codeId", "entry", "conf", "identity", "computeId", "inputs", "outputs", "args", "experimentName"] {
        assert_eq!(body["properties"][key], sent["properties"][key], "{key}");
    }
    assert_eq!(body["properties"]["status"], "NotStarted");
    for expected in ["Queued", "Running", "Finalizing", "Completed"] {
        lab.pass(Duration::from_millis(1999));
        assert_ne!(status(&mut lab, "one"), expected, "too early");
        lab.pass(Duration::from_millis(1));
        assert_eq!(status(&mut lab, "one"), expected);
    }
    let list = lab.ask("GET", &format!("{}/jobs", workspace())).body_json();
    assert_eq!(list["value"][0]["properties"]["status"], "Completed");
    assert_eq!(code(&lab.ask("GET", &job("none"))), "ResourceNotFound");
}

#[test]
fn a_job_takes_as_long_as_an_operation_if_nothing_is_set() {
    let mut lab = able();
    lab.set(&json!({"jobDuration": null}));
    lab.put(&job("one"), &standalone());
    lab.pass(Duration::from_millis(1999));
    assert_eq!(status(&mut lab, "one"), "Finalizing");
    lab.pass(Duration::from_millis(1));
    assert_eq!(status(&mut lab, "one"), "Completed");
}

#[test]
fn missing_inputs_are_reported_before_anything_runs() {
    let mut lab = able();
    let with = |at: &str, value: Value| {
        let mut body = standalone();
        let (parent, key) = at.rsplit_once('/').expect("a pointer");
        body.pointer_mut(&format!("/properties{parent}")).expect("there")[key] = value;
        body
    };
    for (at, value, says) in [
        ("/codeId", Value::Null, "codeId"),
        ("/entry", Value::Null, "entry"),
        ("/jobType", json!("Sweep"), "Sweep"),
        ("/computeId", Value::Null, "compute"),
        ("/computeId", json!(compute("none")), "none"),
        ("/computeId", json!(compute("spark").replace("yogi-aml-ws", "other")), "spark"),
        ("/computeId", json!(compute("cpucluster")), "cpucluster"),
        ("/conf/spark.driver.cores", Value::Null, "spark.driver.cores"),
        ("/conf/spark.executor.instances", Value::Null, "spark.executor.instances"),
        ("/conf/spark.dynamicAllocation.enabled", json!("True"), "spark.dynamicAllocation.minExecutors"),
        ("/inputs/in1", json!({"mode": "ReadOnlyMount"}), "Direct"),
    ] {
        refused(&lab.put(&job("bad"), &with(at, value)), says);
    }
    lab.put(&compute("spark"), &spark(&pool("yogisparkpool")));
    refused(&lab.put(&job("bad"), &standalone()), "Creating");
    assert_eq!(lab.ask("GET", &job("bad")).status, 404);
}

#[test]
fn a_failed_or_removed_pool_fails_the_job() {
    let mut lab = able();
    lab.control("PATCH", &format!("pool?id={}", pool("yogisparkpool")), &json!({"provisioningState": "Failed"}));
    let (ended, error) = end(&mut lab, "broken", &standalone());
    assert!(ended == "Failed" && error.contains("in the state Failed"), "{error}");
    lab.control("DELETE", &format!("resource?id={}", pool("yogisparkpool")), &Value::Null);
    let (ended, error) = end(&mut lab, "gone", &standalone());
    assert!(ended == "Failed" && error.contains("not found"), "{error}");
    lab.put(&job("late"), &standalone());
    lab.control("DELETE", &format!("resource?id={}", compute("spark")), &Value::Null);
    lab.pass(Duration::from_secs(8));
    assert_eq!(status(&mut lab, "late"), "Failed");
}

#[test]
fn elapsed_events_are_applied_in_order() {
    let mut lab = able();
    lab.put(&job("one"), &standalone());
    lab.pass(Duration::from_secs(3));
    // It runs a second from now, and the compute is gone two seconds from now.
    lab.detach(&compute("spark"));
    lab.pass(Duration::from_secs(7));
    assert_eq!(status(&mut lab, "one"), "Completed");
    assert_eq!(lab.ask("GET", &compute("spark")).status, 404);
}

#[test]
fn a_test_can_determine_how_a_job_ends() {
    let mut lab = able();
    let fault = json!({"method": "PUT", "path": "/jobs/", "failOperation": {"code": "OutOfMemory", "message": "asked for"}});
    lab.control("POST", "faults", &fault);
    assert_eq!(end(&mut lab, "doomed", &standalone()), ("Failed".into(), "OutOfMemory: asked for".into()));
    assert_eq!(end(&mut lab, "next", &standalone()).0, "Completed");
    lab.control("POST", "faults", &fault);
    let body = pipeline(&mut lab);
    lab.control("DELETE", &format!("resource?id={}", job("doomed")), &Value::Null);
    lab.control("DELETE", &format!("resource?id={}", job("next")), &Value::Null);
    lab.put(&job("two"), &body);
    lab.pass(Duration::from_mins(1));
    assert_eq!(statuses(&mut lab), ["Failed", "Failed", "Canceled"].map(str::to_owned));
}

#[test]
fn a_second_put_changes_only_the_description() {
    let mut lab = able();
    lab.put(&job("one"), &standalone());
    lab.pass(Duration::from_secs(4));
    let mut changed = standalone();
    changed["properties"]["tags"] = json!({"a": "b"});
    changed["properties"]["computeId"] = json!(compute("other"));
    let answer = lab.put(&job("one"), &changed);
    let body = answer.body_json()["properties"].take();
    assert_eq!((answer.status, &body["status"]), (200, &json!("Running")));
    assert_eq!((&body["tags"]["a"], &body["computeId"]), (&json!("b"), &json!(compute("spark"))));
}

#[test]
fn versions_are_returned_as_they_were_put() {
    let mut lab = Lab::new();
    for kind in ["components", "codes", "environments"] {
        let id = format!("{}/{kind}/thing/versions/1", workspace());
        assert_eq!(lab.ask("GET", &id).status, 404);
        let put = lab.put(&id, &json!({"properties": {"description": kind}}));
        assert_eq!((put.status, &put.body_json()["name"]), (201, &json!("1")));
        assert_eq!(lab.ask("GET", &id.to_uppercase().replace("/SUBSCRIPTIONS", "/subscriptions")).body_json(), put.body_json());
    }
}

#[test]
fn jobs_need_their_own_permissions() {
    let of = |what: &str| format!("Microsoft.MachineLearningServices/workspaces/jobs/{what}");
    for (action, expected) in [("read", [200, 403, 403]), ("write", [403, 400, 403]), ("cancel/action", [403, 403, 404])] {
        let mut lab = holding(&json!([{"scope": workspace(), "actions": [of(action)]}]));
        let list = lab.ask("GET", &format!("{}/jobs", workspace())).status;
        let put = lab.put(&job("one"), &standalone()).status;
        assert_eq!([list, put, lab.ask("POST", &format!("{}/cancel", job("one"))).status], expected, "{action}");
    }
}

#[test]
fn a_list_shows_the_jobs_that_its_parameters_ask_for_page_by_page() {
    let mut lab = lab();
    let one = |name: &str, more: Value| {
        let mut properties = json!({"jobType": "Spark", "status": "Running", "computeId": compute("spark")});
        for (key, value) in more.as_object().expect("fields") {
            properties[key] = value.clone();
        }
        json!({"id": job(name), "properties": properties})
    };
    lab.control(
        "PUT",
        "world",
        &json!({"jobs": [
            one("first", json!({})),
            one("tagged", json!({"tags": {"team": "data"}})),
            one("archived", json!({"isArchived": true, "status": "Completed"})),
            one("command", json!({"jobType": "Command", "isArchived": false})),
        ]}),
    );
    lab.set(&json!({"pageSize": 2}));
    let mut listed = |query: &str| {
        let (mut target, mut names) = (format!("{}/jobs?api-version=2024-04-01{query}", workspace()), Vec::new());
        loop {
            let body = lab.send(azure_emulator::Request::new("GET", &target)).body_json();
            let page = body["value"].as_array().expect("a page");
            assert!(page.len() <= 2);
            names.extend(page.iter().map(|job| job["name"].as_str().expect("a name").to_owned()));
            match body["nextLink"].as_str() {
                Some(next) => next.strip_prefix("https://arm.test").expect("on the same host").clone_into(&mut target),
                None => return names.join(" "),
            }
        }
    };
    for (query, names) in [
        ("", "command tagged first"),
        ("&listViewType=ActiveOnly", "command tagged first"),
        ("&listViewType=ArchivedOnly", "archived"),
        ("&listViewType=All", "command archived tagged first"),
        ("&jobType=spark", "tagged first"),
        ("&jobType=Sweep", ""),
        ("&tag=team", "tagged"),
        ("&listViewType=All&jobType=Spark", "archived tagged first"),
    ] {
        assert_eq!(listed(query), names, "{query}");
    }
    lab.pass(Duration::from_mins(30));
    assert_eq!(status(&mut lab, "first"), "Running", "nothing ends it");
}

#[test]
fn a_seeded_job_has_one_of_the_states_of_the_specification() {
    let mut lab = lab();
    let answer = lab.control("PUT", "world", &json!({"jobs": [{"id": job("one"), "properties": {"status": "Dancing"}}]}));
    assert_eq!(answer.status, 400, "{}", answer.body_json());
}
