//! A compute that its owner hands over to another object, from both sides.

use std::time::Duration;

use serde_json::json;
use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{AdoptionPolicy, Applied, AttachmentStatus, OperationKind, RolePhase};
use synapse_spark_operator::planner::backoff::{STUCK_AFTER, UNHEARD_WRITE_PATIENCE};
use synapse_spark_operator::planner::compute_spec::ComputeSpec;
use synapse_spark_operator::planner::goal::Policy;
use synapse_spark_operator::planner::roles::observed::Roles;
use synapse_spark_operator::planner::{
    Attached, Cause, Compute, Decision, Detached, FaultKind, Goal, OWNER_TAG, ObjectState, Observed, ObservedIdentity, Outcome,
    Owner, Ownership, PoolReading, Progress, Recipient, Step, WriteResult, decide,
};
use synapse_spark_operator::service_error::ServiceError;

use crate::builders::{
    absent, accepted, after, attach, attached, check, compute, detach, detached, drifted, ended, in_sync, ours, pool,
    ready_status, recorded, role, running, seen, shown_user, shows, status_after, unheard, unknown, unowned, user, with_policy,
    younger,
};

const MINUTE: Duration = Duration::from_mins(1);
const CLUSTER: &str = "0b5d1f5e-3c1c-4c55-9a4e-1f2a3b4c5d6e";

fn recipient() -> Recipient {
    Recipient::parse(&format!("{CLUSTER}/team-b/pool"), &crate::builders::owner()).expect("a recipient")
}

/// The goal of an object that hands its compute over.
fn transfer() -> Goal {
    Goal::Attached(Attached { transfer_to: Some(recipient()), ..attached() })
}

/// The same, of an object that is being deleted.
fn deleted() -> Goal {
    Goal::Detached(Detached { transfer_to: Some(recipient()), ..detached() })
}

/// A compute with this owner tag, which names another object.
fn of_another(tag: &str, progress: Progress) -> Compute {
    let owner = Ownership::Another(tag.to_owned());
    Compute { owner, tags: [(OWNER_TAG.to_owned(), tag.to_owned())].into(), ..compute(progress) }
}

fn handed_over(progress: Progress) -> Compute {
    of_another(&recipient().tag(), progress)
}

/// A compute that was handed over to this object, which has not adopted it yet.
fn received(progress: Progress) -> Compute {
    Compute { owner: Ownership::Transferred, ..handed_over(progress) }
}

fn without_finalizer(observed: Observed) -> Observed {
    Observed { object: ObjectState { has_finalizer: false, ..observed.object.clone() }, ..observed }
}

fn failed() -> Outcome {
    Outcome::Failed(ServiceError::default())
}

