//! The result of a reconcile, from which the status is computed.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::v1alpha1::OperationKind;
use crate::planner::compute::Progress;
use crate::planner::decision::Decision;
use crate::planner::drift::{Drift, drift, is_in_sync};
use crate::planner::finding::Finding;
use crate::planner::goal::Goal;
use crate::planner::observed::Observed;
use crate::planner::owner::Ownership;
use crate::planner::roles::decide::{Next, missing};
use crate::planner::write::WriteResult;

/// What a report needs of the object apart from its spec and status.
#[derive(Debug, Clone, Copy, Default)]
pub struct ObjectMeta<'a> {
    /// The generation of the spec.
    pub generation: Option<i64>,
    /// The value of the reconcile annotation.
    pub requested: Option<&'a str>,
    /// The value of the force annotation, if it requests something and was not handled yet.
    pub forced: Option<&'a str>,
    /// When the object was created.
    pub created: Option<Timestamp>,
}

/// The result of a reconcile, from which the status is computed.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The goal; none if the spec cannot be parsed.
    pub goal: Option<&'a Goal>,
    /// What was observed; none if nothing was.
    pub observed: Option<&'a Observed>,
    /// What was decided.
    pub decision: &'a Decision,
    /// The write to Azure that was decided first, and its result.
    pub written: Option<(&'a Decision, &'a WriteResult)>,
    /// The object, as the reconcile read it.
    pub object: ObjectMeta<'a>,
    /// The time between two observations of what is in sync.
    pub resync: Duration,
    /// How many days before the end of its support a version of Spark is reported.
    pub spark_version_warning: u16,
    /// The time at which it is stored.
    pub now: Timestamp,
}

impl Report<'_> {
    /// Whether the observation shows that the attachment is not in sync, although Azure did not answer every request.
    #[must_use]
    pub fn is_known_out_of_sync(&self) -> bool {
        let (Some(Goal::Attached(goal)), Some(seen)) = (self.goal, self.observed) else { return false };
        let lacks_role = || {
            let next = missing(&seen.roles, seen.object.reconcile_requested);
            matches!(next, Some(Next::Assign(_) | Next::AwaitPrincipal))
        };
        match &seen.compute {
            Finding::Unknown(_) => false,
            Finding::Absent => true,
            // Without its linked service, the pool of the spec is unknown, and so is the drift.
            Finding::Present(compute) if seen.dependencies.resolve(&goal.pool).is_none() => {
                compute.owner != Ownership::Ours || compute.progress != Progress::Succeeded
            }
            Finding::Present(_) => !is_in_sync(goal, seen) || lacks_role(),
        }
    }

    /// The dependency that gave no answer, while the compute did.
    #[must_use]
    pub fn unanswered_dependency(&self) -> Option<&'static str> {
        let seen = self.observed.filter(|seen| seen.compute.is_answered())?;
        let (link, role) = seen.unanswered_dependencies();
        link.then_some("the linked service").or_else(|| role.then_some("the Synapse workspace"))
    }

    /// What differs between the spec and the compute, where it is of interest: not while Azure creates or detaches it, and not
    /// of a compute that belongs to another object.
    #[must_use]
    pub fn shown_drift(&self) -> Vec<Drift> {
        let (Some(Goal::Attached(goal)), Some(seen)) = (self.goal, self.observed) else { return Vec::new() };
        let (Some(pool), Finding::Present(compute)) = (seen.dependencies.resolve(&goal.pool), &seen.compute) else {
            return Vec::new();
        };
        let is_eligible = match &compute.owner {
            Ownership::Ours => true,
            Ownership::Transferred => true,
            Ownership::Unowned => seen.object.older_claimant.is_none(),
            Ownership::Another(_) => false,
        };
        // What is handed over is left as it is.
        if goal.transfer_to.is_some() {
            return Vec::new();
        }
        let is_updating = seen.put().is_some_and(|put| put.kind == OperationKind::Update);
        if !compute.is_spark() || !is_eligible || compute.progress.is_ongoing() && !is_updating {
            return Vec::new();
        }
        drift(goal, &pool, compute, seen.applied.as_ref())
    }
}
