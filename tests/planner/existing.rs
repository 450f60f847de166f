//! The gates of the chain that attaches, where a compute exists: one table each.

use std::time::Duration;

use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{AdoptionPolicy, Applied, DriftStatus, FailedStep, OperationKind, PoolStatus};
use synapse_spark_operator::planner::backoff::{ABSENCE_CONFIRMED_AFTER, FORCE_INTERVAL, STUCK_AFTER, UNHEARD_WRITE_PATIENCE};
use synapse_spark_operator::planner::brake::{Losses, Safety};
use synapse_spark_operator::planner::force::Force;
use synapse_spark_operator::planner::{
    Cause, Compute, Finding, Observed, Outcome, Ownership, PoolReading, Progress, Requeue, SparkPool, Step, Suspension, decide,
};
use synapse_spark_operator::service_error::ServiceError;

use crate::builders::{
    CREATED_ON, absent, accepted, after, attach, check, compute, compute_id, created, drifted, ended, failure, in_sync, now,
    of_other_pool, ours, pool, recreate, running, seen, shows, unheard, unowned, with_policy, younger,
};

const MINUTE: Duration = Duration::from_mins(1);

fn failed() -> Outcome {
    Outcome::Failed(ServiceError::default())
}

#[test]
fn only_a_compute_that_belongs_to_the_object_or_may_be_adopted_is_written_to() {
    use AdoptionPolicy::{Always, Never};
    let (never, same, always) = (with_policy(Never, true, false), attach(), with_policy(Always, false, false));
    let always_recreate = with_policy(Always, true, false);
    let (wanted, other) = (|| shows(unowned(pool("wanted"))), || shows(unowned(pool("other"))));
    let unreadable = || shows(Compute { pool: PoolReading::of(None), ..unowned(pool("wanted")) });
    let of_type = |kind: &str| shows(Compute { kind: kind.into(), ..compute(Progress::Succeeded) });
    let of_another = shows(Compute { owner: Ownership::Another("them".into()), ..compute(Progress::Succeeded) });
    #[rustfmt::skip]
    check(vec![
        ("it has the tag of this object",                          &same,   in_sync(),          "Done", Reason::Attached),
        ("it has the tag of another object",                       &same,   of_another,         "Wait", Reason::OwnedByAnother),
        ("it is of another type",                                  &same,   of_type("AmlCompute"), "Wait", Reason::ComputeTypeMismatch),
        ("its type has another case",                              &same,   of_type("synapsespark"), "Done", Reason::Attached),
        ("its type is missing",                                    &same,   of_type(""),        "Wait", Reason::StateUnreadable),
        ("it has no owner and the same pool",                      &same,   wanted(),           "Put",  Reason::Adopting),
        ("it has no owner and another pool",                       &same,   other(),            "Wait", Reason::AdoptionNotAllowed),
        ("it has no owner, and nothing may be adopted",            &never,  wanted(),           "Wait", Reason::AdoptionNotAllowed),
        ("any may be adopted, and none replaced",                  &always, other(),            "Wait", Reason::PoolMismatch),
        ("any may be adopted, and then replaced",                  &always_recreate, other(),   "Put",  Reason::Adopting),
        ("it has no owner, and its pool cannot be parsed",         &always_recreate, unreadable(), "Wait", Reason::StateUnreadable),
    ]);
}

