//! Counts reconciles, as controller-runtime does: by result, with errors and panics as counters of their own.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::planner::Step;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    step: String,
    result: &'static str,
}

/// A reconcile takes from less than a millisecond, without a request, to a few requests to Azure.
const BOUNDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

#[derive(Debug)]
pub(super) struct Reconciles {
    total: Family<Labels, Counter>,
    duration: Histogram,
    errors: Counter,
    panics: Counter,
    in_flight: Gauge,
}

/// A reconcile that runs.
#[derive(Debug)]
pub(crate) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Reconciles {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let new = Self {
            total: Family::default(),
            duration: Histogram::new(BOUNDS),
            errors: Counter::default(),
            panics: Counter::default(),
            in_flight: Gauge::default(),
        };
        registry.register(
            "reconcile",
            "Reconciles of objects, by the last step that the operator decided on (None where it did not decide) and by result",
            new.total.clone(),
        );
        registry.register_with_unit(
            "reconcile_duration",
            "Duration of the reconciles that completed",
            Unit::Seconds,
            new.duration.clone(),
        );
        registry.register(
            "reconcile_errors",
            "Reconciles that ended early because Kubernetes rejected a request; each is retried",
            new.errors.clone(),
        );
        registry.register("reconcile_panics", "Reconciles that panicked because of a bug in the operator", new.panics.clone());
        registry.register(
            "reconciles_in_flight",
            "Reconciles in progress, including those that wait for a response from Azure",
            new.in_flight.clone(),
        );
        for step in Step::NAMES {
            drop(new.of(step, "success"));
        }
        drop(new.of("None", "error"));
        drop(new.of("None", "panic"));
        new
    }

    pub(super) fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    pub(super) fn succeeded(&self, step: &str, took: Duration) {
        self.of(step, "success").inc();
        self.duration.observe(took.as_secs_f64());
    }

    pub(super) fn failed(&self) {
        self.of("None", "error").inc();
        self.errors.inc();
    }

    pub(super) fn panicked(&self) {
        self.of("None", "panic").inc();
        self.panics.inc();
    }

    fn of(&self, step: &str, result: &'static str) -> Counter {
        self.total.get_or_create(&Labels { step: step.to_owned(), result }).clone()
    }
}
