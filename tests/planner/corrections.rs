//! A tag or the description that something else keeps rewriting.

use std::time::Duration;

use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{Applied, AttachmentStatus, CorrectionStatus, OperationKind};
use synapse_spark_operator::planner::status::drift::corrections_of;
use synapse_spark_operator::planner::status::{condition, time::stored};
use synapse_spark_operator::planner::{
    Attached, Compute, Correction, FaultKind, Goal, Identity, ObjectState, Observed, Progress, Requeue, WriteResult, decide,
};

use crate::builders::{accepted, after, attached, compute, ended, fault, now, running, shows, status_after, unheard};

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// A spec with the tag `team: data`, and perhaps another identity than the compute has.
fn goal(identity: Identity) -> Goal {
    Goal::Attached(Attached { tags: [("team".to_owned(), "data".to_owned())].into(), identity, ..attached() })
}

fn usual() -> Identity {
    attached().identity
}

/// A compute in sync but for the tag, which has this value.
fn tagged(team: &str) -> Compute {
    let mut compute = compute(Progress::Succeeded);
    compute.tags.insert("team".into(), team.into());
    compute
}

/// The compute shows `team: sales`, after so many writes, the last of them so long ago.
fn rewritten(writes: u32, age: Duration, requested: bool) -> Observed {
    let mut observed = shows(tagged("sales"));
    let correction = Correction { field: "tags.team".into(), want: "data".into(), writes, age: Some(age) };
    let corrections = if writes == 0 { Vec::new() } else { vec![correction] };
    observed.object = ObjectState { corrections, reconcile_requested: requested, ..observed.object };
    observed
}

#[test]
fn tag_that_is_rewritten_is_corrected_three_times_a_day_and_when_a_user_asks() {
    let system = Identity { system: true, ..Identity::default() };
    #[rustfmt::skip]
    let table = vec![
        // case                                      goal           observed                             step    requeue
        ("it was never corrected",                   goal(usual()), rewritten(0, MINUTE, false),         "Put",  None),
        ("it was corrected just now",                goal(usual()), rewritten(1, Duration::ZERO, false), "Done", Some(Requeue::After(MINUTE))),
        ("it was corrected a minute ago",            goal(usual()), rewritten(1, MINUTE, false),         "Put",  None),
        ("it was corrected twice",                   goal(usual()), rewritten(2, MINUTE, false),         "Done", Some(Requeue::After(4 * MINUTE))),
        ("the second correction is five minutes ago", goal(usual()), rewritten(2, 5 * MINUTE, false),    "Put",  None),
        ("it was corrected three times",             goal(usual()), rewritten(3, 5 * MINUTE, false),     "Done", Some(Requeue::Resync)),
        ("it was corrected more often",              goal(usual()), rewritten(9, DAY.saturating_sub(MINUTE), false),   "Done", Some(Requeue::After(MINUTE))),
        ("the last correction is a day ago",         goal(usual()), rewritten(3, DAY, false),            "Put",  None),
        ("a user asks",                              goal(usual()), rewritten(3, MINUTE, true),          "Put",  None),
        ("the identity differs, too",                goal(system),  rewritten(3, MINUTE, false),         "Put",  None),
    ];
    for (case, goal, observed, step, requeue) in table {
        let decision = decide(&goal, &observed);
        assert_eq!(decision.step.name(), step, "{case}: {decision:?}");
        assert!(requeue.is_none_or(|requeue| decision.requeue == requeue), "{case}: {:?}", decision.requeue);
    }
}

#[test]
fn another_value_in_the_spec_is_written_at_once() {
    let mut observed = rewritten(3, MINUTE, false);
    observed.object.corrections[0].want = "formerly".into();
    assert_eq!(decide(&goal(usual()), &observed).step.name(), "Put");
}

