//! How many computes have no object any more, computed at each scrape: what the last LIST of a workspace showed expires.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use tokio::time::Instant;

use crate::resource_id::WorkspaceId;

/// The orphaned computes of each workspace that has some, and until when that count holds.
#[derive(Debug, Default)]
pub(super) struct Orphans(Mutex<HashMap<WorkspaceId, (usize, Instant)>>);

impl Orphans {
    pub(super) fn set(&self, workspace: &WorkspaceId, count: usize, until: Instant) {
        let mut all = self.0.lock().expect("no holder panics");
        if count == 0 {
            all.remove(workspace);
        } else {
            all.insert(workspace.clone(), (count, until));
        }
    }
}

impl Collector for Orphans {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let now = Instant::now();
        let mut all = self.0.lock().expect("no holder panics");
        all.retain(|_, (_, until)| *until >= now);
        let count = all.values().map(|(count, _)| count).sum::<usize>();
        let help =
            "Computes with an owner tag of this cluster whose object does not exist, in workspaces that the operator lists.";
        let encoder = encoder.encode_descriptor("orphaned_computes", help, None, MetricType::Gauge)?;
        ConstGauge::new(u64::try_from(count).unwrap_or(u64::MAX)).encode(encoder)
    }
}
