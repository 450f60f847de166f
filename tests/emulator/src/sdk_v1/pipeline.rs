//! Modules, which are steps without their place in a pipeline, and runs of pipelines.

use serde_json::{Value, json};

use super::{Call, WORKSPACES, graph, no_such};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::world::job::{Job, Status};
use crate::world::plan::{Plan, RunsAs};
use crate::world::studio::Run;
use crate::world::timestamp;

/// The types that the client otherwise creates before it does anything else (SDK).
const FILES: [&str; 10] = [
    "AnyFile",
    "AzureBlobReference",
    "AzureDataLakeReference",
    "AzureFilesReference",
    "AzureSqlDatabaseReference",
    "AzurePostgresDatabaseReference",
    "AzureDataLakeGen2Reference",
    "AzureMLDataset",
    "AzureMySqlDatabaseReference",
    "DBFSReference",
];

pub(super) fn data_types() -> Answer {
    let all = FILES.iter().map(|name| (*name, false)).chain([("AnyDirectory", true)]);
    let all = all.map(|(name, is_directory)| {
        json!({"Id": name, "Name": name, "Description": name, "IsDirectory": is_directory, "ParentDataTypeIds": []})
    });
    Answer::json(200, &Value::Array(all.collect()))
}

/// Saves a module, whose code is in a snapshot.
pub(super) fn save_module(azure: &mut Azure, call: &Call<'_>) -> Result<Answer, Refusal> {
    let mut body = call.body()?;
    let guid = azure.world.guid().to_string();
    let studio = call.studio(azure);
    if let Some(snapshot) = body["StorageId"].as_str().filter(|guid| !studio.snapshots.contains_key(*guid)) {
        return Err(Refusal::user_error(format!("The snapshot '{snapshot}' with the code of the module was not found.")));
    }
    (body["Id"], body["UploadState"], body["EntityStatus"]) = (json!(guid), json!("Completed"), json!("Active"));
    let answer = Answer::json(200, &body);
    studio.modules.insert(guid, body);
    Ok(answer)
}

/// A module, and its ports and parameters once more, in another form.
pub(super) fn module(azure: &mut Azure, call: &Call<'_>, guid: &str) -> Result<Answer, Refusal> {
    let module = call.studio(azure).modules.get(guid).ok_or_else(|| no_such("module", guid))?;
    let own = &module["StructuredInterface"];
    let each = |key: &str, shown: &dyn Fn(&Value) -> Value| -> Value {
        own[key].as_array().into_iter().flatten().map(shown).collect::<Vec<_>>().into()
    };
    let parameter = |p: &Value| json!({"Name": p["Name"], "DefaultValue": p["DefaultValue"], "IsOptional": p["IsOptional"], "Type": "String"});
    let interface = json!({
        "Parameters": each("Parameters", &parameter),
        "MetadataParameters": each("MetadataParameters", &parameter),
        "Ports": {
            "Inputs": each("Inputs", &|i| json!({"Name": i["Name"], "DataTypesIds": i["DataTypeIdsList"], "IsOptional": i["IsOptional"]})),
            "Outputs": each("Outputs", &|o| json!({"Name": o["Name"], "DataTypeId": o["DataTypeId"]})),
        },
    });
    Ok(Answer::json(200, &json!({"Data": module, "Interface": interface})))
}

/// Saves a run, which is submitted by another request.
pub(super) fn draft(azure: &mut Azure, call: &Call<'_>) -> Result<Answer, Refusal> {
    let mut body = call.body()?;
    let guid = azure.world.guid().to_string();
    let experiment = call.request.query_value("experimentName").filter(|name| !name.is_empty());
    let run = Run {
        experiment: experiment.ok_or_else(|| Refusal::user_error("The query parameter experimentName is required."))?,
        description: body["CreationInfo"]["Description"].take(),
        graph: body["Graph"].take(),
    };
    let studio = call.studio(azure);
    graph::check(&run.graph, studio)?;
    let answer = Answer::json(200, &entity(&guid, &run, None));
    studio.runs.insert(guid, run);
    Ok(answer)
}

