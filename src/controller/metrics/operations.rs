//! Measures Azure's operations: attach, update, detach.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::shared::{between, operation_histogram};
use crate::api::Reason;
use crate::api::v1alpha1::{AttachmentStatus, OperationKind};
use crate::planner::status::condition;
use crate::planner::{Finding, Report, Step};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    operation: String,
    result: &'static str,
}

const SUCCESS: &str = "success";
const FAILURE: &str = "failure";

#[derive(Debug)]
pub(super) struct Operations(Family<Labels, Histogram>);

impl Operations {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let new = Self(Family::new_with_constructor(operation_histogram));
        registry.register_with_unit(
            "operation_duration",
            "Duration of Azure's operations on computes, from the request until the operator observed the end",
            Unit::Seconds,
            new.0.clone(),
        );
        for kind in [OperationKind::Attach, OperationKind::Update, OperationKind::Detach, OperationKind::Transfer] {
            for result in [SUCCESS, FAILURE] {
                drop(new.0.get_or_create(&Labels { operation: format!("{kind:?}"), result }));
            }
        }
        new
    }

    /// Records the operation of the previous status, if this reconcile is the first that observes its end. Gives its kind if it
    /// succeeded.
    pub(super) fn record(
        &self,
        previous: &AttachmentStatus,
        next: &AttachmentStatus,
        report: &Report<'_>,
    ) -> Option<OperationKind> {
        let ((kind, result), operation) = (ended(previous, next, report)?, previous.operation.as_ref()?);
        let labels = Labels { operation: format!("{kind:?}"), result };
        self.0.get_or_create(&labels).observe(between(operation.started_at.0, report.now).as_secs_f64());
        (result == SUCCESS).then_some(kind)
    }
}

fn ended(previous: &AttachmentStatus, next: &AttachmentStatus, report: &Report<'_>) -> Option<(OperationKind, &'static str)> {
    use Reason::{AttachFailed, DetachFailed, DriftPersists, NoEffect, OperationStuck, UpdateFailed};
    let operation = previous.operation.as_ref()?;
    let failed =
        |reason| matches!(reason, AttachFailed | UpdateFailed | DetachFailed | DriftPersists | NoEffect | OperationStuck);
    let before = condition(previous, "Stalled").and_then(|stalled| Reason::parse(&stalled.reason));
    let is_absent = matches!(report.observed, Some(observed) if matches!(observed.compute, Finding::Absent));
    let is_done = match operation.kind {
        OperationKind::Detach => is_absent || report.decision.step == Step::RemoveFinalizer,
        _ => next.operation.is_none(),
    };
    match () {
        () if before.is_some_and(failed) => None,
        () if failed(report.decision.cause.reason()) => Some((operation.kind, FAILURE)),
        () if is_done && next.operation != previous.operation => Some((operation.kind, SUCCESS)),
        () => None,
    }
}
