//! The gates of the chain that attaches, up to the one that finds a compute: one table each.

use std::time::Duration;

use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{Applied, FailedStep, OperationKind, PoolStatus};
use synapse_spark_operator::planner::backoff::{ABSENCE_CONFIRMED_AFTER, MIN_BACKOFF, STUCK_AFTER, UNHEARD_WRITE_PATIENCE};
use synapse_spark_operator::planner::brake::{Losses, Safety};
use synapse_spark_operator::planner::{
    Cause, Compute, FaultKind, Finding, Goal, LinkedService, Observed, Operation, Outcome, Ownership, Progress, Requeue,
    SparkPool, Step, decide,
};
use synapse_spark_operator::refusal::Refusal;
use synapse_spark_operator::service_error::ServiceError;

use crate::builders::{
    CREATED_ON, absent, accepted, after, attach, check, compute, drifted, ended, failure, in_sync, linked, pool, running, seen,
    shows, unheard, unknown, unowned, younger,
};

const MINUTE: Duration = Duration::from_mins(1);

fn failed() -> Outcome {
    Outcome::Failed(ServiceError::default())
}

#[test]
fn a_pool_reference_is_resolved_first() {
    use FaultKind::{Forbidden, Throttled, Unavailable};
    let goal = Goal::Attached(linked());
    let link = |finding, mut observed: Observed| {
        observed.dependencies.link = Some(finding);
        observed
    };
    let leads_to = |resource_id: &str| LinkedService { name: "link".into(), resource_id: resource_id.into(), principal: None };
    let group = "/subscriptions/s/resourceGroups/g";
    let synapse = leads_to(&format!("{group}/providers/Microsoft.Synapse/workspaces/w"));
    let storage = leads_to(&format!("{group}/providers/Microsoft.Storage/storageAccounts/w"));
    #[rustfmt::skip]
    check(vec![
        ("the pool of the linked service is attached",            &goal, link(Finding::Present(synapse.clone()), absent()),          "Put",  Reason::Attaching),
        ("the compute has the pool of the linked service",        &goal, link(Finding::Present(synapse), in_sync()),                 "Done", Reason::Attached),
        ("the linked service does not lead to Synapse",           &goal, link(Finding::Present(storage), absent()),                  "Wait", Reason::LinkedServiceNotFound),
        ("the linked service does not exist",                     &goal, link(Finding::Absent, in_sync()),                           "Wait", Reason::LinkedServiceNotFound),
        ("Azure does not answer for the linked service",          &goal, link(unknown(Unavailable(None)), in_sync()),                "Wait", Reason::AzureUnavailable),
        ("Azure throttles the request for the linked service",    &goal, link(unknown(Throttled(MINUTE)), in_sync()),                "Wait", Reason::Throttled),
        ("the linked service may not be read",                    &goal, link(unknown(Forbidden), absent()),                         "Wait", Reason::AuthorizationFailed),
    ]);
    let mut observed = link(Finding::Absent, absent());
    observed.dependencies.other_links = vec!["other".into()];
    let cause = Cause::LinkedServiceNotFound { name: "link".into(), others: vec!["other".into()] };
    assert_eq!(decide(&goal, &observed).cause, cause, "the message names the linked services that exist");
}

#[test]
fn many_missing_computes_of_a_workspace_are_not_attached_again() {
    let goal = attach();
    let missing = |safety| {
        let applied = Some(Applied { created_on: Some(CREATED_ON.into()), ..Applied::default() });
        let mut observed = Observed { absent_for: Some(ABSENCE_CONFIRMED_AFTER), applied, ..absent() };
        observed.object.safety = safety;
        observed
    };
    let of = |is_stopped, is_allowed, missing| Safety { losses: Losses { attached: 40, missing }, is_stopped, is_allowed };
    let never_attached = Observed { applied: None, ..missing(of(false, false, 40)) };
    let failing = Some(failure(FailedStep::Put, MINUTE, MINUTE));
    let again = after(accepted(OperationKind::Attach, MINUTE, failed()), missing(of(false, false, 40)));
    let again = Observed { failure: failing, ..again };
    let detached = after(accepted(OperationKind::Detach, MINUTE, Outcome::Ended), missing(of(false, false, 40)));
    #[rustfmt::skip]
    check(vec![
        ("ten of forty are missing",                      &goal, missing(of(false, false, 10)), "Put",  Reason::Attaching),
        ("eleven of forty are missing",                   &goal, missing(of(false, false, 11)), "Wait", Reason::SafetyStop),
        ("it was stopped before a restart",               &goal, missing(of(true, false, 1)),   "Wait", Reason::SafetyStop),
        ("the user allows it",                            &goal, missing(of(true, true, 40)),   "Put",  Reason::Attaching),
        ("this one was never attached",                   &goal, never_attached,                "Put",  Reason::Attaching),
        ("it is being attached again, and that failed",   &goal, again,                         "Put",  Reason::Attaching),
        ("this one was detached by the operator itself",  &goal, detached,                      "Put",  Reason::Attaching),
    ]);
}

