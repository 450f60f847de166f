//! The desired state: the spec, parsed once.
//!
//! Parse, don't validate: a [`Goal`] contains IDs and flags, and no
//! text that could still be wrong. A deletion is a goal too, [`Goal::Detached`],
//! which needs only what detaching needs of the spec: a spec that has become
//! invalid must not keep its object from being deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::{
    self, AdoptionPolicy, DeletionPolicy, IdentityType, ReplacePolicy, RoleScope, SynapseSparkAttachmentSpec,
};
use crate::object_name::is_subdomain;
use crate::planner::active_jobs;
use crate::planner::annotations;
use crate::planner::defaults;
use crate::planner::identity::Identity;
use crate::planner::invalid::Invalid;
use crate::planner::owner::{OWNER_TAG, Owner};
use crate::planner::recipient::Recipient;
use crate::planner::roles::goal::{Role, role_id};
use crate::resource_id::{ComputeId, IdentityId, PoolId, WorkspaceId};

/// The desired state of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// The pool is attached, as in the spec.
    Attached(Attached),
    /// The compute is detached, and the object may be released.
    Detached(Detached),
}

/// The goal of an object that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The compute.
    pub compute: ComputeId,
    /// The object, which will own the compute.
    pub owner: Owner,
    /// The pool to attach.
    pub pool: PoolReference,
    /// The managed identity of the compute.
    pub identity: Identity,
    /// The role that the identity needs in the Synapse workspace.
    pub role: Option<Role>,
    /// The description; none if the spec has none.
    pub description: Option<String>,
    /// The tags of the compute, in addition to those of others.
    pub tags: BTreeMap<String, String>,
    /// The object that the compute is handed over to, instead of being kept in sync.
    pub transfer_to: Option<Recipient>,
    /// The ConfigMap that values are written to.
    pub outputs: Option<String>,
    /// What the operator may do.
    pub policy: Policy,
    /// Whether the condition `JobsReady` shows if Spark jobs can run.
    pub checks_jobs: bool,
}

/// What the operator may do with a compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Whether it may replace an attached pool by detach and attach.
    pub replace: bool,
    /// What it does with a compute that exists and has no owner.
    pub adopt: AdoptionPolicy,
    /// Whether it writes nothing to Azure.
    pub suspend: bool,
    /// How long a detach waits for jobs; none if it does not wait.
    pub waits_for_jobs: Option<Duration>,
}

/// How the spec names the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolReference {
    /// By its resource ID.
    Id(PoolId),
    /// Through a linked service.
    Link(Link),
}

/// A pool, named through a linked service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The linked service's name.
    pub name: String,
    /// The pool's name in the Synapse workspace that is linked.
    pub pool: String,
}

/// The goal of an object that is being deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detached {
    /// The compute to detach; none if the spec never named one that Azure could have.
    pub compute: Option<ComputeId>,
    /// The object that owns it.
    pub owner: Owner,
    /// Whether nothing is changed in Azure.
    pub retain: bool,
    /// Whether the operator writes nothing to Azure.
    pub suspend: bool,
    /// How long the detach waits for jobs; none if it does not wait.
    pub waits_for_jobs: Option<Duration>,
    /// The object that the compute is handed over to, instead of being detached.
    pub transfer_to: Option<Recipient>,
    /// An annotation whose value has no meaning: whether the compute is to stay is unknown.
    pub unknown_annotation: Option<Invalid>,
}

impl Goal {
    /// Parses the goal of an object. `cluster` is the UID of the cluster's `kube-system` namespace.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field; never for an object that is being deleted.
    pub fn of(object: &SynapseSparkAttachment, cluster: &str) -> Result<Self, Invalid> {
        let (meta, spec) = (&object.metadata, &object.spec);
        let own = |text: &Option<String>| text.clone().unwrap_or_default();
        let owner =
            Owner { cluster: cluster.to_owned(), namespace: own(&meta.namespace), name: own(&meta.name), uid: own(&meta.uid) };
        let compute = compute_of(object);
        if meta.deletion_timestamp.is_some() {
            return Ok(Self::Detached(detached(object, owner, compute.ok())));
        }
        let transfer_to = annotations::recipient(object, &owner)?;
        Ok(Self::Attached(Attached {
            compute: compute?,
            owner,
            pool: pool(spec)?,
            identity: identity(spec.identity.as_ref())?,
            role: role(spec)?,
            description: spec.description.clone(),
            tags: tags(&spec.tags)?,
            transfer_to,
            outputs: outputs(spec)?,
            policy: Policy {
                replace: spec.replace_policy == ReplacePolicy::Recreate,
                adopt: spec.adoption_policy,
                suspend: spec.suspend,
                waits_for_jobs: active_jobs::timeout(spec),
            },
            checks_jobs: spec.job_checks,
        }))
    }

    /// The compute.
    #[must_use]
    pub const fn compute(&self) -> Option<&ComputeId> {
        match self {
            Self::Attached(goal) => Some(&goal.compute),
            Self::Detached(goal) => goal.compute.as_ref(),
        }
    }

    /// Whether the compute is to be handed over to another object.
    #[must_use]
    pub const fn is_transfer(&self) -> bool {
        match self {
            Self::Attached(goal) => goal.transfer_to.is_some(),
            Self::Detached(goal) => goal.transfer_to.is_some(),
        }
    }

    /// How long a detach waits for jobs; none if it does not wait.
    #[must_use]
    pub const fn waits_for_jobs(&self) -> Option<Duration> {
        match self {
            Self::Attached(goal) => goal.policy.waits_for_jobs,
            Self::Detached(goal) => goal.waits_for_jobs,
        }
    }

