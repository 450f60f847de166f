//! What the ConfigMap of `spec.outputs` is to have.
//!
//! It exists while the compute is attached, and has only what Azure shows: a Pod that needs it waits until then.

use std::collections::BTreeMap;

use crate::api::v1alpha1::OperationKind;
use crate::planner::compute::{Compute, Progress};
use crate::planner::finding::Finding;
use crate::planner::goal::Attached;
use crate::planner::observed::Observed;
use crate::planner::owner::Ownership;

/// The values, by key.
pub type Values = BTreeMap<String, String>;

/// What the ConfigMap is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outputs {
    /// The compute is attached.
    Values(Values),
    /// It is not attached, or it is another object's: no value is true.
    Withdrawn,
    /// Neither is certain now: it stays as it is.
    Unknown,
}

/// What became of the ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The ConfigMap has the values.
    Written,
    /// No ConfigMap of ours has this name.
    Removed,
    /// A ConfigMap of this name exists that is not ours. With what it belongs to, if anything.
    Foreign(Option<String>),
    /// The same, and it belongs to the attachment of this name, which deletes it after a hand-over, or with which Kubernetes does.
    OfAttachment(String),
    /// The operator may not read it, with the text of Kubernetes.
    Forbidden(String),
    /// Kubernetes refuses the write, with its text.
    Refused(String),
}

/// What the ConfigMap is to have, given what was observed.
#[must_use]
pub fn outputs(goal: &Attached, seen: &Observed) -> Outputs {
    let is_being_attached = || seen.put().is_some_and(|put| put.kind == OperationKind::Attach);
    match &seen.compute {
        Finding::Present(compute) if matches!(compute.owner, Ownership::Another(_)) => Outputs::Withdrawn,
        Finding::Present(compute) if !seen.owns(compute) || !compute.is_spark() => Outputs::Unknown,
        Finding::Present(compute) if compute.progress == Progress::Succeeded => Outputs::Values(values(goal, compute)),
        Finding::Present(_) | Finding::Absent if is_being_attached() => Outputs::Withdrawn,
        Finding::Absent if seen.is_absence_confirmed() => Outputs::Withdrawn,
        Finding::Present(_) | Finding::Absent | Finding::Unknown(_) => Outputs::Unknown,
    }
}

/// What is known of an attached compute. The keys are those of the status where it has them, and names of environment variables
/// too.
fn values(goal: &Attached, compute: &Compute) -> Values {
    let (id, identity) = (&goal.compute, &compute.identity);
    let workspace = id.workspace();
    // Jobs run as the system-assigned identity, if the compute has one.
    let user = goal.identity.job_identity().and_then(|wanted| identity.user.iter().find(|one| one.id == *wanted));
    let system = goal.identity.system.then_some(identity);
    let principal = system.map_or_else(|| user.and_then(|one| one.principal_id.clone()), |one| one.principal_id.clone());
    let all = [
        ("subscriptionId", Some(workspace.subscription().to_owned())),
        ("resourceGroup", Some(workspace.resource_group().to_owned())),
        ("workspaceName", Some(workspace.name().to_owned())),
        ("computeName", Some(id.name().to_owned())),
        ("computeId", Some(id.to_string())),
        ("poolId", compute.pool.id().map(ToString::to_string)),
        ("principalId", principal),
        ("tenantId", system.and_then(|one| one.tenant_id.clone())),
        ("clientId", user.and_then(|one| one.client_id.clone())),
    ];
    let known = |(key, value): (&str, Option<String>)| Some((key.to_owned(), value.filter(|text| !text.is_empty())?));
    all.into_iter().filter_map(known).collect()
}
