//! The chain that detaches, for an object that is being deleted.

use std::time::Duration;

use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{FailedStep, OperationKind};
use synapse_spark_operator::planner::backoff::{STUCK_AFTER, UNHEARD_WRITE_PATIENCE};
use synapse_spark_operator::planner::invalid::Invalid;
use synapse_spark_operator::planner::{
    Cause, Compute, Detached, FaultKind, Finding, Goal, Observed, Operation, Outcome, Ownership, PoolReading, Progress, Requeue,
    Step, decide,
};
use synapse_spark_operator::refusal::Refusal;
use synapse_spark_operator::service_error::ServiceError;

use crate::builders::{
    absent, accepted, after, check, compute, compute_id, created, detach, detached, drifted, ended, failure, in_sync, now, ours,
    pool, running, seen, shows, unheard, unknown, unowned,
};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

fn failed() -> Outcome {
    Outcome::Failed(ServiceError::default())
}

/// An absence that was observed for the first time.
fn just_absent() -> Observed {
    Observed { absent_for: Some(Duration::ZERO), ..absent() }
}

#[test]
fn the_compute_is_detached_before_the_finalizer_is_removed() {
    use Progress::{Deleting, Failed, Working};
    let goal = detach();
    #[rustfmt::skip]
    check(vec![
        ("it is in sync",                     &goal, in_sync(),         "Detach",          Reason::Detaching),
        ("it has drifted",                    &goal, shows(drifted()),  "Detach",          Reason::Detaching),
        ("its attach has failed",             &goal, ours(Failed),      "Detach",          Reason::Detaching),
        ("its attach goes on",                &goal, ours(Working),     "Wait",            Reason::Detaching),
        ("it is being detached",              &goal, ours(Deleting),    "Wait",            Reason::Detaching),
        ("it is gone",                        &goal, absent(),          "RemoveFinalizer", Reason::Detached),
        ("the finalizer is gone",             &goal, seen(false, Finding::Present(compute(Progress::Succeeded))), "Done", Reason::Detached),
    ]);
    assert_eq!(decide(&goal, &in_sync()).step, Step::Detach(compute_id()), "the step names the compute");
}

#[test]
fn an_object_is_released_without_a_detach_if_its_compute_is_to_stay() {
    let goal = detach();
    let retain = Goal::Detached(Detached { retain: true, ..detached() });
    let unnamed = Goal::Detached(Detached { compute: None, ..detached() });
    let of_another = shows(Compute { owner: Ownership::Another("them".into()), ..compute(Progress::Succeeded) });
    let other_type = shows(Compute { kind: "AmlCompute".into(), ..compute(Progress::Succeeded) });
    let lost = unheard(OperationKind::Attach, MINUTE);
    #[rustfmt::skip]
    check(vec![
        ("it is to be retained",                                  &retain,  in_sync(),                        "RemoveFinalizer", Reason::Retained),
        ("it is to be retained, and a write was not answered",    &retain,  after(lost, just_absent()),       "RemoveFinalizer", Reason::Retained),
        ("it is to be retained, and Azure is silent",             &retain,  seen(true, unknown(FaultKind::Unavailable(None))), "RemoveFinalizer", Reason::Retained),
        ("the spec never named one that Azure could have",        &unnamed, absent(),                         "RemoveFinalizer", Reason::Detached),
        ("it belongs to another object",                          &goal,    of_another,                       "RemoveFinalizer", Reason::Retained),
        ("it is of another type",                                 &goal,    other_type,                       "RemoveFinalizer", Reason::Retained),
        ("it has no owner, and nothing was written",              &goal,    shows(unowned(pool("wanted"))),   "RemoveFinalizer", Reason::Retained),
    ]);
}

#[test]
fn an_annotation_that_is_misspelled_holds_the_deletion() {
    let unknown =
        || Some(Invalid { field: "metadata.annotations[synapse-spark.dev/on-delete]", why: "\"Abandon\" is unknown".into() });
    let goal = Goal::Detached(Detached { unknown_annotation: unknown(), ..detached() });
    let retain = Goal::Detached(Detached { unknown_annotation: unknown(), retain: true, ..detached() });
    #[rustfmt::skip]
    check(vec![
        ("it is attached",                  &goal,   in_sync(),         "Wait",            Reason::InvalidSpec),
        ("it is gone",                      &goal,   absent(),          "RemoveFinalizer", Reason::Detached),
        ("it is to be retained in any case", &retain, in_sync(),        "RemoveFinalizer", Reason::Retained),
        ("the finalizer is gone",           &goal,   seen(false, Finding::Absent), "Done", Reason::Detached),
    ]);
}