#[test]
fn the_owner_writes_the_recipients_tag_reads_it_back_and_then_lets_the_compute_go() {
    use OperationKind::{Attach, Detach, Transfer, Update};
    use Progress::{Deleting, Failed, Succeeded, Unreadable, Working};
    let (goal, deleted) = (transfer(), deleted());
    let adopted = || shows(of_another(&format!("{CLUSTER}/team-b/pool/uid-b"), Working));
    let sent = |outcome| after(accepted(Transfer, MINUTE, outcome), in_sync());
    let mut unanswered = in_sync();
    unanswered.object.unanswered_put_age = Some(MINUTE);
    let for_too_long = |mut observed: Observed| {
        observed.object.reconciling_for = Some(STUCK_AFTER);
        observed
    };
    for goal in [&goal, &deleted] {
        #[rustfmt::skip]
        check(vec![
            ("it is in sync",                                     goal, in_sync(),                                          "Put",             Reason::Transferring),
            ("it has drifted, and stays so",                      goal, shows(drifted()),                                   "Put",             Reason::Transferring),
            ("its last update has failed",                        goal, after(accepted(Update, MINUTE, failed()), ours(Failed)), "Put",        Reason::Transferring),
            ("its attach has ended",                              goal, after(accepted(Attach, MINUTE, Outcome::Ended), in_sync()), "Put",     Reason::Transferring),
            ("Azure works on it",                                 goal, ours(Working),                                      "Wait",            Reason::Transferring),
            ("Azure has worked on it for too long",               goal, for_too_long(ours(Working)),                        "Put",             Reason::Transferring),
            ("another detaches it",                               goal, ours(Deleting),                                     "Wait",            Reason::Transferring),
            ("its state is unknown",                              goal, ours(Unreadable),                                   "Wait",            Reason::StateUnreadable),
            ("an update of ours goes on",                         goal, after(accepted(Update, MINUTE, running()), in_sync()), "Wait",         Reason::Transferring),
            ("an update of ours was not answered",                goal, after(unheard(Update, MINUTE), in_sync()),          "Wait",            Reason::WaitingForWrite),
            ("an update was not answered, long ago",              goal, after(unheard(Update, UNHEARD_WRITE_PATIENCE), in_sync()), "Put",      Reason::Transferring),
            ("an earlier update was not answered",                goal, unanswered.clone(),                                 "Wait",            Reason::WaitingForWrite),
            ("a detach of ours goes on",                          goal, after(accepted(Detach, MINUTE, running()), in_sync()), "Wait",         Reason::Transferring),
            ("nobody knows how a detach of ours goes",            goal, after(accepted(Detach, MINUTE, Outcome::Unknown), in_sync()), "Wait",  Reason::Transferring),
            ("a detach of ours has just ended",                   goal, after(ended(Detach, Duration::from_secs(14)), in_sync()), "Wait",      Reason::Transferring),
            ("a detach of ours was not answered",                 goal, after(unheard(Detach, MINUTE), in_sync()),          "Wait",            Reason::WaitingForWrite),
            ("a detach was not answered, long ago",               goal, after(unheard(Detach, UNHEARD_WRITE_PATIENCE), in_sync()), "Put",      Reason::Transferring),
            ("a detach of ours has failed",                       goal, after(accepted(Detach, MINUTE, failed()), in_sync()), "Put",           Reason::Transferring),
            ("the tag was sent",                                  goal, sent(running()),                                    "Wait",            Reason::Transferring),
            ("the tag was sent just now, without an answer",      goal, after(unheard(Transfer, Duration::from_secs(1)), in_sync()), "Wait",    Reason::WaitingForWrite),
            ("the tag was sent, without an answer",               goal, after(unheard(Transfer, MINUTE), in_sync()),        "Put",             Reason::Transferring),
            ("Azure did not write it",                            goal, sent(failed()),                                     "Wait",            Reason::UpdateFailed),
            ("Azure does not show it",                            goal, sent(Outcome::Ended),                               "Wait",            Reason::DriftPersists),
            ("Azure shows it, and is not done",                   goal, shows(handed_over(Working)),                        "Wait",            Reason::Transferring),
            ("Azure shows it, and has not been done for too long", goal, for_too_long(shows(handed_over(Working))),         "RemoveFinalizer", Reason::Transferred),
            ("Azure shows it, and nobody knows how it goes",      goal, after(accepted(Transfer, MINUTE, Outcome::Unknown), shows(handed_over(Succeeded))), "Wait", Reason::Transferring),
            ("Azure shows it, and nobody knows for too long",     goal, after(accepted(Transfer, STUCK_AFTER, Outcome::Unknown), shows(handed_over(Succeeded))), "RemoveFinalizer", Reason::Transferred),
            ("Azure shows it, and its operation goes on",         goal, after(accepted(Transfer, MINUTE, running()), shows(handed_over(Succeeded))), "Wait", Reason::Transferring),
            ("Azure shows it",                                    goal, shows(handed_over(Succeeded)),                      "RemoveFinalizer", Reason::Transferred),
            ("Azure shows it, and the answer was lost",           goal, after(unheard(Transfer, MINUTE), shows(handed_over(Succeeded))), "RemoveFinalizer", Reason::Transferred),
            ("Azure shows it on a compute that has failed",       goal, shows(handed_over(Failed)),                         "RemoveFinalizer", Reason::Transferred),
            ("the recipient has adopted it",                      goal, adopted(),                                          "RemoveFinalizer", Reason::Transferred),
            ("the answer does not come",                          goal, seen(true, unknown(FaultKind::Unavailable(None))),  "Wait",            Reason::AzureUnavailable),
            ("the pool cannot be read",                           goal, shows(Compute { pool: PoolReading::Unreadable("?".into()), ..compute(Succeeded) }), "Wait", Reason::StateUnreadable),
        ]);
    }
}

