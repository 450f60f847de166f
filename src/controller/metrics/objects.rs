//! Metrics of the objects in the watch, computed at each scrape.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard};

use jiff::Timestamp;
use kube::ResourceExt;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::shared::{between, is_true};
use crate::api::v1alpha1::AttachmentStatus;
use crate::api::{Reason, SynapseSparkAttachment};
use crate::controller::key::{Key, key_of};
use crate::planner::status::condition;
use crate::planner::{Cause, Fault, FaultKind, Finding, Report};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct Labels {
    condition: &'static str,
    reason: &'static str,
}

/// The type of the condition.
const SAFETY_STOP: &str = "SafetyStop";

/// The labels of an attachment that is Ready: their series exist in a cluster without attachments too, and are 0.
const HEALTHY: Labels = Labels { condition: "Ready", reason: Reason::Attached.as_str() };

/// The objects that the watch shows.
#[derive(Debug, Default)]
pub(super) struct Objects {
    known: Mutex<HashMap<Key, Known>>,
    undecodable: Mutex<HashSet<(Option<String>, String)>>,
}

#[derive(Debug, Default)]
pub(super) struct Known {
    /// What its last reconcile reported, and since when it is not Ready.
    reported: Option<(Labels, Option<Timestamp>)>,
    deleted: Option<Timestamp>,
    last_observation: Timestamp,
    /// Whether its condition `SafetyStop` is True.
    is_stopped: bool,
    /// The fields with drift that the operator has not corrected yet.
    pub(super) drifted: BTreeSet<&'static str>,
}

impl Known {
    pub(super) fn show(&mut self, status: &AttachmentStatus, reason: Reason) {
        let shown = ["Ready", "Reconciling", "Stalled"].into_iter().find(|kind| is_true(status, kind)).unwrap_or("None");
        let ready = condition(status, "Ready").filter(|_| shown != "Ready");
        let labels = Labels { condition: shown, reason: reason.as_str() };
        self.is_stopped = is_true(status, SAFETY_STOP);
        self.reported = Some((labels, ready.map(|ready| ready.last_transition_time.0)));
    }
}

impl Objects {
    pub(super) fn known(&self) -> MutexGuard<'_, HashMap<Key, Known>> {
        self.known.lock().expect("no holder panics")
    }

    fn undecodable(&self) -> MutexGuard<'_, HashSet<(Option<String>, String)>> {
        self.undecodable.lock().expect("no holder panics")
    }

    pub(super) fn decodes(&self, object: &impl ResourceExt, does: bool) {
        let key = (object.namespace(), object.name_any());
        if does {
            self.undecodable().remove(&key)
        } else {
            self.undecodable().insert(key)
        };
    }

    pub(super) fn is_undecodable(&self, namespace: &str, name: &str) -> bool {
        let undecodable = self.undecodable();
        !undecodable.is_empty() && undecodable.contains(&(Some(namespace.to_owned()), name.to_owned()))
    }

    pub(super) fn relisted(&self, scope: Option<&str>) {
        self.undecodable().retain(|(namespace, _)| scope.is_some() && namespace.as_deref() != scope);
    }

    pub(super) fn seen(&self, object: &SynapseSparkAttachment, now: Timestamp) {
        let key = key_of(object);
        // Without our finalizer, a deleted object waits for the finalizers of others.
        if object.metadata.deletion_timestamp.is_some() && !object.has_finalizer() {
            self.known().remove(&key);
            return;
        }
        let mut known = self.known();
        let known = known.entry(key).or_insert_with(|| Known { last_observation: now, ..Known::default() });
        known.is_stopped = object.status.as_ref().is_some_and(|status| is_true(status, SAFETY_STOP));
        known.deleted = object.metadata.deletion_timestamp.as_ref().map(|time| time.0);
    }

    pub(super) fn gone(&self, object: &Key) {
        self.known().remove(object);
    }

    pub(super) fn observed(&self, object: &SynapseSparkAttachment, report: &Report<'_>, as_itself: bool) {
        if matches!(report.decision.cause, Cause::Queued(_)) {
            return;
        }
        // A rejection is an answer too. An invalid spec, or one without a usable ServiceAccount, is not observed at all.
        let answered = match report.observed.map(|observed| &observed.compute) {
            Some(Finding::Unknown(Fault { kind, .. })) if !kind.is_answer() && *kind != FaultKind::Conflict => false,
            Some(Finding::Unknown(Fault { kind: FaultKind::Unauthenticated, .. })) => !as_itself,
            _ => true,
        };
        if let (true, Some(known)) = (answered, self.known().get_mut(&key_of(object))) {
            known.last_observation = report.now;
        }
    }

    fn encode_by_reason(&self, encoder: &mut DescriptorEncoder<'_>, now: Timestamp) -> fmt::Result {
        let known = self.known();
        let mut counts: BTreeMap<&Labels, u64> = BTreeMap::from([(&HEALTHY, 0)]);
        let mut unready: BTreeMap<&Labels, f64> = BTreeMap::from([(&HEALTHY, 0.0)]);
        for (labels, since) in known.values().filter_map(|known| known.reported.as_ref()) {
            *counts.entry(labels).or_default() += 1;
            let longest = unready.entry(labels).or_default();
            *longest = longest.max(since.map_or(0.0, |since| between(since, now).as_secs_f64()));
        }
        let help = "Attachments, by the condition that is True (Ready, Reconciling, Stalled or None) and its reason.";
        let mut attachments = encoder.encode_descriptor("attachments", help, None, MetricType::Gauge)?;
        for (labels, count) in counts {
            ConstGauge::new(count).encode(attachments.encode_family(labels)?)?;
        }
        let help = "The longest time that an attachment with this condition and reason has not been Ready; 0 if it is Ready.";
        let mut longest = encoder.encode_descriptor("longest_unready", help, Some(&Unit::Seconds), MetricType::Gauge)?;
        for (labels, time) in unready {
            ConstGauge::new(time).encode(longest.encode_family(labels)?)?;
        }
        Ok(())
    }
}

impl Collector for Objects {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let now = Timestamp::now();
        self.encode_by_reason(&mut encoder, now)?;
        let known = self.known();
        let age = |oldest: Option<Timestamp>| oldest.map_or(0.0, |since| between(since, now).as_secs_f64());
        let mut gauge = |name: &str, help: &str, unit: Option<&Unit>, value: f64| {
            ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?)
        };
        gauge(
            "longest_deleting",
            "The longest time since the deletion of an attachment that still has the operator's finalizer; 0 without one.",
            Some(&Unit::Seconds),
            age(known.values().filter_map(|known| known.deleted).min()),
        )?;
        gauge(
            "last_observation_age",
            "The longest time since Azure last answered for an attachment; 0 without attachments.",
            Some(&Unit::Seconds),
            age(known.values().map(|known| known.last_observation).min()),
        )?;
        let stopped = u32::try_from(known.values().filter(|known| known.is_stopped).count()).unwrap_or(u32::MAX);
        gauge("safety_stops", "Attachments whose condition SafetyStop is True.", None, stopped.into())?;
        let undecodable = u32::try_from(self.undecodable().len()).unwrap_or(u32::MAX);
        gauge(
            "undecodable_objects",
            "Stored objects that the operator skips because it cannot decode them.",
            None,
            undecodable.into(),
        )
    }
}