#[test]
fn the_finalizer_stays_while_azures_answer_is_missing_or_unreadable() {
    use FaultKind::{
        Forbidden, Intercepted, Refused, Rejected, SubscriptionNotFound, Throttled, Unauthenticated, Unavailable,
        WorkspaceNotFound,
    };
    let goal = detach();
    let fault = |kind| seen(true, unknown(kind));
    let confirmed = |observed| Observed { absent_for: Some(Duration::from_secs(15)), ..observed };
    let without_type = shows(Compute { kind: String::new(), ..compute(Progress::Succeeded) });
    let without_pool = shows(Compute { pool: PoolReading::of(None), ..compute(Progress::Succeeded) });
    #[rustfmt::skip]
    check(vec![
        ("Azure is silent",                         &goal, fault(Unavailable(None)),      "Wait",            Reason::AzureUnavailable),
        ("Azure throttles",                         &goal, fault(Throttled(MINUTE)),      "Wait",            Reason::Throttled),
        ("there is no access token",                &goal, fault(Unauthenticated),        "Wait",            Reason::AuthenticationFailed),
        ("a right is missing",                      &goal, fault(Forbidden),              "Wait",            Reason::AuthorizationFailed),
        ("Azure rejects the request",               &goal, fault(Rejected),               "Wait",            Reason::RequestRejected),
        ("the subscription cannot be seen",         &goal, fault(SubscriptionNotFound),   "Wait",            Reason::SubscriptionUnavailable),
        ("a proxy answers in place of Azure",       &goal, fault(Intercepted),            "Wait",            Reason::NetworkDenied),
        ("a lock is in the way",                    &goal, fault(Refused(Refusal::Lock)), "Wait",            Reason::ResourceLocked),
        ("the workspace has just gone",             &goal, fault(WorkspaceNotFound),      "Wait",            Reason::Detaching),
        ("the workspace is gone, and its computes", &goal, confirmed(fault(WorkspaceNotFound)), "RemoveFinalizer", Reason::Detached),
        ("the state of the compute is unknown",     &goal, ours(Progress::Unreadable),    "Wait",            Reason::StateUnreadable),
        ("the type of the compute is missing",      &goal, without_type,                  "Wait",            Reason::StateUnreadable),
        ("its pool is missing, and it is ours",     &goal, without_pool,                  "Detach",          Reason::Detaching),
    ]);
}

#[test]
fn the_finalizer_stays_while_an_earlier_write_may_create_a_compute() {
    use OperationKind::{Attach, Detach, Update};
    let (goal, patience) = (detach(), UNHEARD_WRITE_PATIENCE);
    let almost_stuck = STUCK_AFTER.saturating_sub(Duration::from_secs(1));
    let almost = patience.saturating_sub(Duration::from_secs(1));
    let future = Operation { age: None, ..unheard(Attach, Duration::ZERO) };
    #[rustfmt::skip]
    check(vec![
        ("the attach goes on, and the compute does not show yet", &goal, after(accepted(Attach, MINUTE, Outcome::Unknown), absent()), "Wait", Reason::Detaching),
        ("the attach goes on for less than half an hour",         &goal, after(accepted(Attach, almost_stuck, running()), absent()),      "Wait", Reason::Detaching),
        ("it goes on for half an hour",                           &goal, after(accepted(Attach, STUCK_AFTER, running()), absent()),       "RemoveFinalizer", Reason::Detached),
        ("the attach may not be read",                     &goal, after(accepted(Attach, MINUTE, Outcome::Unreadable), absent()),    "Wait", Reason::Detaching),
        ("the answer to the attach was lost just now",     &goal, after(unheard(Attach, Duration::ZERO), absent()),                  "Wait", Reason::WaitingForWrite),
        ("it was lost, and a retry would be due",          &goal, after(unheard(Attach, MINUTE), absent()),                          "Wait", Reason::WaitingForWrite),
        ("it was lost almost ten minutes ago",             &goal, after(unheard(Attach, almost), absent()),                          "Wait", Reason::WaitingForWrite),
        ("it was lost at a time in the future",            &goal, after(future, absent()),                                           "Wait", Reason::WaitingForWrite),
        ("the answer to an update was lost",               &goal, after(unheard(Update, MINUTE), absent()),                          "Wait", Reason::WaitingForWrite),
        ("it was lost ten minutes ago, and one 404",       &goal, after(unheard(Attach, patience), just_absent()),                   "Wait", Reason::Detaching),
        ("it was lost ten minutes ago, and two 404s",      &goal, after(unheard(Attach, patience), absent()),                        "RemoveFinalizer", Reason::Detached),
        ("the attach failed, and one 404",                 &goal, after(accepted(Attach, MINUTE, failed()), just_absent()),          "Wait", Reason::Detaching),
        ("the attach failed, and two 404s",                &goal, after(accepted(Attach, MINUTE, failed()), absent()),               "RemoveFinalizer", Reason::Detached),
        ("the compute shows after all",                    &goal, after(unheard(Attach, MINUTE), in_sync()),                         "Detach", Reason::Detaching),
        ("the answer to our detach was lost",              &goal, after(unheard(Detach, MINUTE), just_absent()),                     "Wait", Reason::Detaching),
    ]);
}

