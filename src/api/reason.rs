//! The catalogue of reasons: one enum for conditions, events, metrics and documents.
//!
//! Alerts and GitOps tools match on these names. After the first release a
//! reason may get a better text, but never another meaning.

mod advice;

/// Why an attachment is in its state: the `reason` of its conditions and events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Azure shows the attachment as the spec describes it.
    Attached,
    /// The operator adds its finalizer to the object before it writes to Azure for the first time.
    AddingFinalizer,
    /// Azure is attaching the Spark pool.
    Attaching,
    /// The operator is adopting a compute that already exists and has no owner.
    Adopting,
    /// Azure is updating identity, tags or description of the compute in place.
    Updating,
    /// The compute is attached to another pool; the operator detaches it and then attaches the pool in the spec.
    Replacing,
    /// Azure is detaching the compute.
    Detaching,
    /// The compute is gone; the operator removes its finalizer.
    Detached,
    /// The compute stays in Azure, because of `spec.deletionPolicy` or an annotation, or because it does not belong to the
    /// object; the operator removes its finalizer.
    Retained,
    /// The operator hands the compute over to the object that the annotation `synapse-spark.dev/transfer-to` names: it changes
    /// the owner tag of the compute, and nothing else.
    Transferring,
    /// The object has handed its compute over to the one that its annotation names: it manages no compute any longer, and the
    /// operator writes nothing to Azure for it.
    Transferred,
    /// The answer to an earlier write to Azure was lost; the operator waits until Azure shows the effect of that write, or until
    /// the write can no longer take effect.
    WaitingForWrite,
    /// `spec.deletionGuard` is `WhenIdle`, and jobs of Azure Machine Learning that use the compute have not ended; the operator
    /// detaches the compute when they have, or when `spec.deletionGuardTimeout` has passed.
    WaitingForJobs,
    /// `spec.deletionGuard` is `WhenIdle`, and the operator cannot read the jobs of the workspace; it detaches the compute when
    /// `spec.deletionGuardTimeout` has passed.
    JobsUnreadable,
    /// `spec.suspend` is true: the operator observes and reports, and writes nothing to Azure.
    Suspended,
    /// Azure's limits do not allow the next request for this object yet; the operator sends it when its turn comes.
    Queued,
    /// Azure throttles requests (429); the operator waits as long as Azure requests.
    Throttled,
    /// Azure did not answer, or answered with a server error; the operator retries with backoff.
    AzureUnavailable,
    /// Another operation is in progress, or the state of the resource in Azure conflicts with the request; the operator retries
    /// with backoff.
    Conflict,
    /// A compute with this name exists and is not an attached Synapse Spark pool.
    ComputeTypeMismatch,
    /// A compute with this name exists, has no owner, and `spec.adoptionPolicy` does not allow its adoption.
    AdoptionNotAllowed,
    /// The owner tag of the compute names another object or another cluster.
    OwnedByAnother,
    /// An older object claims the same compute.
    Duplicate,
    /// The compute is attached to another pool, and `spec.replacePolicy` does not allow its replacement.
    PoolMismatch,
    /// Azure accepted the attach and reported later that it failed.
    AttachFailed,
    /// Azure accepted an update of the attached compute and reported later that it failed.
    UpdateFailed,
    /// Azure accepted the detach and reported later that it failed.
    DetachFailed,
    /// Azure reported that the change succeeded, and still shows another state than the spec.
    DriftPersists,
    /// Azure accepted an attach or a detach, reported no error, and shows no effect of it.
    NoEffect,
    /// Azure has been working on an attach, update or detach for more than half an hour.
    OperationStuck,
    /// Azure shows the compute in a way that the operator cannot parse, so the operator changes nothing.
    StateUnreadable,
    /// Many computes of the workspace are missing at once; the operator does not re-attach them automatically.
    SafetyStop,
    /// The operator has no valid access token: Microsoft Entra ID issues none, the ServiceAccount cannot be used, or Azure
    /// answers 401.
    AuthenticationFailed,
    /// The identity that the operator uses lacks a permission in Azure.
    AuthorizationFailed,
    /// An Azure Policy assignment denies the request.
    PolicyDenied,
    /// A management lock in Azure prevents the change.
    ResourceLocked,
    /// The subscription does not exist, is disabled, or the operator's identity cannot see it.
    SubscriptionUnavailable,
    /// A firewall or a proxy blocks the operator's requests.
    NetworkDenied,
    /// The certificate of Azure, or of a proxy in front of it, is not signed by a CA that the operator trusts.
    CertificateNotTrusted,
    /// The subscription is not registered for the resource provider that the request needs.
    ProviderNotRegistered,
    /// A quota in Azure is exhausted.
    QuotaExceeded,
    /// Another resource in Azure that the request depends on has failed.
    DependencyFailed,
    /// Azure refuses to update an existing compute in place.
    UpdateNotSupported,
    /// A user-assigned identity of the spec does not exist.
    IdentityNotFound,
    /// Azure rejected the request as invalid (another 4xx).
    RequestRejected,
    /// The Azure Machine Learning workspace or its resource group does not exist, or the identity cannot see it.
    WorkspaceNotFound,
    /// The Azure Machine Learning workspace has no linked service with this name that points to a Synapse workspace.
    LinkedServiceNotFound,
    /// The Spark pool does not exist.
    PoolNotFound,
    /// The Spark pool has failed or is being deleted.
    PoolFailed,
    /// The operator is assigning the role of `spec.synapseRole` in the Synapse workspace.
    AssigningRole,
    /// The operator is deleting a role assignment that it created and that the spec no longer requests.
    RevokingRole,
    /// The operator may not create or delete role assignments in the Synapse workspace.
    RoleAssignmentForbidden,
    /// The spec or an annotation is invalid in a way that the API server does not detect.
    InvalidSpec,
    /// A bug in the operator ended the reconcile of this object.
    InternalError,
    /// Condition `RoleAssigned`: the identity holds the role.
    RoleAssigned,
    /// Event: the operator could not delete a role assignment that it created, and leaves it in the Synapse workspace.
    RoleAssignmentOrphaned,
    /// Event: `spec.deletionGuardTimeout` has passed, and the operator detaches the compute although jobs may still use it.
    DeletionGuardTimedOut,
    /// Condition `PoolAvailable`: the Spark pool exists and can be used.
    PoolAvailable,
    /// Condition `PoolAvailable`: the pool exists, and Microsoft's support for its version of Apache Spark ends soon.
    SparkVersionEnding,
    /// Condition `PoolAvailable`: the pool exists, and Azure no longer supports its version of Apache Spark.
    SparkVersionUnsupported,
    /// Condition `PoolAvailable`: the operator may not read the Spark pool, and continues without that information.
    PoolUnreadable,
    /// Condition `JobsReady`: no check for Spark jobs failed.
    JobChecksPassed,
    /// Condition `JobsReady`: something is missing that Spark jobs need.
    JobChecksFailed,
    /// Condition `JobsReady`: no check failed, but the operator cannot read all that the checks need.
    JobChecksUnreadable,
    /// Condition `JobsReady`: what was checked has changed, and has not been checked yet.
    JobChecksPending,
    /// Event: the Spark pool was resized, or has another version of Apache Spark.
    PoolChanged,
    /// Event: the caller that changed a compute which was in sync, according to Azure's Activity Log.
    ComputeChanged,
    /// Condition `OutputsWritten`: the ConfigMap of `spec.outputs` has the values.
    OutputsWritten,
    /// Condition `OutputsWritten`: the ConfigMap of `spec.outputs` is created when the compute is attached.
    OutputsPending,
    /// Condition `OutputsWritten`: a ConfigMap with the name in `spec.outputs` exists that the attachment has not created; the operator
    /// does not change it.
    OutputsConflict,
    /// Condition `OutputsWritten`: the operator may not read the ConfigMap of `spec.outputs`.
    OutputsForbidden,
    /// Condition `OutputsWritten`: Kubernetes refuses to create, change or delete the ConfigMap of `spec.outputs`.
    OutputsFailed,
}