/// Submits a run: it becomes a job with steps, like a pipeline of v2.
pub(super) fn submit(azure: &mut Azure, call: &Call<'_>, guid: &str) -> Result<Answer, Refusal> {
    let key = job_key(call, guid);
    if azure.world.jobs.contains_key(&key) {
        return Err(Refusal::user_error(format!("The pipeline run '{guid}' was submitted already.")));
    }
    let studio = call.studio(azure);
    let run = studio.runs.get(guid).ok_or_else(|| no_such("pipeline run", guid))?;
    let properties = graph::properties(guid, run, studio);
    let Plan::Pipeline(mut steps) = azure.world.plan(&call.key(), &properties)? else {
        return Err(Refusal::user_error("The pipeline has no steps."));
    };
    steps.iter_mut().filter(|step| step.spark.is_some()).for_each(|step| step.spark = Some(RunsAs::Link));
    let at = timestamp(call.now);
    let body = json!({
        "id": format!("{}/jobs/{guid}", call.workspace.id),
        "name": guid,
        "type": format!("{WORKSPACES}/jobs"),
        "properties": properties,
        "systemData": {"createdAt": at, "createdBy": call.token.client, "createdByType": "Application", "lastModifiedAt": at},
    });
    azure.world.submit(call.now, &azure.settings, body, Plan::Pipeline(steps), call.doomed.clone());
    Ok(Answer::empty(200).with("Content-Length", "0"))
}

pub(super) fn run(azure: &mut Azure, call: &Call<'_>, guid: &str) -> Result<Answer, Refusal> {
    let studio = azure.world.studios.get(&call.key());
    let run = studio.and_then(|studio| studio.runs.get(guid)).ok_or_else(|| no_such("pipeline run", guid))?;
    Ok(Answer::json(200, &entity(guid, run, azure.world.jobs.get(&job_key(call, guid)))))
}

/// The state of the node that the body names by its path.
pub(super) fn node(azure: &Azure, call: &Call<'_>, guid: &str) -> Result<Answer, Refusal> {
    let path = call.body()?;
    let node = path[0].as_str().unwrap_or_default();
    let steps = azure.world.steps(&job_key(call, guid));
    let found = steps.iter().filter_map(|key| azure.world.jobs.get(key)).find(|step| graph::node(&step.body()) == node);
    let step = found.ok_or_else(|| no_such("node", node))?;
    Ok(Answer::json(200, &json!(code(step.status))))
}

/// The key of the job that a run becomes.
pub(super) fn job_key(call: &Call<'_>, guid: &str) -> String {
    format!("{}/jobs/{}", call.key(), crate::id::fold(guid))
}

fn entity(guid: &str, run: &Run, job: Option<&Job>) -> Value {
    let code = match job.map(|job| code(job.status)) {
        None => "NotStarted",
        // A run has fewer states than a node (SDK).
        Some("Queued") => "Running",
        Some(code) => code,
    };
    json!({
        "Id": guid,
        "Description": run.description,
        "GraphId": guid,
        "IsSubmitted": job.is_some(),
        "RunHistoryExperimentName": run.experiment,
        "Status": {"StatusCode": code, "StatusDetail": job.and_then(|job| job.error.as_ref()).map(|error| &error.message)},
    })
}

/// The state of a node, in the words of this service: a job that is completed is finished here (SDK).
fn code(status: Status) -> &'static str {
    match status {
        Status::NotStarted => "NotStarted",
        Status::Queued => "Queued",
        Status::Running | Status::Finalizing | Status::CancelRequested => "Running",
        Status::Completed => "Finished",
        Status::Failed => "Failed",
        Status::Canceled => "Canceled",
    }
}
