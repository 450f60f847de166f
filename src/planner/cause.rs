//! Why a decision was taken: reason, message and conditions follow from it.
//!
//! Longer than other files: each cause, its health and its reason belong together.

use jiff::Timestamp;

use crate::api::Reason;
use crate::api::v1alpha1::OperationKind;
use crate::planner::active_jobs::Jobs;
use crate::planner::compute::Unreadable;
use crate::planner::finding::Fault;
use crate::planner::queue::Queued;
use crate::planner::recipient::Recipient;
use crate::planner::roles::goal::RoleAssignment;
use crate::planner::write::{NoEffect, Write};
use crate::resource_id::PoolId;
use crate::service_error::ServiceError;

/// Why a decision was taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// Azure shows the desired state.
    Attached,
    /// `spec.suspend`: nothing is written to Azure.
    Suspended(Suspension),
    /// The finalizer has to be on the object before anything is written to Azure.
    AddingFinalizer,
    /// Azure attaches the compute.
    Attaching,
    /// A compute without an owner is being adopted.
    Adopting,
    /// A compute that its former owner handed over to this object is being adopted.
    AdoptingTransferred,
    /// Azure updates the compute in place.
    Updating,
    /// The compute is in sync; a user requests to send it again.
    Resending,
    /// The compute is attached to another pool: it is detached, then attached to the pool of the spec.
    Replacing,
    /// A 404 of the compute is not yet certain enough to create it again.
    ConfirmingAbsence,
    /// Many computes of the workspace are missing at once, including this one: none is attached again automatically.
    SafetyStop,
    /// A write was sent without an answer, and may still be carried out.
    AwaitingWrite,
    /// The jobs on the compute have to be read before it is detached.
    ReadingJobs,
    /// The compute is to be detached when these jobs have ended.
    WaitingForJobs(Jobs),
    /// The compute is to be detached when its jobs have ended, and they cannot be read.
    JobsUnreadable(Fault),
    /// The compute is being detached, or will be once its role assignments are revoked.
    Detaching(Orphaned),
    /// A 404 of the compute is not yet certain enough to release the object.
    ConfirmingDetached,
    /// The compute is gone, and the object may be released.
    Detached(Orphaned),
    /// The compute stays in Azure, since it is not ours or is to be retained, and the object may be released.
    Retained,
    /// The compute is being handed over to another object.
    Transferring(Recipient),
    /// The compute was handed over to another object, with the role assignments that this object created.
    Transferred {
        /// That object.
        to: Recipient,
        /// The commands that revoke those role assignments by hand.
        roles: Vec<String>,
    },
    /// The compute is in sync; a role is being assigned.
    AssigningRole(RoleAssignment),
    /// The compute is in sync; a role that is no longer wanted is being revoked.
    RevokingRole(RoleAssignment),
    /// The compute is in sync; Azure does not show yet which principal needs the role.
    AwaitingPrincipal,
    /// A role that is no longer wanted could not be revoked, and is no longer tracked.
    RoleAbandoned {
        /// The assignment.
        assignment: RoleAssignment,
        /// The command that revokes it by hand; none if it never existed.
        command: Option<String>,
    },
    /// The next request waits until Azure's limits allow it.
    Queued(Queued),
    /// The observation had no usable answer.
    ReadFailed(Fault),
    /// Azure did not accept a write.
    WriteFailed {
        /// The write.
        write: Write,
        /// Why.
        fault: Fault,
    },
    /// A compute of that name exists, and is of another type.
    ComputeTypeMismatch(String),
    /// A compute of that name exists without an owner, attached to this pool, and may not be adopted.
    AdoptionNotAllowed(PoolId),
    /// The compute is attached to another pool, this one, and may not be replaced.
    PoolMismatch(PoolId),
    /// The compute belongs to another object or cluster, as its owner tag spells it.
    OwnedByAnother(String),
    /// An older object claims the same compute.
    Duplicate(String),
    /// Azure accepted the attach, and the attach failed.
    AttachFailed(Option<ServiceError>),
    /// Azure accepted the update, and the update failed.
    UpdateFailed(Option<ServiceError>),
    /// Azure accepted the detach, and the detach failed.
    DetachFailed(Option<ServiceError>),
    /// Azure accepted a change but does not show it.
    DriftPersists,
    /// Azure accepted a write, reported no error, and shows no effect of it.
    NoEffect(NoEffect),
    /// Azure has been working on a write of ours for too long.
    OperationStuck {
        /// The write.
        kind: OperationKind,
        /// Azure's name of the operation's state.
        state: String,
        /// When it was sent.
        since: Timestamp,
    },
    /// Azure shows something that cannot be parsed.
    StateUnreadable(Unreadable),
    /// The workspace has no linked service of that name.
    LinkedServiceNotFound {
        /// The name.
        name: String,
        /// The linked services that exist.
        others: Vec<String>,
    },
    /// The linked service leads to something that is not a Synapse workspace.
    LinkedServiceUnusable {
        /// The name.
        name: String,
        /// What it leads to.
        resource_id: String,
    },
    /// The Spark pool does not exist.
    PoolNotFound(PoolId),
    /// The Spark pool exists, and no job can run on it.
    PoolFailed {
        /// The pool.
        pool: PoolId,
        /// Azure's name of its state.
        state: String,
    },
    /// The spec is invalid: the field, and why.
    InvalidSpec(String),
    /// The reconcile was aborted by a bug in the operator.
    InternalError(String),
}

