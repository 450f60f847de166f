//! `check`, which `helm test` runs: it says what is missing, as the ServiceAccount that will miss it.

use std::collections::BTreeSet;

use crate::support::{CHART, DEADLINE, World, helm, poll};

/// Lets Entra trust the account of the test's own release, as an application of the test's own.
fn trusted(world: &World) -> String {
    format!("--client-id={}", world.trusting(&world.namespace, "checked"))
}

/// The test's own release, with these values.
fn install(world: &World, values: &str) {
    let release = ["install", "checked", CHART, "--namespace", &world.namespace, "--values", "-"];
    let values = format!("{{fullnameOverride: checked, crds: {{enabled: false}}, {values}}}");
    helm("helm4", world.plane(), &release, &values).expect("it is installed");
}

/// A release has objects outside of the test's namespace.
struct Gone<'a>(&'a World);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        let _ = helm("helm4", self.0.plane(), &["uninstall", "checked", "--namespace", &self.0.namespace], "");
    }
}

/// Asks until it ends with this code: the API server hears of rights that came or went a moment later.
fn asked(world: &World, args: &[&str], code: i32) -> String {
    let all = [&["check"], args].concat();
    let mut last = String::new();
    let said = poll(DEADLINE, || {
        let (ended, said) = world.program("checked", &all);
        last.clone_from(&said);
        (ended == Some(code)).then_some(said)
    });
    said.unwrap_or_else(|| panic!("check {args:?} does not end with {code}:\n{last}"))
}

#[test]
fn the_charts_rights_are_all_that_it_needs_and_what_is_missing_is_named() {
    let world = World::new("check");
    let client = trusted(&world);
    install(&world, "replicaCount: 2");
    let _gone = Gone(&world);
    let said = asked(&world, &[&client], 0);
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 5, "{said}");

    // An identity that is not there.
    let said = asked(&world, &["--client-id=44444444-3333-4444-5555-666666666666"], 1);
    for word in ["failed   Entra", "AADSTS700016", "1 of 5 checks failed"] {
        assert!(said.contains(word), "{word:?} is not in\n{said}");
    }

    // An ARM that nobody can reach, told to a program.
    let said = asked(&world, &[&client, "--arm-endpoint=https://127.0.0.1:1", "--output=json"], 1);
    let told: serde_json::Value = serde_json::from_str(&said[..=said.rfind('}').expect("JSON")]).expect("JSON");
    let bad: Vec<_> = told["checks"].as_array().expect("checks").iter().filter(|one| one["ok"] == false).collect();
    assert_eq!(bad.iter().map(|one| &one["of"]).collect::<Vec<_>>(), ["Azure Resource Manager"], "{said}");

    // A right that somebody took away.
    world.kubectl(&["delete", "rolebinding", "checked", "--namespace", "kube-system"]);
    let said = asked(&world, &[&client], 1);
    for word in
        ["failed   rights", "create leases.coordination.k8s.io", "update leases.coordination.k8s.io in namespace kube-system"]
    {
        assert!(said.contains(word), "{word:?} is not in\n{said}");
    }
    assert!(!said.contains("synapsesparkattachments.synapse-spark.dev in"), "{said}");
    // It needs no Lease then.
    asked(&world, &[&client, "--leader-election=false"], 0);
}

#[test]
fn rights_in_some_namespaces_are_enough_for_these() {
    let world = World::new("check-some");
    let client = trusted(&world);
    install(&world, &format!("watchNamespaces: [{}], namespaceIdentity: {{enabled: true}}", world.namespace));
    let _gone = Gone(&world);
    let named = format!("--watch-namespaces={}", world.namespace);
    let said = asked(&world, &[&client, &named], 0);
    assert!(!said.contains("ServiceAccounts"), "{said}");
    let said = asked(&world, &[&named, "--require-service-account"], 0);
    assert!(said.contains("ok       ServiceAccounts: the operator may create tokens for all of them"), "{said}");
    world.kubectl(&["delete", "rolebinding", "checked-accounts"]);
    world.until("it hears of it", || {
        let (code, said) = world.program("checked", &["check", &named, "--require-service-account"]);
        let is_told = said.contains("ok       ServiceAccounts: the operator may not get serviceaccounts in namespace");
        (code == Some(0) && is_told && said.contains("individual names")).then_some(())
    });
    let said = asked(&world, &[&client], 1);
    for word in [
        "list synapsesparkattachments.synapse-spark.dev in all namespaces",
        "patch synapsesparkattachments.synapse-spark.dev/status",
    ] {
        assert!(said.contains(word), "{word:?} is not in\n{said}");
    }
}

#[test]
fn it_asks_for_just_the_rights_that_the_chart_grants() {
    let world = World::new("check-just");
    let client = trusted(&world);
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
    let said = asked(&world, &[&client], 1);
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
