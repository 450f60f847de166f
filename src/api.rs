//! The types of the custom resource.
//!
//! This module is the contract with the user: `kubectl explain` prints these
//! comments, and the API server enforces these rules. No policy, no I/O.

pub mod reason;
pub mod v1alpha1;

pub use reason::Reason;
pub use v1alpha1::SynapseSparkAttachment;

/// Keeps an object until its compute is detached.
pub const FINALIZER: &str = "synapse-spark.dev/detach";

/// `abandon` releases a deleted object without a detach.
pub const ON_DELETE: &str = "synapse-spark.dev/on-delete";

/// Hands the compute over to another object, `<cluster>/<namespace>/<name>`: its owner tag becomes that object's.
pub const TRANSFER_TO: &str = "synapse-spark.dev/transfer-to";

/// Allows to attach a missing compute again after a safety stop; the value is the stop's time in the status.
pub const ALLOW_RECREATE: &str = "synapse-spark.dev/allow-recreate";

/// Any new value requests a reconcile; the status repeats it once it is handled.
pub const RECONCILE_REQUESTED_AT: &str = "synapse-spark.dev/reconcile-requested-at";

/// With the same value as [`RECONCILE_REQUESTED_AT`], that request also sends the compute to Azure again if nothing differs.
pub const FORCE_REQUESTED_AT: &str = "synapse-spark.dev/force-requested-at";

/// Annotation of a Namespace: the resource ID of the workspace that new attachments get if they name none.
pub const DEFAULT_WORKSPACE: &str = "synapse-spark.dev/default-workspace";

/// Annotation of a Namespace: the managed identity that new attachments get if they name none: None, or `SystemAssigned` and the
/// resource IDs of user-assigned identities, separated by commas.
pub const DEFAULT_IDENTITY: &str = "synapse-spark.dev/default-identity";

impl SynapseSparkAttachment {
    /// Whether the operator's finalizer is on the object.
    #[must_use]
    pub fn has_finalizer(&self) -> bool {
        self.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER)
    }
}
