//! `helm install`, `upgrade` and `uninstall` on a real API server. No pod runs here: the tests are about the objects.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::support::{CHART, DEADLINE, HELMS, Plane, helm, poll};

/// There is one definition in a cluster: tests that install it take turns.
static TURN: Mutex<()> = Mutex::new(());
const DEFINITION: &str = "crd/synapsesparkattachments.synapse-spark.dev";
const ATTACHMENT: &str = "ssa/my-spark-pool";
const NAME: &str = "synapse-spark-operator";

/// Lets a test install the definition on the control plane that has none.
pub fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A namespace with a release of the chart, until the end of the test.
struct Release {
    helm: &'static str,
    namespace: String,
    _turn: MutexGuard<'static, ()>,
}

impl Release {
    /// A namespace without a release yet.
    fn new(helm: &'static str, test: &str) -> Self {
        let turn = turn();
        Self { helm, namespace: format!("{test}-{helm}"), _turn: turn }
    }

    /// A release of the chart as it was when the definition had no column for nodes, and the notes of its install.
    fn older(helm: &'static str, test: &str) -> (Self, String) {
        let release = Self::new(helm, test);
        let folder = tempfile::tempdir().expect("a folder");
        let copied = Command::new("cp").args(["-R", CHART]).arg(folder.path()).status();
        assert!(copied.expect("cp starts").success());
        let chart = folder.path().join(NAME);
        let file = chart.join("files/crd.yaml");
        let now = std::fs::read_to_string(&file).expect("it is there");
        let column = "    - jsonPath: .status.pool.nodeCount\n      name: Nodes\n      priority: 1\n      type: integer\n";
        assert!(now.contains(column), "the definition has another form now");
        std::fs::write(&file, now.replace(column, "")).expect("a file");
        let notes = release.helm(&["install", NAME, chart.to_str().expect("a path of text"), "--create-namespace"], "");
        (release, notes)
    }

    fn plane() -> &'static Plane {
        Plane::bare()
    }

    fn helm(&self, words: &[&str], values: &str) -> String {
        let all = [words, &["--namespace", &self.namespace]].concat();
        helm(self.helm, Self::plane(), &all, values).unwrap_or_else(|complaint| panic!("{} {words:?}: {complaint}", self.helm))
    }

    /// Applies the manifest in the notes of an install.
    fn attach(&self, notes: &str) {
        let plane = Self::plane();
        plane.must(&["wait", "--for=condition=Established", DEFINITION, "--timeout=30s"]);
        let (_, manifest) = notes.split_once("<<'END'\n").expect("the notes have a manifest");
        let (manifest, _) = manifest.split_once("\n  END").expect("it ends");
        // A definition that is established may not be served for a moment.
        let apply = ["apply", "--namespace", &self.namespace, "-f", "-"];
        poll(DEADLINE, || plane.kubectl(&apply, manifest).ok()).expect("the manifest of the notes is accepted");
    }

    fn exists(&self, what: &str) -> bool {
        Self::plane().kubectl(&["get", what, "--namespace", &self.namespace], "").is_ok()
    }

    /// Whether the definition has the column for nodes.
    fn has_nodes() -> bool {
        let columns = ["get", DEFINITION, "-o", "jsonpath={.spec.versions[0].additionalPrinterColumns[*].name}"];
        Self::plane().must(&columns).contains("Nodes")
    }
}

/// Lets the definition be deleted, if it is there.
fn allow_delete() {
    let _ = Release::plane().kubectl(&["annotate", DEFINITION, "--overwrite", "synapse-spark.dev/allow-delete=true"], "");
}

impl Drop for Release {
    fn drop(&mut self) {
        allow_delete();
        let _ = helm(self.helm, Self::plane(), &["uninstall", NAME, "--namespace", &self.namespace, "--ignore-not-found"], "");
        let _ = Self::plane().kubectl(&["delete", DEFINITION, "--ignore-not-found", "--timeout=30s"], "");
    }
}

#[test]
fn install_creates_the_crd_the_operator_and_its_permissions() {
    for version in HELMS {
        let (release, _) = Release::older(version, "install");
        assert!(!Release::has_nodes(), "{version}: the older definition");
        for what in ["deployment/synapse-spark-operator", "pdb/synapse-spark-operator", "clusterrole/synapse-spark-operator"] {
            assert!(release.exists(what), "{version}: no {what}");
        }
    }
}

#[test]
fn notes_warn_of_a_missing_identity_and_have_a_manifest_that_is_accepted() {
    for version in HELMS {
        let (release, notes) = Release::older(version, "notes");
        assert!(notes.contains("WARNING: the operator has no identity"), "{version}: {notes}");
        release.attach(&notes);
        assert!(release.exists(ATTACHMENT), "{version}");
    }
}

#[test]
fn upgrade_upgrades_the_definition_and_keeps_attachments() {
    for version in HELMS {
        let (release, notes) = Release::older(version, "upgrade");
        release.attach(&notes);
        let values = "{replicaCount: 3, azure: {clientId: 22222222-3333-4444-5555-666666666666}}";
        let notes = release.helm(&["upgrade", NAME, CHART, "--values", "-"], values);
        assert!(!notes.contains("WARNING"), "{version}: {notes}");
        assert!(Release::has_nodes(), "{version}: the newer definition");
        assert!(release.exists(ATTACHMENT), "{version}");
        let replicas =
            ["get", "deployment/synapse-spark-operator", "--namespace", &release.namespace, "-o", "jsonpath={.spec.replicas}"];
        assert_eq!(Release::plane().must(&replicas), "3", "{version}");
    }
}

