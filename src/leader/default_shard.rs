//! The Lease of the default shard, as a shard of some subscriptions sees it: a shard may write only while it excludes them.
//!
//! The annotations of the Lease outlast its holder. So a shard continues while no default shard runs, and an operator that
//! acquires the Lease and includes more subscriptions waits until the shard has stopped ([`HeldLease`](super::HeldLease)).

use tokio::time::{Instant, sleep, timeout};

use super::coverage::Coverage;
use super::lease::{LeaseClient, holder};
use super::renewal::Renewal;
use super::state::{LeaseState, StateReporter};
use super::timing::{REQUEST_TIMEOUT, RETRY_PERIOD, STANDBY_PERIOD};
use crate::error_chain::chain;

/// The Lease of the default shard, as a shard of some subscriptions sees it.
pub struct DefaultShardLease {
    client: LeaseClient,
    shard: Coverage,
    /// When Kubernetes last showed that the default shard excludes this shard.
    checked: Renewal,
}

/// The result of one request for the Lease.
enum Reading {
    Excluded,
    Overlap(String),
    Failed(String),
}

impl DefaultShardLease {
    /// The Lease that this process would acquire if it were the default shard; and the subscriptions of this shard.
    #[must_use]
    pub fn new(client: LeaseClient, shard: &[String]) -> Self {
        Self { client, shard: Coverage::only(shard), checked: Renewal::sent_at(Instant::now()) }
    }

    pub(super) fn renewal(&self) -> Renewal {
        self.checked.clone()
    }

    /// Waits until the default shard excludes the subscriptions of this one. Calls `on_change` each time that this changes.
    ///
    /// Unlike an operator for some namespaces, it does not work without an answer: only the Lease shows who manages the rest.
    pub async fn wait_until_excluded(&self, on_change: impl Fn(&str, LeaseState)) {
        let mut reporter = StateReporter::new(self.client.title(), on_change);
        loop {
            match self.check().await {
                Reading::Excluded => return,
                Reading::Overlap(why) => reporter.report(LeaseState::Overlap(why)),
                Reading::Failed(why) => reporter.report(LeaseState::Unknown(why)),
            }
            sleep(STANDBY_PERIOD).await;
        }
    }

    /// Waits until this shard must stop at once. Returns the reason.
    pub async fn wait_until_included(&self) -> String {
        loop {
            let left = self.checked.until_deadline();
            sleep(RETRY_PERIOD.min(left)).await;
            match self.check().await {
                Reading::Excluded => {}
                Reading::Overlap(why) => return why,
                Reading::Failed(why) if self.checked.until_deadline().is_zero() => {
                    return format!("cannot read {}, which shows who manages the subscriptions: {why}", self.client.title());
                }
                Reading::Failed(why) => tracing::warn!(lease = self.client.path(), error = why, "lease not read, will retry"),
            }
        }
    }

    async fn check(&self) -> Reading {
        let sent_at = Instant::now();
        let read = timeout(REQUEST_TIMEOUT, self.client.get()).await;
        let lease = match read {
            Ok(Ok(lease)) => lease,
            Ok(Err(error)) => return Reading::Failed(chain(&error)),
            Err(_) => return Reading::Failed("Kubernetes does not answer".to_owned()),
        };
        let (title, option) = (self.client.title(), self.shard.needed_option());
        let Some(lease) = lease else {
            return Reading::Overlap(format!("{title} does not exist: start a default shard with {option}"));
        };
        let (theirs, holder) = (Coverage::of(&lease), holder(&lease));
        let overlap = theirs.overlap(&self.shard).join(", ");
        if overlap.is_empty() {
            self.checked.set(sent_at);
            return Reading::Excluded;
        }
        let holder = holder.unwrap_or_else(|| "the last holder".to_owned());
        Reading::Overlap(format!(
            "the default shard does not exclude {overlap}: {holder} of {title} manages {theirs}; start it with {option}"
        ))
    }
}
