//! What Azure is asked for: the one enum from which method, token bucket and metric label follow.

use azure_core::http::Method;

use crate::azure::budget::Kind;

/// A kind of call to Azure Resource Manager.
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
    pub(crate) const ALL: [Self; 6] = [Self::Workspace, Self::Compute, Self::Computes, Self::Operation, Self::Put, Self::Detach];

    /// The word for metrics and logs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Compute => "compute",
            Self::Computes => "computes",
            Self::Operation => "operation",
            Self::Put => "put",
            Self::Detach => "detach",
            Self::Subscriptions => "subscriptions",
            Self::Workspaces => "workspaces",
            Self::SynapseWorkspaces => "synapse workspaces",
            Self::Pools => "pools",
            Self::Links => "linked services",
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
            Self::Put => Kind::Write,
            Self::Detach => Kind::Delete,
            Self::Workspace | Self::Compute | Self::Computes | Self::Operation => Kind::Read,
            Self::Subscriptions | Self::Workspaces | Self::SynapseWorkspaces | Self::Pools | Self::Links => Kind::Read,
        }
    }
}
