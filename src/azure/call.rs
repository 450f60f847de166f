//! The kinds of requests. Method, token bucket and metric label follow from the kind.

use azure_core::http::Method;

use crate::azure::throttle::Kind;

/// A kind of request to Azure Resource Manager, or to the data plane of Synapse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// A workspace, for its region.
    Workspace,
    /// One compute.
    Compute,
    /// A page of a workspace's computes.
    Computes,
    /// The state of an operation.
    Operation,
    /// Creates or updates a compute: attach, adopt, update.
    Put,
    /// Detaches a compute.
    Detach,
    /// A Spark pool of Synapse.
    Pool,
    /// A user-assigned identity.
    UserIdentity,
    /// A page of the Activity Log.
    ActivityLog,
    /// A linked service of a workspace.
    LinkedService,
    /// A page of a workspace's jobs.
    Jobs,
    /// A page of the role assignments of a Synapse workspace.
    RoleAssignments,
    /// Assigns a role in a Synapse workspace.
    AssignRole,
    /// Revokes a role in a Synapse workspace.
    RevokeRole,
    /// A page of the subscriptions that the identity may read.
    Subscriptions,
    /// A page of a subscription's Machine Learning workspaces.
    Workspaces,
    /// A page of a subscription's Synapse workspaces.
    SynapseWorkspaces,
    /// A page of a Synapse workspace's Spark pools.
    Pools,
    /// A page of a workspace's linked services.
    LinkedServices,
    /// A page of a workspace's datastores.
    Datastores,
    /// A storage account.
    StorageAccount,
    /// A page of the role assignments of Azure on a scope.
    AzureRoleAssignments,
    /// A role of Azure.
    RoleDefinition,
    /// A Synapse workspace.
    SynapseWorkspace,
    /// A page of a Synapse workspace's firewall rules.
    FirewallRules,
    /// A page of a Synapse workspace's managed private endpoints.
    ManagedPrivateEndpoints,
    /// Asks where the files of a code version are uploaded to.
    StartUpload,
    /// Creates a code version.
    PutCode,
    /// Deletes a code version.
    DeleteCode,
    /// Submits a job.
    SubmitJob,
    /// One job.
    Job,
    /// Cancels a job.
    CancelJob,
    /// A job in the run history.
    Run,
}

impl Call {
    /// The requests of the operator. Only commands send the others, and they serve no metrics.
    pub(crate) const ALL: [Self; 22] = [
        Self::Workspace,
        Self::Compute,
        Self::Computes,
        Self::Operation,
        Self::Put,
        Self::Detach,
        Self::Pool,
        Self::UserIdentity,
        Self::ActivityLog,
        Self::LinkedService,
        Self::LinkedServices,
        Self::Jobs,
        Self::RoleAssignments,
        Self::AssignRole,
        Self::RevokeRole,
        Self::Datastores,
        Self::StorageAccount,
        Self::AzureRoleAssignments,
        Self::RoleDefinition,
        Self::SynapseWorkspace,
        Self::FirewallRules,
        Self::ManagedPrivateEndpoints,
    ];

    /// The value in metrics and logs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Compute => "compute",
            Self::Computes => "computes",
            Self::Operation => "operation",
            Self::Put => "put",
            Self::Detach => "detach",
            Self::Pool => "pool",
            Self::UserIdentity => "user_identity",
            Self::ActivityLog => "activity_log",
            Self::LinkedService => "linked_service",
            Self::Jobs => "jobs",
            Self::RoleAssignments => "role_assignments",
            Self::AssignRole => "assign_role",
            Self::RevokeRole => "revoke_role",
            Self::Subscriptions => "subscriptions",
            Self::Workspaces => "workspaces",
            Self::SynapseWorkspaces => "synapse_workspaces",
            Self::Pools => "pools",
            Self::LinkedServices => "linked_services",
            Self::Datastores => "datastores",
            Self::StorageAccount => "storage_account",
            Self::AzureRoleAssignments => "azure_role_assignments",
            Self::RoleDefinition => "role_definition",
            Self::SynapseWorkspace => "synapse_workspace",
            Self::FirewallRules => "firewall_rules",
            Self::ManagedPrivateEndpoints => "managed_private_endpoints",
            Self::StartUpload => "start_upload",
            Self::PutCode => "put_code",
            Self::DeleteCode => "delete_code",
            Self::SubmitJob => "submit_job",
            Self::Job => "job",
            Self::CancelJob => "cancel_job",
            Self::Run => "run",
        }
    }

    pub(crate) const fn method(self) -> Method {
        match (self, self.kind()) {
            (Self::StartUpload | Self::CancelJob, _) => Method::Post,
            (_, Kind::Read) => Method::Get,
            (_, Kind::Write) => Method::Put,
            (_, Kind::Delete) => Method::Delete,
        }
    }

    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Workspace
            | Self::Compute
            | Self::Computes
            | Self::Operation
            | Self::Pool
            | Self::UserIdentity
            | Self::ActivityLog
            | Self::LinkedService
            | Self::Jobs
            | Self::RoleAssignments
            | Self::Subscriptions
            | Self::Workspaces
            | Self::SynapseWorkspaces
            | Self::Pools
            | Self::LinkedServices
            | Self::Datastores
            | Self::StorageAccount
            | Self::AzureRoleAssignments
            | Self::RoleDefinition
            | Self::SynapseWorkspace
            | Self::FirewallRules
            | Self::ManagedPrivateEndpoints
            | Self::Job
            | Self::Run => Kind::Read,
            Self::Put | Self::AssignRole | Self::StartUpload | Self::PutCode | Self::SubmitJob | Self::CancelJob => Kind::Write,
            Self::Detach | Self::RevokeRole | Self::DeleteCode => Kind::Delete,
        }
    }
}