#[test]
fn forced_request_sends_a_compute_in_sync_again_through_every_gate() {
    let (goal, suspended) = (attach(), with_policy(AdoptionPolicy::IfSamePool, false, true));
    let forced = |last, mut observed: Observed| {
        observed.object.force = Force { is_requested: true, last };
        observed
    };
    let now = |observed| forced(None, observed);
    let of_another = shows(Compute { owner: Ownership::Another("them".into()), ..compute(Progress::Succeeded) });
    let with_pool = |finding| {
        let mut observed = in_sync();
        observed.dependencies.pool = Some(finding);
        observed
    };
    let broken = SparkPool { state: "Failed".into(), progress: Progress::Failed, details: PoolStatus::default() };
    let mut missing = Observed { absent_for: Some(ABSENCE_CONFIRMED_AFTER), ..absent() };
    missing.applied = Some(Applied { created_on: Some(CREATED_ON.into()), ..Applied::default() });
    missing.object.safety = Safety { losses: Losses { attached: 40, missing: 40 }, is_stopped: false, is_allowed: false };
    let mut bare = in_sync();
    bare.object.has_finalizer = false;
    let early = FORCE_INTERVAL.saturating_sub(Duration::from_secs(1));
    #[rustfmt::skip]
    check(vec![
        ("nobody requests it",                         &goal,      in_sync(),                                  "Done", Reason::Attached),
        ("it is in sync",                              &goal,      now(in_sync()),                             "Put",  Reason::Updating),
        ("five minutes after the last one",            &goal,      forced(Some(FORCE_INTERVAL), in_sync()),    "Put",  Reason::Updating),
        ("less than five minutes after the last one",  &goal,      forced(Some(early), in_sync()),             "Done", Reason::Attached),
        ("it is suspended",                            &suspended, now(in_sync()),                             "Done", Reason::Suspended),
        ("it belongs to another object",               &goal,      now(of_another),                            "Wait", Reason::OwnedByAnother),
        ("it may not be adopted",                      &goal,      now(shows(unowned(pool("other")))),         "Wait", Reason::AdoptionNotAllowed),
        ("Azure is changing it",                       &goal,      now(shows(compute(Progress::Working))),     "Wait", Reason::Attaching),
        ("the pool does not exist",                    &goal,      now(with_pool(Finding::Absent)),            "Wait", Reason::PoolNotFound),
        ("the pool has failed",                        &goal,      now(with_pool(Finding::Present(broken))),   "Wait", Reason::PoolFailed),
        ("it is missing with many others",             &goal,      now(missing),                               "Wait", Reason::SafetyStop),
        ("the finalizer is missing",                   &goal,      now(bare),                                  "AddFinalizer", Reason::AddingFinalizer),
    ]);
}

#[test]
fn an_adoption_is_not_sent_again_while_it_may_take_effect() {
    use OperationKind::Update;
    let (goal, seconds) = (attach(), Duration::from_secs);
    let unowned = |progress| shows(Compute { progress, ..unowned(pool("wanted")) });
    let still = || unowned(Progress::Succeeded);
    #[rustfmt::skip]
    check(vec![
        ("somebody else's operation goes on",             &goal, unowned(Progress::Working),                                   "Wait", Reason::Adopting),
        ("its state cannot be parsed",                    &goal, unowned(Progress::Unreadable),                                "Wait", Reason::StateUnreadable),
        ("the adoption goes on, and shows no tag yet",    &goal, after(accepted(Update, MINUTE, running()), still()),   "Wait", Reason::Adopting),
        ("nobody knows how the adoption goes",            &goal, after(accepted(Update, MINUTE, Outcome::Unknown), still()),   "Wait", Reason::Adopting),
        ("the adoption ended just now, and shows no tag yet", &goal, after(ended(Update, seconds(14)), still()),               "Wait", Reason::Adopting),
        ("the adoption ended, and the tag never shows",   &goal, after(ended(Update, seconds(15)), still()),                   "Wait", Reason::DriftPersists),
        ("the adoption has just failed",                  &goal, after(accepted(Update, MINUTE, failed()), still()),           "Wait", Reason::AttachFailed),
        ("the answer to the adoption was lost just now",  &goal, after(unheard(Update, seconds(4)), still()),                  "Wait", Reason::WaitingForWrite),
        ("the answer was lost, and a retry is due",       &goal, after(unheard(Update, seconds(5)), still()),                  "Put",  Reason::Adopting),
    ]);
}

#[test]
fn a_compute_without_a_tag_that_this_object_created_is_its_own() {
    use OperationKind::{Attach, Update};
    let never = with_policy(AdoptionPolicy::Never, false, false);
    let (before, later) = (now() - Duration::from_hours(1), now() - Duration::from_secs(50));
    let replace = with_policy(AdoptionPolicy::Never, true, false);
    let untagged = |at| shows(created(at, unowned(pool("wanted"))));
    let other = |at| shows(created(at, unowned(pool("other"))));
    let unreadable = |at| shows(created(at, Compute { pool: PoolReading::of(None), ..unowned(pool("wanted")) }));
    let skewed = now() - MINUTE - Duration::from_secs(90);
    #[rustfmt::skip]
    check(vec![
        ("our attach goes on, and the tag does not show yet",     &never, after(accepted(Attach, MINUTE, running()), untagged(later)), "Wait", Reason::Attaching),
        ("our attach has ended, and the tag is gone",             &never, after(accepted(Attach, MINUTE, Outcome::Ended), untagged(later)),   "Wait", Reason::DriftPersists),
        ("the answer to our attach was lost, and it was created", &never, after(unheard(Attach, MINUTE), untagged(later)),                    "Put",  Reason::Updating),
        ("Azure's clock is a little behind",                      &never, after(unheard(Attach, MINUTE), untagged(skewed)),                   "Put",  Reason::Updating),
        ("somebody attached another pool after our attach",       &never, after(unheard(Attach, MINUTE), other(later)),                       "Wait", Reason::AdoptionNotAllowed),
        ("that may not be detached to attach the wanted one",     &replace, after(unheard(Attach, MINUTE), other(later)),                     "Wait", Reason::AdoptionNotAllowed),
        ("its pool cannot be read",                               &never, after(unheard(Attach, MINUTE), unreadable(later)),                  "Wait", Reason::StateUnreadable),
        ("it was created before our attach",                      &never, after(unheard(Attach, MINUTE), untagged(before)),                   "Wait", Reason::AdoptionNotAllowed),
        ("our write was an update, which creates nothing",        &never, after(unheard(Update, MINUTE), untagged(later)),                    "Wait", Reason::AdoptionNotAllowed),
        ("nothing was written",                                   &never, untagged(later),                                                    "Wait", Reason::AdoptionNotAllowed),
    ]);
}

