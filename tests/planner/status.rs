//! What the user reads in the status: conditions, messages, the echo of a request.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{AdoptionPolicy, AttachmentStatus, DriftStatus, OperationKind, OperationStatus};
use synapse_spark_operator::planner::backoff::{EFFECT_SHOWS_AFTER, STUCK_AFTER};
use synapse_spark_operator::planner::roles::observed::Roles;
use synapse_spark_operator::planner::status::report::ObjectMeta;
use synapse_spark_operator::planner::status::time::stored;
use synapse_spark_operator::planner::status::{condition, status};
use synapse_spark_operator::planner::{
    Cause, Compute, Decision, Detached, Fault, FaultKind, Finding, Goal, Observed, Outcome, Ownership, Progress, Report, Requeue,
    Write, WriteResult, decide,
};
use synapse_spark_operator::service_error::{Service, ServiceError};

use crate::builders::{
    absent, accepted, after, attach, compute, detach, detached, drifted, ended, fault, in_sync, linked, now, of_other_pool, ours,
    pool, ready_status, recreate, report, role, running, seen, shows, status_after, unheard, unknown, unowned, with_policy,
};
use WriteResult::{Failed, Intent};

const MINUTE: Duration = Duration::from_mins(1);
const SILENT: FaultKind = FaultKind::Unavailable(None);

#[test]
fn a_request_is_handled_once_azure_has_answered() {
    let requested = ObjectMeta { generation: Some(1), requested: Some("now"), forced: None, created: None };
    let handled = |observed: Option<&Observed>, decision: &Decision| {
        let (goal, any) = (attach(), in_sync());
        let report = Report { object: requested, observed, ..report(&goal, &any, decision, None) };
        let previous = AttachmentStatus { last_handled_reconcile_at: Some("earlier".into()), ..AttachmentStatus::default() };
        status(&previous, &report).last_handled_reconcile_at
    };
    for (case, observed, expected) in [
        ("Azure answers", in_sync(), "now"),
        ("Azure answers that there is nothing", absent(), "now"),
        ("Azure refuses", seen(true, unknown(FaultKind::Forbidden)), "now"),
        ("Azure throttles", seen(true, unknown(FaultKind::Throttled(MINUTE))), "earlier"),
        ("Azure is silent", seen(true, unknown(SILENT)), "earlier"),
    ] {
        assert_eq!(handled(Some(&observed), &decide(&attach(), &observed)).as_deref(), Some(expected), "{case}");
    }
    let unconfirmed = Decision::read_failed(fault(SILENT), &in_sync());
    assert_eq!(handled(Some(&in_sync()), &unconfirmed).as_deref(), Some("earlier"), "Azure does not answer before the write");
    let unlinked = Decision::blocked(Cause::LinkedServiceNotFound { name: "link".into(), others: Vec::new() });
    let silent = seen(true, unknown(SILENT));
    assert_eq!(handled(Some(&silent), &unlinked).as_deref(), Some("earlier"), "something else is wrong, and Azure is silent");
    let invalid = Decision::blocked(Cause::InvalidSpec("spec".into()));
    assert_eq!(handled(None, &invalid).as_deref(), Some("now"), "the spec asks for something impossible");
}

/// What kstatus reads: the status of Ready, and which of the others is true.
fn shown(status: &AttachmentStatus) -> (String, Vec<String>) {
    let is_other = |one: &&Condition| one.type_ == "Reconciling" || one.type_ == "Stalled";
    let others = status.conditions.iter().filter(is_other).map(|one| one.type_.clone());
    (condition(status, "Ready").expect("always there").status.clone(), others.collect())
}

