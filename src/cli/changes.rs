//! What the operator would do with an object, and what of its compute that changes: for `plan` and `import`.

use jiff::Timestamp;

use super::output::change;
use crate::api::v1alpha1::AttachmentStatus;
use crate::api::{FINALIZER, SynapseSparkAttachment, TRANSFER_TO};
use crate::azure::wire;
use crate::controller::observe::compute;
use crate::planner::backoff::{RESYNC, SPARK_VERSION_WARNING};
use crate::planner::drift::drift;
use crate::planner::status::report::ObjectMeta;
use crate::planner::status::{condition, status};
use crate::planner::{Cause, Decision, Drift, Field, Finding, Goal, OWNER_TAG, Observed, Owner, Report, Step};

/// The placeholder for an unknown cluster.
pub(super) const NO_CLUSTER: &str = "no-cluster";

/// A decision, and what it changes of the compute.
pub(super) struct Changes {
    pub(super) decision: Decision,
    /// The message of the condition Ready.
    pub(super) message: String,
    /// What differs between the spec and the compute.
    pub(super) drift: Vec<Drift>,
    /// What an update sends back as Azure shows it, since the spec has no field for it.
    pub(super) kept: Vec<String>,
}

impl Changes {
    /// What a decision on this object changes of the compute that was observed.
    pub(super) fn of(
        (object, goal): (&SynapseSparkAttachment, &Goal),
        observed: &Observed,
        decision: Decision,
        now: Timestamp,
    ) -> Self {
        let report = Report {
            goal: Some(goal),
            observed: Some(observed),
            decision: &decision,
            written: None,
            object: ObjectMeta { generation: object.metadata.generation, ..ObjectMeta::default() },
            resync: RESYNC,
            spark_version_warning: SPARK_VERSION_WARNING,
            now,
        };
        let next = status(&object.status.clone().unwrap_or_default(), &report);
        let message = condition(&next, "Ready").map(|ready| ready.message.clone()).unwrap_or_default();
        let drift = attached(goal, observed, &decision).unwrap_or_else(|| report.shown_drift());
        let found = observed.compute.present().filter(|_| !drift.is_empty());
        let kept = found.map(|compute| compute.details.unmanaged.lines()).unwrap_or_default();
        Self { decision, message, drift, kept }
    }

    /// Whether the compute is in sync, and only its owner changes.
    pub(super) fn is_ownership_alone(&self) -> bool {
        self.decision.cause == Cause::Adopting && self.drift.iter().all(|drift| drift.field == Field::Owner)
    }

    /// Each field that changes: `field: have -> want`.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.drift.iter().map(|drift| change(&drift.field.to_string(), &drift.have, &drift.want))
    }
}

/// What an attach would change if no compute exists: all fields of the spec. None if a compute exists.
fn attached(goal: &Goal, observed: &Observed, decision: &Decision) -> Option<Vec<Drift>> {
    match (goal, &observed.compute, &decision.step) {
        (Goal::Attached(wanted), Finding::Absent, Step::Put(spec)) => {
            let nothing = compute(&wire::Compute::default(), &wanted.owner, &AttachmentStatus::default());
            Some(drift(wanted, &spec.pool, &nothing, None))
        }
        _ => None,
    }
}

/// The object as the cluster would have it.
pub(super) fn in_cluster(mut object: SynapseSparkAttachment, namespace: Option<&str>) -> SynapseSparkAttachment {
    // The finalizer is of no interest here: it would only hide the step that follows it. But one that hands its compute over has done
    // so once it has no finalizer.
    let is_transfer = object.metadata.annotations.as_ref().is_some_and(|all| all.contains_key(TRANSFER_TO));
    if object.metadata.deletion_timestamp.is_none() && !is_transfer {
        object.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
    }
    in_namespace(object, namespace)
}

/// The object in its namespace, or else in this one.
pub(super) fn in_namespace(mut object: SynapseSparkAttachment, namespace: Option<&str>) -> SynapseSparkAttachment {
    object.metadata.namespace.get_or_insert_with(|| namespace.unwrap_or("default").to_owned());
    object
}

/// The goal of an object. An error names the object.
pub(super) fn goal_of(object: &SynapseSparkAttachment, cluster: &str) -> Result<Goal, String> {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    Goal::of(object, cluster).map_err(|invalid| format!("{name}: {invalid}"))
}

/// Cluster and UID of the object of this namespace and name, if the compute's tag names it.
///
/// A manifest has no UID, so an object of its namespace and name that owns the compute is taken to be its own.
pub(super) fn owner_of(found: &wire::Compute, owner: &Owner) -> Option<(String, String)> {
    let tag = found.tags.iter().find_map(|(name, tag)| name.eq_ignore_ascii_case(OWNER_TAG).then(|| tag.as_str()))??;
    let mut parts = tag.split('/');
    let (cluster, namespace, name, uid) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (namespace == owner.namespace && name == owner.name).then(|| (cluster.to_owned(), uid.to_owned()))
}