impl Reason {
    /// Every reason, in the order of the documents.
    pub const ALL: [Self; 72] = [
        Self::Attached,
        Self::AddingFinalizer,
        Self::Attaching,
        Self::Adopting,
        Self::Updating,
        Self::Replacing,
        Self::Detaching,
        Self::Detached,
        Self::Retained,
        Self::Transferring,
        Self::Transferred,
        Self::WaitingForWrite,
        Self::WaitingForJobs,
        Self::JobsUnreadable,
        Self::Suspended,
        Self::Queued,
        Self::Throttled,
        Self::AzureUnavailable,
        Self::Conflict,
        Self::ComputeTypeMismatch,
        Self::AdoptionNotAllowed,
        Self::OwnedByAnother,
        Self::Duplicate,
        Self::PoolMismatch,
        Self::AttachFailed,
        Self::UpdateFailed,
        Self::DetachFailed,
        Self::DriftPersists,
        Self::NoEffect,
        Self::OperationStuck,
        Self::StateUnreadable,
        Self::SafetyStop,
        Self::AuthenticationFailed,
        Self::AuthorizationFailed,
        Self::PolicyDenied,
        Self::ResourceLocked,
        Self::SubscriptionUnavailable,
        Self::NetworkDenied,
        Self::CertificateNotTrusted,
        Self::ProviderNotRegistered,
        Self::QuotaExceeded,
        Self::DependencyFailed,
        Self::UpdateNotSupported,
        Self::IdentityNotFound,
        Self::RequestRejected,
        Self::WorkspaceNotFound,
        Self::LinkedServiceNotFound,
        Self::PoolNotFound,
        Self::PoolFailed,
        Self::AssigningRole,
        Self::RevokingRole,
        Self::RoleAssignmentForbidden,
        Self::InvalidSpec,
        Self::InternalError,
        Self::RoleAssigned,
        Self::RoleAssignmentOrphaned,
        Self::DeletionGuardTimedOut,
        Self::PoolAvailable,
        Self::SparkVersionEnding,
        Self::SparkVersionUnsupported,
        Self::PoolUnreadable,
        Self::JobChecksPassed,
        Self::JobChecksFailed,
        Self::JobChecksUnreadable,
        Self::JobChecksPending,
        Self::PoolChanged,
        Self::ComputeChanged,
        Self::OutputsWritten,
        Self::OutputsPending,
        Self::OutputsConflict,
        Self::OutputsForbidden,
        Self::OutputsFailed,
    ];

