//! Which computes count as orphans, and from when on.

use serde_json::{Value, json};

use super::*;
use crate::api::v1alpha1::SynapseSparkAttachmentSpec;
use crate::controller::key::key_of;

const TAG: &str = "here/team-a/nightly/uid-1";

fn workspace() -> WorkspaceId {
    WorkspaceId::new("s", "g", "w").expect("an ID")
}

fn object(namespace: &str, name: &str, uid: &str) -> SynapseSparkAttachment {
    let mut object = SynapseSparkAttachment::new(name, SynapseSparkAttachmentSpec::default());
    object.metadata.namespace = Some(namespace.to_owned());
    object.metadata.uid = Some(uid.to_owned());
    object
}

fn compute(name: &str, tag: &str, state: &str) -> Value {
    json!({"name": name, "tags": {"Synapse-Spark-Operator-Owner": tag}, "properties": {"computeType": "SynapseSpark", "provisioningState": state}})
}

/// A LIST: the second at which it begins, and the computes that it shows.
type List<'a> = (u64, &'a [Value]);

/// What LISTs at these seconds show of orphans, each of which shows these computes.
fn audits(orphans: &Orphans, lists: &[List<'_>]) -> Vec<Audit> {
    let start = Instant::now();
    let audit = |(at, computes): &List<'_>| {
        let view = View::of(&workspace(), start + Duration::from_secs(*at), computes.iter().cloned());
        orphans.audit("here", &workspace(), &view, |_, name| name == "unreadable")
    };
    lists.iter().map(audit).collect()
}