#[test]
fn the_operator_waits_while_azure_changes_the_compute() {
    use OperationKind::{Attach, Detach, Update};
    use Progress::{Deleting, Working};
    let (goal, recreate) = (attach(), recreate());
    #[rustfmt::skip]
    check(vec![
        ("an attach goes on",                             &goal,     after(accepted(Attach, MINUTE, Outcome::Unknown), ours(Working)),  "Wait", Reason::Attaching),
        ("an update goes on",                             &goal,     after(accepted(Update, MINUTE, Outcome::Unknown), ours(Working)),  "Wait", Reason::Updating),
        ("somebody else detaches it",                     &goal,     ours(Deleting),                                                    "Wait", Reason::Attaching),
        ("our detach goes on",                            &recreate, after(accepted(Detach, MINUTE, Outcome::Unknown), ours(Deleting)), "Wait", Reason::Replacing),
        ("another pool is being detached",                &recreate, shows(of_other_pool(Deleting)),                                    "Wait", Reason::Replacing),
    ]);
    let mut waits = after(accepted(Attach, MINUTE, Outcome::Unknown), ours(Working));
    waits.object.reconciling_for = Some(Duration::from_secs(7));
    assert_eq!(decide(&goal, &waits).requeue, Requeue::Polling(Some(Duration::from_secs(7))), "the shorter of the two times");
    waits.object.reconciling_for = None;
    assert_eq!(decide(&goal, &waits).requeue, Requeue::Polling(None), "a time in the future is unknown");
}

#[test]
fn another_pool_is_replaced_by_a_detach_if_the_spec_allows_it() {
    use OperationKind::Detach;
    let (goal, recreate, seconds) = (attach(), recreate(), Duration::from_secs);
    let other = || shows(of_other_pool(Progress::Succeeded));
    let unreadable = |text: Option<&str>| shows(Compute { pool: PoolReading::of(text), ..compute(Progress::Succeeded) });
    #[rustfmt::skip]
    check(vec![
        ("the policy does not allow it",                  &goal,     other(),                                                      "Wait",   Reason::PoolMismatch),
        ("the policy allows it",                          &recreate, other(),                                                      "Detach", Reason::Replacing),
        ("an older claimant would take the name",         &recreate, younger(other()),                                             "Wait",   Reason::Duplicate),
        ("our detach goes on",                            &recreate, after(accepted(Detach, MINUTE, running()), other()),   "Wait",   Reason::Replacing),
        ("the answer to our detach was lost just now",    &recreate, after(unheard(Detach, seconds(4)), other()),                  "Wait",   Reason::WaitingForWrite),
        ("the answer was lost, and a retry is due",       &recreate, after(unheard(Detach, seconds(5)), other()),                  "Detach", Reason::Replacing),
        ("our detach ended just now, and it still shows", &recreate, after(ended(Detach, seconds(14)), other()),                   "Wait",   Reason::Replacing),
        ("our detach ended, and it still shows",          &recreate, after(ended(Detach, seconds(15)), other()),                   "Wait",   Reason::NoEffect),
        ("our detach has just failed",                    &recreate, after(accepted(Detach, MINUTE, failed()), other()),           "Wait",   Reason::DetachFailed),
        ("the resource ID of the pool is null",           &recreate, unreadable(None),                                             "Wait",   Reason::StateUnreadable),
        ("the resource ID of the pool is empty",          &recreate, unreadable(Some("")),                                         "Wait",   Reason::StateUnreadable),
        ("the resource ID of the pool is malformed",      &recreate, unreadable(Some("/subscriptions/s/other")),                   "Wait",   Reason::StateUnreadable),
        ("our detach failed long ago, and it is in sync", &recreate, after(accepted(Detach, MINUTE, failed()), in_sync()),         "Done",   Reason::Attached),
    ]);
    assert_eq!(decide(&recreate, &other()).step, Step::Detach(compute_id()), "the step names the compute");
}

