//! The places in line for one bucket: by class, then fair between namespaces, then by arrival.
//!
//! Namespaces are served in turn by start-time fair queuing: the places of one namespace get ranks one apart, and a namespace
//! that comes later begins at the rank that is being served. So a namespace with a thousand objects delays another one's first
//! object by one request.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::azure::throttle::turn::{Class, Object, Turn};

/// A place that is still unclaimed this long after its estimate is dropped.
const CLAIM_WITHIN: Duration = Duration::from_secs(10);
/// There are at most this many places: the others get an estimate only.
const MAX_PLACES: usize = 50_000;

/// The position in the queue: the urgency, the rank, and the number of the arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Order {
    /// None comes before all classes: a reconcile that has begun is finished first.
    class: Option<Class>,
    rank: u64,
    arrival: u64,
}

#[derive(Debug)]
struct Place {
    object: Object,
    /// The time that its object was given as its turn.
    estimate: Instant,
    since: Instant,
    /// Whether it was called before its estimate.
    is_called: bool,
}

/// The ranks of one class.
#[derive(Debug, Default)]
struct Ranks {
    /// The rank that was served last.
    served: u64,
    /// The last rank of each namespace.
    last: HashMap<String, u64>,
    /// The places of this class.
    places: usize,
}

/// The places in line for one bucket.
#[derive(Debug, Default)]
pub(super) struct Line {
    places: BTreeMap<Order, Place>,
    orders: HashMap<Object, Order>,
    ranks: HashMap<Option<Class>, Ranks>,
    arrivals: u64,
}

impl Line {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The number of places, up to this one.
    pub(super) fn len(&self, most: u32) -> u32 {
        u32::try_from(self.places.len()).map_or(most, |places| places.min(most))
    }

    /// The place of an object, or the one that it would get. A place never becomes less urgent.
    pub(super) fn order(&self, turn: &Turn, has_begun: bool) -> Order {
        let class = (!has_begun).then_some(turn.class);
        if let Some(order) = self.orders.get(&turn.object).filter(|order| order.class <= class) {
            return *order;
        }
        let ranks = self.ranks.get(&class);
        let last = ranks.and_then(|ranks| ranks.last.get(&turn.object.namespace)).copied().unwrap_or_default();
        let served = ranks.map(|ranks| ranks.served).unwrap_or_default();
        Order { class, rank: last.max(served) + 1, arrival: self.arrivals + 1 }
    }

    /// How many places are before this one, up to a number. Unclaimed ones that are overdue are dropped.
    pub(super) fn ahead(&mut self, of: Order, most: u32, now: Instant) -> u32 {
        let is_expired = |place: &Place| now.saturating_duration_since(place.estimate) > CLAIM_WITHIN;
        let counted = self.places.range(..of).take(usize::try_from(most).unwrap_or(usize::MAX));
        let (mut ahead, mut expired) = (0, Vec::new());
        for (order, place) in counted {
            if is_expired(place) { expired.push(*order) } else { ahead += 1 }
        }
        for order in expired {
            self.remove(order);
        }
        ahead
    }

    /// Keeps a place for an object, with a new estimate. Returns whether it has one.
    pub(super) fn wait(&mut self, object: &Object, order: Order, estimate: Instant, now: Instant) -> bool {
        let before = self.orders.get(object).copied();
        if let Some(place) = before.filter(|before| *before == order).and_then(|order| self.places.get_mut(&order)) {
            (place.estimate, place.is_called) = (estimate, false);
            return true;
        }
        if before.is_none() && self.places.len() >= MAX_PLACES {
            return false;
        }
        let since = before.and_then(|before| self.remove(before)).map_or(now, |place| place.since);
        self.arrivals = self.arrivals.max(order.arrival);
        let ranks = self.ranks.entry(order.class).or_default();
        ranks.places += 1;
        ranks.last.insert(object.namespace.clone(), order.rank);
        self.orders.insert(object.clone(), order);
        self.places.insert(order, Place { object: object.clone(), estimate, since, is_called: false });
        true
    }

