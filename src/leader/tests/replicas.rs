//! Several replicas and one Lease.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::acquire;
use super::server::{Behaviour, Server};
use crate::leader::timing::STANDBY_PERIOD;
use crate::leader::{LEASE_DURATION, Leadership, LeaseLost, RENEW_DEADLINE, RETRY_PERIOD};

#[tokio::test(start_paused = true)]
async fn leader_that_cannot_renew_stops_before_a_standby_takes_over() {
    for behaviour in [Behaviour::Unavailable, Behaviour::Hangs, Behaviour::LosesAnswers] {
        let server = Server::new();
        let mut first = acquire(&server, "first").await;
        let start = Instant::now();
        let leadership = Leadership::of(std::slice::from_ref(&first));
        server.set(behaviour);
        let lost = first.renew().await;
        assert!(matches!(lost, LeaseLost::NotRenewed { .. }), "{lost}");
        assert_eq!(start.elapsed(), RENEW_DEADLINE, "it retries until the deadline");
        assert!(leadership.time_left().is_none(), "no write may start from here on");
        server.set(Behaviour::Works);
        let reachable = Instant::now();
        let _second = acquire(&server, "second").await;
        assert_eq!(server.holder().as_deref(), Some("second"));
        // The standby counts from the moment at which it first saw this version of the Lease.
        assert!(reachable.elapsed() >= LEASE_DURATION, "{:?}", reachable.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn standby_waits_while_the_leader_renews_the_lease() {
    let server = Server::new();
    let mut first = acquire(&server, "first").await;
    tokio::select! {
        _ = acquire(&server, "second") => panic!("the standby took the Lease from its holder"),
        lost = first.renew() => panic!("{lost}"),
        () = sleep(LEASE_DURATION * 20) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn standby_takes_over_a_released_lease_at_once() {
    let server = Server::new();
    let first = acquire(&server, "first").await;
    let start = Instant::now();
    let ((), _) = futures::join!(first.release(), acquire(&server, "second"));
    assert!(start.elapsed() <= STANDBY_PERIOD, "{:?}", start.elapsed());
    assert_eq!(server.holder().as_deref(), Some("second"));
}

#[tokio::test(start_paused = true)]
async fn leader_keeps_its_lease_when_others_edit_it_or_answers_are_lost() {
    let server = Server::new();
    let mut first = acquire(&server, "first").await;
    let disturb = async {
        for behaviour in [Behaviour::LosesAnswers, Behaviour::Unavailable, Behaviour::Hangs] {
            server.set(behaviour);
            sleep(RETRY_PERIOD * 2).await;
            server.set(Behaviour::Works);
            server.touch_lease();
            sleep(LEASE_DURATION).await;
        }
    };
    tokio::select! {
        lost = first.renew() => panic!("{lost}"),
        () = disturb => {}
    }
}

#[tokio::test(start_paused = true)]
async fn leader_recreates_a_deleted_lease() {
    let server = Server::new();
    let mut first = acquire(&server, "first").await;
    server.delete_lease();
    let _ = timeout(LEASE_DURATION, first.renew()).await;
    assert_eq!(server.holder().as_deref(), Some("first"));
}

#[tokio::test(start_paused = true)]
async fn leader_ends_when_another_process_has_created_a_deleted_lease() {
    let server = Server::new();
    let mut first = acquire(&server, "first").await;
    server.delete_lease();
    let _second = acquire(&server, "second").await;
    let lost = first.renew().await;
    assert!(matches!(lost, LeaseLost::TakenOver { .. }), "{lost}");
}

#[tokio::test(start_paused = true)]
async fn standby_waits_out_the_lease_of_the_leader_it_saw_when_the_lease_is_deleted() {
    let server = Server::new();
    let first = acquire(&server, "first").await;
    let leadership = Leadership::of(std::slice::from_ref(&first));
    let standby = acquire(&server, "second");
    let mut standby = std::pin::pin!(standby);
    assert!(timeout(STANDBY_PERIOD * 3, &mut standby).await.is_err(), "the standby has seen the leader");
    // The leader can no longer reach Kubernetes, and has not noticed that its Lease is gone.
    server.delete_lease();
    let deleted = Instant::now();
    let _second = standby.await;
    assert!(deleted.elapsed() >= LEASE_DURATION, "{:?}", deleted.elapsed());
    assert!(leadership.time_left().is_none(), "two processes lead");
}

#[tokio::test(start_paused = true)]
async fn standby_waits_out_a_renewal_that_it_has_not_seen_when_the_lease_is_deleted() {
    let server = Server::new();
    let mut first = acquire(&server, "first").await;
    let standby = acquire(&server, "second");
    let mut standby = std::pin::pin!(standby);
    // The leader renews for the last time right before the deletion, and the standby does not see it.
    assert!(
        timeout(RENEW_DEADLINE.saturating_sub(STANDBY_PERIOD * 3), &mut standby).await.is_err(),
        "the standby has seen the leader"
    );
    let _ = timeout(RETRY_PERIOD + STANDBY_PERIOD / 2, first.renew()).await;
    server.delete_lease();
    let leadership = Leadership::of(std::slice::from_ref(&first));
    assert!(leadership.time_left().is_some(), "the leader has just renewed");
    let _second = standby.await;
    assert!(leadership.time_left().is_none(), "two processes lead");
}

#[tokio::test(start_paused = true)]
async fn standby_waits_again_when_the_leader_recreates_its_deleted_lease() {
    let server = Server::new();
    let mut first = acquire(&server, "first").await;
    let delete_often = async {
        for _ in 0..20 {
            sleep(LEASE_DURATION / 2).await;
            server.delete_lease();
        }
    };
    tokio::select! {
        _ = acquire(&server, "second") => panic!("the standby took over from a leader that lives"),
        lost = first.renew() => panic!("{lost}"),
        () = delete_often => {}
    }
}

#[tokio::test(start_paused = true)]
async fn standby_counts_the_lease_from_the_answer_and_not_from_its_request() {
    let server = Server::new();
    let mut first = acquire(&server, "first").await;
    let leadership = Leadership::of(std::slice::from_ref(&first));
    let standby = acquire(&server, "second");
    let mut standby = std::pin::pin!(standby);
    // The leader renews for the last time while the first request of the standby is on its way.
    server.set(Behaviour::Slow);
    assert!(timeout(Duration::ZERO, &mut standby).await.is_err());
    server.set(Behaviour::Works);
    let start = Instant::now();
    let _ = timeout(RETRY_PERIOD + Duration::from_millis(1), first.renew()).await;
    let left = leadership.time_left().expect("the leader has just renewed");
    let _second = standby.await;
    assert!(start.elapsed() >= RETRY_PERIOD + left, "it took over after {:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn only_one_of_many_candidates_leads_at_any_time() {
    let server = Server::new();
    let candidates = (0..8).map(|number| {
        let server = server.clone();
        async move {
            let identity = format!("holder-{number}");
            let mut terms = 0;
            let end = Instant::now() + LEASE_DURATION * 40;
            while Instant::now() < end {
                let Ok(mut lease) = timeout(LEASE_DURATION * 40, acquire(&server, &identity)).await else { break };
                let leadership = Leadership::of(std::slice::from_ref(&lease));
                terms += 1;
                // Each leads for another time; some then release the Lease, and some abandon it.
                let _ = timeout(Duration::from_secs(3 + number), lease.renew()).await;
                assert!(leadership.time_left().is_none() || server.holder().as_deref() == Some(&identity), "two processes lead");
                if number % 2 == 0 {
                    lease.release().await;
                }
            }
            terms
        }
    });
    let terms: u32 = futures::future::join_all(candidates).await.into_iter().sum();
    assert!(terms > 20, "{terms} terms");
}
