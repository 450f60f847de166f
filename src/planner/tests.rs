//! The intent of `decide`, as a table. `tests/convergence.rs` runs every start.

mod behind;

use std::time::Duration;

use super::*;
use crate::api::v1alpha1::{Applied, PoolStatus};
use crate::planner::goal::{Identity, OWNER_TAG, Role};
use crate::planner::observed::ShownIdentity;
use crate::planner::role::Roles;
use crate::resource_id::{IdentityId, PoolId, WorkspaceId};

fn pool(name: &str) -> PoolId {
    PoolId::parse(&format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Synapse/workspaces/w/bigDataPools/{name}"))
        .expect("an ID")
}

fn user(name: &str) -> IdentityId {
    IdentityId::parse(&format!(
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
    ))
    .expect("an ID")
}

fn owner() -> Owner {
    Owner { cluster: "c".into(), namespace: "n".into(), name: "o".into(), uid: "u".into() }
}

fn goal() -> Attached {
    Attached {
        compute: WorkspaceId::new("s", "g", "w").and_then(|workspace| workspace.compute("o")).expect("an ID"),
        owner: owner(),
        pool: Some(pool("ours")),
        link: None,
        role: None,
        identity: Identity::default(),
        description: None,
        tags: std::collections::BTreeMap::new(),
        replace: false,
        adopt: AdoptionPolicy::IfSamePool,
        suspend: false,
    }
}

fn compute(progress: Progress) -> Compute {
    Compute {
        kind: "SynapseSpark".into(),
        pool: Some(pool("ours")),
        progress,
        state: format!("{progress:?}"),
        owner: Ownership::Ours,
        identity: ShownIdentity::default(),
        description: None,
        tags: [(OWNER_TAG.to_owned(), owner().to_string())].into(),
        errors: Vec::new(),
        location: None,
        created_on: None,
        modified_on: None,
        shown_pool: PoolStatus::default(),
    }
}

fn nobodys(pool: PoolId) -> Finding<Compute> {
    let tags = std::collections::BTreeMap::new();
    Finding::Present(Compute { owner: Ownership::Nobody, pool: Some(pool), tags, ..compute(Progress::Succeeded) })
}

fn observed(claimed: bool, compute: Finding<Compute>) -> Observed {
    Observed {
        claimed,
        elder: None,
        compute,
        operation: None,
        applied: None,
        asked: false,
        trouble: None,
        failing_for: Duration::ZERO,
        waiting_for: Duration::ZERO,
        behind: Behind::default(),
    }
}

#[test]
fn picks_the_step() {
    use Finding::{Absent, Present, Unknown};
    use Progress::{Deleting, Failed, Succeeded, Working};
    let attach = Goal::Attached(goal());
    let never = Goal::Attached(Attached { adopt: AdoptionPolicy::Never, ..goal() });
    let replace = Goal::Attached(Attached { replace: true, ..goal() });
    let always = Goal::Attached(Attached { replace: true, adopt: AdoptionPolicy::Always, ..goal() });
    let halted = Goal::Attached(Attached { suspend: true, ..goal() });
    let gone = Detached { compute: Some(goal().compute), owner: owner(), retain: false, suspend: false };
    let retain = Goal::Detached(Detached { retain: true, ..gone.clone() });
    let nowhere = Goal::Detached(Detached { compute: None, ..gone.clone() });
    let detach = Goal::Detached(gone);
    let fault = |kind| Unknown(Fault { kind, words: Words::default() });
    let other = |progress| Present(Compute { pool: Some(pool("other")), ..compute(progress) });
    let drifted = Present(Compute { identity: ShownIdentity { system: true, ..ShownIdentity::default() }, ..compute(Succeeded) });
    let stranger = Present(Compute { owner: Ownership::Another("them".into()), ..compute(Succeeded) });
    let cluster = Present(Compute { kind: "AmlCompute".into(), pool: None, ..compute(Succeeded) });

    #[rustfmt::skip]
    let table = vec![
        // case                                       goal      claimed  compute                            step           reason
        ("claims before it touches Azure",            &attach,  false,   Absent,                            Step::Claim,   Reason::Claiming),
        ("attaches what is absent",                   &attach,  true,    Absent,                            Step::Attach,  Reason::Attaching),
        ("waits while Azure works",                   &attach,  true,    Present(compute(Working)),         Step::Wait,    Reason::Attaching),
        ("rests once attached",                       &attach,  true,    Present(compute(Succeeded)),       Step::Rest,    Reason::Attached),
        ("claims what it finds to be its own",        &attach,  false,   Present(compute(Succeeded)),       Step::Claim,   Reason::Claiming),
        ("puts drift right in place",                 &attach,  true,    drifted.clone(),                   Step::Attach,  Reason::Updating),
        ("says first that an attach failed",          &attach,  true,    Present(compute(Failed)),          Step::Wait,    Reason::AttachFailed),
        ("waits for what is going",                   &attach,  true,    Present(compute(Deleting)),        Step::Wait,    Reason::Attaching),
        ("waits for another pool that is going",      &replace, true,    other(Deleting),                   Step::Wait,    Reason::Replacing),
        ("adopts the same pool",                      &attach,  true,    nobodys(pool("ours")),             Step::Attach,  Reason::Adopting),
        ("does not adopt another pool",               &attach,  true,    nobodys(pool("other")),            Step::Wait,    Reason::NotOurs),
        ("adopts nothing when told so",               &never,   true,    nobodys(pool("ours")),             Step::Wait,    Reason::NotOurs),
        ("adopts another pool only to replace it",    &always,  true,    nobodys(pool("other")),            Step::Attach,  Reason::Adopting),
        ("does not replace unless told so",           &attach,  true,    other(Succeeded),                  Step::Wait,    Reason::PoolDiffers),
        ("replaces by a detach",                      &replace, true,    other(Succeeded),                  Step::Detach,  Reason::Replacing),
        ("leaves others' computes alone",             &attach,  true,    stranger.clone(),                  Step::Wait,    Reason::OwnedByAnother),
        ("leaves other types alone",                  &attach,  true,    cluster.clone(),                   Step::Wait,    Reason::NotOurs),
        ("writes nothing while suspended",            &halted,  true,    Absent,                            Step::Wait,    Reason::Suspended),
        ("puts no drift right while suspended",       &halted,  true,    drifted,                           Step::Wait,    Reason::Suspended),
        ("rests while suspended at the goal",         &halted,  true,    Present(compute(Succeeded)),       Step::Rest,    Reason::Suspended),
        ("waits when Azure is silent",                &attach,  true,    fault(FaultKind::Passing),         Step::Wait,    Reason::AzureUnavailable),
        ("says that rights are missing",              &attach,  true,    fault(FaultKind::Unauthorized),    Step::Wait,    Reason::Unauthorized),
        ("says that the workspace is missing",        &attach,  true,    fault(FaultKind::NoWorkspace),     Step::Wait,    Reason::WorkspaceNotFound),
        ("detaches before it releases",               &detach,  true,    Present(compute(Succeeded)),       Step::Detach,  Reason::Detaching),
        ("detaches what has failed, too",             &detach,  true,    Present(compute(Failed)),          Step::Detach,  Reason::Detaching),
        ("detaches after the attach has ended",       &detach,  true,    Present(compute(Working)),         Step::Wait,    Reason::Detaching),
        ("waits while it detaches",                   &detach,  true,    Present(compute(Deleting)),        Step::Wait,    Reason::Detaching),
        ("releases once gone",                        &detach,  true,    Absent,                            Step::Release, Reason::Released),
        ("releases with the workspace gone",          &detach,  true,    fault(FaultKind::NoWorkspace),     Step::Release, Reason::Released),
        ("keeps its claim when Azure is silent",      &detach,  true,    fault(FaultKind::Passing),         Step::Wait,    Reason::AzureUnavailable),
        ("keeps its claim without the subscription",  &detach,  true,    fault(FaultKind::NoSubscription),  Step::Wait,    Reason::WorkspaceNotFound),
        ("keeps its claim without rights",            &detach,  true,    fault(FaultKind::Unauthorized),    Step::Wait,    Reason::Unauthorized),
        ("detaches no stranger's",                    &detach,  true,    stranger,                          Step::Release, Reason::Released),
        ("detaches no other type",                    &detach,  true,    cluster,                           Step::Release, Reason::Released),
        ("leaves what is to be retained",             &retain,  true,    Present(compute(Succeeded)),       Step::Release, Reason::Released),
        ("releases what never had a name in Azure",   &nowhere, true,    Absent,                            Step::Release, Reason::Released),
        ("has nothing to do without a claim",         &detach,  false,   Present(compute(Succeeded)),       Step::Rest,    Reason::Released),
    ];
    for (case, goal, claimed, compute, step, reason) in table {
        let observed = observed(claimed, compute);
        let plan = decide(goal, &observed);
        assert_eq!((plan.step, plan.reason), (step, reason), "{case}: {goal:?} {observed:?}");
    }
}

#[test]
fn the_younger_of_two_waits_unless_it_holds_the_compute() {
    let elder = Some("n/elder".to_owned());
    let goal = Goal::Attached(goal());
    for (compute, reason) in [
        (Finding::Absent, Reason::Duplicate),
        (nobodys(pool("ours")), Reason::Duplicate),
        (
            Finding::Present(Compute { owner: Ownership::Another("c/n/elder/v".into()), ..compute(Progress::Succeeded) }),
            Reason::Duplicate,
        ),
        (Finding::Present(compute(Progress::Succeeded)), Reason::Attached),
    ] {
        let plan = decide(&goal, &Observed { elder: elder.clone(), ..observed(true, compute) });
        assert_eq!(plan.reason, reason);
    }
}

#[test]
fn a_failed_write_is_tried_again_when_it_is_due() {
    let seconds = Duration::from_secs;
    #[rustfmt::skip]
    let table = [
        // case                                  failed before  seen ago      asked  step
        ("its pause is not over",                seconds(0),    seconds(4),   false, Step::Wait),
        ("its pause is over",                    seconds(0),    seconds(5),   false, Step::Attach),
        ("it has failed for long: a long pause", seconds(200),  seconds(199), false, Step::Wait),
        ("and an end to it",                     seconds(200),  seconds(200), false, Step::Attach),
        ("a day is no reason for a day",         seconds(86_400), seconds(300), false, Step::Attach),
        ("the user asks",                        seconds(200),  seconds(0),   true,  Step::Attach),
    ];
    for (case, before, ago, asked, step) in table {
        let observed = Observed {
            trouble: Some(Trouble { before, ago }),
            asked,
            ..observed(true, Finding::Present(compute(Progress::Failed)))
        };
        let plan = decide(&Goal::Attached(goal()), &observed);
        assert_eq!(plan.step, step, "{case}");
        if step == Step::Wait {
            assert_eq!(plan.look, Look::In(pause::failing(before).saturating_sub(ago)), "{case}");
        }
    }
}

#[test]
fn an_operation_tells_what_the_compute_does_not() {
    use OperationKind::{Attach, Detach, Update};
    use Progress::{Succeeded, Working};
    let attach = Goal::Attached(goal());
    let detach = Goal::Detached(Detached { compute: Some(goal().compute), owner: owner(), retain: false, suspend: false });
    let failed = || Outcome::Failed(Words::default());
    let there = |progress| Finding::Present(compute(progress));
    let (short, long) = (Duration::from_mins(1), pause::STUCK);
    #[rustfmt::skip]
    let table = vec![
        // case                                        goal      compute                operation           waiting  step           reason
        ("an update failed, and left what was there",  &attach,  there(Succeeded),      (Update, failed()), short,   Step::Wait,    Reason::AttachFailed),
        ("an adoption failed",                         &attach,  nobodys(pool("ours")), (Update, failed()), short,   Step::Wait,    Reason::AttachFailed),
        ("an adoption is not yet shown",               &attach,  nobodys(pool("ours")), (Update, Outcome::Unknown), short, Step::Wait, Reason::Adopting),
        ("an attach failed, and left nothing",         &attach,  Finding::Absent,       (Attach, failed()), short,   Step::Wait,    Reason::AttachFailed),
        ("a detach failed long ago",                   &attach,  there(Succeeded),      (Detach, failed()), short,   Step::Rest,    Reason::Attached),
        ("an attach may yet show",                     &detach,  Finding::Absent,       (Attach, Outcome::Unknown), short, Step::Wait, Reason::Detaching),
        ("an attach will not show",                    &detach,  Finding::Absent,       (Attach, failed()), short,   Step::Release, Reason::Released),
        ("a detach failed",                            &detach,  there(Succeeded),      (Detach, failed()), short,   Step::Wait,    Reason::DetachFailed),
        ("an attach is under way",                     &detach,  there(Working),        (Attach, Outcome::Running), short, Step::Wait, Reason::Detaching),
        ("an attach does not end",                     &detach,  there(Working),        (Attach, Outcome::Running), long, Step::Detach, Reason::Detaching),
    ];
    for (case, goal, compute, (kind, outcome), waiting_for, step, reason) in table {
        let operation = Some(Operation { kind, running_for: short, outcome });
        let plan = decide(goal, &Observed { operation, waiting_for, ..observed(true, compute) });
        assert_eq!((plan.step, plan.reason), (step, reason), "{case}");
    }
}

/// Case, goal, what Azure shows, what we put there, the fields that differ.
type Row<'a> = (&'a str, &'a Attached, Compute, Option<Applied>, &'a [&'a str]);

#[test]
fn drift_names_the_field_and_nothing_else() {
    let with = |change: &dyn Fn(&mut Compute)| {
        let mut it = compute(Progress::Succeeded);
        change(&mut it);
        it
    };
    let plain = goal();
    let two = Attached { identity: Identity { system: false, user: vec![user("zeta"), user("alpha")] }, ..goal() };
    let sent = |order: [&str; 2], kept| Applied {
        identities: order.iter().map(|name| user(name).to_string()).collect(),
        order_kept: kept,
        ..Applied::default()
    };
    let shows = |names: &[&str]| with(&|it| it.identity.user = names.iter().map(|name| (user(name), None, None)).collect());
    let told = Attached { description: Some("d".into()), tags: [("Team".to_owned(), "a".to_owned())].into(), ..goal() };
    let had = Applied { description: true, tags: vec!["Old".into()], ..Applied::default() };

    #[rustfmt::skip]
    let table: Vec<Row<'_>> = vec![
        ("as asked",                         &plain, with(&|_| {}),                                              None, &[]),
        ("another pool",                     &plain, with(&|it| it.pool = Some(pool("other"))),                  None, &["resourceId"]),
        ("the pool in other case",           &plain, with(&|it| it.pool = PoolId::parse(&pool("ours").to_string().to_uppercase()).ok()), None, &[]),
        ("the owner tag is gone",            &plain, with(&|it| it.tags.clear()),                                None, &["tags.synapse-spark-operator-owner"]),
        ("an identity that nobody asked for", &plain, with(&|it| it.identity.system = true),                     None, &["identity.type"]),
        ("both identities, in order",        &two,    shows(&["zeta", "alpha"]),                                  None, &[]),
        ("one identity is missing",          &two,    shows(&["zeta"]),                                           None, &["identity.userAssignedIdentities"]),
        ("the order, never sent by us",      &two,    shows(&["alpha", "zeta"]),                                  None, &["identity.userAssignedIdentities"]),
        ("the order, by a service that sorts", &two,  shows(&["alpha", "zeta"]),                                  Some(sent(["zeta", "alpha"], Some(false))), &[]),
        ("the order, not read back yet",     &two,    shows(&["alpha", "zeta"]),                                  Some(sent(["zeta", "alpha"], None)), &[]),
        ("the order, changed by someone",    &two,    shows(&["alpha", "zeta"]),                                  Some(sent(["zeta", "alpha"], Some(true))), &["identity.userAssignedIdentities"]),
        ("the order, changed in the spec",   &two,    shows(&["alpha", "zeta"]),                                  Some(sent(["alpha", "zeta"], Some(true))), &["identity.userAssignedIdentities"]),
        ("description and tag are missing",  &told,   with(&|_| {}),                                              None, &["description", "tags.Team"]),
        ("the tag's name in other case",     &told,   with(&|it| { it.tags.insert("TEAM".into(), "a".into()); it.description = Some("d".into()); }), None, &[]),
        ("others' tags and description",     &plain, with(&|it| { it.tags.insert("theirs".into(), "x".into()); it.description = Some("theirs".into()); }), None, &[]),
        ("ours, that the spec has dropped",  &plain, with(&|it| { it.tags.insert("old".into(), "x".into()); it.description = Some("d".into()); }), Some(had), &["description", "tags.Old"]),
    ];
    for (case, goal, compute, applied, fields) in table {
        let found: Vec<_> = drift::drift(goal, &compute, applied.as_ref()).iter().map(|drift| drift.field.to_string()).collect();
        assert_eq!(found, fields, "{case}");
    }
}

#[test]
fn a_write_keeps_what_is_others_and_takes_away_what_was_ours() {
    let goal = Attached { tags: [("Team".to_owned(), "a".to_owned())].into(), ..goal() };
    let mut there = compute(Progress::Succeeded);
    there.identity.system = true;
    there.description = Some("theirs".into());
    there.tags.extend([("team", "b"), ("OLD", "x"), ("theirs", "y")].map(|(name, value)| (name.to_owned(), value.to_owned())));
    let applied = Applied { tags: vec!["Old".into()], ..Applied::default() };
    let desired = Desired::of(&goal, Some(&there), Some(&applied));
    let tags: Vec<_> = desired.tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(tags, [("Team", "a"), (OWNER_TAG, "c/n/o/u"), ("theirs", "y")]);
    assert_eq!(desired.description.as_deref(), Some("theirs"));
    assert_eq!(
        desired.identity.map(|identity| identity.kind()),
        Some("None"),
        "an identity that is there is taken away by its name"
    );
    let fresh = Desired::of(&goal, None, None);
    assert_eq!((fresh.identity, fresh.description), (None, None), "nothing to take away: the keys are left out");
    let ours = Applied { description: true, ..Applied::default() };
    assert_eq!(Desired::of(&goal, Some(&there), Some(&ours)).description, None);
}

#[test]
fn what_was_ours_is_remembered_until_azure_shows_that_it_is_gone() {
    let goal = Attached { tags: [("Team".to_owned(), "a".to_owned())].into(), ..goal() };
    let before = Applied { tags: vec!["old".into(), "TEAM".into()], description: true, ..Applied::default() };
    let taken = Desired::remembered(&goal, Some(&before));
    assert_eq!((taken.tags, taken.description), (vec!["Team".to_owned(), "old".to_owned()], true));
    let settled = Desired::settled(&goal);
    assert_eq!((settled.tags, settled.description), (vec!["Team".to_owned()], false));
}

#[test]
fn a_write_that_was_refused_is_not_tried_again_at_once() {
    let at = |second| jiff::Timestamp::from_second(second).expect("a time");
    let time = |second| k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(second));
    for (reason, counts) in [
        (Reason::AttachFailed, true),
        (Reason::DetachFailed, true),
        (Reason::NotApplied, true),
        (Reason::Unauthorized, true),
        (Reason::Refused, true),
        (Reason::NoCredential, true),
        (Reason::OwnedByAnother, false),
        (Reason::PoolDiffers, false),
    ] {
        let stalled = k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition {
            type_: "Stalled".into(),
            status: "True".into(),
            reason: reason.to_string(),
            message: String::new(),
            observed_generation: None,
            last_transition_time: time(30),
        };
        let status = crate::api::v1alpha1::AttachmentStatus {
            conditions: vec![stalled],
            failing_since: Some(time(10)),
            ..Default::default()
        };
        let trouble = Trouble { before: Duration::from_secs(20), ago: Duration::from_secs(5) };
        assert_eq!(status::trouble(&status, at(35)), counts.then_some(trouble), "{reason}");
    }
}

#[test]
fn an_owner_tag_tells_whose_a_compute_is() {
    for (tag, whose) in [
        ("c/n/o/u", Ownership::Ours),
        ("c/n/o/former-uid", Ownership::Nobody),
        ("c/n/other/u", Ownership::Another("c/n/other/u".into())),
        ("other/n/o/u", Ownership::Another("other/n/o/u".into())),
        ("", Ownership::Another(String::new())),
        ("somebody", Ownership::Another("somebody".into())),
    ] {
        assert_eq!(owner().of_tag(tag), whose, "{tag}");
    }
}
