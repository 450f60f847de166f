//! The resource group that a template is deployed to.

use crate::resource_id::WorkspaceId;

/// Subscription and resource group of a deployment, or why one is not known.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) subscription: Result<String, String>,
    pub(super) resource_group: Result<String, String>,
}

impl Target {
    /// A compute is deployed to the resource group of its workspace.
    pub(super) fn of(workspace: Option<&WorkspaceId>) -> Self {
        const UNKNOWN: &str = "a template does not name the subscription and the resource group that it is deployed to: pass --workspace SUBSCRIPTION/GROUP/WORKSPACE";
        let of = |name: fn(&WorkspaceId) -> &str| workspace.map(|one| name(one).to_owned()).ok_or_else(|| UNKNOWN.to_owned());
        Self { subscription: of(WorkspaceId::subscription), resource_group: of(WorkspaceId::resource_group) }
    }
}
