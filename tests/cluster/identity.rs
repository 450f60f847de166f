//! A namespace's own identity: tokens that the API server signs, and an Entra that checks issuer, subject and audience.

use std::time::Duration;

use serde_json::json;

use crate::support::{CLIENT, DEADLINE, TENANT, World, poll};

const NAMED: &str = "serviceAccountName: team";

/// A test's own stage, with an operator that may use the accounts of namespaces.
fn stage(name: &str, settings: &[&str]) -> World {
    let world = World::alone(name, Duration::ZERO);
    world.use_accounts(settings);
    world
}

/// The account `team` of the test's namespace, and the application that trusts it.
fn team(world: &World) -> String {
    let client = world.trusting(&world.namespace, "team");
    world.account(&world.namespace, "team", Some(&client), None);
    client
}

/// Leaves nothing that the next operator on this stage would look at: it may not see accounts.
fn clear(world: &World) {
    world.kubectl(&["delete", "ssa", "--all", "--timeout=30s"]);
}

/// Who asked Azure for a compute, in turn.
fn askers(world: &World, compute: &str) -> Vec<String> {
    let id = world.id(compute).to_ascii_lowercase();
    let mut all: Vec<_> =
        world.asked().into_iter().filter(|one| one.path.to_ascii_lowercase() == id).map(|one| one.client).collect();
    all.dedup();
    all
}

#[test]
fn azure_is_asked_as_the_account_that_the_object_names() {
    let world = stage("own", &[]);
    let team = team(&world);
    world.apply("named", "two", &[NAMED]);
    world.apply("plain", "one", &[]);
    for name in ["named", "plain"] {
        world.ready(name);
    }
    // Neither its pool nor its workspace is asked for as anybody else.
    let pool = world.pool("two");
    let of_pool: Vec<_> = world.asked().into_iter().filter(|one| one.path == pool).map(|one| one.client).collect();
    assert!(!of_pool.is_empty() && of_pool.iter().all(|client| *client == team), "{of_pool:?}");
    let workspace: Vec<_> = world.asked().into_iter().filter(|one| one.path == world.workspace()).map(|one| one.client).collect();
    assert_eq!(workspace.iter().filter(|client| **client == team).count(), 1, "{workspace:?}");
    assert_eq!(askers(&world, "plain"), [CLIENT]);
    assert_eq!(askers(&world, "named"), [&*team]);

    // It may change.
    world.patch("named", &json!({"spec": {"serviceAccountName": null, "description": "changed"}}));
    world.until("it is put by the operator", || (world.writes("named").len() == 2).then_some(()));
    assert_eq!(askers(&world, "named"), [&*team, CLIENT]);
    world.ready("named");
    world.patch("named", &json!({"spec": {"serviceAccountName": "team"}}));
    world.until("it is looked at as the account", || (askers(&world, "named").len() == 3).then_some(()));
    world.delete("named");
    world.gone("named");
    assert_eq!(world.writes("named"), ["PUT", "PUT", "DELETE"]);
    assert_eq!(askers(&world, "named"), [&*team, CLIENT, &*team]);
    clear(&world);
}

#[test]
fn no_namespace_gets_at_anothers_identity() {
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
        // object      account      what is told
        ("absent",     "team",      format!("ServiceAccount team of namespace {mine} is not there")),
        ("borrowed",   "borrowed",  "AADSTS700213".to_owned()),
        ("elsewhere",  "elsewhere", "AADSTS700016".to_owned()),
        ("nowhere",    "nowhere",   "AADSTS90002".to_owned()),
        ("bare",       "bare",      "no annotation azure.workload.identity/client-id".to_owned()),
        ("crooked",    "crooked",   "which is no GUID".to_owned()),
    ];
    for (name, account, _) in &refused {
        world.apply(name, "one", &[&format!("serviceAccountName: {account}")]);
    }
    for (name, _, says) in &refused {
        let message = world.stalled(name, "AuthenticationFailed");
        assert!(message.contains(says), "{name}: {says} is not in {message}");
        assert_eq!(askers(&world, name), [""; 0], "{name}: Azure is not asked");
    }
    // It is none of the operator's own trouble.
    let (_, metrics) = world.operator().get("/metrics").expect("it answers");
    assert!(metrics.contains("_azure_token_requests_total{result=\"rejected\"} 0\n"), "{metrics}");
    // All of it is right where it belongs.
    let there = world.manifest("right", "one", &[NAMED]).replace(&format!("namespace: {mine}"), &format!("namespace: {theirs}"));
    world.plane().kubectl(&["apply", "-f", "-"], &there).expect("it is taken");
    world.plane().must(&["wait", "ssa/right", "--namespace", &theirs, "--for=condition=Ready", "--timeout=30s"]);
    assert_eq!(askers(&world, "right"), [client]);
    world.plane().must(&["delete", "namespace", &theirs, "--timeout=60s"]);
    clear(&world);
}

