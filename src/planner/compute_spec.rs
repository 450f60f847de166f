//! The content of a PUT of a compute, and what the status records of it.
//!
//! Azure's PUT replaces the whole compute, so it contains everything: the fields of the
//! spec, and those that others set.

use std::collections::BTreeMap;

use crate::api::v1alpha1::{Applied, OperationKind};
use crate::planner::compute::Compute;
use crate::planner::drift::{no_longer_wanted, tag};
use crate::planner::goal::Attached;
use crate::planner::identity::Identity;
use crate::planner::owner::OWNER_TAG;
use crate::resource_id::{ComputeId, PoolId};
use crate::unmanaged::Unmanaged;

/// Everything that a PUT contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComputeSpec {
    /// The compute.
    pub id: ComputeId,
    /// The pool.
    pub pool: PoolId,
    /// The region; none if nothing exists yet: then it is the workspace's.
    pub location: Option<String>,
    /// The identity; `None` omits the key, because there is nothing to remove.
    pub identity: Option<Identity>,
    /// The description.
    pub description: Option<String>,
    /// The tags: the operator's, the user's, and those of others.
    pub tags: BTreeMap<String, String>,
    /// The keys that the operator does not manage, as Azure shows them.
    pub unmanaged: Unmanaged,
    /// Attach, if nothing exists yet, else Update.
    pub kind: OperationKind,
}

impl ComputeSpec {
    /// What to PUT if no compute exists.
    #[must_use]
    pub fn create(goal: &Attached, pool: &PoolId) -> Self {
        Self {
            id: goal.compute.clone(),
            pool: pool.clone(),
            location: None,
            identity: (goal.identity != Identity::default()).then(|| goal.identity.clone()),
            description: goal.description.clone(),
            tags: tags(goal, BTreeMap::new()),
            unmanaged: Unmanaged::default(),
            kind: OperationKind::Attach,
        }
    }

    /// What to PUT over a compute.
    ///
    /// It names the pool that is attached: another pool is never put over it, but replaced by a detach.
    #[must_use]
    pub fn update(goal: &Attached, pool: &PoolId, compute: &Compute, applied: Option<&Applied>) -> Self {
        let mut kept = compute.tags.clone();
        kept.retain(|name, _| !no_longer_wanted(goal, applied).any(|gone| gone.eq_ignore_ascii_case(name)));
        let is_description_ours = applied.is_some_and(|applied| applied.description);
        let others = compute.description.clone().filter(|_| !is_description_ours);
        let wants_identity = goal.identity != Identity::default();
        Self {
            id: goal.compute.clone(),
            pool: compute.pool.id().unwrap_or(pool).clone(),
            location: compute.details.location.clone(),
            // It is not documented what a PUT without the key does to an existing identity, so the type None is sent.
            identity: (compute.identity.exists() || wants_identity).then(|| goal.identity.clone()),
            description: goal.description.clone().or(others),
            tags: tags(goal, kept),
            unmanaged: compute.details.unmanaged.clone(),
            kind: OperationKind::Update,
        }
    }
}

fn tags(goal: &Attached, mut kept: BTreeMap<String, String>) -> BTreeMap<String, String> {
    kept.retain(|name, _| tag(&goal.tags, name).is_none() && !name.eq_ignore_ascii_case(OWNER_TAG));
    kept.extend(goal.tags.clone());
    kept.insert(OWNER_TAG.to_owned(), goal.owner.to_string());
    kept
}

/// What the status records of a PUT, so that it can be removed again.
///
/// It includes what was recorded before, since the PUT may yet fail. [`in_sync`] drops it.
#[must_use]
pub fn recorded(goal: &Attached, before: Option<&Applied>) -> Applied {
    let mut applied = in_sync(goal);
    if let Some(before) = before {
        applied.tags.extend(before.tags.iter().filter(|name| tag(&goal.tags, name).is_none()).cloned());
        applied.description |= before.description;
        applied.created_on.clone_from(&before.created_on);
    }
    applied
}

/// What the status records once the compute is in sync.
#[must_use]
pub fn in_sync(goal: &Attached) -> Applied {
    Applied {
        tags: goal.tags.keys().cloned().collect(),
        identities: goal.identity.user.iter().map(ToString::to_string).collect(),
        order_kept: None,
        created_on: None,
        description: goal.description.is_some(),
    }
}
