//! `check`: what is wrong with an operator that is installed; and `check --pre`, which `helm test` runs: what is missing, as the
//! ServiceAccount that needs it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::plugin::{Said, kubectl, said};
use crate::support::{CHART, DEADLINE, NAMESPACE, World, helm, poll};

/// The test's own release, named like its namespace, since it has objects outside of that.
struct Release {
    world: World,
    /// An application in Entra that trusts its account.
    client: String,
}

impl Release {
    fn install(test: &str, values: impl Fn(&World) -> String) -> Self {
        let world = World::new(test);
        let name = &world.namespace;
        let client = format!("--client-id={}", world.trusting(name, name));
        let values = format!("{{fullnameOverride: {name}, crds: {{enabled: false}}, {}}}", values(&world));
        let install = ["install", name, CHART, "--namespace", name, "--values", "-"];
        helm("helm4", world.plane(), &install, &values).expect("it is installed");
        Self { world, client }
    }

    /// One for all namespaces.
    fn wide(test: &str) -> Self {
        Self::install(test, |_| "replicaCount: 2".to_owned())
    }

    /// One for the test's namespace, whose objects may name `ServiceAccounts`.
    fn narrow(test: &str) -> Self {
        Self::install(test, |world| format!("watchNamespaces: [{}], namespaceIdentity: {{enabled: true}}", world.namespace))
    }

    /// The option for the test's namespace.
    fn watched(&self) -> String {
        format!("--watch-namespaces={}", self.world.namespace)
    }

    fn check(&self, args: &[&str], code: i32) -> String {
        check(&self.world, &self.world.namespace, args, code)
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let name = &self.world.namespace;
        let _ = helm("helm4", self.world.plane(), &["uninstall", name, "--namespace", name], "");
    }
}

/// Runs it until it ends with this code: the authorizer applies new permissions a moment later.
fn check(world: &World, account: &str, args: &[&str], code: i32) -> String {
    let all = [&["check", "--pre"], args].concat();
    let mut last = String::new();
    let said = poll(DEADLINE, || {
        let (ended, said) = world.program(account, &all);
        last.clone_from(&said);
        (ended == Some(code)).then_some(said)
    });
    said.unwrap_or_else(|| panic!("check {args:?} does not end with {code}:\n{last}"))
}

fn has(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{word:?} is not in\n{said}");
    }
}

#[test]
fn check_passes_with_the_permissions_of_the_chart() {
    let release = Release::wide("check");
    let said = release.check(&[&release.client], 0);
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 5, "{said}");
}

#[test]
fn check_names_an_identity_that_does_not_exist() {
    let release = Release::wide("check-entra");
    let said = release.check(&["--client-id=44444444-3333-4444-5555-666666666666"], 1);
    has(&said, &["FAIL     Entra", "AADSTS700016", "1 of 5 checks failed"]);
}

#[test]
fn check_as_json_names_an_unreachable_resource_manager() {
    let release = Release::wide("check-arm");
    // Entra issues tokens for this endpoint, as it does for Azure's.
    let known = json!({"knownResources": ["https://127.0.0.1:1"]});
    release.world.azure().control("PATCH", "settings", Some(&known)).expect("there are settings");
    let said = release.check(&[&release.client, "--arm-endpoint=https://127.0.0.1:1", "--output=json"], 1);
    let told: Value = serde_json::from_str(&said[..=said.rfind('}').expect("JSON")]).expect("JSON");
    let failed: Vec<_> = told["checks"].as_array().expect("checks").iter().filter(|one| one["result"] == "fail").collect();
    assert_eq!(failed.iter().map(|one| &one["check"]).collect::<Vec<_>>(), ["Azure Resource Manager"], "{said}");
}

/// A release whose permission on the Lease was deleted.
fn without_lease(test: &str) -> Release {
    let release = Release::wide(test);
    let world = &release.world;
    world.plane().must(&["delete", "rolebinding", &world.namespace, "--namespace", &world.namespace]);
    release
}

#[test]
fn check_names_missing_permissions_and_no_others() {
    let release = without_lease("check-lease");
    let said = release.check(&[&release.client], 1);
    has(
        &said,
        &[
            "FAIL     permissions",
            "create leases.coordination.k8s.io",
            &format!("update leases.coordination.k8s.io in namespace {}", release.world.namespace),
        ],
    );
    assert!(!said.contains("synapsesparkattachments.synapse-spark.dev in"), "{said}");
}

