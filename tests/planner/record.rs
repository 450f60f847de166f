//! What the status records to survive a crash: the write intent, the operation, and what was applied.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use synapse_spark_operator::api::v1alpha1::{AdoptionPolicy, Applied, AttachmentStatus, OperationKind, OperationStatus};
use synapse_spark_operator::azure::wire;
use synapse_spark_operator::controller::observe;
use synapse_spark_operator::planner::force::Force;
use synapse_spark_operator::planner::status::time::stored;
use synapse_spark_operator::planner::status::{status, with_outcome_of};
use synapse_spark_operator::planner::{
    Attached, FaultKind, Goal, OWNER_TAG, Observed, Outcome, Ownership, Progress, WriteResult, decide,
};

use crate::builders::{
    CREATED_ON, absent, accepted, after, attach, attached, compute, created, detach, drifted, fault, in_sync, now, ours, owner,
    pool, ready_status, report, seen, shows, status_after, unheard, unknown, unowned, with_policy,
};
use WriteResult::{Accepted, Failed, Intent, NotSent};

const MINUTE: Duration = Duration::from_mins(1);
const SILENT: FaultKind = FaultKind::Unavailable(None);

fn operation(kind: OperationKind, pending: bool, path: Option<&str>, at: Timestamp) -> OperationStatus {
    let pool = (kind != OperationKind::Detach).then(|| pool("wanted").to_string());
    OperationStatus { kind, pending, path: path.map(ToOwned::to_owned), pool, started_at: stored(at) }
}

fn with_text() -> Goal {
    let tags = [("team".to_owned(), "a".to_owned())].into();
    Goal::Attached(Attached { description: Some("text".into()), tags, ..attached() })
}

#[test]
fn a_write_is_recorded_before_it_is_sent_with_all_that_it_applies() {
    let next = status_after(&AttachmentStatus::default(), &with_text(), &absent(), Some(&Intent));
    assert_eq!(next.operation, Some(operation(OperationKind::Attach, true, None, now())));
    let applied = next.applied.expect("what is applied");
    assert_eq!((applied.tags, applied.description), (vec!["team".to_owned()], true));
    let detaching = status_after(&ready_status(), &detach(), &in_sync(), Some(&Intent));
    assert_eq!(detaching.operation, Some(operation(OperationKind::Detach, true, None, now())));
}

#[test]
fn an_operation_is_pending_while_azure_may_carry_it_out() {
    let (conclusive, lost) = (|| Failed(fault(FaultKind::Forbidden)), || Failed(fault(SILENT)));
    let conflict = || Failed(fault(FaultKind::Conflict));
    let earlier = now() - MINUTE;
    let pending = || Some(operation(OperationKind::Attach, true, None, earlier));
    let ended = || Some(operation(OperationKind::Attach, false, Some("/path"), earlier));
    let throttled = Failed(fault(FaultKind::Throttled(MINUTE)));
    #[rustfmt::skip]
    let table = [
        // case                                                      earlier    result                          operation
        ("Azure accepts it and names an operation",                  None,      Accepted(Some("/new".into())),  Some(operation(OperationKind::Attach, false, Some("/new"), now()))),
        ("Azure accepts it and names no operation",                  pending(), Accepted(None),                 Some(operation(OperationKind::Attach, false, None, now()))),
        ("there is no answer",                                       None,      lost(),                         Some(operation(OperationKind::Attach, true, None, now()))),
        ("there is no answer to another attempt: the time is new",   pending(), lost(),                         Some(operation(OperationKind::Attach, true, None, now()))),
        ("Azure refuses it",                                         None,      conclusive(),                   None),
        ("another operation is in the way",                          None,      conflict(),                     None),
        ("another operation is in the way, maybe our earlier one",   pending(), conflict(),                     pending()),
        ("Azure throttles it",                                       None,      throttled,                      None),
        ("Azure refuses it after an attempt without an answer",      pending(), conclusive(),                   pending()),
        ("Azure refuses it after an operation that has ended",       ended(),   conclusive(),                   None),
        ("it was not sent",                                          None,      NotSent(fault(SILENT)),         None),
        ("it was not sent after an attempt without an answer",       pending(), NotSent(fault(SILENT)),         pending()),
    ];
    for (case, operation, result, expected) in table {
        let previous = AttachmentStatus { operation, ..AttachmentStatus::default() };
        assert_eq!(status_after(&previous, &attach(), &absent(), Some(&result)).operation, expected, "{case}");
    }
}

