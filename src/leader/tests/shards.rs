//! Shards of some subscriptions next to a default shard, or to an operator for all subscriptions.

use std::sync::{Arc, Mutex};

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::server::{Behaviour, Server};
use super::{acquire, lead};
use crate::leader::timing::{REQUEST_TIMEOUT, STANDBY_PERIOD};
use crate::leader::{
    Candidate, DefaultShardLease, HeldLease, LEASE_DURATION, Leadership, LeaseState, Peers, RENEW_DEADLINE, RETRY_PERIOD,
    acquire_each,
};

fn ids(text: &str) -> Vec<String> {
    text.split_whitespace().map(ToOwned::to_owned).collect()
}

/// Waits until a default shard that excludes these subscriptions leads.
async fn default_shard(server: &Arc<Server>, identity: &str, except: &str) -> HeldLease {
    default_shard_in(server, "kube-system", identity, except).await
}

async fn default_shard_in(server: &Arc<Server>, namespace: &str, identity: &str, except: &str) -> HeldLease {
    let lease = || server.lease(namespace, identity).excluding(&ids(except));
    let mut own = standby_in(server, namespace, identity, except).await;
    Peers::new(lease()).lead(&mut own, |_, _| {}).await.expect("it keeps its Lease");
    own
}

/// Waits until a default shard that excludes these subscriptions holds the Lease of its namespace, without leading.
async fn standby_in(server: &Arc<Server>, namespace: &str, identity: &str, except: &str) -> HeldLease {
    let lease = server.lease(namespace, identity).excluding(&ids(except));
    let candidate = Candidate::new(lease.of_cluster_wide_operator());
    candidate.acquire(None, |_, _| {}).await.unwrap_or_else(|_| panic!("a candidate without a limit to its patience waits"))
}

fn shard(server: &Arc<Server>, subscriptions: &str) -> DefaultShardLease {
    DefaultShardLease::new(server.lease("kube-system", "shard"), &ids(subscriptions))
}

