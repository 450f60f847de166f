//! What Azure is asked for: the one enum from which method, token bucket and metric label follow.

use azure_core::http::Method;

use crate::azure::throttle::Kind;

/// A kind of call to Azure Resource Manager, or to the data plane of Synapse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// A workspace, for its region.
    Workspace,
    /// One compute.
    Compute,
    /// A page of a workspace's computes.
    Computes,
    /// What came of an operation.
    Operation,
    /// Puts a compute there: attach, adopt, update.
    Put,
    /// Detaches a compute.
    Detach,
    /// A Spark pool of Synapse.
    Pool,
    /// A linked service of a workspace.
    LinkedService,
    /// Who holds a role in a Synapse workspace.
    RoleAssignments,
    /// Grants a role in a Synapse workspace.
    Grant,
    /// Takes back a role in a Synapse workspace.
    Revoke,
    /// A page of the subscriptions that one may see.
    Subscriptions,
    /// A page of a subscription's Machine Learning workspaces.
    Workspaces,
    /// A page of a subscription's Synapse workspaces.
    SynapseWorkspaces,
    /// A page of a Synapse workspace's Spark pools.
    Pools,
    /// A page of a workspace's linked services.
    Links,
}

impl Call {
    /// What the operator asks for. The other lists are asked for by commands, which serve no metrics.
    pub(crate) const ALL: [Self; 11] = [
        Self::Workspace,
        Self::Compute,
        Self::Operation,
        Self::Put,
        Self::Detach,
        Self::Pool,
        Self::LinkedService,
        Self::Links,
        Self::RoleAssignments,
        Self::Grant,
        Self::Revoke,
    ];

    /// The word for metrics and logs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Compute => "compute",
            Self::Computes => "computes",
            Self::Operation => "operation",
            Self::Put => "put",
            Self::Detach => "detach",
            Self::Pool => "pool",
            Self::LinkedService => "linked_service",
            Self::RoleAssignments => "role_assignments",
            Self::Grant => "grant",
            Self::Revoke => "revoke",
            Self::Subscriptions => "subscriptions",
            Self::Workspaces => "workspaces",
            Self::SynapseWorkspaces => "synapse_workspaces",
            Self::Pools => "pools",
            Self::Links => "linked_services",
        }
    }

    pub(crate) const fn method(self) -> Method {
        match self.kind() {
            Kind::Read => Method::Get,
            Kind::Write => Method::Put,
            Kind::Delete => Method::Delete,
        }
    }

    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Workspace
            | Self::Compute
            | Self::Computes
            | Self::Operation
            | Self::Pool
            | Self::LinkedService
            | Self::RoleAssignments
            | Self::Subscriptions
            | Self::Workspaces
            | Self::SynapseWorkspaces
            | Self::Pools
            | Self::Links => Kind::Read,
            Self::Put | Self::Grant => Kind::Write,
            Self::Detach | Self::Revoke => Kind::Delete,
        }
    }
}