    /// An object is served. Returns since when it had waited, if it had a place.
    pub(super) fn serve(&mut self, object: &Object, order: Order) -> Option<Instant> {
        if let Some(ranks) = self.ranks.get_mut(&order.class) {
            ranks.served = ranks.served.max(order.rank);
            let last = ranks.last.entry(object.namespace.clone()).or_default();
            *last = order.rank.max(*last);
        }
        self.leave(object)
    }

    /// An object needs its place no longer. Returns since when it had waited, if it had one.
    pub(super) fn leave(&mut self, object: &Object) -> Option<Instant> {
        let order = self.orders.get(object).copied()?;
        self.remove(order).map(|place| place.since)
    }

    /// The place of an object.
    pub(super) fn place(&self, object: &Object) -> Option<Order> {
        self.orders.get(object).copied()
    }

    /// The estimates of objects that wait for a closed bucket begin when it opens.
    pub(super) fn postpone(&mut self, object: &Object, estimate: Instant) {
        if let Some(place) = self.orders.get(object).and_then(|order| self.places.get_mut(order)) {
            (place.estimate, place.is_called) = (estimate.max(place.estimate), false);
        }
    }

    /// Calls those of the first places, this many, whose turn has come before their estimate.
    pub(super) fn call(&mut self, first: u32, now: Instant, soon: Duration) -> Vec<Object> {
        let by = now + soon;
        let first = self.places.values_mut().take(usize::try_from(first).unwrap_or(usize::MAX));
        first
            .filter(|place| !place.is_called && place.estimate > by)
            .map(|place| {
                (place.is_called, place.estimate) = (true, by);
                place.object.clone()
            })
            .collect()
    }

    /// The number of places of a class.
    pub(super) fn waiting(&self, class: Class) -> usize {
        self.ranks.get(&Some(class)).map_or(0, |ranks| ranks.places)
    }