    /// The object.
    #[must_use]
    pub const fn owner(&self) -> &Owner {
        match self {
            Self::Attached(goal) => &goal.owner,
            Self::Detached(goal) => &goal.owner,
        }
    }
}

/// The goal of an object that is being deleted. An object that hands its compute over also keeps it in Azure; `abandon` leaves it unchanged, at
/// once.
fn detached(object: &SynapseSparkAttachment, owner: Owner, compute: Option<ComputeId>) -> Detached {
    let (is_abandoned, unknown_on_delete) =
        annotations::on_delete(object).map_or_else(|unknown| (false, Some(unknown)), |known| (known, None));
    let (transfer_to, unknown_recipient) =
        annotations::recipient(object, &owner).map_or_else(|invalid| (None, Some(invalid)), |recipient| (recipient, None));
    let is_retained = object.spec.deletion_policy == DeletionPolicy::Retain && transfer_to.is_none();
    Detached {
        compute,
        owner,
        retain: is_retained || is_abandoned,
        suspend: object.spec.suspend,
        waits_for_jobs: active_jobs::timeout(&object.spec),
        transfer_to,
        unknown_annotation: unknown_on_delete.or(unknown_recipient),
    }
}

/// The compute that an object names, whether the object is deleted or not.
///
/// # Errors
///
/// [`Invalid`] if the spec names none that Azure could have.
pub fn compute_of(object: &SynapseSparkAttachment) -> Result<ComputeId, Invalid> {
    let spec = &object.spec;
    if spec.workspace.is_unset() {
        return Err(defaults::no_workspace(object));
    }
    let workspace = WorkspaceId::new(&spec.workspace.subscription_id, &spec.workspace.resource_group, &spec.workspace.name)
        .map_err(|error| Invalid::new("spec.workspace", &error))?;
    let name = spec.compute_name.as_deref().or(object.metadata.name.as_deref()).unwrap_or_default();
    workspace.compute(name).map_err(|error| Invalid::new("spec.computeName", &error))
}

fn pool(spec: &SynapseSparkAttachmentSpec) -> Result<PoolReference, Invalid> {
    match (&spec.linked_service, &spec.resource_id) {
        (Some(_), Some(_)) | (None, None) => {
            Err(Invalid::new("spec", &"exactly one of resourceId and linkedService is required"))
        }
        (None, Some(id)) => PoolId::parse(id).map(PoolReference::Id).map_err(|error| Invalid::new("spec.resourceId", &error)),
        (Some(link), None) => {
            let is_name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
            match (is_name(&link.name), is_name(&link.pool_name)) {
                (false, _) => Err(Invalid::new("spec.linkedService.name", &"must consist of letters, digits, '-' and '_'")),
                (_, false) => Err(Invalid::new("spec.linkedService.poolName", &"must consist of letters and digits")),
                (true, true) => Ok(PoolReference::Link(Link { name: link.name.clone(), pool: link.pool_name.clone() })),
            }
        }
    }
}

fn outputs(spec: &SynapseSparkAttachmentSpec) -> Result<Option<String>, Invalid> {
    let Some(outputs) = &spec.outputs else { return Ok(None) };
    if is_subdomain(&outputs.config_map_name) {
        return Ok(Some(outputs.config_map_name.clone()));
    }
    Err(Invalid::new("spec.outputs.configMapName", &"must consist of lower-case letters, digits, '-' and '.'"))
}

fn role(spec: &SynapseSparkAttachmentSpec) -> Result<Option<Role>, Invalid> {
    let Some(wanted) = &spec.synapse_role else { return Ok(None) };
    let id = role_id(&wanted.name).ok_or_else(|| {
        Invalid::new("spec.synapseRole.name", &"must be Synapse Administrator, Synapse Compute Operator, or a role's GUID")
    })?;
    if spec.identity.as_ref().is_none_or(|identity| identity.kind == IdentityType::None) {
        return Err(Invalid::new("spec.synapseRole", &"requires spec.identity, which the role is assigned to"));
    }
    if wanted.linked_service && spec.linked_service.is_none() {
        return Err(Invalid::new(
            "spec.synapseRole.linkedService",
            &"requires spec.linkedService, whose identity the role is assigned to",
        ));
    }
    Ok(Some(Role { id, workspace_wide: wanted.scope == RoleScope::Workspace, linked_service: wanted.linked_service }))
}

fn identity(wanted: Option<&v1alpha1::Identity>) -> Result<Identity, Invalid> {
    let Some(wanted) = wanted else { return Ok(Identity::default()) };
    let field = "spec.identity.userAssignedIdentities";
    let user = wanted
        .user_assigned_identities
        .iter()
        .map(|one| IdentityId::parse(&one.resource_id).map_err(|error| Invalid::new(field, &error)))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(twice) = user.iter().enumerate().find_map(|(at, one)| user[..at].contains(one).then_some(one)) {
        return Err(Invalid::new(field, &format!("duplicate {twice}")));
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
        return Err(Invalid::new(
            field,
            &"requires at least one identity with type UserAssigned, and allows none with SystemAssigned or None",
        ));
    }
    Ok(Identity { system, user })
}

/// Azure's tag names are case-insensitive: two that differ in case only would overwrite each other indefinitely.
fn tags(wanted: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Invalid> {
    let mut seen = BTreeSet::new();
    for name in wanted.keys() {
        if name.eq_ignore_ascii_case(OWNER_TAG) {
            return Err(Invalid::new("spec.tags", &format!("{OWNER_TAG} is reserved for the operator")));
        }
        if !seen.insert(name.to_lowercase()) {
            return Err(Invalid::new("spec.tags", &format!("duplicate {name:?} (names are case-insensitive in Azure)")));
        }
    }
    Ok(wanted.clone())
}
