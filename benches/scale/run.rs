//! One run: which rows it measures, in which order, and where their figures go.

use std::path::{Path, PathBuf};
use std::time::Duration;

use azure_emulator::Limits;

use crate::about;
use crate::arguments::{Arguments, Kind, Who};
use crate::harness::bound::{Requests, bound};
use crate::harness::changes::{Silent, change, drift, silence};
use crate::harness::controller::{Controller, Start};
use crate::harness::estate::Shape;
use crate::harness::failover::failover;
use crate::harness::field::{Field, Setting};
use crate::harness::ledger::Ledger;
use crate::harness::page::{page, plots};
use crate::harness::row::Row;
use crate::harness::rows::{memory, storm};
use crate::harness::stage::{Rules, Stage};
use crate::naive::Naive;

/// How many objects the row `latency` makes, and the time between two of them.
const APPLIES: (usize, Duration) = (100, Duration::from_millis(50));
/// A row without limits lasts no longer.
const WITHOUT_LIMITS: Duration = Duration::from_mins(30);
/// The goal of the row `restart`, which is stopped after some times as long.
const RESTART: Duration = Duration::from_secs(15);
/// How many principals the row of several has.
const PRINCIPALS: [usize; 2] = [2, 5];
/// How long an operation lasts in the rows with a silent Synapse workspace: a longer one would hide a delay.
const SHORT: Duration = Duration::from_secs(2);
/// Azure without limits, whose operations take no time.
const FREE: Rules = Rules { operation: Duration::ZERO, limits: None };

/// The rows of this run and of earlier ones.
pub struct Run<'a> {
    arguments: &'a Arguments,
    ledger: Ledger,
    commit: String,
}

/// A controller and a size.
struct Part<'a> {
    arguments: &'a Arguments,
    who: Who,
    objects: usize,
    start: Start<'a>,
    /// The same without keeping limits, for an Azure that has none.
    start_unpaced: Start<'a>,
}

impl Part<'_> {
    fn has(&self, kind: Kind) -> bool {
        kind.is_for(self.who) && self.arguments.has(kind, self.objects)
    }

    fn name(&self, kind: Kind) -> String {
        format!("{kind}-{}", self.objects)
    }

    fn limited(&self) -> Rules {
        Rules { operation: self.arguments.operation, limits: Some(Limits::default()) }
    }

    /// With Azure's limits, and stopped after some times the bound.
    fn bounded(&self, shape: Shape) -> Setting<'_> {
        let count = self.objects as u64;
        let least = Requests { reads: count, writes: count, deletes: count };
        let longest = bound(least, 1, &Limits::default(), self.arguments.operation) * self.arguments.factor;
        self.setting(shape, self.limited(), longest)
    }

    /// Without limits.
    fn free(&self, shape: Shape) -> Setting<'_> {
        self.setting(shape, FREE, WITHOUT_LIMITS)
    }

    fn setting(&self, shape: Shape, rules: Rules, longest: Duration) -> Setting<'_> {
        let controller = if self.who == Who::Operator { &self.arguments.label } else { "naive" };
        Setting { controller, start: self.start, shape, rules, interval: self.arguments.resync, longest }
    }

    fn shape(&self) -> Shape {
        self.arguments.shape(self.objects)
    }
}

impl<'a> Run<'a> {
    pub fn new(arguments: &'a Arguments) -> Self {
        let earlier = std::fs::read_to_string(arguments.out.join("scale.json")).ok();
        let ledger = earlier.map(|json| Ledger::read(&json).expect("scale.json has the rows of earlier runs; else remove it"));
        let commit = arguments.commit.clone().unwrap_or_else(about::commit);
        Self { arguments, ledger: ledger.unwrap_or_default(), commit }
    }

    /// All rows of one controller and one size.
    pub fn measure(&mut self, who: Who, objects: usize) {
        let arguments = self.arguments;
        let paced = |stage: &Stage| start(who, stage, arguments.resync, &[]);
        let unpaced = |stage: &Stage| start(who, stage, arguments.resync, &["--azure-request-limits", "none"]);
        let part = Part { arguments, who, objects, start: &paced, start_unpaced: &unpaced };
        self.limited(&part);
        self.single(&part);
        self.free(&part);
        if part.has(Kind::RestFew) {
            let (field, _) = storm(&part.name(Kind::RestFew), part.free(arguments.few(objects)));
            self.keep(Kind::RestFew, field.rest(&part.name(Kind::RestFew), arguments.rest, part.limited()));
        }
    }

