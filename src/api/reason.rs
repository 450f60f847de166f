//! The catalogue of reasons: one enum for conditions, events, metrics and documents.
//!
//! A reason is a promise to whoever matches on it (alerts, GitOps tools): it
//! may get a better text, never another meaning.

/// Why an attachment is as it is: the `reason` of its conditions and events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Azure shows what was asked for.
    Attached,
    /// The finalizer is being set, before anything is written to Azure.
    Claiming,
    /// The attach is under way in Azure.
    Attaching,
    /// A compute that was there already, and nobody's, is being taken over.
    Adopting,
    /// Identity, tags or description are being put right in place.
    Updating,
    /// The compute is attached to another pool: detach, then attach.
    Replacing,
    /// The detach is under way in Azure.
    Detaching,
    /// The compute is gone, or not to be detached: the finalizer goes.
    Released,
    /// `spec.suspend`: looked at and reported, nothing written.
    Suspended,
    /// Azure asked for a pause (429).
    Throttled,
    /// Azure gave no answer, or a 5xx.
    AzureUnavailable,
    /// A compute of that name is there and may not be adopted.
    NotOurs,
    /// The owner tag of the compute names another object or cluster.
    OwnedByAnother,
    /// An older object asks for the same compute.
    Duplicate,
    /// The compute is attached to another pool, and may not be replaced.
    PoolDiffers,
    /// Azure took the attach or update and ended it as failed.
    AttachFailed,
    /// Azure took the detach and ended it as failed.
    DetachFailed,
    /// Azure took the change, but shows another state than asked for.
    NotApplied,
    /// 401 or 403: the operator's identity lacks a right.
    Unauthorized,
    /// No token could be had from Entra, or none may be asked for.
    NoCredential,
    /// The Machine Learning workspace, its group or subscription is not there.
    WorkspaceNotFound,
    /// Azure refused the request itself (another 4xx).
    Refused,
    /// A role in the Synapse workspace is being granted, or taken back.
    Granting,
    /// The operator may not grant, or take back, the role in the Synapse workspace.
    RoleForbidden,
    /// The Machine Learning workspace has no linked service of that name.
    LinkedServiceNotFound,
    /// The Spark pool is not there.
    PoolNotFound,
    /// The Spark pool is there, and failed or being deleted.
    PoolFailed,
    /// The spec asks for something that cannot be.
    InvalidSpec,
    /// The pass that looks after this object ended in a defect of the operator.
    InternalError,
    /// Condition `RoleGranted`: the identity holds the role.
    RoleGranted,
    /// Event: a role that was granted could not be taken back in time, and stays.
    RoleLeftBehind,
    /// Condition `PoolAvailable`: the Spark pool is there.
    PoolAvailable,
    /// Condition `PoolAvailable`: the pool is there, with a version of Spark that Azure no longer supports.
    SparkOutOfSupport,
    /// Condition `PoolAvailable`: the operator may not read the Spark pool, and goes on without.
    PoolUnreadable,
    /// Event: the Spark pool was resized, or has another version of Spark.
    PoolChanged,
}

impl Reason {
    /// Every reason, in the order of the documents.
    pub const ALL: [Self; 35] = [
        Self::Attached,
        Self::Claiming,
        Self::Attaching,
        Self::Adopting,
        Self::Updating,
        Self::Replacing,
        Self::Detaching,
        Self::Released,
        Self::Suspended,
        Self::Throttled,
        Self::AzureUnavailable,
        Self::NotOurs,
        Self::OwnedByAnother,
        Self::Duplicate,
        Self::PoolDiffers,
        Self::AttachFailed,
        Self::DetachFailed,
        Self::NotApplied,
        Self::Unauthorized,
        Self::NoCredential,
        Self::WorkspaceNotFound,
        Self::Refused,
        Self::Granting,
        Self::RoleForbidden,
        Self::LinkedServiceNotFound,
        Self::PoolNotFound,
        Self::PoolFailed,
        Self::InvalidSpec,
        Self::InternalError,
        Self::RoleGranted,
        Self::RoleLeftBehind,
        Self::PoolAvailable,
        Self::SparkOutOfSupport,
        Self::PoolUnreadable,
        Self::PoolChanged,
    ];

