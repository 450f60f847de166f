//! What is counted of the passes and the objects.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use kube::runtime::reflector::ObjectRef;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::api::{Reason, SynapseSparkAttachment};
use crate::plan::Step;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pass {
    step: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    reason: &'static str,
}

/// Counters of the controller.
#[derive(Debug)]
pub struct Metrics {
    passes: Family<Pass, Counter>,
    duration: Histogram,
    attachments: Family<Why, Gauge>,
    undecodable: Counter,
    panics: Counter,
    drift: Counter,
    reasons: Mutex<HashMap<ObjectRef<SynapseSparkAttachment>, Reason>>,
}

impl Metrics {
    /// Makes them, and makes them known.
    pub fn new(registry: &mut Registry) -> Self {
        let made = Self {
            passes: Family::default(),
            duration: Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]),
            attachments: Family::default(),
            undecodable: Counter::default(),
            panics: Counter::default(),
            drift: Counter::default(),
            reasons: Mutex::default(),
        };
        registry.register("passes", "Passes over an object, by the step that was decided", made.passes.clone());
        registry.register_with_unit("pass_duration", "How long passes took", Unit::Seconds, made.duration.clone());
        registry.register("attachments", "Objects, by the reason of their Ready condition", made.attachments.clone());
        registry.register(
            "undecodable_objects",
            "Stored objects that could not be decoded, each time they were seen",
            made.undecodable.clone(),
        );
        registry.register("panics", "Passes that ended in a defect", made.panics.clone());
        registry.register("drift_found", "Changes by others that were found on settled attachments", made.drift.clone());
        made
    }

    pub(crate) fn passed(&self, step: Step, took: Duration) {
        self.passes.get_or_create(&Pass { step: format!("{step:?}") }).inc();
        self.duration.observe(took.as_secs_f64());
    }

    pub(crate) fn undecodable(&self) {
        self.undecodable.inc();
    }

    pub(crate) fn panicked(&self) {
        self.panics.inc();
    }

    pub(crate) fn drifted(&self) {
        self.drift.inc();
    }

    /// This object's reason is now this one; `None` when it is gone, so that no series outlives it.
    pub(crate) fn reason(&self, object: &ObjectRef<SynapseSparkAttachment>, reason: Option<Reason>) {
        let mut reasons = self.reasons.lock().expect("no holder panics");
        let before = match reason {
            Some(reason) => reasons.insert(object.clone(), reason),
            None => reasons.remove(object),
        };
        let gauge = |reason: Reason| self.attachments.get_or_create(&Why { reason: reason.as_str() }).clone();
        if let Some(before) = before {
            gauge(before).dec();
        }
        if let Some(reason) = reason {
            gauge(reason).inc();
        }
    }
}