#[test]
fn the_finalizer_stays_while_an_earlier_write_may_create_the_compute_again_after_the_detach() {
    let goal = detach();
    let detached_after = |age| {
        let mut observed = after(accepted(OperationKind::Detach, Duration::ZERO, Outcome::Unknown), just_absent());
        observed.object.unanswered_put_age = age;
        observed
    };
    #[rustfmt::skip]
    check(vec![
        ("the answer to it was lost a minute ago",      &goal, detached_after(Some(MINUTE)),                 "Wait",            Reason::WaitingForWrite),
        ("the answer to it was lost ten minutes ago",   &goal, detached_after(Some(UNHEARD_WRITE_PATIENCE)), "RemoveFinalizer", Reason::Detached),
        ("every earlier write was answered",            &goal, detached_after(None),                         "RemoveFinalizer", Reason::Detached),
    ]);
}

#[test]
fn the_finalizer_stays_while_an_earlier_write_may_take_effect_on_a_compute_of_another_owner() {
    use OperationKind::{Attach, Update};
    let goal = detach();
    let of_another = || shows(Compute { owner: Ownership::Another("them".into()), ..compute(Progress::Succeeded) });
    let before_that = |age, mut observed: Observed| {
        observed.object.unanswered_put_age = Some(age);
        observed
    };
    let unowned = || shows(unowned(pool("wanted")));
    #[rustfmt::skip]
    check(vec![
        ("the answer to our attach was lost",              &goal, after(unheard(Attach, MINUTE), of_another()),                     "Wait",            Reason::WaitingForWrite),
        ("the answer to our adoption was lost",            &goal, after(unheard(Update, MINUTE), of_another()),                     "Wait",            Reason::WaitingForWrite),
        ("it was lost ten minutes ago",                    &goal, after(unheard(Attach, UNHEARD_WRITE_PATIENCE), of_another()),     "RemoveFinalizer", Reason::Retained),
        ("the answer to an earlier write was lost",        &goal, before_that(MINUTE, of_another()),                                "Wait",            Reason::WaitingForWrite),
        ("that was lost ten minutes ago",                  &goal, before_that(UNHEARD_WRITE_PATIENCE, of_another()),                "RemoveFinalizer", Reason::Retained),
        ("it was lost, and no owner shows",                &goal, before_that(MINUTE, unowned()),                                   "Wait",            Reason::WaitingForWrite),
        ("our attach goes on",                             &goal, after(accepted(Attach, MINUTE, running()), of_another()),  "Wait",            Reason::Detaching),
        ("our attach has ended",                           &goal, after(accepted(Attach, MINUTE, Outcome::Ended), of_another()),    "RemoveFinalizer", Reason::Retained),
    ]);
}

