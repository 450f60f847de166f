//! `check`, which `helm test` runs: it names what is missing, as the ServiceAccount that needs it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

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

/// Runs it until it ends with this code: the authorizer knows new rights a moment later.
fn check(world: &World, account: &str, args: &[&str], code: i32) -> String {
    let all = [&["check"], args].concat();
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
fn check_passes_with_the_rights_of_the_chart() {
    let release = Release::wide("check");
    let said = release.check(&[&release.client], 0);
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 5, "{said}");
}

#[test]
fn check_names_an_identity_that_does_not_exist() {
    let release = Release::wide("check-entra");
    let said = release.check(&["--client-id=44444444-3333-4444-5555-666666666666"], 1);
    has(&said, &["failed   Entra", "AADSTS700016", "1 of 5 checks failed"]);
}

#[test]
fn check_as_json_names_an_unreachable_resource_manager() {
    let release = Release::wide("check-arm");
    // Entra knows the endpoint, as it knows Azure's.
    let known = json!({"knownResources": ["https://127.0.0.1:1"]});
    release.world.azure().control("PATCH", "settings", Some(&known)).expect("there are settings");
    let said = release.check(&[&release.client, "--arm-endpoint=https://127.0.0.1:1", "--output=json"], 1);
    let told: Value = serde_json::from_str(&said[..=said.rfind('}').expect("JSON")]).expect("JSON");
    let failed: Vec<_> = told["checks"].as_array().expect("checks").iter().filter(|one| one["ok"] == false).collect();
    assert_eq!(failed.iter().map(|one| &one["of"]).collect::<Vec<_>>(), ["Azure Resource Manager"], "{said}");
}

/// A release whose right to the Lease somebody deleted.
fn without_lease(test: &str) -> Release {
    let release = Release::wide(test);
    let world = &release.world;
    world.plane().must(&["delete", "rolebinding", &world.namespace, "--namespace", &world.namespace]);
    release
}

#[test]
fn check_names_missing_rights_and_no_others() {
    let release = without_lease("check-lease");
    let said = release.check(&[&release.client], 1);
    has(
        &said,
        &[
            "failed   permissions",
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
fn check_names_rights_that_are_missing_outside_of_the_watched_namespaces() {
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
fn check_says_that_tokens_may_be_granted_for_individual_accounts() {
    let release = Release::narrow("check-names");
    let world = &release.world;
    world.kubectl(&["delete", "rolebinding", &format!("{}-accounts", world.namespace)]);
    world.until("the right is gone", || {
        let (code, said) = world.program(&world.namespace, &["check", &release.watched(), "--require-service-account"]);
        let is_named = said.contains("ok       ServiceAccounts: the operator may not get serviceaccounts in namespace");
        (code == Some(0) && is_named && said.contains("individual names")).then_some(())
    });
}

#[test]
fn check_asks_for_the_rights_that_the_chart_grants_and_no_others() {
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
    let (_, refused) = said.split_once("the operator may not ").unwrap_or_else(|| panic!("it names no rights:\n{said}"));
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
        let group = whose.split(" named ").next()?;
        (group != "the core group").then(|| format!("{what}.{group}{part} in {place}"))
    });
    assert_eq!(refused, granted.collect());
}