#[test]
fn check_needs_no_lease_without_leader_election() {
    let release = without_lease("check-alone");
    release.check(&[&release.client, "--leader-election=false"], 0);
}

#[test]
fn check_passes_for_the_watched_namespaces() {
    let release = Release::narrow("check-some");
    let said = release.check(&[&release.client, &release.watched()], 0);
    assert!(!said.contains("ServiceAccounts"), "{said}");
}

#[test]
fn check_names_permissions_that_are_missing_outside_of_the_watched_namespaces() {
    let release = Release::narrow("check-all");
    let said = release.check(&[&release.client], 1);
    has(
        &said,
        &[
            "list synapsesparkattachments.synapse-spark.dev in all namespaces",
            "patch synapsesparkattachments.synapse-spark.dev/status",
        ],
    );
}

#[test]
fn check_passes_for_service_accounts_of_namespaces() {
    let release = Release::narrow("check-accounts");
    let said = release.check(&[&release.watched(), "--require-service-account"], 0);
    has(&said, &["ok       ServiceAccounts: the operator may create tokens for all of them"]);
}

#[test]
fn check_mentions_that_token_permission_may_be_granted_for_individual_accounts() {
    let release = Release::narrow("check-names");
    let world = &release.world;
    world.kubectl(&["delete", "rolebinding", &format!("{}-accounts", world.namespace)]);
    world.until("the right is gone", || {
        let (code, said) = world.program(&world.namespace, &["check", "--pre", &release.watched(), "--require-service-account"]);
        let is_named =
            said.contains("ok       ServiceAccounts: the operator is not allowed to: get serviceaccounts in namespace");
        (code == Some(0) && is_named && said.contains("individual names")).then_some(())
    });
}

#[test]
fn check_tests_the_permissions_that_the_chart_grants_and_no_others() {
    let world = World::new("check-just");
    let client = format!("--client-id={}", world.trusting(&world.namespace, "checked"));
    let namespace = &world.namespace;
    world.account(namespace, "checked", None, None);
    // It may see which cluster this is, and nothing else.
    world.plane().must(&[
        "create",
        "clusterrole",
        namespace,
        "--verb=get",
        "--resource=namespaces",
        "--resource-name=kube-system",
    ]);
    let account = format!("--serviceaccount={namespace}:checked");
    world.plane().must(&["create", "clusterrolebinding", namespace, &format!("--clusterrole={namespace}"), &account]);
    let said = check(&world, "checked", &[&client, &format!("--leader-election-namespace={NAMESPACE}")], 1);
    world.plane().must(&["delete", "clusterrole,clusterrolebinding", namespace]);
    let (_, refused) =
        said.split_once("the operator is not allowed to: ").unwrap_or_else(|| panic!("it names no rights:\n{said}"));
    let refused: BTreeSet<_> = refused.lines().next().unwrap_or_default().split(", ").map(ToOwned::to_owned).collect();

    // The page's table is what the chart grants: `tests/rights.rs`.
    let page = include_str!("../../docs/security.md");
    let section = page.split("\n## ").find(|text| text.starts_with("In Kubernetes")).expect("the section");
    let granted = section.lines().filter_map(|line| {
        let (right, _) = line.strip_prefix("| `")?.split_once("` |")?;
        let (what, whose) = right.split_once(" of ")?;
        let (whose, place) = whose.split_once(" in ").unwrap_or((whose, ""));
        let place = if place.is_empty() { "all namespaces".to_owned() } else { format!("namespace {place}") };
        let (what, part) = what.split_once('/').map_or((what, String::new()), |(what, part)| (what, format!("/{part}")));
        let (group, name) = whose.split_once(" named ").unwrap_or((whose, ""));
        let group = if group == "the core group" { String::new() } else { format!(".{group}") };
        (name != "kube-system").then(|| format!("{what}{group}{part} in {place}"))
    });
    assert_eq!(refused, granted.collect());
}

/// An operator whose Deployment has no pods, since there is no node: the test writes what pods would have.
struct Installed(Release);

impl Installed {
    fn name(&self) -> &str {
        &self.0.world.namespace
    }

    fn must(&self, args: &[&str]) {
        self.0.world.plane().must(&[&["--namespace", self.name()], args].concat());
    }

    /// So many replicas are ready.
    fn ready(&self, replicas: u8) {
        let status = json!({"status": {"replicas": 2, "readyReplicas": replicas}}).to_string();
        self.must(&["patch", "deployment", self.name(), "--subresource=status", "--type=merge", "--patch", &status]);
    }

