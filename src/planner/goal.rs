//! What the user asks for: the spec, parsed once.
//!
//! Parse, don't validate: whoever holds a [`Goal`] holds IDs and flags, and no
//! text that could still be wrong. A deletion folds in here, as
//! [`Goal::Detached`], which asks of the spec only what detaching needs: a spec
//! that has since become invalid must not keep its object from going.

use std::collections::BTreeMap;
use std::fmt;

use crate::api::v1alpha1::{AdoptionPolicy, DeletionPolicy, IdentityType, ReplacePolicy, RoleScope, SynapseSparkAttachmentSpec};
use crate::api::{ON_DELETE, SynapseSparkAttachment};
use crate::planner::role;
use crate::resource_id::{ComputeId, IdentityId, PoolId, WorkspaceId};

/// The tag of a compute that names the object that owns it.
///
/// No `/`, which Azure refuses in a tag's name.
pub const OWNER_TAG: &str = "synapse-spark-operator-owner";

/// The object that a compute belongs to, as its owner tag says it.
///
/// Printed as `cluster/namespace/name/uid`, 201 characters at most, inside the
/// 256 of a tag's value (a namespace and, by admission, the name have 63 at most).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The UID of the cluster's `kube-system` namespace.
    pub cluster: String,
    /// The object's namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// The object's UID.
    pub uid: String,
}

impl Owner {
    /// Whose a compute with this tag is.
    ///
    /// The same name in the same cluster under another UID is a former object
    /// of that name: it is gone, so what it left is nobody's.
    #[must_use]
    pub fn of_tag(&self, tag: &str) -> Ownership {
        match tag.rsplit_once('/') {
            _ if tag == self.to_string() => Ownership::Ours,
            Some((place, _)) if place == format!("{}/{}/{}", self.cluster, self.namespace, self.name) => Ownership::Nobody,
            _ => Ownership::Another(tag.to_owned()),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.cluster, self.namespace, self.name, self.uid)
    }
}

/// Whose a compute is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// This object's.
    Ours,
    /// No object's: attached by hand, or left by an object that is gone.
    Nobody,
    /// Another object's or cluster's, in the words of the tag.
    Another(String),
}

/// The managed identity that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Whether the compute has an identity of its own.
    pub system: bool,
    /// The user-assigned identities, the first of which submits jobs by default.
    pub user: Vec<IdentityId>,
}

impl Identity {
    /// Azure's word for this kind of identity.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match (self.system, self.user.is_empty()) {
            (false, true) => "None",
            (true, true) => "SystemAssigned",
            (false, false) => "UserAssigned",
            (true, false) => "SystemAssigned,UserAssigned",
        }
    }
}

/// What is asked of Azure for one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// The pool is attached, as told.
    Attached(Attached),
    /// The compute is gone, and the object may go.
    Detached(Detached),
}

/// An attachment that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The compute to be.
    pub compute: ComputeId,
    /// Whose it will be.
    pub owner: Owner,
    /// The pool to attach; none as long as nobody has followed the link.
    pub pool: Option<PoolId>,
    /// The link that leads to the pool, if the spec goes through one.
    pub link: Option<Link>,
    /// The identity that it has.
    pub identity: Identity,
    /// The role that the identity is to hold in the Synapse workspace.
    pub role: Option<Role>,
    /// The description, if the user cares.
    pub description: Option<String>,
    /// The tags that it has, among those of others.
    pub tags: BTreeMap<String, String>,
    /// Whether an attached pool may be replaced by detach and attach.
    pub replace: bool,
    /// What to do with a compute that is there and nobody's.
    pub adopt: AdoptionPolicy,
    /// Write nothing to Azure.
    pub suspend: bool,
}

/// A pool, named through a linked service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The linked service's name.
    pub name: String,
    /// The pool's name in the Synapse workspace that is linked.
    pub pool: String,
}

/// A role in a Synapse workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its GUID, in lower case.
    pub id: String,
    /// On the whole workspace, not on the pool alone.
    pub workspace_wide: bool,
    /// Apache Spark Administrator too, for the linked service's own identity.
    pub linked_service: bool,
}

/// A detach that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detached {
    /// The compute to detach; none if the spec never named one that Azure could have.
    pub compute: Option<ComputeId>,
    /// Whose it is.
    pub owner: Owner,
    /// Leave Azure as it is.
    pub retain: bool,
    /// Write nothing to Azure.
    pub suspend: bool,
}

/// A field of the spec that asks for something that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Invalid {
    /// The field's path.
    pub field: &'static str,
    /// What is wrong, and what would be right.
    pub why: String,
}

impl Invalid {
    fn new(field: &'static str, why: &impl ToString) -> Self {
        Self { field, why: why.to_string() }
    }
}

