//! What the status records of role assignments.

use std::slice::from_ref;
use std::time::Duration;

use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{AttachmentStatus, RoleAssignmentStatus, RolePhase};
use synapse_spark_operator::planner::roles::goal::Role;
use synapse_spark_operator::planner::roles::observed::{Recorded, Roles};
use synapse_spark_operator::planner::status::condition;
use synapse_spark_operator::planner::status::time::stored;
use synapse_spark_operator::planner::{Attached, FaultKind, Finding, Goal, Observed, RoleAssignment, WriteResult};

use crate::builders::{attach, attached, detach, fault, in_sync, now, recorded, role, role_status, status_after, unknown};
use RolePhase::{Assigned, Denied, Pending, PreExisting};
use WriteResult::{Accepted, AlreadyExists, Failed, Intent, NotSent};

fn with_role() -> Goal {
    Goal::Attached(Attached {
        role: Some(Role { id: "role".into(), workspace_wide: false, linked_service: false }),
        ..attached()
    })
}

fn wanting(finding: Finding<String>) -> Observed {
    let wanted = vec![(Some(role("wanted")), finding)];
    Observed { roles: Roles { wanted, ..Roles::default() }, ..in_sync() }
}

fn previous(records: Vec<RoleAssignmentStatus>) -> AttachmentStatus {
    AttachmentStatus { observed_generation: Some(1), role_assignments: records, ..AttachmentStatus::default() }
}

#[test]
fn the_outcome_of_a_request_determines_the_phase_of_the_assignment() {
    use FaultKind::{Forbidden, Throttled, Unauthenticated, Unavailable};
    let throttled = Throttled(Duration::from_secs(1));
    #[rustfmt::skip]
    let table = [
        // case                                                        before             result                         after
        ("it is about to be requested",                                None,              Intent,                        Some(Pending)),
        ("it is about to be requested again",                          Some(Denied),      Intent,                        Some(Denied)),
        ("it was created",                                             Some(Pending),     Accepted(None),                Some(Assigned)),
        ("it existed already",                                         None,              AlreadyExists,                 Some(PreExisting)),
        ("it still exists as before",                                  Some(PreExisting), AlreadyExists,                 Some(PreExisting)),
        ("it exists after a request that had no answer",               Some(Pending),     AlreadyExists,                 Some(Assigned)),
        ("the first request is refused",                               None,              Failed(fault(Forbidden)),     Some(Denied)),
        ("there is no access token",                                   None,              Failed(fault(Unauthenticated)), Some(Denied)),
        ("the first request is throttled",                             None,              Failed(fault(throttled)),     Some(Denied)),
        ("another request after a refused one is refused",             Some(Denied),      Failed(fault(Forbidden)),     Some(Denied)),
        ("a request after one without an answer is refused",           Some(Pending),     Failed(fault(Forbidden)),     Some(Pending)),
        ("a request has no answer",                                    None,              Failed(fault(Unavailable(None))), Some(Pending)),
        ("a request after a refused one has no answer",                Some(Denied),      Failed(fault(Unavailable(None))), Some(Pending)),
        ("a request for one that existed is refused",                  Some(PreExisting), Failed(fault(Forbidden)),     Some(PreExisting)),
        ("a request for one that existed has no answer",               Some(PreExisting), Failed(fault(Unavailable(None))), Some(Pending)),
        ("a request was not sent",                                     None,              NotSent(fault(Unauthenticated)), None),
        ("another request was not sent",                               Some(Pending),     NotSent(fault(Unauthenticated)), Some(Pending)),
    ];
    for (case, before, result, after) in table {
        let before = before.map(|phase| role_status(&role("wanted"), phase, None)).into_iter().collect();
        let next = status_after(&previous(before), &with_role(), &wanting(unknown(FaultKind::Forbidden)), Some(&result));
        let phases: Vec<_> = next.role_assignments.iter().map(|one| one.phase).collect();
        assert_eq!(phases, after.into_iter().collect::<Vec<_>>(), "{case}");
        let is_confirmed = matches!(result, Accepted(_) | AlreadyExists);
        let expected = is_confirmed.then(|| stored(now()));
        assert_eq!(
            next.role_assignments.first().and_then(|one| one.assigned_at.clone()),
            expected,
            "{case}: when it was confirmed"
        );
    }
}

#[test]
fn an_assignment_that_synapse_shows_is_recorded_under_its_guid() {
    let one = role("wanted");
    let own_id = one.id("uid");
    let pending = role_status(&one, Pending, None);
    let next = status_after(&previous(vec![pending]), &with_role(), &wanting(Finding::Present(own_id.to_uppercase())), None);
    let found = role_status(&one, Assigned, Some(now()));
    assert_eq!(next.role_assignments, from_ref(&found), "a request without an answer has created it");
    let again = status_after(&next, &with_role(), &wanting(Finding::Present(own_id)), None);
    assert_eq!(again.role_assignments, from_ref(&found), "it is not recorded anew");
    let foreign = status_after(&previous(vec![]), &with_role(), &wanting(Finding::Present("foreign".into())), None);
    let expected = RoleAssignmentStatus { assignment_id: "foreign".into(), ..found };
    assert_eq!(foreign.role_assignments, [expected], "somebody else has created it");
}