#[test]
fn an_operation_is_recorded_until_the_compute_is_in_sync() {
    use OperationKind::{Attach, Update};
    let lost = |kind, pending| operation(kind, pending, None, now() - MINUTE);
    let next = |kind, found| {
        let previous = AttachmentStatus { operation: Some(lost(kind, true)), ..AttachmentStatus::default() };
        status_after(&previous, &attach(), &after(unheard(kind, MINUTE), found), None).operation
    };
    #[rustfmt::skip]
    let table = [
        // case                                                      kind    observation                  operation
        ("Azure is silent",                                          Attach, seen(true, unknown(SILENT)), Some(lost(Attach, true))),
        ("the compute does not show yet",                            Attach, absent(),                    Some(lost(Attach, true))),
        ("Azure works on it, so the attach was carried out",         Attach, ours(Progress::Working),     Some(lost(Attach, false))),
        ("Azure works on it, maybe not because of the update",       Update, ours(Progress::Working),     Some(lost(Update, true))),
        ("it is in sync",                                            Attach, in_sync(),                   None),
    ];
    for (case, kind, found, expected) in table {
        assert_eq!(next(kind, found), expected, "{case}");
    }
}

#[test]
fn no_operation_is_recorded_once_the_finalizer_is_removed() {
    let sent = operation(OperationKind::Detach, false, None, now() - MINUTE);
    let previous = AttachmentStatus { operation: Some(sent), ..AttachmentStatus::default() };
    let observed = after(accepted(OperationKind::Detach, MINUTE, Outcome::Unknown), absent());
    assert_eq!(status_after(&previous, &detach(), &observed, None).operation, None);
}

#[test]
fn a_detach_records_an_earlier_write_that_may_be_carried_out_after_it() {
    let lost = operation(OperationKind::Update, true, None, now() - MINUTE);
    let previous = AttachmentStatus { operation: Some(lost.clone()), ..AttachmentStatus::default() };
    let intent = status_after(&previous, &detach(), &in_sync(), Some(&Intent));
    assert_eq!(intent.unanswered_put_at, Some(lost.started_at.clone()), "with the intent");
    let refused = status_after(&intent, &detach(), &in_sync(), Some(&Failed(fault(FaultKind::Forbidden))));
    assert_eq!(refused.unanswered_put_at, Some(lost.started_at.clone()), "after a refusal");
    let accepted = status_after(&intent, &detach(), &in_sync(), Some(&Accepted(None)));
    assert_eq!(accepted.unanswered_put_at, Some(lost.started_at), "once Azure accepts the detach");
}

#[test]
fn applied_values_are_recorded_with_a_write_that_may_be_carried_out() {
    let refused = Failed(fault(FaultKind::Forbidden));
    let lost = Failed(fault(SILENT));
    for (case, result, is_recorded) in [
        ("it is about to be sent", Intent, true),
        ("Azure accepts it", Accepted(None), true),
        ("there is no answer", lost, true),
        ("Azure refuses it", refused, false),
        ("it was not sent", NotSent(fault(SILENT)), false),
    ] {
        let next = status_after(&AttachmentStatus::default(), &with_text(), &absent(), Some(&result));
        assert_eq!(next.applied.is_some(), is_recorded, "{case}");
    }
}

#[test]
fn applied_values_are_rebuilt_from_a_compute_that_is_in_sync() {
    let mut found = compute(Progress::Succeeded);
    found.tags.insert("team".into(), "a".into());
    found.description = Some("text".into());
    let next = status_after(&AttachmentStatus::default(), &with_text(), &shows(found), None);
    let created_on = Some(CREATED_ON.to_owned());
    let applied = Applied { tags: vec!["team".into()], description: true, created_on, ..Applied::default() };
    assert_eq!(next.applied, Some(applied));
}

