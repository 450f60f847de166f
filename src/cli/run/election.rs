//! The leader election of `run`: waits until this process leads, and notices when it must stop.

use std::sync::Arc;

use tokio::time::sleep_until;

use super::super::scope::{LeaseKey, Scope};
use crate::controller::{Readiness, Shard};
use crate::error_chain::chain;
use crate::leader::{
    Candidate, DefaultShardLease, HeldLease, Leadership, LeaseClient, LeaseState, Peers, acquire_each, first_available,
    renew_each,
};

/// What `/readyz` calls a cluster-wide operator that this one waits for.
const OTHER_OPERATOR: &str = "another operator";
/// What `/readyz` calls shards that may still write.
const SHARDS: &str = "shards";
/// What `/readyz` calls a default shard that does not exclude this shard.
const DEFAULT_SHARD: &str = "default shard";

/// The Leases that this process needs, and what it reports while it waits for them.
pub(super) struct Election {
    candidates: Vec<Candidate>,
    /// Operators for all namespaces in other namespaces; none without leader election, and for a shard, which knows its own way.
    peers: Option<Peers>,
    /// Whether this is such an operator itself.
    is_cluster_wide: bool,
    /// The Lease of the default shard, if this operator is a shard of some subscriptions.
    default_shard: Option<DefaultShardLease>,
    readiness: Arc<Readiness>,
}

impl Election {
    /// `pod` makes the holder of the Leases recognisable for users. `kube` is for the Leases only.
    pub(super) fn new((scope, shard): (&Scope, &Shard), pod: &str, kube: &kube::Client, readiness: Arc<Readiness>) -> Self {
        let own = kube.default_namespace().to_owned();
        // Unique to this process: a container that restarts keeps the name of its pod.
        let identity = format!("{pod}_{}", uuid::Uuid::new_v4());
        let lease = |namespace: &str| LeaseClient::new(kube.clone(), namespace, &identity);
        let (only, except) = match shard {
            Shard::All => (Vec::new(), Vec::new()),
            Shard::Only(only) => (only.iter().cloned().collect(), Vec::new()),
            Shard::Except(except) => (Vec::new(), except.iter().cloned().collect()),
        };
        let is_cluster_wide = !scope.is_for_namespaces();
        let candidate = |LeaseKey { namespace, subscription }| match subscription {
            Some(subscription) => Candidate::new(lease(&namespace).of_subscription(&subscription, &only)),
            None if is_cluster_wide => Candidate::new(lease(&namespace).excluding(&except).of_cluster_wide_operator()),
            None => Candidate::new(lease(&namespace)),
        };
        let leases = scope.leases(shard, &own);
        let peers_of = |one: &LeaseKey| Peers::new(lease(&one.namespace).excluding(&except));
        let peers = leases.first().filter(|_| !matches!(shard, Shard::Only(_))).map(peers_of);
        let candidates = leases.into_iter().map(candidate).collect();
        let default_shard =
            scope.default_shard_lease(shard, &own).map(|namespace| DefaultShardLease::new(lease(namespace), &only));
        Self { candidates, peers, is_cluster_wide, default_shard, readiness }
    }

    /// Whether this process may write, while it holds these Leases.
    pub(super) fn leadership(&self, held: &[HeldLease]) -> Leadership {
        let leadership = Leadership::of(held);
        match &self.default_shard {
            Some(lease) => leadership.while_excluded_by(lease),
            None => leadership,
        }
    }

