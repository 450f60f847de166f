//! What an attachment connects: its Azure Machine Learning workspace, its Spark pool, and its identities.

use super::store::Attachment;
use crate::api::v1alpha1::IdentityType;
use crate::resource_id::{IdentityId, PoolId, WorkspaceId};

/// The name of what stands for all attachments without an identity. Azure allows no spaces in the name of an identity.
const NO_IDENTITY: &str = "No identity";
/// The name of what stands for all system-assigned identities, of which each compute has its own.
const SYSTEM_ASSIGNED: &str = "System-assigned identity";

/// A workspace, a pool or an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    /// The resource ID; none if there is none, or if what is written is not one.
    pub(super) id: Option<String>,
    pub(super) name: String,
    /// What it is part of: the Synapse workspace of a pool, or else a resource group. It may be empty.
    pub(super) place: String,
}

impl End {
    fn named(name: &str, place: &str) -> Self {
        Self { id: None, name: name.to_owned(), place: place.to_owned() }
    }

    /// What selects it, and nothing else if it has a resource ID.
    pub(super) fn filter(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.name)
    }

    /// What tells it from the others of its kind. Azure ignores the case of names.
    pub(super) fn key(&self) -> String {
        match &self.id {
            Some(id) => id.to_lowercase(),
            None => format!("{}\n{}", self.place, self.name).to_lowercase(),
        }
    }

    /// Whether a filter selects it: a part of the name, or the whole resource ID, in lower case.
    pub(super) fn matches(&self, wanted: &str) -> bool {
        self.name.to_lowercase().contains(wanted) || self.id.as_ref().is_some_and(|id| id.to_lowercase() == wanted)
    }
}

impl Attachment {
    pub(super) fn workspace_end(&self) -> End {
        let workspace = &self.object.spec.workspace;
        let id = WorkspaceId::new(&workspace.subscription_id, &workspace.resource_group, &workspace.name);
        End { id: id.ok().map(|id| id.to_string()), ..End::named(&workspace.name, &workspace.resource_group) }
    }

    pub(super) fn pool_end(&self) -> End {
        let spec = &self.object.spec;
        // Azure may show another pool than the spec has, by its name only.
        let id = spec.resource_id.as_deref().and_then(|id| PoolId::parse(id).ok());
        if let Some(id) = id.filter(|id| id.name().eq_ignore_ascii_case(&self.pool)) {
            return End { id: Some(id.to_string()), ..End::named(&self.pool, id.workspace_name()) };
        }
        let seen = self.object.status.as_ref().and_then(|status| status.pool.as_ref()?.workspace_name.as_deref());
        End::named(if self.pool.is_empty() { "Unknown pool" } else { &self.pool }, seen.unwrap_or_default())
    }

    /// At least one; in the order of the spec.
    pub(super) fn identity_ends(&self) -> Vec<End> {
        let Some(identity) = &self.object.spec.identity else { return vec![End::named(NO_IDENTITY, "")] };
        let has_its_own = matches!(identity.kind, IdentityType::SystemAssigned | IdentityType::Both);
        let others = identity.user_assigned_identities.iter().map(|one| match IdentityId::parse(&one.resource_id) {
            Ok(id) => End { id: Some(id.to_string()), ..End::named(id.name(), id.resource_group()) },
            Err(_) => End::named(&one.resource_id, ""),
        });
        let all: Vec<_> = has_its_own.then(|| End::named(SYSTEM_ASSIGNED, "")).into_iter().chain(others).collect();
        if all.is_empty() { vec![End::named(NO_IDENTITY, "")] } else { all }
    }
}
