//! The last version of a Lease that a standby has read, and since when it has not changed.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;
use tokio::time::Instant;

use super::lease::{LeaseClient, holder};
use super::timing::LEASE_DURATION;

/// A Lease that names a longer duration expires after this: no version of the operator needs more, and others may write a Lease.
const LONGEST_DURATION: Duration = Duration::from_mins(1);

/// The last version of a Lease that a standby has read, and since when it has not changed.
///
/// A Lease that is deleted still counts as held by the last holder that was seen: it may still run and not have noticed the
/// deletion yet. It may have renewed the Lease until the moment of the deletion, so its time begins when this process
/// finds the Lease missing.
#[derive(Default)]
pub(super) struct LastSeen(Option<Seen>);

struct Seen {
    /// None if the Lease was missing.
    version: Option<String>,
    /// The last holder that was seen, if it is another process.
    other_holder: Option<String>,
    duration: Duration,
    since: Instant,
}

impl LastSeen {
    /// Records what Kubernetes has just answered. Returns the other process that may still hold the Lease, if there is one.
    ///
    /// The time of a version begins with the answer and not with the request: the holder may have renewed the Lease while the
    /// request was on its way.
    pub(super) fn record(&mut self, client: &LeaseClient, lease: Option<&Lease>) -> Option<&str> {
        let version = lease.and_then(ResourceExt::resource_version);
        if self.0.as_ref().is_none_or(|seen| seen.version != version) {
            let (other_holder, duration) = match (lease, self.0.take()) {
                (Some(lease), _) => (holder(lease).filter(|holder| !client.is_own(holder)), duration(lease)),
                (None, Some(before)) => (before.other_holder, before.duration),
                (None, None) => (None, LEASE_DURATION),
            };
            self.0 = Some(Seen { version, other_holder, duration, since: Instant::now() });
        }
        let seen = self.0.as_ref()?;
        let is_expired = seen.since.elapsed() >= seen.duration;
        seen.other_holder.as_deref().filter(|_| !is_expired)
    }
}

/// After which time without a renewal a Lease expires.
fn duration(lease: &Lease) -> Duration {
    let seconds = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
    let named = seconds.and_then(|seconds| u64::try_from(seconds).ok()).map_or(LEASE_DURATION, Duration::from_secs);
    named.min(LONGEST_DURATION)
}
