//! An operator for some namespaces next to one for all namespaces.

use std::sync::{Arc, Mutex};

use tokio::time::{Instant, sleep, timeout};

use super::lead;
use super::server::{Behaviour, Server};
use crate::leader::timing::STANDBY_PERIOD;
use crate::leader::{LEASE_DURATION, LeaseState, Peers, RETRY_PERIOD};

/// The cluster-wide operators, as an operator for some namespaces sees them.
fn seen_by_namespaced(server: &Arc<Server>) -> Peers {
    Peers::new(server.lease("team-a", "some"))
}

#[tokio::test(start_paused = true)]
async fn waits_while_a_cluster_wide_operator_leads() {
    let server = Server::new();
    let mut cluster_wide = lead(&server, "system", "all").await;
    let mut seen = seen_by_namespaced(&server);
    let states = Mutex::new(Vec::new());
    let note = |_: &str, state: LeaseState| states.lock().expect("no test panics here").push(state);
    tokio::select! {
        () = seen.wait_until_none_leads(note) => panic!("an operator leads"),
        lost = cluster_wide.renew() => panic!("{lost}"),
        () = sleep(LEASE_DURATION * 4) => {}
    }
    assert_eq!(*states.lock().expect("no test panics here"), [LeaseState::HeldBy("all in namespace system".into())]);
}

#[tokio::test(start_paused = true)]
async fn begins_when_the_lease_of_a_killed_cluster_wide_operator_expires() {
    let server = Server::new();
    drop(lead(&server, "system", "all").await);
    let start = Instant::now();
    seen_by_namespaced(&server).wait_until_none_leads(|_, _| {}).await;
    assert!(start.elapsed() >= LEASE_DURATION && start.elapsed() <= LEASE_DURATION + STANDBY_PERIOD, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn notices_within_a_retry_period_that_a_cluster_wide_operator_leads() {
    let server = Server::new();
    let mut seen = seen_by_namespaced(&server);
    seen.wait_until_none_leads(|_, _| {}).await;
    assert!(timeout(LEASE_DURATION, seen.wait_until_one_leads(None)).await.is_err(), "none leads");
    let mut cluster_wide = lead(&server, "system", "all").await;
    let start = Instant::now();
    let holder = tokio::select! {
        holder = seen.wait_until_one_leads(None) => holder,
        lost = cluster_wide.renew() => panic!("{lost}"),
    };
    assert_eq!(holder, "all in namespace system");
    assert!(start.elapsed() <= RETRY_PERIOD, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn one_failed_request_at_startup_does_not_let_it_lead_next_to_a_cluster_wide_operator() {
    for behaviour in [Behaviour::Hangs, Behaviour::Unavailable, Behaviour::Forbids] {
        let server = Server::new();
        let mut cluster_wide = lead(&server, "system", "all").await;
        let mut seen = seen_by_namespaced(&server);
        let recover = async {
            server.set(behaviour);
            sleep(RETRY_PERIOD * 2).await;
            server.set(Behaviour::Works);
            sleep(LEASE_DURATION * 4).await;
        };
        tokio::select! {
            () = seen.wait_until_none_leads(|_, _| {}) => panic!("{behaviour:?}: it began beside a cluster-wide operator"),
            lost = cluster_wide.renew() => panic!("{lost}"),
            () = recover => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn begins_if_it_may_not_list_the_leases_of_cluster_wide_operators() {
    let server = Server::new();
    let _cluster_wide = lead(&server, "system", "all").await;
    server.set(Behaviour::Forbids);
    let start = Instant::now();
    seen_by_namespaced(&server).wait_until_none_leads(|_, _| {}).await;
    let took = start.elapsed();
    assert!(took >= LEASE_DURATION && took <= LEASE_DURATION + STANDBY_PERIOD, "only the administrator could give it the right");
}

#[tokio::test(start_paused = true)]
async fn waits_out_the_lease_of_a_cluster_wide_operator_it_saw_when_the_lease_is_deleted() {
    let server = Server::new();
    let _cluster_wide = lead(&server, "system", "all").await;
    let mut seen = seen_by_namespaced(&server);
    {
        let free = seen.wait_until_none_leads(|_, _| {});
        assert!(timeout(STANDBY_PERIOD * 3, free).await.is_err(), "an operator leads");
    }
    server.delete_lease();
    let deleted = Instant::now();
    seen.wait_until_none_leads(|_, _| {}).await;
    assert!(deleted.elapsed() >= LEASE_DURATION, "{:?}", deleted.elapsed());
}
