//! The operator's rights in Kubernetes: what the shipped manifest grants is what the operator asks for, no more and no less.
//!
//! What it asks for is in the API servers' audit logs of the cluster tests, which cargo runs before these: it takes the
//! targets by their names. Where the record is missing, stale or not of a whole run, these tests fail.

#[path = "rights/asked.rs"]
mod asked;
#[path = "rights/granted.rs"]
mod granted;
#[path = "support/kept.rs"]
mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use asked::Request;
use granted::Right;

/// Who the operator is in Kubernetes.
const NAMESPACE: &str = "synapse-spark-system";
const ACCOUNT: &str = "synapse-spark-operator";

/// Rights that no test asks for, each with the reason why it is granted all the same. No test takes a right of this account
/// away: one that wants to see a refusal takes another account.
const UNUSED: &[(&str, &str)] = &[];

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shipped() -> BTreeSet<Right> {
    granted::read(&file(kept::MANIFEST)).unwrap_or_else(|wrong| panic!("{}: {wrong}", kept::MANIFEST))
}

/// What is wrong between the rights and the requests, a sentence each.
fn differences(rights: &BTreeSet<Right>, requests: &[Request], unused: &[(&str, &str)]) -> Vec<String> {
    let mut wrong = BTreeMap::new();
    for request in requests {
        let (what, why) = if request.is_denied {
            ("denied", String::new())
        } else if rights.iter().any(|right| right.covers(request)) {
            continue;
        } else {
            ("allowed by something else than the manifest", format!(": {}", request.reason))
        };
        wrong.entry((what, request.right())).or_insert((0, request, why)).0 += 1;
    }
    let mut all: Vec<_> = wrong
        .into_iter()
        .map(|((what, right), (times, first, why))| format!("{what}, {times} times: {right}. First by {first}{why}"))
        .collect();
    let used: BTreeSet<_> =
        rights.iter().filter(|right| requests.iter().any(|one| !one.is_denied && right.covers(one))).collect();
    for right in rights {
        let name = right.to_string();
        let is_excused = unused.iter().any(|(excused, _)| *excused == name);
        match (used.contains(right), is_excused) {
            (false, false) => all.push(format!("granted, but nobody asks for it: {name}. Take it out of {}", kept::MANIFEST)),
            (true, true) => all.push(format!("UNUSED names what is used: {name}")),
            (true, false) | (false, true) => {}
        }
    }
    let excuses = unused.iter().filter(|(excused, _)| !rights.iter().any(|right| right.to_string() == *excused));
    all.extend(excuses.map(|(excused, _)| format!("UNUSED names what is not granted: {excused}")));
    all
}

#[test]
fn what_is_granted_is_what_is_asked_for() {
    let rights = shipped();
    let requests = asked::of_the_last_run();
    let wrong = differences(&rights, &requests, UNUSED);
    assert!(wrong.is_empty(), "of {} requests and {} rights:\n{}", requests.len(), rights.len(), wrong.join("\n"));
}

#[test]
fn no_right_is_a_wildcard_or_reads_a_secret() {
    let wide: Vec<_> = shipped().iter().filter(|right| right.is_wide()).map(ToString::to_string).collect();
    assert!(wide.is_empty(), "{}: {wide:?}", kept::MANIFEST);
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
        told: format!("{verb} of {namespace}/{name}"),
    }
}

/// A name, what was asked, what is excused, and what is said.
type Case<'a> = (&'a str, Vec<Request>, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn each_difference_is_named() {
    let rights = granted::read(&with(LEASES, BOUND)).expect("rights");
    let (create, get) = (request("create", "one", "kube-system", false), request("get", "one", "kube-system", false));
    let none: [&str; 0] = [];
    #[rustfmt::skip]
    let table: [Case<'_>; 9] = [
        ("used as granted", vec![create.clone(), get.clone()], &[], &none),
        ("nothing asked", vec![], &[], &["nobody asks for it: create leases of coordination.k8s.io in kube-system", "nobody asks for it: get leases of coordination.k8s.io named one in kube-system"]),
        ("one not asked", vec![create.clone()], &[], &["nobody asks for it: get"]),
        ("one not asked, excused", vec![create.clone()], &[("get leases of coordination.k8s.io named one in kube-system", "so")], &none),
        ("excused, but used", vec![create.clone(), get.clone()], &[("get leases of coordination.k8s.io named one in kube-system", "so")], &["UNUSED names what is used: get"]),
        ("excused, not granted", vec![create.clone(), get.clone()], &[("get nothing", "so")], &["UNUSED names what is not granted: get nothing"]),
        ("denied", vec![create.clone(), get.clone(), request("update", "one", "kube-system", true)], &[], &["denied, 1 times: update leases of coordination.k8s.io. First by update of kube-system/one"]),
        ("another name", vec![create.clone(), get.clone(), request("get", "two", "kube-system", false)], &[], &["something else than the manifest, 1 times: get leases of coordination.k8s.io. First by get of kube-system/two: RBAC: a reason"]),
        ("another namespace", vec![get, create, request("create", "one", "default", false)], &[], &["something else than the manifest, 1 times: create"]),
    ];
    for (case, requests, unused, says) in table {
        let said = differences(&rights, &requests, unused);
        assert_eq!(said.len(), says.len(), "{case}: {said:#?}");
        for (said, words) in said.iter().zip(says) {
            assert!(said.contains(words), "{case}: {words:?} is not in {said:?}");
        }
    }
}

#[test]
fn who_is_bound_has_the_rights() {
    let count = |binding: &str| granted::read(&with(LEASES, binding)).map(|rights| rights.len());
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
fn what_reaches_too_far_is_seen() {
    for (rule, is_wide) in [
        ("{apiGroups: [''], resources: [namespaces], verbs: [get]}", false),
        ("{apiGroups: [''], resources: [namespaces], verbs: ['*']}", true),
        ("{apiGroups: [''], resources: ['*'], verbs: [get]}", true),
        ("{apiGroups: [''], resources: ['namespaces/*'], verbs: [get]}", true),
        ("{apiGroups: ['*'], resources: [namespaces], verbs: [get]}", true),
        ("{apiGroups: [''], resources: [secrets], verbs: [list]}", true),
        ("{apiGroups: [''], resources: [secrets], verbs: [get], resourceNames: [mine]}", true),
    ] {
        let rights = granted::read(&with(&format!("  - {rule}"), BOUND)).expect("rights");
        assert_eq!(rights.iter().any(Right::is_wide), is_wide, "{rule}");
    }
    let url = granted::read(&with("  - {nonResourceURLs: [/metrics], verbs: [get]}", BOUND));
    assert!(url.is_err_and(|said| said.contains("grants URLs")));
}
