//! What differs between the spec and a compute, field by field.

use synapse_spark_operator::api::v1alpha1::Applied;
use synapse_spark_operator::api::v1alpha1::OperationKind;
use synapse_spark_operator::planner::drift::{drift, is_in_sync};
use synapse_spark_operator::planner::{
    Attached, Compute, Drift, Identity, OWNER_TAG, Observed, Outcome, Ownership, PoolReading, Progress,
};
use synapse_spark_operator::service_error::ServiceError;

use crate::builders::{accepted, attached, compute, in_sync, owner, pool, running, shown_user, shows, unheard, user};

/// The compute that is in sync with [`attached`], but for this change.
fn with(change: impl Fn(&mut Compute)) -> Compute {
    let mut changed = compute(Progress::Succeeded);
    change(&mut changed);
    changed
}

fn found(goal: &Attached, compute: &Compute, applied: Option<&Applied>) -> Vec<Drift> {
    drift(goal, &pool("wanted"), compute, applied)
}

type Row<'a> = (&'a str, &'a Attached, Compute, Option<Applied>, &'a [&'a str]);

/// Each row: the case, the goal, what Azure shows, what was applied, and the fields that differ.
fn check(table: Vec<Row<'_>>) {
    for (case, goal, compute, applied, fields) in table {
        let names: Vec<_> = found(goal, &compute, applied.as_ref()).iter().map(|one| one.field.to_string()).collect();
        assert_eq!(names, fields, "{case}");
    }
}

#[test]
fn a_difference_in_pool_or_owner_names_the_field() {
    let plain = attached();
    let pool_text = |text: &str| with(|it| it.pool = PoolReading::of(Some(text)));
    let upper = pool("wanted").to_string().to_uppercase();
    let tag = |value: String| with(|it| it.tags = [(OWNER_TAG.to_uppercase(), value.clone())].into());
    #[rustfmt::skip]
    check(vec![
        ("everything is as in the spec",        &plain, with(|_| {}),                                                 None, &[]),
        ("the compute has another pool",        &plain, with(|it| it.pool = PoolReading::Pool(pool("other"))),        None, &["resourceId"]),
        ("the ID of the pool is in upper case", &plain, pool_text(&upper),                                            None, &[]),
        ("the ID of the pool is malformed",     &plain, pool_text("nonsense"),                                        None, &["resourceId"]),
        ("the owner tag is missing",            &plain, with(|it| it.tags.clear()),                                   None, &["tags.synapse-spark-operator-owner"]),
        ("the owner tag names another object",  &plain, tag("cluster/team-a/other/uid".into()),                       None, &["tags.synapse-spark-operator-owner"]),
        ("the owner tag is in upper case",      &plain, tag(owner().to_string()),                                     None, &[]),
    ]);
    let unreadable = found(&plain, &pool_text("nonsense"), None);
    assert_eq!(unreadable[0].have, "nonsense", "the text is kept");
}

#[test]
fn identities_differ_by_kind_by_id_and_by_an_order_that_azure_keeps() {
    let plain = attached();
    let two = Attached { identity: Identity { system: false, user: vec![user("zeta"), user("alpha")] }, ..attached() };
    let sent = |order: [&str; 2], order_kept| {
        let identities = order.iter().map(|name| user(name).to_string()).collect();
        Some(Applied { identities, order_kept, ..Applied::default() })
    };
    let shows = |names: &[&str]| with(|it| it.identity.user = names.iter().map(|name| shown_user(name)).collect());
    let unreadable = |names: &[&str]| {
        let mut found = shows(names);
        found.identity.unreadable = vec!["nonsense".into()];
        found
    };
    let with_own = |own: &str| {
        let mut found = shows(&["zeta", "alpha"]);
        found.identity.user[1].principal_id = Some("shown".into());
        found.identity.user[1].own_principal_id = Some(own.into());
        found
    };
    let users: &[&str] = &["identity.userAssignedIdentities"];
    #[rustfmt::skip]
    check(vec![
        ("Azure shows a system-assigned identity that the spec does not ask for", &plain, with(|it| it.identity.system = true), None, &["identity.type"]),
        ("Azure shows both, in the order of the spec",        &two, shows(&["zeta", "alpha"]), None,                                  &[]),
        ("one is missing",                                    &two, shows(&["zeta"]),          None,                                  users),
        ("one more cannot be parsed",                         &two, unreadable(&["zeta", "alpha"]), None,                             users),
        ("an identity was created again under its name",      &two, with_own("other"),          None,                                  users),
        ("an identity is the one that was attached",          &two, with_own("SHOWN"),          None,                                  &[]),
        ("the only one cannot be parsed",                     &plain, unreadable(&[]),         None, &["identity.type", "identity.userAssignedIdentities"]),
        ("another order, and nothing was sent yet",           &two, shows(&["alpha", "zeta"]), None,                                  users),
        ("another order, of a service that sorts",            &two, shows(&["alpha", "zeta"]), sent(["zeta", "alpha"], Some(false)),  &[]),
        ("another order, not observed yet after our write",   &two, shows(&["alpha", "zeta"]), sent(["zeta", "alpha"], None),         &[]),
        ("another order, changed by somebody else",           &two, shows(&["alpha", "zeta"]), sent(["zeta", "alpha"], Some(true)),   users),
        ("another order, changed in the spec",                &two, shows(&["alpha", "zeta"]), sent(["alpha", "zeta"], Some(true)),   users),
    ]);
    let drift = found(&two, &with_own("other"), None);
    let pair = |principal: &str| format!("{}, principal {principal} of {}", user("zeta"), user("alpha"));
    assert_eq!((drift[0].want.clone(), drift[0].have.clone()), (pair("other"), pair("shown")));
    let drift = found(&two, &unreadable(&["zeta"]), None);
    assert!(drift[0].have.ends_with("zeta, nonsense"), "what cannot be parsed is named, too: {drift:?}");
}

#[test]
fn descriptions_and_tags_differ_only_if_the_spec_has_or_had_them() {
    let plain = attached();
    let text = Some("text".to_owned());
    let both = Attached { description: text.clone(), tags: [("Team".to_owned(), "a".to_owned())].into(), ..attached() };
    let empty = Attached { description: Some(String::new()), ..attached() };
    let applied = Applied { description: true, tags: vec!["Old".into()], ..Applied::default() };
    let shown = |tag: &str, value: &str| {
        with(|it| {
            it.tags.insert(tag.into(), value.into());
            it.description.clone_from(&text);
        })
    };
    #[rustfmt::skip]
    check(vec![
        ("Azure shows neither",                                  &both,  with(|_| {}),           None,                  &["description", "tags.Team"]),
        ("Azure shows both, the tag's name in upper case",       &both,  shown("TEAM", "a"),     None,                  &[]),
        ("the tag has another value",                            &both,  shown("Team", "b"),     None,                  &["tags.Team"]),
        ("both are somebody else's",                             &plain, shown("theirs", "x"),   None,                  &[]),
        ("both are ours, and the spec no longer names them",     &plain, shown("old", "x"),      Some(applied.clone()), &["description", "tags.Old"]),
        ("they were ours, and Azure no longer shows them",       &plain, with(|_| {}),           Some(applied),         &[]),
        ("an empty description is the same as none",             &empty, with(|_| {}),           None,                  &[]),
    ]);
}

#[test]
fn a_compute_is_in_sync_only_if_no_write_of_ours_is_about_to_change_it() {
    let minute = std::time::Duration::from_mins(1);
    let after = |operation| Observed { operation: Some(operation), ..in_sync() };
    let update = |outcome| after(accepted(OperationKind::Update, minute, outcome));
    #[rustfmt::skip]
    let table = vec![
        ("nothing was written",                       in_sync(),                                                               true),
        ("an update goes on",                         update(running()),                                                false),
        ("an update has failed",                      update(Outcome::Failed(ServiceError::default())),                        false),
        ("an update has ended",                       update(Outcome::Ended),                                                  true),
        ("the answer to an update was lost",          after(unheard(OperationKind::Update, minute)),                           true),
        ("a detach has failed",                       after(accepted(OperationKind::Detach, minute, Outcome::Failed(ServiceError::default()))), true),
        ("Azure changes the compute",                 shows(compute(Progress::Working)),                                       false),
        ("the compute has failed",                    shows(compute(Progress::Failed)),                                        false),
        ("the compute is another's",                  shows(with(|it| it.owner = Ownership::Another("them".into()))),          false),
        ("the compute is of another type",            shows(with(|it| it.kind = "AmlCompute".into())),                         false),
        ("an identity cannot be parsed",              shows(with(|it| it.identity.unreadable = vec!["nonsense".into()])),      false),
    ];
    for (case, observed, expected) in table {
        assert_eq!(is_in_sync(&attached(), &observed), expected, "{case}");
    }
}

#[test]
fn the_owner_tag_determines_the_owner_of_a_compute() {
    let another = |tag: &str| Ownership::Another(tag.into());
    #[rustfmt::skip]
    let table = [
        ("it names this object",                                 "cluster/team-a/pool/uid",        Ownership::Ours),
        ("it names a former object of this name",                "cluster/team-a/pool/former-uid", Ownership::Unowned),
        ("it names another object of this namespace",            "cluster/team-a/other/uid",       another("cluster/team-a/other/uid")),
        ("it names an object of this name in another namespace", "cluster/team-b/pool/uid",        another("cluster/team-b/pool/uid")),
        ("it names an object of another cluster",                "other/team-a/pool/uid",          another("other/team-a/pool/uid")),
        ("it is empty",                                          "",                               another("")),
        ("it is not in our form",                                "somebody",                       another("somebody")),
    ];
    for (case, tag, ownership) in table {
        assert_eq!(owner().of_tag(tag), ownership, "{case}");
    }
}
