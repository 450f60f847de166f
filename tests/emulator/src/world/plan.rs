//! The content of a PUT of a job, and its validation.
//!
//! Standalone jobs use camelCase; steps of a pipeline also use `snake_case` (SDK). The code of the
//! refusals is REAL of other requests of Machine Learning, their texts are INF.

use serde_json::{Map, Value};

use super::World;
use crate::exchange::Refusal;
use crate::id;

/// The identity as which a Spark job runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RunsAs {
    /// The compute's identity, or the one of its user-assigned identities that is named here.
    Managed(Option<String>),
    /// The sender of the request.
    User,
    /// A step of SDK v1: the identity of the linked service through which the pool is attached (DOC).
    Link,
}

/// Something that runs on one compute.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    /// The name in the pipeline; empty for a standalone job.
    pub(crate) step: String,
    /// The folded ID.
    pub(crate) compute: String,
    /// None if it isn't Spark.
    pub(crate) spark: Option<RunsAs>,
    /// The steps whose outputs it reads.
    pub(crate) needs: Vec<String>,
    pub(crate) properties: Value,
}

/// What a job consists of.
#[derive(Debug)]
pub(crate) enum Plan {
    Single(Work),
    Pipeline(Vec<Work>),
}

fn wrong<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::user_error(message))
}

/// The value of the first of these keys that is present.
fn either<'a>(of: &'a Value, keys: &[&str]) -> &'a Value {
    keys.iter().map(|k| &of[*k]).find(|v| !v.is_null()).unwrap_or(&Value::Null)
}

impl World {
    /// Reads and checks the `properties` of a job of this workspace, given by its folded ID.
    pub(crate) fn plan(&self, workspace: &str, properties: &Value) -> Result<Plan, Refusal> {
        match properties["jobType"].as_str().unwrap_or_default() {
            kind @ ("Spark" | "Command") => {
                let entry = &properties["entry"];
                if kind == "Spark" && (!properties["codeId"].is_string() || either(entry, &["file", "className"]).is_null()) {
                    return wrong("A Spark job needs 'codeId' and 'entry'.");
                }
                self.work(workspace, "", kind, properties, &Value::Null).map(Plan::Single)
            }
            "Pipeline" => self.pipeline(workspace, properties).map(Plan::Pipeline),
            other => wrong(format!("The emulator runs jobs of the jobType Spark, Command and Pipeline, not '{other}'.")),
        }
    }

