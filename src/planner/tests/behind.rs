//! The intent of what is decided of the link, the pool and the roles behind a compute.

use Finding::{Absent, Present, Unknown};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::api::v1alpha1::RoleAssignmentStatus;

type Row<'a> = (&'a str, &'a Goal, Finding<Compute>, Behind, Step, Reason);

/// Each row: case, goal, compute, what is behind it, and what is decided.
fn check(table: Vec<Row<'_>>) {
    for (case, goal, compute, behind, step, reason) in table {
        let observed = Observed { behind, ..observed(true, compute) };
        let plan = decide(goal, &observed);
        assert_eq!((plan.step, plan.reason), (step, reason), "{case}: {plan:?}");
        let stays = step == Step::Detach && observed.behind.roles.granted.iter().any(|granted| granted.is_ours);
        assert_eq!(!plan.left_behind.is_empty(), stays, "{case}: it says what stays: {plan:?}");
    }
}

fn settled() -> Finding<Compute> {
    Present(compute(Progress::Succeeded))
}

fn failed<T>(kind: FaultKind) -> Finding<T> {
    Unknown(Fault { kind, words: Words::default() })
}

fn forbidden<T>() -> Finding<T> {
    failed(FaultKind::Unauthorized)
}

fn silent<T>() -> Finding<T> {
    failed(FaultKind::Passing)
}

#[test]
fn looks_behind_the_compute_before_it_attaches_and_before_it_rests() {
    let linked = Attached { pool: None, link: Some(goal::Link { name: "l".into(), pool: "ours".into() }), ..goal() };
    let [simple, linked] = [goal(), linked].map(Goal::Attached);
    let spark = |state: &str| {
        Present(SparkPool { state: state.into(), progress: Progress::of(Some(state)), shown: PoolStatus::default() })
    };
    let pool = |finding| Behind { pool: Some(finding), ..Behind::default() };
    let link = |finding| Behind { link: Some(finding), links: vec!["other".into()], ..Behind::default() };
    #[rustfmt::skip]
    check(vec![
        // case                                              goal        compute      behind                                              step           reason
        ("attaches no pool that is not there",               &simple,    Absent,      pool(Absent),                                       Step::Wait,    Reason::PoolNotFound),
        ("attaches no pool that failed",                     &simple,    Absent,      pool(spark("Failed")),                              Step::Wait,    Reason::PoolFailed),
        ("attaches what it may not see",                     &simple,    Absent,      pool(forbidden()),      Step::Attach,  Reason::Attaching),
        ("attaches a pool that is being made",               &simple,    Absent,      pool(spark("Provisioning")),                        Step::Attach,  Reason::Attaching),
        ("is not at rest without its pool",                  &simple,    settled(),   pool(Absent),                                       Step::Wait,    Reason::PoolNotFound),
        ("rests where the pool may not be seen",             &simple,    settled(),   pool(silent()),           Step::Rest,    Reason::Attached),
        ("waits for the answer about a link",                &linked,    settled(),   link(silent()),           Step::Wait,    Reason::AzureUnavailable),
        ("names the links that there are",                   &linked,    settled(),   link(Absent),                                       Step::Wait,    Reason::LinkedServiceNotFound),
    ]);
}