    /// Waits until this process holds its Leases, and puts them into `held`.
    pub(super) async fn win(&mut self, held: &mut Vec<HeldLease>) -> Result<(), String> {
        self.wait_for_others().await;
        let candidates = std::mem::take(&mut self.candidates);
        let refused = acquire_each(candidates, held, |lease, state| report_own(&self.readiness, lease, state)).await;
        self.candidates = refused.map_err(|lost| chain(&lost))?;
        if let (true, Some(peers), [own]) = (self.is_cluster_wide, &mut self.peers, held.as_mut_slice()) {
            let readiness = &self.readiness;
            peers.lead(own, |lease, state| report_own(readiness, lease, state)).await.map_err(|lost| chain(&lost))?;
        }
        let begins_at = held.iter().filter_map(HeldLease::begins_at).max();
        let begin = async {
            if let Some(at) = begins_at {
                tracing::info!("waiting for the shards of included subscriptions to stop");
                self.readiness.missing(SHARDS, "they may still work on subscriptions that this operator includes");
                self.readiness.begun();
                sleep_until(at).await;
                self.readiness.there(SHARDS);
            }
            // Another operator may have started while this process waited for its own Leases.
            self.wait_for_others().await;
        };
        tokio::select! {
            lost = renew_each(held) => Err(chain(&lost)),
            () = begin => Ok(()),
        }
    }

    /// Waits until this process must stop at once. Gives the reason.
    pub(super) async fn lost(self, held: &mut [HeldLease]) -> String {
        let Self { candidates, mut peers, is_cluster_wide, default_shard, .. } = self;
        let own_created = held.first().filter(|_| is_cluster_wide).map(HeldLease::created);
        tokio::select! {
            lost = renew_each(held) => format!("lost leadership: {}", chain(&lost)),
            holder = led_by_another(&mut peers, own_created) => {
                format!("{holder} now manages all namespaces: this operator restarts and waits until that one stops")
            }
            why = included(default_shard.as_ref()) => format!("{why}: this operator restarts, and waits until its subscriptions are excluded again"),
            namespace = first_available(candidates) => {
                format!("the Lease of namespace {namespace} is available now: this operator restarts to manage that namespace too")
            }
        }
    }

    /// Waits until no other operator manages the same objects, as far as its own Leases do not show that.
    async fn wait_for_others(&mut self) {
        let readiness = &self.readiness;
        if let Some(peers) = self.peers.as_mut().filter(|_| !self.is_cluster_wide) {
            peers.wait_until_none_leads(|lease, state| report_cluster_wide(readiness, lease, state)).await;
            readiness.there(OTHER_OPERATOR);
        }
        if let Some(default_shard) = &self.default_shard {
            default_shard.wait_until_excluded(|lease, state| report_default_shard(readiness, lease, state)).await;
            readiness.there(DEFAULT_SHARD);
        }
    }
}

/// Waits until an operator for all namespaces leads in another namespace; forever, if this process need not know of one.
async fn led_by_another(peers: &mut Option<Peers>, own_created: Option<jiff::Timestamp>) -> String {
    match peers {
        Some(peers) => peers.wait_until_one_leads(own_created).await,
        None => std::future::pending().await,
    }
}

/// Waits until another operator manages a subscription of this shard; forever, if this is no such shard.
async fn included(lease: Option<&DefaultShardLease>) -> String {
    match lease {
        Some(lease) => lease.wait_until_included().await,
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
        LeaseState::Overlap(why) => {
            // In a rollout it is the former version of this operator. So a new pod is ready, or the rollout would not go on.
            tracing::warn!(lease, why, "standing by: subscriptions overlap, unless a rollout changes them");
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
        LeaseState::Held | LeaseState::Overlap(_) => return,
        LeaseState::HeldBy(holder) => {
            format!("{holder} manages all namespaces ({lease}); this operator waits until that one stops")
        }
        LeaseState::Unknown(why) => {
            format!("cannot read {lease}, which shows whether an operator for all namespaces runs: {why}")
        }
    };
    tracing::warn!(lease, why, "waiting for an operator for all namespaces");
    readiness.missing(OTHER_OPERATOR, why);
    readiness.begun();
}

/// Why a shard waits: the default shard does not exclude its subscriptions, or it is unknown whether it does.
fn report_default_shard(readiness: &Readiness, lease: &str, state: LeaseState) {
    let why = match state {
        LeaseState::Held | LeaseState::HeldBy(_) => return,
        LeaseState::Overlap(why) => why,
        LeaseState::Unknown(why) => format!("cannot read {lease}, which shows who manages the other subscriptions: {why}"),
    };
    tracing::warn!(lease, why, "waiting for the default shard");
    readiness.missing(DEFAULT_SHARD, why);
    readiness.begun();
}
