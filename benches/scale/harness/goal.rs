//! The goals of a row, and the conditions without which its figures do not count.

use super::row::Row;
use super::text::figure;

/// A standby waits for so many seconds until the Lease of a killed leader expires (`src/leader/timing.rs`).
const LEASE: f64 = 15.0;
/// Reads at rest may be this part more than one LIST of each workspace in an interval: the intervals of workspaces are spread,
/// and pools are read now and then.
const MORE_READS: f64 = 1.2;
/// The goals of CPU and memory hold from this size on; the start of a process outweighs a few attachments.
const LARGE: usize = 1_000;

/// A limit for a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

/// A figure and what it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    pub what: &'static str,
    pub limit: Limit,
    pub unit: &'static str,
    /// None: the row did not end, so there is no such figure.
    pub found: Option<f64>,
}

impl Goal {
    pub fn is_reached(&self) -> bool {
        match (self.limit, self.found) {
            (Limit::AtMost(limit), Some(found)) => found <= limit,
            (Limit::AtLeast(limit), Some(found)) => found >= limit,
            (_, None) => false,
        }
    }

    /// The goal in words: `time ≤ 121 s`.
    pub fn text(&self) -> String {
        let (sign, limit) = match self.limit {
            Limit::AtMost(limit) => ("≤", limit),
            Limit::AtLeast(limit) => ("≥", limit),
        };
        if matches!(self.limit, Limit::AtMost(0.0)) {
            return format!("no {}", self.what);
        }
        format!("{} {sign} {}{}", self.what, figure(limit), self.unit)
    }

    /// The figure with its unit.
    pub fn shown(&self) -> Option<String> {
        self.found.map(|found| format!("{}{}", figure(found), self.unit))
    }
}

/// The goals of a row, by its kind and size.
pub fn goals(row: &Row) -> Vec<Goal> {
    let seconds = row.finished.then_some(row.seconds);
    let (all, requests) = (number(row.objects), number_of(row.sent.total()));
    let time = |limit: f64| at_most("time", limit, " s", seconds);
    let ended = |what, limit, unit, found: f64| at_most(what, limit, unit, row.finished.then_some(found));
    let bound = row.bound.unwrap_or_default();
    let other = |what, name: &str, limit, unit| at_most(what, limit, unit, row.other(name));
    let cpu = |of_1_000: f64| (row.objects >= LARGE).then(|| ended("CPU", of_1_000 * all / 1_000.0, " s", row.cpu));
    match row.kind.as_str() {
        "principals" => vec![time(1.1 * bound)],
        "storm" => {
            let goals = [time(1.1 * bound), ended("requests", 2.5 * all, "", requests)];
            goals.into_iter().chain(cpu(4.0)).collect()
        }
        "detach" => vec![time(1.1 * bound), ended("requests", 3.5 * all, "", requests)],
        "failover" => failover(row, time),
        "rate" => {
            let rate = row.finished.then(|| all / row.seconds.max(0.001));
            let goal = Goal { what: "rate", limit: Limit::AtLeast(50.0), unit: " attachments/s", found: rate };
            (row.objects >= LARGE).then_some(goal).into_iter().chain(cpu(3.0)).collect()
        }
        "memory" => memory(row),
        "rest" | "rest-few" => rest(row),
        "restart" => vec![
            time(15.0),
            ended("requests", 1.2 * number(row.pages), "", requests),
            ended("status writes", 0.0, "", number_of(row.statuses())),
            ended("events", 0.0, "", number_of(row.events())),
        ],
        "latency" => vec![other("p50", "p50, ms", 20.0, " ms"), other("p99", "p99, ms", 100.0, " ms")],
        "change" => vec![other("longest", "longest, s", 2.0, " s")],
        "silent-roles" | "silent-pool" => vec![other("time with / without the silent workspace", "with / without", 1.2, "")],
        "drift" => vec![time(1.1 * row.interval + row.operation)],
        _ => Vec::new(),
    }
}

fn failover(row: &Row, time: impl Fn(f64) -> Goal) -> Vec<Goal> {
    let kills = row.other("kills").unwrap_or_default();
    vec![
        time(1.1 * row.bound.unwrap_or_default() + kills * LEASE),
        at_most("leaks", 0.0, "", row.other("leaks")),
        at_most("PUTs beyond one for each compute", kills, "", row.other("PUTs beyond one")),
    ]
}

fn memory(row: &Row) -> Vec<Goal> {
    let limit = match row.objects {
        0 => 18.0,
        1_000 => 28.0,
        10_000 => 64.0,
        _ => return Vec::new(),
    };
    let names = [("at rest", "at rest, MiB"), ("at rest after a restart", "at rest after a restart, MiB")];
    names.map(|(what, name)| at_most(what, limit, " MiB", row.other(name))).to_vec()
}

fn rest(row: &Row) -> Vec<Goal> {
    let intervals = row.seconds / row.interval.max(1.0);
    let reads = (MORE_READS * number(row.pages) * intervals).ceil();
    let mut goals = vec![
        at_most("reads", reads, "", Some(number_of(row.sent.reads))),
        at_most("writes to Azure", 0.0, "", Some(number_of(row.sent.writes + row.sent.deletes))),
        at_most("writes to Kubernetes", 0.0, "", Some(number_of(row.kubernetes_writes()))),
        at_most("growth of memory", 1.0, " MiB", row.other("growth, MiB")),
    ];
    if row.objects >= LARGE {
        goals.push(at_most("CPU", 1.0, " % of a core", row.other("% of a core")));
    }
    goals
}

/// The conditions that do not hold.
pub fn broken(row: &Row) -> Vec<String> {
    let counts =
        [(row.throttled, "× 429"), (row.errors(), "error answers"), (row.false_words as u64, "objects with a false failure")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    counts.chain((row.profile == "debug").then(|| "debug build".to_owned())).collect()
}

fn at_most(what: &'static str, limit: f64, unit: &'static str, found: Option<f64>) -> Goal {
    Goal { what, limit: Limit::AtMost(limit), unit, found }
}

fn number(count: usize) -> f64 {
    number_of(count as u64)
}

#[expect(clippy::cast_precision_loss, reason = "these counts are small")]
fn number_of(count: u64) -> f64 {
    count as f64
}
