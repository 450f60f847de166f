//! What the operator's account may do after an install for some namespaces.

use serde_json::json;

use crate::support::{CHART, DEADLINE, Plane, helm, poll};

const ATTACHMENTS: &str = "synapsesparkattachments.synapse-spark.dev";
const LEASE: &str = "leases.coordination.k8s.io/synapse-spark-operator";

/// A release named `narrow` that watches one namespace.
struct Release {
    namespace: String,
    watched: String,
    other: String,
}

impl Release {
    fn install(test: &str) -> Self {
        let release = Self { namespace: test.to_owned(), watched: format!("{test}-watched"), other: format!("{test}-other") };
        for namespace in [&release.watched, &release.other] {
            Self::plane().must(&["create", "namespace", namespace]);
        }
        install("helm4", &release.namespace, &release.watched);
        release
    }

    fn plane() -> &'static Plane {
        Plane::bare()
    }

    /// Whether its account may do this.
    fn may(&self, verb: &str, what: &str, namespace: &str) -> bool {
        let (kind, name) = what.split_once('/').unwrap_or((what, ""));
        let (resource, group) = kind.split_once('.').unwrap_or((kind, ""));
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": format!("system:serviceaccount:{}:narrow", self.namespace),
                "resourceAttributes": {"namespace": namespace, "verb": verb, "group": group, "resource": resource, "name": name},
            },
        });
        let answer = Self::plane().kubectl(&["create", "-o", "jsonpath={.status.allowed}", "-f", "-"], &review.to_string());
        answer.expect("it is answered") == "true"
    }

    /// Waits until its account may do this: the authorizer applies new permissions a moment later.
    fn will(&self, verb: &str, what: &str, namespace: &str) {
        let may = poll(DEADLINE, || self.may(verb, what, namespace).then_some(()));
        assert!(may.is_some(), "it may not {verb} {what} in {namespace}");
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let _ = uninstall("helm4", &self.namespace);
    }
}

/// Without the definition, which another test installs. Permissions do not need it; only `kubectl auth can-i` does.
fn install(version: &str, namespace: &str, watched: &str) {
    let values = format!("{{fullnameOverride: narrow, watchNamespaces: [{watched}], crds: {{enabled: false}}}}");
    let install = ["install", "narrow", CHART, "--create-namespace", "--namespace", namespace, "--values", "-"];
    helm(version, Release::plane(), &install, &values).unwrap_or_else(|complaint| panic!("{version}: {complaint}"));
}

fn uninstall(version: &str, namespace: &str) -> Result<String, String> {
    helm(version, Release::plane(), &["uninstall", "narrow", "--namespace", namespace], "")
}

#[test]
fn permissions_in_the_watched_namespace_do_not_apply_elsewhere() {
    let release = Release::install("narrow");
    for (verb, what) in [
        ("list", ATTACHMENTS),
        ("watch", ATTACHMENTS),
        ("patch", ATTACHMENTS),
        ("create", "events.events.k8s.io"),
        ("create", "leases.coordination.k8s.io"),
        ("update", LEASE),
    ] {
        release.will(verb, what, &release.watched);
        for elsewhere in [&*release.other, &*release.namespace, "kube-system"] {
            assert!(!release.may(verb, what, elsewhere), "it may {verb} {what} in {elsewhere}");
        }
    }
}

#[test]
fn operator_for_some_namespaces_may_only_list_the_leases_of_others() {
    let release = Release::install("reads-lease");
    release.will("list", "leases.coordination.k8s.io", &release.other);
    assert!(!release.may("get", LEASE, &release.other));
    assert!(!release.may("update", LEASE, &release.other));
    release.will("get", "namespaces/kube-system", "kube-system");
}

#[test]
fn operator_may_neither_read_secrets_nor_delete_attachments_or_leases() {
    let release = Release::install("no-more");
    release.will("list", ATTACHMENTS, &release.watched);
    let [own, other] = [&release.watched, &release.other].map(|name| format!("namespaces/{name}"));
    assert!(!release.may("get", &other, &release.other), "it may read a namespace that it does not watch");
    for (verb, what) in [
        ("get", "secrets"),
        ("list", "secrets"),
        ("list", "namespaces"),
        ("patch", &*own),
        ("delete", ATTACHMENTS),
        ("update", "leases.coordination.k8s.io/another"),
        ("delete", LEASE),
    ] {
        assert!(!release.may(verb, what, &release.watched), "it may {verb} {what}");
    }
}

#[test]
fn uninstall_leaves_the_cluster_roles_of_a_release_of_the_same_name() {
    let release = Release::install("same-name");
    let another = "same-name-too";
    install("helm3", another, &release.other);
    uninstall("helm4", &release.namespace).expect("it is uninstalled");
    let exists = |what: &str| Release::plane().kubectl(&["get", what], "").is_ok();
    for kind in
        ["clusterrole/narrow-same-name-too", "clusterrolebinding/narrow-same-name-too", "clusterrole/narrow-same-name-too-view"]
    {
        assert!(exists(kind), "{kind} was removed with the other release");
    }
    assert!(!exists("clusterrole/narrow-same-name"));
    uninstall("helm3", another).expect("it is uninstalled");
}