#[test]
fn an_object_that_has_handed_its_compute_over_no_longer_writes_anything() {
    use Progress::Succeeded;
    let policy = Policy { replace: true, adopt: AdoptionPolicy::Always, suspend: false, waits_for_jobs: None };
    let recreate = Goal::Attached(Attached { transfer_to: Some(recipient()), policy, ..attached() });
    for goal in [&transfer(), &recreate] {
        #[rustfmt::skip]
        check(vec![
            ("it is not adopted yet",            goal, without_finalizer(shows(handed_over(Succeeded))),                       "Wait", Reason::Transferred),
            ("the recipient has adopted it",     goal, without_finalizer(shows(of_another("c/team-b/pool/u", Succeeded))),      "Wait", Reason::Transferred),
            ("it is attached to another pool",   goal, without_finalizer(shows(Compute { pool: PoolReading::Pool(pool("other")), ..handed_over(Succeeded) })), "Wait", Reason::Transferred),
            ("it is gone",                       goal, without_finalizer(absent()),                                            "Wait", Reason::Transferred),
            ("it has no owner any longer",       goal, without_finalizer(shows(unowned(pool("wanted")))),                      "Wait", Reason::Transferred),
            ("Azure is silent",                  goal, without_finalizer(seen(true, unknown(FaultKind::Unavailable(None)))),   "Wait", Reason::Transferred),
            ("the tag is this object's again",   goal, without_finalizer(in_sync()),                                           "AddFinalizer", Reason::AddingFinalizer),
        ]);
    }
}

#[test]
fn a_compute_that_the_object_does_not_own_cannot_be_handed_over() {
    use OperationKind::{Attach, Update};
    let (goal, deleted) = (transfer(), deleted());
    let of_others = || shows(of_another("c/team-c/pool/u", Progress::Succeeded));
    let received = || shows(received(Progress::Succeeded));
    #[rustfmt::skip]
    check(vec![
        ("it is absent",                          &goal,    absent(),                               "Wait",            Reason::InvalidSpec),
        ("it is absent for the first time",       &goal,    Observed { absent_for: Some(Duration::ZERO), ..absent() }, "Wait", Reason::Transferring),
        ("its attach goes on",                    &goal,    after(accepted(Attach, MINUTE, running()), absent()), "Wait", Reason::Transferring),
        ("its attach was not answered",           &goal,    after(unheard(Attach, MINUTE), absent()), "Wait",          Reason::WaitingForWrite),
        ("another object owns it",                &goal,    of_others(),                            "Wait",            Reason::InvalidSpec),
        ("it has no owner",                       &goal,    shows(unowned(pool("wanted"))),         "Wait",            Reason::InvalidSpec),
        ("this object has yet to adopt it",       &goal,    received(),                             "Wait",            Reason::InvalidSpec),
        ("and has no finalizer",                  &goal,    without_finalizer(received()),          "Wait",            Reason::InvalidSpec),
        ("its adoption goes on",                  &goal,    after(accepted(Update, MINUTE, running()), received()), "Wait", Reason::Transferring),
        ("it is absent, and this is deleted",     &deleted, absent(),                               "RemoveFinalizer", Reason::Detached),
        ("another owns it, and this is deleted",  &deleted, of_others(),                            "RemoveFinalizer", Reason::Retained),
    ]);
    for (observed, part) in [(of_others(), "belongs to c/team-c/pool/u"), (received(), "adopts it")] {
        let decision = decide(&goal, &observed);
        assert!(matches!(&decision.cause, Cause::InvalidSpec(why) if why.contains(part)), "{decision:?}");
    }
}

