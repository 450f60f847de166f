//! How fresh an observation is, and whether others of the workspace may share it.

use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::{AttachmentStatus, OperationKind};
use crate::azure::{Ask, Freshness};
use crate::controller::observe::request::is_annotated;
use crate::controller::ticks::Turn;
use crate::planner::Goal;
use crate::planner::backoff::{ATTACH_DEPENDENCY_TTL, DEPENDENCY_TTL, JOBS_FRESH_ENOUGH, LISTED_ABSENCE_TTL};

/// How the compute is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComputeReading {
    /// By a GET of its own.
    Own(Freshness),
    /// Together with others of its workspace.
    Shared(Ask),
}

/// How everything is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The compute.
    pub compute: ComputeReading,
    /// The linked service and the pool.
    pub dependencies: Freshness,
    /// The role assignments.
    pub roles: Freshness,
    /// The jobs on a compute that is about to be detached.
    pub jobs: Freshness,
}

impl Reading {
    /// Everything as it is now.
    pub const NOW: Self = Self {
        compute: ComputeReading::Own(Freshness::Now),
        dependencies: Freshness::Now,
        roles: Freshness::Now,
        jobs: Freshness::Now,
    };

    /// The first observation of a reconcile. A user who requests one expects the current state.
    pub(crate) fn first(object: &SynapseSparkAttachment, goal: &Goal, turn: Turn) -> Self {
        if is_annotated(object) {
            return Self::NOW;
        }
        let listed_absence = is_listed_absence_enough(object.status.as_ref(), goal).then_some(LISTED_ABSENCE_TTL);
        let ask = Ask { max_age: turn.max_age, sharers: turn.sharers, listed_absence };
        let dependencies = Freshness::Within(DEPENDENCY_TTL);
        Self {
            compute: ComputeReading::Shared(ask),
            dependencies,
            roles: dependencies,
            jobs: Freshness::Within(JOBS_FRESH_ENOUGH),
        }
    }

    /// The second observation, before a write. What is about to be written is read now.
    #[must_use]
    pub fn before_write(compute: Freshness, is_of_role: bool) -> Self {
        let roles = if is_of_role { Freshness::Now } else { Freshness::Within(DEPENDENCY_TTL) };
        let dependencies = Freshness::Within(ATTACH_DEPENDENCY_TTL);
        Self { compute: ComputeReading::Own(compute), dependencies, roles, jobs: Freshness::Now }
    }
}

/// Whether it is enough that a LIST does not show the compute.
///
/// It is for a compute that was never there, which is read before its PUT; and for one whose detach Azure accepted, which is
/// read before the object goes. Otherwise the LIST may be out of date.
fn is_listed_absence_enough(status: Option<&AttachmentStatus>, goal: &Goal) -> bool {
    let operation = status.and_then(|status| status.operation.as_ref());
    match goal {
        Goal::Attached(_) => {
            let is_untouched = |status: &AttachmentStatus| status.applied.is_none() && status.unanswered_put_at.is_none();
            operation.is_none() && status.is_none_or(is_untouched)
        }
        Goal::Detached(_) => operation.is_some_and(|operation| operation.kind == OperationKind::Detach && !operation.pending),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;
    use crate::api::v1alpha1::{Applied, OperationStatus, SynapseSparkAttachmentSpec};

    fn operation(kind: OperationKind, pending: bool) -> OperationStatus {
        OperationStatus { kind, pending, path: None, pool: None, started_at: Time(Timestamp::UNIX_EPOCH) }
    }

    #[test]
    fn lack_of_a_compute_in_a_list_is_enough_only_if_the_compute_is_read_before_anything_rests_on_it() {
        use OperationKind::{Attach, Detach, Update};
        let applied = Some(Applied::default());
        #[rustfmt::skip]
        let table = [
            // case                            applied          operation                  attached  detached
            ("never attached",                 None,            None,                      true,     false),
            ("attached",                       applied.clone(), None,                      false,    false),
            ("being attached",                 applied.clone(), Some(operation(Attach, false)), false,    false),
            ("an attach without an answer",    None,            Some(operation(Attach, true)), false,    false),
            ("being updated",                  applied.clone(), Some(operation(Update, false)), false,    false),
            ("being detached",                 applied.clone(), Some(operation(Detach, false)), false,    true),
            ("a detach without an answer",     applied,         Some(operation(Detach, true)), false,    false),
        ];
        let mut object = SynapseSparkAttachment::new("pool", SynapseSparkAttachmentSpec::default());
        object.spec.workspace.subscription_id = "s".into();
        object.spec.workspace.resource_group = "g".into();
        object.spec.workspace.name = "w".into();
        object.spec.resource_id =
            Some("/subscriptions/s/resourceGroups/g/providers/Microsoft.Synapse/workspaces/w/bigDataPools/p".into());
        let attached = Goal::of(&object, "").expect("a valid spec");
        object.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
        let detached = Goal::of(&object, "").expect("a deletion");
        for (case, applied, operation, while_attached, while_detached) in table {
            let status = AttachmentStatus { operation, applied, ..AttachmentStatus::default() };
            let is_enough = |goal| is_listed_absence_enough(Some(&status), goal);
            assert_eq!((is_enough(&attached), is_enough(&detached)), (while_attached, while_detached), "{case}");
        }
        assert_eq!((is_listed_absence_enough(None, &attached), is_listed_absence_enough(None, &detached)), (true, false));
    }
}
