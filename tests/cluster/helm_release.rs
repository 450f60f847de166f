//! `helm install`, `upgrade` and `uninstall`, on a real API server. No pod runs here; what matters is what stays.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use crate::support::{CHART, DEADLINE, HELMS, Plane, helm, poll};

/// There is one definition in a cluster: who installs it takes turns.
pub static TURN: Mutex<()> = Mutex::new(());
const DEFINITION: &str = "crd/synapsesparkattachments.synapse-spark.dev";

/// A release of the chart.
struct Release {
    helm: &'static str,
    namespace: String,
}

impl Release {
    fn plane() -> &'static Plane {
        Plane::bare()
    }

    fn helm(&self, words: &[&str], values: &str) -> String {
        let all = [words, &["--namespace", &self.namespace]].concat();
        helm(self.helm, Self::plane(), &all, values).unwrap_or_else(|complaint| panic!("{} {words:?}: {complaint}", self.helm))
    }

    fn columns() -> String {
        Self::plane().must(&["get", DEFINITION, "-o", "jsonpath={.spec.versions[0].additionalPrinterColumns[*].name}"])
    }

    fn is_there(&self, what: &str) -> bool {
        Self::plane().kubectl(&["get", what, "--namespace", &self.namespace], "").is_ok()
    }
}

/// The chart as it was when the definition had no column for nodes.
fn older(folder: &Path) -> String {
    let copied = Command::new("cp").args(["-R", CHART]).arg(folder).status();
    assert!(copied.expect("cp starts").success());
    let chart = folder.join("synapse-spark-operator");
    let file = chart.join("files/crd.yaml");
    let now = std::fs::read_to_string(&file).expect("it is there");
    let column = "    - jsonPath: .status.pool.nodeCount\n      name: Nodes\n      priority: 1\n      type: integer\n";
    assert!(now.contains(column), "the definition has another form now");
    std::fs::write(&file, now.replace(column, "")).expect("a file");
    chart.to_str().expect("a path of text").to_owned()
}

#[test]
fn a_release_keeps_the_definition_and_the_attachments() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let plane = Release::plane();
    let folder = tempfile::tempdir().expect("a folder");
    let older = older(folder.path());
    for version in HELMS {
        let release = Release { helm: version, namespace: format!("release-{version}") };
        let notes = release.helm(&["install", "synapse-spark-operator", &older, "--create-namespace"], "");
        assert!(!Release::columns().contains("Nodes"), "{version}: the older definition");
        for what in ["deployment/synapse-spark-operator", "pdb/synapse-spark-operator", "clusterrole/synapse-spark-operator"] {
            assert!(release.is_there(what), "{version}: no {what}");
        }

        // What the notes say next, word by word.
        assert!(notes.contains("WARNING: it has no identity"), "{version}: {notes}");
        plane.must(&["wait", "--for=condition=Established", DEFINITION, "--timeout=30s"]);
        let (_, manifest) = notes.split_once("<<'END'\n").expect("the notes have a manifest");
        let (manifest, _) = manifest.split_once("\n  END").expect("it ends");
        // What is established may not be served for a moment yet.
        let apply = ["apply", "--namespace", &release.namespace, "-f", "-"];
        poll(DEADLINE, || plane.kubectl(&apply, manifest).ok()).expect("the manifest of the notes is good");
        let attachment = "ssa/my-spark-pool";

        let upgrade = ["upgrade", "synapse-spark-operator", CHART, "--values", "-"];
        let notes = release.helm(&upgrade, "{replicaCount: 3, azure: {clientId: 22222222-3333-4444-5555-666666666666}}");
        assert!(!notes.contains("WARNING"), "{version}: {notes}");
        assert!(Release::columns().contains("Nodes"), "{version}: an upgrade upgrades the definition");
        assert!(release.is_there(attachment), "{version}: an upgrade keeps what is attached");
        let replicas =
            ["get", "deployment/synapse-spark-operator", "--namespace", &release.namespace, "-o", "jsonpath={.spec.replicas}"];
        assert_eq!(plane.must(&replicas), "3");

        release.helm(&["uninstall", "synapse-spark-operator"], "");
        for what in
            ["deployment/synapse-spark-operator", "clusterrole/synapse-spark-operator", "serviceaccount/synapse-spark-operator"]
        {
            assert!(!release.is_there(what), "{version}: {what} is left");
        }
        assert!(release.is_there(attachment), "{version}: an uninstall keeps what is attached");

        // Again, over the definition that stayed; and at last with all that is in the cluster.
        release.helm(&["install", "synapse-spark-operator", CHART], "");
        release.helm(&["upgrade", "synapse-spark-operator", CHART, "--set", "crds.keep=false"], "");
        release.helm(&["uninstall", "synapse-spark-operator"], "");
        plane.must(&["wait", "--for=delete", DEFINITION, "--timeout=30s"]);
        says_that_it_is_missing(plane);
    }
}