#[test]
fn drift_is_corrected_in_place() {
    use OperationKind::{Attach, Update};
    let (goal, seconds) = (attach(), Duration::from_secs);
    let drift = || shows(drifted());
    #[rustfmt::skip]
    check(vec![
        ("nothing was written",                               &goal, drift(),                                                                "Put",  Reason::Updating),
        ("our update goes on",                                &goal, after(accepted(Update, MINUTE, running()), drift()),             "Wait", Reason::Updating),
        ("our update goes on for half an hour",               &goal, after(accepted(Update, STUCK_AFTER, running()), drift()),               "Wait", Reason::OperationStuck),
        ("it shows its effect, and goes on nevertheless",     &goal, after(accepted(Update, STUCK_AFTER, running()), in_sync()),             "Done", Reason::Attached),
        ("our update failed and left what was there",         &goal, after(accepted(Update, MINUTE, failed()), in_sync()),                   "Wait", Reason::UpdateFailed),
        ("our attach failed and left what was there",         &goal, after(accepted(Attach, MINUTE, failed()), in_sync()),                   "Wait", Reason::AttachFailed),
        ("the attach left a failed compute",                  &goal, ours(Progress::Failed),                                                 "Wait", Reason::AttachFailed),
        ("our update ended, and the drift still shows",       &goal, after(accepted(Update, MINUTE, Outcome::Ended), drift()),               "Wait", Reason::DriftPersists),
        ("our update ended just now, and may not show yet",   &goal, after(ended(Update, seconds(14)), drift()),                             "Wait", Reason::Updating),
        ("our attach goes on, and an earlier failure shows",  &goal, after(accepted(Attach, seconds(9), running()), ours(Progress::Failed)),       "Wait", Reason::Attaching),
        ("our attach ended just now, and may not show yet",   &goal, after(ended(Attach, seconds(14)), ours(Progress::Failed)),              "Wait", Reason::Attaching),
        ("our update may not be read, and may be going on",   &goal, after(accepted(Update, MINUTE, Outcome::Unreadable), drift()),          "Wait", Reason::Updating),
        ("our update may not be read, and is over by now",    &goal, after(accepted(Update, UNHEARD_WRITE_PATIENCE, Outcome::Unreadable), drift()), "Wait", Reason::DriftPersists),
        ("the answer to our update was lost just now",        &goal, after(unheard(Update, seconds(4)), drift()),                            "Wait", Reason::WaitingForWrite),
        ("the answer was lost, and a retry is due",           &goal, after(unheard(Update, seconds(5)), drift()),                            "Put",  Reason::Updating),
        ("the answer was lost, and the effect shows",         &goal, after(unheard(Update, seconds(1)), in_sync()),                          "Done", Reason::Attached),
    ]);
}

#[test]
fn an_identity_that_cannot_be_parsed_is_shown_in_the_status_before_it_is_removed() {
    let goal = attach();
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Other/identities/one";
    let mut found = compute(Progress::Succeeded);
    found.identity.unreadable = vec![id.into()];
    let reported = |have: &str, mut observed: Observed| {
        let drift = DriftStatus {
            field: "identity.userAssignedIdentities".into(),
            want: String::new(),
            have: have.into(),
            ..DriftStatus::default()
        };
        observed.object.reported_drift = vec![drift];
        observed
    };
    let lost = || unheard(OperationKind::Update, MINUTE);
    #[rustfmt::skip]
    check(vec![
        ("the status does not show it",                          &goal, shows(found.clone()),                                      "Wait", Reason::Updating),
        ("the status shows another one",                         &goal, reported("another", shows(found.clone())),                 "Wait", Reason::Updating),
        ("the status shows it",                                  &goal, reported(&format!("x, {id}"), shows(found.clone())),       "Put",  Reason::Updating),
        ("the status does not show it, and a retry is due",      &goal, after(lost(), shows(found.clone())),                       "Wait", Reason::Updating),
        ("the status shows it, and a retry is due",              &goal, reported(id, after(lost(), shows(found))),                 "Put",  Reason::Updating),
    ]);
}

