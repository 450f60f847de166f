//! How many objects are due and wait for their reconcile, computed at each scrape.

use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::controller::ticks::Ticks;

/// The queue of the leader. A standby has none, and shows 0.
#[derive(Debug, Default)]
pub(super) struct Queue(OnceLock<Arc<Ticks>>);

impl Queue {
    pub(super) fn watch(&self, ticks: &Arc<Ticks>) {
        // A process has one queue.
        let _ = self.0.set(ticks.clone());
    }
}

impl Collector for Queue {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let depth = self.0.get().map_or(0, |ticks| ticks.waiting());
        let help = "Objects that are due to be reconciled and wait until a reconcile can begin.";
        let encoder = encoder.encode_descriptor("reconcile_queue_depth", help, None, MetricType::Gauge)?;
        ConstGauge::new(u64::try_from(depth).unwrap_or(u64::MAX)).encode(encoder)
    }
}
