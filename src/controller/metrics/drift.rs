//! Counts drift: what others changed on attachments that were in sync, and what the operator corrected.

use std::collections::BTreeSet;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::api::v1alpha1::AttachmentStatus;
use crate::planner::status::last_drift::{COMPUTE, made_elsewhere, was_in_sync};
use crate::planner::{Field, Finding, Goal, Report};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    field: &'static str,
}

#[derive(Debug, Default)]
pub(super) struct Drifts {
    detected: Family<Labels, Counter>,
    corrected: Family<Labels, Counter>,
}

impl Drifts {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let new = Self::default();
        registry.register(
            "drift_detected",
            "Changes made outside the operator to attachments that were in sync, by field (compute: the whole compute was detached)",
            new.detected.clone(),
        );
        registry.register(
            "drift_corrected",
            "Changes made outside the operator that it reverted, by field",
            new.corrected.clone(),
        );
        for field in Field::KINDS.into_iter().chain([COMPUTE]) {
            drop(new.detected.get_or_create(&Labels { field }));
            drop(new.corrected.get_or_create(&Labels { field }));
        }
        new
    }

    /// Counts new drift of an object, and what has been corrected. `drifted` holds the fields that wait for a correction.
    pub(super) fn record(&self, drifted: &mut BTreeSet<&'static str>, previous: &AttachmentStatus, report: &Report<'_>) {
        for field in detected(previous, report) {
            self.detected.get_or_create(&Labels { field }).inc();
            drifted.insert(field);
        }
        if report.decision.cause.is_in_sync() {
            // Fields that something else keeps rewriting still differ.
            let shown = report.shown_drift();
            let (left, corrected): (BTreeSet<_>, _) =
                std::mem::take(drifted).into_iter().partition(|field| shown.iter().any(|drift| drift.field.kind() == *field));
            *drifted = left;
            for field in corrected {
                self.corrected.get_or_create(&Labels { field }).inc();
            }
        }
    }
}

/// The fields that others changed on an attachment that was in sync.
fn detected(previous: &AttachmentStatus, report: &Report<'_>) -> BTreeSet<&'static str> {
    let is_attached = matches!(report.goal, Some(Goal::Attached(_)));
    let is_gone = report.observed.is_some_and(|seen| matches!(seen.compute, Finding::Absent));
    let is_gone = is_attached && is_gone && was_in_sync(previous, report);
    let drift = made_elsewhere(previous, report);
    drift.iter().map(|drift| drift.field.kind()).chain(is_gone.then_some(COMPUTE)).collect()
}
