//! A bucket and its queue: which request may be sent now, and when the others may.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::time::Instant;

use crate::azure::throttle::bucket::Bucket;
use crate::azure::throttle::line::Line;
use crate::azure::throttle::turn::{Class, Object, Turn};

/// A request whose permit is available within this time waits for it. Another one gets a place in the queue, so that it holds no
/// worker.
pub(super) const SOON: Duration = Duration::from_secs(1);
/// Objects that waited for a closed bucket try again within this time after it opens, so that they do not all come at once.
const SPREAD: Duration = Duration::from_secs(5);

/// The answer to a request for a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turned {
    /// The permit is taken, and the request may be sent at this time. It may have waited in line since the other.
    Admitted { at: Instant, since: Option<Instant> },
    /// Its turn is expected at this time.
    Queued(Instant),
    /// Azure has closed the bucket: it is worth asking again after this time.
    Closed(Duration),
}

/// A bucket and its queue.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) bucket: Bucket,
    pub(super) line: Line,
}

impl Gate {
    pub(super) fn new(bucket: Bucket) -> Self {
        Self { bucket, line: Line::default() }
    }

    /// Requests a permit. A request without a turn comes last, and gets no place in the queue.
    pub(super) fn ask(&mut self, turn: Option<&Turn>, has_begun: bool, now: Instant) -> Turned {
        self.bucket.refill(now);
        if let Some(left) = self.bucket.closed_for(now) {
            let left = left + turn.map_or(Duration::ZERO, |turn| spread(&turn.object, left));
            if let Some(turn) = turn {
                self.line.postpone(&turn.object, now + left);
            }
            return Turned::Closed(left);
        }
        let most = self.bucket.longest_count();
        let order = turn.map(|turn| self.line.order(turn, has_begun));
        let ahead = match order {
            Some(order) => self.line.ahead(order, most, now),
            None => self.line.len(most),
        };
        let at = self.bucket.available_at(ahead.saturating_add(1), now);
        if at > now + SOON {
            if let Some((turn, order)) = turn.zip(order) {
                self.line.wait(&turn.object, order, at, now);
            }
            return Turned::Queued(at);
        }
        self.bucket.take(now);
        let since = turn.zip(order).and_then(|(turn, order)| self.line.serve(&turn.object, order));
        Turned::Admitted { at, since }
    }

    /// When the turn of a waiting object is expected; none if it has come, or the object has no place.
    pub(super) fn turn_of(&mut self, object: &Object, now: Instant) -> Option<Instant> {
        let order = self.line.place(object)?;
        self.bucket.refill(now);
        let ahead = self.line.ahead(order, self.bucket.longest_count(), now);
        let at = self.bucket.available_at(ahead.saturating_add(1), now);
        if at <= now + SOON {
            return None;
        }
        self.line.wait(object, order, at, now);
        Some(at)
    }

    /// Objects whose turn has come earlier than expected.
    pub(super) fn call(&mut self, now: Instant) -> Vec<Object> {
        if self.line.is_empty() {
            return Vec::new();
        }
        self.bucket.refill(now);
        let first = self.bucket.available_within(SOON, now).min(self.bucket.longest_count());
        self.line.call(first, now, SOON)
    }

    /// The number of objects that wait, by class.
    pub(super) fn waiting(&self) -> [usize; Class::ALL.len()] {
        Class::ALL.map(|class| self.line.waiting(class))
    }
}

