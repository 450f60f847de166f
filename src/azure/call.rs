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
}

impl Call {
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
            Self::Workspace | Self::Compute | Self::Computes | Self::Operation => Kind::Read,
            Self::Put => Kind::Write,
            Self::Detach => Kind::Delete,
        }
    }
}
