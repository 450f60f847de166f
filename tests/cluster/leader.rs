//! Several operators: one of them leads, and never do two write.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{ACCOUNT, DEADLINE, NAMESPACE, Operator, World, poll};

/// A Lease expires after this time without a renewal (`src/leader/timing.rs`).
const LEASE_DURATION: Duration = Duration::from_secs(15);

/// The holder of the Lease.
fn holder(world: &World) -> String {
    let name = "synapse-spark-operator";
    let held = world.plane().must(&[
        "get",
        "lease",
        name,
        "--namespace",
        NAMESPACE,
        "--ignore-not-found",
        "--output=jsonpath={.spec.holderIdentity}",
    ]);
    held.split('_').next().unwrap_or_default().to_owned()
}

/// A world whose operators the test starts by itself.
#[track_caller]
fn world(name: &str) -> World {
    let world = World::without_operator(name, Duration::ZERO);
    // The Lease of an earlier test, whose holder has ended.
    world.plane().must(&["delete", "lease", "synapse-spark-operator", "--namespace", NAMESPACE, "--ignore-not-found"]);
    world
}

/// Deletes the Lease, as a user might to make another replica lead.
fn delete_lease(world: &World) {
    world.plane().must(&["delete", "lease", "synapse-spark-operator", "--namespace", NAMESPACE]);
}

/// Ends the leader, and returns how long it took until the other one led.
fn hand_over(world: &World, from: &Operator, to: &str) -> Duration {
    let asked = Instant::now();
    assert_eq!(from.terminate(DEADLINE), Some(0), "{}", from.log(""));
    holds(world, to);
    asked.elapsed()
}

/// Waits until this one holds the Lease.
fn holds(world: &World, name: &str) {
    world.until(&format!("{name} holds the Lease"), || (holder(world) == name).then_some(()));
}

#[test]
fn standby_takes_over_at_once_from_a_leader_that_shuts_down() {
    let world = world("handover");
    let first = world.replica("first");
    holds(&world, "first");
    let second = world.replica("second");
    world.apply("one", "one", &[]);
    world.ready("one");
    assert_eq!(second.get("/livez").map(|(code, _)| code), Some(200));
    assert_eq!(second.get("/metrics").map(|(code, _)| code), Some(200));
    world.until("it says who works", || second.log("standing by").contains("first_").then_some(()));

    let mut took = vec![hand_over(&world, &first, "second")];
    // A machine that is busy elsewhere may be late once, but not each time.
    let mut last = second;
    for name in ["third", "fourth"] {
        if took.iter().all(|took| *took >= Duration::from_secs(2)) {
            let next = world.replica(name);
            took.push(hand_over(&world, &last, name));
            last = next;
        }
    }
    assert!(took.iter().any(|took| *took < Duration::from_secs(2)), "{took:?}");
    world.apply("two", "one", &[]);
    world.ready("two");
    world.delete("one");
    world.gone("one");
    assert_eq!((world.writes("one"), world.writes("two")), (vec!["PUT".into(), "DELETE".into()], vec!["PUT".into()]));
}

#[test]
fn standby_takes_over_from_a_killed_leader_when_the_lease_expires() {
    let world = world("takeover");
    let mut first = world.replica("first");
    holds(&world, "first");
    let _second = world.replica("second");
    // In the middle of an attach: the answer of the PUT never comes.
    world.fault("PUT", "one", &json!({"delay": "1s"}));
    world.apply("one", "one", &[]);
    world.until("there is a PUT", || world.writes("one").first().cloned());
    first.kill();
    let killed = Instant::now();
    holds(&world, "second");
    let took = killed.elapsed();
    assert!(took > Duration::from_secs(5), "{took:?}");
    world.ready("one");
    assert!(world.writes("one").len() <= 2, "{:?}", world.writes("one"));
}

#[test]
fn leader_that_was_stopped_while_another_took_over_writes_nothing() {
    let world = world("asleep");
    let first = world.replica("first");
    holds(&world, "first");
    let _second = world.replica("second");
    // It stops in the middle of an attach, right before it sends the PUT.
    world.fault("GET", "one", &json!({"delay": "2s"}));
    world.apply("one", "one", &[]);
    world.until("it has begun to look", || (world.observations("one") > 0).then_some(()));
    first.signal("STOP");
    holds(&world, "second");
    world.ready("one");
    first.signal("CONT");
    assert_eq!(first.ended(DEADLINE), Some(1), "{}", first.log(""));
    assert!(!first.log("the Lease").is_empty(), "it says why: {}", first.log(""));
    assert_eq!(world.writes("one"), ["PUT"]);
    assert_eq!(holder(&world), "second");
}