    fn remove(&mut self, order: Order) -> Option<Place> {
        let place = self.places.remove(&order)?;
        self.orders.remove(&place.object);
        if let Some(ranks) = self.ranks.get_mut(&order.class) {
            ranks.places -= 1;
            // No object of this class is waiting any longer: the next one begins a new queue.
            if ranks.places == 0 {
                self.ranks.remove(&order.class);
            }
        }
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Duration = Duration::from_secs(30);

    /// Class, namespace and name of each.
    type Turns<'a> = &'a [(Class, &'a str, &'a str)];

    fn turn(class: Class, namespace: &str, name: &str) -> Turn {
        let object = Object { namespace: namespace.into(), name: name.into() };
        Turn { class, object, is_resumed: false }
    }

    /// Puts these in line at this time.
    fn line(turns: Turns<'_>, now: Instant) -> Line {
        let mut line = Line::default();
        for (class, namespace, name) in turns {
            let turn = turn(*class, namespace, name);
            let order = line.order(&turn, false);
            assert!(line.wait(&turn.object, order, now + LATER, now));
        }
        line
    }

    fn names(line: &Line) -> String {
        line.places.values().map(|place| place.object.name.as_str()).collect()
    }

    #[test]
    fn line_is_ordered_by_class_then_fair_between_namespaces_then_by_arrival() {
        use Class::{Attach, Change, Deletion, Drift, Resync};
        #[rustfmt::skip]
        let table: [(&str, Turns<'_>, &str); 4] = [
            ("classes",     &[(Resync, "n", "e"), (Drift, "n", "d"), (Attach, "n", "c"), (Change, "n", "b"), (Deletion, "n", "a")], "abcde"),
            ("arrival",     &[(Attach, "n", "a"), (Attach, "n", "b"), (Attach, "n", "c")],                                          "abc"),
            ("namespaces",  &[(Attach, "n", "a"), (Attach, "n", "c"), (Attach, "n", "e"), (Attach, "m", "b"), (Attach, "m", "d")],  "abcde"),
            ("of a class",  &[(Attach, "n", "b"), (Attach, "n", "c"), (Drift, "m", "d"), (Deletion, "n", "a")],                     "abcd"),
        ];
        for (case, turns, expected) in table {
            assert_eq!(names(&line(turns, Instant::now())), expected, "{case}");
        }
    }

    #[test]
    fn namespace_that_comes_later_does_not_catch_up() {
        let now = Instant::now();
        let mut line = line(&[(Class::Attach, "n", "a"), (Class::Attach, "n", "b"), (Class::Attach, "n", "d")], now);
        for name in ["a", "b"] {
            let turn = turn(Class::Attach, "n", name);
            let order = line.order(&turn, false);
            assert_eq!(line.serve(&turn.object, order), Some(now));
        }
        for name in ["c", "e"] {
            let late = turn(Class::Attach, "m", name);
            let order = line.order(&late, false);
            line.wait(&late.object, order, now + LATER, now);
        }
        assert_eq!(names(&line), "dce", "d came first; then they take turns");
    }

    #[test]
    fn place_is_kept_and_becomes_more_urgent_but_not_less() {
        let now = Instant::now();
        let mut line = line(&[(Class::Attach, "n", "a"), (Class::Attach, "n", "b"), (Class::Attach, "n", "c")], now);
        let mut again = |class, has_begun| {
            let turn = turn(class, "n", "c");
            let order = line.order(&turn, has_begun);
            line.wait(&turn.object, order, now + LATER, now + LATER);
            names(&line)
        };
        assert_eq!(again(Class::Attach, false), "abc");
        assert_eq!(again(Class::Resync, false), "abc");
        assert_eq!(again(Class::Deletion, false), "cab");
        assert_eq!(again(Class::Attach, false), "cab");
        assert_eq!(again(Class::Attach, true), "cab", "it has begun: before all classes");
        assert_eq!(line.waiting(Class::Deletion), 0);
        assert_eq!(line.leave(&turn(Class::Attach, "n", "c").object), Some(now), "it has waited since it came");
    }

    #[test]
    fn place_that_is_not_claimed_expires_ten_seconds_after_its_estimate() {
        let now = Instant::now();
        let mut line = line(&[(Class::Attach, "n", "a"), (Class::Attach, "n", "b")], now);
        let last = line.order(&turn(Class::Resync, "n", "z"), false);
        assert_eq!(line.ahead(last, 100, now + LATER + CLAIM_WITHIN), 2);
        assert_eq!(line.ahead(last, 1, now), 1, "no more than asked for");
        assert_eq!(line.ahead(last, 100, now + LATER + CLAIM_WITHIN + Duration::from_millis(1)), 0);
        assert!(line.is_empty() && line.orders.is_empty() && line.ranks.is_empty(), "nothing is left: {line:?}");
    }

    #[test]
    fn first_places_are_called_once_if_their_turn_comes_early() {
        let (now, soon) = (Instant::now(), Duration::from_secs(1));
        let mut line = line(&[(Class::Attach, "n", "a"), (Class::Attach, "n", "b"), (Class::Attach, "n", "c")], now);
        let mut called = |first, at| line.call(first, at, soon).into_iter().map(|one| one.name).collect::<String>();
        assert_eq!(called(2, now), "ab");
        assert_eq!(called(3, now), "c", "the others were called");
        let mut line = self::line(&[(Class::Attach, "n", "a")], now);
        assert_eq!(line.call(1, now + LATER, soon), Vec::new(), "it comes by itself");
    }

    #[test]
    fn object_that_has_left_has_no_place() {
        let now = Instant::now();
        let mut line = line(&[(Class::Attach, "n", "a"), (Class::Attach, "n", "b")], now);
        let gone = turn(Class::Attach, "n", "a").object;
        assert_eq!(line.leave(&gone), Some(now));
        assert_eq!((line.leave(&gone), line.place(&gone)), (None, None));
        assert_eq!((names(&line).as_str(), line.waiting(Class::Attach)), ("b", 1));
    }
}