    /// The reason as Kubernetes shows it.
    #[must_use]
    // Longer than other functions: a table with one row per reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attached => "Attached",
            Self::AddingFinalizer => "AddingFinalizer",
            Self::Attaching => "Attaching",
            Self::Adopting => "Adopting",
            Self::Updating => "Updating",
            Self::Replacing => "Replacing",
            Self::Detaching => "Detaching",
            Self::Detached => "Detached",
            Self::Retained => "Retained",
            Self::Transferring => "Transferring",
            Self::Transferred => "Transferred",
            Self::WaitingForWrite => "WaitingForWrite",
            Self::WaitingForJobs => "WaitingForJobs",
            Self::JobsUnreadable => "JobsUnreadable",
            Self::Suspended => "Suspended",
            Self::Queued => "Queued",
            Self::Throttled => "Throttled",
            Self::AzureUnavailable => "AzureUnavailable",
            Self::Conflict => "Conflict",
            Self::ComputeTypeMismatch => "ComputeTypeMismatch",
            Self::AdoptionNotAllowed => "AdoptionNotAllowed",
            Self::OwnedByAnother => "OwnedByAnother",
            Self::Duplicate => "Duplicate",
            Self::PoolMismatch => "PoolMismatch",
            Self::AttachFailed => "AttachFailed",
            Self::UpdateFailed => "UpdateFailed",
            Self::DetachFailed => "DetachFailed",
            Self::DriftPersists => "DriftPersists",
            Self::NoEffect => "NoEffect",
            Self::OperationStuck => "OperationStuck",
            Self::StateUnreadable => "StateUnreadable",
            Self::SafetyStop => "SafetyStop",
            Self::AuthenticationFailed => "AuthenticationFailed",
            Self::AuthorizationFailed => "AuthorizationFailed",
            Self::PolicyDenied => "PolicyDenied",
            Self::ResourceLocked => "ResourceLocked",
            Self::SubscriptionUnavailable => "SubscriptionUnavailable",
            Self::NetworkDenied => "NetworkDenied",
            Self::CertificateNotTrusted => "CertificateNotTrusted",
            Self::ProviderNotRegistered => "ProviderNotRegistered",
            Self::QuotaExceeded => "QuotaExceeded",
            Self::DependencyFailed => "DependencyFailed",
            Self::UpdateNotSupported => "UpdateNotSupported",
            Self::IdentityNotFound => "IdentityNotFound",
            Self::RequestRejected => "RequestRejected",
            Self::WorkspaceNotFound => "WorkspaceNotFound",
            Self::LinkedServiceNotFound => "LinkedServiceNotFound",
            Self::PoolNotFound => "PoolNotFound",
            Self::PoolFailed => "PoolFailed",
            Self::AssigningRole => "AssigningRole",
            Self::RevokingRole => "RevokingRole",
            Self::RoleAssignmentForbidden => "RoleAssignmentForbidden",
            Self::InvalidSpec => "InvalidSpec",
            Self::InternalError => "InternalError",
            Self::RoleAssigned => "RoleAssigned",
            Self::RoleAssignmentOrphaned => "RoleAssignmentOrphaned",
            Self::DeletionGuardTimedOut => "DeletionGuardTimedOut",
            Self::PoolAvailable => "PoolAvailable",
            Self::SparkVersionEnding => "SparkVersionEnding",
            Self::SparkVersionUnsupported => "SparkVersionUnsupported",
            Self::PoolUnreadable => "PoolUnreadable",
            Self::JobChecksPassed => "JobChecksPassed",
            Self::JobChecksFailed => "JobChecksFailed",
            Self::JobChecksUnreadable => "JobChecksUnreadable",
            Self::JobChecksPending => "JobChecksPending",
            Self::PoolChanged => "PoolChanged",
            Self::ComputeChanged => "ComputeChanged",
            Self::OutputsWritten => "OutputsWritten",
            Self::OutputsPending => "OutputsPending",
            Self::OutputsConflict => "OutputsConflict",
            Self::OutputsForbidden => "OutputsForbidden",
            Self::OutputsFailed => "OutputsFailed",
        }
    }

    /// The reason with this name, if the catalogue has one.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_unique_name_that_parses_back() {
        for (at, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(Reason::ALL.iter().position(|r| r.as_str() == reason.as_str()), Some(at), "{reason}");
            assert_eq!(Reason::parse(reason.as_str()), Some(reason));
            // The pattern of metav1.Condition.reason.
            assert!(reason.as_str().chars().all(|c| c.is_ascii_alphanumeric()), "{reason}");
        }
        assert_eq!(Reason::parse("NoSuchReason"), None);
    }
}
