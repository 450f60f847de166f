//! Runs the real `decide` and the real `status` over everything, and keeps one object of each state that comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};
use synapse_spark_operator::api::v1alpha1::AttachmentStatus;
use synapse_spark_operator::api::{Reason, SynapseSparkAttachment};
use synapse_spark_operator::planner::outputs::Done;
use synapse_spark_operator::planner::status::outputs::{CONDITION, with_outputs};
use synapse_spark_operator::planner::status::report::ObjectMeta;
use synapse_spark_operator::planner::status::{condition, status};
use synapse_spark_operator::planner::{
    Cause, Decision, Finding, Goal, ObjectState, Observed, PoolReference, Progress, Report, decide,
};

use crate::builders;
use crate::catalogue::{Shown, Wish};
use crate::computes::ours;
use crate::faults::faults;
use crate::observations::{observations, recorded};
use crate::outcomes::outcomes;
use crate::specs::{CLUSTER, GENERATION, object, specs};

/// A reason, with the goal and the state of the conditions.
pub type State = (Reason, Wish, Shown);

/// All that comes out.
#[derive(Default)]
pub struct Found {
    /// One object of each state.
    pub states: BTreeMap<State, SynapseSparkAttachment>,
    /// The conditions other than those of kstatus: type, status, reason.
    pub others: BTreeSet<(String, String, String)>,
    /// The paths of values of a status that are null, an empty object or an empty list.
    pub empty: BTreeSet<String>,
}

/// All that comes out of all objects.
pub static FOUND: LazyLock<Found> = LazyLock::new(|| {
    let mut found = Found::default();
    let (before, ready) = (was_ready(GENERATION - 1), was_ready(GENERATION));
    let unknown = was_unknown(&ready);
    for (at, previous) in [AttachmentStatus::default(), before, ready, unknown].iter().enumerate() {
        let observations = observations(previous);
        for wish in Wish::ALL {
            // A deletion is a generation of its own, in which nothing was Ready yet.
            let can_precede = wish != Wish::Deleted || previous.observed_generation != Some(GENERATION);
            // The former generation and an unknown state make no difference between specs: the usual one is enough.
            let is_usual_enough = wish != Wish::Deleted && at % 2 == 1;
            let specs = specs(wish);
            for spec in specs.iter().filter(|_| can_precede).take(if is_usual_enough { 1 } else { specs.len() }) {
                found.drive(&object(wish, spec), previous, (wish, &observations));
            }
        }
    }
    found
});

fn was_ready(generation: i64) -> AttachmentStatus {
    let goal = Goal::of(&object(Wish::Attached, &json!({})), CLUSTER).expect("a valid spec");
    let observed = builders::seen(true, Finding::Present(ours(Progress::Succeeded)));
    let decision = decide(&goal, &observed);
    assert_eq!(decision.cause, Cause::Attached);
    let object = ObjectMeta { generation: Some(generation), ..ObjectMeta::default() };
    let now = builders::now().checked_sub(Duration::from_mins(30)).expect("a time");
    let report = Report { object, now, ..report(Some(&goal), Some(&observed), &decision) };
    status(&AttachmentStatus::default(), &report)
}

fn was_unknown(ready: &AttachmentStatus) -> AttachmentStatus {
    let goal = Goal::of(&object(Wish::Attached, &json!({})), CLUSTER).expect("a valid spec");
    let usual = builders::seen(true, Finding::Unknown(faults().remove(0)));
    let object = ObjectState { unavailable_for: Duration::from_hours(1), ..usual.object };
    let observed = Observed { object, ..usual };
    let next = status(ready, &report(Some(&goal), Some(&observed), &decide(&goal, &observed)));
    assert_eq!(Found::shown(&next), Shown::Unknown);
    next
}

fn report<'a>(goal: Option<&'a Goal>, observed: Option<&'a Observed>, decision: &'a Decision) -> Report<'a> {
    let object = ObjectMeta { generation: Some(GENERATION), ..ObjectMeta::default() };
    let (resync, now) = (Duration::from_mins(5), builders::now());
    // So early that the support of 3.5 is ending.
    Report { goal, observed, decision, written: None, object, resync, spark_version_warning: 700, now }
}

/// Whether the observation can be made for this goal: a linked service is observed where the spec names one, and role
/// assignments if it has a role.
fn is_possible(goal: &Goal, observed: &Observed) -> bool {
    let (has_role, has_link) = match goal {
        Goal::Attached(goal) => (goal.role.is_some(), matches!(goal.pool, PoolReference::Link(_))),
        // A deleted object without the finalizer is left to whoever owns the other finalizers.
        Goal::Detached(_) if !observed.object.has_finalizer => return false,
        Goal::Detached(_) => (false, false),
    };
    let asks_for_role = !observed.roles.wanted.is_empty();
    let is_attached = observed.compute.present().is_some();
    observed.dependencies.link.is_some() == has_link && (asks_for_role == has_role || !is_attached && has_role)
}

/// What may become of the ConfigMap of `spec.outputs`.
fn done() -> [Done; 6] {
    let text = "configmaps is forbidden".to_owned();
    [
        Done::Written,
        Done::Removed,
        Done::Foreign(None),
        Done::OfAttachment("other".into()),
        Done::Forbidden(text.clone()),
        Done::Refused(text),
    ]
}