#[test]
fn nothing_is_recorded_of_a_compute_that_is_not_ours() {
    let never = with_policy(AdoptionPolicy::Never, false, false);
    let previous = ready_status();
    let foreign = || shows(unowned(pool("wanted")));
    assert_eq!(status_after(&previous, &never, &foreign(), None).applied, None, "it is not ours");
    let created_since = || shows(created(now(), unowned(pool("other"))));
    let of_another_pool = after(unheard(OperationKind::Attach, MINUTE), created_since());
    let recorded = status_after(&AttachmentStatus::default(), &never, &of_another_pool, None).applied;
    assert_eq!(recorded, None, "somebody attached another pool after our attach");
    let pending = after(unheard(OperationKind::Update, MINUTE), foreign());
    assert_eq!(status_after(&previous, &never, &pending, None).applied, previous.applied, "our write may yet show");
    let silent = seen(true, unknown(SILENT));
    assert_eq!(status_after(&previous, &never, &silent, None).applied, previous.applied, "Azure is silent");
}

#[test]
fn the_status_never_contains_null_or_an_empty_value() {
    let observations = [absent(), in_sync(), ours(Progress::Working), seen(true, unknown(SILENT)), shows(drifted())];
    for goal in [attach(), with_text(), detach()] {
        for observed in &observations {
            for result in [None, Some(Intent), Some(Accepted(None)), Some(Failed(fault(SILENT)))] {
                let next = status_after(&AttachmentStatus::default(), &goal, observed, result.as_ref());
                let json = serde_json::to_value(&next).expect("JSON");
                for (field, value) in json.as_object().expect("an object") {
                    let is_empty = value.is_null() || value == &serde_json::json!({}) || value == &serde_json::json!([]);
                    assert!(!is_empty, "{field}: {value}");
                }
            }
        }
    }
    let empty = AttachmentStatus { applied: Some(Applied::default()), ..AttachmentStatus::default() };
    assert_eq!(serde_json::to_value(&empty).expect("JSON"), serde_json::json!({}));
}

#[test]
fn only_the_outcome_of_the_write_is_recorded_in_a_live_status() {
    let at = |ago| Some(stored(now() - ago));
    let live =
        AttachmentStatus { last_handled_reconcile_at: Some("live".into()), unanswered_put_at: at(3 * MINUTE), ..ready_status() };
    let lost = Failed(fault(SILENT));
    let previous = AttachmentStatus { unanswered_put_at: at(MINUTE), ..AttachmentStatus::default() };
    let next = status_after(&previous, &with_text(), &absent(), Some(&lost));
    let merged = with_outcome_of(&live, &next);
    assert_eq!((&merged.operation, &merged.unanswered_put_at), (&next.operation, &at(MINUTE)));
    assert_eq!(merged.applied, next.applied);
    assert_eq!((&merged.failure, &merged.role_assignments), (&next.failure, &next.role_assignments));
    let rest = AttachmentStatus {
        operation: live.operation.clone(),
        unanswered_put_at: live.unanswered_put_at.clone(),
        applied: live.applied.clone(),
        failure: live.failure.clone(),
        role_assignments: live.role_assignments.clone(),
        ..merged
    };
    assert_eq!(rest, live, "conditions, drift and the echo of a request stay as they are stored");
}

#[test]
fn a_compute_that_was_ours_stays_ours_without_its_tag() {
    let goal = with_policy(AdoptionPolicy::Never, false, false);
    let (ours, theirs) = (CREATED_ON, "2026-02-02T00:00:00.0000002+00:00");
    let (tag, former) = (Some(owner().to_string()), Some(format!("{}x", owner())));
    let mut kept = AttachmentStatus::default();
    #[rustfmt::skip]
    let reconciles = [
        // case                                             createdOn  tag           owner
        ("we created it",                                   ours,      tag.clone(),  Ownership::Ours),
        ("somebody removes the tag",                        ours,      None,         Ownership::Ours),
        ("another one takes its place",                     theirs,    None,         Ownership::Unowned),
        ("that one is still not ours",                      theirs,    None,         Ownership::Unowned),
        ("not even at the time of ours",                    ours,      None,         Ownership::Unowned),
        ("somebody gives it our tag",                       theirs,    tag,          Ownership::Ours),
        ("somebody gives it the tag of a former object",    theirs,    former,       Ownership::Unowned),
        ("without that tag it is not ours either",          theirs,    None,         Ownership::Unowned),
    ];
    for (case, created_on, tag, whose) in reconciles {
        let shown = wire::Compute {
            tags: tag.into_iter().map(|tag| (OWNER_TAG.to_uppercase(), tag.into())).collect(),
            properties: wire::Properties {
                compute_type: "SynapseSpark".into(),
                resource_id: Some(pool("wanted").to_string()),
                created_on: Some(created_on.to_owned()),
                ..wire::Properties::default()
            },
            ..wire::Compute::default()
        };
        let found = observe::compute(&shown, &owner(), &kept);
        assert_eq!(found.owner, whose, "{case}");
        let observed = Observed { applied: kept.applied.clone(), ..shows(found) };
        kept = status_after(&kept, &goal, &observed, None);
    }
}