#[test]
fn a_suspended_object_hands_nothing_over_and_a_deleted_one_stays() {
    let suspended = Goal::Attached(Attached {
        transfer_to: Some(recipient()),
        policy: Policy { suspend: true, ..attached().policy },
        ..attached()
    });
    let deleted = Goal::Detached(Detached { transfer_to: Some(recipient()), suspend: true, ..detached() });
    for goal in [&suspended, &deleted] {
        #[rustfmt::skip]
        check(vec![
            ("it is in sync",               goal, in_sync(),                              "Wait",            Reason::Suspended),
            // Nothing is written to Azure by that.
            ("the tag was written before",  goal, shows(handed_over(Progress::Succeeded)), "RemoveFinalizer", Reason::Transferred),
        ]);
    }
}

#[test]
fn the_put_changes_nothing_but_the_owner_tag() {
    let mut found = compute(Progress::Succeeded);
    found.identity =
        ObservedIdentity { system: true, user: vec![shown_user("b"), shown_user("a")], ..ObservedIdentity::default() };
    found.identity.kind = "SystemAssigned,UserAssigned".into();
    found.description = Some("of others".into());
    found.tags.insert("team".into(), "data".into());
    let sent = |order_kept| Applied {
        identities: vec![user("a").to_string(), user("b").to_string()],
        tags: vec!["former".into()],
        order_kept,
        ..Applied::default()
    };
    for (applied, first) in [(None, "b"), (Some(sent(None)), "a"), (Some(sent(Some(false))), "a"), (Some(sent(Some(true))), "b")]
    {
        let observed = Observed { applied: applied.clone(), ..shows(found.clone()) };
        let Decision { step: Step::Put(spec), .. } = decide(&transfer(), &observed) else { panic!("a PUT") };
        let ComputeSpec { identity, tags, description, kind, .. } = spec;
        let identity = identity.expect("the identity stays");
        assert_eq!((identity.system, identity.user.len(), &identity.user[0]), (true, 2, &user(first)), "{applied:?}");
        assert_eq!(tags, [(OWNER_TAG.to_owned(), recipient().tag()), ("team".to_owned(), "data".to_owned())].into());
        assert_eq!((description.as_deref(), kind), (Some("of others"), OperationKind::Transfer));
    }
}

#[test]
fn the_status_keeps_what_was_applied_until_the_compute_is_the_recipients() {
    let goal = transfer();
    let previous = ready_status();
    let sent = WriteResult::Accepted(Some("/operations/1".into()));
    let observed = Observed { applied: previous.applied.clone(), ..in_sync() };
    let sent = status_after(&previous, &goal, &observed, Some(&sent));
    let operation = sent.operation.as_ref().expect("an operation");
    assert_eq!((operation.kind, operation.pending), (OperationKind::Transfer, false));
    assert_eq!(sent.applied, previous.applied);
    let done = without_finalizer(after(
        accepted(OperationKind::Transfer, MINUTE, Outcome::Ended),
        shows(handed_over(Progress::Succeeded)),
    ));
    let done = status_after(&sent, &goal, &done, None);
    assert_eq!((&done.operation, &done.applied, &done.failure), (&None, &None, &None));
    let ready = done.conditions.iter().find(|one| one.type_ == "Ready").expect("Ready");
    assert_eq!((ready.status.as_str(), done.conditions.iter().any(|one| one.type_ == "Stalled")), ("False", false));
    assert!(ready.message.contains(&format!("{CLUSTER}/team-b/pool")), "{}", ready.message);
}

