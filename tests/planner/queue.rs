//! Waiting for Azure's request limits: which request is sent first, and what the status shows meanwhile.

use std::time::Duration;

use jiff::Timestamp;
use synapse_spark_operator::api::v1alpha1::{
    Applied, AttachmentStatus, DriftStatus, FailedStep, FailureStatus, OperationKind, OperationStatus, WaitingForJobs,
};
use synapse_spark_operator::planner::status::report::ObjectMeta;
use synapse_spark_operator::planner::status::time::stored;
use synapse_spark_operator::planner::status::{condition, status};
use synapse_spark_operator::planner::{Decision, FaultKind, Priority, Queued, Report, Requeue};

use crate::builders::{attach, fault, in_sync, now, ready_status, report, seen, unknown};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn urgency_follows_from_what_the_object_shows() {
    let applied = Some(Applied { created_on: Some("then".into()), ..Applied::default() });
    let ready = AttachmentStatus { applied, ..ready_status() };
    let operation = |kind| Some(OperationStatus { kind, pending: false, path: None, pool: None, started_at: stored(now()) });
    let drift = vec![DriftStatus::default()];
    let unready = |mut status: AttachmentStatus| {
        for one in &mut status.conditions {
            one.status = "False".into();
        }
        status
    };
    #[rustfmt::skip]
    let table = [
        // case                              deleted  generation  status                                                                            priority           of a write
        ("in sync",                          false,   1,  ready.clone(),                                                                            Priority::Resync,   Priority::Drift),
        ("drift",                            false,   1,  AttachmentStatus { drift, ..ready.clone() },                                              Priority::Drift,    Priority::Drift),
        ("not in sync",                      false,   1,  unready(ready.clone()),                                                                   Priority::Drift,    Priority::Drift),
        ("the spec has changed",             false,   2,  ready.clone(),                                                                            Priority::Change,   Priority::Change),
        ("new",                              false,   1,  AttachmentStatus::default(),                                                              Priority::Attach,   Priority::Attach),
        ("the spec of a new one has changed", false,  2,  AttachmentStatus { observed_generation: Some(1), ..AttachmentStatus::default() },         Priority::Attach,   Priority::Attach),
        ("being attached",                   false,   1,  AttachmentStatus { operation: operation(OperationKind::Attach), ..unready(ready.clone()) }, Priority::Attach, Priority::Attach),
        ("being updated",                    false,   1,  AttachmentStatus { operation: operation(OperationKind::Update), ..unready(ready.clone()) }, Priority::Drift,  Priority::Drift),
        ("deleted",                          true,    2,  ready,                                                                                    Priority::Deletion, Priority::Deletion),
    ];
    for (case, is_deleted, generation, status, expected, of_write) in table {
        let found = Priority::of(is_deleted, Some(generation), &status);
        assert_eq!((found, found.of_write()), (expected, of_write), "{case}");
    }
}

#[test]
fn reads_of_a_detach_that_waits_for_jobs_are_not_urgent_until_the_time_out() {
    let until = |at: Timestamp| {
        Some(WaitingForJobs { since: stored(now()), until: stored(at), count: 1, jobs: Vec::new(), timed_out: false })
    };
    let waiting = AttachmentStatus { waiting_for_jobs: until(now() + seconds(1)), ..ready_status() };
    let timed_out = waiting.waiting_for_jobs.clone().map(|wait| WaitingForJobs { timed_out: true, ..wait });
    let operation =
        OperationStatus { kind: OperationKind::Detach, pending: false, path: None, pool: None, started_at: stored(now()) };
    let failure = FailureStatus { since: stored(now()), last_attempt: stored(now()), step: FailedStep::Detach, refused: false };
    #[rustfmt::skip]
    let table = [
        ("it waits for jobs",           waiting.clone(),                                                                 Priority::Resync),
        ("it does not",                 ready_status(),                                                                  Priority::Deletion),
        ("the time has passed",         AttachmentStatus { waiting_for_jobs: until(now()), ..ready_status() },           Priority::Deletion),
        ("it has passed before",        AttachmentStatus { waiting_for_jobs: timed_out, ..ready_status() },              Priority::Deletion),
        ("the detach has been sent",    AttachmentStatus { operation: Some(operation), ..waiting.clone() },              Priority::Deletion),
        ("a detach has failed",         AttachmentStatus { failure: Some(failure), ..waiting },                          Priority::Deletion),
    ];
    for (case, status, expected) in table {
        let priority = Priority::of(true, Some(1), &status);
        assert_eq!((priority.of_read(&status, now()), priority.of_write()), (expected, Priority::Deletion), "{case}");
    }
}

