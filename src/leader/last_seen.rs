//! What a standby has seen of a Lease, and since when it has not changed.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;
use tokio::time::Instant;

use super::lease::holder;
use super::timing::LEASE_DURATION;

/// What a standby has seen of a Lease, and since when it has not changed.
#[derive(Default)]
pub(super) struct LastSeen(Option<Seen>);

struct Seen {
    version: Option<String>,
    holder: Option<String>,
    duration: Duration,
    since: Instant,
}

impl LastSeen {
    /// Records what Kubernetes answered at `now`. Gives the holder of the Lease, unless the Lease has expired.
    pub(super) fn record(&mut self, lease: &Lease, now: Instant) -> Option<&str> {
        let version = lease.resource_version();
        if self.0.as_ref().is_none_or(|seen| seen.version != version) {
            self.0 = Some(Seen { version, holder: holder(lease), duration: duration(lease), since: now });
        }
        let seen = self.0.as_ref()?;
        let is_expired = now.duration_since(seen.since) >= seen.duration;
        seen.holder.as_deref().filter(|_| !is_expired)
    }
}

/// After which time without a renewal a Lease expires.
fn duration(lease: &Lease) -> Duration {
    let seconds = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
    seconds.and_then(|seconds| u64::try_from(seconds).ok()).map_or(LEASE_DURATION, Duration::from_secs)
}
