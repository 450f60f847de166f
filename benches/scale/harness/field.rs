//! Objects, a controller that works on them, and an observer of both: what all rows have in common.

use std::io::Write;
use std::time::{Duration, Instant};

use kube::api::Api;

use super::bound::{Requests, bound};
use super::controller::{Controller, Start};
use super::estate::{Estate, Shape};
use super::observer::{Observer, Seen};
use super::process::{Usage, usage};
use super::row::Row;
use super::stage::{Rules, Stage};
use super::tally::{self, Tally};
use crate::support::poll;

/// How often a row that runs reports its progress.
const PROGRESS: Duration = Duration::from_secs(5);
/// A process is at rest when it used less CPU than this, in seconds, in this time. It is waited for so long at most.
const QUIET: (f64, Duration, Duration) = (0.05, Duration::from_secs(3), Duration::from_mins(2));

/// The inputs of a row.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The name of the controller.
    pub controller: &'a str,
    pub start: Start<'a>,
    pub shape: Shape,
    pub rules: Rules,
    /// The time between two observations at rest.
    pub interval: Duration,
    /// A row that lasts longer is stopped, as unfinished.
    pub longest: Duration,
}

impl Setting<'_> {
    /// A stage with Azure's rules of this setting.
    pub fn stage(&self, name: &str) -> Stage {
        let stage = Stage::set(name, self.rules);
        stage.change(&serde_json::json!({"pageSize": self.shape.page_size}));
        stage
    }
}

/// What rows work on. The stage ends last.
pub struct Field<'a> {
    pub observer: Observer,
    pub controller: Box<dyn Controller>,
    pub estate: Estate,
    pub setting: Setting<'a>,
    pub stage: Stage,
}

/// How a row begins.
pub struct Begin {
    pub at: Instant,
    tally: Tally,
    usage: Usage,
}

impl<'a> Field<'a> {
    /// Starts the controller.
    pub fn start(stage: Stage, estate: Estate, setting: Setting<'a>) -> (Self, Begin) {
        let observer = Observer::start(Api::all(stage.plane.kube.clone()));
        let tally = Tally::start(&stage);
        let controller = (setting.start)(&stage);
        let begin = Begin { at: controller.started(), tally, usage: Usage::default() };
        (Self { observer, controller, estate, setting, stage }, begin)
    }

    /// Stops the controller and starts it again.
    pub fn start_again(&mut self) -> Begin {
        self.controller.stop();
        self.observer.seen().forget_failures();
        let tally = Tally::start(&self.stage);
        self.controller = (self.setting.start)(&self.stage);
        Begin { at: self.controller.started(), tally, usage: Usage::default() }
    }

    /// A row begins now.
    pub fn begin(&self) -> Begin {
        self.observer.seen().forget_failures();
        Begin { at: Instant::now(), tally: Tally::start(&self.stage), usage: self.usage() }
    }

    pub fn usage(&self) -> Usage {
        usage(self.controller.pid()).expect("the controller runs")
    }

    /// Waits until the controller is at rest. Gives what it uses then.
    pub fn quiet(&self) -> Usage {
        let (least, lasts, longest) = QUIET;
        let mut from = (Instant::now(), self.usage().cpu);
        let _ = poll(longest, || {
            if from.0.elapsed() < lasts {
                return None;
            }
            let cpu = self.usage().cpu;
            let is_quiet = cpu - from.1 < least;
            from = (Instant::now(), cpu);
            is_quiet.then_some(())
        });
        self.usage()
    }

    /// Waits until all objects are done, or the time is over.
    pub fn until(&self, name: &str, begin: &Begin, least: Requests, done: impl Fn(&Seen) -> usize) -> Row {
        let all = self.setting.shape.objects;
        let is_over = |seen: &Seen| (done(seen) == all).then(|| seen.changed.unwrap_or(begin.at).max(begin.at));
        let ended = self.watched(name, begin, self.setting.longest, || is_over(&self.observer.seen()));
        let mut row = self.row(name, begin, least);
        row.finished = ended.is_some();
        row.done = ended.map_or_else(|| done(&self.observer.seen()), |_| all);
        row.seconds = ended.map_or(begin.at.elapsed(), |at| at.duration_since(begin.at)).as_secs_f64();
        row
    }

    /// Polls until there is a result or the time is over, and reports the progress now and then.
    pub fn watched<T>(&self, name: &str, begin: &Begin, longest: Duration, ask: impl Fn() -> Option<T>) -> Option<T> {
        let mut said = Instant::now();
        poll(longest, || {
            if said.elapsed() >= PROGRESS {
                said = Instant::now();
                self.say(name, begin);
            }
            ask()
        })
    }

    fn say(&self, name: &str, begin: &Begin) {
        let counters = self.stage.azure.counters();
        let (sent, refused) = (tally::requests(&counters), counters.count(|c| c.status == Some(429)));
        let usage = usage(self.controller.pid()).unwrap_or_default();
        let seen = self.observer.seen();
        // Without a reader it is not missed.
        let _ = writeln!(
            std::io::stderr(),
            "{name} ({}): {:.0} s, {} of {} there, {} Ready; {} reads, {} writes, {} deletes, {refused} × 429; {:.1} CPU-s, {:.1} MiB",
            self.setting.controller,
            begin.at.elapsed().as_secs_f64(),
            seen.present.len(),
            self.setting.shape.objects,
            seen.ready.len(),
            sent.reads,
            sent.writes,
            sent.deletes,
            usage.cpu - begin.usage.cpu,
            usage.rss,
        );
    }

    /// The figures of a row that has ended.
    pub fn row(&self, name: &str, begin: &Begin, least: Requests) -> Row {
        let usage = self.usage();
        let mut row = figures(&self.stage, &begin.tally, &self.observer.seen());
        name.clone_into(&mut row.name);
        row.cpu = usage.cpu - begin.usage.cpu;
        (row.rss, row.peak) = (usage.rss, usage.peak);
        describe(&mut row, &self.setting, least);
        row
    }
}

/// What Azure, Kubernetes and the objects show of a row.
pub fn figures(stage: &Stage, tally: &Tally, seen: &Seen) -> Row {
    let counters = stage.azure.counters();
    Row {
        sent: tally::requests(&counters),
        requests: tally::by_kind(&counters),
        throttled: counters.count(|counted| counted.status == Some(429)),
        kubernetes: tally.kubernetes(),
        false_words: seen.failed.len(),
        failures: seen.failures.clone(),
        waited: seen.waited.len(),
        ..Row::default()
    }
}

/// The inputs of a row, and its bounds.
pub fn describe(row: &mut Row, setting: &Setting<'_>, least: Requests) {
    let (shape, rules) = (setting.shape, setting.rules);
    let principals = u32::try_from(shape.principals).expect("there are few");
    let seconds = |requests, last| rules.limits.map(|limits| bound(requests, principals, &limits, last).as_secs_f64());
    setting.controller.clone_into(&mut row.controller);
    (row.objects, row.workspaces, row.subscriptions) = (shape.objects, shape.workspaces, shape.subscriptions);
    (row.principals, row.pages) = (shape.principals, shape.pages());
    (row.operation, row.interval) = (rules.operation.as_secs_f64(), setting.interval.as_secs_f64());
    // Some of what was sent went out while the last operation ran.
    (row.bound, row.bound_of_sent) = (seconds(least, rules.operation), seconds(row.sent, Duration::ZERO));
}
