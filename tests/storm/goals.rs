//! The rows of the benchmark: their sizes, and what is kept of several runs.

use crate::harness::estate::Shape;
use crate::harness::ledger::Ledger;
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
fn a_row_that_is_measured_again_replaces_its_former_figures() {
    let again = Row { commit: "2".to_owned(), ..storm("operator", 115.0) };
    let ledger = ledger(&[storm("naive", 900.0), storm("operator", 112.0), again.clone()]);
    let read = Ledger::read(&ledger.json()).expect("its own JSON");
    assert_eq!(read.rows(), [again, storm("naive", 900.0)]);
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