    /// The storms.
    fn limited(&mut self, part: &Part<'_>) {
        if part.has(Kind::Storm) || part.has(Kind::Detach) {
            let (field, row) = storm(&part.name(Kind::Storm), part.bounded(part.shape()));
            if part.has(Kind::Storm) {
                self.keep(Kind::Storm, row);
            }
            if part.has(Kind::Detach) {
                self.keep(Kind::Detach, field.detach(&part.name(Kind::Detach)));
            }
        }
        if part.has(Kind::Principals) {
            for principals in PRINCIPALS {
                let shape = Shape { principals, ..part.shape() };
                let name = format!("{}-of-{principals}", part.name(Kind::Principals));
                self.keep(Kind::Principals, storm(&name, part.bounded(shape)).1);
            }
        }
    }

    /// The rows that have a stage each.
    fn single(&mut self, part: &Part<'_>) {
        let bounded = part.bounded(part.shape());
        if part.has(Kind::Failover) {
            self.keep(Kind::Failover, failover(&part.name(Kind::Failover), bounded));
        }
        if part.has(Kind::Change) {
            self.keep(Kind::Change, change(&part.name(Kind::Change), bounded));
        }
        for (kind, silent) in [(Kind::SilentRoles, Silent::DataPlane), (Kind::SilentPool, Silent::Pools)] {
            if part.has(kind) {
                let rules = Rules { operation: SHORT, ..part.limited() };
                self.keep(kind, silence(&part.name(kind), Setting { rules, ..bounded }, silent));
            }
        }
        if part.has(Kind::Drift) {
            self.keep(Kind::Drift, drift(&part.name(Kind::Drift), part.free(part.shape()), part.limited()));
        }
    }

    /// The rows without limits, and those that begin with all attachments Ready.
    fn free(&mut self, part: &Part<'_>) {
        if part.has(Kind::Rate) {
            let setting = Setting { start: part.start_unpaced, ..part.free(part.shape()) };
            self.keep(Kind::Rate, storm(&part.name(Kind::Rate), setting).1);
        }
        let kinds = [Kind::Rest, Kind::Memory, Kind::Restart, Kind::Latency];
        if !kinds.into_iter().any(|kind| part.has(kind)) {
            return;
        }
        let (mut field, _) = storm(&format!("attached-{}", part.objects), part.free(part.shape()));
        if part.has(Kind::Rest) {
            self.keep(Kind::Rest, field.rest(&part.name(Kind::Rest), self.arguments.rest, part.limited()));
        }
        self.started_again(part, &mut field);
        if part.has(Kind::Latency) {
            // With limits: answers that name what remains.
            field.stage.apply(Rules { operation: Duration::ZERO, ..part.limited() });
            self.keep(Kind::Latency, field.latencies(&part.name(Kind::Latency), APPLIES.0, APPLIES.1));
        }
    }

    fn started_again(&mut self, part: &Part<'_>, field: &mut Field<'_>) {
        if part.has(Kind::Memory) || part.has(Kind::Restart) {
            let attached = field.quiet();
            let row = field.restart(&part.name(Kind::Restart), part.limited(), RESTART * self.arguments.factor);
            if part.has(Kind::Memory) {
                self.keep(Kind::Memory, memory(&part.name(Kind::Memory), attached, &row));
            }
            if part.has(Kind::Restart) {
                self.keep(Kind::Restart, row);
            }
        }
    }

    /// Adds a row, and writes all files.
    fn keep(&mut self, kind: Kind, row: Row) {
        let profile = about::profile().to_owned();
        self.ledger.put(Row { kind: kind.to_string(), commit: self.commit.clone(), profile, date: about::date(), ..row });
        self.write();
    }

    /// The page of all rows.
    pub fn page(&self) -> String {
        page(&self.ledger, &about::about())
    }

    /// Writes the rows, the page and its plots.
    pub fn write(&self) {
        let out = &self.arguments.out;
        write(&out.join("scale.json"), &self.ledger.json());
        for file in [Some(out.join("benchmarks.md")), self.arguments.page.clone()].into_iter().flatten() {
            write(&file, &self.page());
            for (name, plot) in plots(&self.ledger) {
                let image = plot.svg().expect("only plots with lines are there");
                write(&file.with_file_name("benchmarks").join(format!("{name}.svg")), &image);
            }
        }
    }
}

fn start(who: Who, stage: &Stage, resync: Duration, settings: &[&str]) -> Box<dyn Controller> {
    match who {
        Who::Operator => Box::new(stage.operator(resync, &[&["--leader-election", "false"], settings].concat())),
        Who::Naive => Box::new(Naive::start(stage)),
    }
}

fn write(file: &Path, text: &str) {
    let folder: PathBuf = file.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    std::fs::create_dir_all(folder).expect("a folder for the result");
    std::fs::write(file, text).expect("the result can be written");
}
