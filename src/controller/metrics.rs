//! Metrics of the reconciles and of the objects.
//!
//! Every label has a bounded set of values: no name of an object, no name of a tag; the namespace only where it is asked for.
//! Every series whose labels are known in advance starts at zero, because an alert on a counter that does not exist yet would
//! miss its first increment. The metrics of objects are computed at each scrape, from the objects in the watch, so no series
//! outlives its object.

mod drift;
pub mod kubernetes_requests;
mod objects;
mod operations;
mod orphans;
mod phases;
mod queue;
mod reconcile;
mod shared;
mod spark_versions;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

use crate::api::v1alpha1::AttachmentStatus;
use crate::api::{Reason, SynapseSparkAttachment};
use crate::controller::key::{Key, key_of};
use crate::controller::ticks::Ticks;
use crate::planner::Report;
use crate::planner::status::condition;
use crate::resource_id::WorkspaceId;

use drift::Drifts;
use objects::Objects;
use operations::Operations;
use orphans::Orphans;
use phases::Phases;
use queue::Queue;
use reconcile::{InFlight, Reconciles};
use shared::{between, is_true, operation_histogram};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Since {
    since: &'static str,
}

/// Metrics of the controller.
#[derive(Debug)]
pub struct Metrics {
    /// 1 once this replica is the leader. A replica that loses the election exits.
    pub leader: Gauge,
    /// How many fields of this version the served definition lacks.
    pub definition_missing_fields: Gauge,
    pub(crate) resync_interval: Gauge<f64, AtomicU64>,
    pub(crate) spark_version_warning: Gauge,
    pub(crate) watch_errors: Counter,
    reconciles: Reconciles,
    time_to_ready: Family<Since, Histogram>,
    operations: Operations,
    phases: Phases,
    drifts: Drifts,
    objects: Arc<Objects>,
    orphans: Arc<Orphans>,
    queue: Arc<Queue>,
}