#[test]
fn grants_what_is_wanted_and_takes_back_what_is_not() {
    let wanted = Assignment { role: "r".into(), principal: "p".into(), scope: "workspaces/w/bigDataPools/ours".into() };
    let former = Assignment { principal: "former".into(), ..wanted.clone() };
    let role = Role { id: "r".into(), workspace_wide: false, linked_service: false };
    let with_role = Attached { role: Some(role), ..goal() };
    let halted = Attached { suspend: true, ..with_role.clone() };
    let [simple, with_role, halted] = [goal(), with_role, halted].map(Goal::Attached);
    let gone = Detached { compute: Some(goal().compute), owner: owner(), retain: false, suspend: false };
    let (retain, gone) = (Goal::Detached(Detached { retain: true, ..gone.clone() }), Goal::Detached(gone));

    let is_ours = |one: &Assignment, granted_at: Option<u64>, existed| role::Granted {
        status: one.remembered(one.id("u"), granted_at.map(|_| Time(jiff::Timestamp::UNIX_EPOCH)), existed),
        is_ours: true,
        ago: granted_at.map(Duration::from_mins),
    };
    let granted = |minutes| is_ours(&wanted, Some(minutes), false);
    let existed = |minutes| is_ours(&wanted, Some(minutes), true);
    let intended = || is_ours(&wanted, None, false);
    let old = || is_ours(&former, Some(60), false);
    let others = |minutes| {
        let ours = granted(minutes);
        role::Granted { status: RoleAssignmentStatus { assignment_id: "x".into(), ..ours.status }, is_ours: false, ..ours }
    };
    let behind = |roles| Behind { roles, ..Behind::default() };
    let seen = |granted: &[role::Granted], finding| Roles {
        granted: granted.to_vec(),
        wanted: vec![(Some(wanted.clone()), finding)],
        ..Roles::default()
    };
    let roles = |granted: &[role::Granted], finding| behind(seen(granted, finding));
    let doubt = role::Doubt { assignment: wanted.folded(), taken_back: Some("gone".into()), number: 1 };
    let doubted = |granted, finding| behind(Roles { doubts: vec![doubt.clone()], ..seen(&[granted], finding) });
    let both = |finding, trouble| behind(Roles { trouble, ..seen(&[old()], finding) });
    let leaving = |trouble| behind(Roles { granted: vec![granted(60)], trouble, ..Roles::default() });
    let unseen = behind(Roles { wanted: vec![(None, Absent)], ..Roles::default() });
    let trouble = |is_refused, minutes| Some(role::Trouble { is_refused, lasts: Duration::from_mins(minutes) });
    #[rustfmt::skip]
    check(vec![
        // case                                              goal        compute      behind                                              step           reason
        ("grants the role that is missing",                  &with_role, settled(),   roles(&[], Absent),                                 Step::Grant,   Reason::Granting),
        ("grants where it may not list",                     &with_role, settled(),   roles(&[], forbidden()), Step::Grant,  Reason::Granting),
        ("grants nothing while suspended",                   &halted,    settled(),   roles(&[], Absent),                                 Step::Wait,    Reason::Suspended),
        ("waits for the principal",                          &with_role, settled(),   unseen,                                             Step::Wait,    Reason::Granting),
        ("rests where somebody granted it",                  &with_role, settled(),   roles(&[], Present("x".into())),                    Step::Rest,    Reason::Attached),
        ("trusts the answer to its PUT for a while",         &with_role, settled(),   roles(&[granted(9)], Absent),              Step::Rest,    Reason::Attached),
        ("and then grants it again",                         &with_role, settled(),   roles(&[granted(10)], Absent),             Step::Grant,   Reason::Granting),
        ("does what it was about to",                        &with_role, settled(),   roles(&[intended()], Absent),                 Step::Grant,   Reason::Granting),
        ("also where it may not list",                       &with_role, settled(),   roles(&[intended()], forbidden()),            Step::Grant,   Reason::Granting),
        ("waits for an answer before it grants",             &with_role, settled(),   roles(&[], silent()),                               Step::Wait,    Reason::AzureUnavailable),
        ("trusts what it saw while nobody answers",          &with_role, settled(),   roles(&[others(999)], silent()),                    Step::Rest,    Reason::Attached),
        ("grants what others took away again",               &with_role, settled(),   roles(&[others(1)], Absent),                        Step::Grant,   Reason::Granting),
        ("trusts that it was there already",                 &with_role, settled(),   roles(&[existed(999)], forbidden()),                Step::Rest,    Reason::Attached),
        ("takes back what it was about to grant",            &gone,      settled(),   roles(&[intended()], Absent),                         Step::Revoke,  Reason::Detaching),
        ("leaves others' alone",                             &gone,      settled(),   roles(&[others(1)], Absent),                        Step::Detach,  Reason::Detaching),
        ("trusts it where it may not list",                  &with_role, settled(),   roles(&[granted(999)], forbidden()), Step::Rest, Reason::Attached),
        ("takes back what a former principal had",           &with_role, settled(),   roles(&[old()], Present("x".into())),                 Step::Revoke,  Reason::Granting),
        ("takes back what is no longer wanted",              &simple,    settled(),   leaving(None),                                      Step::Revoke,  Reason::Granting),
        ("tries that, however long it has failed",           &simple,    settled(),   leaving(trouble(true, 99)),                         Step::Revoke,  Reason::Granting),
        ("takes back first where it may not grant",          &with_role, settled(),   both(Absent, trouble(true, 0)),                     Step::Revoke,  Reason::Granting),
        ("but grants first",                                 &with_role, settled(),   both(Absent, None),                                 Step::Grant,   Reason::Granting),
        ("takes back while nobody tells what is wanted",     &with_role, settled(),   both(silent(), None),                               Step::Revoke,  Reason::Granting),
        ("trusts what was there and never shows",            &with_role, settled(),   roles(&[existed(999)], Absent),                     Step::Rest,    Reason::Attached),
        ("unless somebody may have taken it back",           &with_role, settled(),   doubted(existed(999), Absent),                      Step::Grant,   Reason::Granting),
        ("also where it may not list",                       &with_role, settled(),   doubted(existed(999), forbidden()),                 Step::Grant,   Reason::Granting),
        ("and where it may not list any longer",             &with_role, settled(),   doubted(others(999), forbidden()),                  Step::Grant,   Reason::Granting),
        ("and where a list is behind",                       &with_role, settled(),   doubted(others(999), Present("gone".into())),       Step::Grant,   Reason::Granting),
        ("rests where somebody made it anew",                &with_role, settled(),   doubted(others(999), Present("x".into())),          Step::Rest,    Reason::Attached),
        ("but not while nobody answers",                     &with_role, settled(),   doubted(existed(999), silent()),                    Step::Rest,    Reason::Attached),
        ("takes the role back before the detach",            &gone,      settled(),   leaving(None),                                      Step::Revoke,  Reason::Detaching),
        ("detaches when it may not",                         &gone,      settled(),   leaving(trouble(true, 0)),                          Step::Detach,  Reason::Detaching),
        ("waits a little for an answer",                     &gone,      settled(),   leaving(trouble(false, 1)),                         Step::Revoke,  Reason::Detaching),
        ("and no longer",                                    &gone,      settled(),   leaving(trouble(false, 2)),                         Step::Detach,  Reason::Detaching),
        ("takes the role back before it lets go",            &gone,      Absent,      leaving(None),                                      Step::Revoke,  Reason::Detaching),
        ("leaves the role where Azure is to be left alone",  &retain,    settled(),   leaving(None),                                      Step::Release, Reason::Released),
    ]);
}