#[test]
fn role_assignments_stay_for_the_new_owner_and_their_commands_are_shown() {
    let one = role("principal");
    let roles = Roles { recorded: vec![recorded(&one, RolePhase::Assigned, Some(MINUTE))], ..Roles::default() };
    for goal in [transfer(), deleted()] {
        for observed in [in_sync(), shows(handed_over(Progress::Succeeded))] {
            let observed = Observed { roles: roles.clone(), ..observed };
            let decision = decide(&goal, &observed);
            assert!(matches!(decision.step, Step::Put(_) | Step::RemoveFinalizer), "{decision:?}");
        }
    }
    let observed = without_finalizer(Observed { roles, ..shows(handed_over(Progress::Succeeded)) });
    let status = status_after(&AttachmentStatus::default(), &transfer(), &observed, None);
    let ready = status.conditions.iter().find(|one| one.type_ == "Ready").expect("Ready");
    let command = one.delete_command(&one.id("uid"));
    assert!(ready.message.contains(&command), "{}", ready.message);
}

#[test]
fn the_recipient_adopts_regardless_of_its_adoption_policy_and_of_older_claimants() {
    let transferred = || received(Progress::Succeeded);
    let of_other_pool = || Compute { pool: PoolReading::Pool(pool("other")), ..transferred() };
    for policy in [AdoptionPolicy::Never, AdoptionPolicy::IfSamePool, AdoptionPolicy::Always] {
        let [goal, recreate, suspended] =
            [(false, false), (true, false), (false, true)].map(|(replace, suspend)| with_policy(policy, replace, suspend));
        #[rustfmt::skip]
        check(vec![
            ("the same pool",                         &goal,      shows(transferred()),                                    "Put",          Reason::Adopting),
            ("an older object claims it",             &goal,      younger(shows(transferred())),                           "Put",          Reason::Adopting),
            ("without the finalizer",                 &goal,      without_finalizer(shows(transferred())),                 "AddFinalizer", Reason::AddingFinalizer),
            ("another pool",                          &goal,      shows(of_other_pool()),                                  "Wait",         Reason::PoolMismatch),
            ("another pool, which may be replaced",   &recreate,  shows(of_other_pool()),                                  "Put",          Reason::Adopting),
            ("Azure is not done with the hand-over",  &goal,      shows(Compute { progress: Progress::Working, ..transferred() }), "Wait", Reason::Adopting),
            ("it is suspended",                       &suspended, shows(transferred()),                                    "Wait",         Reason::Suspended),
            ("the adoption goes on",                  &goal,      after(accepted(OperationKind::Update, MINUTE, running()), shows(transferred())), "Wait", Reason::Adopting),
        ]);
    }
}

#[test]
fn a_recipient_that_is_deleted_before_it_has_adopted_the_compute_detaches_it() {
    use OperationKind::Update;
    use Progress::{Failed, Succeeded, Unreadable, Working};
    let (goal, suspended) = (detach(), Goal::Detached(Detached { suspend: true, ..detached() }));
    let retained = Goal::Detached(Detached { retain: true, ..detached() });
    let other_type = || Compute { kind: "AmlCompute".into(), ..received(Succeeded) };
    #[rustfmt::skip]
    check(vec![
        ("nothing was written",                    &goal,      shows(received(Succeeded)),                                 "Detach",          Reason::Detaching),
        ("the compute has failed",                 &goal,      shows(received(Failed)),                                    "Detach",          Reason::Detaching),
        ("Azure is not done with the hand-over",   &goal,      shows(received(Working)),                                   "Wait",            Reason::Detaching),
        ("its state is unknown",                   &goal,      shows(received(Unreadable)),                                "Wait",            Reason::StateUnreadable),
        ("the adoption goes on",                   &goal,      after(accepted(Update, MINUTE, running()), shows(received(Succeeded))), "Wait", Reason::Detaching),
        ("the adoption was not answered",          &goal,      after(unheard(Update, MINUTE), shows(received(Succeeded))), "Detach",          Reason::Detaching),
        ("it is to be handed on",                  &deleted(), shows(received(Succeeded)),                                 "Put",             Reason::Transferring),
        ("it is suspended",                        &suspended, shows(received(Succeeded)),                                 "Wait",            Reason::Suspended),
        ("it is to stay",                          &retained,  shows(received(Succeeded)),                                 "RemoveFinalizer", Reason::Retained),
        ("it is of another type",                  &goal,      shows(other_type()),                                        "RemoveFinalizer", Reason::Retained),
        ("it never had the finalizer",             &goal,      without_finalizer(shows(received(Succeeded))),              "Done",            Reason::Detached),
    ]);
}