impl Metrics {
    /// Creates the metrics and registers them.
    pub fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            leader: Gauge::default(),
            definition_missing_fields: Gauge::default(),
            resync_interval: Gauge::default(),
            spark_version_warning: Gauge::default(),
            watch_errors: Counter::default(),
            reconciles: Reconciles::new(registry),
            time_to_ready: Family::new_with_constructor(operation_histogram),
            operations: Operations::new(registry),
            phases: Phases::new(registry),
            drifts: Drifts::new(registry),
            objects: Arc::default(),
            orphans: Arc::default(),
            queue: Arc::default(),
        };
        registry.register_collector(Box::new(metrics.objects.clone()));
        registry.register_collector(Box::new(metrics.orphans.clone()));
        registry.register_collector(Box::new(metrics.queue.clone()));
        registry.register_with_unit(
            "time_to_ready",
            "Time until an object is Ready. since=creation: since its creationTimestamp, for the first time. since=change: \
             since it was last Ready, after a change of the spec or drift. Both times are stored in the object, so a \
             restart of the operator does not shorten them",
            Unit::Seconds,
            metrics.time_to_ready.clone(),
        );
        registry.register_with_unit(
            "resync_interval",
            "The configured interval after which the operator reads an attachment from Azure again",
            Unit::Seconds,
            metrics.resync_interval.clone(),
        );
        registry.register(
            "spark_version_warning_days",
            "How many days before the end of its support a version of Spark is reported, as configured",
            metrics.spark_version_warning.clone(),
        );
        registry.register(
            "definition_missing_fields",
            "Fields of the custom resource that this version of the operator uses and the definition in the cluster lacks",
            metrics.definition_missing_fields.clone(),
        );
        registry.register("leader", "1 on the replica that is the leader, 0 on the others", metrics.leader.clone());
        registry.register("watch_errors", "Errors of the watch on Kubernetes, each retried", metrics.watch_errors.clone());
        for since in ["creation", "change"] {
            drop(metrics.time_to_ready.get_or_create(&Since { since }));
        }
        metrics
    }

    /// The metrics of objects get the label `attachment_namespace`, if this is true.
    #[must_use]
    pub fn with_namespaces(self, are_shown: bool) -> Self {
        self.objects.show_namespaces(are_shown);
        self
    }

    /// The objects that wait for their reconcile are those that are due here.
    pub(crate) fn watch_queue(&self, ticks: &Arc<Ticks>) {
        self.queue.watch(ticks);
    }

    /// A reconcile begins. It ends when the result is dropped.
    pub(crate) fn begin(&self) -> InFlight {
        self.reconciles.begin()
    }

    /// A reconcile was completed with this step.
    pub(crate) fn reconciled(&self, step: &str, took: Duration) {
        self.reconciles.succeeded(step, took);
    }

    /// A reconcile ended early, because Kubernetes rejected a request.
    pub(crate) fn reconcile_failed(&self) {
        self.reconciles.failed();
    }

    /// A reconcile panicked.
    pub(crate) fn reconcile_panicked(&self) {
        self.reconciles.panicked();
    }

    /// Records whether the operator can decode a stored object that the watch shows.
    pub(crate) fn decodes(&self, object: &impl ResourceExt, does: bool) {
        self.objects.decodes(object, does);
    }

    /// Whether an object of this namespace and name is stored that the operator cannot decode.
    pub(crate) fn is_undecodable(&self, namespace: &str, name: &str) -> bool {
        self.objects.is_undecodable(namespace, name)
    }

    /// A LIST of this workspace showed so many computes without an object. The count holds until this time.
    pub(crate) fn audited(&self, workspace: &WorkspaceId, orphans: usize, until: Instant) {
        self.orphans.set(workspace, orphans, until);
    }

    /// The watch starts again with a list, and will show again which objects cannot be decoded.
    pub(crate) fn relisted(&self, scope: Option<&str>) {
        self.objects.relisted(scope);
    }

    /// The watch shows this object.
    pub(crate) fn seen(&self, object: &SynapseSparkAttachment, now: Timestamp) {
        self.objects.seen(object, now);
    }

    /// The watch no longer shows this object.
    pub(crate) fn gone(&self, object: &Key) {
        self.objects.gone(object);
    }

    /// The operator observed this object in Azure, with its own identity or with that of a ServiceAccount.
    pub(crate) fn observed(&self, object: &SynapseSparkAttachment, report: &Report<'_>, as_itself: bool) {
        self.objects.observed(object, report, as_itself);
    }

    /// Records the change from the previous status of an object to the next one.
    pub(crate) fn reported(
        &self,
        object: &SynapseSparkAttachment,
        previous: &AttachmentStatus,
        next: &AttachmentStatus,
        report: &Report<'_>,
    ) {
        if report.decision.cause.reason() == Reason::Attached
            && !is_true(previous, "Ready")
            && let Some((since, from)) = unready_since(object, previous)
        {
            self.time_to_ready.get_or_create(&Since { since }).observe(between(from, report.now).as_secs_f64());
        }
        let ended = self.operations.record(previous, next, report);
        let mut all = self.objects.known();
        // Only the watch adds objects: otherwise an object that disappears during its last reconcile would stay.
        let Some(known) = all.get_mut(&key_of(object)) else { return };
        self.phases.record(&mut known.attached_at, (previous, next), ended, report);
        self.drifts.record(&mut known.drifted, previous, report);
        known.show(next, report.decision.cause.reason());
    }
}

/// Since when an attachment that is Ready now was not Ready, and what the reason was.
fn unready_since(object: &SynapseSparkAttachment, previous: &AttachmentStatus) -> Option<(&'static str, Timestamp)> {
    let created = object.creation_timestamp().map(|time| time.0);
    let since = |kind| condition(previous, kind).map(|condition| condition.last_transition_time.0);
    match since("Ready") {
        // It was never Ready (`report`).
        ready if ready.is_none() || ready == created => Some(("creation", created?)),
        ready => Some(("change", ready?)),
    }
}
