//! The failure history, and when what failed is retried.

use std::time::Duration;

use jiff::Timestamp;
use synapse_spark_operator::api::v1alpha1::{AdoptionPolicy, AttachmentStatus, FailedStep, FailureStatus, OperationKind};
use synapse_spark_operator::planner::backoff::exponential;
use synapse_spark_operator::planner::status::failure::history;
use synapse_spark_operator::planner::status::time::stored;
use synapse_spark_operator::planner::{
    Cause, Compute, FaultKind, Goal, NoEffect, Observed, Outcome, Ownership, Progress, Requeue, WriteResult, decide,
};
use synapse_spark_operator::service_error::ServiceError;

use crate::builders::{
    absent, accepted, after, attach, compute, detach, failure, fault, in_sync, now, of_other_pool, ours, recreate, seen, shows,
    status_after, unheard, unknown, with_policy,
};

const MINUTE: Duration = Duration::from_mins(1);

fn ago(seconds: u64) -> Timestamp {
    now() - Duration::from_secs(seconds)
}

/// A status of generation 1 whose failure began and was last attempted so many seconds ago.
fn failing(step: FailedStep, since: u64, last_attempt: u64) -> AttachmentStatus {
    let failure = FailureStatus { since: stored(ago(since)), last_attempt: stored(ago(last_attempt)), step, refused: false };
    AttachmentStatus { observed_generation: Some(1), failure: Some(failure), ..AttachmentStatus::default() }
}

/// An object whose write failed a minute ago, with the history of [`failing`] in its observation.
fn observed(previous: &AttachmentStatus, observed: Observed) -> Observed {
    Observed { failure: previous.failure.as_ref().map(|failure| history(failure, now())), ..observed }
}

fn silent(kind: FaultKind) -> Observed {
    seen(true, unknown(kind))
}

#[test]
fn a_failed_write_is_retried_when_it_is_due() {
    let seconds = Duration::from_secs;
    #[rustfmt::skip]
    let table = [
        // case                                        failing at attempt  since attempt   requested  step
        ("its pause is not over",                      seconds(0),         seconds(4),     false,     "Wait"),
        ("its pause is over",                          seconds(0),         seconds(5),     false,     "Put"),
        ("it failed for long, so its pause is long",   seconds(200),       seconds(199),   false,     "Wait"),
        ("the long pause is over",                     seconds(200),       seconds(200),   false,     "Put"),
        ("no pause is longer than five minutes",       seconds(86_400),    seconds(300),   false,     "Put"),
        ("a user asks",                                seconds(200),       seconds(0),     true,      "Put"),
    ];
    for (case, at_attempt, since_attempt, requested, step) in table {
        let failed = failure(FailedStep::Put, at_attempt + since_attempt, since_attempt);
        let mut observed = Observed { failure: Some(failed), ..ours(Progress::Failed) };
        observed.object.reconcile_requested = requested;
        let decision = decide(&attach(), &observed);
        assert_eq!(decision.step.name(), step, "{case}");
        if step == "Wait" {
            let left = exponential(at_attempt).saturating_sub(since_attempt);
            assert_eq!(decision.requeue, Requeue::After(left), "{case}");
        }
    }
}

#[test]
fn an_attempt_at_a_time_in_the_future_is_due() {
    let mut previous = failing(FailedStep::Detach, 86_400, 0);
    if let Some(failure) = previous.failure.as_mut() {
        failure.last_attempt = stored(now() + Duration::from_hours(24));
    }
    let failed = accepted(OperationKind::Detach, Duration::from_hours(1), Outcome::Failed(ServiceError::default()));
    let decision = decide(&detach(), &observed(&previous, after(failed, in_sync())));
    assert_eq!(decision.step.name(), "Detach");
}

#[test]
fn a_failure_that_the_status_has_not_recorded_is_recorded_before_the_retry() {
    let failed = || after(accepted(OperationKind::Detach, MINUTE, Outcome::Failed(ServiceError::default())), in_sync());
    let earlier = failing(FailedStep::Detach, 600, 300);
    let first = observed(&earlier, failed());
    assert_eq!(decide(&detach(), &first).step.name(), "Wait", "the recorded attempt is older than the operation");
    let next = status_after(&earlier, &detach(), &first, None).failure.expect("a failure");
    assert_eq!((next.since, next.last_attempt), (stored(ago(600)), stored(now())), "it counts, and the history goes on");
}