#[test]
fn the_operator_waits_for_a_hand_over_whose_annotation_was_removed_but_which_may_still_take_effect() {
    use OperationKind::Transfer;
    let (goal, deleted) = (attach(), detach());
    let sent = |outcome| after(accepted(Transfer, MINUTE, outcome), in_sync());
    let of_recipient = || shows(handed_over(Progress::Succeeded));
    #[rustfmt::skip]
    check(vec![
        ("it was not answered",                    &goal,    after(unheard(Transfer, MINUTE), in_sync()),                 "Wait",   Reason::WaitingForWrite),
        ("it was not answered, long ago",          &goal,    after(unheard(Transfer, UNHEARD_WRITE_PATIENCE), in_sync()), "Done",   Reason::Attached),
        ("it goes on",                             &goal,    sent(running()),                                             "Wait",   Reason::Updating),
        ("nobody knows how it goes",               &goal,    sent(Outcome::Unknown),                                      "Wait",   Reason::Updating),
        ("it has just ended",                      &goal,    after(ended(Transfer, Duration::from_secs(14)), in_sync()),  "Wait",   Reason::Updating),
        ("it ended, and was without effect",       &goal,    after(ended(Transfer, Duration::from_secs(15)), in_sync()),  "Done",   Reason::Attached),
        ("it was not answered, and the compute is absent", &goal, after(unheard(Transfer, MINUTE), absent()),             "Wait",   Reason::WaitingForWrite),
        ("it goes on, and the compute is absent",  &goal,    after(accepted(Transfer, MINUTE, running()), absent()),     "Wait",   Reason::Attaching),
        ("it has taken effect",                    &goal,    after(unheard(Transfer, MINUTE), of_recipient()),            "Wait",   Reason::OwnedByAnother),
        ("deleted: it was not answered",           &deleted, after(unheard(Transfer, MINUTE), in_sync()),                 "Wait",   Reason::WaitingForWrite),
        ("deleted: it was not answered, long ago", &deleted, after(unheard(Transfer, UNHEARD_WRITE_PATIENCE), in_sync()), "Detach", Reason::Detaching),
        ("deleted: it goes on",                    &deleted, sent(running()),                                             "Wait",   Reason::Detaching),
        ("deleted: nobody knows how it goes",      &deleted, sent(Outcome::Unknown),                                      "Wait",   Reason::Detaching),
        ("deleted: it has just ended",             &deleted, after(ended(Transfer, Duration::from_secs(14)), in_sync()),  "Wait",   Reason::Detaching),
        ("deleted: it has failed",                 &deleted, sent(failed()),                                              "Detach", Reason::Detaching),
        ("deleted: it has taken effect",           &deleted, after(accepted(Transfer, MINUTE, Outcome::Ended), of_recipient()), "RemoveFinalizer", Reason::Retained),
    ]);
    let mut previous = ready_status();
    previous.operation = status_after(&previous, &transfer(), &in_sync(), Some(&WriteResult::Intent)).operation;
    let observed = after(unheard(Transfer, MINUTE), in_sync());
    assert_eq!(status_after(&previous, &goal, &observed, None).operation, previous.operation, "the record stays");
}