    /// The word as Kubernetes shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attached => "Attached",
            Self::Claiming => "Claiming",
            Self::Attaching => "Attaching",
            Self::Adopting => "Adopting",
            Self::Updating => "Updating",
            Self::Replacing => "Replacing",
            Self::Detaching => "Detaching",
            Self::Released => "Released",
            Self::Suspended => "Suspended",
            Self::Throttled => "Throttled",
            Self::AzureUnavailable => "AzureUnavailable",
            Self::NotOurs => "NotOurs",
            Self::OwnedByAnother => "OwnedByAnother",
            Self::Duplicate => "Duplicate",
            Self::PoolDiffers => "PoolDiffers",
            Self::AttachFailed => "AttachFailed",
            Self::DetachFailed => "DetachFailed",
            Self::NotApplied => "NotApplied",
            Self::Unauthorized => "Unauthorized",
            Self::NoCredential => "NoCredential",
            Self::WorkspaceNotFound => "WorkspaceNotFound",
            Self::Refused => "Refused",
            Self::InvalidSpec => "InvalidSpec",
            Self::Granting => "Granting",
            Self::RoleForbidden => "RoleForbidden",
            Self::LinkedServiceNotFound => "LinkedServiceNotFound",
            Self::PoolNotFound => "PoolNotFound",
            Self::PoolFailed => "PoolFailed",
            Self::InternalError => "InternalError",
            Self::RoleGranted => "RoleGranted",
            Self::RoleLeftBehind => "RoleLeftBehind",
            Self::PoolAvailable => "PoolAvailable",
            Self::SparkOutOfSupport => "SparkOutOfSupport",
            Self::PoolUnreadable => "PoolUnreadable",
            Self::PoolChanged => "PoolChanged",
        }
    }

    /// The reason of this word, if the catalogue has it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// What the user does now; empty where there is nothing to do but wait.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Attached
            | Self::Claiming
            | Self::Attaching
            | Self::Adopting
            | Self::Updating
            | Self::Replacing
            | Self::Detaching
            | Self::Released
            | Self::Throttled
            | Self::AzureUnavailable
            | Self::Granting
            | Self::RoleGranted
            | Self::PoolAvailable
            | Self::PoolChanged => "",
            Self::RoleForbidden => {
                "Let somebody with rights in the Synapse workspace run the command of the message; it is tried again slowly."
            }
            Self::RoleLeftBehind => "Let somebody with rights in the Synapse workspace run the command of the message.",
            Self::LinkedServiceNotFound => {
                "Name one that is there in spec.linkedService.name, or the pool by spec.resourceId: Azure makes no new links."
            }
            Self::PoolNotFound => {
                "Check spec.resourceId, or make the pool again; nothing of the attachment is changed meanwhile."
            }
            Self::PoolFailed => "Mend the pool in its Synapse workspace; nothing of the attachment is changed meanwhile.",
            Self::SparkOutOfSupport => "Move the pool to a version of Spark that is supported.",
            Self::PoolUnreadable => {
                "Give the operator's identity Microsoft.Synapse/workspaces/bigDataPools/read if it shall see the pool."
            }
            Self::Suspended => "Set spec.suspend to false to let the operator write to Azure again.",
            Self::NotOurs => "Choose another spec.computeName, detach that compute, or allow it with spec.adoptionPolicy.",
            Self::OwnedByAnother => {
                "Delete the object that owns it, or, if that one is gone, remove the tag synapse-spark-operator-owner from the compute."
            }
            Self::Duplicate => "Delete one of the two objects, or give this one another spec.computeName.",
            Self::PoolDiffers => {
                "Set spec.replacePolicy to Recreate to let the operator detach it and attach the pool of the spec."
            }
            Self::AttachFailed => {
                "Mend what Azure names; the attach is tried again with growing pauses. kubectl annotate ssa NAME synapse-spark.dev/reconcile-requested-at=$(date +%s) --overwrite asks at once."
            }
            Self::DetachFailed => {
                "The detach is tried again with growing pauses. To let the object go and leave the compute, annotate it with synapse-spark.dev/on-delete=abandon."
            }
            Self::NotApplied => "Compare status.drift with the spec; the change is tried again with growing pauses.",
            Self::Unauthorized => {
                "Give the operator's identity the action that Azure names at the scope that Azure names; it is tried again slowly."
            }
            Self::NoCredential => "Mend the operator's credential, or that of spec.serviceAccountName (docs/credentials.md).",
            Self::WorkspaceNotFound => "Check spec.workspace, and that the operator's identity is of the workspace's tenant.",
            Self::Refused => "Change the spec as Azure's message says.",
            Self::InvalidSpec => "Change the field that the message names.",
            Self::InternalError => {
                "Report it with the operator's log lines of this object; it is tried again with growing pauses."
            }
        }
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
    fn every_reason_has_a_word_of_its_own_that_reads_back() {
        for (at, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(Reason::ALL.iter().position(|r| r.as_str() == reason.as_str()), Some(at), "{reason}");
            assert_eq!(Reason::parse(reason.as_str()), Some(reason));
            // The pattern of metav1.Condition.reason.
            assert!(reason.as_str().chars().all(|c| c.is_ascii_alphanumeric()), "{reason}");
        }
        assert_eq!(Reason::parse("Unheard"), None);
    }
}