/// By how much later than others an object requests a permit again: it is constant for an object.
fn spread(object: &Object, pause: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    object.hash(&mut hasher);
    let parts = u32::try_from(hasher.finish() % 1_000).unwrap_or_default();
    (pause / 10).min(SPREAD) * parts / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::throttle::limits::{Limit, Share};

    fn gate(now: Instant) -> Gate {
        Gate::new(Bucket::new(Limit::Refilled { burst: 200.0, per_second: 10.0 }, Share::default(), now))
    }

    fn turn(class: Class, number: usize) -> Turn {
        let object = Object { namespace: "n".into(), name: format!("{number:03}") };
        Turn { class, object, is_resumed: false }
    }

    /// The result: milliseconds until it may be sent, or until its turn.
    fn asked(gate: &mut Gate, turn: &Turn, now: Instant) -> Result<u128, u128> {
        match gate.ask(Some(turn), false, now) {
            Turned::Admitted { at, .. } => Ok((at - now).as_millis()),
            Turned::Queued(at) => Err((at - now).as_millis()),
            Turned::Closed(left) => panic!("closed for {left:?}"),
        }
    }

    #[test]
    fn burst_is_admitted_then_a_second_ahead_then_there_is_a_line() {
        let now = Instant::now();
        let mut gate = gate(now);
        let found: Vec<_> = (0..23).map(|number| asked(&mut gate, &turn(Class::Attach, number), now)).collect();
        assert_eq!(found[..10], [Ok(0); 10]);
        assert_eq!([found[10], found[19]], [Ok(100), Ok(1_000)]);
        assert_eq!([found[20], found[22]], [Err(1_100), Err(1_300)]);
    }

    #[test]
    fn object_that_comes_back_is_admitted_when_its_position_is_within_a_second() {
        let now = Instant::now();
        let mut gate = gate(now);
        for number in 0..40 {
            let _ = asked(&mut gate, &turn(Class::Attach, number), now);
        }
        // The line has twenty objects: 20 to 39. Object 30 is the eleventh of them, and a second is taken ahead.
        let (at, one) = (|ms| now + Duration::from_millis(ms), turn(Class::Attach, 30));
        assert_eq!(asked(&mut gate, &one, at(500)), Err(1_600), "the estimate holds");
        assert_eq!(gate.turn_of(&one.object, at(1_000)), Some(at(2_100)));
        assert_eq!(gate.turn_of(&one.object, at(1_100)), None);
        let Turned::Admitted { since, .. } = gate.ask(Some(&one), false, at(1_100)) else { panic!("its turn has come") };
        assert_eq!(since, Some(now));
        assert_eq!(gate.turn_of(&one.object, at(1_200)), None, "it has no place any longer");
    }

    #[test]
    fn more_urgent_object_is_served_before_all_that_wait() {
        let now = Instant::now();
        let mut gate = gate(now);
        for number in 0..60 {
            let _ = asked(&mut gate, &turn(Class::Resync, number), now);
        }
        assert_eq!(asked(&mut gate, &turn(Class::Deletion, 99), now), Err(1_100));
        let later = now + Duration::from_millis(200);
        assert_eq!(asked(&mut gate, &turn(Class::Deletion, 99), later), Ok(900));
        assert!(matches!(gate.ask(Some(&turn(Class::Resync, 59)), true, later), Turned::Admitted { .. } | Turned::Queued(_)));
        assert!(
            matches!(gate.ask(None, false, later), Turned::Queued(at) if at > later + Duration::from_secs(3)),
            "it comes last"
        );
    }

    #[test]
    fn those_whose_turn_comes_early_are_called() {
        let now = Instant::now();
        let mut gate = gate(now);
        for number in 0..300 {
            let _ = asked(&mut gate, &turn(Class::Attach, number), now);
        }
        assert_eq!(gate.call(now), Vec::new());
        let number = gate.bucket.send();
        gate.bucket.answered(number, Some(199), now);
        // 199 remain, of which 19 are taken for requests that are not sent; ten more come back within a second.
        assert_eq!(gate.call(now).len(), 190);
        assert_eq!(gate.call(now), Vec::new(), "each is called once");
    }

    #[test]
    fn closed_bucket_admits_nobody_early_and_not_all_at_once() {
        let (now, pause) = (Instant::now(), Duration::from_secs(10));
        let mut gate = gate(now);
        gate.bucket.close(pause, now);
        let left: Vec<_> = (0..50)
            .map(|number| match gate.ask(Some(&turn(Class::Attach, number)), false, now) {
                Turned::Closed(left) => left,
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(left.iter().all(|left| *left >= pause && *left <= pause + pause / 10), "{left:?}");
        assert!(left.iter().collect::<std::collections::BTreeSet<_>>().len() > 25, "{left:?}");
        assert_eq!(gate.ask(None, false, now), Turned::Closed(pause));
        assert_eq!(gate.call(now), Vec::new());
    }
}
