//! The content of a PUT of a compute, and what the status records of it.
//!
//! Azure's PUT replaces the whole compute, so it contains everything: the fields of the
//! spec, and those that others set.

use std::collections::BTreeMap;

use crate::api::v1alpha1::{Applied, OperationKind};
use crate::planner::compute::{Compute, Unreadable};
use crate::planner::drift::{no_longer_wanted, same_set, tag};
use crate::planner::goal::Attached;
use crate::planner::identity::Identity;
use crate::planner::owner::OWNER_TAG;
use crate::planner::recipient::Recipient;
use crate::resource_id::{ComputeId, IdentityId, PoolId};
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
    /// Attach, if nothing exists yet; else Update, or Transfer if nothing but the owner tag changes.
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

impl ComputeSpec {
    /// What to PUT to hand a compute over: all as Azure shows it, but for the owner tag.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if Azure shows something that the PUT would change because it cannot be parsed.
    pub fn transfer(id: &ComputeId, to: &Recipient, compute: &Compute, applied: Option<&Applied>) -> Result<Self, Unreadable> {
        Self::retagged(id, to.tag(), compute, applied)
    }

    /// The same with any owner tag.
    ///
    /// # Errors
    ///
    /// [`Unreadable`], as above.
    pub fn retagged(id: &ComputeId, tag: String, compute: &Compute, applied: Option<&Applied>) -> Result<Self, Unreadable> {
        let pool = compute.readable_pool()?.clone();
        if let Some(text) = compute.identity.unreadable.first() {
            return Err(Unreadable { field: "identity.userAssignedIdentities", text: text.clone() });
        }
        let mut tags = compute.tags.clone();
        tags.retain(|name, _| !name.eq_ignore_ascii_case(OWNER_TAG));
        tags.insert(OWNER_TAG.to_owned(), tag);
        let identity = Identity { system: compute.identity.system, user: identities_in_order(compute, applied) };
        Ok(Self {
            id: id.clone(),
            pool,
            location: compute.details.location.clone(),
            identity: compute.identity.exists().then_some(identity),
            description: compute.description.clone(),
            tags,
            unmanaged: compute.details.unmanaged.clone(),
            kind: OperationKind::Transfer,
        })
    }
}

/// The user-assigned identities that Azure shows, in the order in which they were sent, unless Azure is known to show them in the
/// order that counts: jobs run as the first one.
fn identities_in_order(compute: &Compute, applied: Option<&Applied>) -> Vec<IdentityId> {
    let shown = compute.identity.ids();
    let sent: Vec<_> =
        applied.iter().flat_map(|applied| &applied.identities).filter_map(|id| IdentityId::parse(id).ok()).collect();
    let is_order_shown = applied.is_some_and(|applied| applied.order_kept == Some(true));
    if !is_order_shown && same_set(&sent, &shown) { sent } else { shown }
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
