//! What is counted of the passes and the objects.
//!
//! Every label is bounded: no name of an object, no tag's name. Every series that can be named begins at zero, since an
//! alert on a counter that is not there yet would miss its first step. What is told of objects is put together when
//! somebody asks, from those that the watch knows: so nothing outlives its object.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::api::v1alpha1::{AttachmentStatus, OperationKind};
use crate::api::{FINALIZER, Reason, SynapseSparkAttachment};
use crate::planner::status::{Pass, between, condition};
use crate::planner::{Fault, FaultKind, Field, Finding, Goal, Step};

type Key = ObjectRef<SynapseSparkAttachment>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decided {
    step: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Where {
    field: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Since {
    since: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    operation: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct Why {
    condition: &'static str,
    reason: &'static str,
}

/// Figures of the controller.
#[derive(Debug)]
pub struct Metrics {
    /// 1 once this process may write. Whoever elects sets it; who has lost an election ends.
    pub leader: Gauge,
    pub(crate) look_interval: Gauge<f64, AtomicU64>,
    pub(crate) panics: Counter,
    pub(crate) pass_errors: Counter,
    pub(crate) watch_errors: Counter,
    passes: Family<Decided, Counter>,
    duration: Histogram,
    to_ready: Family<Since, Histogram>,
    operations: Family<Ended, Histogram>,
    drift_found: Family<Where, Counter>,
    drift_corrected: Family<Where, Counter>,
    objects: Arc<Objects>,
}

/// Azure's operations take from seconds to an hour.
const OPERATION_BOUNDS: [f64; 11] = [1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0];
/// Passes take from a look at what is known to a few calls of Azure.
const PASS_BOUNDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
/// The whole compute is gone: what is no field of it.
const COMPUTE: &str = "compute";

impl Metrics {
    /// Makes them, and makes them known.
    pub fn new(registry: &mut Registry) -> Self {
        let made = Self {
            leader: Gauge::default(),
            look_interval: Gauge::default(),
            panics: Counter::default(),
            pass_errors: Counter::default(),
            watch_errors: Counter::default(),
            passes: Family::default(),
            duration: Histogram::new(PASS_BOUNDS),
            to_ready: Family::new_with_constructor(|| Histogram::new(OPERATION_BOUNDS)),
            operations: Family::new_with_constructor(|| Histogram::new(OPERATION_BOUNDS)),
            drift_found: Family::default(),
            drift_corrected: Family::default(),
            objects: Arc::default(),
        };
        registry.register_collector(Box::new(made.objects.clone()));
        registry.register_with_unit(
            "time_to_ready",
            "From apply to Ready. since=creation: an object's first time, from its creationTimestamp. since=change: from when \
             it was no longer Ready, since the operator saw another spec, or drift. Both stand in the object, so a restart \
             shortens neither",
            Unit::Seconds,
            made.to_ready.clone(),
        );
        registry.register_with_unit(
            "operation_duration",
            "How long Azure was at an attach, an update or a detach, from the request until its end was seen",
            Unit::Seconds,
            made.operations.clone(),
        );
        registry.register(
            "drift_found",
            "Changes by others that were found on settled attachments, by field (compute: it was detached)",
            made.drift_found.clone(),
        );
        registry.register(
            "drift_corrected",
            "Changes by others that were seen to be put right again, by field",
            made.drift_corrected.clone(),
        );
        registry.register_with_unit(
            "look_interval",
            "How often a settled attachment is looked at, as set",
            Unit::Seconds,
            made.look_interval.clone(),
        );
        registry.register("leader", "1 on the replica that may write, 0 on the others", made.leader.clone());
        registry.register("passes", "Passes over an object, by the step that was decided", made.passes.clone());
        registry.register_with_unit("pass_duration", "How long passes took", Unit::Seconds, made.duration.clone());
        registry.register("pass_errors", "Passes that ended early, since Kubernetes refused a write", made.pass_errors.clone());
        registry.register("panics", "Passes that ended in a defect", made.panics.clone());
        registry.register("watch_errors", "Failures of the watch, each tried again", made.watch_errors.clone());
        for step in Step::ALL {
            drop(made.passes.get_or_create(&Decided { step: format!("{step:?}") }));
        }
        for since in ["creation", "change"] {
            drop(made.to_ready.get_or_create(&Since { since }));
        }
        for kind in [OperationKind::Attach, OperationKind::Update, OperationKind::Detach] {
            for outcome in ["success", "failure"] {
                drop(made.operations.get_or_create(&Ended { operation: format!("{kind:?}"), outcome }));
            }
        }
        let tag = Field::Tag(String::new());
        let fields = [Field::Pool, Field::Owner, Field::IdentityType, Field::UserAssigned, Field::Description, tag];
        for field in fields.iter().map(Field::kind).chain([COMPUTE]) {
            drop(made.drift_found.get_or_create(&Where { field }));
            drop(made.drift_corrected.get_or_create(&Where { field }));
        }
        made
    }

    pub(crate) fn passed(&self, step: Step, took: Duration) {
        self.passes.get_or_create(&Decided { step: format!("{step:?}") }).inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// What the watch says of stored objects that do not decode: this one does, or does not.
    pub(crate) fn decodes(&self, object: &impl ResourceExt, does: bool) {
        let mut undecodable = self.objects.undecodable.lock().expect("no holder panics");
        let key = (object.namespace(), object.name_any());
        if does {
            undecodable.remove(&key)
        } else {
            undecodable.insert(key)
        };
    }

    /// The watch begins anew with a list, and will say again which do not decode.
    pub(crate) fn relisted(&self, scope: Option<&str>) {
        let mut undecodable = self.objects.undecodable.lock().expect("no holder panics");
        undecodable.retain(|(namespace, _)| scope.is_some() && namespace.as_deref() != scope);
    }

    /// The watch shows this object.
    pub(crate) fn seen(&self, object: &SynapseSparkAttachment, now: Timestamp) {
        let mut known = self.objects.known.lock().expect("no holder panics");
        let key = ObjectRef::from_obj(object);
        // Others bury it: what is still there of it is none of ours.
        if object.metadata.deletion_timestamp.is_some() && !object.finalizers().iter().any(|one| one == FINALIZER) {
            known.remove(&key);
            return;
        }
        let known = known.entry(key).or_insert_with(|| Known { looked: now, ..Known::default() });
        known.deleted = object.metadata.deletion_timestamp.as_ref().map(|time| time.0);
    }

    /// The watch shows this object no longer.
    pub(crate) fn gone(&self, object: &Key) {
        self.objects.known.lock().expect("no holder panics").remove(object);
    }

    /// Azure was looked at for this object, whatever becomes of the report; as the operator itself, or as another.
    pub(crate) fn looked(&self, object: &SynapseSparkAttachment, pass: &Pass<'_>, as_itself: bool) {
        // A refusal is an answer too; and of a spec that asks for what cannot be, or as nobody, nobody asks.
        let answered = match pass.observed.map(|observed| &observed.compute) {
            Some(Finding::Unknown(Fault { kind: FaultKind::Passing | FaultKind::Throttled(_), .. })) => false,
            Some(Finding::Unknown(Fault { kind: FaultKind::NoCredential, .. })) => !as_itself,
            _ => true,
        };
        let mut all = self.objects.known.lock().expect("no holder panics");
        if let (true, Some(known)) = (answered, all.get_mut(&ObjectRef::from_obj(object))) {
            known.looked = pass.now;
        }
    }

    /// An object had this status, and has that one after a pass.
    pub(crate) fn reported(
        &self,
        object: &SynapseSparkAttachment,
        previous: &AttachmentStatus,
        next: &AttachmentStatus,
        pass: &Pass<'_>,
    ) {
        let now = pass.now;
        if pass.plan.reason == Reason::Attached
            && !is_true(previous, "Ready")
            && let Some((since, from)) = on_its_way(object, previous)
        {
            self.to_ready.get_or_create(&Since { since }).observe(between(from, now).as_secs_f64());
        }
        if let Some((operation, outcome)) = ended(previous, next, pass)
            && let Some(started) = previous.operation.as_ref().map(|operation| operation.started_at.0)
        {
            let ended = Ended { operation: format!("{operation:?}"), outcome };
            self.operations.get_or_create(&ended).observe(between(started, now).as_secs_f64());
        }
        let mut all = self.objects.known.lock().expect("no holder panics");
        // Only the watch adds to them: else an object that went during its last pass would stay.
        let Some(known) = all.get_mut(&ObjectRef::from_obj(object)) else { return };
        for field in drifted(previous, pass) {
            self.drift_found.get_or_create(&Where { field }).inc();
            known.drifted.insert(field);
        }
        if pass.plan.at_goal {
            for field in std::mem::take(&mut known.drifted) {
                self.drift_corrected.get_or_create(&Where { field }).inc();
            }
        }
        let condition_now = ["Ready", "Reconciling", "Stalled"].into_iter().find(|kind| is_true(next, kind)).unwrap_or("None");
        let unready_since =
            (condition_now != "Ready").then(|| condition(next, "Ready").map(|ready| ready.last_transition_time.0));
        known.is = Some((Why { condition: condition_now, reason: pass.plan.reason.as_str() }, unready_since.flatten()));
    }
}

fn is_true(status: &AttachmentStatus, kind: &str) -> bool {
    condition(status, kind).is_some_and(|condition| condition.status == "True")
}

/// Since when an attachment that is Ready now was on its way there, and what put it on its way.
fn on_its_way(object: &SynapseSparkAttachment, previous: &AttachmentStatus) -> Option<(&'static str, Timestamp)> {
    let created = object.creation_timestamp().map(|time| time.0);
    let since = |kind| condition(previous, kind).map(|condition| condition.last_transition_time.0);
    match since("Ready") {
        // It has not been Ready since it was made (`report`).
        ready if ready.is_none() || ready == created => Some(("creation", created?)),
        ready => Some(("change", ready?)),
    }
}

/// The operation of the previous status, if the pass is the first that sees its end.
fn ended(previous: &AttachmentStatus, next: &AttachmentStatus, pass: &Pass<'_>) -> Option<(OperationKind, &'static str)> {
    let operation = previous.operation.as_ref()?;
    let failed = |reason| matches!(reason, Reason::AttachFailed | Reason::DetachFailed | Reason::NotApplied);
    let before = condition(previous, "Stalled").and_then(|stalled| Reason::parse(&stalled.reason));
    let is_absent = matches!(pass.observed, Some(observed) if matches!(observed.compute, Finding::Absent));
    let is_done = match operation.kind {
        OperationKind::Detach => is_absent || pass.plan.step == Step::Release,
        _ => pass.plan.settled,
    };
    match () {
        () if before.is_some_and(failed) => None,
        () if failed(pass.plan.reason) => Some((operation.kind, "failure")),
        () if is_done && next.operation != previous.operation => Some((operation.kind, "success")),
        () => None,
    }
}

/// What somebody else has changed of an attachment that was as asked.
fn drifted(previous: &AttachmentStatus, pass: &Pass<'_>) -> BTreeSet<&'static str> {
    let is_settled = previous.observed_generation == pass.generation && is_true(previous, "Ready");
    let (true, Some(Goal::Attached(_)), Some(observed)) = (is_settled, pass.goal, pass.observed) else { return BTreeSet::new() };
    let is_gone = matches!(observed.compute, Finding::Absent);
    pass.plan.drift.iter().map(|drift| drift.field.kind()).chain(is_gone.then_some(COMPUTE)).collect()
}

/// What is known of the objects that there are.
#[derive(Debug, Default)]
struct Objects {
    known: Mutex<HashMap<Key, Known>>,
    undecodable: Mutex<HashSet<(Option<String>, String)>>,
}

#[derive(Debug, Default)]
struct Known {
    /// What its last pass said of it, and since when it is not Ready.
    is: Option<(Why, Option<Timestamp>)>,
    deleted: Option<Timestamp>,
    looked: Timestamp,
    drifted: BTreeSet<&'static str>,
}

impl Collector for Objects {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let now = Timestamp::now();
        let longest = |of: &mut dyn Iterator<Item = Timestamp>| of.min().map_or(0.0, |since| between(since, now).as_secs_f64());
        let known = self.known.lock().expect("no holder panics");
        // A cluster without any attachment shows a zero.
        let healthy = Why { condition: "Ready", reason: Reason::Attached.as_str() };
        let mut reasons: BTreeMap<&Why, Vec<Timestamp>> = BTreeMap::from([(&healthy, Vec::new())]);
        let mut counts: BTreeMap<&Why, u64> = BTreeMap::from([(&healthy, 0)]);
        for (why, unready_since) in known.values().filter_map(|known| known.is.as_ref()) {
            *counts.entry(why).or_default() += 1;
            reasons.entry(why).or_default().extend(unready_since);
        }
        let mut attachments = encoder.encode_descriptor(
            "attachments",
            "Objects, by the reason that they give and the condition that is True: Ready, Reconciling, Stalled, or None.",
            None,
            MetricType::Gauge,
        )?;
        for (why, count) in counts {
            ConstGauge::new(count).encode(attachments.encode_family(why)?)?;
        }
        let mut unready = encoder.encode_descriptor(
            "longest_unready",
            "For how long, at most, an object of this condition and reason has not been Ready; 0 where they are.",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        for (why, since) in reasons {
            ConstGauge::new(longest(&mut since.into_iter())).encode(unready.encode_family(why)?)?;
        }
        let mut gauge = |name: &str, help: &str, unit: Option<&Unit>, value: f64| {
            ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?)
        };
        gauge(
            "longest_deleting",
            "How long ago the oldest object that waits for its end was deleted; 0 without one.",
            Some(&Unit::Seconds),
            longest(&mut known.values().filter_map(|known| known.deleted)),
        )?;
        gauge(
            "look_age",
            "How long ago, at most, Azure last answered for an object; 0 without objects.",
            Some(&Unit::Seconds),
            longest(&mut known.values().map(|known| known.looked)),
        )?;
        let undecodable = u32::try_from(self.undecodable.lock().expect("no holder panics").len()).unwrap_or(u32::MAX);
        gauge("undecodable_objects", "Stored objects that cannot be decoded and are left alone.", None, undecodable.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::goal::Invalid;
    use crate::planner::{Observed, Plan, Words};

    #[test]
    fn a_token_that_only_a_namespace_misses_is_no_missing_answer() {
        let metrics = Metrics::new(&mut Registry::default());
        let object = SynapseSparkAttachment::new("o", crate::api::v1alpha1::SynapseSparkAttachmentSpec::default());
        let plan = Plan::refusing(&Invalid { field: "spec", why: String::new() });
        let now = Timestamp::UNIX_EPOCH + Duration::from_hours(1);
        #[rustfmt::skip]
        let table = [
            // what failed              as the operator itself, an answer
            (FaultKind::NoCredential,   true,                   false),
            (FaultKind::NoCredential,   false,                  true),
            (FaultKind::Passing,        true,                   false),
            (FaultKind::Passing,        false,                  false),
            (FaultKind::Unauthorized,   true,                   true),
        ];
        for (kind, as_itself, answers) in table {
            metrics.seen(&object, Timestamp::UNIX_EPOCH);
            let observed = Observed {
                claimed: true,
                elder: None,
                compute: Finding::Unknown(Fault { kind, words: Words::default() }),
                operation: None,
                applied: None,
                asked: false,
                trouble: None,
                failing_for: Duration::ZERO,
                waiting_for: Duration::ZERO,
                behind: crate::planner::Behind::default(),
            };
            let (goal, written, generation, requested) = (None, None, None, None);
            let pass = Pass { goal, observed: Some(&observed), plan: &plan, written, generation, requested, now };
            metrics.looked(&object, &pass, as_itself);
            let looked = metrics.objects.known.lock().expect("no holder panics").values().next().expect("it was seen").looked;
            assert_eq!(looked == now, answers, "{kind:?}, as itself: {as_itself}");
            metrics.gone(&ObjectRef::from_obj(&object));
        }
    }
}
