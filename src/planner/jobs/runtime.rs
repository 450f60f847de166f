//! The pool's version of Spark.

use crate::planner::jobs::facts::Facts;
use crate::planner::jobs::outcome::{Fix, Outcome};
use crate::spark_versions::{Support, lifecycle};

/// So many days before its end of support, a version is reported.
const NOTICE_DAYS: u16 = 90;

/// Microsoft supports the pool's version of Spark.
pub(super) fn spark_version(facts: &Facts) -> Outcome {
    let version = match &facts.spark_version {
        Err(why) => return why.into(),
        Ok(None) => return Outcome::not_applicable("Azure shows no version of Spark for the pool"),
        Ok(Some(version)) => version,
    };
    let Some(known) = lifecycle(version) else {
        return Outcome::not_applicable(format!("the end of support of Spark {version} is not known to this version"));
    };
    let advice = || Fix::Advice("Create a pool with a version that is supported, and attach that pool".to_owned());
    let end = known.end_of_support;
    match (known.support(facts.today, NOTICE_DAYS), known.disabled_from) {
        (_, Some(first)) if known.is_disabled(facts.today) => Outcome::missing(
            format!("Spark {version} is no longer supported; Microsoft announced that jobs are disabled from {first} on"),
            advice(),
        ),
        (Support::Ended, _) => {
            let message = format!("support of Spark {version} ended on {end}; Microsoft may disable its jobs at any time");
            Outcome::warning(message, Some(advice()))
        }
        (Support::Ending, _) => {
            let message = format!("support of Spark {version} ends in {} days, on {end}", known.days_left(facts.today));
            Outcome::warning(message, Some(advice()))
        }
        (Support::Supported, _) => Outcome::ok(format!("Spark {version} is supported until {end}")),
    }
}
