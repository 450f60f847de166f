//! How long a write to Azure may take.

use std::time::Duration;

use tokio::time::{Instant, advance, timeout_at};

use super::acquire;
use super::server::{Behaviour, Server};
use crate::leader::{LEASE_DURATION, Leadership, RENEW_DEADLINE, RETRY_PERIOD};

#[tokio::test(start_paused = true)]
async fn a_write_has_time_until_another_process_can_take_the_lease_over() {
    let server = Server::new();
    let lease = acquire(&server, "first").await;
    let leadership = Leadership::of(std::slice::from_ref(&lease));
    assert_eq!(leadership.time_left(), Some(LEASE_DURATION));
    advance(RETRY_PERIOD).await;
    assert_eq!(leadership.time_left(), Some(LEASE_DURATION.saturating_sub(RETRY_PERIOD)));
}

#[tokio::test(start_paused = true)]
async fn no_write_starts_after_the_renew_deadline() {
    let server = Server::new();
    let lease = acquire(&server, "first").await;
    let leadership = Leadership::of(std::slice::from_ref(&lease));
    advance(RENEW_DEADLINE).await;
    assert_eq!(leadership.time_left(), None);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_extends_the_deadline_of_writes() {
    let server = Server::new();
    let mut lease = acquire(&server, "first").await;
    let leadership = Leadership::of(std::slice::from_ref(&lease));
    let _ = tokio::time::timeout(RETRY_PERIOD + Duration::from_millis(1), lease.renew()).await;
    assert_eq!(leadership.time_left(), Some(LEASE_DURATION.saturating_sub(Duration::from_millis(1))));
}

#[tokio::test(start_paused = true)]
async fn the_lease_that_expires_first_limits_a_write() {
    let (one, other) = (Server::new(), Server::new());
    let first = acquire(&one, "holder").await;
    advance(RETRY_PERIOD).await;
    let second = acquire(&other, "holder").await;
    let leadership = Leadership::of(&[first, second]);
    assert_eq!(leadership.time_left(), Some(LEASE_DURATION.saturating_sub(RETRY_PERIOD)));
}

#[tokio::test(start_paused = true)]
async fn without_leader_election_a_write_has_no_limit() {
    assert_eq!(Leadership::of(&[]).time_left(), Some(Duration::MAX));
}

#[tokio::test(start_paused = true)]
async fn a_write_ends_before_a_standby_takes_over() {
    let server = Server::new();
    let mut first = acquire(&server, "first").await;
    let leadership = Leadership::of(std::slice::from_ref(&first));
    // The latest write that is allowed begins right before the renew deadline, and Azure does not answer.
    server.set(Behaviour::Unavailable);
    let _ = tokio::time::timeout(RENEW_DEADLINE.saturating_sub(Duration::from_millis(1)), first.renew()).await;
    let left = leadership.time_left().expect("the process still leads");
    server.set(Behaviour::Works);
    let write = async {
        let _ = timeout_at(Instant::now() + left, std::future::pending::<()>()).await;
        Instant::now()
    };
    let standby = async {
        let _lease = acquire(&server, "second").await;
        Instant::now()
    };
    let (ended, taken_over) = futures::join!(write, standby);
    assert!(ended < taken_over, "{:?}", ended.duration_since(taken_over));
}
