//! Several operators, one of which works: who, since when, and that never two write.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{DEADLINE, Operator, World};

/// A Lease runs out after this (`src/leader`).
const LEASE: Duration = Duration::from_secs(15);

/// Who holds the Lease.
fn holder(world: &World) -> String {
    let name = "synapse-spark-operator";
    let held = world.plane().must(&[
        "get",
        "lease",
        name,
        "--namespace=kube-system",
        "--ignore-not-found",
        "--output=jsonpath={.spec.holderIdentity}",
    ]);
    held.split('_').next().unwrap_or_default().to_owned()
}

/// A world whose operators the test starts by itself.
#[track_caller]
fn world(name: &str) -> World {
    let world = World::alone(name, Duration::ZERO);
    world.operator().kill();
    // An earlier test's, whose holder is gone.
    world.plane().must(&["delete", "lease", "synapse-spark-operator", "--namespace=kube-system", "--ignore-not-found"]);
    world
}

/// Ends one that works, and gives how long it took until the other did.
fn hand_over(world: &World, from: &Operator, to: &str) -> Duration {
    let asked = Instant::now();
    assert_eq!(from.terminate(DEADLINE), Some(0), "{}", from.log(""));
    holds(world, to);
    asked.elapsed()
}

/// Waits until it is this one.
fn holds(world: &World, name: &str) {
    world.until(&format!("{name} holds the Lease"), || (holder(world) == name).then_some(()));
}

#[test]
fn a_standby_takes_over_at_once_from_one_that_ends() {
    let world = world("handover");
    let first = world.replica("first");
    holds(&world, "first");
    let second = world.replica("second");
    world.apply("one", "one", &[]);
    world.ready("one");
    assert_eq!(second.get("/livez").map(|(code, _)| code), Some(200));
    assert_eq!(second.get("/metrics").map(|(code, _)| code), Some(200));
    world.until("it says who works", || second.log("standby").contains("first_").then_some(()));

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
fn a_standby_takes_over_from_one_that_was_killed_when_the_lease_has_run_out() {
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
fn one_that_was_asleep_while_another_took_over_writes_nothing_more() {
    let world = world("asleep");
    let first = world.replica("first");
    holds(&world, "first");
    let _second = world.replica("second");
    // It stops in the middle of an attach: before the PUT, which its next breath would send.
    world.fault("GET", "one", &json!({"delay": "2s"}));
    world.apply("one", "one", &[]);
    world.until("it has begun to look", || (world.looks("one") > 0).then_some(()));
    first.signal("STOP");
    holds(&world, "second");
    world.ready("one");
    first.signal("CONT");
    assert_eq!(first.ended(DEADLINE), Some(1), "{}", first.log(""));
    assert!(!first.log("the Lease").is_empty(), "it says why: {}", first.log(""));
    assert_eq!(world.writes("one"), ["PUT"]);
    assert_eq!(holder(&world), "second");
}

#[test]
fn two_that_watch_some_namespaces_share_no_object() {
    let world = world("scoped");
    let other = format!("{}-other", world.namespace);
    world.plane().must(&["create", "namespace", &other]);
    world.install_for(&[&other]);
    let one = world.scoped(&["--watch-namespaces", &world.namespace, "--pod-name", "one"]);
    assert_eq!(one.get("/readyz").map(|(code, _)| code), Some(503), "not ready from the first moment on");
    world.until("it says what it may not", || one.log("cannot be had").contains("forbidden").then_some(()));
    // Given the right, it goes on by itself.
    world.install_for(&[&other, &world.namespace]);
    world.apply("mine", "one", &[]);
    world.ready("mine");
    // Of the same namespace: it stands by, though it would look after another one too.
    let both = world.scoped(&["--watch-namespaces", &format!("{other},{}", world.namespace), "--pod-name", "both"]);
    let manifest = world
        .manifest("theirs", "two", &[])
        .replace(&format!("namespace: {}\n", world.namespace), &format!("namespace: {other}\n"));
    world.plane().kubectl(&["apply", "-f", "-"], &manifest).expect("it is taken");
    world.until("it says who holds the Lease", || both.log("standby").contains("one_").then_some(()));
    assert!(world.writes("theirs").is_empty(), "nobody looks after it yet");
    assert_eq!(one.terminate(DEADLINE), Some(0), "{}", one.log(""));
    world.ready("mine");
    let ready = ["wait", "ssa/theirs", "--for=condition=Ready", "--timeout=30s", &format!("--namespace={other}")];
    world.plane().must(&ready);
    world.plane().must(&["delete", "ssa/theirs", "--timeout=30s", &format!("--namespace={other}")]);
    assert_eq!(world.writes("theirs"), ["PUT", "DELETE"]);
}

#[test]
fn one_for_some_namespaces_waits_while_one_for_all_works() {
    let world = world("wider");
    world.install_for(&[&world.namespace]);
    let all = world.replica("all");
    holds(&world, "all");
    let some = world.scoped(&["--watch-namespaces", &world.namespace, "--pod-name", "some"]);
    let told = || some.get("/readyz").filter(|(code, text)| *code == 503 && text.contains("looks after all namespaces"));
    world.until("it says whom it waits for", told);
    world.apply("one", "one", &[]);
    world.ready("one");
    assert_eq!(all.terminate(DEADLINE), Some(0), "{}", all.log(""));
    world.until("it works now", || some.get("/readyz").filter(|(code, _)| *code == 200));
    world.apply("two", "one", &[]);
    world.ready("two");
    // Another comes: this one ends, to wait again.
    let again = world.replica("again");
    holds(&world, "again");
    assert_eq!(some.ended(2 * LEASE), Some(1), "{}", some.log(""));
    assert!(some.log("looks after all namespaces now").contains("again_"), "it says why: {}", some.log(""));
    drop(again);
}
