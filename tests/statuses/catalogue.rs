//! What must come out, stated without asking the code: each reason with its conditions, and the verdict of each tool.

use synapse_spark_operator::api::Reason;

/// The goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// The pool is to be attached.
    Attached,
    /// The pool is to be attached, and `spec.suspend` is true.
    Suspended,
    /// The object is being deleted.
    Deleted,
}

impl Wish {
    /// In the order of the columns of [`CATALOGUE`].
    pub const ALL: [Self; 3] = [Self::Attached, Self::Suspended, Self::Deleted];
}

/// The combined state of the three conditions of kstatus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// Ready=True.
    Ready,
    /// Ready=False, Reconciling=True.
    Reconciling,
    /// Ready=False, Stalled=True.
    Stalled,
    /// Ready=False, and neither of the others.
    NotReady,
    /// Ready=Unknown, Reconciling=True.
    Unknown,
}

use Shown::{NotReady, Ready, Reconciling, Stalled, Unknown};

/// A reason, and the states of the conditions with it while the object is to be attached, is suspended, and is being deleted.
type Row = (Reason, &'static [Shown], &'static [Shown], &'static [Shown]);

/// Every reason. The first table has those of Ready; the second those of other conditions and of events.
#[rustfmt::skip]
pub const CATALOGUE: [Row; Reason::ALL.len()] = [
    // reason                        attached                         suspended                        deleted
    (Reason::Attached,               &[Ready],                        &[],                             &[]),
    (Reason::AddingFinalizer,        &[Reconciling],                  &[],                             &[]),
    (Reason::Attaching,              &[Reconciling],                  &[Reconciling],                  &[]),
    (Reason::Adopting,               &[Reconciling],                  &[Reconciling],                  &[]),
    (Reason::Updating,               &[Reconciling],                  &[Reconciling],                  &[]),
    (Reason::Replacing,              &[Reconciling],                  &[Reconciling],                  &[]),
    (Reason::WaitingForWrite,        &[Reconciling],                  &[Reconciling],                  &[Reconciling]),
    (Reason::WaitingForJobs,         &[Reconciling],                  &[],                             &[Reconciling]),
    (Reason::JobsUnreadable,         &[Reconciling, Stalled],         &[],                             &[Reconciling, Stalled]),
    (Reason::Detaching,              &[],                             &[],                             &[Reconciling]),
    (Reason::Detached,               &[],                             &[],                             &[Reconciling]),
    (Reason::Retained,               &[],                             &[],                             &[Reconciling]),
    (Reason::Transferring,           &[Reconciling],                  &[Reconciling],                  &[Reconciling]),
    (Reason::Transferred,            &[NotReady],                     &[NotReady],                     &[NotReady]),
    (Reason::AssigningRole,          &[Reconciling],                  &[],                             &[]),
    (Reason::RevokingRole,           &[Reconciling],                  &[],                             &[]),
    (Reason::Suspended,              &[],                             &[Ready, NotReady],              &[NotReady]),
    (Reason::Queued,                 &[Ready, Reconciling, Unknown],  &[Ready, Reconciling, Unknown],  &[Reconciling]),
    (Reason::Throttled,              &[Ready, Reconciling, Unknown],  &[Ready, Reconciling, Unknown],  &[Reconciling]),
    (Reason::AzureUnavailable,       &[Ready, Reconciling, Unknown],  &[Ready, Reconciling, Unknown],  &[Reconciling]),
    (Reason::Conflict,               &[Ready, Reconciling, Unknown],  &[Ready, Reconciling, Unknown],  &[Reconciling]),
    (Reason::ComputeTypeMismatch,    &[Stalled],                      &[Stalled],                      &[]),
    (Reason::AdoptionNotAllowed,     &[Stalled],                      &[Stalled],                      &[]),
    (Reason::PoolMismatch,           &[Stalled],                      &[Stalled],                      &[]),
    (Reason::OwnedByAnother,         &[Stalled],                      &[Stalled],                      &[]),
    (Reason::Duplicate,              &[Stalled],                      &[Stalled],                      &[]),
    (Reason::AttachFailed,           &[Stalled],                      &[],                             &[]),
    (Reason::UpdateFailed,           &[Stalled],                      &[],                             &[Stalled]),
    (Reason::DetachFailed,           &[Stalled],                      &[],                             &[Stalled]),
    (Reason::DriftPersists,          &[Stalled],                      &[],                             &[Stalled]),
    (Reason::NoEffect,               &[Stalled],                      &[],                             &[Stalled]),
    (Reason::OperationStuck,         &[Stalled],                      &[],                             &[Stalled]),
    (Reason::StateUnreadable,        &[Stalled],                      &[Stalled],                      &[Stalled]),
    (Reason::SafetyStop,             &[Stalled],                      &[Stalled],                      &[]),
    (Reason::AuthenticationFailed,   &[Stalled],                      &[Stalled],                      &[Stalled]),
    (Reason::AuthorizationFailed,    &[Stalled],                      &[Stalled],                      &[Stalled]),
    (Reason::PolicyDenied,            &[Stalled],                      &[Stalled],                      &[Stalled]),
    (Reason::ResourceLocked,          &[Stalled],                      &[Stalled],                      &[Stalled]),
    (Reason::SubscriptionUnavailable, &[Stalled],                      &[Stalled],                      &[Stalled]),
    (Reason::NetworkDenied,          &[Ready, Reconciling, Stalled, Unknown], &[Ready, Reconciling, Stalled, Unknown], &[Reconciling, Stalled]),
    (Reason::CertificateNotTrusted,  &[Ready, Reconciling, Unknown],  &[Ready, Reconciling, Unknown],  &[Reconciling]),
    (Reason::ProviderNotRegistered,   &[Stalled],                      &[Stalled],                      &[Stalled]),
    (Reason::QuotaExceeded,           &[Stalled],                      &[Stalled],                      &[Stalled]),
    (Reason::DependencyFailed,        &[Stalled],                      &[Stalled],                      &[Stalled]),
    (Reason::UpdateNotSupported,      &[Stalled],                      &[Stalled],                      &[Stalled]),
    (Reason::IdentityNotFound,        &[Stalled],                      &[Stalled],                      &[Stalled]),
    (Reason::RequestRejected,        &[Stalled],                      &[Stalled],                      &[Stalled]),
    (Reason::WorkspaceNotFound,      &[Stalled],                      &[Stalled],                      &[Stalled]),
    (Reason::LinkedServiceNotFound,  &[Stalled],                      &[Stalled],                      &[]),
    (Reason::PoolNotFound,           &[Stalled],                      &[Stalled],                      &[]),
    (Reason::PoolFailed,             &[Stalled],                      &[Stalled],                      &[]),
    (Reason::RoleAssignmentForbidden, &[Stalled],                     &[],                             &[Stalled]),
    (Reason::InvalidSpec,            &[Stalled],                      &[Stalled],                      &[]),
    (Reason::InternalError,          &[Stalled],                      &[Stalled],                      &[Stalled]),
    // Ready never has these: they belong to other conditions and to events.
    (Reason::RoleAssigned,           &[],                             &[],                             &[]),
    (Reason::RoleAssignmentOrphaned, &[],                             &[],                             &[]),
    (Reason::DeletionGuardTimedOut,  &[],                             &[],                             &[]),
    (Reason::PoolAvailable,          &[],                             &[],                             &[]),
    (Reason::SparkVersionEnding,     &[],                             &[],                             &[]),
    (Reason::SparkVersionUnsupported, &[],                            &[],                             &[]),
    (Reason::PoolUnreadable,         &[],                             &[],                             &[]),
    (Reason::JobChecksPassed,        &[],                             &[],                             &[]),
    (Reason::JobChecksFailed,        &[],                             &[],                             &[]),
    (Reason::JobChecksUnreadable,    &[],                             &[],                             &[]),
    (Reason::JobChecksPending,       &[],                             &[],                             &[]),
    (Reason::PoolChanged,            &[],                             &[],                             &[]),
    (Reason::ComputeChanged,         &[],                             &[],                             &[]),
    (Reason::OutputsWritten,         &[],                             &[],                             &[]),
    (Reason::OutputsPending,         &[],                             &[],                             &[]),
    (Reason::OutputsConflict,        &[],                             &[],                             &[]),
    (Reason::OutputsForbidden,       &[],                             &[],                             &[]),
    (Reason::OutputsFailed,          &[],                             &[],                             &[]),
];

/// The possible statuses and reasons of the condition `RoleAssigned`.
pub const ROLE_ASSIGNED: [(&str, Reason); 19] = [
    ("True", Reason::RoleAssigned),
    ("False", Reason::AssigningRole),
    ("False", Reason::RoleAssignmentForbidden),
    ("False", Reason::RequestRejected),
    ("False", Reason::AzureUnavailable),
    ("False", Reason::Conflict),
    ("False", Reason::Throttled),
    ("False", Reason::AuthenticationFailed),
    ("False", Reason::WorkspaceNotFound),
    ("False", Reason::NetworkDenied),
    ("False", Reason::CertificateNotTrusted),
    ("False", Reason::PolicyDenied),
    ("False", Reason::ResourceLocked),
    ("False", Reason::SubscriptionUnavailable),
    ("False", Reason::ProviderNotRegistered),
    ("False", Reason::QuotaExceeded),
    ("False", Reason::DependencyFailed),
    ("False", Reason::UpdateNotSupported),
    ("False", Reason::IdentityNotFound),
];

/// The possible statuses and reasons of the condition `PoolAvailable`.
pub const POOL_AVAILABLE: [(&str, Reason); 6] = [
    ("True", Reason::PoolAvailable),
    ("True", Reason::SparkVersionEnding),
    ("True", Reason::SparkVersionUnsupported),
    ("False", Reason::PoolNotFound),
    ("False", Reason::PoolFailed),
    ("Unknown", Reason::PoolUnreadable),
];

/// The possible statuses and reasons of the condition `JobsReady`.
pub const JOBS_READY: [(&str, Reason); 4] = [
    ("True", Reason::JobChecksPassed),
    ("False", Reason::JobChecksFailed),
    ("Unknown", Reason::JobChecksUnreadable),
    ("Unknown", Reason::JobChecksPending),
];

/// The possible statuses and reasons of the condition `OutputsWritten`.
pub const OUTPUTS_WRITTEN: [(&str, Reason); 6] = [
    ("True", Reason::OutputsWritten),
    ("False", Reason::OutputsPending),
    ("False", Reason::OutputsConflict),
    ("False", Reason::OutputsForbidden),
    ("False", Reason::OutputsFailed),
    ("Unknown", Reason::OutputsPending),
];

/// The health that Argo CD shows, and the status that kstatus computes.
pub const fn verdict(wish: Wish, shown: Shown) -> (&'static str, &'static str) {
    match (wish, shown) {
        (Wish::Deleted, _) => ("Progressing", "Terminating"),
        (_, Reconciling | Unknown) => ("Progressing", "InProgress"),
        (_, Stalled) => ("Degraded", "Failed"),
        (Wish::Suspended, Ready) => ("Suspended", "Current"),
        // The operator changes nothing, and the compute is not in sync: kstatus has no state for that.
        (_, NotReady) => ("Suspended", "InProgress"),
        (Wish::Attached, Ready) => ("Healthy", "Current"),
    }
}