    /// A Lease that was renewed so long ago.
    fn lease(&self, seconds: i64) {
        let renewed = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "synapse-spark-operator", "namespace": self.name()},
            "spec": {"holderIdentity": "pod-1_a", "leaseDurationSeconds": 15, "renewTime": format!("{renewed:.6}")},
        });
        self.0.world.plane().kubectl(&["apply", "-f", "-"], &lease.to_string()).expect("it is taken");
    }

    fn synapse_as(&self, kubeconfig: &std::path::Path, command: &[&str]) -> Said {
        let all = [&["synapse"], command, &["--operator-namespace", self.name()]].concat();
        said(&kubectl(&self.0.world, kubeconfig, &all, &[]))
    }

    fn synapse(&self, command: &[&str]) -> Said {
        self.synapse_as(&self.0.world.plane().kubeconfig, command)
    }

    fn check(&self, code: i32, words: &[&str]) {
        let (ended, out, complaint) = self.synapse(&["check"]);
        assert_eq!(ended, Some(code), "{out}{complaint}");
        has(&format!("{out}{complaint}"), words);
    }
}

#[test]
fn check_of_an_operator_names_what_is_wrong_with_it() {
    let installed = Installed(Release::install("check-run", |_| "replicaCount: 2, nameOverride: sso".to_owned()));
    let (world, name) = (&installed.0.world, installed.name().to_owned());
    let version = env!("CARGO_PKG_VERSION");
    installed.check(
        1,
        &[
            "FAIL     operator: ",
            "0 of 2 replicas are ready",
            "FAIL     leader: ",
            "no replica has ever led",
            "2 of 5 checks failed",
        ],
    );
    installed.ready(2);
    installed.lease(0);
    installed.check(
        0,
        &[
            "ok       Kubernetes: v",
            "ok       definition: synapsesparkattachments.synapse-spark.dev is installed and has every field of this version",
            &format!("ok       operator: {name}/{name}: version {version}, 2 of 2 replicas are ready"),
            "ok       leader: pod-1_a holds the Lease",
            &format!("ok       permissions: ServiceAccount {name}/{name} has all permissions that the operator needs"),
        ],
    );
    let (code, out, _) = installed.synapse(&["version", "-o", "json"]);
    let versions: Value = serde_json::from_str(&out).expect("JSON");
    let servers = json!([{"namespace": name, "name": name, "version": version}]);
    assert_eq!((code, versions), (Some(0), json!({"client": {"version": version}, "servers": servers})));

    installed.lease(60);
    installed.check(1, &["FAIL     leader: ", "it has expired", "1 of 5 checks failed"]);
    installed.lease(0);
    installed.ready(1);
    installed.check(0, &["warning  operator: ", "1 of 2 replicas are ready"]);
    installed.must(&["set", "image", &format!("deployment/{name}"), "operator=example.com/synapse-spark-operator:9.9.9"]);
    installed.check(0, &["warning  operator: ", "version 9.9.9", &format!("this program has version {version}")]);
    assert_eq!(installed.synapse(&["version"]).1, format!("client: {version}\nserver: 9.9.9 ({name}/{name})\n"));

    // Run by a user who may not check the permissions of others.
    installed.must(&["create", "role", "viewer", "--verb=get,list", "--resource=deployments.apps,leases.coordination.k8s.io"]);
    installed.must(&["create", "serviceaccount", "viewer"]);
    installed.must(&["create", "rolebinding", "viewer", "--role=viewer", &format!("--serviceaccount={name}:viewer")]);
    let kubeconfig = world.plane().folder.join(format!("{name}.viewer"));
    world.plane().kubeconfig_of(&name, "viewer", &kubeconfig);
    world.until("the rights are in force", || (installed.synapse_as(&kubeconfig, &["version"]).0 == Some(0)).then_some(()));
    let (code, out, complaint) = installed.synapse_as(&kubeconfig, &["check"]);
    assert_eq!(code, Some(2), "{out}{complaint}");
    has(
        &out,
        &[
            "ok       leader: ",
            "unknown  permissions: cannot be read: ",
            "the verb create on subjectaccessreviews.authorization.k8s.io",
        ],
    );

    // The permissions of the operator, not those of the administrator who runs the command.
    installed.must(&["delete", "rolebinding", &name]);
    world.until("the right is gone", || {
        let (code, out, _) = installed.synapse(&["check"]);
        let is_named =
            out.contains(&format!("FAIL     permissions: ServiceAccount {name}/{name} is not allowed to: create leases"));
        (code == Some(1) && is_named).then_some(())
    });
}
