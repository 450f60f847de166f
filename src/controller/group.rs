//! The objects that one LIST of Azure answers.

use crate::api::SynapseSparkAttachment;
use crate::planner::goal::compute_of;
use crate::resource_id::WorkspaceId;

/// The objects of one workspace that use the same identity: one of them may use the answers of another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Group {
    pub(super) workspace: WorkspaceId,
    account: Account,
}

/// Namespace and name of a ServiceAccount; none: the operator's identity.
pub(super) type Account = Option<(String, String)>;

/// The account whose identity an object uses.
pub(super) fn account_of(object: &SynapseSparkAttachment) -> Account {
    let name = object.spec.service_account_name.clone()?;
    Some((object.metadata.namespace.clone().unwrap_or_default(), name))
}

impl Group {
    /// None if the spec names no workspace that Azure could have.
    pub(super) fn of(object: &SynapseSparkAttachment) -> Option<Self> {
        let workspace = compute_of(object).ok()?.workspace().clone();
        Some(Self { workspace, account: account_of(object) })
    }

    /// The objects of this workspace that use the identity of this account.
    pub(super) const fn new(workspace: WorkspaceId, account: Account) -> Self {
        Self { workspace, account }
    }
}