#[test]
fn attachment_stays_ready_with_a_condition_that_names_the_field() {
    let previous = AttachmentStatus {
        corrections: vec![CorrectionStatus {
            field: "tags.team".into(),
            want: "data".into(),
            writes: 3,
            last_write_at: stored(now()),
        }],
        ..AttachmentStatus::default()
    };
    let next = status_after(&previous, &goal(usual()), &rewritten(3, MINUTE, false), None);
    assert_eq!(condition(&next, "Ready").expect("a condition").status, "True");
    let in_sync = condition(&next, "InSync").expect("a condition");
    assert_eq!((in_sync.status.as_str(), in_sync.reason.as_str()), ("False", "DriftPersists"));
    assert!(
        in_sync.message.starts_with(r#"tags.team is "sales" in Azure and "data" in the spec, after 3 writes"#),
        "{}",
        in_sync.message
    );
    assert_eq!((next.drift[0].writes, next.drift[0].since.clone()), (3, Some(stored(now()))));
    let later = status_after(&next, &goal(usual()), &rewritten(3, MINUTE, false), None);
    assert_eq!(later, next, "it is written once");
    let corrected = status_after(&next, &goal(usual()), &shows(tagged("data")), None);
    assert_eq!(condition(&corrected, "InSync"), None);
}

#[test]
fn only_a_write_that_azure_accepted_counts() {
    use FaultKind::{Forbidden, Unavailable};
    let before = AttachmentStatus::default();
    #[rustfmt::skip]
    let table = [
        ("it is about to be sent",  WriteResult::Intent,                           0),
        ("Azure accepts it",        WriteResult::Accepted(None),                   1),
        ("the answer is lost",      WriteResult::Failed(fault(Unavailable(None))), 0),
        ("Azure refuses it",        WriteResult::Failed(fault(Forbidden)),         0),
        ("it is not sent",          WriteResult::NotSent(fault(Unavailable(None))), 0),
    ];
    for (case, result, writes) in table {
        let next = status_after(&before, &goal(usual()), &rewritten(0, MINUTE, false), Some(&result));
        assert_eq!(corrections_of(&next, now()).iter().map(|one| one.writes).sum::<u32>(), writes, "{case}");
    }
    let once = status_after(&before, &goal(usual()), &rewritten(0, MINUTE, false), Some(&WriteResult::Accepted(None)));
    let twice = status_after(&once, &goal(usual()), &rewritten(1, MINUTE, false), Some(&WriteResult::Accepted(None)));
    assert_eq!((twice.corrections.len(), twice.corrections[0].writes), (1, 2));
}

#[test]
fn correction_that_may_not_show_yet_is_neither_in_sync_nor_repeated() {
    use OperationKind::Update;
    let seconds = Duration::from_secs;
    #[rustfmt::skip]
    let table = vec![
        ("its operation runs",                  after(accepted(Update, seconds(5), running()), rewritten(1, seconds(5), false)),  "Wait", Reason::Updating),
        ("it ended just now",                   after(ended(Update, seconds(5)), rewritten(1, seconds(9), false)),                "Wait", Reason::Updating),
        ("it ended, and the tag differs still", after(ended(Update, seconds(20)), rewritten(1, seconds(30), false)),              "Done", Reason::Attached),
        ("it took longer than the pause",       after(ended(Update, seconds(20)), rewritten(1, 5 * MINUTE, false)),               "Put",  Reason::Updating),
        ("its answer was lost",                 after(unheard(Update, seconds(4)), rewritten(0, seconds(4), false)),              "Wait", Reason::WaitingForWrite),
    ];
    for (case, observed, step, reason) in table {
        let decision = decide(&goal(usual()), &observed);
        assert_eq!((decision.step.name(), decision.cause.reason()), (step, reason), "{case}");
    }
}

#[test]
fn tag_removed_from_the_spec_stays_recorded_until_it_is_gone_from_azure() {
    let before = AttachmentStatus {
        applied: Some(Applied { tags: vec!["team".into()], ..Applied::default() }),
        corrections: vec![CorrectionStatus {
            field: "tags.team".into(),
            want: String::new(),
            writes: 1,
            last_write_at: stored(now()),
        }],
        ..AttachmentStatus::default()
    };
    let mut observed = shows(tagged("data"));
    observed.applied.clone_from(&before.applied);
    observed.object.corrections = corrections_of(&before, now());
    let goal = Goal::Attached(attached());
    assert_eq!(decide(&goal, &observed).step.name(), "Done", "it is left alone for a minute");
    let next = status_after(&before, &goal, &observed, None);
    assert_eq!(next.applied.expect("a record").tags, ["team"]);
    assert_eq!(next.drift.len(), 1, "the difference is shown");
}