#[test]
fn the_finalizer_is_removed_only_when_the_absence_is_certain() {
    let (goal, seconds) = (detach(), Duration::from_secs);
    let absent_for = |absent_for| Observed { absent_for, ..absent() };
    let sent = |age| accepted(OperationKind::Attach, age, failed());
    let accepted = after(accepted(OperationKind::Detach, MINUTE, Outcome::Unknown), just_absent());
    let failed = |observed| Observed { failure: Some(failure(FailedStep::Detach, MINUTE, seconds(30))), ..observed };
    #[rustfmt::skip]
    check(vec![
        ("one observation",                               &goal, just_absent(),                     "Wait",            Reason::Detaching),
        ("nobody knows since when",                       &goal, absent_for(None),                  "Wait",            Reason::Detaching),
        ("two observations that are 14 seconds apart",    &goal, absent_for(Some(seconds(14))),     "Wait",            Reason::Detaching),
        ("our attach was sent and failed in between",     &goal, after(sent(seconds(14)), absent()), "Wait", Reason::Detaching),
        ("our attach ended in between",                   &goal, after(ended(OperationKind::Attach, seconds(14)), absent()), "Wait",     Reason::Detaching),
        ("our attach ended before",                       &goal, after(ended(OperationKind::Attach, seconds(15)), absent()), "RemoveFinalizer", Reason::Detached),
        ("two observations that are 15 seconds apart",    &goal, absent_for(Some(seconds(15))),     "RemoveFinalizer", Reason::Detached),
        ("Azure accepted our detach",                     &goal, accepted.clone(),                  "RemoveFinalizer", Reason::Detached),
        ("the accepted detach has failed",                &goal, failed(accepted),                  "Wait",            Reason::Detaching),
    ]);
    let waits = decide(&goal, &absent_for(Some(seconds(4))));
    assert_eq!((waits.cause, waits.requeue), (Cause::ConfirmingDetached, Requeue::After(seconds(11))));
    let waits = decide(&goal, &after(ended(OperationKind::Attach, seconds(5)), absent()));
    assert_eq!((waits.cause, waits.requeue), (Cause::ConfirmingDetached, Requeue::After(seconds(10))), "since the attach");
}

#[test]
fn a_compute_without_a_tag_is_detached_if_this_object_created_it() {
    use OperationKind::{Attach, Update};
    let goal = detach();
    let (before, later) = (now() - Duration::from_hours(1), now() - Duration::from_secs(50));
    let untagged = |at| shows(created(at, unowned(pool("wanted"))));
    let recorded = |observed| Observed { failure: Some(failure(FailedStep::Put, MINUTE, Duration::from_secs(30))), ..observed };
    let other = |at| shows(created(at, unowned(pool("other"))));
    let unreadable = |at| shows(created(at, Compute { pool: PoolReading::of(None), ..unowned(pool("wanted")) }));
    let (patience, meanwhile) = (UNHEARD_WRITE_PATIENCE, now() - Duration::from_mins(5));
    #[rustfmt::skip]
    check(vec![
        ("somebody attached another pool after our lost attach", &goal, after(unheard(Attach, MINUTE), other(later)),                     "Wait",   Reason::WaitingForWrite),
        ("our lost attach is over, and another pool shows",    &goal, after(unheard(Attach, patience), other(meanwhile)),                  "RemoveFinalizer", Reason::Retained),
        ("our attach ended long ago, and another pool shows",  &goal, after(accepted(Attach, patience, Outcome::Ended), other(meanwhile)), "RemoveFinalizer", Reason::Retained),
        ("our lost attach is over, and the pool cannot be read", &goal, after(unheard(Attach, patience), unreadable(meanwhile)),           "Wait",   Reason::StateUnreadable),
        ("our attach goes on, and the tag does not show yet",  &goal, after(accepted(Attach, MINUTE, running()), untagged(later)), "Wait",   Reason::Detaching),
        ("our adoption goes on",                               &goal, after(accepted(Update, MINUTE, running()), untagged(before)), "Wait",  Reason::Detaching),
        ("our attach has ended, and the tag is gone",          &goal, after(accepted(Attach, MINUTE, Outcome::Ended), untagged(later)),   "Detach", Reason::Detaching),
        ("the answer to our attach was lost",                  &goal, after(unheard(Attach, MINUTE), untagged(later)),                    "Detach", Reason::Detaching),
        ("it was created before our attach, which may yet show", &goal, after(unheard(Attach, MINUTE), untagged(before)),                 "Wait",   Reason::WaitingForWrite),
        ("the answer to our adoption was lost",                &goal, after(unheard(Update, MINUTE), untagged(before)),                   "Wait",   Reason::WaitingForWrite),
        ("it was lost ten minutes ago",                        &goal, after(unheard(Update, UNHEARD_WRITE_PATIENCE), untagged(before)),   "RemoveFinalizer", Reason::Retained),
        ("our adoption has ended, and its tag does not show",  &goal, after(accepted(Update, MINUTE, Outcome::Ended), untagged(before)),  "Wait",   Reason::Detaching),
        ("it ended ten minutes ago",                           &goal, after(accepted(Update, UNHEARD_WRITE_PATIENCE, Outcome::Ended), untagged(before)), "RemoveFinalizer", Reason::Retained),
        ("our adoption has failed",                            &goal, after(accepted(Update, MINUTE, failed()), untagged(before)),        "RemoveFinalizer", Reason::Retained),
        ("our attach has failed, and somebody else attached it", &goal, after(accepted(Attach, MINUTE, failed()), untagged(later)),       "RemoveFinalizer", Reason::Retained),
        ("the failure of our attach is recorded only",         &goal, recorded(after(accepted(Attach, MINUTE, Outcome::Ended), untagged(later))), "RemoveFinalizer", Reason::Retained),
        ("it was created long after the lost answer",          &goal, after(unheard(Attach, HOUR), untagged(later)),                      "RemoveFinalizer", Reason::Retained),
    ]);
}

