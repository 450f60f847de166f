//! A small storm: two hundred attachments at once, with Azure's limits on. It counts and asserts counts, never times.
//!
//! The same harness measures larger ones: `make bench`.

#[path = "storm/figures.rs"]
mod figures;
#[path = "storm/goals.rs"]
mod goals;
#[path = "../benches/scale/harness/mod.rs"]
#[expect(dead_code, reason = "the benchmark has more rows than this")]
mod harness;
#[expect(dead_code, unused_imports, reason = "what the tests of the whole stand on is more than a storm needs")]
mod support;

use std::io::Write;
use std::time::Duration;

use azure_emulator::{Limit, Limits};

use harness::controller::Controller;
use harness::estate::Shape;
use harness::field::Setting;
use harness::row::Row;
use harness::rows::storm;
use harness::stage::{Rules, Stage};
use harness::table::markdown;

const OBJECTS: usize = 200;
const WORKSPACES: usize = 4;
const RESYNC: Duration = Duration::from_mins(5);
/// Azure's limits; the buckets of writes are so small that two hundred attachments have to wait for them.
const LIMITS: Limits = Limits {
    reads: Limit { bucket: 250.0, per_second: 25.0 },
    writes: Limit { bucket: 100.0, per_second: 10.0 },
    deletes: Limit { bucket: 100.0, per_second: 10.0 },
    all_principals: 15.0,
    retry_after: 10,
};

/// A PUT and a GET of its own for each, and shared LISTs for the rest.
const GOAL_REQUESTS: u64 = OBJECTS as u64 * 5 / 2;
const GOAL_THROTTLED: u64 = 0;
const GOAL_FALSE_WORDS: usize = 0;
/// The finalizer's observation, `Attaching`, `Attached`.
const GOAL_STATUSES: u64 = OBJECTS as u64 * 3;

fn operator(stage: &Stage) -> Box<dyn Controller> {
    Box::new(stage.operator(RESYNC, &["--leader-election", "false"]))
}

fn say(row: &Row) {
    let _ = writeln!(
        std::io::stderr(),
        "{}goals: {GOAL_REQUESTS} requests, {GOAL_THROTTLED} × 429, {GOAL_FALSE_WORDS} false failures, {GOAL_STATUSES} status writes\n{:?}\n{:?}\n{:?}",
        markdown(std::slice::from_ref(row)),
        row.requests,
        row.kubernetes,
        row.failures,
    );
}

#[test]
fn a_storm_attaches_each_compute_with_one_write() {
    let rules = Rules { operation: Duration::from_secs(2), limits: Some(LIMITS) };
    let longest = Duration::from_mins(10);
    let shape = Shape::new(OBJECTS, WORKSPACES);
    let setting = Setting { controller: "operator", start: &operator, shape, rules, interval: RESYNC, longest };
    let (_field, row) = storm("storm", setting);
    say(&row);
    assert!(row.finished, "{} of {OBJECTS} are Ready", row.done);
    assert_eq!(row.requests.get("PUT compute"), Some(&(OBJECTS as u64)), "{:?}", row.requests);
    assert_eq!(row.throttled, GOAL_THROTTLED, "{:?}", row.requests);
    assert_eq!(row.sent.deletes, 0, "{:?}", row.requests);
    assert_eq!(row.requests.get("GET operation"), None, "the computes show the success: {:?}", row.requests);
    let sent = row.sent.reads + row.sent.writes;
    assert!(sent <= GOAL_REQUESTS, "{sent} requests: {:?}", row.requests);
    assert_eq!(row.false_words, GOAL_FALSE_WORDS, "{:?}", row.failures);
}
