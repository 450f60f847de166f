//! Measures the phases of an attach.

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::shared::{between, is_true, operation_histogram};
use crate::api::Reason;
use crate::api::v1alpha1::{AttachmentStatus, OperationKind};
use crate::planner::Report;
use crate::planner::status::condition;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    phase: &'static str,
}

const QUEUE: &str = "queue";
const AZURE: &str = "azure";
const ROLE: &str = "role";

#[derive(Debug)]
pub(super) struct Phases(Family<Labels, Histogram>);

impl Phases {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let new = Self(Family::new_with_constructor(operation_histogram));
        registry.register_with_unit(
            "attach_phase_duration",
            "Duration of the phases of attaches that succeed at the first try. queue: from the first status, or the end of Stalled, \
             until the request to attach is sent. azure: until Azure shows the compute as attached. role: until its Synapse role \
             is assigned, if the spec has one; not measured if the operator restarts meanwhile",
            Unit::Seconds,
            new.0.clone(),
        );
        for phase in [QUEUE, AZURE, ROLE] {
            drop(new.of(phase));
        }
        new
    }

    /// Records the phases that end with this status. `attached_at` is kept for each object: when the compute was attached, while its
    /// role is not assigned yet. `ended` is the operation that has just succeeded.
    pub(super) fn record(
        &self,
        attached_at: &mut Option<Timestamp>,
        (previous, next): (&AttachmentStatus, &AttachmentStatus),
        ended: Option<OperationKind>,
        report: &Report<'_>,
    ) {
        if let Some((since, sent)) = queued(previous, next, report) {
            self.of(QUEUE).observe(between(since, sent).as_secs_f64());
        }
        if let (Some(OperationKind::Attach), Some(attach)) = (ended, &previous.operation) {
            self.of(AZURE).observe(between(attach.started_at.0, report.now).as_secs_f64());
            *attached_at = Some(report.now);
        }
        let is_ready = report.decision.cause.reason() == Reason::Attached;
        if is_ready || is_true(next, "Stalled") {
            let since = attached_at.take().filter(|_| is_ready && ended.is_none());
            if let Some(since) = since {
                self.of(ROLE).observe(between(since, report.now).as_secs_f64());
            }
        }
    }

    fn of(&self, phase: &'static str) -> Histogram {
        self.0.get_or_create(&Labels { phase }).clone()
    }
}

/// From when to when an attach waited that has just been sent for the first time.
fn queued(previous: &AttachmentStatus, next: &AttachmentStatus, report: &Report<'_>) -> Option<(Timestamp, Timestamp)> {
    let sent = next.operation.as_ref().filter(|sent| sent.kind == OperationKind::Attach)?;
    let is_first = previous.operation.is_none() && previous.failure.is_none();
    let reconciling = condition(previous, "Reconciling").map(|condition| condition.last_transition_time.0);
    let since = reconciling.or(report.object.created)?;
    is_first.then_some((since, sent.started_at.0))
}