#[test]
fn ready_is_kept_for_three_resync_intervals_without_an_answer() {
    let silent_for = |previous: &AttachmentStatus, minutes| {
        let mut observed = seen(true, unknown(SILENT));
        observed.object.unavailable_for = Duration::from_mins(minutes);
        status_after(previous, &attach(), &observed, None)
    };
    let is = |ready: &str, others: &[&str]| (ready.to_owned(), others.iter().map(ToString::to_string).collect::<Vec<_>>());
    let (was_ready, was_not) = (ready_status(), AttachmentStatus::default());
    let other_spec = AttachmentStatus { observed_generation: Some(0), ..was_ready.clone() };
    assert_eq!(shown(&silent_for(&was_ready, 14)), is("True", &[]), "not for three resyncs of five minutes");
    let unknown = silent_for(&was_ready, 15);
    assert_eq!(shown(&unknown), is("Unknown", &["Reconciling"]), "three resyncs of five minutes");
    assert_eq!(condition(&unknown, "Ready").map(|ready| ready.reason.as_str()), Some("AzureUnavailable"));
    assert_eq!(shown(&silent_for(&unknown, 0)), is("Unknown", &["Reconciling"]), "it stays Unknown after a restart");
    assert_eq!(shown(&status_after(&unknown, &attach(), &in_sync(), None)), is("True", &[]), "Azure answers again");
    assert_eq!(shown(&silent_for(&was_not, 0)), is("False", &["Reconciling"]), "it was not Ready");
    assert_eq!(shown(&silent_for(&other_spec, 0)), is("False", &["Reconciling"]), "it was Ready with another spec");
}

#[test]
fn ready_is_kept_while_only_a_dependency_does_not_answer() {
    let silent = |mut observed: Observed, minutes| {
        observed.dependencies.link = Some(unknown(SILENT));
        observed.object.unavailable_for = Duration::from_mins(minutes);
        observed
    };
    let wanting = |finding, minutes| {
        let wanted = vec![(Some(role("principal")), finding)];
        let mut observed = Observed { roles: Roles { wanted, ..Roles::default() }, ..in_sync() };
        observed.object.unavailable_for = Duration::from_mins(minutes);
        observed
    };
    let (link, plain) = (Goal::Attached(linked()), attach());
    #[rustfmt::skip]
    let table = [
        // case                                             goal    observation                            Ready
        ("the linked service is silent",                    &link,  silent(in_sync(), 14),                 "True"),
        ("the linked service is silent for three resyncs",  &link,  silent(in_sync(), 15),                 "Unknown"),
        ("so it is, and the compute does not exist",        &link,  silent(absent(), 0),                   "False"),
        ("so it is, and the compute has failed",            &link,  silent(ours(Progress::Failed), 0),     "False"),
        ("Synapse is silent about a role",                  &plain, wanting(unknown(SILENT), 14),          "True"),
        ("Synapse is silent for three resyncs",             &plain, wanting(unknown(SILENT), 15),          "Unknown"),
    ];
    for (case, goal, observed, ready) in table {
        let next = status_after(&ready_status(), goal, &observed, None);
        assert_eq!(shown(&next).0, ready, "{case}: {next:?}");
        assert!(!observed.is_answered(), "{case}");
    }
    let silence = Decision::read_failed(fault(SILENT), &in_sync());
    let of = |observed: &Observed| shown(&status(&ready_status(), &report(&attach(), observed, &silence, None))).0;
    assert_eq!(of(&wanting(Finding::Absent, 0)), "False", "the role is known to be missing");
    assert_eq!(of(&shows(drifted())), "False", "the compute is known to differ");
}

#[test]
fn times_in_the_future_are_replaced_by_now() {
    let ahead = now() + Duration::from_hours(24);
    let mut previous = ready_status();
    previous.conditions[0].last_transition_time = stored(ahead);
    let started_at = stored(ahead);
    let sent = OperationStatus { kind: OperationKind::Update, pending: true, path: None, pool: None, started_at };
    previous.operation = Some(sent);
    let silent = status_after(&previous, &attach(), &seen(true, unknown(SILENT)), None);
    assert_eq!(condition(&silent, "Ready").map(|ready| ready.last_transition_time.clone()), Some(stored(now())));
    assert_eq!(silent.operation.map(|operation| operation.started_at), Some(stored(now())));
    previous.conditions[0].last_transition_time = stored(now() - MINUTE);
    let ready = status_after(&previous, &attach(), &in_sync(), None);
    let since = condition(&ready, "Ready").map(|ready| ready.last_transition_time.clone());
    assert_eq!(since, Some(stored(now() - MINUTE)), "a time in the past stays as long as the condition says the same");
}