#[test]
fn what_cannot_be_taken_back_is_tried_for_a_while() {
    let unwanted = Assignment { role: "r".into(), principal: "p".into(), scope: "workspaces/w".into() };
    let throttled = FaultKind::Throttled(Duration::from_secs(1));
    let kept = (Change::Revoke, 0);
    #[rustfmt::skip]
    let table = [
        // case                                          was refused  fails with                failed for  becomes
        ("rights are missing",                           false,       FaultKind::Unauthorized,  None,       kept),
        ("and still are",                                false,       FaultKind::Unauthorized,  Some(9),    kept),
        ("and will be",                                  false,       FaultKind::Unauthorized,  Some(10),   (Change::Forget, 1)),
        ("nobody answers",                               false,       FaultKind::Passing,       Some(9),    kept),
        ("nobody will: the Synapse workspace is gone",   false,       FaultKind::Passing,       Some(10),   (Change::Forget, 1)),
        ("it was never granted",                         true,        FaultKind::Unauthorized,  None,       (Change::Forget, 0)),
        ("it was never granted, and nobody may ask",     true,        FaultKind::NoCredential,  None,       (Change::Forget, 0)),
        ("a gateway may say so of what was done",        true,        throttled,                Some(9),    kept),
    ];
    for (case, refused, kind, minutes, (change, left_behind)) in table {
        let known = RoleAssignmentStatus { refused, ..unwanted.remembered(unwanted.id("u"), None, false) };
        let granted = vec![role::Granted { status: known, is_ours: true, ago: None }];
        let trouble = minutes.map(|minutes| role::Trouble { is_refused: true, lasts: Duration::from_mins(minutes) });
        let behind = Behind { roles: Roles { granted, trouble, ..Roles::default() }, ..Behind::default() };
        let observed = Observed { behind, ..observed(true, Finding::Present(compute(Progress::Succeeded))) };
        let plan = decide(&Goal::Attached(goal()), &observed);
        assert_eq!(plan.step, Step::Revoke, "{case}: each is tried");
        let plan = plan.thwarted(Fault { kind, words: Words::default() }, &observed);
        assert_eq!((plan.step, plan.change, plan.left_behind.len()), (Step::Wait, change, left_behind), "{case}: {plan:?}");
    }
}

