//! Leader election against an API server in process, with tokio's clock paused.

mod cluster_wide;
mod namespaces;
mod peers;
mod replicas;
mod server;
mod shards;
mod writes;

use std::sync::Arc;

use super::{Candidate, HeldLease, Peers};
use server::Server;

/// Waits until the process with this identity holds the Lease.
async fn acquire(server: &Arc<Server>, identity: &str) -> HeldLease {
    let acquired = Candidate::new(server.lease("kube-system", identity)).acquire(None, |_, _| {}).await;
    acquired.unwrap_or_else(|_| panic!("a candidate without a limit to its patience waits"))
}

/// Waits until the cluster-wide operator in this namespace holds its own Lease.
async fn acquire_in(server: &Arc<Server>, namespace: &str, identity: &str) -> HeldLease {
    let candidate = Candidate::new(server.lease(namespace, identity).of_cluster_wide_operator());
    candidate.acquire(None, |_, _| {}).await.unwrap_or_else(|_| panic!("a candidate without a limit to its patience waits"))
}

/// Waits until the cluster-wide operator in this namespace leads.
async fn lead(server: &Arc<Server>, namespace: &str, identity: &str) -> HeldLease {
    let mut own = acquire_in(server, namespace, identity).await;
    Peers::new(server.lease(namespace, identity)).lead(&mut own, |_, _| {}).await.expect("it keeps its Lease");
    own
}
