//! Operators for all namespaces that are installed in other namespaces of the cluster: only one of all may lead.
//!
//! Each has a Lease of its own, because managed clusters allow writes to the operator's own namespace only. A list of the Leases
//! with the label of such operators shows them to each other. An operator writes its claim into its own Lease first, and lists
//! then. Reads of a list are consistent, so of two that claim at the same time at least one sees the other
//! (`docs/adr/0016-one-leader-over-several-namespaces.md` has the table of races).

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;
use tokio::time::{Instant, sleep, timeout};

use super::claim::Claim;
use super::coverage::Coverage;
use super::error::LeaseLost;
use super::held::HeldLease;
use super::last_seen::LastSeen;
use super::lease::{LeaseClient, NAME};
use super::state::{LeaseState, StateReporter};
use super::timing::{LEASE_DURATION, REQUEST_TIMEOUT, RETRY_PERIOD, STANDBY_PERIOD};
use crate::error_chain::chain;

/// The Leases of other operators for all namespaces.
pub struct Peers {
    client: LeaseClient,
    seen: BTreeMap<String, Peer>,
}

/// The state of one of them.
#[derive(Default)]
struct Peer {
    last_seen: LastSeen,
    claim: Claim,
    coverage: Coverage,
    created: Option<Timestamp>,
}

/// Another operator because of which this process must not lead, or not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Other {
    holder: String,
    namespace: String,
    /// Whether this process must not lead, since it leads, or claims to and is older.
    wins: bool,
    /// Whether it leads already.
    leads: bool,
}

/// The result of one list.
enum Reading {
    Alone,
    Others(Other),
    Forbidden(String),
    Failed(String),
}

impl Peers {
    /// The other operators, as seen by the holder of this Lease, or of one in a namespace that no such operator is in.
    #[must_use]
    pub fn new(client: LeaseClient) -> Self {
        Self { client, seen: BTreeMap::new() }
    }

    /// Waits until this process is the one that leads, and renews its Lease meanwhile. Calls `on_change` each time that this changes.
    ///
    /// If Kubernetes refuses the list for [`LEASE_DURATION`], it leads without one: it could otherwise wait indefinitely. Other
    /// replicas have the same Lease.
    ///
    /// # Errors
    ///
    /// [`LeaseLost`] if the Lease is lost meanwhile.
    pub async fn lead(&mut self, own: &mut HeldLease, on_change: impl Fn(&str, LeaseState)) -> Result<(), LeaseLost> {
        let mut reporter = StateReporter::new("the Leases of other operators".to_owned(), on_change);
        let mut refused_since: Option<Instant> = None;
        let mut claim = Claim::Absent;
        loop {
            // The claim is written before the list is read.
            own.renew_with(claim).await?;
            let reading = self.read(Some(own.created())).await;
            refused_since = matches!(reading, Reading::Forbidden(_)).then(|| refused_since.unwrap_or_else(Instant::now));
            let is_refused = refused_since.is_some_and(|since| since.elapsed() >= LEASE_DURATION);
            let next = match (&reading, claim) {
                (Reading::Alone, Claim::Absent) => Claim::Claimed,
                (Reading::Alone, _) => Claim::Leads(Timestamp::now()),
                (Reading::Forbidden(_), _) if is_refused => Claim::Leads(Timestamp::now()),
                (Reading::Others(Other { wins: false, .. }), claim) => claim,
                (Reading::Others(_) | Reading::Forbidden(_) | Reading::Failed(_), _) => Claim::Absent,
            };
            if matches!(next, Claim::Leads(_)) {
                if let Reading::Forbidden(why) = &reading {
                    tracing::warn!(error = why, "leading without checking for other installations: leases cannot be listed");
                }
                reporter.report(LeaseState::Held);
                return own.renew_with(next).await;
            }
            let is_waiting = !matches!(reading, Reading::Alone);
            match reading {
                Reading::Alone => {}
                Reading::Others(other) => reporter.report(LeaseState::HeldBy(other.to_string())),
                Reading::Forbidden(why) | Reading::Failed(why) => reporter.report(LeaseState::Unknown(why)),
            }
            claim = next;
            if is_waiting {
                sleep(STANDBY_PERIOD).await;
            }
        }
    }