    fn pipeline(&self, workspace: &str, properties: &Value) -> Result<Vec<Work>, Refusal> {
        let Some(steps) = properties["jobs"].as_object().filter(|jobs| !jobs.is_empty()) else {
            return wrong("A pipeline needs 'jobs'.");
        };
        let default = either(&properties["settings"], &["default_compute", "defaultCompute"]);
        let default = if properties["computeId"].is_null() { default } else { &properties["computeId"] };
        let mut found = Vec::new();
        for (name, step) in steps {
            let kind = match step["type"].as_str().unwrap_or_default() {
                "spark" => "Spark",
                "command" => "Command",
                other => return wrong(format!("The emulator runs steps of the type spark and command; '{name}' is '{other}'.")),
            };
            found.push(self.work(workspace, name, kind, step, default)?);
        }
        let (mut done, mut left): (Vec<&Work>, Vec<&Work>) = (Vec::new(), found.iter().collect());
        while !left.is_empty() {
            let (ready, later): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|w| w.needs.iter().all(|n| done.iter().any(|d| d.step == *n)));
            if ready.is_empty() {
                let names: Vec<_> = later.iter().map(|w| w.step.as_str()).collect();
                return wrong(format!("The steps {} read outputs of steps that don't come before them.", names.join(", ")));
            }
            done.extend(ready);
            left = later;
        }
        Ok(found)
    }

    fn work(&self, workspace: &str, step: &str, kind: &str, of: &Value, default: &Value) -> Result<Work, Refusal> {
        let compute = of["computeId"].as_str().or(default.as_str());
        let Some(compute) = compute else {
            return wrong("The job names no compute; the emulator has no serverless one.");
        };
        let is_spark = kind == "Spark";
        let compute = self.usable(workspace, compute, is_spark)?;
        let component = match of["componentId"].as_str().map(id::fold) {
            Some(component) if id::is_within(&component, workspace) => match self.assets.get(&component) {
                Some(known) => &known["properties"]["componentSpec"],
                None => return wrong(format!("The component '{component}' was not found.")),
            },
            _ => &Value::Null,
        };
        let spark = if is_spark {
            check_conf(&of["conf"], &component["conf"])?;
            check_modes(of)?;
            Some(runs_as(&of["identity"])?)
        } else {
            None
        };
        let mut needs = Vec::new();
        read_outputs(&of["inputs"], &mut needs);
        let mut properties = of.clone();
        properties["jobType"] = Value::from(kind);
        Ok(Work { step: step.to_owned(), compute, spark, needs, properties })
    }

    /// The folded ID of a compute that exists, is ready, and has the right type.
    fn usable(&self, workspace: &str, compute: &str, for_spark: bool) -> Result<String, Refusal> {
        let key = match id::fold(compute) {
            whole if whole.starts_with('/') => whole,
            name => format!("{workspace}/computes/{}", name.trim_start_matches("azureml:")),
        };
        let known = self.computes.get(&key).filter(|_| id::is_within(&key, workspace));
        let Some(known) = known else {
            return wrong(format!(
                "The compute '{}' was not found in the workspace '{}'.",
                id::name(compute),
                id::name(workspace)
            ));
        };
        let state = known.body["properties"]["provisioningState"].as_str().unwrap_or_default();
        if state != "Succeeded" {
            return wrong(format!(
                "The compute '{}' is in the state {state}; a job needs one that is Succeeded.",
                id::name(compute)
            ));
        }
        let is_spark = known.body["properties"]["computeType"] == "SynapseSpark";
        if is_spark != for_spark {
            let kind = if for_spark { "Spark" } else { "Command" };
            return wrong(format!("A job of the type {kind} can't run on the compute '{}'.", id::name(compute)));
        }
        Ok(key)
    }
}

/// The default is Managed (DOC). Synapse does not accept a token of Machine Learning (DOC: `Managed` or `UserIdentity`).
fn runs_as(identity: &Value) -> Result<RunsAs, Refusal> {
    let kind = either(identity, &["identityType", "identity_type"]).as_str().unwrap_or("Managed");
    let one = either(identity, &["resourceId", "resource_id", "clientId", "client_id", "objectId", "object_id"]).as_str();
    match kind.to_ascii_lowercase().replace('_', "").as_str() {
        "managed" | "managedidentity" => Ok(RunsAs::Managed(one.map(str::to_owned))),
        "useridentity" => Ok(RunsAs::User),
        _ => wrong(format!(
            "The identity type '{kind}' is not supported for Spark on a Synapse pool: use Managed or UserIdentity."
        )),
    }
}

/// Inputs and outputs of Spark are read and written in place (DOC); a literal has no mode.
fn check_modes(of: &Value) -> Result<(), Refusal> {
    for (name, port) in ["inputs", "outputs"].iter().filter_map(|k| of[*k].as_object()).flatten() {
        if port["mode"].as_str().is_some_and(|m| !m.eq_ignore_ascii_case("Direct")) {
            return wrong(format!("The mode of '{name}' is {}; Spark knows only Direct.", port["mode"]));
        }
    }
    Ok(())
}

