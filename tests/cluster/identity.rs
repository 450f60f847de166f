//! A namespace's own identity: tokens that the API server signs, and an Entra that checks issuer, subject and audience.

use std::time::Duration;

use serde_json::json;

use crate::support::{CLIENT, DEADLINE, TENANT, World, poll};

const NAMED: &str = "serviceAccountName: team";

/// A test's own stage, with an operator that may use the accounts of namespaces.
fn stage(name: &str, settings: &[&str]) -> World {
    let world = World::without_operator(name, Duration::ZERO);
    world.use_accounts(settings);
    world
}

/// The account `team` of the test's namespace, and the application that trusts it.
fn team(world: &World) -> String {
    let client = world.trusting(&world.namespace, "team");
    world.account(&world.namespace, "team", Some(&client), None);
    client
}

/// Deletes the objects, because the next operator on this stage may not read their accounts.
fn clear(world: &World) {
    world.kubectl(&["delete", "ssa", "--all", "--timeout=30s"]);
}

/// The client IDs of the requests for a compute, in order.
fn clients(world: &World, compute: &str) -> Vec<String> {
    let id = world.id(compute).to_ascii_lowercase();
    let mut all: Vec<_> =
        world.requests().into_iter().filter(|one| one.path.to_ascii_lowercase() == id).map(|one| one.client).collect();
    all.dedup();
    all
}

#[test]
fn requests_to_azure_use_the_account_that_the_object_names() {
    let world = stage("own", &[]);
    let team = team(&world);
    world.apply("named", "two", &[NAMED]);
    world.apply("plain", "one", &[]);
    for name in ["named", "plain"] {
        world.ready(name);
    }
    // Neither its pool nor its workspace is requested with another identity.
    let pool = world.pool("two");
    let of_pool: Vec<_> = world.requests().into_iter().filter(|one| one.path == pool).map(|one| one.client).collect();
    assert!(!of_pool.is_empty() && of_pool.iter().all(|client| *client == team), "{of_pool:?}");
    let workspace: Vec<_> =
        world.requests().into_iter().filter(|one| one.path == world.workspace()).map(|one| one.client).collect();
    assert_eq!(workspace.iter().filter(|client| **client == team).count(), 1, "{workspace:?}");
    assert_eq!(clients(&world, "plain"), [CLIENT]);
    assert_eq!(clients(&world, "named"), [&*team]);
    clear(&world);
}

#[test]
fn account_of_an_object_can_be_changed() {
    let world = stage("changed", &[]);
    let team = team(&world);
    world.apply("named", "two", &[NAMED]);
    world.ready("named");
    world.patch("named", &json!({"spec": {"serviceAccountName": null, "description": "changed"}}));
    world.until("it is put by the operator", || (world.writes("named").len() == 2).then_some(()));
    assert_eq!(clients(&world, "named"), [&*team, CLIENT]);
    world.ready("named");
    world.patch("named", &json!({"spec": {"serviceAccountName": "team"}}));
    world.until("it is observed as the account", || (clients(&world, "named").len() == 3).then_some(()));
    world.delete("named");
    world.gone("named");
    assert_eq!(world.writes("named"), ["PUT", "PUT", "DELETE"]);
    assert_eq!(clients(&world, "named"), [&*team, CLIENT, &*team]);
}

#[test]
fn account_cannot_be_used_for_an_identity_that_does_not_trust_it() {
    let world = stage("mine", &[]);
    let (mine, theirs) = (world.namespace.clone(), format!("{}-theirs", world.namespace));
    world.plane().must(&["create", "namespace", &theirs]);
    let client = world.trusting(&theirs, "team");
    world.account(&theirs, "team", Some(&client), Some(TENANT));
    let own = world.trusting(&mine, "elsewhere");
    let (no_tenant, other_tenant) = ("99999999-0000-4000-8000-000000000009", "99999999-0000-4000-8000-000000000001");
    world.add(&json!({"subscriptions": [{"id": "00000000-0000-4000-9000-0000000000bb", "tenantId": other_tenant}]}));
    world.account(&mine, "borrowed", Some(&client), Some(TENANT));
    world.account(&mine, "elsewhere", Some(&own), Some(other_tenant));
    world.account(&mine, "nowhere", Some(&own), Some(no_tenant));
    world.account(&mine, "bare", None, None);
    world.account(&mine, "crooked", Some("../../common"), None);

    #[rustfmt::skip]
    let refused = [
        // object      account      message
        ("absent",     "team",      format!("ServiceAccount team of namespace {mine} does not exist")),
        ("borrowed",   "borrowed",  "AADSTS700213".to_owned()),
        ("elsewhere",  "elsewhere", "AADSTS700016".to_owned()),
        ("nowhere",    "nowhere",   "AADSTS90002".to_owned()),
        ("bare",       "bare",      "no annotation azure.workload.identity/client-id".to_owned()),
        ("crooked",    "crooked",   "which is not a GUID".to_owned()),
    ];
    for (name, account, _) in &refused {
        world.apply(name, "one", &[&format!("serviceAccountName: {account}")]);
    }
    for (name, _, says) in &refused {
        let message = world.stalled(name, "AuthenticationFailed");
        assert!(message.contains(says), "{name}: {says} is not in {message}");
        assert_eq!(clients(&world, name), [""; 0], "{name}: Azure is not asked");
    }
    let (_, metrics) = world.operator().get("/metrics").expect("it answers");
    assert!(metrics.contains("_azure_token_requests_total{result=\"rejected\"} 0\n"), "not counted as the operator's: {metrics}");
    world.plane().must(&["delete", "namespace", &theirs, "--timeout=60s"]);
    clear(&world);
}