#[test]
fn without_an_answer_the_planner_waits() {
    use FaultKind::{
        Conflict, Forbidden, Intercepted, Refused, Rejected, SubscriptionNotFound, Throttled, Unauthenticated, Unavailable,
        Untrusted, WorkspaceNotFound,
    };
    let (seconds, zero) = (Duration::from_secs, Duration::ZERO);
    #[rustfmt::skip]
    let table = [
        // case                                      fault                            reason                          requeue
        ("Azure is silent",                          Unavailable(None),               Reason::AzureUnavailable,       Requeue::Backoff(zero)),
        ("Azure names a pause",                      Unavailable(Some(seconds(20))),  Reason::AzureUnavailable,       Requeue::After(seconds(20))),
        ("Azure names a pause that is too short",    Unavailable(Some(seconds(1))),   Reason::AzureUnavailable,       Requeue::After(MIN_BACKOFF)),
        ("Azure reports a conflict",                 Conflict,                        Reason::Conflict,               Requeue::Backoff(zero)),
        ("Azure throttles",                          Throttled(seconds(17)),          Reason::Throttled,              Requeue::After(seconds(17))),
        ("Azure throttles and names no pause",       Throttled(zero),                 Reason::Throttled,              Requeue::After(MIN_BACKOFF)),
        ("there is no access token",                 Unauthenticated,                 Reason::AuthenticationFailed,   Requeue::Backoff(zero)),
        ("a right is missing",                       Forbidden,                       Reason::AuthorizationFailed,    Requeue::SlowBackoff(zero)),
        ("the workspace does not exist",             WorkspaceNotFound,               Reason::WorkspaceNotFound,      Requeue::SlowBackoff(zero)),
        ("the subscription does not exist",          SubscriptionNotFound,            Reason::SubscriptionUnavailable, Requeue::SlowBackoff(zero)),
        ("a proxy answers in place of Azure",        Intercepted,                     Reason::NetworkDenied,          Requeue::Backoff(zero)),
        ("the certificate is not trusted",           Untrusted,                       Reason::CertificateNotTrusted,  Requeue::Backoff(zero)),
        ("a lock is in the way",                     Refused(Refusal::Lock),          Reason::ResourceLocked,         Requeue::SlowBackoff(zero)),
        ("a policy denies it",                       Refused(Refusal::Policy),        Reason::PolicyDenied,           Requeue::SlowBackoff(zero)),
        ("a firewall refuses it",                    Refused(Refusal::Network),       Reason::NetworkDenied,          Requeue::SlowBackoff(zero)),
        ("Azure rejects the request",                Rejected,                        Reason::RequestRejected,        Requeue::SlowBackoff(zero)),
    ];
    for (case, kind, reason, requeue) in table {
        let decision = decide(&attach(), &seen(true, unknown(kind)));
        assert_eq!((&decision.step, decision.cause.reason(), decision.requeue), (&Step::Wait, reason, requeue), "{case}");
    }
}

#[test]
fn the_older_claimant_wins_unless_the_younger_owns_the_compute() {
    let goal = attach();
    let of_older = Compute { owner: Ownership::Another("cluster/team-a/older/uid".into()), ..compute(Progress::Succeeded) };
    #[rustfmt::skip]
    check(vec![
        ("the compute does not exist",            &goal, younger(absent()),                   "Wait", Reason::Duplicate),
        ("the compute has no owner",              &goal, younger(shows(unowned(pool("wanted")))), "Wait", Reason::Duplicate),
        ("the older object owns the compute",     &goal, younger(shows(of_older)),            "Wait", Reason::Duplicate),
        ("the younger object owns the compute",   &goal, younger(in_sync()),                  "Done", Reason::Attached),
        ("the younger object corrects its own",   &goal, younger(shows(drifted())),           "Put",  Reason::Updating),
    ]);
}

