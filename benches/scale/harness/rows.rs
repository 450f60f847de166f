//! The rows of one controller: each sets something going and waits for its end, or observes for a while.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::bound::Requests;
use super::estate::Estate;
use super::field::{Field, Setting};
use super::process::{Usage, growth};
use super::row::Row;
use super::stage::Rules;
use crate::support::{block_on, poll, spawn};

/// All objects are created, then the controller starts: until all are Ready. Returns the estate for the rows that follow.
pub fn storm<'a>(name: &str, setting: Setting<'a>) -> (Field<'a>, Row) {
    storm_of(name, setting, Estate::new(name, setting.shape))
}

/// The same with these objects.
pub fn storm_of<'a>(name: &str, setting: Setting<'a>, estate: Estate) -> (Field<'a>, Row) {
    let stage = setting.stage(name);
    estate.set_up(&stage);
    estate.make(&stage);
    let (field, begin) = Field::start(stage, estate, setting);
    let count = setting.shape.objects as u64;
    let row = field.until(name, &begin, Requests { reads: count, writes: count, deletes: 0 }, |seen| seen.ready.len());
    (field, row)
}

impl Field<'_> {
    /// All objects are deleted: until all are gone.
    pub fn detach(&self, name: &str) -> Row {
        let begin = self.begin();
        let deleting = spawn(self.estate.clone().delete(self.stage.plane.kube.clone()));
        let all = self.setting.shape.objects;
        let count = all as u64;
        let least = Requests { reads: count, writes: 0, deletes: count };
        let row = self.until(name, &begin, least, |seen| all - seen.present.len().min(all));
        block_on(deleting).expect("it doesn't panic").expect("the objects can be deleted");
        row
    }

    /// Nothing happens for so long.
    pub fn rest(&self, name: &str, lasts: Duration, rules: Rules) -> Row {
        self.stage.apply(rules);
        self.quiet();
        let (begin, samples) = (self.begin(), RefCell::new(Vec::new()));
        let _ = self.watched(name, &begin, lasts, || {
            let (at, mut samples) = (begin.at.elapsed().as_secs_f64(), samples.borrow_mut());
            if samples.last().is_none_or(|(last, _)| at - last >= 1.0) {
                samples.push((at, self.usage().rss));
            }
            None::<()>
        });
        let mut row = self.row(name, &begin, Requests::default());
        (row.seconds, row.finished, row.done) = (lasts.as_secs_f64(), true, self.observer.seen().ready.len());
        (row.bound, row.bound_of_sent) = (None, None);
        row.more.insert("% of a core".to_owned(), 100.0 * row.cpu / row.seconds);
        row.more.insert("growth, MiB".to_owned(), growth(&samples.borrow(), row.seconds));
        row
    }

    /// The controller is stopped and started again, with nothing to do: until it has observed every object. Memory and writes are
    /// those of some seconds later.
    pub fn restart(&mut self, name: &str, rules: Rules, longest: Duration) -> Row {
        self.stage.apply(rules);
        let all = self.setting.shape.objects;
        let begin = self.start_again();
        let is_over = || (self.controller.observations(&self.stage.azure.counters()) >= all as u64).then(Instant::now);
        let ended = self.watched(name, &begin, longest, is_over);
        self.quiet();
        let mut row = self.row(name, &begin, Requests::default());
        (row.finished, row.done) = (ended.is_some(), if ended.is_some() { all } else { 0 });
        row.seconds = ended.map_or(begin.at.elapsed(), |at| at.duration_since(begin.at)).as_secs_f64();
        (row.bound, row.bound_of_sent) = (None, None);
        row
    }

    /// New objects, one after the other with a pause between: how long until the first write of each to Azure, in milliseconds.
    pub fn latencies(&self, name: &str, count: usize, pause: Duration) -> Row {
        let (begin, from) = (self.begin(), self.setting.shape.objects);
        let applied = block_on(async {
            let mut applied = Vec::new();
            for number in from..from + count {
                applied.push((self.estate.object_name(number), jiff::Timestamp::now()));
                self.estate.create(&self.stage.plane.kube, number).await.expect("the object is valid and new");
                tokio::time::sleep(pause).await;
            }
            applied
        });
        let all = || (self.observer.seen().ready.len() >= from + count).then_some(());
        let is_over = poll(self.setting.longest, all).is_some();
        let puts = self.first_puts();
        let mut took: Vec<f64> =
            applied.iter().filter_map(|(name, at)| Some(millis(puts.get(name)?.duration_since(*at)))).collect();
        took.sort_by(f64::total_cmp);
        let mut row = self.row(name, &begin, Requests::default());
        (row.finished, row.done, row.seconds) = (is_over, took.len(), begin.at.elapsed().as_secs_f64());
        for (name, percent) in [("p50, ms", 50), ("p99, ms", 99), ("longest, ms", 100)] {
            if let Some(at) = (took.len() * percent).div_ceil(100).checked_sub(1) {
                row.more.insert(name.to_owned(), took[at]);
            }
        }
        row
    }

    /// When each compute was first written, as far as the journal goes back.
    fn first_puts(&self) -> BTreeMap<String, jiff::Timestamp> {
        // The last of a name counts, and that is the earliest.
        self.puts().into_iter().rev().collect()
    }

    /// The names and times of the writes of computes, as far as the journal goes back.
    pub fn puts(&self) -> Vec<(String, jiff::Timestamp)> {
        let journal = self.stage.azure.control("GET", "journal", None).expect("there is a journal");
        let requests = journal["requests"].as_array().expect("requests").iter();
        let puts = requests.filter(|request| request["method"] == "PUT").filter_map(|put| {
            let (path, at) = (put["path"].as_str()?, put["at"].as_str()?);
            Some((path.rsplit('/').next()?.to_owned(), at.parse().ok()?))
        });
        puts.collect()
    }
}

/// The memory after the attach of all objects, and that after a restart.
pub fn memory(name: &str, attached: Usage, restart: &Row) -> Row {
    let mut row = Row { name: name.to_owned(), rss: attached.rss, peak: attached.peak, ..restart.clone() };
    (row.cpu, row.seconds) = (0.0, 0.0);
    for (name, value) in [
        ("at rest, MiB", attached.rss),
        ("peak of the attach, MiB", attached.peak),
        ("at rest after a restart, MiB", restart.rss),
        ("peak of the start, MiB", restart.peak),
    ] {
        row.more.insert(name.to_owned(), value);
    }
    row
}

fn millis(took: jiff::SignedDuration) -> f64 {
    took.as_secs_f64() * 1_000.0
}
