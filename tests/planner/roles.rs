//! Which role assignments are created and revoked, and when.

use std::time::Duration;

use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{FailedStep, RolePhase};
use synapse_spark_operator::planner::goal::Policy;
use synapse_spark_operator::planner::roles::goal::Role;
use synapse_spark_operator::planner::roles::observed::{PendingVerification, Recorded, Roles};
use synapse_spark_operator::planner::{
    Attached, Cause, Detached, FaultKind, Finding, Goal, Identity, Observed, ObservedIdentity, RoleAssignment, Step, Write,
    decide,
};

use crate::builders::{
    absent, attach, attached, check, detach, detached, failure, fault, in_sync, owner, pool, recorded, role, role_status,
    shown_user, unknown, user,
};
use Finding::{Absent, Present};
use RolePhase::{Assigned, Denied, Pending, PreExisting};

const fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

fn with_role() -> Attached {
    Attached { role: Some(Role { id: "role".into(), workspace_wide: false, linked_service: false }), ..attached() }
}

/// An assignment that this object created, confirmed so many minutes ago.
fn assigned(ago: u64) -> Recorded {
    recorded(&role("wanted"), Assigned, Some(minutes(ago)))
}

fn existed(ago: u64) -> Recorded {
    recorded(&role("wanted"), PreExisting, Some(minutes(ago)))
}

fn pending() -> Recorded {
    recorded(&role("wanted"), Pending, None)
}

/// An assignment of a former principal, which this object created.
fn former() -> Recorded {
    recorded(&role("former"), Assigned, Some(minutes(60)))
}

/// An assignment that was created elsewhere.
fn of_others(ago: u64) -> Recorded {
    Recorded { is_ours: false, ..assigned(ago) }
}

/// A compute that is in sync, these recorded assignments, and what Synapse shows of the one that is wanted.
fn wanting(records: &[Recorded], finding: Finding<String>) -> Observed {
    let wanted = vec![(Some(role("wanted")), finding)];
    Observed { roles: Roles { recorded: records.to_vec(), wanted, ..Roles::default() }, ..in_sync() }
}

/// The same, where none is wanted.
fn recording(records: &[Recorded], observed: Observed) -> Observed {
    Observed { roles: Roles { recorded: records.to_vec(), ..Roles::default() }, ..observed }
}

fn failing(step: FailedStep, lasts: u64, mut observed: Observed) -> Observed {
    observed.roles.failure = Some(failure(step, minutes(lasts), Duration::ZERO));
    observed
}

/// The same, where Synapse has refused to revoke it.
fn refused(mut recorded: Recorded) -> Recorded {
    recorded.status.revocation_refused = true;
    recorded
}

/// The same, where another object has revoked the assignment `gone`.
fn unverified(mut observed: Observed) -> Observed {
    observed.roles.pending_verification = vec![verification()];
    observed
}

fn verification() -> PendingVerification {
    PendingVerification { assignment: role("wanted").folded(), revoked_id: Some("gone".into()), sequence: 1 }
}

#[test]
fn a_desired_role_is_assigned_unless_it_is_known_to_exist() {
    use FaultKind::{Forbidden, Throttled, Unavailable};
    let goal = Goal::Attached(with_role());
    let suspended = Goal::Attached(Attached { policy: Policy { suspend: true, ..attached().policy }, ..with_role() });
    let shown = || Present("id".to_owned());
    let mut no_principal = wanting(&[], Absent);
    no_principal.roles.wanted = vec![(None, Absent)];
    let requested = |mut observed: Observed| {
        observed.object.reconcile_requested = true;
        observed
    };
    #[rustfmt::skip]
    check(vec![
        ("it does not exist",                                       &goal, wanting(&[], Absent),                            "AssignRole", Reason::AssigningRole),
        ("it does not exist, and the object is suspended",          &suspended, wanting(&[], Absent),                       "Wait",       Reason::Suspended),
        ("the principal is not known yet",                          &goal, no_principal,                                    "Wait",       Reason::AssigningRole),
        ("somebody else has assigned it",                           &goal, wanting(&[], shown()),                           "Done",       Reason::Attached),
        ("assignments may not be listed",                           &goal, wanting(&[], unknown(Forbidden)),                "AssignRole", Reason::AssigningRole),
        ("Synapse does not answer",                                 &goal, wanting(&[], unknown(Unavailable(None))),        "Wait",       Reason::AzureUnavailable),
        ("Synapse throttles",                                       &goal, wanting(&[], unknown(Throttled(minutes(1)))),    "Wait",       Reason::Throttled),
        ("it was assigned nine minutes ago and does not show yet",  &goal, wanting(&[assigned(9)], Absent),                 "Done",       Reason::Attached),
        ("it was assigned ten minutes ago and does not show",       &goal, wanting(&[assigned(10)], Absent),                "AssignRole", Reason::AssigningRole),
        ("it does not show, and a user asks",                       &goal, requested(wanting(&[assigned(1)], Absent)),      "AssignRole", Reason::AssigningRole),
        ("it was requested without an answer",                      &goal, wanting(&[pending()], Absent),                   "AssignRole", Reason::AssigningRole),
        ("it was requested, and assignments may not be listed",     &goal, wanting(&[pending()], unknown(Forbidden)),       "AssignRole", Reason::AssigningRole),
        ("it was assigned, and assignments may not be listed",      &goal, wanting(&[assigned(999)], unknown(Forbidden)),   "Done",       Reason::Attached),
        ("it was assigned, and Synapse does not answer",            &goal, wanting(&[of_others(999)], unknown(Unavailable(None))), "Done", Reason::Attached),
        ("somebody else has revoked their own",                     &goal, wanting(&[of_others(1)], Absent),                "AssignRole", Reason::AssigningRole),
        ("it existed before and never shows",                       &goal, wanting(&[existed(999)], Absent),                "Done",       Reason::Attached),
        ("it existed before, and assignments may not be listed",    &goal, wanting(&[existed(999)], unknown(Forbidden)),    "Done",       Reason::Attached),
    ]);
}

