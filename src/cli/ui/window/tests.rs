use super::*;
use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::{Identity, IdentityType, SynapseSparkAttachmentSpec, UserAssignedIdentity};
use crate::cli::selection::ObjectKey;
use crate::cli::view::State;

fn attachment(namespace: &str, name: &str, reason: &str, pool: &str) -> Attachment {
    let mut spec = SynapseSparkAttachmentSpec::default();
    spec.workspace.name = format!("ws-{namespace}");
    "6560575d-fa06-4e7d-95fb-f962e74efd7a".clone_into(&mut spec.workspace.subscription_id);
    "rg".clone_into(&mut spec.workspace.resource_group);
    if name == "beta" {
        let resource_id = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nightly-id".to_owned();
        let user_assigned_identities = vec![UserAssignedIdentity { resource_id }];
        spec.identity = Some(Identity { kind: IdentityType::UserAssigned, user_assigned_identities });
    }
    Attachment {
        key: ObjectKey { namespace: namespace.to_owned(), name: name.to_owned() },
        state: State::Ready,
        reason: reason.to_owned(),
        message: String::new(),
        since: None,
        pool: pool.to_owned(),
        managed_by: None,
        object: SynapseSparkAttachment::new(name, spec),
    }
}

fn some() -> Vec<Attachment> {
    vec![
        attachment("b", "alpha", "Attached", "large"),
        attachment("a", "gamma", "Attached", "small"),
        attachment("a", "beta", "PoolNotFound", "small"),
        attachment("a", "alpha", "Attaching", "Large-2"),
    ]
}

fn query(parameters: &str) -> Query {
    serde_urlencoded::from_str(parameters).unwrap_or_else(|error| panic!("{parameters}: {error}"))
}

#[test]
fn rows_are_filtered_and_sorted_as_the_address_asks() {
    #[rustfmt::skip]
    let table = [
        ("",                              "a/alpha b/alpha a/beta a/gamma"),
        ("descending=true",               "a/gamma a/beta a/alpha b/alpha"),
        ("name=LPH",                      "a/alpha b/alpha"),
        ("namespace=a&pool=small",        "a/beta a/gamma"),
        ("workspace=ws-b",                "b/alpha"),
        ("pool=+large+",                  "a/alpha b/alpha"),
        ("identity=nightly",              "a/beta"),
        ("identity=no+identity",          "a/alpha b/alpha a/gamma"),
        ("workspace=%2Fsubscriptions%2F6560575d-fa06-4e7d-95fb-f962e74efd7a%2FresourceGroups%2FRG%2Fproviders%2FMicrosoft.MachineLearningServices%2Fworkspaces%2Fws-b", "b/alpha"),
        ("workspace=%2Fsubscriptions%2F6560575d-fa06-4e7d-95fb-f962e74efd7a%2FresourceGroups%2Frg%2Fproviders%2FMicrosoft.MachineLearningServices%2Fworkspaces%2Fws-", ""),
        ("reason=Attached",               "b/alpha a/gamma"),
        ("reason=attached",               ""),
        ("sort=namespace",                "a/alpha a/beta a/gamma b/alpha"),
        ("sort=reason",                   "b/alpha a/gamma a/alpha a/beta"),
        ("sort=pool&descending=true",     "a/beta a/gamma b/alpha a/alpha"),
        ("unknown=1&name=beta",           "a/beta"),
    ];
    let all = some();
    for (parameters, rows) in table {
        let query = query(parameters);
        let window = query.window(all.iter());
        let shown: Vec<_> = window.rows.iter().map(|one| one.key.to_string()).collect();
        assert_eq!(shown.join(" "), rows, "{parameters}");
        assert_eq!(window.total, shown.len(), "{parameters}");
    }
}

#[test]
fn reasons_are_counted_whichever_is_chosen() {
    let all = some();
    let (every, small) = (query("reason=Attached"), query("reason=Attached&pool=small"));
    assert_eq!(every.window(all.iter()).reasons, BTreeMap::from([("Attached", 2), ("Attaching", 1), ("PoolNotFound", 1)]));
    assert_eq!(small.window(all.iter()).reasons, BTreeMap::from([("Attached", 1), ("PoolNotFound", 1)]));
}

#[test]
fn a_window_is_a_part_of_whole_pages() {
    let all: Vec<_> = (0..120).map(|n| attachment("a", &format!("n{n:03}"), "Attached", "p")).collect();
    #[rustfmt::skip]
    let table = [
        (0,          0,   "n000", 50),
        (49,         0,   "n000", 50),
        (50,         50,  "n050", 50),
        (100,        100, "n100", 20),
        (5_000,      100, "n100", 20),
        (usize::MAX, 100, "n100", 20),
    ];
    for (from, begins, first, rows) in table {
        let query = query(&format!("from={from}"));
        let window = query.window(all.iter());
        assert_eq!(
            (window.from, window.rows[0].key.name.as_str(), window.rows.len(), window.total),
            (begins, first, rows, 120),
            "{from}"
        );
        assert!(window.rows.is_sorted_by_key(|one| &one.key.name), "{from}");
    }
    assert_eq!(Query::default().window(std::iter::empty()).from, 0, "of nothing");
}

#[test]
fn a_heading_sorts_and_then_reverses() {
    let by_pool = query("from=50&name=a").ordered_by(Column::Pool);
    assert_eq!(by_pool.parameters(), "name=a&sort=pool");
    let reversed = by_pool.ordered_by(Column::Pool);
    assert_eq!(reversed.parameters(), "name=a&sort=pool&descending=true");
    assert_eq!(query(&reversed.parameters()), reversed);
    assert_eq!(reversed.ordered_by(Column::Name).parameters(), "name=a");
}

/// Ten thousand objects are shown at once, and changes ten times a second.
#[test]
fn ten_thousand_are_cut_to_one_page() {
    let all: Vec<_> = (0..10_000).map(|n| attachment("a", &format!("n{:05}", 9_999 - n), "Attached", "p")).collect();
    let query = query("from=9950&descending=true");
    let window = query.window(all.iter());
    assert_eq!((window.rows.len(), window.rows[0].key.name.as_str(), window.total), (ROWS, "n00049", 10_000));
}
