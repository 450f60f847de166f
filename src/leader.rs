//! Leader election on `coordination.k8s.io` Leases: of several replicas, one leads and writes, and the others are standbys.
//!
//! No crate for this version of kube stops leading while the API server does not answer, so this module does it
//! (`docs/adr/0005-leader-election-of-our-own.md`). It follows four rules:
//!
//! - Every write to a Lease names the `resourceVersion` that it replaces, so one of two concurrent writes fails.
//! - A Lease of another process has expired when it has not changed for its whole duration on the monotonic clock of
//!   this process. The times inside the Lease are for people only: the clocks of two machines are never compared.
//! - Of several operators for all namespaces, each with a Lease in its own namespace, one leads ([`Peers`]).
//! - The lease holder stops before its Lease expires ([`RENEW_DEADLINE`] < [`LEASE_DURATION`]).

mod candidate;
mod claim;
mod coverage;
mod default_shard;
mod error;
mod held;
mod last_seen;
mod leadership;
mod lease;
mod namespaces;
mod peers;
mod renewal;
mod state;
mod timing;

#[cfg(test)]
mod tests;

pub use candidate::Candidate;
pub use default_shard::DefaultShardLease;
pub use error::LeaseLost;
pub use held::{HeldLease, renew_each};
pub use leadership::Leadership;
pub use lease::{LeaseClient, NAME, subscription_lease};
pub use namespaces::{acquire_each, first_available};
pub use peers::Peers;
pub use state::LeaseState;
pub use timing::{LEASE_DURATION, RENEW_DEADLINE, RETRY_PERIOD};
