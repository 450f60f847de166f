//! What SDK v1 saves in a Machine Learning workspace, besides jobs: datasets, snapshots of code, modules, pipelines.

use std::collections::BTreeMap;

use serde_json::Value;

/// All of one workspace. The keys are GUIDs, which the services choose, or for snapshots the client.
#[derive(Debug, Default)]
pub(crate) struct Studio {
    /// Datasets without a name, as they were saved.
    pub(crate) datasets: BTreeMap<String, Value>,
    /// The trees of files.
    pub(crate) snapshots: BTreeMap<String, Value>,
    /// The newest snapshot.
    pub(crate) latest: Option<String>,
    pub(crate) modules: BTreeMap<String, Value>,
    /// Runs of pipelines, submitted or not.
    pub(crate) runs: BTreeMap<String, Run>,
}

/// A run of a pipeline, which becomes a job when it is submitted.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) experiment: String,
    pub(crate) description: Value,
    /// The nodes and edges, as they were sent.
    pub(crate) graph: Value,
}
