//! Pipelines, and their steps.

use std::time::Duration;

use serde_json::{Value, json};

use crate::jobs::{able, job, lab, refused, status};
use crate::support::{Lab, compute, workspace};

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

pub fn pipeline(lab: &mut Lab) -> Value {
    for kind in ["spark", "command"] {
        let component = format!("{}/components/azureml_anonymous/versions/{kind}", workspace());
        let body = json!({"properties": {"componentSpec": {"type": kind, "name": "azureml_anonymous"}}});
        assert_eq!(lab.put(&component, &body).status, 201);
    }
    json!({"properties": {"jobType": "Pipeline", "experimentName": "exp", "settings": {"_source": "DSL"},
        "jobs": {"train": step("command", "cpucluster", Some("prep")), "prep": step("spark", "spark", None)}}})
}

/// The status of a pipeline and of its steps, as the world shows them.
pub fn statuses(lab: &mut Lab) -> [String; 3] {
    let shown = lab.control("GET", "world", &Value::Null).body_json()["jobs"].take();
    let of = |step: Value| {
        let found = shown.as_array().into_iter().flatten().find(|j| j["step"] == step).expect("there");
        found["status"].as_str().unwrap_or_default().to_owned()
    };
    [of(Value::Null), of(json!("prep")), of(json!("train"))]
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
