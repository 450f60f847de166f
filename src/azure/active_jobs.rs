//! The jobs of a workspace that have not ended, by the compute that they use.

use std::collections::HashMap;
use std::sync::Arc;

use crate::azure::wire;

/// This many jobs of each compute are kept; the others are counted.
const FIRST: usize = 5;

/// The jobs on one compute that have not ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActiveJobs {
    /// How many.
    pub count: u32,
    /// The first ones of the LIST, by name and state.
    pub first: Vec<(String, String)>,
}

/// The jobs of a workspace that have not ended.
#[derive(Debug, Clone, Default)]
pub(super) struct JobsOfWorkspace(Arc<HashMap<String, ActiveJobs>>);

impl JobsOfWorkspace {
    /// Those that use the compute of this name.
    pub(super) fn of(&self, compute: &str) -> ActiveJobs {
        self.0.get(&compute.to_ascii_lowercase()).cloned().unwrap_or_default()
    }

    /// Takes in a job that a LIST shows.
    pub(super) fn add(&mut self, job: &wire::Job) {
        if job.has_ended() {
            return;
        }
        let all = Arc::make_mut(&mut self.0);
        for compute in job.computes() {
            let of_compute = all.entry(compute).or_default();
            of_compute.count = of_compute.count.saturating_add(1);
            if of_compute.first.len() < FIRST {
                of_compute.first.push((job.name.clone(), job.status().to_owned()));
            }
        }
    }
}
