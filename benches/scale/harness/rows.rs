//! The rows: each sets something going and waits for its end, or looks on for a while.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use super::bound::{Requests, bound};
use super::estate::Estate;
use super::observer::{Observer, Seen};
use super::process::{Usage, usage};
use super::stage::{Rules, Stage};
use super::table::Row;
use super::tally::{self, Tally};
use crate::support::{Operator, block_on, poll, spawn};

/// How often a row that runs says how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// What works on the objects: a process.
pub trait Controller {
    fn pid(&self) -> i32;

    /// When its process began.
    fn started(&self) -> Instant;
}

impl Controller for Operator {
    fn pid(&self) -> i32 {
        Self::pid(self)
    }

    fn started(&self) -> Instant {
        Self::started(self)
    }
}

/// Starts a controller, which works from then on.
pub type Start<'a> = &'a dyn Fn(&Stage) -> Box<dyn Controller>;

/// What a row is made of.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// What the controller is called.
    pub controller: &'a str,
    pub start: Start<'a>,
    pub objects: usize,
    pub workspaces: usize,
    pub rules: Rules,
    /// A row that lasts longer is stopped, as unfinished.
    pub longest: Duration,
}

/// Objects, a controller that works on them, and who looks on.
pub struct Field<'a> {
    pub stage: Stage,
    pub estate: Estate,
    setting: Setting<'a>,
    observer: Observer,
    controller: Box<dyn Controller>,
}

/// How a row begins.
struct Begin {
    at: Instant,
    tally: Tally,
    usage: Usage,
}

/// All objects are made, and then the controller starts: until all are Ready. Gives what it worked on, for rows that follow.
pub fn storm<'a>(name: &str, setting: Setting<'a>) -> (Field<'a>, Row) {
    let stage = Stage::set(name, setting.rules);
    let estate = Estate::new(&stage, name, setting.objects, setting.workspaces);
    estate.make(&stage);
    let observer = Observer::start(estate.api(&stage));
    let tally = Tally::start(&stage);
    let controller = (setting.start)(&stage);
    let begin = Begin { at: controller.started(), tally, usage: Usage::default() };
    let field = Field { stage, estate, setting, observer, controller };
    let count = setting.objects as u64;
    let row = field.until(name, &begin, Requests { reads: count, writes: count, deletes: 0 }, |seen| seen.ready.len());
    (field, row)
}