#[test]
fn a_creation_time_that_azure_omits_once_is_kept() {
    let mut seen = compute(Progress::Succeeded);
    seen.details.created_on = None;
    let next = status_after(&ready_status(), &attach(), &shows(seen), None);
    let kept = next.applied.and_then(|applied| applied.created_on);
    assert_eq!(kept.as_deref(), Some(CREATED_ON), "without it a compute that loses its tag would count as another's");
}

#[test]
fn a_null_tag_counts_as_absent() {
    let properties = json!({"computeType": "SynapseSpark", "createdOn": CREATED_ON, "provisioningState": "Succeeded"});
    let found = json!({"tags": {OWNER_TAG: null, "team": null}, "properties": properties});
    let found: wire::Compute = serde_json::from_value(found).expect("a compute");
    let shown = observe::compute::compute(&found, &owner(), &ready_status());
    assert_eq!((shown.owner, shown.tags.len()), (Ownership::Ours, 0));
}

#[test]
fn forced_request_is_handled_by_one_write_or_by_an_answer_without_one() {
    let lost = Failed(fault(SILENT));
    let (goal, suspended) = (attach(), with_policy(AdoptionPolicy::IfSamePool, false, true));
    let early = Some(Duration::from_secs(10));
    #[rustfmt::skip]
    let table = vec![
        // case                             goal        last   observation                   result                         handled  forced
        ("it is about to be sent",          &goal,      None,  in_sync(),                    Some(Intent),                  true,    true),
        ("Azure accepts it",                &goal,      None,  in_sync(),                    Some(Accepted(None)),          true,    true),
        ("its answer is lost",              &goal,      None,  in_sync(),                    Some(lost),                    true,    true),
        ("it was not sent",                 &goal,      None,  in_sync(),                    Some(NotSent(fault(SILENT))),  false,   false),
        ("drift is corrected in any case",  &goal,      early, shows(drifted()),             Some(Intent),                  true,    true),
        ("it is too early",                 &goal,      early, in_sync(),                    None,                          true,    false),
        ("it is suspended",                 &suspended, None,  in_sync(),                    None,                          true,    false),
        ("Azure is working on it",          &goal,      None,  ours(Progress::Working),      None,                          false,   false),
        ("Azure is silent",                 &goal,      None,  seen(true, unknown(SILENT)),  None,                          false,   false),
    ];
    for (case, goal, last, mut observed, result, is_handled, is_forced) in table {
        observed.object.force = Force { is_requested: true, last };
        let next = status_after_force(goal, &observed, result.as_ref(), "now");
        let handled = is_handled.then(|| "now".to_owned());
        assert_eq!((next.last_handled_force_at, next.last_forced_at), (handled, is_forced.then(|| stored(now()))), "{case}");
    }
}

/// As [`status_after`], with a forced request of this value.
fn status_after_force(goal: &Goal, observed: &Observed, result: Option<&WriteResult>, value: &str) -> AttachmentStatus {
    let decided = decide(goal, observed);
    let reported = result.map_or_else(|| decided.clone(), |result| decided.after(result, observed));
    let mut report = report(goal, observed, &reported, result.map(|result| (&decided, result)));
    report.object.forced = Some(value);
    status(&AttachmentStatus::default(), &report)
}
