//! The differences between a compute and the spec, field by field.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::api::v1alpha1::{Applied, DriftStatus};
use crate::planner::compute::{Compute, PoolReading, Progress};
use crate::planner::correction::Correction;
use crate::planner::goal::Attached;
use crate::planner::identity::UserAssigned;
use crate::planner::observed::Observed;
use crate::planner::operation::Outcome;
use crate::planner::owner::{OWNER_TAG, Ownership};
use crate::resource_id::{IdentityId, PoolId};

/// A field of the spec that Azure can show with another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The pool that the compute is attached to.
    Pool,
    /// The tag that names the owner.
    Owner,
    /// The kind of managed identity.
    IdentityType,
    /// The user-assigned identities, or their order.
    UserAssigned,
    /// The description.
    Description,
    /// A tag.
    Tag(String),
}

impl Field {
    /// The label of each field in metrics.
    pub const KINDS: [&'static str; 6] =
        ["resourceId", "owner", "identity.type", "identity.userAssignedIdentities", "description", "tags"];

    /// The label in metrics: one for all tags.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Pool => "resourceId",
            Self::Owner => "owner",
            Self::IdentityType => "identity.type",
            Self::UserAssigned => "identity.userAssignedIdentities",
            Self::Description => "description",
            Self::Tag(_) => "tags",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner => write!(f, "tags.{OWNER_TAG}"),
            Self::Tag(name) => write!(f, "tags.{name}"),
            _ => f.write_str(self.kind()),
        }
    }
}

/// One difference. An empty text means that the value does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The field of the spec.
    pub field: Field,
    /// The desired value.
    pub want: String,
    /// What Azure shows.
    pub have: String,
}

impl From<&Drift> for DriftStatus {
    fn from(drift: &Drift) -> Self {
        Self { field: drift.field.to_string(), want: drift.want.clone(), have: drift.have.clone(), ..Self::default() }
    }
}

impl Drift {
    /// Whether it can wait: the attachment works with another tag or description than the spec's, but not with another pool,
    /// owner or identity.
    #[must_use]
    pub const fn can_wait(&self) -> bool {
        matches!(self.field, Field::Description | Field::Tag(_))
    }

    /// For how long it is not corrected, because earlier corrections did not last; zero if it is corrected now.
    #[must_use]
    pub fn pause(&self, seen: &Observed) -> Duration {
        let name = self.field.to_string();
        let is_same = |one: &&Correction| one.field == name && one.want == self.want;
        let last = seen.object.corrections.iter().find(is_same).filter(|_| self.can_wait() && !seen.object.reconcile_requested);
        last.map(Correction::pause).unwrap_or_default()
    }
}

/// When the first of the differences whose correction is paused is corrected again; none if there are none.
#[must_use]
pub fn next_correction(goal: &Attached, pool: &PoolId, compute: &Compute, seen: &Observed) -> Option<Duration> {
    drift(goal, pool, compute, seen.applied.as_ref()).iter().map(|one| one.pause(seen)).min()
}

/// What differs between the spec and a compute that is (or is to become) ours, field by field.
#[must_use]
pub fn drift(goal: &Attached, pool: &PoolId, compute: &Compute, applied: Option<&Applied>) -> Vec<Drift> {
    [
        pool_drift(pool, compute),
        owner_drift(goal, compute),
        identity_type_drift(goal, compute),
        user_assigned_drift(goal, compute, applied),
        description_drift(goal, compute, applied),
    ]
    .into_iter()
    .flatten()
    .chain(tag_drift(goal, compute, applied))
    .collect()
}

/// Whether the identity of a compute is not that of the spec.
#[must_use]
pub fn has_other_identity(goal: &Attached, compute: &Compute, applied: Option<&Applied>) -> bool {
    identity_type_drift(goal, compute).is_some() || user_assigned_drift(goal, compute, applied).is_some()
}

fn pool_drift(pool: &PoolId, compute: &Compute) -> Option<Drift> {
    let have = match &compute.pool {
        PoolReading::Pool(id) if id == pool => return None,
        PoolReading::Pool(id) => id.to_string(),
        PoolReading::Unreadable(text) => text.clone(),
    };
    Some(Drift { field: Field::Pool, want: pool.to_string(), have })
}

fn owner_drift(goal: &Attached, compute: &Compute) -> Option<Drift> {
    let owner = tag(&compute.tags, OWNER_TAG);
    let is_ours = owner.is_some_and(|tag| goal.owner.of_tag(tag) == Ownership::Ours);
    (!is_ours).then(|| Drift { field: Field::Owner, want: goal.owner.to_string(), have: owner.cloned().unwrap_or_default() })
}

fn identity_type_drift(goal: &Attached, compute: &Compute) -> Option<Drift> {
    let (want, have) = (goal.identity.kind(), compute.identity.normalized_kind());
    (want != have).then(|| Drift { field: Field::IdentityType, want: want.to_owned(), have: have.to_owned() })
}

/// An identity whose ID cannot be parsed is drift like any other that the spec does not name, and so is a principal that the
/// identity no longer has.
fn user_assigned_drift(goal: &Attached, compute: &Compute, applied: Option<&Applied>) -> Option<Drift> {
    let (shown, unreadable) = (compute.identity.ids(), &compute.identity.unreadable);
    let is_same = unreadable.is_empty() && same_set(&shown, &goal.identity.user) && !is_order_wrong(goal, &shown, applied);
    let rotated = |id: &IdentityId| compute.identity.user.iter().find(|one| one.id == *id).and_then(UserAssigned::rotated);
    let is_rotated = goal.identity.user.iter().any(|id| rotated(id).is_some());
    let with = |id: &IdentityId, principal: Option<&str>| match principal {
        Some(principal) => format!("principal {principal} of {id}"),
        None => id.to_string(),
    };
    let have = shown.iter().map(|id| with(id, rotated(id).map(|(shown, _)| shown))).chain(unreadable.iter().cloned());
    let want = goal.identity.user.iter().map(|id| with(id, rotated(id).map(|(_, own)| own)));
    let joined = |all: &mut dyn Iterator<Item = String>| all.collect::<Vec<_>>().join(", ");
    (!is_same || is_rotated).then(|| Drift {
        field: Field::UserAssigned,
        want: joined(&mut want.into_iter()),
        have: joined(&mut have.into_iter()),
    })
}

