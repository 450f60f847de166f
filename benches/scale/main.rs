//! Measures the operator beside a real API server and the stand-in of Azure with ARM's own limits, and a naive controller in the
//! same way.
//!
//! `N=200 make bench` measures rows of another size; `cargo bench --bench scale -- --help` lists the options.

mod harness;
mod naive;
#[path = "../../tests/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "what the tests of the whole stand on is more than a measurement needs")]
mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use azure_emulator::{Limits, parse_duration};
use clap::{Parser, ValueEnum};

use harness::bound::{Requests, bound};
use harness::rows::{Controller, Field, Setting, storm};
use harness::stage::{Rules, Stage};
use harness::table::{Row, markdown};

/// How many objects the row `latency` makes, and how long it waits between two.
const APPLIES: (usize, Duration) = (100, Duration::from_millis(50));
/// A row without limits lasts no longer.
const WITHOUT_LIMITS: Duration = Duration::from_mins(30);

/// Measures attachments against Azure's limits; the result is one table, and files in --out.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure
    #[arg(long, env = "ROWS", value_delimiter = ',', default_value = "storm,detach,rate,rest,latency")]
    rows: Vec<Kind>,
    /// How many attachments
    #[arg(long, env = "N", value_delimiter = ',', default_value = "200,1000")]
    n: Vec<usize>,
    /// How many workspaces they are in, all of one subscription
    #[arg(long, env = "WORKSPACES", default_value_t = 10)]
    workspaces: usize,
    /// How long attaching and detaching take
    #[arg(long, env = "OPERATION", default_value = "30s", value_parser = parse_duration)]
    operation: Duration,
    /// Who is measured
    #[arg(long, env = "CONTROLLERS", value_delimiter = ',', default_value = "operator,naive")]
    controllers: Vec<Who>,
    /// How long the row at rest lasts
    #[arg(long, env = "REST", default_value = "10m", value_parser = parse_duration)]
    rest: Duration,
    /// The operator's resync interval
    #[arg(long, env = "RESYNC", default_value = "5m", value_parser = parse_duration)]
    resync: Duration,
    /// A row that takes longer than this many times its bound is stopped
    #[arg(long, env = "FACTOR", default_value_t = 10)]
    factor: u32,
    /// The folder for the table and the JSON
    #[arg(long, env = "OUT", default_value = "target/bench")]
    out: PathBuf,
    /// Cargo says so; it changes nothing
    #[arg(long, hide = true)]
    bench: bool,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// All attachments at once, with Azure's limits
    Storm,
    /// Their end, after the storm
    Detach,
    /// All attachments at once, where Azure has no limits and its operations take no time
    Rate,
    /// Nothing happens
    Rest,
    /// From a new object to the first write in Azure, beside others at rest
    Latency,
}

/// Who can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Who {
    /// Ours
    Operator,
    /// The usual pattern of kube-rs; see naive.rs
    Naive,
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("naive") {
        naive::run();
        return;
    }
    let arguments = Arguments::parse();
    let mut rows = Vec::new();
    for who in &arguments.controllers {
        for objects in &arguments.n {
            measure(&arguments, *who, *objects, &mut rows);
        }
    }
    let _ = write!(std::io::stdout(), "{}", markdown(&rows));
}

/// All rows of one controller and one size; the files are written after each row.
fn measure(arguments: &Arguments, who: Who, objects: usize, rows: &mut Vec<Row>) {
    let mut keep = |row: Row| {
        rows.push(row);
        write_files(&arguments.out, rows);
    };
    let has = |kind| arguments.rows.contains(&kind);
    let start = |stage: &Stage| start(who, stage, arguments.resync);
    let limited = Rules { operation: arguments.operation, limits: Some(Limits::default()) };
    let free = Rules { operation: Duration::ZERO, limits: None };
    let least = Requests { reads: objects as u64, writes: objects as u64, deletes: objects as u64 };
    let longest = bound(least, 1, &Limits::default(), arguments.operation) * arguments.factor;
    let controller = if who == Who::Operator { "operator" } else { "naive" };
    let setting =
        |rules, longest| Setting { controller, start: &start, objects, workspaces: arguments.workspaces, rules, longest };
    if has(Kind::Storm) || has(Kind::Detach) {
        let (field, row) = storm(&format!("storm-{objects}"), setting(limited, longest));
        keep(row);
        if has(Kind::Detach) {
            keep(field.detach(&format!("detach-{objects}")));
        }
    }
    if has(Kind::Rate) || has(Kind::Rest) || has(Kind::Latency) {
        let (field, mut row) = storm(&format!("rate-{objects}"), setting(free, WITHOUT_LIMITS));
        #[expect(clippy::cast_precision_loss, reason = "a number of objects is small")]
        row.more.insert("a second".to_owned(), row.done as f64 / row.seconds);
        keep(row);
        if has(Kind::Rest) {
            keep(field.rest(&format!("rest-{objects}"), arguments.rest, Rules { operation: arguments.operation, ..limited }));
        }
        if has(Kind::Latency) {
            keep(latency(&field, &format!("latency-{objects}"), controller, free));
        }
    }
}

fn latency(field: &Field<'_>, name: &str, controller: &str, rules: Rules) -> Row {
    field.stage.apply(rules);
    let took = field.latencies(APPLIES.0, APPLIES.1);
    let at = |percent: usize| took[(took.len() * percent).div_ceil(100) - 1];
    let figures = [("p50 ms", at(50)), ("p99 ms", at(99)), ("most ms", at(100))];
    let more = figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Row { name: name.to_owned(), controller: controller.to_owned(), finished: true, more, ..Row::default() }
}

fn start(who: Who, stage: &Stage, resync: Duration) -> Box<dyn Controller> {
    match who {
        Who::Operator => Box::new(stage.operator(resync)),
        Who::Naive => Box::new(naive::Naive::start(stage)),
    }
}

fn write_files(out: &Path, rows: &[Row]) {
    std::fs::create_dir_all(out).expect("a folder for the result");
    let json = serde_json::to_string_pretty(rows).expect("the rows are JSON");
    std::fs::write(out.join("scale.json"), json).expect("the result can be written");
    std::fs::write(out.join("scale.md"), markdown(rows)).expect("the result can be written");
}
