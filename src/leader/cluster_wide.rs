//! The Lease of an operator for all namespaces, as an operator for some namespaces sees it: only one of the two may write.

use tokio::time::{Instant, sleep, timeout};

use super::last_seen::LastSeen;
use super::lease::LeaseClient;
use super::state::{LeaseState, StateReporter};
use super::timing::{RENEW_DEADLINE, REQUEST_TIMEOUT, STANDBY_PERIOD};
use crate::controller::chain;

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

    /// Waits until nobody holds the Lease. Calls `on_change` each time that its state changes.
    pub async fn wait_until_free(&mut self, on_change: impl Fn(&str, LeaseState)) {
        let mut reporter = StateReporter::new(self.client.title(), on_change);
        while let Some(state) = self.state().await {
            reporter.report(state.clone());
            if matches!(state, LeaseState::Unknown(_)) {
                return;
            }
            sleep(STANDBY_PERIOD).await;
        }
    }

    /// Waits until another process holds the Lease. Gives its identity.
    pub async fn wait_until_held(&mut self) -> String {
        loop {
            sleep(RENEW_DEADLINE).await;
            if let Some(LeaseState::HeldBy(holder)) = self.state().await {
                return holder;
            }
        }
    }

    /// None if nobody holds the Lease.
    async fn state(&mut self) -> Option<LeaseState> {
        let now = Instant::now();
        match timeout(REQUEST_TIMEOUT, self.client.get()).await {
            Ok(Ok(lease)) => {
                let holder = self.last_seen.record(&lease?, now).filter(|holder| !self.client.is_own(holder));
                holder.map(|holder| LeaseState::HeldBy(holder.to_owned()))
            }
            Ok(Err(error)) => Some(LeaseState::Unknown(chain(&error))),
            Err(_) => Some(LeaseState::Unknown("Kubernetes does not answer".to_owned())),
        }
    }
}
