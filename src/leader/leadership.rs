//! Whether this process may write to Azure.

use std::time::Duration;

use super::default_shard::DefaultShardLease;
use super::held::HeldLease;
use super::renewal::Renewal;

/// Whether this process may write to Azure. Cheap to clone; to be checked right before each write.
#[derive(Clone)]
pub struct Leadership {
    renewals: Vec<Renewal>,
}

impl Leadership {
    /// Leads while all these Leases are held. Without any Lease (leader election is off), it always leads.
    #[must_use]
    pub fn of(leases: &[HeldLease]) -> Self {
        Self { renewals: leases.iter().map(HeldLease::renewal).collect() }
    }

    /// And while the default shard excludes the subscriptions of this shard.
    #[must_use]
    pub fn while_excluded_by(mut self, default_shard: &DefaultShardLease) -> Self {
        self.renewals.push(default_shard.renewal());
        self
    }

    /// How long a write to Azure that starts now may take: no other process can acquire a Lease before. None if no
    /// write may start, because the last renewal is [`RENEW_DEADLINE`](super::timing::RENEW_DEADLINE) ago or longer.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.renewals.iter().try_fold(Duration::MAX, |left, renewal| Some(left.min(renewal.time_left()?)))
    }
}
