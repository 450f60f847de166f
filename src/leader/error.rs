//! Why a process stops leading.

use super::timing::RENEW_DEADLINE;

/// This process has lost its Lease, or is about to: it must end at once.
#[derive(Debug, thiserror::Error)]
pub enum LeaseLost {
    /// Another process holds it now.
    #[error("{holder:?} has taken over the Lease {lease}")]
    TakenOver {
        /// The namespace and name of the Lease.
        lease: String,
        /// The new lease holder.
        holder: String,
    },
    /// Kubernetes accepted no renewal for [`RENEW_DEADLINE`].
    #[error("the Lease {lease} could not be renewed for {} s", RENEW_DEADLINE.as_secs())]
    NotRenewed {
        /// The namespace and name of the Lease.
        lease: String,
        /// The answer to the last request, if there was one.
        #[source]
        source: Option<kube::Error>,
    },
}