impl Goal {
    /// Reads what an object asks for. `cluster` is the UID of the cluster's `kube-system` namespace.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field; never for an object that is being deleted.
    pub fn of(object: &SynapseSparkAttachment, cluster: &str) -> Result<Self, Invalid> {
        let (meta, spec) = (&object.metadata, &object.spec);
        let own = |text: &Option<String>| text.clone().unwrap_or_default();
        let owner =
            Owner { cluster: cluster.to_owned(), namespace: own(&meta.namespace), name: own(&meta.name), uid: own(&meta.uid) };
        let compute = WorkspaceId::new(&spec.workspace.subscription_id, &spec.workspace.resource_group, &spec.workspace.name)
            .map_err(|error| Invalid::new("spec.workspace", &error))
            .and_then(|workspace| {
                let name = spec.compute_name.as_deref().unwrap_or(&owner.name);
                workspace.compute(name).map_err(|error| Invalid::new("spec.computeName", &error))
            });
        if meta.deletion_timestamp.is_some() {
            let abandoned = meta.annotations.as_ref().and_then(|all| all.get(ON_DELETE)).is_some_and(|value| value == "abandon");
            let retain = abandoned || spec.deletion_policy == DeletionPolicy::Retain;
            return Ok(Self::Detached(Detached { compute: compute.ok(), owner, retain, suspend: spec.suspend }));
        }
        Ok(Self::Attached(Attached {
            compute: compute?,
            owner,
            pool: match &spec.resource_id {
                Some(id) => Some(PoolId::parse(id).map_err(|error| Invalid::new("spec.resourceId", &error))?),
                None => None,
            },
            link: link(spec)?,
            identity: identity(spec.identity.as_ref())?,
            role: role(spec)?,
            description: spec.description.clone(),
            tags: tags(&spec.tags)?,
            replace: spec.replace_policy == ReplacePolicy::Recreate,
            adopt: spec.adoption_policy,
            suspend: spec.suspend,
        }))
    }

    /// The compute that the goal speaks of.
    #[must_use]
    pub const fn compute(&self) -> Option<&ComputeId> {
        match self {
            Self::Attached(goal) => Some(&goal.compute),
            Self::Detached(goal) => goal.compute.as_ref(),
        }
    }

    /// The object that asks.
    #[must_use]
    pub const fn owner(&self) -> &Owner {
        match self {
            Self::Attached(goal) => &goal.owner,
            Self::Detached(goal) => &goal.owner,
        }
    }
}

fn link(spec: &SynapseSparkAttachmentSpec) -> Result<Option<Link>, Invalid> {
    match (&spec.linked_service, &spec.resource_id) {
        (Some(_), Some(_)) | (None, None) => Err(Invalid::new("spec", &"needs either resourceId or linkedService, and not both")),
        (None, Some(_)) => Ok(None),
        (Some(link), None) => {
            let is_name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
            match (is_name(&link.name), is_name(&link.pool_name)) {
                (false, _) => Err(Invalid::new("spec.linkedService.name", &"must have letters, digits, '-' and '_' only")),
                (_, false) => Err(Invalid::new("spec.linkedService.poolName", &"must have letters and digits only")),
                (true, true) => Ok(Some(Link { name: link.name.clone(), pool: link.pool_name.clone() })),
            }
        }
    }
}

fn role(spec: &SynapseSparkAttachmentSpec) -> Result<Option<Role>, Invalid> {
    let Some(wanted) = &spec.synapse_role else { return Ok(None) };
    let id = role::id_of(&wanted.name).ok_or_else(|| {
        Invalid::new("spec.synapseRole.name", &"must be Synapse Administrator, Synapse Compute Operator, or a role's GUID")
    })?;
    if spec.identity.as_ref().is_none_or(|identity| identity.kind == IdentityType::None) {
        return Err(Invalid::new("spec.synapseRole", &"needs spec.identity: whom it is granted to"));
    }
    if wanted.linked_service && spec.linked_service.is_none() {
        return Err(Invalid::new("spec.synapseRole.linkedService", &"needs spec.linkedService: whose identity it is granted to"));
    }
    Ok(Some(Role { id, workspace_wide: wanted.scope == RoleScope::Workspace, linked_service: wanted.linked_service }))
}

fn identity(wanted: Option<&crate::api::v1alpha1::Identity>) -> Result<Identity, Invalid> {
    let Some(wanted) = wanted else { return Ok(Identity::default()) };
    let field = "spec.identity.userAssignedIdentities";
    let user = wanted
        .user_assigned_identities
        .iter()
        .map(|one| IdentityId::parse(&one.resource_id).map_err(|error| Invalid::new(field, &error)))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(twice) = user.iter().enumerate().find_map(|(at, one)| user[..at].contains(one).then_some(one)) {
        return Err(Invalid::new(field, &format!("{twice} stands there twice")));
    }
    let (system, wants_user) = match wanted.kind {
        IdentityType::None => (false, false),
        IdentityType::SystemAssigned => (true, false),
        IdentityType::UserAssigned => (false, true),
        IdentityType::Both => (true, true),
        IdentityType::Unknown => {
            return Err(Invalid::new(
                "spec.identity.type",
                &"must be None, SystemAssigned, UserAssigned or SystemAssigned,UserAssigned",
            ));
        }
    };
    if wants_user == user.is_empty() {
        return Err(Invalid::new(field, &"needs one identity or more with a UserAssigned type, and none with another"));
    }
    Ok(Identity { system, user })
}

/// Azure's tag names know no case: two that differ only by it would chase each other for ever.
fn tags(wanted: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Invalid> {
    let mut seen = std::collections::BTreeSet::new();
    for name in wanted.keys() {
        if name.eq_ignore_ascii_case(OWNER_TAG) {
            return Err(Invalid::new("spec.tags", &format!("{OWNER_TAG} is the operator's own tag")));
        }
        if !seen.insert(name.to_lowercase()) {
            return Err(Invalid::new("spec.tags", &format!("{name:?} stands there twice (case does not count in Azure)")));
        }
    }
    Ok(wanted.clone())
}
