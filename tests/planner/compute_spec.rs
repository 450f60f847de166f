//! What a PUT carries, and what the status records of it.

use synapse_spark_operator::api::v1alpha1::{Applied, OperationKind};
use synapse_spark_operator::planner::compute_spec::{in_sync, recorded};
use synapse_spark_operator::planner::{Attached, Compute, ComputeSpec, Identity, OWNER_TAG, PoolReading, Progress};

use crate::builders::{CREATED_ON, attached, compute, of_other_pool, owner, pool, user};

fn with_tag() -> Attached {
    Attached { tags: [("Team".to_owned(), "a".to_owned())].into(), ..attached() }
}

/// A compute with a description and tags that others put there, one that we applied once, and one of the spec.
fn shared() -> Compute {
    let mut shared = compute(Progress::Succeeded);
    shared.identity.system = true;
    shared.description = Some("theirs".into());
    shared.tags.extend([("team", "b"), ("OLD", "x"), ("theirs", "y")].map(|(name, value)| (name.to_owned(), value.to_owned())));
    shared
}

fn update(goal: &Attached, compute: &Compute, applied: Option<&Applied>) -> ComputeSpec {
    ComputeSpec::update(goal, &pool("wanted"), compute, applied)
}

#[test]
fn a_put_keeps_the_tags_of_others_and_removes_ours_that_the_spec_no_longer_names() {
    let applied = Applied { tags: vec!["Old".into()], ..Applied::default() };
    let spec = update(&with_tag(), &shared(), Some(&applied));
    let tags: Vec<_> = spec.tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(tags, [("Team", "a"), (OWNER_TAG, "cluster/team-a/pool/uid"), ("theirs", "y")]);
    assert_eq!(spec.kind, OperationKind::Update);
}

#[test]
fn a_put_replaces_an_owner_tag_in_another_case_or_of_a_former_object() {
    let mut former = compute(Progress::Succeeded);
    former.tags = [(OWNER_TAG.to_uppercase(), "cluster/team-a/pool/former".to_owned())].into();
    let spec = update(&attached(), &former, None);
    assert_eq!(spec.tags, [(OWNER_TAG.to_owned(), owner().to_string())].into());
}

#[test]
fn a_put_keeps_the_description_of_others_and_removes_ours() {
    let ours = Applied { description: true, ..Applied::default() };
    let text = Some("text".to_owned());
    let with_text = Attached { description: text.clone(), ..attached() };
    #[rustfmt::skip]
    let table = [
        // case                                           goal         applied      description
        ("the spec has none, and it is somebody else's",  attached(),  None,        Some("theirs".to_owned())),
        ("the spec has none, and it is ours",             attached(),  Some(&ours), None),
        ("the spec has one",                              with_text,   None,        text),
    ];
    for (case, goal, applied, description) in table {
        assert_eq!(update(&goal, &shared(), applied).description, description, "{case}");
    }
}

#[test]
fn a_put_contains_an_identity_only_to_assign_or_remove_one() {
    let plain = compute(Progress::Succeeded);
    let mut unreadable = plain.clone();
    unreadable.identity.unreadable = vec!["nonsense".into()];
    let wants = Attached { identity: Identity { system: false, user: vec![user("one")] }, ..attached() };
    #[rustfmt::skip]
    let table = [
        // case                                                     goal         compute       type
        ("none exists, and the spec asks for none",                 attached(),  &plain,       None),
        ("one exists, and the spec asks for none",                  attached(),  &shared(),    Some("None")),
        ("one exists that cannot be parsed",                        attached(),  &unreadable,  Some("None")),
        ("the spec asks for one",                                   wants,       &plain,       Some("UserAssigned")),
    ];
    for (case, goal, compute, kind) in table {
        assert_eq!(update(&goal, compute, None).identity.map(|identity| identity.kind()), kind, "{case}");
    }
}

#[test]
fn a_put_never_changes_the_pool_of_a_compute() {
    assert_eq!(update(&attached(), &of_other_pool(Progress::Succeeded), None).pool, pool("other"));
    let unreadable = Compute { pool: PoolReading::of(None), ..compute(Progress::Succeeded) };
    assert_eq!(update(&attached(), &unreadable, None).pool, pool("wanted"));
}

#[test]
fn the_first_put_contains_only_fields_of_the_spec() {
    let spec = ComputeSpec::create(&attached(), &pool("wanted"));
    assert_eq!((spec.identity, spec.description, spec.location, spec.kind), (None, None, None, OperationKind::Attach));
    assert_eq!(spec.tags, [(OWNER_TAG.to_owned(), owner().to_string())].into());
    assert_eq!(update(&attached(), &compute(Progress::Succeeded), None).location.as_deref(), Some("eastus2"));
}

#[test]
fn applied_values_are_recorded_until_azure_shows_their_removal() {
    let before = Applied {
        tags: vec!["old".into(), "TEAM".into()],
        description: true,
        created_on: Some(CREATED_ON.into()),
        ..Applied::default()
    };
    let after_put = recorded(&with_tag(), Some(&before));
    assert_eq!((after_put.tags, after_put.description), (vec!["Team".to_owned(), "old".to_owned()], true));
    assert_eq!(after_put.created_on.as_deref(), Some(CREATED_ON), "an update keeps when the compute was created");
    let after_sync = in_sync(&with_tag());
    assert_eq!((after_sync.tags, after_sync.description), (vec!["Team".to_owned()], false));
}