#[test]
fn wait_is_shown_after_five_seconds_and_changes_nothing_else() {
    let failure = FailureStatus { since: stored(now()), last_attempt: stored(now()), step: FailedStep::Put, refused: false };
    let with_failure = |status: AttachmentStatus| AttachmentStatus { failure: Some(failure.clone()), ..status };
    let (ready, new) = (with_failure(ready_status()), with_failure(AttachmentStatus::default()));
    // Whether it waits to write, and for how long already; then the status of Ready, with its reason.
    #[rustfmt::skip]
    let table = [
        ("a short wait to read",                 &ready, false, 4, Some(("True", "Attached"))),
        ("a wait to read of what was Ready",     &ready, false, 5, Some(("True", "Queued"))),
        ("a wait to write of what was Ready",    &ready, true,  5, Some(("False", "Queued"))),
        ("a short wait of what is new",          &new,   true,  4, None),
        ("a wait of what is new",                &new,   true,  5, Some(("False", "Queued"))),
        ("a wait to read of what is new",        &new,   false, 5, Some(("False", "Queued"))),
        ("almost three resyncs of five minutes", &ready, false, 15 * 60 - 1, Some(("True", "Queued"))),
        ("a wait as long as three resyncs",      &ready, false, 15 * 60, Some(("Unknown", "Queued"))),
    ];
    for (case, previous, is_write, waited, expected) in table {
        let (goal, any) = (attach(), in_sync());
        let decision = Decision::queued(Queued { wait: seconds(42), waited: seconds(waited), is_write });
        let object = ObjectMeta { generation: Some(1), ..ObjectMeta::default() };
        let report = Report { observed: None, object, ..report(&goal, &any, &decision, None) };
        let next = status(previous, &report);
        let ready = condition(&next, "Ready").map(|ready| (ready.status.as_str(), ready.reason.as_str()));
        assert_eq!(ready, expected, "{case}");
        let others = AttachmentStatus { conditions: previous.conditions.clone(), queued_until: None, ..next.clone() };
        assert_eq!(others, *previous, "{case}");
        assert_eq!(next.queued_until.is_some(), waited >= 5, "{case}");
        assert!(condition(&next, "Stalled").is_none(), "{case}");
    }
}

#[test]
fn object_is_requeued_for_when_the_wait_is_shown_or_its_turn_is_expected() {
    for (wait, waited, expected) in [(3, 0, 3), (60, 0, 5), (60, 4, 1), (60, 5, 60), (60, 900, 60), (3600, 9, 300)] {
        let decision = Decision::queued(Queued { wait: seconds(wait), waited: seconds(waited), is_write: true });
        assert_eq!(decision.requeue, Requeue::After(seconds(expected)), "{wait} {waited}");
    }
}

#[test]
fn queued_request_is_neither_a_failure_nor_a_missing_answer() {
    let kind = FaultKind::Queued(seconds(7));
    let observed = seen(true, unknown(kind));
    assert!(observed.is_queued() && !observed.is_answered());
    assert!(!seen(true, unknown(FaultKind::Throttled(seconds(7)))).is_queued());
    let decision = Decision::read_failed(fault(kind), &observed);
    assert_eq!(decision, Decision::queued(Queued { wait: seconds(7), waited: Duration::ZERO, is_write: false }));
    assert!(kind.is_conclusive(), "it was not sent");
}