    /// Waits until no such operator leads, or is about to. Calls `on_change` each time that this changes.
    ///
    /// A process that may not list the Leases could wait indefinitely, so it waits for [`LEASE_DURATION`] only: a single refusal
    /// may be that of an API server whose roles are not loaded yet. Any other failure says nothing about them and is retried.
    pub async fn wait_until_none_leads(&mut self, on_change: impl Fn(&str, LeaseState)) {
        let mut reporter = StateReporter::new("the Leases of operators for all namespaces".to_owned(), on_change);
        let mut refused_since: Option<Instant> = None;
        loop {
            let reading = self.read(None).await;
            refused_since = matches!(reading, Reading::Forbidden(_)).then(|| refused_since.unwrap_or_else(Instant::now));
            match reading {
                Reading::Alone => return,
                Reading::Others(other) => reporter.report(LeaseState::HeldBy(other.to_string())),
                Reading::Forbidden(why) | Reading::Failed(why) => reporter.report(LeaseState::Unknown(why)),
            }
            if refused_since.is_some_and(|since| since.elapsed() >= LEASE_DURATION) {
                return;
            }
            sleep(STANDBY_PERIOD).await;
        }
    }

    /// Waits until another such operator leads. Returns who it is. `own_created` is when this process's Lease was created, if it
    /// is such an operator itself.
    pub async fn wait_until_one_leads(&mut self, own_created: Option<Timestamp>) -> String {
        loop {
            sleep(RETRY_PERIOD).await;
            if let Reading::Others(other @ Other { leads: true, .. }) = self.read(own_created).await {
                return other.to_string();
            }
        }
    }

    /// The operator because of which a process must not lead, given when its own Lease was created; none if it has no such Lease.
    async fn read(&mut self, own_created: Option<Timestamp>) -> Reading {
        match timeout(REQUEST_TIMEOUT, self.client.list_cluster_wide()).await {
            Ok(Ok(leases)) => self.record(&leases, own_created),
            Ok(Err(error)) if matches!(&error, kube::Error::Api(status) if status.code == 403) => {
                Reading::Forbidden(chain(&error))
            }
            Ok(Err(error)) => Reading::Failed(chain(&error)),
            Err(_) => Reading::Failed("Kubernetes does not answer".to_owned()),
        }
    }

    fn record(&mut self, leases: &[Lease], own_created: Option<Timestamp>) -> Reading {
        let own = self.client.namespace().to_owned();
        let is_own = |namespace: &str| own_created.is_some() && namespace == own;
        // Others may put the label on any Lease.
        let named = leases.iter().filter(|lease| lease.metadata.name.as_deref() == Some(NAME));
        let mut live: BTreeMap<String, &Lease> = named.filter_map(|lease| Some((lease.namespace()?, lease))).collect();
        live.retain(|namespace, _| !is_own(namespace));
        for namespace in live.keys() {
            self.seen.entry(namespace.clone()).or_default();
        }
        let client = &self.client;
        let others = self.seen.iter_mut().filter_map(|(namespace, peer)| {
            let lease = live.get(namespace).copied();
            if let Some(lease) = lease {
                peer.claim = Claim::of(lease);
                peer.coverage = Coverage::of(lease);
                peer.created = lease.creation_timestamp().map(|time| time.0);
            }
            let holder = peer.last_seen.record(client, lease).map(ToOwned::to_owned);
            // Shards continue while no default shard holds its Lease.
            let shards = (lease.is_some() && peer.coverage.has_shards()).then(|| peer.coverage.shards());
            let is_older = || match (own_created, peer.created) {
                (Some(own_created), Some(created)) => (created, namespace.as_str()) < (own_created, own.as_str()),
                _ => true,
            };
            let wins = match (&holder, peer.claim) {
                (Some(_), Claim::Leads(_)) => true,
                (Some(_), Claim::Claimed) => is_older(),
                (Some(_), Claim::Absent) | (None, _) if shards.is_some() => true,
                (Some(_), Claim::Absent) | (None, _) => return None,
            };
            let leads = holder.is_some() && matches!(peer.claim, Claim::Leads(_));
            Some(Other { holder: holder.or(shards)?, namespace: namespace.clone(), wins, leads })
        });
        // The highest state decides.
        match others.max_by_key(|other| (other.leads, other.wins)) {
            Some(other) => Reading::Others(other),
            None => Reading::Alone,
        }
    }
}

impl std::fmt::Display for Other {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in namespace {}", self.holder, self.namespace)
    }
}
