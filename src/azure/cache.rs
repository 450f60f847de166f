//! Answers of Azure that several readers share for a while.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

/// How old an answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// The request is sent after the call began. A write needs this.
    Now,
    /// The same, over a new connection. A write that depends on an absence needs this: a connection
    /// that is kept alive leads to the same front end of Azure each time, which may be behind.
    NowOnNewConnection,
    /// A cached answer may be this old. It is enough for what is read again before a write.
    Within(Duration),
}

impl Freshness {
    /// The same, but accepts no answer that is older than this.
    #[must_use]
    pub fn at_most(self, age: Duration) -> Self {
        match self {
            Self::Now | Self::NowOnNewConnection => self,
            Self::Within(longer) => Self::Within(longer.min(age)),
        }
    }

    /// The same, but accepts an answer that is this old, unless the current state is needed.
    #[must_use]
    pub fn at_least(self, age: Duration) -> Self {
        match self {
            Self::Now | Self::NowOnNewConnection => self,
            Self::Within(shorter) => Self::Within(shorter.max(age)),
        }
    }

    /// How old an answer to another request may be.
    pub(super) const fn max_age(self) -> Duration {
        match self {
            Self::Now | Self::NowOnNewConnection => Duration::ZERO,
            Self::Within(age) => age,
        }
    }
}

/// A cache has at most this many entries; the oldest is evicted first.
const MAX_ENTRIES: usize = 10_000;

/// A bounded cache whose entries expire.
///
/// An entry has the time at which its request began. An answer to a request that began before a write does not enter
/// the cache after that write: [`TtlCache::invalidate`] leaves an entry without a value, which rejects it.
///
/// Entries are removed when they have expired, even if there are no further requests.
#[derive(Debug)]
pub(super) struct TtlCache<K, V> {
    ttl: Duration,
    max_entries: usize,
    entries: Arc<Mutex<Entries<K, V>>>,
}

/// The age of an entry; the number distinguishes entries of the same instant.
type Age = (Instant, u64);

#[derive(Debug)]
struct Entries<K, V> {
    by_key: HashMap<K, (Age, Option<V>)>,
    /// The same entries, oldest first, so that an eviction does not search.
    by_age: BTreeMap<Age, K>,
    inserted: u64,
    /// Whether a task waits until they expire.
    is_swept: bool,
}

impl<K: Eq + Hash + Clone, V> Entries<K, V> {
    fn insert(&mut self, key: K, began: Instant, value: Option<V>) {
        self.inserted += 1;
        let age = (began, self.inserted);
        self.by_age.insert(age, key.clone());
        if let Some((replaced, _)) = self.by_key.insert(key, (age, value)) {
            self.by_age.remove(&replaced);
        }
    }

    fn evict_while(&mut self, is_evicted: impl Fn(usize, Instant) -> bool) {
        while let Some(((began, _), _)) = self.by_age.first_key_value()
            && is_evicted(self.by_key.len(), *began)
            && let Some((_, key)) = self.by_age.pop_first()
        {
            self.by_key.remove(&key);
        }
        if self.by_key.is_empty() {
            // After thousands of entries.
            self.by_key.shrink_to_fit();
        }
    }

    /// Evicts expired entries. Returns when the next entry expires, if there is one.
    fn sweep(&mut self, ttl: Duration) -> Option<Instant> {
        let now = Instant::now();
        self.evict_while(|_, began| now.saturating_duration_since(began) > ttl);
        let next = self.by_age.first_key_value().map(|((began, _), _)| *began + ttl);
        self.is_swept = next.is_some();
        next
    }
}

/// Evicts the entries of a cache as they expire, until it is empty or gone.
async fn sweep<K: Eq + Hash + Clone, V>(entries: Weak<Mutex<Entries<K, V>>>, ttl: Duration) {
    loop {
        let Some(entries) = entries.upgrade() else { return };
        let next = entries.lock().expect("no thread panics while it holds the lock").sweep(ttl);
        drop(entries);
        let Some(next) = next else { return };
        // A millisecond later, since the clock of timers is no finer; and not for each entry.
        tokio::time::sleep_until(next + (ttl / 10).max(Duration::from_millis(1))).await;
    }
}

impl<K: Eq + Hash + Clone + Send + 'static, V: Clone + Send + 'static> TtlCache<K, V> {
    /// An empty cache. An entry expires after `ttl`, even for a reader that accepts an older one.
    pub(super) fn new(ttl: Duration) -> Self {
        let entries = Entries { by_key: HashMap::new(), by_age: BTreeMap::new(), inserted: 0, is_swept: false };
        Self { ttl, max_entries: MAX_ENTRIES, entries: Arc::new(Mutex::new(entries)) }
    }

    /// The cached answer, if it is fresh enough.
    pub(super) fn get(&self, key: &K, freshness: Freshness) -> Option<V> {
        let Freshness::Within(max_age) = freshness else { return None };
        let entries = self.entries.lock().expect("no thread panics while it holds the lock");
        let ((began, _), value) = entries.by_key.get(key)?;
        value.clone().filter(|_| began.elapsed() <= max_age.min(self.ttl))
    }