#[test]
fn an_observation_without_an_answer_neither_resets_a_failure_nor_counts_as_one() {
    for kind in [
        FaultKind::Unavailable(None),
        FaultKind::Unavailable(Some(MINUTE)),
        FaultKind::Throttled(MINUTE),
        FaultKind::Conflict,
        FaultKind::Intercepted,
        FaultKind::Untrusted,
    ] {
        for goal in [attach(), detach()] {
            let previous = failing(FailedStep::Detach, 600, 300);
            let next = status_after(&previous, &goal, &observed(&previous, silent(kind)), None);
            assert_eq!(next.failure, previous.failure, "{kind:?}");
            let never = AttachmentStatus { failure: None, ..previous };
            assert_eq!(status_after(&never, &goal, &silent(kind), None).failure, None, "{kind:?}");
        }
    }
}

#[test]
fn a_failed_detach_is_retried_when_due_after_observations_without_an_answer() {
    let failed = after(accepted(OperationKind::Detach, MINUTE, Outcome::Failed(ServiceError::default())), in_sync());
    let mut status = failing(FailedStep::Detach, 40, 10);
    for kind in [FaultKind::Throttled(MINUTE), FaultKind::Unavailable(None)] {
        status = status_after(&status, &detach(), &observed(&status, silent(kind)), None);
    }
    let at = |later: u64| {
        let failure = status.failure.as_ref().map(|failure| history(failure, now() + Duration::from_secs(later)));
        decide(&detach(), &Observed { failure, ..failed.clone() }).step.name()
    };
    assert_eq!((at(19), at(20)), ("Wait", "Detach"), "thirty seconds after the last attempt");
}

#[test]
fn a_failed_observation_keeps_the_history_of_a_write() {
    for kind in [FaultKind::Forbidden, FaultKind::Unauthenticated, FaultKind::SubscriptionNotFound, FaultKind::Rejected] {
        let previous = failing(FailedStep::Put, 600, 300);
        let next = status_after(&previous, &attach(), &observed(&previous, silent(kind)), None);
        assert_eq!(next.failure, previous.failure, "{kind:?}");
    }
    let fresh = AttachmentStatus { observed_generation: Some(1), ..AttachmentStatus::default() };
    let next = status_after(&fresh, &attach(), &silent(FaultKind::Forbidden), None).failure.expect("a failure");
    assert_eq!((next.step, next.since, next.refused), (FailedStep::Observe, stored(now()), true));
}

#[test]
fn a_failed_observation_keeps_the_step_of_a_write_that_failed_in_the_future() {
    let mut previous = failing(FailedStep::Put, 600, 0);
    if let Some(failure) = previous.failure.as_mut() {
        failure.last_attempt = stored(now() + Duration::from_hours(24));
    }
    let next = status_after(&previous, &attach(), &observed(&previous, silent(FaultKind::Forbidden)), None);
    let next = next.failure.expect("a failure");
    assert_eq!((next.step, next.last_attempt), (FailedStep::Put, stored(now())));
}

#[test]
fn the_history_of_a_write_ends_with_a_success_another_spec_or_a_suspension() {
    let previous = failing(FailedStep::Put, 600, 300);
    let suspended = with_policy(AdoptionPolicy::IfSamePool, false, true);
    let earlier_generation = AttachmentStatus { observed_generation: Some(0), ..previous.clone() };
    let after = |previous: &AttachmentStatus, goal: &Goal, found: Observed| {
        status_after(previous, goal, &observed(previous, found), None).failure
    };
    assert_eq!(after(&previous, &attach(), in_sync()), None, "a success");
    assert_eq!(after(&previous, &suspended, absent()), None, "a suspension");
    assert_eq!(after(&earlier_generation, &attach(), silent(FaultKind::Unavailable(None))), None, "another spec");
    assert_eq!(after(&previous, &attach(), ours(Progress::Working)), previous.failure, "Azure works on it again");
    let foreign = shows(Compute { owner: Ownership::Another("them".into()), ..compute(Progress::Succeeded) });
    assert_eq!(after(&previous, &attach(), foreign), previous.failure, "another object owns the compute");
}

