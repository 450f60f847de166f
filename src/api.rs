//! The words of the custom resource.
//!
//! What is here is the contract with the user: `kubectl explain` prints these
//! comments, and the API server enforces these rules. No policy, no I/O.

pub mod reason;
pub mod v1alpha1;

pub use reason::Reason;
pub use v1alpha1::SynapseSparkAttachment;

/// Keeps an object from going before its compute is detached.
pub const FINALIZER: &str = "synapse-spark.dev/detach";

/// `abandon` lets a deleted object go without a detach: the user's way out.
pub const ON_DELETE: &str = "synapse-spark.dev/on-delete";

/// Any new value asks for a look at once; the status echoes it.
pub const RECONCILE_REQUESTED_AT: &str = "synapse-spark.dev/reconcile-requested-at";
