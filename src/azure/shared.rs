//! Answers that are cached, and requested once for all who ask meanwhile.

use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

use crate::azure::cache::{Freshness, TtlCache};
use crate::azure::error::Error;
use crate::azure::single_flight::SingleFlight;

/// Answers to one kind of request, by what is asked.
#[derive(Debug)]
pub(super) struct SharedAnswers<K: Eq + Hash, T> {
    cache: TtlCache<K, Result<T, Error>>,
    flights: SingleFlight<K, T, Error>,
    /// Which answers are cached.
    is_cached: fn(&Result<T, Error>) -> bool,
}

impl<K: Eq + Hash + Clone, T: Clone> SharedAnswers<K, T> {
    /// None yet. An answer expires after `ttl`.
    pub(super) fn new(ttl: Duration, is_cached: fn(&Result<T, Error>) -> bool) -> Self {
        Self { cache: TtlCache::new(ttl), flights: SingleFlight::new(Error::concerns_all), is_cached }
    }

    /// The answer: a cached one, that of a request in flight, or that of this request.
    pub(super) async fn get(
        &self,
        key: &K,
        freshness: Freshness,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if let Some(cached) = self.cache.get(key, freshness) {
            return cached;
        }
        let not_before = self.cache.not_before(key, freshness.max_age());
        let request = async {
            let began = Instant::now();
            let answer = request.await;
            if (self.is_cached)(&answer) {
                self.cache.insert(key, began, answer.clone());
            }
            answer
        };
        // Boxed, since it is in the future of every reader, and most find the answer in the cache.
        self.flights.run(key, not_before, Box::pin(request)).await
    }

    /// Drops the answer, and rejects answers to requests that are in flight. Called before and after a write.
    pub(super) fn invalidate(&self, key: &K) {
        self.cache.invalidate(key);
    }

    /// Drops the answer if it is older than this.
    pub(super) fn expire(&self, key: &K, max_age: Duration) {
        self.cache.expire(key, max_age);
    }
}
