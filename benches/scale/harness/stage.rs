//! A control plane and an Azure for one row, or for several that follow each other.

use std::path::PathBuf;
use std::time::Duration;

use azure_emulator::Limits;
use serde_json::{Value, json};

use crate::support::{Azure, Operator, Plane};

/// Azure's side of a row.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How long attaching and detaching take.
    pub operation: Duration,
    /// None: Azure may be asked without limit.
    pub limits: Option<Limits>,
}

/// Kubernetes and Azure; both end when this is dropped.
pub struct Stage {
    pub plane: Plane,
    pub azure: Azure,
}

impl Stage {
    /// Starts both.
    pub fn set(name: &str, rules: Rules) -> Self {
        let plane = Plane::own(name);
        let azure = Azure::start(&plane, plane.folder.join("azure"), rules.operation);
        let stage = Self { plane, azure };
        stage.apply(rules);
        stage
    }

    /// Gives Azure other rules from now on.
    pub fn apply(&self, rules: Rules) {
        let operation = format!("{}ms", rules.operation.as_millis());
        // The counters tell what was asked; thousands of requests need not be kept.
        let mut settings = json!({"operationDuration": operation, "journalSize": 5_000, "throttling": rules.limits.is_some()});
        if let Some(limits) = rules.limits {
            settings["throttle"] = json!(limits);
        }
        self.azure.control("PATCH", "settings", Some(&settings));
    }

    /// Where the API server writes down what service accounts ask.
    pub fn audit_log(&self) -> PathBuf {
        self.plane.folder.join("audit.log")
    }

    /// Starts the operator; it knows all objects when this returns.
    pub fn operator(&self, resync: Duration) -> Operator {
        let seconds = resync.as_secs().to_string();
        Operator::measured(&self.plane, &self.azure, &["--leader-election", "false", "--resync-interval", &seconds])
    }

    /// Adds to Azure.
    pub fn add(&self, seed: &Value) {
        self.azure.add(seed);
    }
}
