//! Answers that the checks for Spark jobs rest on. Several attachments share them: of a workspace, a pool or a storage account.

use std::sync::Arc;

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
    /// By the Synapse workspace's name, in lower case.
    pub(super) synapse_roles: SharedAnswers<String, Arc<Vec<wire::RoleAssignment>>>,
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