#[test]
fn an_object_that_was_never_ready_is_not_ready_since_its_creation() {
    let (goal, observed, created) = (attach(), absent(), now() - Duration::from_hours(1));
    let decision = decide(&goal, &observed);
    let object = ObjectMeta { generation: Some(1), requested: None, forced: None, created: Some(created) };
    let next = status(&AttachmentStatus::default(), &Report { object, ..report(&goal, &observed, &decision, None) });
    assert_eq!(condition(&next, "Ready").map(|ready| ready.last_transition_time.clone()), Some(stored(created)));
}

#[test]
fn a_message_has_the_state_the_cause_and_the_advice() {
    let message = |goal: &Goal, observed: &Observed, result: Option<&WriteResult>| {
        let next = status_after(&AttachmentStatus::default(), goal, observed, result);
        condition(&next, "Ready").expect("always there").message.clone()
    };
    let foreign = shows(Compute { owner: Ownership::Another("them".into()), ..compute(Progress::Succeeded) });
    assert_eq!(message(&attach(), &in_sync(), None), "Compute pool in workspace w is attached and in sync");
    assert_eq!(message(&attach(), &absent(), Some(&Intent)), "Attaching compute pool in workspace w");
    assert_eq!(message(&attach(), &shows(drifted()), Some(&Intent)), "Updating compute pool in workspace w (identity.type)");
    let another = message(&attach(), &foreign, None);
    assert!(
        another.starts_with(
            "Compute pool in workspace w belongs to them (cluster/namespace/name/uid). Transfer the compute from its owner"
        ),
        "{another}"
    );
    let mut refusal = fault(FaultKind::Rejected);
    refusal.error.code = "BadRequest".into();
    refusal.error.message = "The location is wrong.".into();
    let rejected = message(&attach(), &absent(), Some(&Failed(refusal)));
    let advice = Reason::RequestRejected.advice();
    assert_eq!(rejected, format!("Azure rejects the request: BadRequest: The location is wrong. {advice}"));
}

#[test]
fn drift_stays_while_azure_gives_no_answer() {
    let (goal, observed) = (attach(), seen(true, unknown(SILENT)));
    let drift = vec![DriftStatus { field: "tags.team".into(), want: "data".into(), ..DriftStatus::default() }];
    let previous = AttachmentStatus { drift: drift.clone(), ..ready_status() };
    let decision = decide(&goal, &observed);
    assert_eq!(status(&previous, &report(&goal, &observed, &decision, None)).drift, drift);
}

#[test]
fn a_suspended_object_is_described_as_it_is() {
    let message = |goal: &Goal, observed: &Observed| {
        let next = status_after(&AttachmentStatus::default(), goal, observed, None);
        condition(&next, "Ready").expect("always there").message.clone()
    };
    let suspended = with_policy(AdoptionPolicy::Always, true, true);
    let deleted = Goal::Detached(Detached { suspend: true, ..detached() });
    let resume = Reason::Suspended.advice();
    for (goal, observed, what) in [
        (&suspended, in_sync(), "compute pool in workspace w is attached and in sync"),
        (&suspended, absent(), "compute pool in workspace w does not exist and will not be attached"),
        (&suspended, shows(unowned(pool("wanted"))), "compute pool in workspace w has no owner and will not be adopted"),
        (&suspended, shows(drifted()), "compute pool in workspace w is not in sync with the spec and will not be changed"),
    ] {
        let message = message(goal, &observed);
        assert!(message.starts_with(&format!("Suspended; {what}")) && message.ends_with(resume), "{message}");
    }
    let message = message(&deleted, &in_sync());
    assert!(message.contains("will not be detached") && message.contains("on-delete=abandon"), "{message}");
}

