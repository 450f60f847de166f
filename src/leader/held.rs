//! Leases that this process holds.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;
use tokio::time::{Instant, sleep, timeout};

use super::claim::Claim;
use super::error::LeaseLost;
use super::lease::{LeaseClient, holder};
use super::renewal::Renewal;
use super::timing::{LEASE_DURATION, REQUEST_TIMEOUT, RETRY_PERIOD};
use crate::error_chain::chain;

/// A Lease that this process holds.
pub struct HeldLease {
    client: LeaseClient,
    lease: Lease,
    renewal: Renewal,
    /// Until then a shard may still write that the former holder excluded, and this process does not.
    begins_at: Option<Instant>,
}

/// The result of a renewal.
enum Renewed {
    Done(Box<Lease>),
    HeldBy(String),
}

impl Renewed {
    fn done(lease: Lease) -> Self {
        Self::Done(Box::new(lease))
    }
}

impl HeldLease {
    /// `sent_at` is the time before the request that acquired it.
    pub(super) fn new(client: LeaseClient, lease: Lease, sent_at: Instant) -> Self {
        Self { client, lease, renewal: Renewal::sent_at(sent_at), begins_at: None }
    }

    /// Its holder manages subscriptions that the former one left to shards. A shard checks the Lease before it writes, and its
    /// last check is valid for [`LEASE_DURATION`] at most.
    pub(super) fn after_shards(self) -> Self {
        Self { begins_at: Some(Instant::now() + LEASE_DURATION), ..self }
    }

    /// When no shard writes any longer that the former holder excluded, if that is not known yet.
    #[must_use]
    pub fn begins_at(&self) -> Option<Instant> {
        self.begins_at.filter(|at| *at > Instant::now())
    }

    /// The namespace and the name of the Lease.
    #[must_use]
    pub fn path(&self) -> String {
        self.client.path()
    }

    /// The namespace of the Lease.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.client.namespace()
    }

    pub(super) fn renewal(&self) -> Renewal {
        self.renewal.clone()
    }

    /// When the Lease was created: of several claimants the one with the oldest Lease leads.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        // Without that time the others count as older.
        self.lease.creation_timestamp().map_or(Timestamp::MAX, |time| time.0)
    }

    /// Renews the Lease until it is lost.
    pub async fn renew(&mut self) -> LeaseLost {
        loop {
            sleep(RETRY_PERIOD.min(self.renewal.until_deadline())).await;
            if let Err(lost) = self.renew_now().await {
                return lost;
            }
        }
    }

    /// Renews the Lease at once, which shows this claim from then on.
    pub(super) async fn renew_with(&mut self, claim: Claim) -> Result<(), LeaseLost> {
        self.client.claim(claim);
        self.renew_now().await?;
        // From now on the Lease shows what this process manages.
        if self.begins_at.is_some() && matches!(claim, Claim::Leads(_)) {
            self.begins_at = Some(Instant::now() + LEASE_DURATION);
        }
        Ok(())
    }

    /// Renews the Lease once; tries again until that succeeds, or the Lease is lost.
    async fn renew_now(&mut self) -> Result<(), LeaseLost> {
        let mut failure = None;
        loop {
            let left = self.renewal.until_deadline();
            if left.is_zero() {
                return Err(LeaseLost::NotRenewed { lease: self.client.path(), source: failure });
            }
            let sent_at = Instant::now();
            match timeout(left.min(REQUEST_TIMEOUT), self.renew_once()).await {
                Ok(Ok(Renewed::Done(lease))) => {
                    self.lease = *lease;
                    self.renewal.set(sent_at);
                    return Ok(());
                }
                Ok(Ok(Renewed::HeldBy(holder))) => {
                    return Err(LeaseLost::TakenOver { lease: self.client.path(), holder });
                }
                Ok(Err(error)) => {
                    tracing::warn!(lease = self.client.path(), error = %chain(&error), "lease renewal failed, will retry");
                    failure = Some(error);
                }
                Err(_) => tracing::warn!(lease = self.client.path(), "lease renewal timed out, will retry"),
            }
            sleep(RETRY_PERIOD.min(self.renewal.until_deadline())).await;
        }
    }

    async fn renew_once(&self) -> Result<Renewed, kube::Error> {
        let renewed = self.client.hold(self.lease.clone()).await;
        match &renewed {
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            _ => return renewed.map(Renewed::done),
        }
        // Another process wrote to the Lease or deleted it. It is still ours while it names this process, and a Lease that
        // was deleted belongs to the process that creates it again.
        let Some(live) = self.client.get().await? else { return self.create().await };
        match holder(&live) {
            Some(holder) if self.client.is_own(&holder) => self.client.hold(live).await.map(Renewed::done),
            other => Ok(Renewed::HeldBy(other.unwrap_or_default())),
        }
    }

    async fn create(&self) -> Result<Renewed, kube::Error> {
        match self.client.create().await {
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Renewed::HeldBy("another process".to_owned())),
            created => created.map(Renewed::done),
        }
    }

    /// Releases the Lease, so that a standby need not wait until it expires. Best effort: it expires by itself.
    ///
    /// While a shard may still write, the Lease is left to expire: its next holder could not see from it that one may.
    pub async fn release(mut self) {
        self.client.claim(Claim::Absent);
        if self.begins_at().is_some() {
            return;
        }
        let lease = self.client.path();
        match timeout(RETRY_PERIOD, self.client.release(self.lease)).await {
            Ok(Ok(_)) => tracing::info!(lease, "leadership released"),
            Ok(Err(error)) => tracing::info!(lease, error = %chain(&error), "lease not released: it expires by itself"),
            Err(_) => tracing::info!(lease, error = "no answer", "lease not released: it expires by itself"),
        }
    }
}

/// Renews all Leases until one of them is lost.
pub async fn renew_each(leases: &mut [HeldLease]) -> LeaseLost {
    let mut all: FuturesUnordered<_> = leases.iter_mut().map(HeldLease::renew).collect();
    match all.next().await {
        Some(lost) => lost,
        None => std::future::pending().await,
    }
}