/// The commands that revoke by hand the role assignments that may stay in Synapse when the object is gone.
pub type Orphaned = Vec<String>;

/// What is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspension {
    /// Nothing: the compute and its dependencies are in sync.
    InSync,
    /// The attach of a compute that does not exist.
    Attach,
    /// The adoption of a compute that has no owner.
    Adoption,
    /// The correction of a compute that differs from the spec.
    Update,
    /// The hand-over of the compute to another object.
    Transfer,
    /// The change of role assignments.
    Roles,
    /// The detach of the compute of a deleted object.
    Detach,
}

/// The health of an attachment, in the terms of kstatus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Current: Azure shows the desired state.
    Ready,
    /// In progress.
    Progressing,
    /// Failed: it needs a change elsewhere.
    Stalled,
    /// Neither: it is suspended.
    Halted,
    /// Azure gives no answer now: what was true before still counts for a while.
    Unanswered,
}

impl Cause {
    /// Whether the compute was observed to be absent, and this has to be confirmed before it has consequences.
    #[must_use]
    pub const fn confirms_absence(&self) -> bool {
        matches!(self, Self::ConfirmingAbsence | Self::ConfirmingDetached | Self::NoEffect(NoEffect::DetachNotFound))
    }

    /// Whether a write that had no effect is only waiting to be sent again.
    #[must_use]
    pub const fn awaits_retry(&self) -> bool {
        matches!(
            self,
            Self::AttachFailed(_)
                | Self::UpdateFailed(_)
                | Self::DetachFailed(_)
                | Self::DriftPersists
                | Self::NoEffect(_)
                | Self::OperationStuck { .. }
        )
    }

    /// The health of the attachment.
    #[must_use]
    // Longer than other functions: a table with one row per cause.
    pub const fn health(&self) -> Health {
        match self {
            Self::Attached | Self::Suspended(Suspension::InSync) => Health::Ready,
            Self::Suspended(_) | Self::Transferred { .. } => Health::Halted,
            Self::Queued(queued) if !queued.is_write => Health::Unanswered,
            Self::ReadFailed(fault) if !fault.kind.is_answer() => Health::Unanswered,
            Self::WriteFailed { fault, .. } | Self::JobsUnreadable(fault) if !fault.kind.is_answer() => Health::Progressing,
            Self::Queued(_)
            | Self::AddingFinalizer
            | Self::Attaching
            | Self::Adopting
            | Self::AdoptingTransferred
            | Self::Updating
            | Self::Resending
            | Self::Replacing
            | Self::ConfirmingAbsence
            | Self::AwaitingWrite
            | Self::ReadingJobs
            | Self::WaitingForJobs(_)
            | Self::Detaching(_)
            | Self::ConfirmingDetached
            | Self::Detached(_)
            | Self::Retained
            | Self::Transferring(_)
            | Self::AssigningRole(_)
            | Self::RevokingRole(_)
            | Self::AwaitingPrincipal
            | Self::RoleAbandoned { .. } => Health::Progressing,
            Self::ReadFailed(_)
            | Self::WriteFailed { .. }
            | Self::JobsUnreadable(_)
            | Self::SafetyStop
            | Self::ComputeTypeMismatch(_)
            | Self::AdoptionNotAllowed(_)
            | Self::PoolMismatch(_)
            | Self::OwnedByAnother(_)
            | Self::Duplicate(_)
            | Self::AttachFailed(_)
            | Self::UpdateFailed(_)
            | Self::DetachFailed(_)
            | Self::DriftPersists
            | Self::NoEffect(_)
            | Self::OperationStuck { .. }
            | Self::StateUnreadable(_)
            | Self::LinkedServiceNotFound { .. }
            | Self::LinkedServiceUnusable { .. }
            | Self::PoolNotFound(_)
            | Self::PoolFailed { .. }
            | Self::InvalidSpec(_)
            | Self::InternalError(_) => Health::Stalled,
        }
    }

