//! The leader election of `run`: waits until this process leads, and notices when it must stop.

use std::sync::Arc;

use super::super::kube::{CALL_TIMEOUT, client};
use super::super::scope::Scope;
use crate::controller::Readiness;
use crate::error_chain::chain;
use crate::leader::{Candidate, ClusterWideLease, HeldLease, LeaseClient, LeaseState, acquire_each, first_available, renew_each};

/// What `/readyz` calls a cluster-wide operator that this one waits for.
const OTHER_OPERATOR: &str = "another operator";

/// The Leases that this process needs, and what it reports while it waits for them.
pub(super) struct Election {
    candidates: Vec<Candidate>,
    /// The Lease of an operator for all namespaces, if this one is for some.
    cluster_wide: Option<ClusterWideLease>,
    readiness: Arc<Readiness>,
}

impl Election {
    /// `pod` makes the holder of the Leases recognisable for users.
    pub(super) fn new(scope: &Scope, pod: &str, config: kube::Config, readiness: Arc<Readiness>) -> Result<Self, String> {
        // A client of its own: renewals must not queue behind other calls, and a quiet connection must not delay one.
        let kube = client(config, Some(CALL_TIMEOUT))?;
        // Unique to this process: a container that restarts keeps the name of its pod.
        let identity = format!("{pod}_{}", uuid::Uuid::new_v4());
        let lease = |namespace: &str| LeaseClient::new(kube.clone(), namespace, &identity);
        let candidates = scope.leases().iter().map(|namespace| Candidate::new(lease(namespace))).collect();
        let cluster_wide = scope.cluster_wide_lease().map(|namespace| ClusterWideLease::new(lease(namespace)));
        Ok(Self { candidates, cluster_wide, readiness })
    }

    /// Waits until this process holds its Leases, and puts them into `held`.
    pub(super) async fn win(&mut self, held: &mut Vec<HeldLease>) -> Result<(), String> {
        self.wait_for_cluster_wide().await;
        let candidates = std::mem::take(&mut self.candidates);
        let refused = acquire_each(candidates, held, |lease, state| report_own(&self.readiness, lease, state)).await;
        self.candidates = refused.map_err(|lost| chain(&lost))?;
        // An operator for all namespaces may have started while this process waited for its own Leases.
        tokio::select! {
            lost = renew_each(held) => Err(chain(&lost)),
            () = self.wait_for_cluster_wide() => Ok(()),
        }
    }

    /// Waits until this process must stop at once. Gives the reason.
    pub(super) async fn lost(self, held: &mut [HeldLease]) -> String {
        let Self { candidates, mut cluster_wide, .. } = self;
        tokio::select! {
            lost = renew_each(held) => chain(&lost),
            holder = held_cluster_wide(&mut cluster_wide) => {
                format!("{holder} now manages all namespaces: this operator restarts and waits until that one stops")
            }
            namespace = first_available(candidates) => {
                format!("the Lease of namespace {namespace} is available now: this operator restarts to manage that namespace too")
            }
        }
    }

    async fn wait_for_cluster_wide(&mut self) {
        let readiness = &self.readiness;
        if let Some(cluster_wide) = &mut self.cluster_wide {
            cluster_wide.wait_until_free(|lease, state| report_cluster_wide(readiness, lease, state)).await;
            readiness.there(OTHER_OPERATOR);
        }
    }
}

/// Waits until an operator for all namespaces leads; for ever, if this is such an operator itself.
async fn held_cluster_wide(lease: &mut Option<ClusterWideLease>) -> String {
    match lease {
        Some(lease) => lease.wait_until_held().await,
        None => std::future::pending().await,
    }
}

fn report_own(readiness: &Readiness, lease: &str, state: LeaseState) {
    match state {
        LeaseState::Held => readiness.there(lease),
        LeaseState::HeldBy(holder) => {
            tracing::info!(holder, lease, "standing by");
            readiness.there(lease);
            readiness.begun();
        }
        LeaseState::Unknown(why) => {
            tracing::warn!(lease, error = why, "cannot acquire the Lease, will retry");
            readiness.missing(lease, why);
            readiness.begun();
        }
    }
}

/// Why an operator for some namespaces waits: one for all namespaces leads, or it is unknown whether one does.
fn report_cluster_wide(readiness: &Readiness, lease: &str, state: LeaseState) {
    let why = match state {
        LeaseState::Held => return,
        LeaseState::HeldBy(holder) => {
            format!("{holder} manages all namespaces ({lease}); this operator waits until that one stops")
        }
        LeaseState::Unknown(why) => {
            format!("cannot read {lease}, which shows whether an operator for all namespaces runs: {why}")
        }
    };
    tracing::warn!("{why}");
    readiness.missing(OTHER_OPERATOR, why);
    readiness.begun();
}
