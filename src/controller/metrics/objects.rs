//! Metrics of the objects in the watch, computed at each scrape.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use jiff::Timestamp;
use kube::ResourceExt;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::shared::{between, is_true};
use super::spark_versions;
use crate::api::v1alpha1::AttachmentStatus;
use crate::api::{Reason, SynapseSparkAttachment};
use crate::controller::key::{Key, key_of};
use crate::planner::status::condition;
use crate::planner::{Cause, Fault, FaultKind, Finding, Report};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct Labels {
    condition: &'static str,
    reason: &'static str,
}

/// The label with the namespace of objects. Not `namespace`, which Prometheus sets to that of the operator's pod: whether ours
/// would survive that depends on how it is scraped.
const NAMESPACE: &str = "attachment_namespace";

/// The namespace of some objects; none where it is not shown.
type Namespace<'a> = Option<&'a str>;

type ByNamespace<'a> = BTreeMap<Namespace<'a>, Vec<&'a Known>>;

/// The type of the condition.
const SAFETY_STOP: &str = "SafetyStop";

/// The labels of an attachment that is Ready: their series exist in a cluster without attachments too, and are 0.
const HEALTHY: Labels = Labels { condition: "Ready", reason: Reason::Attached.as_str() };

/// The objects that the watch shows.
#[derive(Debug, Default)]
pub(super) struct Objects {
    known: Mutex<HashMap<Key, Known>>,
    undecodable: Mutex<HashSet<(Option<String>, String)>>,
    /// Whether the namespace of objects is a label.
    shows_namespaces: AtomicBool,
}

#[derive(Debug, Default)]
pub(super) struct Known {
    /// What its last reconcile reported, and since when it is not Ready.
    reported: Option<(Labels, Option<Timestamp>)>,
    deleted: Option<Timestamp>,
    last_observation: Timestamp,
    /// Whether its condition `SafetyStop` is True.
    is_stopped: bool,
    /// The version of Spark of its pool.
    spark_version: Option<&'static str>,
    /// The fields with drift that the operator has not corrected yet.
    pub(super) drifted: BTreeSet<&'static str>,
    /// When its compute was attached, while its role is not assigned yet.
    pub(super) attached_at: Option<Timestamp>,
}

impl Known {
    pub(super) fn show(&mut self, status: &AttachmentStatus, reason: Reason) {
        let shown = ["Ready", "Reconciling", "Stalled"].into_iter().find(|kind| is_true(status, kind)).unwrap_or("None");
        let ready = condition(status, "Ready").filter(|_| shown != "Ready");
        let labels = Labels { condition: shown, reason: reason.as_str() };
        self.is_stopped = is_true(status, SAFETY_STOP);
        self.spark_version = spark_versions::shown(status);
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
        known.spark_version = object.status.as_ref().and_then(spark_versions::shown);
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

    pub(super) fn show_namespaces(&self, are_shown: bool) {
        self.shows_namespaces.store(are_shown, Ordering::Relaxed);
    }

    /// The objects, by the namespace that is shown. If none is shown, all objects are together, even if there are none.
    fn by_namespace<'a>(&self, known: &'a HashMap<Key, Known>) -> ByNamespace<'a> {
        let mut all = ByNamespace::new();
        if !self.shows_namespaces.load(Ordering::Relaxed) {
            all.insert(None, known.values().collect());
            return all;
        }
        for (key, known) in known {
            all.entry(Some(key.namespace())).or_default().push(known);
        }
        all
    }
}

/// What the objects of a namespace show, by condition and reason: how many there are, and how long one has not been Ready.
fn by_reason(objects: &[&Known], now: Timestamp) -> BTreeMap<Labels, (u64, f64)> {
    let mut all = BTreeMap::from([(HEALTHY, (0, 0.0))]);
    for (labels, since) in objects.iter().filter_map(|known| known.reported.as_ref()) {
        let (count, longest): &mut (u64, f64) = all.entry(*labels).or_default();
        *count += 1;
        *longest = longest.max(since.map_or(0.0, |since| between(since, now).as_secs_f64()));
    }
    all
}

fn number(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}

fn encode_by_reason(encoder: &mut DescriptorEncoder<'_>, namespaces: &ByNamespace<'_>, now: Timestamp) -> fmt::Result {
    let all = namespaces.iter().map(|(namespace, objects)| (namespace.map(|one| (NAMESPACE, one)), by_reason(objects, now)));
    let all: Vec<_> =
        all.flat_map(|(namespace, all)| all.into_iter().map(move |(labels, shown)| (labels, namespace, shown))).collect();
    let help = "Attachments, by the condition that is True (Ready, Reconciling, Stalled or None) and its reason.";
    let mut family = encoder.encode_descriptor("attachments", help, None, MetricType::Gauge)?;
    for (labels, namespace, (count, _)) in &all {
        ConstGauge::new(*count).encode(family.encode_family(&(*labels, namespace.as_slice()))?)?;
    }
    let help = "The longest time that an attachment with this condition and reason has not been Ready; 0 if it is Ready.";
    let mut family = encoder.encode_descriptor("longest_unready", help, Some(&Unit::Seconds), MetricType::Gauge)?;
    for (labels, namespace, (_, longest)) in &all {
        ConstGauge::new(*longest).encode(family.encode_family(&(*labels, namespace.as_slice()))?)?;
    }
    Ok(())
}

/// One value for all objects, or one for each namespace that is shown.
fn encode_each(mut metric: MetricEncoder<'_>, all: &ByNamespace<'_>, value: impl Fn(&[&Known]) -> f64) -> fmt::Result {
    if let Some(objects) = all.get(&None) {
        return ConstGauge::new(value(objects)).encode(metric);
    }
    for (namespace, objects) in all {
        let label = namespace.map(|one| (NAMESPACE, one));
        ConstGauge::new(value(objects)).encode(metric.encode_family(&label.as_slice())?)?;
    }
    Ok(())
}

impl Collector for Objects {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (now, known) = (Timestamp::now(), self.known());
        let namespaces = self.by_namespace(&known);
        encode_by_reason(&mut encoder, &namespaces, now)?;
        let age = |oldest: Option<Timestamp>| oldest.map_or(0.0, |since| between(since, now).as_secs_f64());
        let help = "The longest time since the deletion of an attachment that still has the operator's finalizer; 0 without one.";
        let deleting = encoder.encode_descriptor("longest_deleting", help, Some(&Unit::Seconds), MetricType::Gauge)?;
        encode_each(deleting, &namespaces, |objects| age(objects.iter().filter_map(|known| known.deleted).min()))?;
        let help = "Attachments whose condition SafetyStop is True.";
        let stops = encoder.encode_descriptor("safety_stops", help, None, MetricType::Gauge)?;
        encode_each(stops, &namespaces, |objects| number(objects.iter().filter(|known| known.is_stopped).count()))?;
        spark_versions::encode(&mut encoder, known.values().filter_map(|known| known.spark_version), now)?;
        let mut gauge = |name: &str, help: &str, unit: Option<&Unit>, value: f64| {
            ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?)
        };
        gauge(
            "last_observation_age",
            "The longest time since Azure last answered for an attachment; 0 without attachments.",
            Some(&Unit::Seconds),
            age(known.values().map(|known| known.last_observation).min()),
        )?;
        let undecodable = number(self.undecodable().len());
        gauge("undecodable_objects", "Stored objects that the operator skips because it cannot decode them.", None, undecodable)
    }
}