    /// The reason of the conditions and events.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Attached => Reason::Attached,
            Self::Suspended(_) => Reason::Suspended,
            Self::AddingFinalizer => Reason::AddingFinalizer,
            Self::Attaching | Self::ConfirmingAbsence => Reason::Attaching,
            Self::Adopting | Self::AdoptingTransferred => Reason::Adopting,
            Self::Updating | Self::Resending => Reason::Updating,
            Self::Replacing => Reason::Replacing,
            Self::SafetyStop => Reason::SafetyStop,
            Self::AwaitingWrite => Reason::WaitingForWrite,
            Self::ReadingJobs | Self::WaitingForJobs(_) => Reason::WaitingForJobs,
            Self::JobsUnreadable(_) => Reason::JobsUnreadable,
            Self::Detaching(_) | Self::ConfirmingDetached => Reason::Detaching,
            Self::Detached(_) => Reason::Detached,
            Self::Retained => Reason::Retained,
            Self::Transferring(_) => Reason::Transferring,
            Self::Transferred { .. } => Reason::Transferred,
            Self::AssigningRole(_) | Self::AwaitingPrincipal => Reason::AssigningRole,
            Self::RevokingRole(_) | Self::RoleAbandoned { .. } => Reason::RevokingRole,
            Self::Queued(_) => Reason::Queued,
            Self::ReadFailed(fault) => fault.kind.reason(),
            Self::WriteFailed { write, fault } => write.refusal(fault.kind),
            Self::ComputeTypeMismatch(_) => Reason::ComputeTypeMismatch,
            Self::AdoptionNotAllowed(_) => Reason::AdoptionNotAllowed,
            Self::PoolMismatch(_) => Reason::PoolMismatch,
            Self::OwnedByAnother(_) => Reason::OwnedByAnother,
            Self::Duplicate(_) => Reason::Duplicate,
            Self::AttachFailed(_) => Reason::AttachFailed,
            Self::UpdateFailed(_) => Reason::UpdateFailed,
            Self::DetachFailed(_) => Reason::DetachFailed,
            Self::DriftPersists => Reason::DriftPersists,
            Self::NoEffect(_) => Reason::NoEffect,
            Self::OperationStuck { .. } => Reason::OperationStuck,
            Self::StateUnreadable(_) => Reason::StateUnreadable,
            Self::LinkedServiceNotFound { .. } | Self::LinkedServiceUnusable { .. } => Reason::LinkedServiceNotFound,
            Self::PoolNotFound(_) => Reason::PoolNotFound,
            Self::PoolFailed { .. } => Reason::PoolFailed,
            Self::InvalidSpec(_) => Reason::InvalidSpec,
            Self::InternalError(_) => Reason::InternalError,
        }
    }

    /// Azure's error, if the cause has one.
    #[must_use]
    pub const fn error(&self) -> Option<&ServiceError> {
        match self {
            Self::ReadFailed(fault) | Self::WriteFailed { fault, .. } | Self::JobsUnreadable(fault) => Some(&fault.error),
            Self::AttachFailed(error) | Self::UpdateFailed(error) | Self::DetachFailed(error) => error.as_ref(),
            _ => None,
        }
    }

    /// Whether everything is in sync: the compute and its dependencies.
    #[must_use]
    pub const fn is_in_sync(&self) -> bool {
        matches!(self.health(), Health::Ready)
    }

    /// The commands that revoke orphaned role assignments by hand.
    #[must_use]
    pub fn orphaned(&self) -> &[String] {
        match self {
            Self::Detaching(orphaned) | Self::Detached(orphaned) => orphaned,
            Self::RoleAbandoned { command: Some(command), .. } => std::slice::from_ref(command),
            _ => &[],
        }
    }
}
