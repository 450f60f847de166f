//! An operator for some namespaces next to one for all namespaces.

use std::sync::Mutex;

use tokio::time::{Instant, sleep, timeout};

use super::acquire;
use super::server::{Behaviour, Server};
use crate::leader::timing::STANDBY_PERIOD;
use crate::leader::{ClusterWideLease, LEASE_DURATION, LeaseState, RETRY_PERIOD};

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
async fn notices_within_a_retry_period_that_a_cluster_wide_operator_leads() {
    let server = Server::new();
    let mut seen = ClusterWideLease::new(server.lease("kube-system", "some"));
    seen.wait_until_free(|_, _| {}).await;
    assert!(timeout(LEASE_DURATION, seen.wait_until_held()).await.is_err(), "nobody holds the Lease");
    let mut cluster_wide = acquire(&server, "all").await;
    let start = Instant::now();
    let holder = tokio::select! {
        holder = seen.wait_until_held() => holder,
        lost = cluster_wide.renew() => panic!("{lost}"),
    };
    assert_eq!(holder, "all");
    assert!(start.elapsed() <= RETRY_PERIOD, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn one_failed_request_at_startup_does_not_let_it_lead_next_to_a_cluster_wide_operator() {
    for behaviour in [Behaviour::Hangs, Behaviour::Unavailable, Behaviour::Forbids] {
        let server = Server::new();
        let mut cluster_wide = acquire(&server, "all").await;
        let mut seen = ClusterWideLease::new(server.lease("kube-system", "some"));
        let recover = async {
            server.set(behaviour);
            sleep(RETRY_PERIOD * 2).await;
            server.set(Behaviour::Works);
            sleep(LEASE_DURATION * 4).await;
        };
        tokio::select! {
            () = seen.wait_until_free(|_, _| {}) => panic!("{behaviour:?}: it began beside a cluster-wide operator"),
            lost = cluster_wide.renew() => panic!("{lost}"),
            () = recover => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn begins_if_it_may_not_read_the_lease_of_a_cluster_wide_operator() {
    let server = Server::new();
    let _cluster_wide = acquire(&server, "all").await;
    server.set(Behaviour::Forbids);
    let mut seen = ClusterWideLease::new(server.lease("kube-system", "some"));
    let start = Instant::now();
    seen.wait_until_free(|_, _| {}).await;
    let took = start.elapsed();
    assert!(took >= LEASE_DURATION && took <= LEASE_DURATION + STANDBY_PERIOD, "only the administrator could give it the right");
}

#[tokio::test(start_paused = true)]
async fn waits_out_the_lease_of_a_cluster_wide_operator_it_saw_when_the_lease_is_deleted() {
    let server = Server::new();
    let _cluster_wide = acquire(&server, "all").await;
    let mut seen = ClusterWideLease::new(server.lease("kube-system", "some"));
    {
        let free = seen.wait_until_free(|_, _| {});
        assert!(timeout(STANDBY_PERIOD * 3, free).await.is_err(), "the Lease is held");
    }
    server.delete_lease();
    let deleted = Instant::now();
    seen.wait_until_free(|_, _| {}).await;
    assert!(deleted.elapsed() >= LEASE_DURATION, "{:?}", deleted.elapsed());
}