#[test]
fn uninstall_keeps_the_definition_and_attachments() {
    for version in HELMS {
        let (release, notes) = Release::older(version, "uninstall");
        release.attach(&notes);
        release.helm(&["uninstall", NAME], "");
        for what in
            ["deployment/synapse-spark-operator", "clusterrole/synapse-spark-operator", "serviceaccount/synapse-spark-operator"]
        {
            assert!(!release.exists(what), "{version}: {what} is left");
        }
        assert!(release.exists(ATTACHMENT), "{version}");
    }
}

#[test]
fn install_takes_over_the_definition_that_an_uninstall_left() {
    for version in HELMS {
        let (release, _) = Release::older(version, "again");
        release.helm(&["uninstall", NAME], "");
        release.helm(&["install", NAME, CHART], "");
        assert!(Release::has_nodes(), "{version}: the newer definition");
    }
}

#[test]
fn uninstall_removes_the_definition_where_it_is_not_to_be_kept() {
    for version in HELMS {
        let release = Release::new(version, "all");
        release.helm(&["install", NAME, CHART, "--create-namespace"], "");
        release.helm(&["upgrade", NAME, CHART, "--set", "crds.keep=false"], "");
        allow_delete();
        release.helm(&["uninstall", NAME], "");
        Release::plane().must(&["wait", "--for=delete", DEFINITION, "--timeout=30s"]);
    }
}

#[test]
fn uninstall_keeps_the_definition_without_the_annotation_that_allows_its_deletion() {
    for version in HELMS {
        let release = Release::new(version, "guard");
        release.helm(&["install", NAME, CHART, "--create-namespace", "--set", "crds.keep=false"], "");
        refused();
        let words = ["uninstall", NAME, "--namespace", &release.namespace];
        // Only the newer Helm prints the reason.
        let complaint = helm(version, Release::plane(), &words, "").expect_err("the policy refuses it");
        assert!(release.exists(DEFINITION), "{version}: {complaint}");
        allow_delete();
        release.helm(&["uninstall", NAME], "");
        Release::plane().must(&["wait", "--for=delete", DEFINITION, "--timeout=30s"]);
    }
}

#[test]
fn policy_of_a_second_release_protects_the_definition_when_the_first_is_gone() {
    let version = HELMS[0];
    let release = Release::new(version, "first");
    let second = format!("second-{version}");
    let other = ["--namespace", &second, "--set", "crds.enabled=false,fullnameOverride=second"];
    release.helm(&["install", NAME, CHART, "--create-namespace"], "");
    let install = [&["install", "second", CHART, "--create-namespace"][..], &other].concat();
    helm(version, Release::plane(), &install, "").expect("it is installed next to the first");
    release.helm(&["uninstall", NAME], "");
    refused();
    helm(version, Release::plane(), &["uninstall", "second", "--namespace", &second], "").expect("it is there");
}

/// Waits until the policy refuses to delete the definition: the API server applies a new policy a moment later.
fn refused() {
    let refusal = poll(DEADLINE, || Release::plane().kubectl(&["delete", DEFINITION, "--dry-run=server"], "").err());
    let refusal = refusal.expect("the policy is in force");
    assert!(refusal.contains("synapse-spark.dev/allow-delete=true"), "{refusal}");
}

#[test]
fn check_names_a_missing_definition() {
    let _turn = turn();
    let done = Command::new(env!("CARGO_BIN_EXE_synapse-spark-operator"))
        .args(["check", "--pre", "--credential=workload-identity"])
        .env_clear()
        .env("KUBECONFIG", Release::plane().kubeconfig())
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(1), "{said}");
    for line in ["FAIL     definition: synapsesparkattachments.synapse-spark.dev is not installed", "FAIL     Entra: --tenant-id"]
    {
        assert!(said.contains(line), "{line:?} is not in\n{said}");
    }
}

/// From `kubectl apply -f deploy/install.yaml` to a release.
#[test]
fn helm_takes_over_what_kubectl_applied() {
    let plane = Release::plane();
    let install = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/install.yaml");
    let upgrade = ["upgrade", "--install", NAME, CHART, "--namespace", "synapse-spark-system"];
    for (version, take) in HELMS.into_iter().zip([&["--take-ownership"][..], &["--take-ownership", "--force-conflicts"]]) {
        let release = Release { helm: version, namespace: "synapse-spark-system".to_owned(), _turn: turn() };
        plane.must(&["apply", "-f", install]);
        let complaint = helm(version, plane, &upgrade, "").expect_err("it is not Helm's");
        assert!(complaint.contains("invalid ownership metadata"), "{version}: {complaint}");
        release.helm(&[&upgrade[..4], &["--set", "log=debug"], take].concat(), "");
        release.helm(&["uninstall", NAME], "");
        allow_delete();
        plane.must(&["delete", "-f", install, "--ignore-not-found"]);
    }
}
