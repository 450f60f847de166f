//! Jobs on an attached pool, and pipelines that begin there.

use std::time::Duration;

use azure_emulator::{Answer, Request};
use serde_json::{Value, json};

use crate::support::{GROUP, Lab, code, compute, holding, identity, pool, spark, workspace};

const POOL: &str = "workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool";

fn job(name: &str) -> String {
    format!("{}/jobs/{name}", workspace())
}

fn synapse() -> String {
    format!("{GROUP}/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws")
}

/// Jobs take eight seconds, two in each state; the pool is attached as `spark`; there is also a cluster.
fn lab() -> Lab {
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
fn principal(lab: &mut Lab) -> String {
    lab.ask("GET", &compute("spark")).body_json()["identity"]["principalId"].as_str().expect("its own").to_owned()
}

fn grant(lab: &mut Lab, role: &str, principal: &str, scope: &str) {
    let one = json!({"workspace": synapse(), "roleId": role, "principalId": principal, "scope": scope});
    let answer = lab.control("PUT", "world", &json!({"roleAssignments": [one]}));
    assert_eq!(answer.status, 200, "{}", answer.body_json());
}

/// A lab whose compute may run on its pool.
fn able() -> Lab {
    let mut lab = lab();
    let principal = principal(&mut lab);
    grant(&mut lab, "Synapse Administrator", &principal, POOL);
    lab
}

/// As azure-ai-ml sends it.
fn standalone() -> Value {
    json!({"properties": {
        "jobType": "Spark", "experimentName": "exp", "codeId": format!("{}/codes/c/versions/1", workspace()),
        "entry": {"sparkJobEntryType": "SparkJobPythonEntry", "file": "main.py"},
        "conf": {"spark.driver.cores": "1", "spark.driver.memory": "2g", "spark.executor.cores": "2",
            "spark.executor.memory": "2g", "spark.executor.instances": "2"},
        "identity": {"identityType": "Managed"},
        "computeId": compute("spark"),
        "inputs": {"in1": {"jobInputType": "uri_file", "uri": "azureml://datastores/d/paths/x.csv", "mode": "Direct"}},
        "outputs": {"out1": {"jobOutputType": "uri_folder", "uri": "azureml://datastores/d/paths/out", "mode": "Direct"}},
        "args": "--in ${{inputs.in1}} --out ${{outputs.out1}}",
    }})
}

fn step(kind: &str, on: &str, reads: Option<&str>) -> Value {
    let mut step = json!({"type": kind, "componentId": format!("{}/components/azureml_anonymous/versions/{kind}", workspace()),
        "computeId": compute(on), "inputs": {}, "_source": "BUILDER"});
    if let Some(reads) = reads {
        step["inputs"] =
            json!({"d": {"job_input_type": "literal", "value": format!("${{{{parent.jobs.{reads}.outputs.out1}}}}")}});
    }
    if kind == "spark" {
        step["identity"] = json!({"identity_type": "Managed"});
        step["conf"] = json!({"spark.driver.cores": 1, "spark.driver.memory": "2g", "spark.executor.cores": 2,
            "spark.executor.memory": "2g", "spark.executor.instances": 2});
    }
    step
}

fn pipeline(lab: &mut Lab) -> Value {
    for kind in ["spark", "command"] {
        let component = format!("{}/components/azureml_anonymous/versions/{kind}", workspace());
        let body = json!({"properties": {"componentSpec": {"type": kind, "name": "azureml_anonymous"}}});
        assert_eq!(lab.put(&component, &body).status, 201);
    }
    json!({"properties": {"jobType": "Pipeline", "experimentName": "exp", "settings": {"_source": "DSL"},
        "jobs": {"train": step("command", "cpucluster", Some("prep")), "prep": step("spark", "spark", None)}}})
}

fn status(lab: &mut Lab, name: &str) -> String {
    let body = lab.ask("GET", &job(name)).body_json();
    body["properties"]["status"].as_str().unwrap_or_default().to_owned()
}

/// The status of a pipeline and of its steps, as the world shows them.
fn statuses(lab: &mut Lab) -> [String; 3] {
    let shown = lab.control("GET", "world", &Value::Null).body_json()["jobs"].take();
    let of = |step: Value| {
        let found = shown.as_array().into_iter().flatten().find(|j| j["step"] == step).expect("there");
        found["status"].as_str().unwrap_or_default().to_owned()
    };
    [of(Value::Null), of(json!("prep")), of(json!("train"))]
}

/// How a job on its own ends.
fn end(lab: &mut Lab, name: &str, body: &Value) -> (String, String) {
    let answer = lab.put(&job(name), body);
    assert_eq!(answer.status, 201, "{}", answer.body_json());
    lab.pass(Duration::from_secs(8));
    let body = lab.ask("GET", &job(name)).body_json();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    (text(&body["properties"]["status"]), text(&body["properties"]["properties"]["error"]))
}

fn refused(answer: &Answer, says: &str) {
    let body = answer.body_json();
    assert_eq!((answer.status, code(answer).as_str()), (400, "UserError"), "{body}");
    assert!(body["error"]["message"].as_str().is_some_and(|m| m.contains(says)), "{says}: {body}");
}

#[test]
fn a_job_moves_on_with_time() {
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
fn a_role_counts_when_it_has_spread() {
    let mut lab = lab();
    lab.set(&json!({"rolePropagation": "5s"}));
    let own = principal(&mut lab);
    let scope = ("scope", "https://dev.azuresynapse.net/.default");
    let (arm, token) = (
        lab.token.clone(),
        lab.token_request(&[("client_id", crate::support::CLIENT), ("client_secret", crate::support::SECRET), scope]),
    );
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
fn a_role_is_an_orphan_when_its_compute_was_detached() {
    let mut lab = able();
    let first = principal(&mut lab);
    lab.detach(&compute("spark"));
    lab.pass(Duration::from_secs(2));
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
fn it_runs_as_the_first_user_assigned_identity_or_as_the_one_that_is_named() {
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
fn other_identities_of_a_job() {
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
fn a_pool_that_was_broken_or_taken_away_fails_the_job() {
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
fn a_step_waits_for_the_one_whose_output_it_reads() {
    let mut lab = able();
    let body = pipeline(&mut lab);
    let answer = lab.put(&job("two"), &body);
    assert_eq!(answer.status, 201, "{}", answer.body_json());
    let all = |a: &str, b: &str, c: &str| [a.to_owned(), b.to_owned(), c.to_owned()];
    assert_eq!(statuses(&mut lab), all("NotStarted", "NotStarted", "NotStarted"));
    lab.pass(Duration::from_secs(2));
    assert_eq!(statuses(&mut lab), all("Running", "NotStarted", "NotStarted"));
    lab.pass(Duration::from_secs(7));
    assert_eq!(statuses(&mut lab), all("Running", "Finalizing", "NotStarted"));
    lab.pass(Duration::from_secs(1));
    assert_eq!(statuses(&mut lab), all("Running", "Completed", "NotStarted"));
    lab.pass(Duration::from_secs(2));
    assert_eq!(statuses(&mut lab), all("Running", "Completed", "Queued"));
    lab.pass(Duration::from_secs(6));
    assert_eq!(statuses(&mut lab), all("Completed", "Completed", "Completed"));

    let shown = lab.control("GET", "world", &Value::Null).body_json()["jobs"].take();
    let prep = shown.as_array().into_iter().flatten().find(|j| j["step"] == "prep").expect("there").clone();
    assert_eq!(prep["parent"], "two");
    let child = lab.ask("GET", prep["id"].as_str().expect("an ID")).body_json();
    assert_eq!(
        [&child["properties"]["jobType"], &child["properties"]["displayName"], &child["properties"]["status"]],
        ["Spark", "prep", "Completed"]
    );
    let list = lab.ask("GET", &format!("{}/jobs", workspace())).body_json();
    assert_eq!(list["value"].as_array().map(Vec::len), Some(1), "steps aren't listed");
}

#[test]
fn a_failed_step_fails_the_pipeline_and_later_steps_are_not_run() {
    let mut lab = lab();
    let body = pipeline(&mut lab);
    assert_eq!(lab.put(&job("two"), &body).status, 201);
    lab.pass(Duration::from_mins(1));
    assert_eq!(statuses(&mut lab), ["Failed", "Failed", "Canceled"].map(str::to_owned));
    let error = lab.ask("GET", &job("two")).body_json()["properties"]["properties"]["error"].take();
    assert!(error.as_str().is_some_and(|e| e.contains("'prep'") && e.contains("Synapse RBAC permission")), "{error}");
}

#[test]
fn pipelines_that_cannot_run_are_refused() {
    let mut lab = able();
    let good = pipeline(&mut lab);
    let with = |at: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(&format!("/properties/jobs{at}")).expect("there") = value;
        body
    };
    for (body, says) in [
        (with("", json!({})), "jobs"),
        (with("/train/componentId", json!(format!("{}/components/none/versions/1", workspace()))), "none"),
        (with("/train/computeId", json!(compute("spark"))), "spark"),
        (with("/train/inputs", step("command", "cpucluster", Some("nosuch"))["inputs"].clone()), "train"),
        (with("/prep/inputs", step("spark", "spark", Some("train"))["inputs"].clone()), "train, prep"),
        (with("/prep/conf", json!({})), "spark.driver.cores"),
        (with("/prep/identity", json!({"identity_type": "AMLToken"})), "AMLToken"),
    ] {
        refused(&lab.put(&job("bad"), &body), says);
    }
}

#[test]
fn a_job_is_canceled_and_its_steps_with_it() {
    let mut lab = able();
    let body = pipeline(&mut lab);
    lab.put(&job("two"), &body);
    lab.pass(Duration::from_secs(4));
    assert_eq!(lab.ask("POST", &format!("{}/cancel", job("two"))).status, 200);
    assert_eq!(status(&mut lab, "two"), "CancelRequested");
    lab.pass(Duration::from_secs(2));
    assert_eq!(statuses(&mut lab), ["Canceled", "Canceled", "Canceled"].map(str::to_owned));
    refused(&lab.ask("POST", &format!("{}/cancel", job("two"))), "ended");
    assert_eq!(lab.ask("POST", &format!("{}/cancel", job("none"))).status, 404);
}

#[test]
fn a_test_can_ask_for_the_end_of_a_job() {
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
