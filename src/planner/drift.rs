//! What of a compute differs from the goal, field by field, and what a write puts there.
//!
//! Azure's PUT replaces the whole compute, so a write carries everything: what
//! the user asked for, and what others put there and nobody asked us to take.

use std::collections::BTreeMap;
use std::fmt;

use crate::api::v1alpha1::{Applied, DriftStatus};
use crate::planner::goal::{Attached, Identity, OWNER_TAG, Ownership};
use crate::planner::observed::Compute;
use crate::resource_id::{IdentityId, PoolId};

/// A field of the spec that Azure can show otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The pool behind the compute.
    Pool,
    /// The tag that says whose the compute is.
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
    /// The word for metrics: one for all tags.
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

/// One difference. Empty text stands for "nothing there".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Where.
    pub field: Field,
    /// What was asked for.
    pub want: String,
    /// What Azure shows.
    pub have: String,
}

impl From<&Drift> for DriftStatus {
    fn from(drift: &Drift) -> Self {
        Self { field: drift.field.to_string(), want: drift.want.clone(), have: drift.have.clone() }
    }
}

/// What differs between a goal and a compute that is (or is to become) ours.
#[must_use]
pub fn drift(goal: &Attached, compute: &Compute, applied: Option<&Applied>) -> Vec<Drift> {
    let mut all = Vec::new();
    let mut differs = |field, want: String, have: String| all.push(Drift { field, want, have });
    let text = |pool: &Option<PoolId>| pool.as_ref().map(PoolId::to_string).unwrap_or_default();
    if compute.pool != goal.pool {
        differs(Field::Pool, text(&goal.pool), text(&compute.pool));
    }
    let owner = tag(&compute.tags, OWNER_TAG);
    if owner.map(|tag| goal.owner.of_tag(tag)) != Some(Ownership::Ours) {
        differs(Field::Owner, goal.owner.to_string(), owner.cloned().unwrap_or_default());
    }
    let shown =
        Identity { system: compute.identity.system, user: compute.identity.user.iter().map(|(id, ..)| id.clone()).collect() };
    if shown.kind() != goal.identity.kind() {
        differs(Field::IdentityType, goal.identity.kind().to_owned(), shown.kind().to_owned());
    }
    if !same_set(&shown.user, &goal.identity.user) || is_order_wrong(goal, &shown.user, applied) {
        differs(Field::UserAssigned, joined(&goal.identity.user), joined(&shown.user));
    }
    let is_ours = applied.is_some_and(|applied| applied.description);
    let wanted = goal.description.as_deref().filter(|text| !text.is_empty());
    let have = compute.description.as_deref().filter(|text| !text.is_empty());
    if (goal.description.is_some() || is_ours) && wanted != have {
        differs(Field::Description, wanted.unwrap_or_default().to_owned(), have.unwrap_or_default().to_owned());
    }
    for (name, want) in &goal.tags {
        let have = tag(&compute.tags, name);
        if have != Some(want) {
            differs(Field::Tag(name.clone()), want.clone(), have.cloned().unwrap_or_default());
        }
    }
    for name in no_longer_wanted(goal, applied) {
        if let Some(have) = tag(&compute.tags, name) {
            differs(Field::Tag(name.clone()), String::new(), have.clone());
        }
    }
    all
}

/// The value of a tag. Azure's tag names know no case.
#[must_use]
pub fn tag<'a>(tags: &'a BTreeMap<String, String>, name: &str) -> Option<&'a String> {
    tags.iter().find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
}

fn no_longer_wanted<'a>(goal: &'a Attached, applied: Option<&'a Applied>) -> impl Iterator<Item = &'a String> {
    applied.into_iter().flat_map(|applied| &applied.tags).filter(|name| tag(&goal.tags, name).is_none())
}

fn same_set(one: &[IdentityId], other: &[IdentityId]) -> bool {
    one.len() == other.len() && one.iter().all(|id| other.contains(id))
}

fn joined(ids: &[IdentityId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Whether the identities stand in another order than asked for.
///
/// No document says whether Azure keeps the order of the map. So the
/// order that we sent counts first; the order that Azure shows counts where
/// Azure was seen to keep it, or where we never sent one.
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

/// Everything that a PUT carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The pool; none as long as nobody has followed the link.
    pub pool: Option<PoolId>,
    /// The identity; `None` leaves the key out, since there is nothing to take away.
    pub identity: Option<Identity>,
    /// The description.
    pub description: Option<String>,
    /// The tags, ours and others'.
    pub tags: BTreeMap<String, String>,
}

impl Desired {
    /// What to put there: the goal, and what others have there already.
    #[must_use]
    pub fn of(goal: &Attached, there: Option<&Compute>, applied: Option<&Applied>) -> Self {
        let mut tags: BTreeMap<_, _> = there.map(|compute| compute.tags.clone()).unwrap_or_default();
        tags.retain(|name, _| {
            tag(&goal.tags, name).is_none()
                && !name.eq_ignore_ascii_case(OWNER_TAG)
                && !no_longer_wanted(goal, applied).any(|gone| gone.eq_ignore_ascii_case(name))
        });
        tags.extend(goal.tags.clone());
        tags.insert(OWNER_TAG.to_owned(), goal.owner.to_string());
        let has_identity = there.is_some_and(|compute| compute.identity.system || !compute.identity.user.is_empty());
        let is_none = goal.identity == Identity::default();
        let others = || {
            there.filter(|_| applied.is_none_or(|applied| !applied.description)).and_then(|compute| compute.description.clone())
        };
        Self {
            pool: goal.pool.clone(),
            // No document says what a PUT without the key does to an identity that is there: say None.
            identity: (has_identity || !is_none).then(|| goal.identity.clone()),
            description: goal.description.clone().or_else(others),
            tags,
        }
    }

    /// What to remember of it, so that it can be taken away again.
    ///
    /// And of what was put there `before`: Azure took this PUT, but it may yet fail. [`Desired::settled`] forgets it.
    #[must_use]
    pub fn remembered(goal: &Attached, before: Option<&Applied>) -> Applied {
        let mut applied = Self::settled(goal);
        if let Some(before) = before {
            applied.tags.extend(before.tags.iter().filter(|name| tag(&goal.tags, name).is_none()).cloned());
            applied.description |= before.description;
            applied.created_on.clone_from(&before.created_on);
        }
        applied
    }

    /// What is to be remembered once Azure shows the goal.
    #[must_use]
    pub fn settled(goal: &Attached) -> Applied {
        Applied {
            tags: goal.tags.keys().cloned().collect(),
            identities: goal.identity.user.iter().map(ToString::to_string).collect(),
            order_kept: None,
            created_on: None,
            description: goal.description.is_some(),
        }
    }
}