/// Makes every access token good for one request, and late by two seconds.
fn delay_access_tokens(world: &World) {
    world.azure().control("PATCH", "settings", Some(&json!({"tokenLifetime": "2m"}))).expect("there are settings");
    let fault = json!({"method": "POST", "path": "/oauth2/", "times": 1000, "delay": "2s"});
    world.azure().control("POST", "faults", Some(&fault)).expect("it is taken");
}

#[test]
fn leader_that_was_stopped_between_its_lease_check_and_a_write_does_not_send_it() {
    let world = world("window");
    delay_access_tokens(&world);
    let first = world.replica("first");
    holds(&world, "first");
    let _second = world.replica("second");
    world.apply("one", "one", &[]);
    // The leader stores the write intent, checks its Lease, and then waits for the access token of the PUT.
    let is_pending = || world.object("one").is_some_and(|object| object["status"]["operation"]["pending"] == true);
    // Each request before it takes its two seconds, too.
    poll(3 * DEADLINE, || is_pending().then_some(())).expect("the write intent is stored");
    first.signal("STOP");
    assert_eq!(world.writes("one"), [""; 0], "it was stopped before the PUT");
    world.azure().control("DELETE", "faults", None);
    holds(&world, "second");
    world.ready("one");
    assert_eq!(world.writes("one"), ["PUT"], "that of the new leader");
    first.signal("CONT");
    assert_eq!(first.ended(DEADLINE), Some(1), "{}", first.log(""));
    assert_eq!(world.writes("one"), ["PUT"]);
}

#[test]
fn leader_keeps_leading_when_its_lease_is_deleted() {
    let world = world("deleted");
    let first = world.replica("first");
    holds(&world, "first");
    let second = world.replica("second");
    world.until("the standby has seen the leader", || second.log("standing by").contains("first_").then_some(()));
    world.apply("one", "one", &[]);
    world.ready("one");
    for _ in 0..3 {
        delete_lease(&world);
        world.until("the Lease exists again", || (!holder(&world).is_empty()).then_some(()));
        assert_eq!(holder(&world), "first", "{}", second.log(""));
    }
    world.apply("two", "one", &[]);
    world.ready("two");
    assert_eq!((world.writes("one"), world.writes("two")), (vec!["PUT".into()], vec!["PUT".into()]));
    assert_eq!(first.terminate(DEADLINE), Some(0), "it led until the end: {}", first.log(""));
}

#[test]
fn standby_that_finds_the_lease_deleted_waits_until_the_leader_it_saw_has_stopped() {
    let world = world("deleted");
    let first = world.replica("first");
    holds(&world, "first");
    let second = world.replica("second");
    world.until("the standby has seen the leader", || second.log("standing by").contains("first_").then_some(()));
    // The leader stops in the middle of an attach: the PUT is the next thing that it would send.
    world.fault("GET", "one", &json!({"delay": "2s"}));
    world.apply("one", "one", &[]);
    world.until("the leader reads the compute", || (world.observations("one") > 0).then_some(()));
    first.signal("STOP");
    delete_lease(&world);
    let deleted = Instant::now();
    holds(&world, "second");
    let waited = deleted.elapsed();
    // The standby may have found the Lease missing a moment before kubectl had ended.
    assert!(waited + Duration::from_secs(2) > LEASE_DURATION, "it led after {waited:?}, beside the leader that it had seen");
    world.ready("one");
    first.signal("CONT");
    assert_eq!(first.ended(DEADLINE), Some(1), "{}", first.log(""));
    assert_eq!(world.writes("one"), ["PUT"], "never two writers");
}