#[test]
fn only_a_deleted_object_is_advised_how_to_release_it() {
    let message = |goal: &Goal, observed: &Observed| {
        let next = status_after(&AttachmentStatus::default(), goal, observed, None);
        condition(&next, "Ready").expect("always there").message.clone()
    };
    let lost = after(unheard(OperationKind::Attach, Duration::ZERO), absent());
    let failed = accepted(OperationKind::Detach, MINUTE, Outcome::Failed(ServiceError::default()));
    let stuck = after(accepted(OperationKind::Detach, STUCK_AFTER, running()), in_sync());
    let other_pool = after(failed.clone(), shows(of_other_pool(Progress::Succeeded)));
    #[rustfmt::skip]
    let table = vec![
        // case                                goal         observation                                  reason             release
        ("a lost answer to an attach",         attach(),    lost.clone(),                                "WaitingForWrite", false),
        ("a lost answer, and a deletion",      detach(),    lost,                                        "WaitingForWrite", true),
        ("a replacement that failed",          recreate(),  other_pool,                                  "DetachFailed",    false),
        ("a deletion that failed",             detach(),    after(failed, in_sync()),                    "DetachFailed",    true),
        ("a deletion whose detach never ends", detach(),    stuck,                                       "OperationStuck",  true),
        ("a deletion without permission",      detach(),    seen(true, unknown(FaultKind::Forbidden)),   "AuthorizationFailed", true),
        ("an attach without permission",       attach(),    seen(true, unknown(FaultKind::Forbidden)),   "AuthorizationFailed", false),
    ];
    for (case, goal, observed, reason, release) in table {
        assert_eq!(decide(&goal, &observed).cause.reason().as_str(), reason, "{case}");
        assert_eq!(message(&goal, &observed).contains("on-delete=abandon"), release, "{case}");
    }
}

#[test]
fn a_write_without_an_effect_is_described_without_an_error_of_azure() {
    let message = |goal: &Goal, observed: &Observed| {
        let next = status_after(&AttachmentStatus::default(), goal, observed, None);
        condition(&next, "Ready").expect("always there").message.clone()
    };
    let long = EFFECT_SHOWS_AFTER;
    let stuck = after(accepted(OperationKind::Attach, STUCK_AFTER, running()), absent());
    let began = now() - STUCK_AFTER;
    #[rustfmt::skip]
    let table = [
        (attach(), after(ended(OperationKind::Attach, long), absent()),   "Azure accepted the attach of compute pool in workspace w but does not show it. Check whether another tool".to_owned()),
        (detach(), after(ended(OperationKind::Detach, long), in_sync()),  "Azure accepted the detach of compute pool in workspace w but still shows it. Check whether another tool".to_owned()),
        (attach(), stuck, format!("Azure has been working on the attach of compute pool in workspace w since {began}, longer than usual; its operation is in state InProgress. Inspect")),
    ];
    for (goal, observed, beginning) in table {
        let message = message(&goal, &observed);
        assert!(message.starts_with(&beginning), "{message}");
        assert!(!message.contains("the error that Azure reports"), "{message}");
    }
}

#[test]
fn a_message_names_the_service_that_failed() {
    let from = |kind, service| {
        let fault = fault(kind);
        Fault { error: ServiceError { service, ..fault.error }, ..fault }
    };
    let one = role("wanted");
    let assign = Write::AssignRole(one.clone());
    let silent_role = Cause::WriteFailed { write: assign, fault: from(SILENT, Service::Synapse) };
    let read = |kind, service| Cause::ReadFailed(from(kind, service));
    #[rustfmt::skip]
    let table = [
        (read(SILENT, Service::ResourceManager),                   "Azure Resource Manager is unavailable; retrying with backoff".to_owned()),
        (read(SILENT, Service::Entra),                             "Microsoft Entra ID is unavailable; retrying with backoff".to_owned()),
        (read(SILENT, Service::Kubernetes),                        "The Kubernetes API server is unavailable; retrying with backoff".to_owned()),
        (silent_role,                                              format!("The role {one} could not be assigned. The Synapse workspace is unavailable; retrying with backoff")),
        (read(FaultKind::Unauthenticated, Service::Entra),         "Cannot obtain an access token from Microsoft Entra ID. ".to_owned()),
        (read(FaultKind::Unauthenticated, Service::Kubernetes),    "Cannot obtain an access token from Microsoft Entra ID. ".to_owned()),
        (read(FaultKind::Unauthenticated, Service::ResourceManager), "Azure Resource Manager rejects the access token. ".to_owned()),
    ];
    for (cause, beginning) in table {
        let (goal, observed) = (attach(), absent());
        let decision = Decision::wait(cause, Requeue::Resync);
        let next = status(&AttachmentStatus::default(), &report(&goal, &observed, &decision, None));
        let message = &condition(&next, "Ready").expect("always there").message;
        assert!(message.starts_with(&beginning), "{message}");
    }
}
