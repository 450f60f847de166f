//! The operator's permissions in Kubernetes: the shipped manifest grants exactly those that the operator uses.
//!
//! The operator's requests are in the API servers' audit logs of the cluster tests, which cargo runs before these: it runs the
//! targets by their names. Where the record is missing, stale or not of a whole run, these tests fail.

#[path = "rights/asked.rs"]
mod asked;
#[path = "support/audit.rs"]
mod audit;
#[path = "rights/granted.rs"]
mod granted;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use asked::Request;
use audit::{ACCOUNT, ACCOUNTS, FOLDER, MANIFEST, NAMESPACE, OUTPUTS, SCOPED, SHARDED};
use granted::Right;

/// Requests that a manifest need not grant: what they need, the namespaces by how their names begin, and the reason. A test that
/// expects a refusal uses another account than the shipped one, unless it is about a feature that is off by default.
type Elsewhere = (&'static str, &'static str, &'static str);
const VERSION: Elsewhere = ("get /version", "", "tells the time; every account may by default, and a refusal tells it too");
const DOCUMENT: Elsewhere = (
    "get /openapi/v3/apis/synapse-spark.dev/v1alpha1",
    "",
    "shows the fields of the definition; every account may by default, and a refusal leaves them uncompared",
);
const TOO_EARLY: Elsewhere = (
    "get leases of coordination.k8s.io",
    "scoped-",
    "operators_for_overlapping_namespaces_share_no_object begins without the right",
);
const OUTPUTS_OFF: Elsewhere = (
    "get configmaps of the core group",
    "outputs-403-",
    "without_the_right_the_status_names_the_setting_of_the_chart expects the refusal",
);

/// The rights to the Lease of a second installation, in its own namespace, which runs under the same account in a test.
const INSTALLED_TWICE: [Elsewhere; 3] = {
    const WHY: &str = "of_two_installations_in_two_namespaces_one_leads_and_the_other_takes_over grants them to the second one";
    [
        ("create leases of coordination.k8s.io", "installed-twice-", WHY),
        ("get leases of coordination.k8s.io", "installed-twice-", WHY),
        ("update leases of coordination.k8s.io", "installed-twice-", WHY),
    ]
};

/// Permissions that no test uses, each with the reason why it is granted nevertheless.
const UNUSED: &[(&str, &str)] = &[(
    "list synapsesparkattachments of synapse-spark.dev",
    "for an API server that serves no streaming lists: tests/watch.rs has one",
)];

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shipped() -> BTreeSet<Right> {
    granted::read(&file(MANIFEST), ACCOUNT).unwrap_or_else(|wrong| panic!("{MANIFEST}: {wrong}"))
}

/// What was denied, or granted by something else, one sentence each.
fn ungranted(rights: &BTreeSet<Right>, requests: &[Request], elsewhere: &[Elsewhere]) -> Vec<String> {
    let mut wrong = BTreeMap::new();
    let mut idle: BTreeSet<_> = elsewhere.iter().collect();
    for request in requests.iter().filter(|request| request.is_denied || !rights.iter().any(|right| right.covers(request))) {
        let right = request.right();
        let name = right.to_string();
        if let Some(known) = elsewhere.iter().find(|(what, place, _)| name == *what && request.namespace.starts_with(place)) {
            idle.remove(known);
            continue;
        }
        let (what, why) = if request.is_denied {
            ("denied", String::new())
        } else {
            ("allowed by something else than the manifest", format!(": {}", request.reason))
        };
        wrong.entry((what, right)).or_insert((0, request, why)).0 += 1;
    }
    let wrong = wrong.into_iter();
    wrong
        .map(|((what, right), (times, first, why))| format!("{what}, {times} times: {right}. First by {first}{why}"))
        .chain(idle.iter().map(|(what, ..)| format!("excused, but nobody asks for it: {what}")))
        .collect()
}

/// What is granted and not needed, one sentence each.
fn unused(rights: &BTreeSet<Right>, requests: &[Request], excused: &[(&str, &str)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for right in rights {
        let name = right.to_string();
        let is_used = requests.iter().any(|request| !request.is_denied && right.covers(request));
        match (is_used, excused.iter().any(|(known, _)| *known == name)) {
            (false, false) => wrong.push(format!("granted, but nobody asks for it: {name}. Take it out of the manifest")),
            (true, true) => wrong.push(format!("excused as unused, but used: {name}")),
            (true, false) | (false, true) => {}
        }
    }
    let unknown = excused.iter().filter(|(known, _)| !rights.iter().any(|right| right.to_string() == *known));
    wrong.extend(unknown.map(|(known, _)| format!("excused as unused, but not granted: {known}")));
    wrong
}

#[test]
fn only_used_permissions_are_granted() {
    let (rights, requests) = (shipped(), asked::of_the_last_run(ACCOUNT));
    let elsewhere = [&[VERSION, DOCUMENT, OUTPUTS_OFF][..], &INSTALLED_TWICE].concat();
    let wrong = [ungranted(&rights, &requests, &elsewhere), unused(&rights, &requests, UNUSED)].concat();
    assert!(
        wrong.is_empty(),
        "of {} requests and the {} rights of {MANIFEST}:\n{}",
        requests.len(),
        rights.len(),
        wrong.join("\n")
    );
}

/// An install for some namespaces has the permissions of the shipped manifest, so each is needed; and they are sufficient.
#[test]
fn an_install_for_some_namespaces_has_the_same_permissions_there() {
    let requests = asked::of_the_last_run(SCOPED);
    let rights =
        granted::read(&file(&format!("{FOLDER}/{SCOPED}.yaml")), SCOPED).unwrap_or_else(|wrong| panic!("{SCOPED}: {wrong}"));
    let wrong = ungranted(&rights, &requests, &[VERSION, DOCUMENT, TOO_EARLY]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let anywhere =
        |rights: BTreeSet<Right>| rights.into_iter().map(|right| Right { namespace: String::new(), ..right }.to_string());
    assert_eq!(anywhere(rights).collect::<BTreeSet<_>>(), anywhere(shipped()).collect());
}

/// With identities of namespaces, or with outputs, the permissions of another table of the page are granted in addition.
#[test]
fn optional_features_add_only_the_permissions_that_are_used() {
    for (account, section) in [(ACCOUNTS, "Namespaces' own identities"), (OUTPUTS, "ConfigMaps for other manifests")] {
        let requests = asked::of_the_last_run(account);
        let rights = granted::read(&file(&format!("{FOLDER}/{account}.yaml")), account)
            .unwrap_or_else(|wrong| panic!("{account}: {wrong}"));
        let more: BTreeSet<_> = rights.difference(&shipped()).cloned().collect();
        let wrong = [ungranted(&rights, &requests, &[VERSION, DOCUMENT]), unused(&more, &requests, &[])].concat();
        assert!(wrong.is_empty(), "{account}: {}", wrong.join("\n"));
        assert_eq!(explained(section), more.iter().map(ToString::to_string).collect(), "docs/security.md");
        assert!(shipped().is_subset(&rights) && !more.iter().any(Right::is_wide), "{account}");
    }
}

/// With shards, the permissions for their Leases are granted in addition; and they are enough.
#[test]
fn shards_add_only_the_permissions_for_their_leases() {
    // Each test has shards of its own, and the manifest is that of one test: the Leases have other names.
    let is_for_other_lease = |request: &Request| request.name.starts_with("synapse-spark-operator-") && !request.is_denied;
    let requests: Vec<_> = asked::of_the_last_run(SHARDED).into_iter().filter(|one| !is_for_other_lease(one)).collect();
    let rights =
        granted::read(&file(&format!("{FOLDER}/{SHARDED}.yaml")), SHARDED).unwrap_or_else(|wrong| panic!("{SHARDED}: {wrong}"));
    let wrong = ungranted(&rights, &requests, &[VERSION, DOCUMENT]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let is_for_a_lease = |right: &&Right| right.resource == "leases" && right.name.starts_with("synapse-spark-operator-");
    assert_eq!(rights.difference(&shipped()).find(|right| !is_for_a_lease(right)), None);
    assert!(shipped().is_subset(&rights));
}

/// The rights that a section of the page has in its table.
fn explained(section: &str) -> BTreeSet<String> {
    let page = file("docs/security.md");
    let section = page.split("\n## ").find(|text| text.starts_with(section)).unwrap_or_else(|| panic!("no section {section}"));
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    rows.map(|(right, _)| right.to_owned()).collect()
}

#[test]
fn no_permission_is_a_wildcard_or_reads_secrets() {
    let wide: Vec<_> = shipped().iter().filter(|right| right.is_wide()).map(ToString::to_string).collect();
    assert!(wide.is_empty(), "{MANIFEST}: {wide:?}");
}

#[test]
fn every_permission_is_documented() {
    assert_eq!(
        explained("In Kubernetes"),
        shipped().iter().map(ToString::to_string).collect(),
        "docs/security.md and {MANIFEST}"
    );
}

/// A manifest of one role, and how it is bound.
fn with(rules: &str, binding: &str) -> String {
    format!(
        "apiVersion: v1
kind: Namespace
metadata: {{name: {NAMESPACE}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: leader, namespace: kube-system}}
rules:
{rules}
---
# nothing
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: leader, namespace: kube-system}}
{binding}
"
    )
}

const BOUND: &str = "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: leader}
subjects: [{kind: ServiceAccount, name: synapse-spark-operator, namespace: synapse-spark-system}]";
const LEASES: &str = "  - {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create]}
  - {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get], resourceNames: [one]}";

fn request(verb: &str, name: &str, namespace: &str, is_denied: bool) -> Request {
    Request {
        verb: verb.to_owned(),
        group: "coordination.k8s.io".to_owned(),
        resource: "leases".to_owned(),
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        is_denied,
        reason: "RBAC: a reason".to_owned(),
        shown: format!("{verb} of {namespace}/{name}"),
    }
}

#[test]
fn each_difference_is_named() {
    const RIGHT: &str = "get leases of coordination.k8s.io named one in kube-system";
    const NEED: &str = "get leases of coordination.k8s.io";
    let rights = granted::read(&with(LEASES, BOUND), ACCOUNT).expect("rights");
    let create = || request("create", "one", "kube-system", false);
    let get = |name, namespace, is_denied| request("get", name, namespace, is_denied);
    #[rustfmt::skip]
    let unused_table = [
        ("all used",             vec![create(), get("one", "kube-system", false)], &[][..],            vec![]),
        ("nothing asked",        vec![],                                           &[],                vec!["nobody asks for it: create leases of coordination.k8s.io in kube-system", "nobody asks for it: get leases of coordination.k8s.io named one in kube-system"]),
        ("one not asked",        vec![create()],                                   &[],                vec!["nobody asks for it: get"]),
        ("one denied",           vec![create(), get("one", "kube-system", true)],  &[],                vec!["nobody asks for it: get"]),
        ("excused",              vec![create()],                                   &[(RIGHT, "so")],   vec![]),
        ("excused, but used",    vec![create(), get("one", "kube-system", false)], &[(RIGHT, "so")],   vec!["but used: get"]),
        ("excused, not granted", vec![create(), get("one", "kube-system", false)], &[("all", "so")],   vec!["but not granted: all"]),
    ];
    #[rustfmt::skip]
    let ungranted_table = [
        ("as granted",           get("one", "kube-system", false), &[][..],                            vec![]),
        ("denied",               get("one", "kube-system", true),  &[],                                vec!["denied, 1 times: get leases of coordination.k8s.io. First by get of kube-system/one"]),
        ("another name",         get("two", "kube-system", false), &[],                                vec!["something else than the manifest, 1 times: get leases of coordination.k8s.io. First by get of kube-system/two: RBAC: a reason"]),
        ("another namespace",    get("one", "default", false),     &[],                                vec!["something else than the manifest, 1 times: get"]),
        ("there, excused",       get("one", "default", false),     &[(NEED, "def", "so")],             vec![]),
        ("denied, excused",      get("one", "default", true),      &[(NEED, "def", "so")],             vec![]),
        ("excused elsewhere",    get("one", "default", true),      &[(NEED, "x-", "so")],              vec!["denied, 1 times: get", "excused, but nobody asks for it: get"]),
        ("excused for nothing",  create(),                         &[(NEED, "def", "so")],             vec!["excused, but nobody asks for it: get"]),
    ];
    let unused = unused_table.map(|(case, requests, excused, says)| (case, unused(&rights, &requests, excused), says));
    let ungranted = ungranted_table.map(|(case, one, excused, says)| (case, ungranted(&rights, &[one], excused), says));
    for (case, said, says) in unused.into_iter().chain(ungranted) {
        assert_eq!(said.len(), says.len(), "{case}: {said:#?}");
        for (said, words) in said.iter().zip(says) {
            assert!(said.contains(words), "{case}: {words:?} is not in {said:?}");
        }
    }
}

#[test]
fn bindings_grant_the_permissions_of_their_roles() {
    let count = |binding: &str| granted::read(&with(LEASES, binding), ACCOUNT).map(|rights| rights.len());
    assert_eq!(count(BOUND), Ok(2));
    assert_eq!(count(&BOUND.replace("ServiceAccount, name: synapse-spark-operator", "ServiceAccount, name: other")).ok(), None);
    for group in ["system:serviceaccounts", "system:serviceaccounts:synapse-spark-system", "system:authenticated"] {
        assert_eq!(
            count(&BOUND.replace("ServiceAccount, name: synapse-spark-operator", &format!("Group, name: '{group}'"))),
            Ok(2)
        );
    }
    let elsewhere = count(&BOUND.replace("Role, name: leader", "ClusterRole, name: cluster-admin"));
    assert!(elsewhere.is_err_and(|said| said.contains("ClusterRole cluster-admin is not in it")));
}

#[test]
fn too_broad_permissions_are_detected() {
    for (rule, is_wide) in [
        ("{apiGroups: [''], resources: [namespaces], verbs: [get]}", false),
        ("{apiGroups: [''], resources: [namespaces], verbs: ['*']}", true),
        ("{apiGroups: [''], resources: ['*'], verbs: [get]}", true),
        ("{apiGroups: [''], resources: ['namespaces/*'], verbs: [get]}", true),
        ("{apiGroups: ['*'], resources: [namespaces], verbs: [get]}", true),
        ("{apiGroups: [''], resources: [secrets], verbs: [list]}", true),
        ("{apiGroups: [''], resources: [secrets], verbs: [get], resourceNames: [mine]}", true),
    ] {
        let rights = granted::read(&with(&format!("  - {rule}"), BOUND), ACCOUNT).expect("rights");
        assert_eq!(rights.iter().any(Right::is_wide), is_wide, "{rule}");
    }
    let url = granted::read(&with("  - {nonResourceURLs: [/metrics], verbs: [get]}", BOUND), ACCOUNT);
    assert!(url.is_err_and(|said| said.contains("grants URLs")));
}