#[test]
fn an_assignment_that_another_object_may_have_revoked_is_verified() {
    use FaultKind::{Forbidden, Unavailable};
    let goal = Goal::Attached(with_role());
    #[rustfmt::skip]
    check(vec![
        ("it does not show",                                        &goal, unverified(wanting(&[existed(999)], Absent)),                       "AssignRole", Reason::AssigningRole),
        ("it existed before, and assignments may not be listed",    &goal, unverified(wanting(&[existed(999)], unknown(Forbidden))),           "AssignRole", Reason::AssigningRole),
        ("others had assigned it, and none may be listed now",      &goal, unverified(wanting(&[of_others(999)], unknown(Forbidden))),         "AssignRole", Reason::AssigningRole),
        ("the list still shows the one that was revoked",           &goal, unverified(wanting(&[of_others(999)], Present("GONE".into()))),     "AssignRole", Reason::AssigningRole),
        ("the list shows a new one",                                &goal, unverified(wanting(&[of_others(999)], Present("id".into()))),       "Done",       Reason::Attached),
        ("Synapse does not answer",                                 &goal, unverified(wanting(&[existed(999)], unknown(Unavailable(None)))),   "Done",       Reason::Attached),
    ]);
}

#[test]
fn an_unwanted_assignment_of_ours_is_revoked() {
    use FailedStep::{AssignRole, RevokeRole};
    let (goal, plain) = (Goal::Attached(with_role()), attach());
    let mut unknown_principal = wanting(&[former()], Absent);
    unknown_principal.roles.wanted = vec![(None, Absent)];
    #[rustfmt::skip]
    check(vec![
        ("the principal has changed",                               &goal,  wanting(&[former()], Present("id".into())),                        "RevokeRole", Reason::RevokingRole),
        ("the role is no longer in the spec",                       &plain, recording(&[assigned(60)], in_sync()),                             "RevokeRole", Reason::RevokingRole),
        ("the revocation has been failing for long",                &plain, failing(RevokeRole, 99, recording(&[assigned(60)], in_sync())), "RevokeRole", Reason::RevokingRole),
        ("the wanted one is assigned first",                        &goal,  wanting(&[former()], Absent),                                      "AssignRole", Reason::AssigningRole),
        ("the wanted one could not be assigned",                    &goal,  failing(AssignRole, 0, wanting(&[former()], Absent)),        "RevokeRole", Reason::RevokingRole),
        ("Synapse does not answer for the wanted one",              &goal,  wanting(&[former()], unknown(FaultKind::Unavailable(None))),       "RevokeRole", Reason::RevokingRole),
        ("it may be the wanted one: no principal shows yet",        &goal,  unknown_principal,                                                 "Wait",       Reason::AssigningRole),
        ("somebody else has assigned it",                           &plain, recording(&[of_others(1)], in_sync()),                             "Done",       Reason::Attached),
    ]);
}

