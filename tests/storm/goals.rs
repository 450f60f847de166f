//! The goals of the benchmark's rows, and the page that shows them.

use std::collections::BTreeMap;

use crate::harness::estate::Shape;
use crate::harness::goal::{broken, goals};
use crate::harness::ledger::{KINDS, Ledger};
use crate::harness::page::{page, plots};
use crate::harness::row::Row;
use crate::harness::text::figure;

fn storm(controller: &str, seconds: f64) -> Row {
    let name = "storm-1000".to_owned();
    Row {
        kind: "storm".to_owned(),
        name,
        controller: controller.to_owned(),
        objects: 1_000,
        workspaces: 10,
        subscriptions: 1,
        operation: 30.0,
        finished: true,
        done: 1_000,
        seconds,
        bound: Some(110.0),
        cpu: 3.5,
        ..Row::default()
    }
}

fn ledger(rows: &[Row]) -> Ledger {
    let mut ledger = Ledger::default();
    for row in rows {
        ledger.put(row.clone());
    }
    ledger
}

#[test]
fn goals_of_a_storm_follow_from_its_bound_and_size() {
    let texts: Vec<_> = goals(&storm("operator", 112.0)).iter().map(|goal| (goal.text(), goal.is_reached())).collect();
    let wanted = [("time ≤ 121 s", true), ("requests ≤ 2,500", true), ("CPU ≤ 4 s", true)];
    assert_eq!(texts, wanted.map(|(text, is_reached)| (text.to_owned(), is_reached)));
    let late = goals(&storm("operator", 122.0));
    assert!(!late[0].is_reached(), "{late:?}");
    let unfinished = goals(&Row { finished: false, ..storm("operator", 112.0) });
    assert!(unfinished.iter().all(|goal| !goal.is_reached()), "{unfinished:?}");
}

#[test]
fn each_kind_of_row_has_goals() {
    for kind in KINDS {
        let more = ["p50, ms", "p99, ms", "longest, s", "with / without", "% of a core", "growth, MiB", "leaks", "kills"];
        let more = more.map(|name| (name.to_owned(), 0.0)).into_iter().collect();
        let row = Row { kind: kind.to_owned(), more, ..storm("operator", 1.0) };
        assert!(!goals(&row).is_empty(), "{kind}");
    }
}

#[test]
fn a_row_counts_only_without_refusals_errors_and_false_failures() {
    let requests = |name: &str| BTreeMap::from([(name.to_owned(), 3)]);
    let row = || storm("operator", 112.0);
    for (row, expected) in [
        (row(), None),
        (Row { throttled: 31, ..row() }, Some("31 × 429")),
        (Row { false_words: 2, ..row() }, Some("2 objects with a false failure")),
        (Row { requests: requests("PUT compute 409"), ..row() }, Some("3 error answers")),
        (Row { requests: requests("DELETE compute 404"), ..row() }, Some("3 error answers")),
        (Row { requests: requests("GET compute 404"), ..row() }, None),
        (Row { requests: requests("PUT compute 429"), ..row() }, None),
        (Row { requests: requests("PUT compute"), ..row() }, None),
        (Row { profile: "debug".to_owned(), ..row() }, Some("debug build")),
    ] {
        assert_eq!(broken(&row).first().map(String::as_str), expected, "{row:?}");
    }
}

#[test]
fn a_row_that_is_measured_again_replaces_its_former_figures() {
    let again = Row { commit: "2".to_owned(), ..storm("operator", 115.0) };
    let ledger = ledger(&[storm("naive", 900.0), storm("operator", 112.0), again.clone()]);
    let read = Ledger::read(&ledger.json()).expect("its own JSON");
    assert_eq!(read.rows(), [again, storm("naive", 900.0)]);
    assert_eq!(read.controllers(), ["operator", "naive"]);
}