#[test]
fn a_record_is_removed_when_the_assignment_is_revoked_or_not_needed() {
    let (own, foreign) = (role_status(&role("wanted"), Assigned, Some(now())), |one: &RoleAssignment| RoleAssignmentStatus {
        assignment_id: "foreign".into(),
        ..role_status(one, Assigned, Some(now()))
    });
    let unwanted =
        Observed { roles: Roles { recorded: vec![recorded(&role("wanted"), Assigned, None)], ..Roles::default() }, ..in_sync() };
    let keeps = |records: &[RoleAssignmentStatus], observed: &Observed, result: Option<WriteResult>| {
        status_after(&previous(records.to_vec()), &attach(), observed, result.as_ref()).role_assignments.len()
    };
    assert_eq!(keeps(from_ref(&own), &unwanted, Some(Intent)), 1, "it is about to be revoked");
    assert_eq!(keeps(from_ref(&own), &unwanted, Some(Failed(fault(FaultKind::Forbidden)))), 1, "it could not be revoked");
    assert_eq!(keeps(&[own], &unwanted, Some(Accepted(None))), 0, "it is revoked");
    assert_eq!(keeps(&[foreign(&role("wanted"))], &in_sync(), None), 0, "somebody else's, which is no longer wanted");
}

#[test]
fn the_condition_shows_whether_the_role_is_assigned() {
    let shown = |observed: &Observed, result: Option<&WriteResult>| {
        let next = status_after(&previous(vec![]), &with_role(), observed, result);
        condition(&next, "RoleAssigned").map(|one| (one.status.clone(), one.reason.clone()))
    };
    let is = |status: &str, reason: &str| Some((status.to_owned(), reason.to_owned()));
    let denied = Failed(fault(FaultKind::Forbidden));
    assert_eq!(shown(&wanting(Finding::Present("id".into())), None), is("True", "RoleAssigned"));
    assert_eq!(shown(&wanting(Finding::Absent), Some(&Intent)), is("False", "AssigningRole"));
    assert_eq!(shown(&wanting(Finding::Absent), Some(&denied)), is("False", "RoleAssignmentForbidden"));
    let without_role = status_after(&previous(vec![]), &attach(), &in_sync(), None);
    assert_eq!(condition(&without_role, "RoleAssigned"), None, "the spec asks for no role");
}

#[test]
fn the_message_of_a_refused_role_has_the_command_and_the_advice_once() {
    let mut refused = fault(FaultKind::Forbidden);
    refused.error.message = "No permission.".into();
    let message = |goal: &Goal, observed: &Observed| {
        let next = status_after(&previous(vec![]), goal, observed, Some(&Failed(refused.clone())));
        condition(&next, "Ready").expect("always there").message.clone()
    };
    let unwanted = Roles { recorded: vec![recorded(&role("wanted"), Assigned, None)], ..Roles::default() };
    for (case, message, command, more) in [
        (
            "assign",
            message(&with_role(), &wanting(Finding::Absent)),
            role("wanted").create_command(),
            "; to do without it, remove spec.synapseRole",
        ),
        (
            "revoke",
            message(&attach(), &Observed { roles: unwanted, ..in_sync() }),
            role("wanted").delete_command(&role("wanted").id("uid")),
            "",
        ),
    ] {
        let end = format!("`{command}`{more}. Synapse returned No permission. {}", Reason::RoleAssignmentForbidden.advice());
        assert!(message.ends_with(&end), "{case}: {message}");
        assert_eq!(message.matches("Ask a").count(), 1, "{case}: {message}");
    }
}

fn recorded_of(one: &RoleAssignment) -> Recorded {
    recorded(one, Assigned, Some(Duration::from_hours(1)))
}

#[test]
fn a_refused_revocation_is_recorded_with_its_assignment_once_the_object_is_deleted() {
    use FaultKind::{Conflict, Forbidden, Rejected, Unauthenticated, Unavailable};
    let kept = Goal::Attached(attached());
    let other = role_status(&role("other"), Assigned, Some(now()));
    let one = role_status(&role("wanted"), Assigned, Some(now()));
    let records = || vec![other.clone(), one.clone()];
    let after = |refused: bool| vec![RoleAssignmentStatus { revocation_refused: refused, ..other.clone() }, one.clone()];
    let observed = Observed {
        roles: Roles { recorded: [role("other"), role("wanted")].map(|one| recorded_of(&one)).to_vec(), ..Roles::default() },
        ..in_sync()
    };
    #[rustfmt::skip]
    let table = [
        // case                                   goal       result                             recorded
        ("a right is missing",                    detach(),  Failed(fault(Forbidden)),          after(true)),
        ("Synapse rejects it",                    detach(),  Failed(fault(Rejected)),           after(true)),
        ("there is no access token",              detach(),  NotSent(fault(Unauthenticated)),   after(true)),
        ("Synapse does not answer",               detach(),  Failed(fault(Unavailable(None))),  after(false)),
        ("another request is in the way",         detach(),  Failed(fault(Conflict)),           after(false)),
        ("a right is missing, and it stays",      kept,      Failed(fault(Forbidden)),          after(false)),
    ];
    for (case, goal, result, expected) in table {
        let next = status_after(&previous(records()), &goal, &observed, Some(&result));
        assert_eq!(next.role_assignments, expected, "{case}");
    }
}