#[test]
fn nothing_is_written_before_the_finalizer_is_on_the_object() {
    use synapse_spark_operator::planner::Finding::{Absent, Present};
    let (goal, recreate, suspended) = (attach(), recreate(), with_policy(AdoptionPolicy::IfSamePool, false, true));
    let without = |finding| seen(false, finding);
    #[rustfmt::skip]
    check(vec![
        ("the compute does not exist",                            &goal,      without(Absent),                                     "AddFinalizer", Reason::AddingFinalizer),
        ("the compute is to be adopted",                          &goal,      without(Present(unowned(pool("wanted")))),           "AddFinalizer", Reason::AddingFinalizer),
        ("the compute is to be replaced",                         &recreate,  without(Present(of_other_pool(Progress::Succeeded))), "AddFinalizer", Reason::AddingFinalizer),
        ("the compute is ours and in sync",                       &goal,      without(Present(compute(Progress::Succeeded))),      "AddFinalizer", Reason::AddingFinalizer),
        ("another pool is attached and may not be replaced",  &goal,      without(Present(of_other_pool(Progress::Succeeded))), "Wait",        Reason::PoolMismatch),
        ("the compute is ours, in sync, and the object suspended", &suspended, without(Present(compute(Progress::Succeeded))),     "Done",         Reason::Suspended),
    ]);
}

#[test]
fn nothing_is_written_while_the_object_is_suspended() {
    let suspended = with_policy(AdoptionPolicy::Always, true, true);
    #[rustfmt::skip]
    check(vec![
        ("the compute does not exist",     &suspended, absent(),                                        "Wait", Reason::Suspended),
        ("the compute may be adopted",     &suspended, shows(unowned(pool("wanted"))),                  "Wait", Reason::Suspended),
        ("the compute has drifted",        &suspended, shows(drifted()),                                "Wait", Reason::Suspended),
        ("the compute is of another pool", &suspended, shows(of_other_pool(Progress::Succeeded)),       "Wait", Reason::Suspended),
        ("the compute is in sync",         &suspended, in_sync(),                                       "Done", Reason::Suspended),
    ]);
    for (observed, what) in [
        (absent(), Suspension::Attach),
        (shows(unowned(pool("wanted"))), Suspension::Adoption),
        (shows(drifted()), Suspension::Update),
        (shows(of_other_pool(Progress::Succeeded)), Suspension::Update),
        (in_sync(), Suspension::InSync),
    ] {
        assert_eq!(decide(&suspended, &observed).cause, Cause::Suspended(what));
    }
}

#[test]
fn a_suspended_object_waits_for_no_retry() {
    use OperationKind::{Attach, Detach, Update};
    let suspended = with_policy(AdoptionPolicy::Always, true, true);
    let other = || shows(of_other_pool(Progress::Succeeded));
    let unowned = || shows(unowned(pool("wanted")));
    for (case, observed, what) in [
        ("the attach left a failed compute", ours(Progress::Failed), Suspension::Update),
        ("our attach failed and left nothing", after(accepted(Attach, MINUTE, failed()), absent()), Suspension::Attach),
        ("our update failed", after(accepted(Update, MINUTE, failed()), in_sync()), Suspension::Update),
        (
            "our update ended, and the drift still shows",
            after(accepted(Update, MINUTE, Outcome::Ended), shows(drifted())),
            Suspension::Update,
        ),
        ("our adoption failed", after(accepted(Update, MINUTE, failed()), unowned()), Suspension::Adoption),
        ("our detach of another pool failed", after(accepted(Detach, MINUTE, failed()), other()), Suspension::Update),
    ] {
        for since_attempt in [0, 5] {
            let failing = Duration::from_secs(since_attempt);
            let failure = Some(failure(FailedStep::Put, failing, failing));
            let decision = decide(&suspended, &Observed { failure, ..observed.clone() });
            assert_eq!(decision.cause, Cause::Suspended(what), "{case}, {since_attempt} s ago");
            assert_eq!(decision.requeue, Requeue::Resync, "{case}, {since_attempt} s ago");
        }
    }
}

#[test]
fn a_failure_that_the_status_shows_is_not_forgotten_when_the_end_of_its_write_is_observed_again() {
    let failure = Some(failure(FailedStep::Put, Duration::from_secs(30), Duration::from_secs(2)));
    let restarted = Observed { failure, ..after(ended(OperationKind::Update, Duration::ZERO), shows(drifted())) };
    assert_eq!(decide(&attach(), &restarted).cause, Cause::DriftPersists);
}
