//! The kinds of write to Azure.

use crate::api::v1alpha1::FailedStep;
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
}