impl Field<'_> {
    /// All objects are deleted: until all are gone.
    pub fn detach(&self, name: &str) -> Row {
        let begin = self.begin();
        let deleting = spawn(Estate::delete(self.estate.api(&self.stage)));
        let all = self.setting.objects;
        let count = all as u64;
        let least = Requests { reads: count, writes: 0, deletes: count };
        let row = self.until(name, &begin, least, |seen| all - seen.present.len().min(all));
        block_on(deleting).expect("it doesn't panic").expect("the objects can be deleted");
        row
    }

    /// Nothing happens for so long.
    pub fn rest(&self, name: &str, lasts: Duration, rules: Rules) -> Row {
        self.stage.apply(rules);
        let begin = self.begin();
        let before = self.usage();
        let least = Requests::default();
        let mut row = self.watched(name, &begin, lasts, |_| None::<()>).1;
        self.fill(&mut row, &begin, least);
        (row.seconds, row.finished, row.done) = (lasts.as_secs_f64(), true, self.observer.seen().ready.len());
        (row.bound, row.bound_of_sent) = (None, None);
        row.more.insert("% of a core".to_owned(), 100.0 * row.cpu / row.seconds);
        row.more.insert("MiB more".to_owned(), row.rss - before.rss);
        row
    }

    /// New objects, one after the other with a pause between: how long until each is on Azure's wire, in milliseconds.
    pub fn latencies(&self, count: usize, pause: Duration) -> Vec<f64> {
        let api = self.estate.api(&self.stage);
        let from = self.setting.objects;
        let applied = block_on(async {
            let mut applied = Vec::new();
            for number in from..from + count {
                applied.push((super::estate::name(number), jiff::Timestamp::now()));
                self.estate.create(&api, number).await.expect("the object is valid and new");
                tokio::time::sleep(pause).await;
            }
            applied
        });
        let all = || (self.observer.seen().ready.len() >= from + count).then_some(());
        poll(self.setting.longest, all).expect("all become Ready");
        let puts = self.first_puts();
        let mut took: Vec<f64> = applied.iter().map(|(name, at)| millis(puts[name].duration_since(*at))).collect();
        took.sort_by(f64::total_cmp);
        took
    }

    /// When each compute was first written, as far as the journal goes back.
    fn first_puts(&self) -> BTreeMap<String, jiff::Timestamp> {
        let journal = self.stage.azure.control("GET", "journal", None).expect("there is a journal");
        let requests = journal["requests"].as_array().expect("requests").iter().rev();
        let puts = requests.filter(|request| request["method"] == "PUT").filter_map(|put| {
            let (path, at) = (put["path"].as_str()?, put["at"].as_str()?);
            Some((path.rsplit('/').next()?.to_owned(), at.parse().ok()?))
        });
        puts.collect()
    }

    fn begin(&self) -> Begin {
        self.observer.seen().forget_failures();
        Begin { at: Instant::now(), tally: Tally::start(&self.stage), usage: self.usage() }
    }

    fn usage(&self) -> Usage {
        usage(self.controller.pid()).expect("the controller runs")
    }

    /// Waits until all objects are done, or the time is over.
    fn until(&self, name: &str, begin: &Begin, least: Requests, done: impl Fn(&Seen) -> usize) -> Row {
        let all = self.setting.objects;
        let is_over = |seen: &Seen| (done(seen) == all).then(|| seen.changed.unwrap_or(begin.at));
        let (ended, mut row) = self.watched(name, begin, self.setting.longest, is_over);
        self.fill(&mut row, begin, least);
        row.finished = ended.is_some();
        row.done = ended.map_or_else(|| done(&self.observer.seen()), |_| all);
        row.seconds = ended.map_or(begin.at.elapsed(), |at| at.duration_since(begin.at)).as_secs_f64();
        row
    }

    /// Looks on until there is an answer or the time is over, and says now and then how far it is.
    fn watched<T>(&self, name: &str, begin: &Begin, longest: Duration, ask: impl Fn(&Seen) -> Option<T>) -> (Option<T>, Row) {
        let mut said = Instant::now();
        let answer = poll(longest, || {
            if said.elapsed() >= PROGRESS {
                said = Instant::now();
                self.say(name, begin);
            }
            ask(&self.observer.seen())
        });
        (answer, Row { name: name.to_owned(), controller: self.setting.controller.to_owned(), ..Row::default() })
    }

    fn say(&self, name: &str, begin: &Begin) {
        let counters = self.stage.azure.counters();
        let (sent, refused) = (tally::requests(&counters), counters.count(|c| c.status == Some(429)));
        let usage = usage(self.controller.pid()).unwrap_or_default();
        let seen = self.observer.seen();
        // Nobody may read it; then nobody misses it.
        let _ = writeln!(
            std::io::stderr(),
            "{name} ({}): {:.0} s, {} of {} there, {} Ready; {} reads, {} writes, {} deletes, {refused} × 429; {:.1} CPU-s, {:.1} MiB",
            self.setting.controller,
            begin.at.elapsed().as_secs_f64(),
            seen.present.len(),
            self.setting.objects,
            seen.ready.len(),
            sent.reads,
            sent.writes,
            sent.deletes,
            usage.cpu - begin.usage.cpu,
            usage.rss,
        );
    }

    /// The figures of a row that has ended.
    fn fill(&self, row: &mut Row, begin: &Begin, least: Requests) {
        let (counters, usage, rules) = (self.stage.azure.counters(), self.usage(), self.setting.rules);
        let seen = self.observer.seen();
        row.objects = self.setting.objects;
        row.workspaces = self.setting.workspaces;
        row.operation = rules.operation.as_secs_f64();
        row.sent = tally::requests(&counters);
        row.requests = tally::by_kind(&counters);
        row.throttled = counters.count(|counted| counted.status == Some(429));
        row.kubernetes = begin.tally.kubernetes();
        row.cpu = usage.cpu - begin.usage.cpu;
        (row.rss, row.peak) = (usage.rss, usage.peak);
        (row.false_words, row.waited) = (seen.failed.len(), seen.waited.len());
        row.failures = seen.failures.clone();
        let seconds = |requests, last| rules.limits.map(|limits| bound(requests, 1, &limits, last).as_secs_f64());
        // Some of what was sent went out while the last operation ran.
        (row.bound, row.bound_of_sent) = (seconds(least, rules.operation), seconds(row.sent, Duration::ZERO));
    }
}

fn millis(took: jiff::SignedDuration) -> f64 {
    took.as_secs_f64() * 1_000.0
}
