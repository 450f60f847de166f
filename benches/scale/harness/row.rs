//! What was measured of one row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bound::Requests;

/// The figures of a row and a controller.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
// Many fields: one per figure.
pub struct Row {
    /// What was measured: `storm`, `detach`, …
    pub kind: String,
    /// The kind and the size; with the controller, it is unique.
    pub name: String,
    pub controller: String,
    pub objects: usize,
    pub workspaces: usize,
    pub subscriptions: usize,
    pub principals: usize,
    /// The pages of one LIST of each workspace.
    pub pages: usize,
    /// Seconds that an operation of Azure lasts.
    pub operation: f64,
    /// Seconds between two observations at rest.
    pub interval: f64,
    /// Whether all objects were done in time.
    pub finished: bool,
    pub done: usize,
    /// From the start of the controller, or from the deletion, until the last object was done.
    pub seconds: f64,
    /// The least time that Azure's limits allow, for one read and one write of each object.
    pub bound: Option<f64>,
    /// The least time for the requests that were sent, without an operation.
    pub bound_of_sent: Option<f64>,
    pub sent: Requests,
    pub requests: BTreeMap<String, u64>,
    pub throttled: u64,
    pub kubernetes: BTreeMap<String, u64>,
    /// Seconds of CPU of the controller.
    pub cpu: f64,
    /// Of the controller at the end, in MiB.
    pub rss: f64,
    pub peak: f64,
    /// The objects that showed a failure while Azure had none.
    pub false_words: usize,
    pub failures: BTreeMap<String, usize>,
    /// The objects that showed that Azure throttles, or that they wait for their turn.
    pub waited: usize,
    /// Other figures, by name and unit.
    pub more: BTreeMap<String, f64>,
    /// Of what was measured.
    pub commit: String,
    /// How it was built: release or debug.
    pub profile: String,
    pub date: String,
}

impl Row {
    /// How often a status was written.
    pub fn statuses(&self) -> u64 {
        self.wrote("synapsesparkattachments/status")
    }

    /// How many events were written.
    pub fn events(&self) -> u64 {
        self.wrote("events")
    }

    /// How often Kubernetes was written to.
    pub fn kubernetes_writes(&self) -> u64 {
        self.kubernetes.values().sum()
    }

    /// The requests that Azure answered with an error. A 404 of a GET is an answer like any other, and 429s are counted apart.
    pub fn errors(&self) -> u64 {
        let is_error = |name: &str| match name.rsplit(' ').next().and_then(|last| last.parse::<u16>().ok()) {
            Some(404) => !name.starts_with("GET "),
            Some(status) => status != 429,
            None => false,
        };
        self.requests.iter().filter(|(name, _)| is_error(name)).map(|(_, count)| count).sum()
    }

    /// One of the other figures.
    pub fn other(&self, name: &str) -> Option<f64> {
        self.more.get(name).copied()
    }

    fn wrote(&self, to: &str) -> u64 {
        let all = self.kubernetes.iter().filter(|(write, _)| write.split(' ').nth(1) == Some(to));
        all.map(|(_, count)| count).sum()
    }
}