fn counts(orphans: &Orphans, lists: &[List<'_>]) -> Vec<usize> {
    audits(orphans, lists).iter().map(|audit| audit.count).collect()
}

/// An operator that watches all namespaces and has no objects.
fn watching() -> Orphans {
    let orphans = Orphans::default();
    orphans.listed(None);
    orphans
}

#[test]
fn a_compute_is_an_orphan_only_if_its_object_would_be_known_and_is_not() {
    type Prepare = fn(&Orphans);
    let nothing: Prepare = |_| ();
    #[rustfmt::skip]
    let table: [(&str, &str, &str, Prepare, usize); 14] = [
        // case                                tag                              state        prepared with                                                        orphans
        ("no object",                          TAG,                             "Succeeded", nothing,                                                             1),
        ("a failed one",                       TAG,                             "Failed",    nothing,                                                             1),
        ("it is being deleted",                TAG,                             "Deleting",  nothing,                                                             0),
        ("its object exists",                  TAG,                             "Succeeded", |all| all.exists(&object("team-a", "nightly", "uid-1")),             0),
        ("another object of that name",        TAG,                             "Succeeded", |all| all.exists(&object("team-a", "nightly", "uid-2")),             1),
        ("an object of another namespace",     TAG,                             "Succeeded", |all| all.exists(&object("team-b", "nightly", "uid-1")),             1),
        ("its object is gone",                 TAG,                             "Succeeded", |all| { let gone = object("team-a", "nightly", "uid-1"); all.exists(&gone); all.forget(&key_of(&gone)); }, 1),
        ("its object was released on purpose", TAG,                             "Succeeded", |all| all.retained(&object("team-a", "nightly", "uid-1")),           0),
        ("its object cannot be decoded",       "here/team-a/unreadable/uid-1",  "Succeeded", nothing,                                                             0),
        ("handed over to an object",           "here/team-a/nightly/transferred", "Succeeded", |all| all.exists(&object("team-a", "nightly", "uid-2")),           0),
        ("handed over to none",                "here/team-a/nightly/transferred", "Succeeded", nothing,                                                           1),
        ("of another cluster",                 "there/team-a/nightly/uid-1",    "Succeeded", nothing,                                                             0),
        ("not a tag of the operator",          "here/nightly",                  "Succeeded", nothing,                                                             0),
        ("one part too many",                  "here/team-a/nightly/uid-1/x",   "Succeeded", nothing,                                                             0),
    ];
    for (case, tag, state, prepare, wanted) in table {
        let orphans = watching();
        prepare(&orphans);
        let shown = [compute("spark", tag, state)];
        assert_eq!(counts(&orphans, &[(0, &shown), (15, &shown)]), [0, wanted], "{case}");
    }
}

#[test]
fn objects_of_namespaces_that_are_not_listed_are_not_known() {
    let shown = [compute("spark", TAG, "Succeeded")];
    for (scope, wanted) in [(Some("team-a"), 1), (Some("team-b"), 0)] {
        let orphans = Orphans::default();
        assert_eq!(counts(&orphans, &[(0, &shown), (60, &shown)]), [0, 0], "before any list has ended");
        orphans.listed(scope);
        assert_eq!(counts(&orphans, &[(0, &shown), (60, &shown)]), [0, wanted], "{scope:?}");
    }
}

#[test]
fn an_orphan_counts_when_two_lists_15_seconds_apart_and_all_between_them_show_it() {
    let (shown, deleting) = ([compute("spark", TAG, "Succeeded")], [compute("spark", TAG, "Deleting")]);
    let other = [compute("spark", "here/team-a/other/uid-9", "Succeeded")];
    #[rustfmt::skip]
    let table: [(&str, &[List<'_>], &[usize]); 6] = [
        ("too soon",            &[(0, &shown), (14, &shown)],                              &[0, 0]),
        ("many between them",   &[(0, &shown), (5, &shown), (10, &shown), (15, &shown)],   &[0, 0, 0, 1]),
        ("one lacks it",        &[(0, &shown), (10, &[]), (20, &shown), (35, &shown)],     &[0, 0, 0, 1]),
        ("one is of a detach",  &[(0, &shown), (10, &deleting), (20, &shown)],             &[0, 0, 0]),
        ("another owner",       &[(0, &other), (15, &shown), (30, &shown)],                &[0, 0, 1]),
        ("it goes",             &[(0, &shown), (15, &shown), (30, &[]), (45, &shown)],     &[0, 1, 0, 0]),
    ];
    for (case, lists, wanted) in table {
        assert_eq!(counts(&watching(), lists), wanted, "{case}");
    }
}

#[test]
fn an_orphan_is_reported_once_when_it_comes_and_once_when_it_goes() {
    let shown = [compute("Spark", TAG, "Succeeded")];
    let audits = audits(&watching(), &[(0, &shown), (15, &shown), (30, &shown), (45, &[]), (60, &[])]);
    let reported: Vec<_> = audits.iter().map(|audit| (audit.found.len(), audit.gone.len())).collect();
    assert_eq!(reported, [(0, 0), (1, 0), (0, 0), (0, 1), (0, 0)]);
    assert_eq!(audits[1].found, [("spark".to_owned(), TAG.to_owned())]);
}

#[test]
fn an_object_that_exists_at_one_of_the_two_lists_leaves_no_orphan() {
    let (orphans, one, shown) = (watching(), object("team-a", "nightly", "uid-1"), [compute("spark", TAG, "Succeeded")]);
    orphans.exists(&one);
    assert_eq!(counts(&orphans, &[(0, &shown)]), [0]);
    orphans.forget(&key_of(&one));
    assert_eq!(counts(&orphans, &[(15, &shown)]), [0], "it existed at the first one");
}

#[test]
fn memory_is_bounded() {
    let orphans = watching();
    let shown: Vec<_> = (0..=MAX_COMPUTES).map(|at| compute(&format!("c{at}"), TAG, "Succeeded")).collect();
    assert_eq!(counts(&orphans, &[(0, &shown), (15, &shown)]), [0, MAX_COMPUTES]);
    (0..=MAX_RETAINED).for_each(|at| orphans.retained(&object("team-a", "nightly", &format!("uid-{at}"))));
    let state = orphans.lock();
    assert_eq!((state.retained.uids.len(), state.retained.order.len()), (MAX_RETAINED, MAX_RETAINED));
    assert!(!state.retained.uids.contains(&hash("uid-0")) && state.retained.uids.contains(&hash("uid-1")), "the oldest goes");
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_is_no_longer_listed_is_forgotten() {
    let (orphans, shown) = (watching(), [compute("spark", TAG, "Succeeded")]);
    assert_eq!(counts(&orphans, &[(0, &shown), (15, &shown)]), [0, 1]);
    tokio::time::advance(Duration::from_secs(76)).await;
    orphans.expire(Duration::from_mins(1));
    assert!(orphans.lock().workspaces.is_empty());
}
