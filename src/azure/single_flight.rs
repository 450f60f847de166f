//! One request at a time for all callers that need the same answer.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

/// The requests in flight, by what they ask.
///
/// A caller that needs an answer while a request is in flight waits for it, and uses its answer if that is fresh enough;
/// otherwise the next one who waits sends another request. A request is sent by one of those who ask, so it ends with its sender;
/// then the next one sends it again. The last waiter removes the entry.
#[derive(Debug)]
pub(super) struct SingleFlight<K: Eq + Hash, T, E> {
    slots: Mutex<HashMap<K, Slot<T, E>>>,
    /// Which failures are the answer of all who wait: others concern their sender only.
    is_shared: fn(&E) -> bool,
}

type Slot<T, E> = Arc<AsyncMutex<Option<Landed<T, E>>>>;

/// The answer to a request that has ended, for those who waited for it.
#[derive(Debug)]
struct Landed<T, E> {
    began: Instant,
    ended: Instant,
    answer: Result<T, E>,
}

impl<T, E> Landed<T, E> {
    /// Whether it answers a caller that asked at this time, and accepts a request that began at `not_before`.
    ///
    /// A failure is the answer of all who waited for it, however fresh an answer they need.
    fn answers(&self, asked: Instant, not_before: Instant) -> bool {
        self.began >= not_before || (self.answer.is_err() && self.ended >= asked)
    }
}

/// A place among those who wait. It removes the entry when it is the last one.
struct Place<'a, K: Eq + Hash, T, E> {
    flights: &'a SingleFlight<K, T, E>,
    key: &'a K,
    /// None while it is being dropped.
    slot: Option<Slot<T, E>>,
}

impl<K: Eq + Hash, T, E> Drop for Place<'_, K, T, E> {
    fn drop(&mut self) {
        let mut slots = self.flights.slots.lock().expect("no thread panics while it holds the lock");
        // Under the lock: of two that are dropped at once the second one must not count the first.
        drop(self.slot.take());
        if slots.get(self.key).is_some_and(|slot| Arc::strong_count(slot) == 1) {
            slots.remove(self.key);
        }
    }
}

impl<K: Eq + Hash, T, E> SingleFlight<K, T, E> {
    /// None yet.
    pub(super) fn new(is_shared: fn(&E) -> bool) -> Self {
        Self { slots: Mutex::default(), is_shared }
    }
}

impl<K: Eq + Hash + Clone, T: Clone, E: Clone> SingleFlight<K, T, E> {
    /// The answer to a request that began at `not_before` or later: to one that is in flight, or to this one.
    pub(super) async fn run(&self, key: &K, not_before: Instant, request: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let asked = Instant::now();
        let place = self.place(key);
        let mut slot = place.slot.as_ref().expect("it is not being dropped").lock().await;
        if let Some(landed) = slot.as_ref().filter(|landed| landed.answers(asked, not_before)) {
            return landed.answer.clone();
        }
        let began = Instant::now();
        let answer = request.await;
        if answer.as_ref().err().is_none_or(self.is_shared) {
            *slot = Some(Landed { began, ended: Instant::now(), answer: answer.clone() });
        }
        answer
    }

    fn place<'a>(&'a self, key: &'a K) -> Place<'a, K, T, E> {
        let mut slots = self.slots.lock().expect("no thread panics while it holds the lock");
        let slot = slots.entry(key.clone()).or_default().clone();
        Place { flights: self, key, slot: Some(slot) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use futures::future::{join_all, select};

    use super::*;

    /// A server that needs a second for an answer: how many requests it has received by then.
    #[derive(Default)]
    struct Server(AtomicU32);

    impl Server {
        async fn answer(&self) -> Result<u32, &'static str> {
            let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(number)
        }

        async fn fail(&self) -> Result<u32, &'static str> {
            self.answer().await.and(Err("no"))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_ask_at_once_share_one_request() {
        let (flights, server) = (SingleFlight::new(|_| true), Server::default());
        let now = Instant::now();
        let answers = join_all((0..100).map(|_| flights.run(&"key", now, server.answer()))).await;
        assert!(answers.iter().all(|answer| *answer == Ok(1)), "{answers:?}");
        assert!(flights.slots.lock().expect("no thread panics").is_empty(), "the last waiter removed the entry");
        assert_eq!(flights.run(&"key", now, server.answer()).await, Ok(2), "an answer is not kept");
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_later_and_needs_the_current_state_shares_the_next_request() {
        let (flights, server) = (SingleFlight::new(|_| true), Server::default());
        let later = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let asked = Instant::now();
            join_all((0..10).map(|_| flights.run(&"key", asked, server.answer()))).await
        };
        let (first, later) = tokio::join!(flights.run(&"key", Instant::now(), server.answer()), later);
        assert_eq!(first, Ok(1));
        assert!(later.iter().all(|answer| *answer == Ok(2)), "{later:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn failure_is_the_answer_of_all_who_waited() {
        let (flights, server) = (SingleFlight::new(|_| true), Server::default());
        let late = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            flights.run(&"key", Instant::now(), server.fail()).await
        };
        let (first, late) = tokio::join!(flights.run(&"key", Instant::now(), server.fail()), late);
        assert_eq!((first, late, server.0.load(Ordering::Relaxed)), (Err("no"), Err("no"), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn failure_that_concerns_its_sender_is_nobody_elses_answer() {
        let (flights, server) = (SingleFlight::new(|_: &&str| false), Server::default());
        let now = Instant::now();
        let answers = tokio::join!(flights.run(&"key", now, server.fail()), flights.run(&"key", now, server.answer()));
        assert_eq!(answers, (Err("no"), Ok(2)));
    }

    #[test]
    fn the_last_of_several_that_are_dropped_at_once_removes_the_entry() {
        const THREADS: usize = 4;
        let flights = SingleFlight::<_, (), ()>::new(|()| true);
        let together = std::sync::Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..5_000 {
                        let place = flights.place(&"key");
                        together.wait();
                        drop(place);
                        together.wait();
                        assert!(flights.slots.lock().expect("no thread panics").is_empty());
                        together.wait();
                    }
                });
            }
        });
    }

    #[tokio::test(start_paused = true)]
    async fn another_sends_the_request_when_its_sender_is_cancelled() {
        let (flights, server) = (SingleFlight::new(|_| true), Server::default());
        let now = Instant::now();
        let cancelled = Box::pin(flights.run(&"key", now, server.answer()));
        let leader = select(cancelled, Box::pin(tokio::time::sleep(Duration::from_millis(500))));
        let ((), waiting) = tokio::join!(async { drop(leader.await) }, flights.run(&"key", now, server.answer()));
        assert_eq!(waiting, Ok(2));
        assert!(flights.slots.lock().expect("no thread panics").is_empty());
    }
}