impl Found {
    /// Runs over all observations of one object.
    fn drive(&mut self, object: &SynapseSparkAttachment, previous: &AttachmentStatus, (wish, all): (Wish, &[Observed])) {
        let defective = Decision::defective("index out of bounds".to_owned(), Duration::ZERO);
        self.keep(wish, object, (previous, &report(None, None, &defective)));
        let goal = match Goal::of(object, CLUSTER) {
            Ok(goal) => goal,
            Err(invalid) => {
                self.keep(wish, object, (previous, &report(None, None, &Decision::invalid(&invalid))));
                return;
            }
        };
        let mut carried_out = BTreeSet::new();
        for observed in all.iter().filter(|observed| is_possible(&goal, observed)) {
            let first = decide(&goal, observed);
            // The jobs are read before anything is reported.
            if first.needs_jobs().is_some() {
                continue;
            }
            let previous = recorded(previous, observed);
            // What becomes of a step depends on the decision and the last write, and not on all else that was observed.
            let last = observed.operation.as_ref().map(|operation| (operation.kind, operation.is_accepted));
            let is_new = carried_out.insert(format!("{:?} {last:?} {}", first.cause, first.step.name()));
            for outcome in outcomes(&first, observed).take(if is_new { usize::MAX } else { 1 }) {
                let written = outcome.result.as_ref().map(|result| (&first, result));
                let report = Report { written, ..report(Some(&goal), Some(observed), &outcome.decision) };
                self.keep(wish, object, (&previous, &report));
            }
        }
    }

    /// Checks a status, and keeps it if it is the first of its state.
    fn keep(&mut self, wish: Wish, object: &SynapseSparkAttachment, (previous, report): (&AttachmentStatus, &Report<'_>)) {
        let (status, cause) = (status(previous, report), &report.decision.cause);
        let (shown, reason) = (Self::shown(&status), cause.reason());
        let was_ready = previous.observed_generation == Some(GENERATION) && Self::shown(previous) == Shown::Ready;
        assert!(shown != Shown::Ready || cause.is_in_sync() || was_ready, "Ready, since a former spec was: {cause:?} {status:?}");
        let (others, own): (Vec<_>, Vec<_>) = status
            .conditions
            .iter()
            .partition(|one| matches!(one.type_.as_str(), "RoleAssigned" | "PoolAvailable" | "JobsReady" | CONDITION));
        assert!(own.iter().all(|one| one.reason == reason.as_str()), "one reason for all: {status:?}");
        let has_role = condition(&status, "RoleAssigned").is_some_and(|one| one.status == "True");
        assert!(*cause != Cause::Attached || object.spec.synapse_role.is_none() || has_role, "no role: {status:?}");
        // Azure is not asked for what waits, so the status still describes the generation before.
        let described = if matches!(cause, Cause::Queued(_)) { previous.observed_generation } else { Some(GENERATION) };
        assert_eq!(status.observed_generation, described);
        self.others.extend(others.iter().map(|one| (one.type_.clone(), one.status.clone(), one.reason.clone())));
        if object.spec.outputs.is_some() && *cause == Cause::Attached {
            let after = done().map(|done| with_outputs(&status, report, &done));
            let written = after.iter().filter_map(|status| condition(status, CONDITION));
            self.others.extend(written.map(|one| (one.type_.clone(), one.status.clone(), one.reason.clone())));
        }
        let text = serde_json::to_string(&status).expect("a status is JSON");
        // The text is searched first, since most statuses have none, and there are many.
        if ["null", "{}", "[]"].iter().any(|empty| text.contains(empty)) {
            note_empty(&serde_json::from_str(&text).expect("JSON"), "status", &mut self.empty);
        }
        self.states
            .entry((reason, wish, shown))
            .or_insert_with(|| SynapseSparkAttachment { status: Some(status), ..object.clone() });
    }

    /// The state of the conditions of kstatus, which must not contradict each other.
    fn shown(status: &AttachmentStatus) -> Shown {
        let is = |kind: &str| condition(status, kind).map(|one| one.status.as_str());
        match (is("Ready"), is("Reconciling"), is("Stalled")) {
            (Some("True"), None, None) => Shown::Ready,
            (Some("False"), Some("True"), None) => Shown::Reconciling,
            (Some("False"), None, Some("True")) => Shown::Stalled,
            (Some("False"), None, None) => Shown::NotReady,
            (Some("Unknown"), Some("True"), None) => Shown::Unknown,
            _ => panic!("the conditions contradict each other: {status:?}"),
        }
    }
}

/// Notes the path of each value that is null, an empty object or an empty list.
fn note_empty(value: &Value, path: &str, empty: &mut BTreeSet<String>) {
    let is_empty = match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    if is_empty {
        empty.insert(path.to_owned());
    }
    let fields = value.as_object().into_iter().flatten().map(|(name, value)| (format!("{path}.{name}"), value));
    let items = value.as_array().into_iter().flatten().map(|value| (format!("{path}[]"), value));
    for (path, value) in fields.chain(items) {
        note_empty(value, &path, empty);
    }
}

#[test]
fn every_kind_of_empty_value_is_noted() {
    let mut empty = BTreeSet::new();
    let status = json!({"a": null, "b": {}, "c": [{"d": []}, "text", null], "e": {"f": 0, "g": "", "h": false}});
    note_empty(&status, "status", &mut empty);
    assert_eq!(empty.into_iter().collect::<Vec<_>>(), ["status.a", "status.b", "status.c[]", "status.c[].d"]);
}
