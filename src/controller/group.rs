//! The objects that one LIST of Azure answers.

use crate::api::SynapseSparkAttachment;
use crate::planner::goal::compute_of;
use crate::resource_id::WorkspaceId;

/// The objects of one workspace that use the same identity: one of them may use the answers of another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Group {
    pub(super) workspace: WorkspaceId,
    /// Namespace and name of a ServiceAccount; none: the operator's identity.
    account: Option<(String, String)>,
}

impl Group {
    /// None if the spec names no workspace that Azure could have.
    pub(super) fn of(object: &SynapseSparkAttachment) -> Option<Self> {
        let workspace = compute_of(object).ok()?.workspace().clone();
        let account = object.spec.service_account_name.clone();
        let namespace = || object.metadata.namespace.clone().unwrap_or_default();
        Some(Self { workspace, account: account.map(|name| (namespace(), name)) })
    }
}