/// The program's own look at a cluster without the definition.
fn says_that_it_is_missing(plane: &Plane) {
    let done = Command::new(env!("CARGO_BIN_EXE_synapse-spark-operator"))
        .args(["check", "--credential=workload-identity"])
        .env_clear()
        .env("KUBECONFIG", plane.kubeconfig())
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(1), "{said}");
    for line in ["failed   definition: synapsesparkattachments.synapse-spark.dev is not installed", "failed   Entra: --tenant-id"]
    {
        assert!(said.contains(line), "{line:?} is not in\n{said}");
    }
}

/// From `kubectl apply -f deploy/install.yaml` to a release.
#[test]
fn helm_takes_over_what_kubectl_applied() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let plane = Release::plane();
    let install = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/install.yaml");
    let upgrade = ["upgrade", "--install", "synapse-spark-operator", CHART, "--namespace", "synapse-spark-system"];
    for (version, take) in HELMS.into_iter().zip([&["--take-ownership"][..], &["--take-ownership", "--force-conflicts"]]) {
        plane.must(&["apply", "-f", install]);
        let complaint = helm(version, plane, &upgrade, "").expect_err("it is not Helm's");
        assert!(complaint.contains("invalid ownership metadata"), "{version}: {complaint}");
        let release = Release { helm: version, namespace: "synapse-spark-system".to_owned() };
        release.helm(&[&upgrade[..4], &["--set", "log=debug"], take].concat(), "");
        release.helm(&["uninstall", "synapse-spark-operator"], "");
    }
    plane.must(&["delete", "-f", install, "--ignore-not-found"]);
}

/// What the operator's account may do after an install for some namespaces.
#[test]
fn rights_in_some_namespaces_are_rights_nowhere_else() {
    let plane = Release::plane();
    for namespace in ["watched", "other"] {
        plane.must(&["create", "namespace", namespace]);
    }
    let release = Release { helm: "helm4", namespace: "narrow".to_owned() };
    // No definition: another test has it. Nor do rights need one, but `kubectl auth can-i` does.
    let values = "{fullnameOverride: narrow, watchNamespaces: [watched], crds: {enabled: false}}";
    release.helm(&["install", "narrow", CHART, "--create-namespace", "--values", "-"], values);
    let may = |verb: &str, what: &str, namespace: &str| {
        let (kind, name) = what.split_once('/').unwrap_or((what, ""));
        let (resource, group) = kind.split_once('.').unwrap_or((kind, ""));
        let asked = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": "system:serviceaccount:narrow:narrow",
                "resourceAttributes": {"namespace": namespace, "verb": verb, "group": group, "resource": resource, "name": name},
            },
        });
        let answer = plane.kubectl(&["create", "-o", "jsonpath={.status.allowed}", "-f", "-"], &asked.to_string());
        answer.expect("it is answered") == "true"
    };
    let attachments = "synapsesparkattachments.synapse-spark.dev";
    for (verb, what) in [
        ("list", attachments),
        ("watch", attachments),
        ("patch", attachments),
        ("create", "events.events.k8s.io"),
        ("create", "leases.coordination.k8s.io"),
        ("update", "leases.coordination.k8s.io/synapse-spark-operator"),
    ] {
        // The API server hears of new rights a moment later.
        assert!(poll(DEADLINE, || may(verb, what, "watched").then_some(())).is_some(), "it may not {verb} {what}");
        for elsewhere in ["other", "narrow", "kube-system"] {
            assert!(!may(verb, what, elsewhere), "it may {verb} {what} in {elsewhere}");
        }
    }
    assert!(may("get", "namespaces/kube-system", "kube-system"));
    // It waits for an operator of the whole cluster, and so reads its Lease; it takes nothing from it.
    let lease = "leases.coordination.k8s.io/synapse-spark-operator";
    assert!(poll(DEADLINE, || may("get", lease, "kube-system").then_some(())).is_some(), "it may not see the cluster's Lease");
    assert!(!may("get", "leases.coordination.k8s.io/another", "kube-system"));
    assert!(!may("get", lease, "other"));
    for (verb, what) in [
        ("get", "secrets"),
        ("list", "secrets"),
        ("get", "namespaces/watched"),
        ("delete", attachments),
        ("update", "leases.coordination.k8s.io/another"),
        ("delete", "leases.coordination.k8s.io/synapse-spark-operator"),
    ] {
        assert!(!may(verb, what, "watched"), "it may {verb} {what}");
    }

    // Another team's, of the same name: neither stands in the other's way, to the end.
    let another = Release { helm: "helm3", namespace: "narrow-too".to_owned() };
    let values = values.replace("[watched]", "[other]");
    another.helm(&["install", "narrow", CHART, "--create-namespace", "--values", "-"], &values);
    release.helm(&["uninstall", "narrow"], "");
    for what in ["clusterrole/narrow-narrow-too", "clusterrolebinding/narrow-narrow-too", "clusterrole/narrow-narrow-too-view"] {
        assert!(another.is_there(what), "{what} went with the other release");
    }
    assert!(!release.is_there("clusterrole/narrow-narrow"));
    another.helm(&["uninstall", "narrow"], "");
}
