//! Cached answers, which are requested once for all concurrent callers.

use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

use crate::azure::cache::{Freshness, TtlCache};
use crate::azure::error::Error;
use crate::azure::single_flight::SingleFlight;

/// For this long, a request without an answer is not sent again, unless the current state is needed.
const FAILURE_TTL: Duration = Duration::from_secs(10);
/// Pools, identities, linked services and role assignments change seldom; no reader accepts older answers.
pub(super) const DEPENDENCY_TTL: Duration = Duration::from_hours(1);

/// Whether an answer is valid for longer: a missing permission is rarely granted within minutes.
pub(super) const fn is_conclusive<T>(answer: &Result<T, Error>) -> bool {
    use Error::{Forbidden, Refused, Rejected, SubscriptionNotFound, Unauthenticated};
    matches!(answer, Ok(_) | Err(Unauthenticated(_) | Forbidden(_) | Refused(..) | Rejected(_) | SubscriptionNotFound(_)))
}

/// Answers to one kind of request, by the resource.
#[derive(Debug)]
pub(super) struct SharedAnswers<K: Eq + Hash, T> {
    cache: TtlCache<K, Result<T, Error>>,
    /// Requests that Azure has not answered, so that the next request does not wait as long again.
    failures: TtlCache<K, Error>,
    flights: SingleFlight<K, T, Error>,
    /// Which answers are cached.
    is_cached: fn(&Result<T, Error>) -> bool,
}

impl<K: Eq + Hash + Clone + Send + 'static, T: Clone + Send + 'static> SharedAnswers<K, T> {
    /// Without any answers yet. An answer expires after `ttl`.
    pub(super) fn new(ttl: Duration, is_cached: fn(&Result<T, Error>) -> bool) -> Self {
        let failures = TtlCache::new(FAILURE_TTL);
        Self { cache: TtlCache::new(ttl), failures, flights: SingleFlight::new(Error::concerns_all), is_cached }
    }

    /// The same for what changes seldom. A refusal is cached, too.
    pub(super) fn lasting() -> Self {
        Self::new(DEPENDENCY_TTL, is_conclusive)
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
        if let Some(failure) = self.failures.get(key, freshness) {
            return Err(failure);
        }
        let not_before = self.cache.not_before(key, freshness.max_age());
        let request = async {
            let began = Instant::now();
            let answer = request.await;
            if (self.is_cached)(&answer) {
                self.cache.insert(key, began, answer.clone());
            } else if let Err(failure) = &answer
                && failure.is_no_answer()
            {
                self.failures.insert(key, Instant::now(), failure.clone());
            }
            answer
        };
        // Boxed, since it is in the future of every reader, and most find the answer in the cache.
        self.flights.run(key, not_before, Box::pin(request)).await
    }

    /// Drops the answer, and rejects answers to requests that are in flight. Called before and after a write.
    pub(super) fn invalidate(&self, key: &K) {
        self.cache.invalidate(key);
        self.failures.invalidate(key);
    }

    /// Drops the answer if it is older than this.
    pub(super) fn expire(&self, key: &K, max_age: Duration) {
        self.cache.expire(key, max_age);
    }
}
