//! The Lease of an operator for all namespaces, as an operator for some namespaces sees it: only one of the two may write.

use tokio::time::{Instant, sleep, timeout};

use super::coverage::Coverage;
use super::last_seen::LastSeen;
use super::lease::LeaseClient;
use super::state::{LeaseState, StateReporter};
use super::timing::{LEASE_DURATION, REQUEST_TIMEOUT, RETRY_PERIOD, STANDBY_PERIOD};
use crate::error_chain::chain;

/// The Lease of an operator for all namespaces, as an operator for some namespaces sees it.
pub struct ClusterWideLease {
    client: LeaseClient,
    last_seen: LastSeen,
}

impl ClusterWideLease {
    /// The Lease that this process would acquire if it were for all namespaces.
    #[must_use]
    pub fn new(client: LeaseClient) -> Self {
        Self { client, last_seen: LastSeen::default() }
    }

    /// Waits until no process holds the Lease, and it names no shards. Calls `on_change` each time that its state changes.
    ///
    /// A process that may not read the Lease could wait for ever, so it waits for [`LEASE_DURATION`] only: a single refusal may be
    /// that of an API server whose roles are not loaded yet. Any other failure says nothing about the Lease and is retried.
    pub async fn wait_until_free(&mut self, on_change: impl Fn(&str, LeaseState)) {
        let mut reporter = StateReporter::new(self.client.title(), on_change);
        let mut refused_since: Option<Instant> = None;
        loop {
            let reading = self.read().await;
            refused_since = matches!(reading, Reading::Forbidden(_)).then(|| refused_since.unwrap_or_else(Instant::now));
            match reading {
                Reading::Free => return,
                Reading::Forbidden(why) => reporter.report(LeaseState::Unknown(why)),
                Reading::HeldBy(holder) => reporter.report(LeaseState::HeldBy(holder)),
                Reading::Failed(why) => reporter.report(LeaseState::Unknown(why)),
            }
            if refused_since.is_some_and(|since| since.elapsed() >= LEASE_DURATION) {
                return;
            }
            sleep(STANDBY_PERIOD).await;
        }
    }

    /// Waits until another process holds the Lease. Gives its identity.
    pub async fn wait_until_held(&mut self) -> String {
        loop {
            if let Reading::HeldBy(holder) = self.read().await {
                return holder;
            }
            sleep(RETRY_PERIOD).await;
        }
    }

    async fn read(&mut self) -> Reading {
        match timeout(REQUEST_TIMEOUT, self.client.get()).await {
            Ok(Ok(lease)) => {
                // Shards work on while no default shard holds the Lease.
                let shards = lease.as_ref().map(Coverage::of).filter(Coverage::has_shards);
                match (shards, self.last_seen.record(&self.client, lease.as_ref())) {
                    (Some(coverage), None) => Reading::HeldBy(coverage.shards()),
                    (_, Some(holder)) => Reading::HeldBy(holder.to_owned()),
                    (None, None) => Reading::Free,
                }
            }
            Ok(Err(error)) if matches!(&error, kube::Error::Api(status) if status.code == 403) => {
                Reading::Forbidden(chain(&error))
            }
            Ok(Err(error)) => Reading::Failed(chain(&error)),
            Err(_) => Reading::Failed("Kubernetes does not answer".to_owned()),
        }
    }
}

/// The result of one request for the Lease.
enum Reading {
    Free,
    HeldBy(String),
    Forbidden(String),
    Failed(String),
}
