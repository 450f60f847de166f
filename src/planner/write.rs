//! The kinds of write to Azure, and their outcomes.

use crate::api::Reason;
use crate::api::v1alpha1::FailedStep;
use crate::planner::finding::{Fault, FaultKind};
use crate::planner::roles::goal::RoleAssignment;

/// A kind of write to Azure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// PUT of the compute.
    Put,
    /// DELETE of the compute.
    Detach,
    /// PUT of a role assignment.
    AssignRole(RoleAssignment),
    /// DELETE of a role assignment.
    RevokeRole(RoleAssignment),
}

impl Write {
    /// How the status names it.
    #[must_use]
    pub const fn failed_step(&self) -> FailedStep {
        match self {
            Self::Put => FailedStep::Put,
            Self::Detach => FailedStep::Detach,
            Self::AssignRole(_) => FailedStep::AssignRole,
            Self::RevokeRole(_) => FailedStep::RevokeRole,
        }
    }

    /// The reason of the conditions and events if it ended with this fault.
    #[must_use]
    pub const fn refusal(&self, kind: FaultKind) -> Reason {
        match (self, kind) {
            (Self::AssignRole(_) | Self::RevokeRole(_), FaultKind::Forbidden) => Reason::RoleAssignmentForbidden,
            _ => kind.reason(),
        }
    }
}

/// The outcome of the write of a decision.
#[derive(Debug, Clone, PartialEq)]
pub enum WriteResult {
    /// It is about to be sent: the write intent.
    Intent,
    /// Azure accepted it. A compute's write has an operation, by its path and query.
    Accepted(Option<String>),
    /// Synapse answered that the role assignment exists already.
    AlreadyExists,
    /// There is no compute of that name to detach, by the answer to the DELETE.
    NotFound,
    /// Azure did not accept it, or gave no answer.
    Failed(Fault),
    /// It was not sent, since something that it needs was not available in time: an access token, or the region.
    NotSent(Fault),
}

impl WriteResult {
    /// Whether Azure certainly did not carry it out, and will not.
    #[must_use]
    pub const fn is_certainly_not_carried_out(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::NotFound => true,
            Self::Failed(fault) => fault.kind.is_conclusive(),
            Self::Intent | Self::Accepted(_) | Self::AlreadyExists => false,
        }
    }
}

/// The effect that Azure does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoEffect {
    /// An attach ended, and the compute does not exist.
    Attach,
    /// A detach ended, and the compute exists.
    Detach,
    /// A detach is answered with 404, again and again, and reads show the compute.
    DetachNotFound,
}
