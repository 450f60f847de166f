//! Jobs of Machine Learning, as received.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::azure::wire::null::or_default;

/// The states of a job that has ended; the specification lists all. A state that is unknown may be one of a job that runs.
const ENDED: [&str; 3] = ["Completed", "Failed", "Canceled"];
/// How deep pipelines can be in each other; the steps of deeper ones are not read.
const MAX_DEPTH: usize = 8;

/// A job in a LIST: only what is read. Source: `Microsoft.MachineLearningServices` 2024-04-01, `JobBaseResource`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default)]
pub struct Job {
    /// The name inside the workspace.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    properties: Properties,
}

#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(default, rename_all = "camelCase")]
struct Properties {
    status: Option<String>,
    compute_id: Option<String>,
    /// Of a pipeline: its steps. The specification leaves their form open; each is an object as azure-ai-ml sends it.
    #[serde(deserialize_with = "or_default")]
    jobs: Map<String, Value>,
    /// Of a pipeline. The form is open, too.
    #[serde(deserialize_with = "or_default")]
    settings: Map<String, Value>,
}

impl Job {
    /// Azure's name of its state; empty if Azure shows none.
    #[must_use]
    pub fn status(&self) -> &str {
        self.properties.status.as_deref().unwrap_or_default()
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        ENDED.contains(&self.status())
    }

    /// The computes that it names, itself or in a step, in lower case and as names inside the workspace.
    ///
    /// A LIST does not show the steps of a pipeline as jobs of their own: azure-ai-ml requests those from the run history.
    #[must_use]
    pub fn computes(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let properties = &self.properties;
        found.extend(properties.compute_id.as_deref().and_then(name));
        found.extend(defaults(&properties.settings));
        steps(&properties.jobs, MAX_DEPTH, &mut found);
        found
    }
}

/// The default compute in the settings of a pipeline: both spellings are in use.
fn defaults(settings: &Map<String, Value>) -> impl Iterator<Item = String> {
    ["default_compute", "defaultCompute"].into_iter().filter_map(|key| settings.get(key)?.as_str().and_then(name))
}

/// The computes of the steps of a pipeline, and of the pipelines among them.
fn steps(jobs: &Map<String, Value>, depth: usize, found: &mut BTreeSet<String>) {
    for step in jobs.values() {
        found.extend(step["computeId"].as_str().and_then(name));
        found.extend(step["settings"].as_object().into_iter().flat_map(defaults));
        if let (Some(inner), true) = (step["jobs"].as_object(), depth > 0) {
            steps(inner, depth - 1, found);
        }
    }
}

/// The name of a compute that is given as a resource ID, as `azureml:NAME` or as a name.
fn name(reference: &str) -> Option<String> {
    let last = reference.rsplit('/').next().unwrap_or_default();
    let last = last.strip_prefix("azureml:").unwrap_or(last).to_ascii_lowercase();
    Some(last).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(properties: &Value) -> Job {
        serde_json::from_value(json!({"name": "it", "properties": properties})).expect("a job")
    }

    #[test]
    fn computes_of_a_job_are_those_that_it_or_a_step_names() {
        let id = |name: &str| {
            format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/computes/{name}")
        };
        #[rustfmt::skip]
        let table = [
            ("none",                    json!({}),                                                                 &[][..]),
            ("null",                    json!({"computeId": null, "jobs": null, "settings": null}),                &[]),
            ("empty",                   json!({"computeId": ""}),                                                  &[]),
            ("by its ID",               json!({"computeId": id("Spark")}),                                         &["spark"]),
            ("by its name",             json!({"computeId": "spark"}),                                             &["spark"]),
            ("as YAML spells it",       json!({"computeId": "azureml:spark"}),                                     &["spark"]),
            ("of two steps",            json!({"jobs": {"a": {"computeId": id("spark")}, "b": {"computeId": id("cpu")}}}), &["cpu", "spark"]),
            ("the default of a pipeline", json!({"settings": {"default_compute": id("spark")}, "jobs": {"a": {}}}),  &["spark"]),
            ("the same, spelled otherwise", json!({"settings": {"defaultCompute": "spark"}}),                      &["spark"]),
            ("of a pipeline in a step", json!({"jobs": {"a": {"jobs": {"b": {"computeId": "spark"}}}}}),           &["spark"]),
            ("steps that are no objects", json!({"jobs": {"a": null, "b": 1, "c": [{"computeId": "spark"}]}}),     &[]),
        ];
        for (case, properties, computes) in table {
            assert_eq!(job(&properties).computes().into_iter().collect::<Vec<_>>(), computes, "{case}");
        }
    }

    #[test]
    fn a_job_whose_state_is_unknown_has_not_ended() {
        for (status, ended) in [
            (json!("Completed"), true),
            (json!("Failed"), true),
            (json!("Canceled"), true),
            (json!("Running"), false),
            (json!("CancelRequested"), false),
            (json!("Paused"), false),
            (json!("NotResponding"), false),
            (json!("Unknown"), false),
            (json!("SomethingNew"), false),
            (json!(null), false),
        ] {
            assert_eq!(job(&json!({"status": status})).has_ended(), ended, "{status}");
        }
    }
}
