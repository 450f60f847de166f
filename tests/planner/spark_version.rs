//! What the condition `PoolAvailable` shows of a version of Spark, as its support comes to its end.

use jiff::civil::date;
use jiff::{Timestamp, ToSpan, tz};
use synapse_spark_operator::api::v1alpha1::{AttachmentStatus, PoolStatus};
use synapse_spark_operator::planner::status::{condition, status};
use synapse_spark_operator::planner::{Dependencies, Finding, Observed, Progress, Report, SparkPool, decide};

use crate::builders::{attach, in_sync, report};

/// The morning of this day.
fn morning(year: i16, month: i8, day: i8) -> Timestamp {
    date(year, month, day).at(6, 0, 0, 0).to_zoned(tz::TimeZone::UTC).expect("a time").timestamp()
}

fn observed(version: &str) -> Observed {
    let details = PoolStatus { name: "p".into(), spark_version: Some(version.to_owned()), ..PoolStatus::default() };
    let pool = SparkPool { state: "Succeeded".into(), progress: Progress::Succeeded, details };
    let dependencies = Dependencies { pool: Some(Finding::Present(pool)), ..Dependencies::default() };
    Observed { dependencies, ..in_sync() }
}

fn status_at(previous: &AttachmentStatus, version: &str, warning: u16, now: Timestamp) -> AttachmentStatus {
    let (goal, observed) = (attach(), observed(version));
    let decision = decide(&goal, &observed);
    status(previous, &Report { now, spark_version_warning: warning, ..report(&goal, &observed, &decision, None) })
}

#[test]
fn end_of_support_is_reported_some_days_before_and_from_the_next_day_on() {
    #[rustfmt::skip]
    let table = [
        ("3.5", 90, morning(2028, 8, 1),   "PoolAvailable",           "is in state Succeeded"),
        ("3.5", 90, morning(2028, 8, 2),   "SparkVersionEnding",      "runs Spark 3.5, whose support ends on 2028-10-31. Test your jobs with a newer Spark version"),
        ("3.5", 30, morning(2028, 8, 2),   "PoolAvailable",           "is in state Succeeded"),
        ("3.5", 90, morning(2028, 10, 31), "SparkVersionEnding",      "whose support ends on 2028-10-31"),
        ("3.5", 90, morning(2028, 11, 1),  "SparkVersionUnsupported", "runs Spark 3.5, whose support ended on 2028-10-31"),
        ("3.2", 90, morning(2024, 7, 8),   "SparkVersionEnding",      "whose support ends on 2024-07-08"),
        ("3.2", 90, morning(2024, 7, 9),   "SparkVersionUnsupported", "whose support ended on 2024-07-08. Azure may refuse to run jobs with it"),
        ("4.0", 90, morning(2040, 1, 1),   "PoolAvailable",           "is in state Succeeded"),
    ];
    for (version, warning, now, reason, text) in table {
        let next = status_at(&AttachmentStatus::default(), version, warning, now);
        let shown = condition(&next, "PoolAvailable").expect("the pool was read");
        assert_eq!((shown.status.as_str(), shown.reason.as_str()), ("True", reason), "{version} on {now}: {shown:?}");
        assert!(shown.message.contains(text), "{version} on {now}: {}", shown.message);
        let ready = condition(&next, "Ready").expect("always there");
        assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("True", "Attached"), "{version} on {now}");
    }
}

#[test]
fn status_is_written_only_when_the_support_of_a_version_changes() {
    let mut previous = status_at(&AttachmentStatus::default(), "3.5", 90, morning(2028, 7, 1));
    let mut changes = Vec::new();
    for day in 0..200_i64 {
        let now = morning(2028, 7, 1).checked_add((day * 24).hours()).expect("a time");
        let next = status_at(&previous, "3.5", 90, now);
        if next != previous {
            changes.push((now, condition(&next, "PoolAvailable").expect("the pool was read").reason.clone()));
        }
        previous = next;
    }
    let expected =
        [(morning(2028, 8, 2), "SparkVersionEnding".to_owned()), (morning(2028, 11, 1), "SparkVersionUnsupported".to_owned())];
    assert_eq!(changes, expected);
}
