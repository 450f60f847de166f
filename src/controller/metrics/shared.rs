//! What several metrics are computed with.

use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::histogram::Histogram;

use crate::api::v1alpha1::AttachmentStatus;
use crate::planner::status::condition;
use crate::planner::status::time::elapsed;

/// Azure's operations take from seconds to an hour.
const OPERATION_BOUNDS: [f64; 11] = [1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0];

/// A histogram of durations that Azure's operations take.
pub(super) fn operation_histogram() -> Histogram {
    Histogram::new(OPERATION_BOUNDS)
}

/// Whether a condition is true.
pub(super) fn is_true(status: &AttachmentStatus, kind: &str) -> bool {
    condition(status, kind).is_some_and(|condition| condition.status == "True")
}

/// The time from one to the other; zero if a clock was set back.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    elapsed(from, to).unwrap_or_default()
}
