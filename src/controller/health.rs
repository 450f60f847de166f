//! What `/readyz` reports: what the process still waits for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What the process still waits for, and why. It is ready once there is nothing left.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<BTreeMap<String, String>>);

const START: &str = "start";

impl Readiness {
    /// The state of a process that has sent no request to Kubernetes yet.
    #[must_use]
    pub fn starting() -> Self {
        let made = Self::default();
        made.missing(START, "waiting for the first response from the Kubernetes API server");
        made
    }

    /// The process now leads or is a standby, or it has reported what is missing.
    pub fn begun(&self) {
        self.there(START);
    }

    /// Reports something that is missing, and why.
    pub fn missing(&self, what: impl Into<String>, why: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(what.into(), why.into());
    }

    /// Updates the reason of something that is still missing. What was once there may fail for a while.
    pub(crate) fn still_missing(&self, what: &str, why: String) {
        if let Some(before) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(what) {
            *before = why;
        }
    }

    /// Reports that something is no longer missing.
    pub fn there(&self, what: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(what);
    }

    /// Everything that is missing, one line each; empty if the process is ready.
    #[must_use]
    pub fn text(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(what, why)| format!("{what}: {why}")).collect::<Vec<_>>().join("\n")
    }
}