#[test]
fn nothing_is_attached_while_an_earlier_write_may_take_effect() {
    use OperationKind::{Attach, Detach};
    let (goal, seconds) = (attach(), Duration::from_secs);
    let requested = |mut observed: Observed| {
        observed.object.reconcile_requested = true;
        observed
    };
    let refused_long = Observed { failure: Some(failure(FailedStep::Put, seconds(206), seconds(6))), ..absent() };
    let unheard_later = after(unheard(Attach, seconds(6)), refused_long);
    let future = after(unheard(Attach, seconds(0)), absent()).operation.map(|one| Operation { age: None, ..one });
    #[rustfmt::skip]
    check(vec![
        ("the attach goes on for less than half an hour", &goal, after(accepted(Attach, UNHEARD_WRITE_PATIENCE, running()), absent()), "Wait", Reason::Attaching),
        ("the attach goes on for half an hour",           &goal, after(accepted(Attach, STUCK_AFTER, running()), absent()),     "Wait", Reason::OperationStuck),
        ("the same, and a user asks",                     &goal, requested(after(accepted(Attach, STUCK_AFTER, running()), absent())), "Put", Reason::Attaching),
        ("nobody knows how the attach goes",              &goal, after(accepted(Attach, MINUTE, Outcome::Unknown), absent()),   "Wait", Reason::Attaching),
        ("the attach may not be read, and may go on",     &goal, after(accepted(Attach, MINUTE, Outcome::Unreadable), absent()), "Wait", Reason::Attaching),
        ("the attach has just failed",                    &goal, after(accepted(Attach, MINUTE, failed()), absent()),           "Wait", Reason::AttachFailed),
        ("the attach ended and left nothing",             &goal, after(accepted(Attach, MINUTE, Outcome::Ended), absent()),     "Wait", Reason::NoEffect),
        ("the attach ended just now",                     &goal, after(ended(Attach, seconds(14)), absent()),                   "Wait", Reason::Attaching),
        ("the attach has just failed, and a user asks",   &goal, requested(after(accepted(Attach, MINUTE, failed()), absent())), "Put", Reason::Attaching),
        ("the answer to the attach was lost just now",    &goal, after(unheard(Attach, seconds(4)), absent()),                  "Wait", Reason::WaitingForWrite),
        ("the answer was lost, and a retry is due",       &goal, after(unheard(Attach, MIN_BACKOFF), absent()),                 "Put",  Reason::Attaching),
        ("the answer was lost after many failures",       &goal, unheard_later,                                                 "Wait", Reason::WaitingForWrite),
        ("the answer was lost at a time in the future",   &goal, Observed { operation: future, ..absent() },                    "Put",  Reason::Attaching),
        ("the compute was detached to be replaced",       &goal, after(accepted(Detach, MINUTE, Outcome::Ended), absent()),     "Put",  Reason::Attaching),
    ]);
    let waits = decide(&goal, &after(unheard(Attach, seconds(2)), absent()));
    assert_eq!(waits.requeue, Requeue::After(seconds(3)), "until the retry is due");
}

#[test]
fn a_compute_that_existed_is_created_again_only_when_its_absence_is_certain() {
    let (goal, just) = (attach(), Duration::from_secs(14));
    let existed = |absent_for| {
        let applied = Some(Applied { created_on: Some(CREATED_ON.into()), ..Applied::default() });
        Observed { absent_for, applied, ..absent() }
    };
    let detached = |is_accepted| {
        let detach = accepted(OperationKind::Detach, MINUTE, Outcome::Ended);
        after(Operation { is_accepted, ..detach }, existed(Some(Duration::ZERO)))
    };
    #[rustfmt::skip]
    check(vec![
        ("nothing is known to have existed",              &goal, Observed { absent_for: Some(Duration::ZERO), ..absent() }, "Put",  Reason::Attaching),
        ("it existed, and is absent for the first time",  &goal, existed(Some(Duration::ZERO)),                             "Wait", Reason::Attaching),
        ("it has not been absent for long enough",        &goal, existed(Some(just)),                                       "Wait", Reason::Attaching),
        ("nobody knows for how long it has been absent",  &goal, existed(None),                                             "Wait", Reason::Attaching),
        ("two observations say so",                       &goal, existed(Some(ABSENCE_CONFIRMED_AFTER)),                    "Put",  Reason::Attaching),
        ("Azure accepted our detach",                     &goal, detached(true),                                            "Put",  Reason::Attaching),
        ("Azure did not answer our detach",               &goal, detached(false),                                           "Wait", Reason::Attaching),
    ]);
    let waits = decide(&goal, &existed(Some(just)));
    assert_eq!((waits.cause, waits.requeue), (Cause::ConfirmingAbsence, Requeue::After(Duration::from_secs(1))));
}

#[test]
fn the_pool_must_be_usable_or_unreadable() {
    let goal = attach();
    let with = |finding, mut observed: Observed| {
        observed.dependencies.pool = Some(finding);
        observed
    };
    let state = |state: &str| {
        let progress = Progress::of(Some(state));
        Finding::Present(SparkPool { state: state.into(), progress, details: PoolStatus::default() })
    };
    #[rustfmt::skip]
    check(vec![
        ("the pool does not exist",                       &goal, with(Finding::Absent, absent()),                   "Wait", Reason::PoolNotFound),
        ("the pool has failed",                           &goal, with(state("Failed"), absent()),                   "Wait", Reason::PoolFailed),
        ("the pool is being deleted",                     &goal, with(state("Deleting"), absent()),                 "Wait", Reason::PoolFailed),
        ("the pool is being created",                     &goal, with(state("Provisioning"), absent()),             "Put",  Reason::Attaching),
        ("the pool may not be read",                      &goal, with(unknown(FaultKind::Forbidden), absent()),     "Put",  Reason::Attaching),
        ("the pool was deleted after the attach    ",    &goal, with(Finding::Absent, in_sync()),                  "Wait", Reason::PoolNotFound),
        ("drift is corrected without the pool",           &goal, with(Finding::Absent, shows(drifted())),           "Put",  Reason::Updating),
        ("Synapse does not answer for the pool",          &goal, with(unknown(FaultKind::Unavailable(None)), in_sync()), "Done", Reason::Attached),
    ]);
}
