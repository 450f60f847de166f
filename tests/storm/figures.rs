//! The arithmetic behind the figures. The benchmark is a program without tests of its own.

use std::time::Duration;

use azure_emulator::Limits;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::json;

use crate::harness::bound::{Requests, bound};
use crate::harness::observer::failure;
use crate::harness::process::{cpu, growth};
use crate::harness::row::Row;
use crate::harness::table::markdown;

#[test]
fn the_slowest_kind_and_the_operation_make_the_bound() {
    let operation = Duration::from_secs(30);
    for (reads, writes, deletes, principals, expected) in [
        (0, 0, 0, 1, 30),
        (200, 200, 0, 1, 30),
        (1_000, 1_000, 0, 1, 110),
        (2_500, 1_000, 0, 1, 120),
        (1_000, 1_000, 0, 2, 60),
        (1_000, 1_000, 0, 5, 30),
        (1_000, 0, 1_000, 1, 110),
        (8_750, 1_000, 0, 1, 370),
    ] {
        let requests = Requests { reads, writes, deletes };
        let found = bound(requests, principals, &Limits::default(), operation);
        assert_eq!(found, Duration::from_secs(expected), "{requests:?}, {principals} principals");
    }
}

fn condition(kind: &str, status: &str, reason: &str) -> Condition {
    let time = "2026-01-02T03:04:05Z";
    let value = json!({"type": kind, "status": status, "reason": reason, "message": "", "lastTransitionTime": time});
    serde_json::from_value(value).expect("a condition")
}

#[test]
fn waiting_attachments_do_not_count_as_failed() {
    for (kind, status, reason, fails) in [
        ("Ready", "True", "Attached", false),
        ("Ready", "False", "Attaching", false),
        ("Ready", "Unknown", "Queued", false),
        ("Ready", "False", "AzureUnavailable", true),
        ("Ready", "False", "AttachFailed", true),
        ("Stalled", "True", "Throttled", true),
        ("Stalled", "False", "AttachFailed", false),
    ] {
        let condition = condition(kind, status, reason);
        assert_eq!(failure(&condition).is_some(), fails, "{kind}={status} {reason}");
    }
}

#[test]
fn the_cpu_time_of_a_process_is_read_even_if_its_name_has_spaces() {
    let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 3 0 100";
    assert_eq!(cpu(stat), Some(2.0));
}

#[test]
fn an_unfinished_row_has_no_factor() {
    let row = Row { objects: 10, done: 7, seconds: 30.0, bound: Some(3.0), ..Row::default() };
    let table = markdown(&[row.clone(), Row { finished: true, ..row }]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[2].contains("| unfinished: 7 of 10 in 30 s | 3 s | – |"), "{}", lines[2]);
    assert!(lines[3].contains("| 30 s | 3 s | 10.00 |"), "{}", lines[3]);
}

#[test]
fn growth_is_that_of_the_line_of_best_fit() {
    let samples =
        |rise: f64, jump: f64| (0..60).map(f64::from).map(|at| (at, 20.0 + rise * at + jump * (at % 2.0))).collect::<Vec<_>>();
    for (rise, jump, expected) in [(0.0, 0.0, 0.0), (0.1, 0.0, 6.0), (-0.1, 0.0, -6.0), (0.0, 1.0, 0.0), (0.1, 1.0, 6.0)] {
        let found = growth(&samples(rise, jump), 60.0);
        assert!((found - expected).abs() < 0.1, "{rise}, {jump}: {found}");
    }
    assert!(growth(&[(1.0, 20.0)], 60.0).abs() < f64::EPSILON && growth(&[], 60.0).abs() < f64::EPSILON);
}
