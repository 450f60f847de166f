//! Leader election against an API server in process, with tokio's clock paused.

mod cluster_wide;
mod namespaces;
mod replicas;
mod server;
mod shards;
mod writes;

use std::sync::Arc;

use super::{Candidate, HeldLease};
use server::Server;

/// Waits until the process with this identity holds the Lease.
async fn acquire(server: &Arc<Server>, identity: &str) -> HeldLease {
    let acquired = Candidate::new(server.lease("kube-system", identity)).acquire(None, |_, _| {}).await;
    acquired.unwrap_or_else(|_| panic!("a candidate without a limit to its patience waits"))
}