#[test]
fn an_account_that_is_gone_is_missed_and_one_that_comes_is_found() {
    let world = stage("gone", &[]);
    let client = team(&world);
    world.apply("nightly", "one", &[NAMED]);
    world.ready("nightly");
    world.kubectl(&["delete", "serviceaccount", "team"]);
    world.ask("nightly");
    let message = world.stalled("nightly", "AuthenticationFailed");
    assert!(message.contains("is not there: make it again"), "{message}");
    let looks = world.looks("nightly");
    world.account(&world.namespace, "team", Some(&client), Some(TENANT));
    world.ask("nightly");
    world.ready("nightly");
    assert!(world.looks("nightly") > looks);
    assert_eq!(askers(&world, "nightly"), [client]);
    assert_eq!(world.writes("nightly"), ["PUT"], "nothing is undone meanwhile");
    clear(&world);
}

#[test]
fn with_its_account_gone_an_object_is_detached_while_a_token_lives_and_then_there_are_ways_out() {
    let world = stage("last", &[]);
    let client = team(&world);
    for name in ["soon", "late", "let-go"] {
        world.apply(name, "one", &[NAMED]);
    }
    for name in ["soon", "late", "let-go"] {
        world.ready(name);
    }
    // As the namespace's deletion does it: the account first.
    world.kubectl(&["delete", "serviceaccount", "team"]);
    world.delete("soon");
    world.gone("soon");
    assert_eq!(world.writes("soon"), ["PUT", "DELETE"]);

    // An operator that starts anew has no token.
    world.use_accounts(&[]);
    for name in ["late", "let-go"] {
        world.delete(name);
        let message = world.stalled(name, "AuthenticationFailed");
        for words in ["make it again", "docs/deletion.md"] {
            assert!(message.contains(words), "{name}: {words} is not in {message}");
        }
    }
    world.kubectl(&["annotate", "ssa", "let-go", "synapse-spark.dev/on-delete=abandon"]);
    world.gone("let-go");
    assert_eq!(world.writes("let-go"), ["PUT"]);
    world.account(&world.namespace, "team", Some(&client), None);
    world.ask("late");
    world.gone("late");
    assert_eq!(world.writes("late"), ["PUT", "DELETE"]);
    for name in ["soon", "late", "let-go"] {
        assert_eq!(askers(&world, name), [&*client], "{name}");
    }
    clear(&world);
}

#[test]
fn a_namespace_that_is_deleted_goes_with_its_account_and_its_attachments() {
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
        assert_eq!(askers(&world, name), [&*client]);
    }
}

#[test]
fn an_operator_without_an_identity_of_its_own_serves_only_who_brings_one() {
    let world = stage("locked", &["--require-service-account"]);
    let client = team(&world);
    world.apply("plain", "one", &[]);
    let message = world.stalled("plain", "AuthenticationFailed");
    for words in ["--require-service-account", "set spec.serviceAccountName"] {
        assert!(message.contains(words), "{words} is not in {message}");
    }
    world.apply("named", "one", &[NAMED]);
    world.ready("named");
    assert_eq!(askers(&world, "plain"), [""; 0]);
    world.patch("plain", &json!({"spec": {"serviceAccountName": "team"}}));
    world.ready("plain");
    for name in ["plain", "named"] {
        assert_eq!(askers(&world, name), [&*client], "{name}");
    }
    // One that has none asks Entra for nothing.
    let said = poll(DEADLINE, || {
        let (_, said) = world.program("team", &["check", "--require-service-account", "--client-id=", "--tenant-id="]);
        said.contains("Kubernetes").then_some(said)
    });
    let said = said.expect("it ends");
    assert!(said.contains("ok       Entra: not checked (--require-service-account)"), "{said}");
    clear(&world);
}