#[test]
fn assignments_are_revoked_before_the_compute_is_detached() {
    use FailedStep::RevokeRole;
    let goal = detach();
    let retain = Goal::Detached(Detached { retain: true, ..detached() });
    let suspended = Goal::Detached(Detached { suspend: true, ..detached() });
    let ours = || recording(&[assigned(60)], in_sync());
    let after_detach = |observed| Observed { failure: Some(failure(FailedStep::Detach, minutes(9), minutes(9))), ..observed };
    #[rustfmt::skip]
    check(vec![
        ("the compute exists",                            &goal,      ours(),                                    "RevokeRole",      Reason::Detaching),
        ("the compute is gone",                           &goal,      recording(&[assigned(60)], absent()),      "RevokeRole",      Reason::Detaching),
        ("it was requested without an answer",            &goal,      recording(&[pending()], in_sync()),        "RevokeRole",      Reason::Detaching),
        ("somebody else has assigned it",                 &goal,      recording(&[of_others(1)], in_sync()),     "Detach",          Reason::Detaching),
        ("the revocation is refused",                     &goal,      failing(RevokeRole, 0, recording(&[refused(assigned(60))], in_sync())), "Detach", Reason::Detaching),
        ("one is refused, and another is left",           &goal,      failing(RevokeRole, 1, recording(&[refused(former()), assigned(60)], in_sync())), "RevokeRole", Reason::Detaching),
        ("both are refused",                              &goal,      failing(RevokeRole, 1, recording(&[refused(former()), refused(assigned(60))], in_sync())), "Detach", Reason::Detaching),
        ("the revocation has no answer for a minute",     &goal,      failing(RevokeRole, 1, ours()),     "RevokeRole",      Reason::Detaching),
        ("the revocation has no answer for two minutes",  &goal,      failing(RevokeRole, 2, ours()),     "Detach",          Reason::Detaching),
        ("the detach was sent and failed",                &goal,      after_detach(ours()),                      "Detach",          Reason::Detaching),
        ("Azure is left as it is",                        &retain,    ours(),                                    "RemoveFinalizer", Reason::Retained),
        ("the object is suspended, and the compute gone", &suspended, recording(&[assigned(60)], absent()),      "RemoveFinalizer", Reason::Detached),
    ]);
}

#[test]
fn orphaned_assignments_are_reported_with_the_command_that_revokes_them() {
    let command = role("wanted").delete_command(&role("wanted").id(&owner().uid));
    assert!(command.starts_with("az synapse role assignment delete --workspace-name w --ids "), "{command}");
    let denied = recorded(&role("wanted"), Denied, None);
    for (case, record, orphaned) in [
        ("it was assigned", assigned(60), vec![command.clone()]),
        ("it was requested without an answer", pending(), vec![command.clone()]),
        ("it existed before, unless an answer was lost", existed(60), vec![command]),
        ("every request was refused", denied, vec![]),
        ("somebody else has assigned it", of_others(60), vec![]),
    ] {
        let observed = failing(FailedStep::RevokeRole, 0, recording(&[refused(record)], in_sync()));
        assert_eq!(decide(&detach(), &observed).cause, Cause::Detaching(orphaned), "{case}");
    }
}

#[test]
fn an_assignment_that_cannot_be_revoked_is_abandoned_after_a_while() {
    use FaultKind::{Forbidden, Throttled, Unauthenticated, Unavailable};
    let one = role("wanted");
    let command = Some(one.delete_command(&one.id(&owner().uid)));
    let given_up = |command| Cause::RoleAbandoned { assignment: role("wanted"), command };
    #[rustfmt::skip]
    let table = [
        // case                                                phase     fault                   failing for  given up
        ("rights are missing",                                 Assigned, Forbidden,              None,        None),
        ("rights are missing for nine minutes",                Assigned, Forbidden,              Some(9),     None),
        ("rights are missing for ten minutes",                 Assigned, Forbidden,              Some(10),    Some(given_up(command.clone()))),
        ("Synapse does not answer for nine minutes",           Assigned, Unavailable(None),      Some(9),     None),
        ("the Synapse workspace is gone",                      Assigned, Unavailable(None),      Some(10),    Some(given_up(command))),
        ("it never existed",                                   Denied,   Forbidden,              None,        Some(given_up(None))),
        ("it never existed, and there is no access token",     Denied,   Unauthenticated,        None,        Some(given_up(None))),
        ("it never existed, and Synapse throttles",            Denied,   Throttled(minutes(1)),  None,        Some(given_up(None))),
        ("it never existed, and Synapse does not answer",      Denied,   Unavailable(None),      Some(9),     None),
    ];
    for (case, phase, kind, lasts, expected) in table {
        let observed = recording(&[recorded(&one, phase, None)], in_sync());
        let observed = match lasts {
            Some(lasts) => failing(FailedStep::RevokeRole, lasts, observed),
            None => observed,
        };
        let decision = decide(&attach(), &observed);
        assert_eq!(decision.step, Step::RevokeRole(one.clone()), "{case}: the revocation is tried");
        let reported = decision.write_failed(Write::RevokeRole(one.clone()), fault(kind), &observed);
        assert_eq!(reported.step, Step::Wait, "{case}");
        let failed = Cause::WriteFailed { write: Write::RevokeRole(one.clone()), fault: fault(kind) };
        assert_eq!(reported.cause, expected.unwrap_or(failed), "{case}");
    }
}

