//! Answers that the checks for Spark jobs rest on. Several attachments share them: of a workspace, a pool or a storage account.

use uuid::Uuid;

use crate::azure::shared::SharedAnswers;
use crate::azure::wire;
use crate::resource_id::{StorageAccountId, SynapseWorkspaceId, WorkspaceId};

/// Cached answers, by what they are about. A refusal is an answer, too.
pub(super) struct JobAnswers {
    pub(super) datastores: SharedAnswers<WorkspaceId, Option<wire::Datastore>>,
    pub(super) workspace_storages: SharedAnswers<WorkspaceId, Option<String>>,
    pub(super) storage_accounts: SharedAnswers<StorageAccountId, Option<wire::StorageAccount>>,
    /// By the account and the principal.
    pub(super) role_assignments: SharedAnswers<(StorageAccountId, Uuid), Vec<wire::AzureRoleAssignment>>,
    /// By the account and the role.
    pub(super) role_definitions: SharedAnswers<(StorageAccountId, Uuid), Option<wire::RoleDefinition>>,
    pub(super) synapse_workspaces: SharedAnswers<SynapseWorkspaceId, Option<wire::SynapseWorkspace>>,
    pub(super) firewall_rules: SharedAnswers<SynapseWorkspaceId, Vec<wire::FirewallRule>>,
    /// By the Synapse workspace's name, in lower case.
    pub(super) private_endpoints: SharedAnswers<String, Vec<wire::ManagedPrivateEndpoint>>,
    /// By the Synapse workspace's name and the principal, in lower case.
    pub(super) synapse_roles: SharedAnswers<(String, String), Vec<wire::RoleAssignment>>,
}

impl JobAnswers {
    /// Without any answers yet.
    pub(super) fn new() -> Self {
        Self {
            datastores: SharedAnswers::lasting(),
            workspace_storages: SharedAnswers::lasting(),
            storage_accounts: SharedAnswers::lasting(),
            role_assignments: SharedAnswers::lasting(),
            role_definitions: SharedAnswers::lasting(),
            synapse_workspaces: SharedAnswers::lasting(),
            firewall_rules: SharedAnswers::lasting(),
            private_endpoints: SharedAnswers::lasting(),
            synapse_roles: SharedAnswers::lasting(),
        }
    }
}

/// The key of the roles of a principal in a Synapse workspace.
pub(super) fn synapse_roles_key(workspace: &str, principal: &str) -> (String, String) {
    (workspace.to_ascii_lowercase(), principal.to_ascii_lowercase())
}