#[test]
fn what_was_refused_from_the_first_was_never_granted() {
    let one = Assignment { role: "r".into(), principal: "p".into(), scope: "workspaces/w".into() };
    let known = |refused| Some(RoleAssignmentStatus { refused, ..one.remembered(one.id("u"), None, false) });
    let (announced, refused) = (known(false), known(true));
    let existed = Some(one.remembered(one.id("u"), None, true));
    #[rustfmt::skip]
    let table = [
        // case                                              known       first  kind                                             never granted
        ("the first request is refused",                     &announced, true,  FaultKind::Unauthorized,                         true),
        ("another after one that was",                       &refused,   false, FaultKind::Unauthorized,                         true),
        ("one before may have been heard",                   &announced, false, FaultKind::Unauthorized,                         false),
        ("nobody answers",                                   &announced, true,  FaultKind::Passing,                              false),
        ("nobody answers one after one that was refused",    &refused,   false, FaultKind::Passing,                              false),
        ("a gateway may say so of what was done",            &announced, true,  FaultKind::Throttled(Duration::from_secs(1)),    false),
        ("Entra gives no token, so nothing was asked",       &announced, true,  FaultKind::NoCredential,                         true),
        ("what others made stays theirs",                    &existed,   false, FaultKind::Unauthorized,                         false),
        ("but may be ours when nobody answers",              &existed,   false, FaultKind::Passing,                              false),
    ];
    for (case, known, is_first, kind, never) in table {
        let granted = known.iter().map(|status| role::Granted { status: status.clone(), is_ours: true, ago: None }).collect();
        let told = Roles { granted, ..Roles::default() }.not_granted(&one, "u", kind, is_first);
        assert_eq!((told.refused, told.granted_at, told.assignment_id), (never, None, one.id("u")), "{case}");
        assert_eq!(told.existed, *known == existed && kind == FaultKind::Unauthorized, "{case}");
    }
}

#[test]
fn a_doubt_is_over_when_its_role_was_seen_or_granted() {
    let one = Assignment { role: "r".into(), principal: "P".into(), scope: "workspaces/w".into() };
    let other = Assignment { principal: "q".into(), ..one.clone() };
    let role = Role { id: "r".into(), workspace_wide: false, linked_service: true };
    let (simple, with_role) = (Goal::Attached(goal()), Goal::Attached(Attached { role: Some(role), ..goal() }));
    let doubt = role::Doubt { assignment: one.folded(), taken_back: Some("gone".into()), number: 1 };
    let granted = |one: &Assignment, at: Option<()>| {
        Some(one.remembered(one.id("u"), at.map(|()| Time(jiff::Timestamp::UNIX_EPOCH)), false))
    };
    let seen = |id: &str| Present(id.to_owned());
    let both = |finding| vec![(Some(other.clone()), seen("x")), (Some(one.clone()), finding)];
    #[rustfmt::skip]
    let table = [
        // case                                      goal        wanted                             granted                    is over
        ("nobody looked: there is no compute",       &with_role, vec![],                            None,                      false),
        ("it was seen",                              &with_role, both(seen("x")),                   None,                      true),
        ("the list is behind",                       &with_role, both(seen("GONE")),                None,                      false),
        ("it does not show",                         &with_role, both(Absent),                      None,                      false),
        ("nobody answers",                           &with_role, both(silent()),                    None,                      false),
        ("it was granted",                           &with_role, both(forbidden()),                 granted(&one, Some(())),   true),
        ("another was granted",                      &with_role, both(forbidden()),                 granted(&other, Some(())), false),
        ("it is about to be, or could not be",       &with_role, both(forbidden()),                 granted(&one, None),       false),
        ("it is not wanted",                         &with_role, vec![(Some(other.clone()), Absent)], None,                    true),
        ("nobody knows whether it is",               &with_role, vec![(Some(other.clone()), seen("x")), (None, Absent)], None, false),
        ("none is wanted",                           &simple,    vec![],                            None,                      true),
    ];
    for (case, goal, wanted, granted, is_over) in table {
        let roles = Roles { wanted, ..Roles::default() };
        assert_eq!(doubt.is_over(goal, &roles, granted.as_ref()), is_over, "{case}");
    }
}
