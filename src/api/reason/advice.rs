//! The advice of each reason: what the user can do.

use crate::api::reason::Reason;

/// How a deleted object is released, whatever Azure answers.
const RELEASE: &str =
    "To remove the finalizer now and leave the compute in Azure, annotate the object with synapse-spark.dev/on-delete=abandon.";

impl Reason {
    /// What else the user can do while the object is being deleted; empty if the deletion continues by itself.
    #[must_use]
    pub const fn release_advice(self) -> &'static str {
        match self {
            Self::WaitingForWrite
            | Self::Transferring
            | Self::Suspended
            | Self::Conflict
            | Self::UpdateFailed
            | Self::DriftPersists
            | Self::DetachFailed
            | Self::NoEffect
            | Self::OperationStuck
            | Self::StateUnreadable
            | Self::AuthenticationFailed
            | Self::AuthorizationFailed
            | Self::PolicyDenied
            | Self::ResourceLocked
            | Self::SubscriptionUnavailable
            | Self::NetworkDenied
            | Self::CertificateNotTrusted
            | Self::ProviderNotRegistered
            | Self::QuotaExceeded
            | Self::DependencyFailed
            | Self::UpdateNotSupported
            | Self::IdentityNotFound
            | Self::RequestRejected
            | Self::WorkspaceNotFound => RELEASE,
            _ => "",
        }
    }

    /// The advice for an object that is, or is not, being deleted.
    #[must_use]
    pub fn advice_for(self, is_deleted: bool) -> String {
        let release = if is_deleted { self.release_advice() } else { "" };
        // What is left to do is to delete the object.
        let advice = if is_deleted && self == Self::Transferred { "" } else { self.advice() };
        [advice, release].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// What the user can do; empty where waiting is enough.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table with one row per reason")]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Attached
            | Self::AddingFinalizer
            | Self::Attaching
            | Self::Adopting
            | Self::Updating
            | Self::Replacing
            | Self::Detaching
            | Self::Detached
            | Self::Retained
            | Self::Transferring
            | Self::WaitingForWrite
            | Self::Queued
            | Self::Throttled
            | Self::AzureUnavailable
            | Self::AssigningRole
            | Self::RevokingRole
            | Self::RoleAssigned
            | Self::DeletionGuardTimedOut
            | Self::PoolAvailable
            | Self::JobChecksPassed
            | Self::JobChecksPending
            | Self::PoolChanged
            | Self::ComputeChanged
            | Self::OutputsWritten
            | Self::OutputsPending => "",
            Self::Suspended => "Set spec.suspend to false to let the operator write to Azure again.",
            Self::WaitingForJobs => {
                "To detach the compute now, cancel the jobs (az ml job cancel), or set spec.deletionGuard to None."
            }
            Self::JobsUnreadable => {
                "If a permission is missing, grant the operator's identity Microsoft.MachineLearningServices/workspaces/jobs/read on the workspace. To detach the compute now, set spec.deletionGuard to None."
            }
            Self::Transferred => {
                "Delete this object; this does not affect the compute. To let it attach a compute again instead, remove the annotation synapse-spark.dev/transfer-to."
            }
            Self::Conflict => "If the conflict persists for more than a few minutes, resolve the cause that Azure reports.",
            Self::ComputeTypeMismatch => "Delete this object and create one with another spec.computeName.",
            Self::AdoptionNotAllowed => "Allow the adoption with spec.adoptionPolicy, or detach that compute in Azure.",
            Self::OwnedByAnother => {
                "Transfer the compute from its owner (kubectl synapse transfer OWNER --to NAMESPACE/NAME), or delete the owner, which detaches the compute. If the owner no longer exists, take it (kubectl synapse transfer --take NAME)."
            }
            Self::Duplicate => "Delete one of the two objects, or create this one again with another spec.computeName.",
            Self::PoolMismatch => {
                "Set spec.replacePolicy to Recreate to let the operator detach the compute and attach the pool in the spec."
            }
            Self::AttachFailed => {
                "Fix the error that Azure reports. The attach is retried with exponential backoff; to retry now, run kubectl annotate ssa NAME synapse-spark.dev/reconcile-requested-at=$(date +%s) --overwrite."
            }
            Self::UpdateFailed => {
                "Fix the error that Azure reports. The update is retried with exponential backoff; to retry now, run kubectl annotate ssa NAME synapse-spark.dev/reconcile-requested-at=$(date +%s) --overwrite."
            }
            Self::DetachFailed => "Fix the error that Azure reports. The detach is retried with exponential backoff.",
            Self::DriftPersists => {
                "Compare status.drift with the spec. Then stop the other tool or policy that writes to this compute, or change the spec. The operator retries with exponential backoff; it corrects tags and the description three times, and then once a day."
            }
            Self::NoEffect => {
                "Check whether another tool attaches or detaches this compute. The operator retries with exponential backoff."
            }
            Self::OperationStuck => {
                "Inspect the compute in Azure Machine Learning, and contact Azure support about the operation. The operator sends the request again with exponential backoff."
            }
            Self::StateUnreadable => {
                "Inspect the compute in Azure Machine Learning. If it is correct there, report a bug with the value in this message."
            }
            Self::SafetyStop => {
                "Find out why the computes are missing. To attach them again, allow it (kubectl synapse allow-recreate NAME, or --all for the namespace)."
            }
            Self::AuthenticationFailed => {
                "Fix the credential of the operator, or that of spec.serviceAccountName (docs/credentials.md)."
            }
            Self::AuthorizationFailed => {
                "Grant the identity the action that Azure names, on the scope that Azure names. A new role assignment takes a few minutes to take effect."
            }
            Self::PolicyDenied => {
                "Change the spec so that it complies with the policy that Azure names, or ask the owner of the policy for an exemption."
            }
            Self::ResourceLocked => {
                "Remove the lock on the scope that Azure names, with az lock delete. To find it, use az lock list. The operator then continues by itself."
            }
            Self::SubscriptionUnavailable => {
                "Check that the subscription is active and belongs to the tenant of the operator's identity (az account show --subscription SUBSCRIPTION)."
            }
            Self::NetworkDenied => {
                "Allow the operator's requests: add its outbound IP address to the rules of the firewall, or correct the proxy settings HTTPS_PROXY and NO_PROXY."
            }
            Self::CertificateNotTrusted => "Add the certificate of the signing CA with --azure-ca-file (chart: azure.ca).",
            Self::ProviderNotRegistered => {
                "Register the resource provider that Azure names in the subscription (az provider register --namespace NAMESPACE). If it is registered and Azure does not support the API version, set the operator's --api-version to one that Azure lists."
            }
            Self::QuotaExceeded => "Request a higher quota for the resource that Azure names, or delete unused resources.",
            Self::DependencyFailed => "Repair the resource that Azure names. The operator then continues by itself.",
            Self::IdentityNotFound => "Correct spec.identity, or create the identity that Azure names (az identity create).",
            Self::UpdateNotSupported => {
                "If the compute exists, revert the spec, or detach the compute (az ml compute detach --name COMPUTE --workspace-name WORKSPACE --resource-group GROUP): the operator then attaches it again as the spec describes."
            }
            Self::RequestRejected => "Change the spec so that Azure accepts it; Azure's message names the cause.",
            Self::WorkspaceNotFound => "Check spec.workspace, and that the operator's identity may read the workspace.",
            Self::LinkedServiceNotFound => {
                "Set spec.linkedService.name to a linked service that exists, or name the pool with spec.resourceId. Azure no longer creates linked services."
            }
            Self::PoolNotFound => "Check spec.resourceId, or create the pool again. The attachment stays unchanged until then.",
            Self::PoolFailed => "Repair the pool in its Synapse workspace. The attachment stays unchanged until then.",
            Self::RoleAssignmentForbidden => "Ask a Synapse Administrator to run the command in this message.",
            Self::InvalidSpec => "Change the field that the message names.",
            Self::InternalError => {
                "Report a bug with the operator's log lines of this object. The reconcile is retried with exponential backoff."
            }
            Self::RoleAssignmentOrphaned => "Ask a Synapse Administrator to run the command in this message.",
            Self::OutputsConflict => {
                "Choose another name in spec.outputs.configMapName, or delete that ConfigMap if nothing else needs it."
            }
            Self::OutputsForbidden => {
                "Set outputs.enabled in the chart's values, and add the name to outputs.configMapNames if that list is not empty."
            }
            Self::OutputsFailed => "Remove the cause that Kubernetes names. The operator tries again at each resync.",
            Self::SparkVersionEnding => {
                "Test your jobs with a newer Spark version, and move to a pool that has it before that date."
            }
            Self::SparkVersionUnsupported => "Move to a pool with a supported Spark version (spec.replacePolicy: Recreate).",
            Self::JobChecksFailed => {
                "Do what this message names. The operator checks again within about an hour; to check now, run kubectl synapse reconcile NAME."
            }
            Self::JobChecksUnreadable => {
                "Grant the operator's identity the permissions that this message names, or set spec.jobChecks to false."
            }
            Self::PoolUnreadable => {
                "Grant the operator's identity Microsoft.Synapse/workspaces/bigDataPools/read to let it read the pool."
            }
        }
    }
}