#[test]
fn a_row_is_named_once_whatever_the_order_of_a_merged_file() {
    let rest = |controller: &str| Row { kind: "rest".to_owned(), name: "rest-1000".to_owned(), ..storm(controller, 600.0) };
    let merged = serde_json::to_string(&[storm("operator", 112.0), rest("operator"), storm("naive", 900.0), rest("naive")]);
    let read = Ledger::read(&merged.expect("rows are JSON")).expect("rows");
    assert_eq!(read.names(), ["storm-1000", "rest-1000"]);
}

#[test]
fn the_page_shows_each_goal_for_each_controller() {
    let unfinished = Row { finished: false, done: 640, throttled: 31, ..storm("naive", 1_100.0) };
    let without_goals = Row { kind: "rate".to_owned(), name: "rate-100".to_owned(), objects: 100, ..storm("operator", 1.0) };
    let page = page(&ledger(&[storm("operator", 122.0), unfinished, without_goals]), &["Kernel: 6".to_owned()]);
    assert!(!page.contains("| rate: 100 attachments"), "{page}");
    for line in [
        "| row | goal | operator | naive |",
        "| storm: 1,000 attachments, 10 workspaces, 1 subscription, operation 30 s | time ≤ 121 s | **122 s; not reached** | unfinished: 640 of 1000 in 1100 s; does not count |",
        "|  | requests ≤ 2,500 | 0; reached | unfinished: 640 of 1000 in 1100 s; does not count |",
        "|  | conditions | hold | **31 × 429** |",
        "- storm: 1,000 attachments, 10 workspaces, 1 subscription, operation 30 s: time ≤ 121 s, measured: 122 s.",
        "- Kernel: 6",
        "No row was measured with several sizes.",
    ] {
        assert!(page.lines().any(|one| one == line), "{line} is not in\n{page}");
    }
    assert!(!page.contains("{{") && !page.contains(".svg"), "{page}");
}

#[test]
fn a_plot_has_a_line_for_each_controller() {
    let rows: Vec<Row> = [
        ("operator", 100, 1.0),
        ("operator", 1_000, 3.0),
        ("operator", 10_000, 40.0),
        ("naive", 100, 2.0),
        ("naive", 1_000, 20.0),
        ("naive", 10_000, 40.0),
    ]
    .map(|(controller, objects, cpu)| Row {
        kind: "rate".to_owned(),
        name: format!("rate-{objects}"),
        objects,
        cpu,
        ..storm(controller, 1.0)
    })
    .to_vec();
    let plots = plots(&ledger(&rows));
    let [(file, plot)] = &plots[..] else { panic!("one figure is above zero: {plots:?}") };
    let svg = plot.svg().expect("it has lines");
    assert_eq!((*file, svg.matches("<polyline").count(), svg.matches("<circle").count()), ("cpu", 2, 6), "{svg}");
    let names = svg.lines().filter(|line| line.contains(">operator<") || line.contains(">naive<"));
    let heights: Vec<f64> = names.filter_map(|line| line.split("y=\"").nth(1)?.split('"').next()?.parse().ok()).collect();
    assert!(matches!(heights[..], [one, other] if (one - other).abs() >= 13.9), "the names overlap: {heights:?}");
    for text in [">10,000<", ">attachments<", ">seconds<", ">naive<", ">operator<"] {
        assert!(svg.contains(text), "{text} is not in {svg}");
    }
}

#[test]
fn pages_are_those_of_all_workspaces_with_objects() {
    for (shape, pages) in [
        (Shape::new(0, 10), 0),
        (Shape::new(4, 10), 4),
        (Shape::new(1_000, 10), 20),
        (Shape::new(1_001, 10), 21),
        (Shape::new(10_000, 500), 500),
        (Shape { page_size: 100, ..Shape::new(10_000, 50) }, 100),
    ] {
        assert_eq!(shape.pages(), pages, "{shape:?}");
    }
}

#[test]
fn figures_have_three_digits_or_are_whole() {
    for (value, text) in [
        (0.0, "0"),
        (4.0, "4"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (123.4, "123"),
        (1_234.5, "1,234"),
        (10_000.0, "10,000"),
        (-0.5, "-0.50"),
    ] {
        assert_eq!(figure(value), text);
    }
}
