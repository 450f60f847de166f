//! The leader is killed while it attaches, and a standby takes over.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use kube::api::Api;

use super::bound::Requests;
use super::controller::leads;
use super::estate::Estate;
use super::field::{Setting, describe, figures};
use super::observer::Observer;
use super::process::{Usage, usage};
use super::row::Row;
use super::stage::Stage;
use super::tally::Tally;
use crate::support::{Operator, poll};

/// The leader is killed when so many of a hundred PUTs were sent.
const KILLED_AT: [usize; 3] = [25, 50, 75];
/// A standby takes over within this time: the lease duration and some more.
const TAKES_OVER_WITHIN: Duration = Duration::from_mins(1);

/// Two operators, and what they used so far.
struct Pair<'a> {
    stage: &'a Stage,
    interval: Duration,
    leader: Operator,
    standby: Operator,
    /// The CPU of those that were killed, and the highest peak.
    used: Usage,
    /// The longest time from a kill until the standby led, in seconds.
    longest: f64,
}

fn replica(stage: &Stage, interval: Duration, number: usize) -> Operator {
    stage.operator(interval, &["--pod-name", &format!("replica-{number}")])
}

impl Pair<'_> {
    /// Kills the leader, waits until the standby leads, and starts another standby.
    fn kill(&mut self, number: usize) {
        self.count();
        self.leader.kill();
        let killed = Instant::now();
        let took_over = poll(TAKES_OVER_WITHIN, || leads(&self.standby).then_some(()));
        took_over.expect("the standby takes over");
        self.longest = self.longest.max(killed.elapsed().as_secs_f64());
        let next = replica(self.stage, self.interval, number);
        self.leader = std::mem::replace(&mut self.standby, next);
    }

    /// Adds what the leader used.
    fn count(&mut self) {
        let usage = usage(self.leader.pid()).unwrap_or_default();
        self.used = Usage { cpu: self.used.cpu + usage.cpu, rss: usage.rss, peak: self.used.peak.max(usage.peak) };
    }
}

/// All objects are created, then two operators start, and the leader is killed three times: until all are Ready.
pub fn failover(name: &str, setting: Setting<'_>) -> Row {
    let stage = setting.stage(name);
    let estate = Estate::new(name, setting.shape);
    estate.set_up(&stage);
    estate.make(&stage);
    let observer = Observer::start(Api::all(stage.plane.kube.clone()));
    let (tally, all) = (Tally::start(&stage), setting.shape.objects);
    let leader = replica(&stage, setting.interval, 0);
    let begin = leader.started();
    let standby = replica(&stage, setting.interval, 1);
    let mut pair = Pair { stage: &stage, interval: setting.interval, leader, standby, used: Usage::default(), longest: 0.0 };
    for (number, percent) in KILLED_AT.into_iter().enumerate() {
        let is_due = || (puts(&stage) * 100 >= (percent * all) as u64).then_some(());
        poll(setting.longest, is_due).expect("the attach goes on");
        pair.kill(number + 2);
    }
    let is_over = || {
        let seen = observer.seen();
        (seen.ready.len() == all).then(|| seen.changed.unwrap_or(begin))
    };
    let ended = poll(setting.longest, is_over);
    pair.count();
    let count = all as u64;
    let mut row = figures(&stage, &tally, &observer.seen());
    name.clone_into(&mut row.name);
    (row.cpu, row.rss, row.peak) = (pair.used.cpu, pair.used.rss, pair.used.peak);
    describe(&mut row, &setting, Requests { reads: count, writes: count, deletes: 0 });
    (row.finished, row.done) = (ended.is_some(), observer.seen().ready.len());
    row.seconds = ended.map_or(begin.elapsed(), |at| at.duration_since(begin)).as_secs_f64();
    let [leaks, extra, kills] = [leaks(&stage, &observer), puts(&stage).saturating_sub(count), KILLED_AT.len() as u64].map(small);
    for (name, value) in [("leaks", leaks), ("PUTs beyond one", extra), ("kills", kills), ("takeover, s", pair.longest)] {
        row.more.insert(name.to_owned(), value);
    }
    row
}

/// How many PUTs of computes Azure accepted.
fn puts(stage: &Stage) -> u64 {
    let is_put = |method: &str, kind: &str, status: Option<u16>| {
        method == "PUT" && kind == "compute" && status.is_some_and(|status| status < 300)
    };
    stage.azure.counters().count(|one| is_put(&one.method, one.kind, one.status))
}

/// Computes without an object, and objects that are Ready without a compute.
fn leaks(stage: &Stage, observer: &Observer) -> u64 {
    let world = stage.azure.control("GET", "world", None).expect("there is a world");
    let ids = world["computes"].as_array().expect("a list").iter().filter_map(|compute| compute["id"].as_str());
    let computes: BTreeSet<&str> = ids.filter_map(|id| id.rsplit('/').next()).collect();
    let seen = observer.seen();
    let without_object = computes.iter().filter(|name| !seen.present.contains(**name)).count();
    let without_compute = seen.ready.iter().filter(|name| !computes.contains(name.as_str())).count();
    (without_object + without_compute) as u64
}

#[expect(clippy::cast_precision_loss, reason = "these counts are small")]
fn small(count: u64) -> f64 {
    count as f64
}
