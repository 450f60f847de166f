//! The run history: a run of a pipeline, and of its steps, as their jobs are now.

use serde_json::{Value, json};

use super::pipeline::job_key;
use super::{Call, no_such};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::world::job::{Job, Status};

pub(super) fn run(azure: &Azure, call: &Call<'_>, experiment: &str, guid: &str) -> Result<Answer, Refusal> {
    let job = find(azure, call, experiment, guid)?;
    Ok(Answer::json(200, &body(job)))
}

/// The steps that have begun, the newest first, as the client asks for them. One page.
pub(super) fn children(azure: &Azure, call: &Call<'_>, experiment: &str, guid: &str) -> Result<Answer, Refusal> {
    find(azure, call, experiment, guid)?;
    let steps = azure.world.steps(&job_key(call, guid));
    let begun = steps.iter().rev().filter_map(|key| azure.world.jobs.get(key)).filter(|job| job.status != Status::NotStarted);
    Ok(Answer::json(200, &json!({"value": begun.map(body).collect::<Vec<_>>()})))
}

pub(super) fn details(azure: &Azure, call: &Call<'_>, experiment: &str, guid: &str) -> Result<Answer, Refusal> {
    let mut run = body(find(azure, call, experiment, guid)?);
    let mut details = json!({"logFiles": {}});
    for key in ["runId", "target", "status", "properties", "error"] {
        details[key] = run[key].take();
    }
    Ok(Answer::json(200, &details))
}

fn find<'a>(azure: &'a Azure, call: &Call<'_>, experiment: &str, guid: &str) -> Result<&'a Job, Refusal> {
    let job = azure.world.jobs.get(&job_key(call, guid));
    job.filter(|job| job.body()["properties"]["experimentName"] == experiment).ok_or_else(|| no_such("run", guid))
}

fn body(job: &Job) -> Value {
    let shown = job.body();
    let (properties, guid) = (&shown["properties"], &shown["name"]);
    let parent = job.parent.as_deref().map(id::name);
    let source = if parent.is_some() { "azureml.StepRun" } else { "azureml.PipelineRun" };
    let error = job.error.as_ref().map(|error| json!({"error": {"code": error.code, "message": error.message}}));
    json!({
        "runId": guid,
        "rootRunId": parent.map_or(guid.clone(), Value::from),
        "parentRunId": parent,
        "dataContainerId": format!("dcid.{}", guid.as_str().unwrap_or_default()),
        "runNumber": job.created,
        "name": properties["displayName"],
        "status": properties["status"],
        "createdUtc": shown["systemData"]["createdAt"],
        "runType": source,
        "target": properties["computeId"],
        "properties": {"azureml.runsource": source},
        "tags": if properties["tags"].is_null() { json!({}) } else { properties["tags"].clone() },
        "error": error,
    })
}
