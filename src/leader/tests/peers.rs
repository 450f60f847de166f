//! Operators for all namespaces that are installed in several namespaces: one leads.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::server::{Behaviour, Server};
use super::{acquire_in, lead};
use crate::leader::timing::STANDBY_PERIOD;
use crate::leader::{HeldLease, LEASE_DURATION, LeaseState, Peers, RETRY_PERIOD};

/// The other operators, as the one in this namespace sees them.
fn peers(server: &Arc<Server>, namespace: &str, identity: &str) -> Peers {
    Peers::new(server.lease(namespace, identity))
}

/// Leads for this long, with renewals, and then releases the Lease or is killed. Returns from when until when it led.
async fn term(
    server: &Arc<Server>,
    namespace: &str,
    (starts, lasts): (Duration, Duration),
    is_killed: bool,
) -> (Instant, Instant) {
    sleep(starts).await;
    let mut own = acquire_in(server, namespace, namespace).await;
    peers(server, namespace, namespace).lead(&mut own, |_, _| {}).await.expect("it keeps its Lease");
    let began = Instant::now();
    tokio::select! {
        lost = own.renew() => panic!("{lost}"),
        () = sleep(lasts) => {}
    }
    let ended = Instant::now();
    if !is_killed {
        own.release().await;
    }
    (began, ended)
}

#[tokio::test(start_paused = true)]
async fn never_do_two_lead_whenever_they_start_and_however_slow_kubernetes_is() {
    let seconds = Duration::from_secs;
    for behaviour in [Behaviour::Works, Behaviour::Slow] {
        // From the same moment to after the first one leads: some claims overlap, in either order.
        for offset in (0..=60).map(|step| Duration::from_millis(step * 250)) {
            for is_killed in [false, true] {
                let server = Server::new();
                server.set(behaviour);
                let (one, two, three) = tokio::join!(
                    term(&server, "a", (seconds(0), seconds(20)), is_killed),
                    term(&server, "b", (offset, seconds(20)), is_killed),
                    term(&server, "c", (offset * 2, seconds(20)), is_killed),
                );
                let mut terms = [one, two, three];
                terms.sort();
                for pair in terms.windows(2) {
                    assert!(pair[0].1 <= pair[1].0, "{behaviour:?}, {offset:?}: two lead at once: {terms:?}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn second_one_leads_as_soon_as_the_first_stops_and_says_whom_it_waits_for() {
    let server = Server::new();
    let mut first = lead(&server, "a", "first").await;
    let mut second = acquire_in(&server, "b", "second").await;
    let mut waiting = peers(&server, "b", "second");
    let states = Mutex::new(Vec::new());
    let note = |_: &str, state: LeaseState| states.lock().expect("no test panics here").push(state);
    tokio::select! {
        _ = waiting.lead(&mut second, note) => panic!("another one leads"),
        lost = first.renew() => panic!("{lost}"),
        () = sleep(LEASE_DURATION * 4) => {}
    }
    assert_eq!(*states.lock().expect("no test panics here"), [LeaseState::HeldBy("first in namespace a".into())]);
    first.release().await;
    let released = Instant::now();
    waiting.lead(&mut second, |_, _| {}).await.expect("it keeps its Lease");
    assert!(released.elapsed() <= STANDBY_PERIOD, "{:?}", released.elapsed());
}

#[tokio::test(start_paused = true)]
async fn second_one_leads_when_the_lease_of_a_killed_one_expires() {
    let server = Server::new();
    drop(lead(&server, "a", "first").await);
    let killed = Instant::now();
    drop(lead(&server, "b", "second").await);
    assert!(
        killed.elapsed() >= LEASE_DURATION && killed.elapsed() <= LEASE_DURATION + STANDBY_PERIOD * 2,
        "{:?}",
        killed.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn standby_of_another_installation_is_not_in_the_way() {
    let server = Server::new();
    let _standby: HeldLease = acquire_in(&server, "a", "standby").await;
    let start = Instant::now();
    drop(lead(&server, "b", "second").await);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn leader_that_finds_another_leader_stops() {
    let server = Server::new();
    let mut first = lead(&server, "a", "first").await;
    let created = Some(first.created());
    let mut watching = peers(&server, "a", "first");
    tokio::select! {
        who = watching.wait_until_one_leads(created) => panic!("{who} leads"),
        lost = first.renew() => panic!("{lost}"),
        () = sleep(LEASE_DURATION * 2) => {}
    }
    // It was frozen for so long that another one leads.
    sleep(LEASE_DURATION).await;
    let mut second = lead(&server, "b", "second").await;
    let who = tokio::select! {
        who = timeout(RETRY_PERIOD * 2, watching.wait_until_one_leads(created)) => who.expect("it notices"),
        lost = second.renew() => panic!("{lost}"),
    };
    assert_eq!(who, "second in namespace b");
    assert!(timeout(RETRY_PERIOD, first.renew()).await.is_ok(), "nor does it renew its Lease after so long");
}

#[tokio::test(start_paused = true)]
async fn leads_without_a_list_that_kubernetes_refuses() {
    let server = Server::new();
    let mut own = acquire_in(&server, "a", "first").await;
    server.forbid_lists();
    let start = Instant::now();
    peers(&server, "a", "first").lead(&mut own, |_, _| {}).await.expect("it keeps its Lease");
    let took = start.elapsed();
    assert!(took >= LEASE_DURATION && took <= LEASE_DURATION + STANDBY_PERIOD, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn lease_of_another_name_and_one_for_years_hold_nothing_up_for_ever() {
    let server = Server::new();
    let foreign = |name: &str| {
        serde_json::json!({"metadata": {"name": name, "resourceVersion": "x", "creationTimestamp": "1970-01-01T00:00:00Z",
            "labels": {"synapse-spark.dev/scope": "cluster"}, "annotations": {"synapse-spark.dev/leads-since": "x"}},
            "spec": {"holderIdentity": "another-program", "leaseDurationSeconds": i32::MAX}})
    };
    server.put("team-a", foreign("another"));
    let start = Instant::now();
    drop(lead(&server, "b", "first").await);
    assert_eq!(start.elapsed(), Duration::ZERO, "it is no operator's");
    server.put("team-a", foreign("synapse-spark-operator"));
    drop(lead(&server, "c", "second").await);
    assert!(start.elapsed() <= Duration::from_secs(90), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn failed_list_at_the_start_is_reported_and_then_resolved() {
    let server = Server::new();
    let mut own = acquire_in(&server, "a", "first").await;
    let states = Mutex::new(Vec::new());
    let note = |_: &str, state: LeaseState| states.lock().expect("no test panics here").push(state);
    server.forbid_lists();
    let allow = async {
        sleep(RETRY_PERIOD).await;
        server.allow_lists();
    };
    let mut peers = peers(&server, "a", "first");
    let (led, ()) = tokio::join!(peers.lead(&mut own, note), allow);
    led.expect("it keeps its Lease");
    let states = states.into_inner().expect("no test panics here");
    assert!(matches!(&states[..], [LeaseState::Unknown(_), LeaseState::Held]), "{states:?}");
}