#[test]
fn operators_for_overlapping_namespaces_share_no_object() {
    let world = world("scoped");
    let other = format!("{}-other", world.namespace);
    world.plane().must(&["create", "namespace", &other]);
    world.install_for(&[&other]);
    let one = world.scoped(&["--watch-namespaces", &world.namespace, "--pod-name", "one"]);
    assert_eq!(one.get("/readyz").map(|(code, _)| code), Some(503), "not ready from the first moment on");
    world.until("it says what it may not", || one.log("cannot acquire").contains("forbidden").then_some(()));
    // With the permission, it continues by itself.
    world.install_for(&[&other, &world.namespace]);
    world.apply("mine", "one", &[]);
    world.ready("mine");
    // An operator that shares a namespace stands by, although it watches another one too.
    let both = world.scoped(&["--watch-namespaces", &format!("{other},{}", world.namespace), "--pod-name", "both"]);
    let manifest = world
        .manifest("theirs", "two", &[])
        .replace(&format!("namespace: {}\n", world.namespace), &format!("namespace: {other}\n"));
    world.plane().kubectl(&["apply", "-f", "-"], &manifest).expect("it is taken");
    world.until("it says who holds the Lease", || both.log("standing by").contains("one_").then_some(()));
    assert!(world.writes("theirs").is_empty(), "nobody looks after it yet");
    assert_eq!(one.terminate(DEADLINE), Some(0), "{}", one.log(""));
    world.ready("mine");
    let ready = ["wait", "ssa/theirs", "--for=condition=Ready", "--timeout=30s", &format!("--namespace={other}")];
    world.plane().must(&ready);
    world.plane().must(&["delete", "ssa/theirs", "--timeout=30s", &format!("--namespace={other}")]);
    assert_eq!(world.writes("theirs"), ["PUT", "DELETE"]);
}

#[test]
fn operator_for_some_namespaces_waits_while_a_cluster_wide_operator_leads() {
    let world = world("wider");
    world.install_for(&[&world.namespace]);
    let all = world.replica("all");
    holds(&world, "all");
    let some = world.scoped(&["--watch-namespaces", &world.namespace, "--pod-name", "some"]);
    let told = || some.get("/readyz").filter(|(code, text)| *code == 503 && text.contains("manages all namespaces"));
    world.until("it says whom it waits for", told);
    world.apply("one", "one", &[]);
    world.ready("one");
    assert_eq!(all.terminate(DEADLINE), Some(0), "{}", all.log(""));
    world.until("it works now", || some.get("/readyz").filter(|(code, _)| *code == 200));
    world.apply("two", "one", &[]);
    world.ready("two");
    // An operator for all namespaces starts: this one ends, and waits again after its restart.
    let again = world.replica("again");
    holds(&world, "again");
    assert_eq!(some.ended(2 * LEASE_DURATION), Some(1), "{}", some.log(""));
    assert!(some.log("now manages all namespaces").contains("again_"), "it says why: {}", some.log(""));
    drop(again);
}

/// An operator for all namespaces that is installed in another namespace, with a Lease of its own there.
fn elsewhere(world: &World, name: &str) -> Operator {
    let (plane, namespace) = (world.plane(), &*world.namespace);
    let account = format!("--serviceaccount={NAMESPACE}:{ACCOUNT}");
    let verbs = "--verb=create,get,update";
    plane.must(&["create", "role", "elsewhere", verbs, "--resource=leases.coordination.k8s.io", "--namespace", namespace]);
    plane.must(&["create", "rolebinding", "elsewhere", "--role=elsewhere", &account, "--namespace", namespace]);
    world.operator_elsewhere(namespace, name)
}

#[test]
fn of_two_installations_in_two_namespaces_one_leads_and_the_other_takes_over() {
    let world = world("installed-twice");
    let first = world.replica("first");
    holds(&world, "first");
    let second = elsewhere(&world, "second");
    world.apply("one", "one", &[]);
    world.ready("one");
    let shown = || second.log("standing by");
    world.until("the second one waits for the first", || shown().contains("first_").then_some(()));
    assert_eq!(first.terminate(DEADLINE), Some(0), "{}", first.log(""));
    world.apply("two", "one", &[]);
    world.ready("two");
    assert_eq!((world.writes("one"), world.writes("two")), (vec!["PUT".to_owned()], vec!["PUT".to_owned()]));
    // The first one comes back, and waits.
    let again = world.replica("again");
    world.until("it waits for the second", || again.log("standing by").contains("second_").then_some(()));
    assert_eq!(second.terminate(DEADLINE), Some(0), "{}", second.log(""));
    world.delete("two");
    world.gone("two");
}
