//! A standby: a process that waits for a Lease.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use tokio::time::{Instant, sleep, timeout};

use super::coverage::Coverage;
use super::held::HeldLease;
use super::last_seen::LastSeen;
use super::lease::LeaseClient;
use super::state::{LeaseState, StateReporter};
use super::timing::{RENEW_DEADLINE, STANDBY_PERIOD};
use crate::error_chain::chain;

/// A candidate for a Lease.
pub struct Candidate {
    client: LeaseClient,
    last_seen: LastSeen,
    /// Whether this process manages subscriptions that an earlier holder left to shards.
    includes_more: bool,
}

/// The result of one attempt to acquire a Lease.
enum Attempt {
    Acquired(Box<Lease>),
    HeldBy(String),
    /// Held by an operator that manages other subscriptions than this one.
    Overlap(String),
    /// Kubernetes forbids it, or the namespace does not exist.
    Refused(kube::Error),
    /// Kubernetes did not answer, or failed.
    Failed(String),
}

impl Candidate {
    /// A candidate for this Lease that has not read it yet.
    #[must_use]
    pub fn new(client: LeaseClient) -> Self {
        Self { client, last_seen: LastSeen::default(), includes_more: false }
    }

    /// The namespace of the Lease.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.client.namespace()
    }

    /// Its namespace and name, by which Leases are ordered.
    pub(super) fn path(&self) -> String {
        self.client.path()
    }

    /// Waits until this process holds the Lease. Calls `on_change` each time that the state of the Lease changes.
    ///
    /// # Errors
    ///
    /// The candidate, if Kubernetes has refused the Lease for `patience`: a permission or the namespace is missing.
    pub async fn acquire(
        mut self,
        patience: Option<Duration>,
        on_change: impl Fn(&str, LeaseState),
    ) -> Result<HeldLease, Box<Self>> {
        let mut reporter = StateReporter::new(self.client.title(), on_change);
        let mut refused_since: Option<Instant> = None;
        loop {
            let sent_at = Instant::now();
            let attempt = self.attempt().await;
            refused_since = matches!(attempt, Attempt::Refused(_)).then(|| refused_since.unwrap_or(sent_at));
            let state = match attempt {
                Attempt::Acquired(lease) => {
                    reporter.report(LeaseState::Held);
                    let held = HeldLease::new(self.client, *lease, sent_at);
                    return Ok(if self.includes_more { held.after_shards() } else { held });
                }
                Attempt::HeldBy(holder) => LeaseState::HeldBy(holder),
                Attempt::Overlap(why) => LeaseState::Overlap(why),
                Attempt::Refused(error) => LeaseState::Unknown(chain(&error)),
                Attempt::Failed(why) => LeaseState::Unknown(why),
            };
            reporter.report(state);
            if let (Some(patience), Some(since)) = (patience, refused_since)
                && since.elapsed() >= patience
            {
                return Err(Box::new(self));
            }
            sleep(STANDBY_PERIOD).await;
        }
    }

    async fn attempt(&mut self) -> Attempt {
        match timeout(RENEW_DEADLINE, self.acquire_if_free()).await {
            Ok(Ok(attempt)) => attempt,
            Ok(Err(error)) if matches!(&error, kube::Error::Api(status) if matches!(status.code, 403 | 404)) => {
                Attempt::Refused(error)
            }
            Ok(Err(error)) => Attempt::Failed(chain(&error)),
            Err(_) => Attempt::Failed("Kubernetes does not answer".to_owned()),
        }
    }

    async fn acquire_if_free(&mut self) -> Result<Attempt, kube::Error> {
        let lease = self.client.get().await?;
        let theirs = lease.as_ref().map(Coverage::of);
        if let Some(holder) = self.last_seen.record(&self.client, lease.as_ref()) {
            return Ok(held_by(holder, theirs.as_ref(), self.client.coverage()));
        }
        // An attempt whose answer was lost has replaced the annotations already.
        self.includes_more |= theirs.is_some_and(|former| self.client.coverage().includes_more_than(&former));
        conflict_is_held(match lease {
            // The Lease is free, or it is ours already: an earlier write succeeded, and its answer was lost.
            Some(lease) => self.client.hold(lease).await,
            None => self.client.create().await,
        })
    }
}

/// A standby of the same operator manages the same subscriptions.
fn held_by(holder: &str, theirs: Option<&Coverage>, own: &Coverage) -> Attempt {
    match theirs.filter(|theirs| *theirs != own) {
        None => Attempt::HeldBy(holder.to_owned()),
        Some(theirs) => Attempt::Overlap(format!("{holder} manages {theirs}, and this operator would manage {own}")),
    }
}

/// Of two processes that acquire a free Lease at the same time, one gets a conflict.
fn conflict_is_held(written: Result<Lease, kube::Error>) -> Result<Attempt, kube::Error> {
    match written {
        Ok(lease) => Ok(Attempt::Acquired(Box::new(lease))),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(Attempt::HeldBy("another process".to_owned())),
        Err(error) => Err(error),
    }
}