#[test]
fn a_verification_is_resolved_by_an_observation_or_an_assignment() {
    let other = || role("other");
    let both = |finding| vec![(Some(other()), Present("id".to_owned())), (Some(role("WANTED")), finding)];
    #[rustfmt::skip]
    let table = [
        // case                                       wants  wanted                                                      assigned               resolved
        ("nothing was observed",                      true,  vec![],                                                     None,                  false),
        ("it shows",                                  true,  both(Present("id".into())),                                 None,                  true),
        ("the list is out of date",                   true,  both(Present("GONE".into())),                               None,                  false),
        ("it does not show",                          true,  both(Absent),                                               None,                  false),
        ("Synapse does not answer",                   true,  both(unknown(FaultKind::Unavailable(None))),                None,                  false),
        ("it was assigned",                           true,  both(unknown(FaultKind::Forbidden)),                        Some(role("WANTED")),  true),
        ("another was assigned",                      true,  both(unknown(FaultKind::Forbidden)),                        Some(other()),         false),
        ("it is not wanted",                          true,  vec![(Some(other()), Absent)],                              None,                  true),
        ("nobody knows whether it is wanted",         true,  vec![(Some(other()), Present("id".into())), (None, Absent)], None,                  false),
        ("the spec asks for no role",                 false, vec![],                                                     None,                  true),
    ];
    for (case, wants_role, wanted, assigned, resolved) in table {
        let roles = Roles { wanted, ..Roles::default() };
        assert_eq!(verification().is_resolved(wants_role, &roles, assigned.as_ref()), resolved, "{case}");
    }
}

#[test]
fn a_role_is_assigned_to_the_principal_that_runs_the_jobs() {
    let shown =
        ObservedIdentity { principal_id: Some("system".into()), user: vec![shown_user("first")], ..ObservedIdentity::default() };
    let mut known = shown.clone();
    known.user[0].principal_id = Some("first".into());
    let identity = |system, names: &[&str]| Identity { system, user: names.iter().map(|name| user(name)).collect() };
    let one = |workspace_wide| Role { id: "role".into(), workspace_wide, linked_service: false };
    let of = |role: &Role, identity: &Identity, shown: &ObservedIdentity| {
        let all = role.assignments(&pool("wanted"), identity, shown, None);
        all.into_iter().map(|one| one.map(|one| (one.principal, one.scope))).collect::<Vec<_>>()
    };
    let assignment = |principal: &str, scope: &str| vec![Some((principal.to_owned(), scope.to_owned()))];
    let on_pool = "workspaces/w/bigDataPools/wanted";
    assert_eq!(of(&one(false), &identity(true, &["first"]), &known), assignment("system", on_pool), "the system-assigned one");
    assert_eq!(
        of(&one(false), &identity(false, &["first"]), &known),
        assignment("first", on_pool),
        "the first user-assigned one"
    );
    assert_eq!(of(&one(true), &identity(true, &[]), &known), assignment("system", "workspaces/w"), "on the whole workspace");
    assert_eq!(of(&one(false), &identity(false, &["first"]), &shown), vec![None], "Azure does not show its principal yet");
    let link = Role { linked_service: true, ..one(false) };
    let all = link.assignments(&pool("wanted"), &identity(true, &[]), &known, Some("link"));
    let second = all[1].as_ref().map(|one| (one.principal.as_str(), one.scope.as_str()));
    assert_eq!(second, Some(("link", "workspaces/w")), "and to the identity of the linked service");
}

#[test]
fn an_assignment_has_the_same_guid_whatever_the_case() {
    let upper = RoleAssignment { principal: "WANTED".into(), ..role("wanted") };
    assert_eq!(role("wanted").id("uid"), upper.id("uid"));
    assert_ne!(role("wanted").id("uid"), role("wanted").id("another"), "each object derives its own");
    assert!(upper.is(&role_status(&role("wanted"), Assigned, None)));
}