#[test]
fn only_the_object_that_the_tag_names_may_adopt_a_compute_that_is_handed_over() {
    let owner = |cluster: &str, namespace: &str, name: &str| {
        let [cluster, namespace, name] = [cluster, namespace, name].map(ToOwned::to_owned);
        Owner { cluster, namespace, name, uid: "any".into() }
    };
    let tag = recipient().tag();
    #[rustfmt::skip]
    let table = [
        (owner(CLUSTER,   "team-b", "pool"),  Ownership::Transferred),
        (owner(CLUSTER,   "team-a", "pool"),  Ownership::Another(tag.clone())),
        (owner(CLUSTER,   "team-b", "other"), Ownership::Another(tag.clone())),
        (owner("another", "team-b", "pool"),  Ownership::Another(tag.clone())),
    ];
    for (owner, ownership) in table {
        assert_eq!(owner.of_tag(&tag), ownership, "{owner}");
    }
    let of_others = shows(handed_over(Progress::Succeeded));
    check(vec![("by its tag another's", &attach(), of_others, "Wait", Reason::OwnedByAnother)]);
}

/// The goal of an object with these annotations of the operator.
fn goal_of(is_deleted: bool, policy: &str, annotations: &[(&str, &str)]) -> Result<Goal, String> {
    let annotations: serde_json::Map<_, _> =
        annotations.iter().map(|(name, value)| (format!("synapse-spark.dev/{name}"), (*value).into())).collect();
    let mut object = json!({
        "apiVersion": "synapse-spark.dev/v1alpha1",
        "kind": "SynapseSparkAttachment",
        "metadata": {"name": "pool", "namespace": "team-a", "uid": "uid", "annotations": annotations},
        "spec": {
            "workspace": {"subscriptionId": "s", "resourceGroup": "g", "name": "w"},
            "resourceId": pool("wanted").to_string(),
            "deletionPolicy": policy,
        },
    });
    if is_deleted {
        object["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z".into();
    }
    Goal::of(&serde_json::from_value(object).expect("an object"), "cluster").map_err(|invalid| invalid.to_string())
}

#[test]
fn an_annotation_that_names_no_object_stops_the_object_and_holds_its_deletion() {
    let to = ("transfer-to", "team-b/pool");
    let refused = goal_of(false, "Detach", &[to]).expect_err("no cluster is named");
    assert!(refused.contains("transfer-to") && refused.contains("<cluster>/<namespace>/<name>"), "{refused}");
    let held = goal_of(true, "Detach", &[to]).expect("a deletion always has a goal");
    let [retained, abandoned] = [("Retain", vec![to]), ("Detach", vec![to, ("on-delete", "abandon")])]
        .map(|(policy, annotations)| goal_of(true, policy, &annotations).expect("a deletion always has a goal"));
    #[rustfmt::skip]
    check(vec![
        ("it would be detached",       &held,      in_sync(), "Wait",            Reason::InvalidSpec),
        ("it stays in any case",       &retained,  in_sync(), "RemoveFinalizer", Reason::Retained),
        ("it is abandoned",            &abandoned, in_sync(), "RemoveFinalizer", Reason::Retained),
    ]);
}

#[test]
fn a_deleted_object_hands_its_compute_over_unless_it_is_abandoned() {
    let to = recipient().to_string();
    let goal = |policy, more: &[_]| {
        goal_of(true, policy, &[&[("transfer-to", to.as_str())], more].concat()).expect("a deletion always has a goal")
    };
    #[rustfmt::skip]
    check(vec![
        ("with deletionPolicy Detach", &goal("Detach", &[]),                       in_sync(), "Put",             Reason::Transferring),
        ("with deletionPolicy Retain", &goal("Retain", &[]),                       in_sync(), "Put",             Reason::Transferring),
        ("it is abandoned",            &goal("Detach", &[("on-delete", "abandon")]), in_sync(), "RemoveFinalizer", Reason::Retained),
    ]);
}