#[test]
fn account_of_another_namespace_is_used_by_objects_of_that_namespace_only() {
    let world = stage("theirs", &[]);
    let (mine, theirs) = (world.namespace.clone(), format!("{}-too", world.namespace));
    world.plane().must(&["create", "namespace", &theirs]);
    let client = world.trusting(&theirs, "team");
    world.account(&theirs, "team", Some(&client), Some(TENANT));
    world.apply("mine", "one", &[NAMED]);
    let message = world.stalled("mine", "AuthenticationFailed");
    assert!(message.contains(&format!("ServiceAccount team of namespace {mine} does not exist")), "{message}");
    assert_eq!(clients(&world, "mine"), [""; 0], "Azure is not asked");
    let there = world.manifest("right", "one", &[NAMED]).replace(&format!("namespace: {mine}"), &format!("namespace: {theirs}"));
    world.plane().kubectl(&["apply", "-f", "-"], &there).expect("it is accepted");
    world.plane().must(&["wait", "ssa/right", "--namespace", &theirs, "--for=condition=Ready", "--timeout=30s"]);
    assert_eq!(clients(&world, "right"), [client]);
    world.plane().must(&["delete", "namespace", &theirs, "--timeout=60s"]);
    clear(&world);
}

#[test]
fn deleted_account_stalls_the_object_until_it_is_recreated() {
    let world = stage("gone", &[]);
    let client = team(&world);
    world.apply("nightly", "one", &[NAMED]);
    world.ready("nightly");
    world.kubectl(&["delete", "serviceaccount", "team"]);
    world.request_reconcile("nightly");
    let message = world.stalled("nightly", "AuthenticationFailed");
    assert!(message.contains("does not exist. Create it again"), "{message}");
    let looks = world.observations("nightly");
    world.account(&world.namespace, "team", Some(&client), Some(TENANT));
    world.request_reconcile("nightly");
    world.ready("nightly");
    assert!(world.observations("nightly") > looks);
    assert_eq!(clients(&world, "nightly"), [client]);
    assert_eq!(world.writes("nightly"), ["PUT"], "nothing is undone meanwhile");
    clear(&world);
}

/// An attachment whose account is gone, as in a namespace that is being deleted, and the application that trusted it.
fn without_its_account(name: &str) -> (World, String) {
    let world = stage(name, &[]);
    let client = team(&world);
    world.apply("nightly", "one", &[NAMED]);
    world.ready("nightly");
    world.kubectl(&["delete", "serviceaccount", "team"]);
    (world, client)
}

/// The same, deleted while an operator runs that never had a token of the account.
fn stuck(name: &str) -> (World, String) {
    let (world, client) = without_its_account(name);
    world.use_accounts(&[]);
    world.delete("nightly");
    let message = world.stalled("nightly", "AuthenticationFailed");
    for words in ["Create it again", "docs/deletion.md"] {
        assert!(message.contains(words), "{words} is not in {message}");
    }
    (world, client)
}

#[test]
fn object_without_its_account_is_detached_while_the_last_token_is_valid() {
    let (world, client) = without_its_account("last");
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "DELETE"]);
    assert_eq!(clients(&world, "nightly"), [client]);
}

#[test]
fn object_without_its_account_and_a_token_can_be_abandoned() {
    let (world, client) = stuck("let-go");
    world.kubectl(&["annotate", "ssa", "nightly", "synapse-spark.dev/on-delete=abandon"]);
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT"]);
    assert_eq!(clients(&world, "nightly"), [client]);
}

#[test]
fn object_without_its_service_account_is_detached_when_the_account_is_recreated() {
    let (world, client) = stuck("late");
    world.account(&world.namespace, "team", Some(&client), None);
    world.request_reconcile("nightly");
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "DELETE"]);
    assert_eq!(clients(&world, "nightly"), [client]);
}

#[test]
fn deleted_namespace_detaches_its_attachments_before_its_service_account_is_removed() {
    let world = stage("whole", &[]);
    let client = team(&world);
    for name in ["one", "two"] {
        world.apply(name, "one", &[NAMED]);
    }
    for name in ["one", "two"] {
        world.ready(name);
    }
    world.plane().must(&["delete", "namespace", &world.namespace, "--timeout=60s"]);
    for name in ["one", "two"] {
        assert_eq!(world.writes(name), ["PUT", "DELETE"]);
        assert_eq!(clients(&world, name), [&*client]);
    }
}

#[test]
fn operator_that_requires_accounts_sends_no_request_for_an_object_without_one() {
    let world = stage("locked", &["--require-service-account"]);
    let client = team(&world);
    world.apply("plain", "one", &[]);
    let message = world.stalled("plain", "AuthenticationFailed");
    for words in ["--require-service-account", "set spec.serviceAccountName"] {
        assert!(message.contains(words), "{words} is not in {message}");
    }
    world.apply("named", "one", &[NAMED]);
    world.ready("named");
    assert_eq!(clients(&world, "plain"), [""; 0]);
    world.patch("plain", &json!({"spec": {"serviceAccountName": "team"}}));
    world.ready("plain");
    for name in ["plain", "named"] {
        assert_eq!(clients(&world, name), [&*client], "{name}");
    }
    clear(&world);
}

#[test]
fn check_requests_no_token_from_entra_for_an_operator_that_requires_accounts() {
    let world = World::new("check-locked");
    world.account(&world.namespace, "team", None, None);
    let said = poll(DEADLINE, || {
        let (_, said) = world.program("team", &["check", "--pre", "--require-service-account", "--client-id=", "--tenant-id="]);
        said.contains("Kubernetes").then_some(said)
    });
    let said = said.expect("it ends");
    assert!(said.contains("ok       Entra: not checked (--require-service-account)"), "{said}");
}