/// Why a shard waits; none if it may work.
async fn why_waits(shard: &DefaultShardLease) -> Option<String> {
    let states = Mutex::new(Vec::new());
    let note = |_: &str, state: LeaseState| states.lock().expect("no test panics here").push(state);
    if timeout(STANDBY_PERIOD * 3, shard.wait_until_excluded(note)).await.is_ok() {
        return None;
    }
    match &states.into_inner().expect("no test panics here")[..] {
        [LeaseState::Overlap(why)] => Some(why.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_shard_works_only_if_the_default_shard_excludes_all_its_subscriptions() {
    #[rustfmt::skip]
    let table = [
        (None,        "a",   Some("does not exist: start a default shard with --watch-subscriptions-except=a")),
        (Some(""),    "a",   Some("the default shard does not exclude a: rest of the Lease kube-system/synapse-spark-operator manages all subscriptions;")),
        (Some("b"),   "a",   Some("manages all subscriptions except b;")),
        (Some("a"),   "a b", Some("the default shard does not exclude b:")),
        (Some("a b"), "a",   None),
        (Some("a b"), "a b", None),
    ];
    for (except, subscriptions, why) in table {
        let server = Server::new();
        if let Some(except) = except {
            drop(default_shard(&server, "rest", except).await);
        }
        let waits = why_waits(&shard(&server, subscriptions)).await;
        assert_eq!(waits.is_some(), why.is_some(), "{except:?}, {subscriptions}: {waits:?}");
        assert!(waits.unwrap_or_default().contains(why.unwrap_or_default()), "{except:?}, {subscriptions}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shard_works_on_while_no_default_shard_runs() {
    let server = Server::new();
    default_shard(&server, "rest", "a").await.release().await;
    let shard = shard(&server, "a");
    assert_eq!(why_waits(&shard).await, None);
    let leadership = Leadership::of(&[]).while_excluded_by(&shard);
    assert!(timeout(LEASE_DURATION * 4, shard.wait_until_included()).await.is_err(), "it still is excluded");
    assert!(leadership.time_left().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_shard_ends_within_a_retry_period_when_another_operator_includes_it() {
    let server = Server::new();
    default_shard(&server, "rest", "a").await.release().await;
    let shard = shard(&server, "a");
    assert_eq!(why_waits(&shard).await, None);
    let all = acquire(&server, "all").await;
    let start = Instant::now();
    let why = timeout(LEASE_DURATION, shard.wait_until_included()).await.expect("it notices");
    assert!(start.elapsed() <= RETRY_PERIOD, "{:?}", start.elapsed());
    assert!(why.contains("all of the Lease kube-system/synapse-spark-operator manages all subscriptions;"), "{why}");
    drop(all);
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_includes_more_works_only_when_a_frozen_shard_cannot_write_any_longer() {
    for (except, must_wait) in [("", true), ("b", true), ("a b", false), ("a b c", false)] {
        let server = Server::new();
        default_shard(&server, "rest", "a b").await.release().await;
        let shard = shard(&server, "a b");
        assert_eq!(why_waits(&shard).await, None);
        let leadership = Leadership::of(&[]).while_excluded_by(&shard);
        let next = default_shard(&server, "next", except).await;
        assert!(leadership.time_left().is_some(), "it has not checked again yet");
        let begins_at = next.begins_at();
        assert_eq!(begins_at.is_some(), must_wait, "{except:?}");
        if let Some(at) = begins_at {
            sleep_until(at).await;
            assert_eq!(leadership.time_left(), None, "{except:?}");
            assert_eq!(next.begins_at(), None, "{except:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_includes_more_waits_even_if_the_answer_to_its_acquisition_was_lost() {
    let server = Server::new();
    default_shard(&server, "rest", "a").await.release().await;
    let candidate = Candidate::new(server.lease("kube-system", "all"));
    let lose = async {
        // Its first attempt reads the Lease; the answer to its write is lost.
        server.set_after_reads(Behaviour::LosesAnswers, 1);
        sleep(STANDBY_PERIOD / 2).await;
        assert_eq!(server.holder().as_deref(), Some("all"));
        server.set(Behaviour::Works);
    };
    let (held, ()) = futures::join!(candidate.acquire(None, |_, _| {}), lose);
    assert!(held.unwrap_or_else(|_| panic!("it waits")).begins_at().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_left_to_expire_while_a_shard_may_still_write() {
    let server = Server::new();
    default_shard(&server, "rest", "a").await.release().await;
    acquire(&server, "all").await.release().await;
    assert_eq!(server.holder().as_deref(), Some("all"), "the next holder could not see that a shard may still write");
    let again = acquire(&server, "again").await;
    again.release().await;
    assert_eq!(server.holder(), None);
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_cannot_check_stops_at_the_renew_deadline() {
    for behaviour in [Behaviour::Hangs, Behaviour::Unavailable, Behaviour::Forbids] {
        let server = Server::new();
        default_shard(&server, "rest", "a").await.release().await;
        let shard = shard(&server, "a");
        assert_eq!(why_waits(&shard).await, None);
        let leadership = Leadership::of(&[]).while_excluded_by(&shard);
        server.set(behaviour);
        let why = timeout(RENEW_DEADLINE + REQUEST_TIMEOUT, shard.wait_until_included()).await.expect("it stops");
        assert!(why.starts_with("cannot read the Lease kube-system/synapse-spark-operator"), "{behaviour:?}: {why}");
        assert_eq!(leadership.time_left(), None, "{behaviour:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_for_some_namespaces_waits_while_there_are_shards() {
    let server = Server::new();
    default_shard(&server, "rest", "a").await.release().await;
    let mut some = Peers::new(server.lease("team-a", "some"));
    let states = Mutex::new(Vec::new());
    let note = |_: &str, state: LeaseState| states.lock().expect("no test panics here").push(state);
    let free = timeout(LEASE_DURATION * 4, some.wait_until_none_leads(note)).await;
    assert!(free.is_err(), "shards work although no default shard holds the Lease");
    let states = states.into_inner().expect("no test panics here");
    assert!(matches!(&states[..], [LeaseState::HeldBy(who)] if who.contains("shards for a")), "{states:?}");
    server.delete_lease();
    timeout(LEASE_DURATION, some.wait_until_none_leads(|_, _| {})).await.expect("the Lease is gone");
}

#[tokio::test(start_paused = true)]
async fn a_standby_is_told_apart_from_an_overlap() {
    for (theirs, own, overlaps) in [("", "", false), ("a", "a", false), ("", "a", true), ("a", "", true), ("a", "a b", true)] {
        let server = Server::new();
        let mut leader = default_shard(&server, "leader", theirs).await;
        let states = Mutex::new(Vec::new());
        let note = |_: &str, state: LeaseState| states.lock().expect("no test panics here").push(state);
        let standby = Candidate::new(server.lease("kube-system", "standby").excluding(&ids(own)));
        tokio::select! {
            _ = standby.acquire(None, note) => panic!("the Lease is held"),
            lost = leader.renew() => panic!("{lost}"),
            () = sleep(LEASE_DURATION * 2) => {}
        }
        let states = states.into_inner().expect("no test panics here");
        let is_overlap = matches!(&states[..], [LeaseState::Overlap(why)] if why.starts_with("leader manages all subscriptions"));
        assert_eq!(is_overlap, overlaps, "{theirs:?}, {own:?}: {states:?}");
        assert!(overlaps || states == [LeaseState::HeldBy("leader".into())], "{states:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_leases_of_a_shard_are_acquired_before_it_works() {
    let (works, forbids) = (Server::new(), Server::new());
    forbids.set(Behaviour::Forbids);
    let subscriptions = ids("a b");
    let of =
        |server: &Arc<Server>, id: &str| Candidate::new(server.lease("kube-system", "shard").of_subscription(id, &subscriptions));
    let mut held = Vec::new();
    let candidates = vec![of(&works, "b"), of(&forbids, "a")];
    let acquired = timeout(LEASE_DURATION * 4, acquire_each(candidates, &mut held, |_, _| {})).await;
    assert!(acquired.is_err(), "the Lease of one subscription is refused");
    assert_eq!(
        (held.len(), works.holder()),
        (0, None),
        "in the order of the names, so that two shards do not wait for each other"
    );
}

#[tokio::test(start_paused = true)]
async fn operator_in_another_namespace_waits_while_a_lease_shows_shards() {
    for except in ["", "a", "a b", "b"] {
        let server = Server::new();
        default_shard(&server, "rest", "a").await.release().await;
        let leads = timeout(LEASE_DURATION * 4, default_shard_in(&server, "elsewhere", "other", except)).await;
        assert!(leads.is_err(), "{except:?}: the shards work on without their default shard");
        server.delete_lease_of("kube-system");
        timeout(LEASE_DURATION * 2, default_shard_in(&server, "elsewhere", "other", except)).await.expect("none is left");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_installations_with_the_same_shard_one_shard_works() {
    let server = Server::new();
    let mut first = default_shard_in(&server, "first", "rest", "a").await;
    let mut second = standby_in(&server, "second", "rest", "a").await;
    let of = |namespace: &str| DefaultShardLease::new(server.lease(namespace, "shard"), &ids("a"));
    let (works, waits) = (of("first"), of("second"));
    assert_eq!(why_waits(&works).await, None);
    let why = tokio::select! {
        why = why_waits(&waits) => why.expect("it waits"),
        lost = first.renew() => panic!("{lost}"),
        lost = second.renew() => panic!("{lost}"),
    };
    assert!(why.contains("the default shard does not exclude a"), "{why}");
    // Nor when the default shard that leads has died: its shards work on.
    drop(first);
    let more = async {
        sleep(LEASE_DURATION * 2).await;
        (why_waits(&works).await, why_waits(&waits).await.is_some())
    };
    let shards = tokio::select! {
        shards = more => shards,
        lost = second.renew() => panic!("{lost}"),
    };
    assert_eq!(shards, (None, true));
}

#[tokio::test(start_paused = true)]
async fn shard_waits_while_an_operator_in_another_namespace_leads() {
    let server = Server::new();
    let mut elsewhere = lead(&server, "elsewhere", "all").await;
    let mut standby = standby_in(&server, "kube-system", "rest", "a").await;
    let shard = shard(&server, "a");
    let why = tokio::select! {
        why = why_waits(&shard) => why.expect("it waits"),
        lost = elsewhere.renew() => panic!("{lost}"),
    };
    assert!(why.contains("the default shard does not exclude a"), "{why}");
    elsewhere.release().await;
    let lease = server.lease("kube-system", "rest").excluding(&ids("a"));
    Peers::new(lease).lead(&mut standby, |_, _| {}).await.expect("it keeps its Lease");
    assert_eq!(why_waits(&shard).await, None);
}
