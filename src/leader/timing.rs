//! The durations of leader election. The first three have the names and the defaults of client-go's.

use std::time::Duration;

/// A Lease that its holder does not renew expires after this time.
pub const LEASE_DURATION: Duration = Duration::from_secs(15);
/// A lease holder that could not renew its Lease for this time stops leading.
pub const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// The lease holder renews its Lease this often.
pub const RETRY_PERIOD: Duration = Duration::from_secs(2);
/// One request for a renewal takes no longer than this, so that several fit before [`RENEW_DEADLINE`].
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// A standby reads the Lease this often. It bounds how long a handover takes.
pub(super) const STANDBY_PERIOD: Duration = Duration::from_secs(1);
