//! The graph of a pipeline, as a pipeline of v2: its nodes are steps, and an edge between two means that one reads an output of the other.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::exchange::Refusal;
use crate::world::studio::{Run, Studio};

/// Refuses a graph with modules or datasets that were not saved, or with edges between nodes that it doesn't have.
pub(super) fn check(graph: &Value, studio: &Studio) -> Result<(), Refusal> {
    let known = |ids: Vec<&str>, has: &dyn Fn(&str) -> bool, what: &str| match ids.into_iter().find(|id| !has(id)) {
        Some(id) => Err(Refusal::user_error(format!("The graph names the {what} '{id}', which was not found."))),
        None => Ok(()),
    };
    let texts = |key: &str, pointer: &str| -> Vec<&str> {
        all(graph, key).filter_map(|one| one.pointer(pointer).and_then(Value::as_str)).collect()
    };
    known(texts("ModuleNodes", "/ModuleId"), &|id| studio.modules.contains_key(id), "module")?;
    let saved = texts("DatasetNodes", "/DataSetDefinition/Value/SavedDataSetReference/Id");
    known(saved, &|id| studio.datasets.contains_key(id), "dataset")?;
    let nodes = [texts("ModuleNodes", "/Id"), texts("DatasetNodes", "/Id")].concat();
    for end in ["/SourceOutputPort/NodeId", "/DestinationInputPort/NodeId"] {
        known(texts("Edges", end), &|id| nodes.contains(&id), "node")?;
    }
    Ok(())
}

/// The `properties` of a job that runs this graph.
pub(super) fn properties(guid: &str, run: &Run, studio: &Studio) -> Value {
    let nodes = all(&run.graph, "ModuleNodes");
    let names = names(&run.graph, studio);
    let steps: Map<String, Value> =
        nodes.map(|node| (names[text(node, "Id")].clone(), step(guid, node, run, studio, &names))).collect();
    json!({
        "jobType": "Pipeline",
        "displayName": run.description,
        "experimentName": run.experiment,
        "properties": {"azureml.runsource": "azureml.PipelineRun"},
        "jobs": steps,
    })
}

/// The ID of the node that a step was, from the body of its job.
pub(super) fn node(step: &Value) -> &str {
    text(&step["properties"]["tags"], "azureml.nodeid")
}

fn step(guid: &str, node: &Value, run: &Run, studio: &Studio, names: &BTreeMap<&str, String>) -> Value {
    let id = text(node, "Id");
    let module = &studio.modules[text(node, "ModuleId")];
    let mut inputs = Map::new();
    for edge in all(&run.graph, "Edges").filter(|edge| edge["DestinationInputPort"]["NodeId"] == id) {
        let (from, to) = (&edge["SourceOutputPort"], &edge["DestinationInputPort"]);
        // A dataset is no step, and is there already.
        if let Some(step) = names.get(text(from, "NodeId")) {
            let value = format!("${{{{parent.jobs.{step}.outputs.{}}}}}", text(from, "PortName"));
            inputs.insert(text(to, "PortName").to_owned(), json!({"job_input_type": "literal", "value": value}));
        }
    }
    let settings: Value = serde_json::from_str(text(node, "Runconfig")).unwrap_or_default();
    let is_spark = text(module, "ModuleExecutionType") == "synapse";
    json!({
        "type": if is_spark { "spark" } else { "command" },
        "computeId": parameter(node, "Target"),
        "inputs": inputs,
        "conf": if is_spark { &settings["spark"]["configuration"] } else { &Value::Null },
        "tags": {"azureml.nodeid": id, "azureml.pipeline": guid},
    })
}

/// The names of the steps by the IDs of their nodes: those of their modules, unless two are the same.
fn names<'a>(graph: &'a Value, studio: &Studio) -> BTreeMap<&'a str, String> {
    let name = |node: &Value| text(&studio.modules[text(node, "ModuleId")], "Name").to_owned();
    let of = |node: &'a Value| {
        let (id, own) = (text(node, "Id"), name(node));
        let is_taken = all(graph, "ModuleNodes").any(|other| text(other, "Id") != id && name(other) == own);
        (id, if is_taken || own.contains(".outputs") { id.to_owned() } else { own })
    };
    all(graph, "ModuleNodes").map(of).collect()
}

fn parameter<'a>(node: &'a Value, name: &str) -> &'a Value {
    all(node, "ModuleParameters")
        .find(|parameter| parameter["Name"] == name)
        .map_or(&Value::Null, |parameter| &parameter["Value"])
}

fn all<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of[key].as_array().into_iter().flatten()
}

fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of[key].as_str().unwrap_or_default()
}
