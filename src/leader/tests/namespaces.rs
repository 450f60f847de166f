//! The Leases of several namespaces.

use std::sync::Mutex;

use tokio::time::sleep;

use super::server::{Behaviour, Server};
use crate::leader::{Candidate, HeldLease, LEASE_DURATION, LeaseState, acquire_each, first_available};

#[tokio::test(start_paused = true)]
async fn a_namespace_that_refuses_its_lease_does_not_block_the_others() {
    let (works, forbids) = (Server::new(), Server::new());
    forbids.set(Behaviour::Forbids);
    let candidates = vec![Candidate::new(forbids.lease("a", "holder")), Candidate::new(works.lease("b", "holder"))];
    let (states, mut held) = (Mutex::new(Vec::new()), Vec::new());
    let note = |lease: &str, state: LeaseState| states.lock().expect("no test panics here").push((lease.to_owned(), state));
    let refused = acquire_each(candidates, &mut held, note).await.expect("no Lease is lost");
    assert_eq!(held.iter().map(HeldLease::namespace).collect::<Vec<_>>(), ["b"]);
    assert_eq!(refused.iter().map(Candidate::namespace).collect::<Vec<_>>(), ["a"]);
    let states = states.into_inner().expect("no test panics here");
    assert!(
        matches!(&states[..], [(a, LeaseState::Unknown(_)), (b, LeaseState::Held)] if a.contains(" a/") && b.contains(" b/")),
        "{states:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_available_lease_is_reported_and_not_acquired() {
    let server = Server::new();
    server.set(Behaviour::Forbids);
    let repair = async {
        sleep(LEASE_DURATION * 4).await;
        server.set(Behaviour::Works);
    };
    let refused = vec![Candidate::new(server.lease("a", "holder"))];
    let (namespace, ()) = futures::join!(first_available(refused), repair);
    assert_eq!((namespace.as_str(), server.holder()), ("a", None));
}