#[test]
fn a_detach_is_sent_again_when_it_is_due() {
    use OperationKind::{Attach, Detach};
    let (goal, seconds) = (detach(), Duration::from_secs);
    let long = |so_far: Option<Duration>| {
        let attach = Operation { age: so_far, ..accepted(Attach, so_far.unwrap_or_default(), running()) };
        let mut observed = after(attach, ours(Progress::Working));
        observed.object.reconciling_for = Some(HOUR);
        observed
    };
    #[rustfmt::skip]
    check(vec![
        ("it goes on, and the compute still shows",          &goal, after(accepted(Detach, MINUTE, running()), in_sync()), "Wait",   Reason::Detaching),
        ("nobody knows how it goes",                         &goal, after(accepted(Detach, MINUTE, Outcome::Unknown), in_sync()), "Wait",   Reason::Detaching),
        ("it has just failed",                               &goal, after(accepted(Detach, MINUTE, failed()), in_sync()),         "Wait",   Reason::DetachFailed),
        ("it has ended, and the compute still shows",        &goal, after(accepted(Detach, MINUTE, Outcome::Ended), in_sync()),   "Wait",   Reason::NoEffect),
        ("it ended just now, and the compute still shows",   &goal, after(ended(Detach, seconds(14)), in_sync()),                 "Wait",   Reason::Detaching),
        ("it goes on for half an hour",                      &goal, after(accepted(Detach, STUCK_AFTER, running()), in_sync()),  "Wait",   Reason::OperationStuck),
        ("its answer was lost just now",                     &goal, after(unheard(Detach, seconds(4)), in_sync()),                "Wait",   Reason::WaitingForWrite),
        ("its answer was lost, and a retry is due",          &goal, after(unheard(Detach, seconds(5)), in_sync()),                "Detach", Reason::Detaching),
        ("the attach goes on for less than half an hour",    &goal, long(Some(STUCK_AFTER.saturating_sub(seconds(1)))), "Wait",  Reason::Detaching),
        ("the attach goes on for half an hour",              &goal, long(Some(STUCK_AFTER)),                           "Detach", Reason::Detaching),
        ("the attach goes on since a time in the future",    &goal, long(None),                                        "Wait",   Reason::Detaching),
    ]);
}

#[test]
fn a_suspended_object_that_is_deleted_waits_unless_its_compute_is_gone() {
    let suspended = Goal::Detached(Detached { suspend: true, ..detached() });
    let of_another = shows(Compute { owner: Ownership::Another("them".into()), ..compute(Progress::Succeeded) });
    #[rustfmt::skip]
    check(vec![
        ("the compute is ours",           &suspended, in_sync(),      "Wait",            Reason::Suspended),
        ("the compute is gone",           &suspended, absent(),       "RemoveFinalizer", Reason::Detached),
        ("the compute is another's",      &suspended, of_another,     "RemoveFinalizer", Reason::Retained),
    ]);
}
