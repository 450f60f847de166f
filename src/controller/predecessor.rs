//! The object that a compute belonged to under another name of the same namespace: whether it is gone.
//!
//! An object that is renamed is another object for Kubernetes. Who may create objects in a namespace may also delete those that
//! are there, so the compute of one that is gone is free for the others. That holds for no other namespace.

use kube::api::Api;
use kube::{Client, ResourceExt};

use crate::api::SynapseSparkAttachment;
use crate::error_chain::chain;
use crate::planner::{Finding, Goal, Observed, Ownership};

/// Takes a compute for one without an owner if its tag names an object of this namespace that no longer exists.
///
/// `is_known` is whether an object of this name with this UID is known to exist: then it is not read. That it is not known proves
/// nothing, since a watch may lag behind; only the API server's own answer does.
pub async fn free_from_predecessor(kube: &Client, is_known: impl Fn(&str, &str) -> bool, goal: &Goal, observed: &mut Observed) {
    let (Goal::Attached(goal), Finding::Present(compute)) = (goal, &mut observed.compute) else { return };
    let Ownership::Another(tag) = &compute.owner else { return };
    let Some((name, uid)) = goal.owner.predecessor(tag).filter(|_| goal.transfer_to.is_none()) else { return };
    if is_known(name, uid) {
        return;
    }
    let api = Api::<SynapseSparkAttachment>::namespaced(kube.clone(), &goal.owner.namespace);
    match api.get_metadata_opt(name).await {
        Ok(found) if found.as_ref().and_then(ResourceExt::uid).as_deref() == Some(uid) => {}
        Ok(_) => compute.owner = Ownership::Unowned,
        // It counts as existing.
        Err(error) => tracing::debug!(owner = tag, error = %chain(&error), "owner of the compute not read"),
    }
}
