//! A Spark job that is submitted, as sent and as received.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::azure::wire::null::or_default;

/// A standalone Spark job of one Python file, with one folder that it writes to.
///
/// The body is the one that azure-ai-ml 1.35.2 sends for such a job. Source of the fields:
/// `Microsoft.MachineLearningServices` 2024-04-01, `SparkJob`.
#[derive(Debug, Clone)]
// Many fields: one per property that differs between jobs.
pub struct SparkJob {
    /// The name for people.
    pub display_name: String,
    /// What Studio lists the job under.
    pub experiment: String,
    /// The resource ID of the code version.
    pub code: String,
    /// The Python file in it.
    pub file: String,
    /// The resource ID of the compute.
    pub compute: String,
    /// Whether it runs as the user who submits it, instead of the managed identity of the compute.
    pub as_user: bool,
    /// The folder, as `azureml://datastores/NAME/paths/FOLDER`; the job gets it with `--output`.
    pub output: String,
}

impl SparkJob {
    /// The body of the request that submits it.
    ///
    /// The size of driver and executor is the one of Microsoft's examples, with one executor.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({"properties": {
            "jobType": "Spark",
            "displayName": self.display_name,
            "experimentName": self.experiment,
            "codeId": self.code,
            "entry": {"sparkJobEntryType": "SparkJobPythonEntry", "file": self.file},
            "conf": {
                "spark.driver.cores": "1",
                "spark.driver.memory": "2g",
                "spark.executor.cores": "2",
                "spark.executor.memory": "2g",
                "spark.executor.instances": "1",
            },
            "identity": {"identityType": if self.as_user { "UserIdentity" } else { "Managed" }},
            "computeId": self.compute,
            "inputs": {},
            "outputs": {"output": {"jobOutputType": "uri_folder", "uri": self.output, "mode": "Direct"}},
            "args": "--output ${{outputs.output}}",
            "isArchived": false,
            "tags": {},
            "properties": {},
        }})
    }
}

/// `GET …/jobs/{name}`: only what is read.
///
/// Source: `Microsoft.MachineLearningServices` 2024-04-01, `JobBase`.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct SubmittedJob {
    #[serde(deserialize_with = "or_default")]
    properties: JobProperties,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct JobProperties {
    #[serde(deserialize_with = "or_default")]
    status: String,
    #[serde(deserialize_with = "or_default")]
    services: JobServices,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct JobServices {
    #[serde(deserialize_with = "or_default")]
    studio: JobService,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
struct JobService {
    endpoint: Option<String>,
}

impl SubmittedJob {
    /// `NotStarted`, `Queued`, `Running`, `Completed`, … or an unknown state.
    #[must_use]
    pub fn status(&self) -> &str {
        &self.properties.status
    }

    /// Its page in Azure Machine Learning Studio.
    #[must_use]
    pub fn studio(&self) -> Option<&str> {
        self.properties.services.studio.endpoint.as_deref()
    }
}

/// The answer at the `discoveryUrl` of a workspace: only what is read.
///
/// Source: azure-ai-ml 1.35.2, `operations/_job_operations.py`.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct Discovery {
    /// The host of the run history.
    pub history: Option<String>,
}

/// `GET …/runs/{name}/details` of the run history: only what is read.
///
/// Source: azure-ai-ml 1.35.2, `_restclient/runhistory`, `RunDetails`.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct RunDetails {
    /// Why the job failed, in one of several shapes; see [`errors_of`](crate::azure::wire::errors_of).
    pub error: Option<Value>,
}