#[test]
fn a_refused_write_begins_or_continues_the_history() {
    let refused = WriteResult::Failed(fault(FaultKind::Forbidden));
    let lost = WriteResult::Failed(fault(FaultKind::Unavailable(None)));
    let conflict = WriteResult::Failed(fault(FaultKind::Conflict));
    let not_sent = WriteResult::NotSent(fault(FaultKind::Unauthenticated));
    let earlier = failing(FailedStep::Put, 600, 300);
    let fresh = AttachmentStatus { observed_generation: Some(1), ..AttachmentStatus::default() };
    let roles = failing(FailedStep::RevokeRole, 600, 300);
    #[rustfmt::skip]
    let table = [
        // case                                               previous   result      since  refused
        ("the first write is refused",                        &fresh,    &refused,   0,     true),
        ("the first write has no answer",                     &fresh,    &lost,      0,     false),
        ("the first write meets another operation",           &fresh,    &conflict,  0,     false),
        ("the first write is not sent: no access token",      &fresh,    &not_sent,  0,     true),
        ("another write is refused",                          &earlier,  &refused,   600,   true),
        ("another write has no answer",                       &earlier,  &lost,      600,   false),
        ("a write is refused after a role's failure",         &roles,    &refused,   0,     true),
    ];
    for (case, previous, result, since, is_refused) in table {
        let next = status_after(previous, &attach(), &absent(), Some(result)).failure.expect("a failure");
        assert_eq!((next.step, next.refused), (FailedStep::Put, is_refused), "{case}");
        assert_eq!((next.since, next.last_attempt), (stored(ago(since)), stored(now())), "{case}");
    }
}

#[test]
fn pauses_after_an_unanswered_write_grow() {
    let lost = fault(FaultKind::Unavailable(None));
    let previous = failing(FailedStep::Put, 100, 50);
    let observed = observed(&previous, after(unheard(OperationKind::Attach, MINUTE), absent()));
    let decision = decide(&attach(), &observed);
    assert_eq!(decision.step.name(), "Put", "it is due");
    let write = decision.step.write().expect("a write");
    assert_eq!(decision.write_failed(write, lost, &observed).requeue, Requeue::Backoff(Duration::from_secs(100)));
}

#[test]
fn a_throttled_write_is_not_a_failure() {
    let throttled = WriteResult::Failed(fault(FaultKind::Throttled(MINUTE)));
    let fresh = AttachmentStatus { observed_generation: Some(1), ..AttachmentStatus::default() };
    assert_eq!(status_after(&fresh, &attach(), &absent(), Some(&throttled)).failure, None);
    let earlier = failing(FailedStep::Put, 600, 300);
    assert_eq!(status_after(&earlier, &attach(), &absent(), Some(&throttled)).failure, earlier.failure);
}

#[test]
fn a_detach_that_is_answered_with_404_while_the_compute_shows_is_repeated_with_growing_pauses() {
    let fresh = AttachmentStatus { observed_generation: Some(1), ..AttachmentStatus::default() };
    let earlier = failing(FailedStep::Detach, 100, 50);
    let recreate = recreate();
    #[rustfmt::skip]
    let table = [
        // case                               previous   goal       observation               since  cause                                        requeue
        ("it has most likely gone meanwhile", &fresh,    &detach(), in_sync(),                0,     Cause::ConfirmingDetached,                   0),
        ("another pool has gone meanwhile",   &fresh,    &recreate, shows(of_other_pool(Progress::Succeeded)), 0, Cause::ConfirmingAbsence,   0),
        ("it shows again",                    &earlier,  &detach(), in_sync(),                100,   Cause::NoEffect(NoEffect::DetachNotFound),   100),
    ];
    for (case, previous, goal, found, since, cause, requeue) in table {
        let observed = observed(previous, found);
        let decision = decide(goal, &observed);
        assert_eq!(decision.step.name(), "Detach", "{case}");
        let reported = decision.after(&WriteResult::NotFound, &observed);
        assert_eq!((&reported.cause, reported.requeue), (&cause, Requeue::Backoff(Duration::from_secs(requeue))), "{case}");
        assert!(reported.cause.confirms_absence(), "{case}: the next observation is over a new connection");
        let next = status_after(previous, goal, &observed, Some(&WriteResult::NotFound));
        assert_eq!(next.operation, None, "{case}: nothing was carried out");
        let failure = next.failure.expect("a failure");
        assert_eq!(
            (failure.step, failure.since, failure.last_attempt),
            (FailedStep::Detach, stored(ago(since)), stored(now())),
            "{case}"
        );
    }
}