/// The size of the driver and of the executors, and how many of these (DOC, SDK: at least one each). Values are text in a job, numbers in a step (SDK).
fn check_conf(conf: &Value, component: &Value) -> Result<(), Refusal> {
    let empty = Map::new();
    let (conf, component) = (conf.as_object().unwrap_or(&empty), component.as_object().unwrap_or(&empty));
    let text = |key: &str| match conf.get(key).filter(|v| !v.is_null()).or_else(|| component.get(key)) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    };
    let count = |key: &str| match text(key).parse::<u32>() {
        Ok(count) if count > 0 => Ok(count),
        _ => wrong(format!("The Spark configuration needs '{key}', a whole number of at least 1; it is '{}'.", text(key))),
    };
    for key in ["spark.driver.cores", "spark.executor.cores"] {
        count(key)?;
    }
    for key in ["spark.driver.memory", "spark.executor.memory"] {
        let text = text(key).to_ascii_lowercase();
        let number = text.trim_end_matches('b').trim_end_matches(['k', 'm', 'g', 't']);
        if number.parse::<u32>().is_err() || number == text {
            return wrong(format!("The Spark configuration needs '{key}', such as 2g; it is '{text}'."));
        }
    }
    if !text("spark.dynamicAllocation.enabled").eq_ignore_ascii_case("true") {
        return count("spark.executor.instances").map(drop);
    }
    let (least, most) = (count("spark.dynamicAllocation.minExecutors")?, count("spark.dynamicAllocation.maxExecutors")?);
    if least > most {
        return wrong(format!("The Spark configuration asks for at least {least} executors and at most {most}."));
    }
    Ok(())
}

/// The steps named by `${{parent.jobs.STEP.outputs.NAME}}`, anywhere in the inputs.
fn read_outputs(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.values().for_each(|v| read_outputs(v, found)),
        Value::Array(all) => all.iter().for_each(|v| read_outputs(v, found)),
        Value::String(text) => {
            for part in text.split("${{parent.jobs.").skip(1) {
                found.extend(part.split_once(".outputs").map(|(step, _)| step.to_owned()));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_spark_configuration_needs_sizes_and_a_number_of_executors() {
        let good = json!({
            "spark.driver.cores": "1", "spark.driver.memory": "2g", "spark.executor.cores": 2, "spark.executor.memory": "2048m",
            "spark.executor.instances": 2,
        });
        assert_eq!(check_conf(&good, &Value::Null), Ok(()));
        assert_eq!(check_conf(&json!({}), &good), Ok(()), "all of it may be the component's");
        for (key, value) in [
            ("spark.driver.cores", json!(null)),
            ("spark.driver.cores", json!("0")),
            ("spark.driver.memory", json!(2)),
            ("spark.executor.memory", json!("much")),
            ("spark.executor.cores", json!("1.5")),
            ("spark.executor.instances", json!("")),
        ] {
            let mut bad = good.clone();
            bad[key] = value.clone();
            let refused = check_conf(&bad, &Value::Null).expect_err(key);
            assert!(refused.code == "UserError" && refused.message.contains(key), "{key} {value}: {}", refused.message);
        }
    }

    #[test]
    fn dynamic_allocation_needs_a_minimum_and_a_maximum() {
        let with = |least: Value, most: Value| {
            let conf = json!({
                "spark.driver.cores": "1", "spark.driver.memory": "2g", "spark.executor.cores": "2", "spark.executor.memory": "2g",
                "spark.dynamicAllocation.enabled": "True", "spark.dynamicAllocation.minExecutors": least,
                "spark.dynamicAllocation.maxExecutors": most,
            });
            check_conf(&conf, &Value::Null).is_ok()
        };
        assert!(with(json!("1"), json!("4")) && with(json!(4), json!(4)));
        assert!(
            !with(json!(0), json!("4"))
                && !with(Value::Null, json!("4"))
                && !with(json!("1"), Value::Null)
                && !with(json!("5"), json!("4"))
        );
    }

    #[test]
    fn outputs_of_steps_are_found_in_inputs() {
        let mut found = Vec::new();
        let literal = |value: &str| json!({"job_input_type": "literal", "value": value});
        read_outputs(
            &json!({"a": literal("${{parent.jobs.prep.outputs.out1}}"), "b": literal("${{parent.inputs.csv}}")}),
            &mut found,
        );
        assert_eq!(found, ["prep"]);
    }
}
