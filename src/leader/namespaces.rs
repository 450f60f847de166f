//! Several Leases: of namespaces, or of subscriptions.

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::candidate::Candidate;
use super::error::LeaseLost;
use super::held::{HeldLease, renew_each};
use super::state::LeaseState;
use super::timing::LEASE_DURATION;

/// Acquires the Leases one after the other and puts them into `held`; those that are held are renewed meanwhile. Every
/// process acquires in the order of their namespaces and names, so that no two wait for each other.
///
/// Returns the candidates that Kubernetes refuses: a namespace that is being deleted must not keep the operator from the
/// other namespaces. Leases of one namespace are acquired together, or none of them.
///
/// # Errors
///
/// [`LeaseLost`] if a Lease is lost before the last one is acquired.
pub async fn acquire_each(
    mut candidates: Vec<Candidate>,
    held: &mut Vec<HeldLease>,
    on_change: impl Fn(&str, LeaseState),
) -> Result<Vec<Candidate>, LeaseLost> {
    candidates.sort_by_key(Candidate::path);
    let is_other_namespace = |one: &Candidate| one.namespace() != candidates[0].namespace();
    let patience = candidates.iter().any(is_other_namespace).then_some(LEASE_DURATION);
    loop {
        let mut refused = Vec::new();
        for candidate in candidates {
            let acquired = tokio::select! {
                acquired = candidate.acquire(patience, &on_change) => acquired,
                lost = renew_each(held) => return Err(lost),
            };
            match acquired {
                Ok(lease) => held.push(lease),
                Err(candidate) => refused.push(*candidate),
            }
        }
        if !held.is_empty() || refused.is_empty() {
            return Ok(refused);
        }
        candidates = refused;
    }
}

/// Waits until one of these Leases can be acquired and is free. Holds none afterwards. Returns the name of its namespace.
pub async fn first_available(candidates: Vec<Candidate>) -> String {
    let mut all: FuturesUnordered<_> = candidates
        .into_iter()
        .map(|candidate| async move {
            let namespace = candidate.namespace().to_owned();
            if let Ok(lease) = candidate.acquire(None, |_, _| {}).await {
                lease.release().await;
            }
            namespace
        })
        .collect();
    match all.next().await {
        Some(namespace) => namespace,
        None => std::future::pending().await,
    }
}