fn description_drift(goal: &Attached, compute: &Compute, applied: Option<&Applied>) -> Option<Drift> {
    let is_ours = applied.is_some_and(|applied| applied.description);
    let want = goal.description.as_deref().filter(|text| !text.is_empty());
    let have = compute.description.as_deref().filter(|text| !text.is_empty());
    ((goal.description.is_some() || is_ours) && want != have).then(|| Drift {
        field: Field::Description,
        want: want.unwrap_or_default().to_owned(),
        have: have.unwrap_or_default().to_owned(),
    })
}

fn tag_drift(goal: &Attached, compute: &Compute, applied: Option<&Applied>) -> Vec<Drift> {
    let missing = goal.tags.iter().filter_map(|(name, want)| {
        let have = tag(&compute.tags, name);
        let field = Field::Tag(name.clone());
        (have != Some(want)).then(|| Drift { field, want: want.clone(), have: have.cloned().unwrap_or_default() })
    });
    let left = no_longer_wanted(goal, applied).filter_map(|name| {
        let have = tag(&compute.tags, name)?.clone();
        Some(Drift { field: Field::Tag(name.clone()), want: String::new(), have })
    });
    missing.chain(left).collect()
}

/// Whether the compute is as in the spec, and no write of ours is about to change that. Dependencies are not
/// considered.
#[must_use]
pub fn is_in_sync(goal: &Attached, seen: &Observed) -> bool {
    let (Some(pool), Some(compute)) = (seen.dependencies.resolve(&goal.pool), seen.compute.present()) else { return false };
    // A read that lags behind the hand-over may still show this object's tag.
    if goal.transfer_to.is_some() || seen.unfinished_transfer().is_some() {
        return false;
    }
    let is_undisturbed = seen.put().is_none_or(|put| match put.outcome {
        Outcome::Running(_) => !put.is_ongoing(),
        Outcome::Failed(_) => false,
        Outcome::Unknown | Outcome::Unreadable | Outcome::Ended => true,
    });
    let is_corrected = match next_correction(goal, &pool, compute, seen) {
        None => true,
        Some(pause) => !pause.is_zero() && has_put_shown(seen),
    };
    is_undisturbed && is_ours_and_done(compute) && is_corrected
}

/// Whether the last PUT has ended long enough ago to show its effect.
fn has_put_shown(seen: &Observed) -> bool {
    seen.put().is_none_or(|put| put.outcome == Outcome::Ended && !seen.has_just_ended())
}

/// Whether all that differs is corrected again by its own pauses, and not by those after a failure.
#[must_use]
pub fn is_next_correction_due(goal: &Attached, pool: &PoolId, compute: &Compute, seen: &Observed) -> bool {
    has_put_shown(seen) && drift(goal, pool, compute, seen.applied.as_ref()).iter().all(Drift::can_wait)
}

/// Whether a compute alone shows that our last PUT has succeeded, so that the operation of that PUT need not be read.
///
/// It does not show whether a PUT has changed the order of several identities.
#[must_use]
pub fn shows_success(goal: &Attached, pool: &PoolId, compute: &Compute, applied: Option<&Applied>) -> bool {
    goal.identity.user.len() < 2 && is_ours_and_done(compute) && drift(goal, pool, compute, applied).is_empty()
}

fn is_ours_and_done(compute: &Compute) -> bool {
    compute.is_spark() && compute.owner == Ownership::Ours && compute.progress == Progress::Succeeded
}

/// The value of a tag. Azure's tag names are case-insensitive.
#[must_use]
pub fn tag<'a>(tags: &'a BTreeMap<String, String>, name: &str) -> Option<&'a String> {
    tags.iter().find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
}

/// The tags that the operator set and the spec no longer contains.
pub fn no_longer_wanted<'a>(goal: &'a Attached, applied: Option<&'a Applied>) -> impl Iterator<Item = &'a String> {
    applied.into_iter().flat_map(|applied| &applied.tags).filter(|name| tag(&goal.tags, name).is_none())
}

/// Whether both name the same identities, in any order.
#[must_use]
pub fn same_set(one: &[IdentityId], other: &[IdentityId]) -> bool {
    one.len() == other.len() && one.iter().all(|id| other.contains(id))
}

/// Whether the order of the identities differs from the spec's.
///
/// It is not documented whether Azure keeps the order of the map. So the order
/// that was sent counts first. The order that Azure shows counts where Azure
/// was seen to keep it, or where none was ever sent.
fn is_order_wrong(goal: &Attached, shown: &[IdentityId], applied: Option<&Applied>) -> bool {
    let in_order = |ids: &[IdentityId]| ids == goal.identity.user;
    match applied {
        Some(applied) => {
            let sent: Vec<_> = applied.identities.iter().filter_map(|id| IdentityId::parse(id).ok()).collect();
            !in_order(&sent) && !in_order(shown) || applied.order_kept == Some(true) && !in_order(shown)
        }
        None => !in_order(shown),
    }
}
