//! Which versions of Spark the attached pools have, and how long each is supported: by version, and never by object.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::api::v1alpha1::AttachmentStatus;
use crate::spark_versions::{ALL, day_of, lifecycle};

#[derive(Debug, Clone, Copy, EncodeLabelSet)]
struct Version {
    spark_version: &'static str,
}

/// The label of all versions whose dates are not known.
const OTHER: &str = "other";

/// The label of the version that a status shows; none if it shows none.
pub(super) fn shown(status: &AttachmentStatus) -> Option<&'static str> {
    let version = status.pool.as_ref()?.spark_version.as_deref()?;
    Some(lifecycle(version).map_or(OTHER, |one| one.version))
}

/// Encodes the days until the end of support of each version, and how many attachments have it.
pub(super) fn encode(
    encoder: &mut DescriptorEncoder<'_>,
    attached: impl Iterator<Item = &'static str>,
    now: Timestamp,
) -> fmt::Result {
    let help = "Days until the last day on which Microsoft supports this version of Spark in Azure Synapse; negative after it.";
    let mut family = encoder.encode_descriptor("spark_version_days_left", help, None, MetricType::Gauge)?;
    for one in ALL {
        let days = i64::from(one.days_left(day_of(now)));
        ConstGauge::new(days).encode(family.encode_family(&Version { spark_version: one.version })?)?;
    }
    let mut counts = BTreeMap::<_, u64>::new();
    for one in attached {
        *counts.entry(one).or_default() += 1;
    }
    let help =
        "Attachments whose pool has this version of Spark, as their status shows it (other: the end of its support is unknown).";
    let mut family = encoder.encode_descriptor("spark_version_attachments", help, None, MetricType::Gauge)?;
    for spark_version in ALL.iter().map(|one| one.version).chain([OTHER]) {
        let count = counts.get(spark_version).copied().unwrap_or_default();
        ConstGauge::new(count).encode(family.encode_family(&Version { spark_version })?)?;
    }
    Ok(())
}
