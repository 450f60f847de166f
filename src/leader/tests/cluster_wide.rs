//! An operator for some namespaces beside one for all namespaces.

use std::sync::Mutex;

use tokio::time::{Instant, sleep, timeout};

use super::acquire;
use super::server::{Behaviour, Server};
use crate::leader::timing::STANDBY_PERIOD;
use crate::leader::{ClusterWideLease, LEASE_DURATION, LeaseState};

#[tokio::test(start_paused = true)]
async fn waits_while_a_cluster_wide_operator_leads() {
    let server = Server::new();
    let mut cluster_wide = acquire(&server, "all").await;
    let mut seen = ClusterWideLease::new(server.lease("kube-system", "some"));
    let states = Mutex::new(Vec::new());
    let note = |_: &str, state: LeaseState| states.lock().expect("no test panics here").push(state);
    tokio::select! {
        () = seen.wait_until_free(note) => panic!("the Lease is held"),
        lost = cluster_wide.renew() => panic!("{lost}"),
        () = sleep(LEASE_DURATION * 4) => {}
    }
    assert_eq!(*states.lock().expect("no test panics here"), [LeaseState::HeldBy("all".into())]);
}

#[tokio::test(start_paused = true)]
async fn begins_when_the_lease_of_a_killed_cluster_wide_operator_expires() {
    let server = Server::new();
    drop(acquire(&server, "all").await);
    let start = Instant::now();
    ClusterWideLease::new(server.lease("kube-system", "some")).wait_until_free(|_, _| {}).await;
    assert!(start.elapsed() >= LEASE_DURATION && start.elapsed() <= LEASE_DURATION + STANDBY_PERIOD, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn begins_if_it_may_not_read_the_lease_of_a_cluster_wide_operator() {
    let server = Server::new();
    let _cluster_wide = acquire(&server, "all").await;
    server.set(Behaviour::Forbids);
    let mut seen = ClusterWideLease::new(server.lease("kube-system", "some"));
    let begin = seen.wait_until_free(|_, _| {});
    assert!(timeout(LEASE_DURATION, begin).await.is_ok(), "only the administrator could give it the right");
}