    /// When a request must have begun at the earliest, so that its answer is no older than this and shows the last write.
    pub(super) fn not_before(&self, key: &K, max_age: Duration) -> Instant {
        let now = Instant::now();
        let oldest = now.checked_sub(max_age).unwrap_or(now);
        self.after_write(key).map_or(oldest, |written| oldest.max(written))
    }

    /// The first instant after the last write, unless a newer answer is known or the write is longer ago than answers are cached.
    pub(super) fn after_write(&self, key: &K) -> Option<Instant> {
        let entries = self.entries.lock().expect("no thread panics while it holds the lock");
        let ((began, _), value) = entries.by_key.get(key)?;
        value.is_none().then(|| *began + Duration::from_nanos(1))
    }

    /// Caches the answer to a request that began at this time, unless a newer answer or a later write is known.
    pub(super) fn insert(&self, key: &K, began: Instant, value: V) {
        self.put(key, began, Some(value));
    }

    /// Drops the answer, and rejects answers to requests that are in flight. Called before and after a write.
    pub(super) fn invalidate(&self, key: &K) {
        self.put(key, Instant::now(), None);
    }

    /// Drops the answer if it is older than this.
    pub(super) fn expire(&self, key: &K, max_age: Duration) {
        let entries = self.entries.lock().expect("no thread panics while it holds the lock");
        let is_older = entries.by_key.get(key).is_some_and(|((began, _), _)| began.elapsed() > max_age);
        drop(entries);
        if is_older {
            self.invalidate(key);
        }
    }

    fn put(&self, key: &K, began: Instant, value: Option<V>) {
        let now = Instant::now();
        let is_expired = |began: Instant| now.saturating_duration_since(began) > self.ttl;
        let mut entries = self.entries.lock().expect("no thread panics while it holds the lock");
        let is_outdated = entries.by_key.get(key).is_some_and(|((known, _), known_value)| {
            *known > began || (*known == began && known_value.is_none() && value.is_some())
        });
        if is_outdated || is_expired(began) {
            return;
        }
        entries.insert(key.clone(), began, value);
        entries.evict_while(|entries, _| entries > self.max_entries);
        if !entries.is_swept
            && let Ok(runtime) = Handle::try_current()
        {
            entries.is_swept = true;
            runtime.spawn(sweep(Arc::downgrade(&self.entries), self.ttl));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_mins(1);
    const CACHED: Freshness = Freshness::Within(TTL);

    #[test]
    fn answer_to_a_request_that_began_before_a_write_is_not_cached() {
        let (cache, before) = (TtlCache::new(TTL), Instant::now());
        cache.insert(&1, before, "before");
        assert_eq!(cache.get(&1, CACHED), Some("before"));
        cache.invalidate(&1);
        assert_eq!(cache.get(&1, CACHED), None);
        cache.insert(&1, before, "in flight during the write");
        assert_eq!(cache.get(&1, CACHED), None);
        cache.insert(&1, Instant::now() + Duration::from_millis(1), "after");
        assert_eq!(cache.get(&1, CACHED), Some("after"));
    }

    #[test]
    fn answer_does_not_replace_a_newer_one() {
        let (cache, now) = (TtlCache::new(TTL), Instant::now());
        cache.insert(&1, now, "newer");
        cache.insert(&1, now.checked_sub(Duration::from_millis(1)).expect("an instant"), "older");
        assert_eq!(cache.get(&1, CACHED), Some("newer"));
    }

    #[tokio::test(start_paused = true)]
    async fn entry_expires_for_every_reader_and_leaves_the_memory() {
        let cache = TtlCache::new(TTL);
        cache.insert(&1, Instant::now(), ());
        tokio::time::advance(TTL).await;
        assert_eq!(cache.get(&1, Freshness::Within(TTL / 2)), None, "older than this reader accepts");
        assert_eq!(cache.get(&1, Freshness::Within(TTL * 2)), Some(()));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(cache.get(&1, Freshness::Within(TTL * 2)), None, "expired");
        let kept = || cache.entries.lock().expect("no thread panics").by_key.len();
        cache.insert(&2, Instant::now(), ());
        tokio::time::sleep(TTL / 5).await;
        assert_eq!(kept(), 1, "the first one has expired");
        tokio::time::sleep(TTL).await;
        assert_eq!(kept(), 0);
        cache.insert(&3, Instant::now(), ());
        tokio::time::sleep(TTL * 2).await;
        assert_eq!(kept(), 0, "the cache was empty before");
    }

    #[test]
    fn oldest_entry_is_evicted_first_and_now_is_never_served() {
        let cache = TtlCache { max_entries: 3, ..TtlCache::new(TTL) };
        let now = Instant::now();
        for key in [2, 0, 1, 3] {
            cache.insert(&key, now + Duration::from_millis(key), ());
        }
        let cached: Vec<_> = (0..4).map(|key| cache.get(&key, CACHED).is_some()).collect();
        assert_eq!(cached, [false, true, true, true]);
        assert_eq!(cache.get(&1, Freshness::Now), None);
        let entries = cache.entries.lock().expect("no thread panics");
        assert_eq!((entries.by_key.len(), entries.by_age.len()), (3, 3));
    }
}
