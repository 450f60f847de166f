//! The versions of Apache Spark in Azure Synapse, and when Microsoft's support for each of them ends.
//!
//! The dates are Microsoft's, as of November 2026. Read these pages again with each release of the operator:
//!
//! - end of support of 2.4 to 3.3: <https://learn.microsoft.com/azure/synapse-analytics/spark/apache-spark-version-support>
//! - of 3.4: <https://learn.microsoft.com/azure/synapse-analytics/spark/apache-spark-34-runtime>, "reached end of support on
//!   March 31, 2026". The page no longer has the date from which jobs are disabled: "the phased disablement […] will begin
//!   shortly".
//! - of 3.5: <https://learn.microsoft.com/azure/synapse-analytics/spark/apache-spark-3-runtime>, "extending support through
//!   October 31, 2028".
//! - disablement of 3.1: the portal's notice, "will be disabled as of 01/27/2024"
//!   (<https://github.com/MicrosoftDocs/azure-docs/issues/116730>)
//! - of 3.2: <https://learn.microsoft.com/azure/machine-learning/interactive-data-wrangling-with-apache-spark-azure-ml>, "End
//!   of Support Date: July 8, 2024. After this date, the runtime will be disabled."
//! - of 3.3: <https://learn.microsoft.com/azure/synapse-analytics/spark/apache-spark-33-runtime>, "will be deprecated and
//!   disabled" on March 31, 2025.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

/// A version of Spark in Azure Synapse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifecycle {
    /// The version, as a pool shows it.
    pub version: &'static str,
    /// The last day on which Microsoft supports it.
    pub end_of_support: Date,
    /// The first day on which Microsoft, as announced, no longer runs jobs with it; none if no date is known. Microsoft has been
    /// later than announced, so jobs may run for longer.
    pub disabled_from: Option<Date>,
}

/// How long a version is still supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// For longer than the time that is asked for.
    Supported,
    /// Not for longer than that time.
    Ending,
    /// No longer.
    Ended,
}

/// All versions whose dates are known, in their order.
pub const ALL: [Lifecycle; 6] = [
    version("2.4", date(2023, 9, 29), None),
    version("3.1", date(2024, 1, 26), Some(date(2024, 1, 27))),
    version("3.2", date(2024, 7, 8), Some(date(2024, 7, 9))),
    version("3.3", date(2025, 3, 31), Some(date(2025, 3, 31))),
    version("3.4", date(2026, 3, 31), None),
    version("3.5", date(2028, 10, 31), None),
];

const fn version(version: &'static str, end_of_support: Date, disabled_from: Option<Date>) -> Lifecycle {
    Lifecycle { version, end_of_support, disabled_from }
}

impl Lifecycle {
    /// The days until the last supported day: 0 on that day, negative after it.
    #[must_use]
    pub fn days_left(&self, today: Date) -> i32 {
        (self.end_of_support - today).get_days()
    }

    /// Whether it is supported, and for more days than these.
    #[must_use]
    pub fn support(&self, today: Date, days: u16) -> Support {
        match self.days_left(today) {
            left if left < 0 => Support::Ended,
            left if left <= i32::from(days) => Support::Ending,
            _ => Support::Supported,
        }
    }

    /// Whether the day has come from which Microsoft, as announced, no longer runs jobs with it.
    #[must_use]
    pub fn is_disabled(&self, today: Date) -> bool {
        self.disabled_from.is_some_and(|first| first <= today)
    }
}

/// The version that a pool shows; none if its dates are not known. Such a version may be newer than this operator.
#[must_use]
pub fn lifecycle(spark_version: &str) -> Option<&'static Lifecycle> {
    ALL.iter().find(|one| one.version == spark_version)
}

/// The days until the last supported day of the version that a pool shows; none if its dates are not known.
#[must_use]
pub fn days_left(spark_version: &str, today: Date) -> Option<i32> {
    lifecycle(spark_version).map(|one| one.days_left(today))
}

/// The date of this time, in UTC.
#[must_use]
pub fn day_of(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn support_ends_in_the_order_of_versions_and_before_jobs_are_disabled() {
        assert!(ALL.is_sorted_by_key(|one| one.version));
        assert!(ALL.is_sorted_by_key(|one| one.end_of_support));
        assert!(ALL.iter().all(|one| one.disabled_from.is_none_or(|first| first >= one.end_of_support)));
    }

    #[test]
    fn support_is_ending_for_some_days_and_has_ended_on_the_next_day() {
        let one = lifecycle("3.5").expect("3.5 is known");
        for (today, left, support) in [
            (date(2026, 11, 30), 701, Support::Supported),
            (date(2028, 8, 1), 91, Support::Supported),
            (date(2028, 8, 2), 90, Support::Ending),
            (date(2028, 10, 31), 0, Support::Ending),
            (date(2028, 11, 1), -1, Support::Ended),
            (date(2030, 10, 31), -730, Support::Ended),
        ] {
            assert_eq!((days_left("3.5", today), one.support(today, 90)), (Some(left), support), "{today}");
        }
        assert_eq!(one.support(date(2028, 10, 30), 0), Support::Supported, "a warning of no days");
    }

    #[test]
    fn jobs_are_disabled_from_the_announced_day_on() {
        let disabled = |version, today| lifecycle(version).map(|one| one.is_disabled(today));
        assert_eq!(disabled("3.2", date(2024, 7, 8)), Some(false));
        assert_eq!(disabled("3.2", date(2024, 7, 9)), Some(true));
        assert_eq!(disabled("3.4", date(2030, 1, 1)), Some(false), "no day was announced");
    }

    #[test]
    fn version_that_is_not_listed_has_no_dates() {
        for version in ["", "4.0", "3.10", "3.5.1", "v3.5"] {
            assert_eq!(lifecycle(version), None, "{version}");
            assert_eq!(days_left(version, date(2040, 1, 1)), None, "{version}");
        }
    }
}
