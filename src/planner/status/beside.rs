//! The conditions beside those of kstatus: `RoleGranted`, `PoolAvailable`.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::message::told;
use super::{Pass, condition, seconds, shortened};
use crate::api::Reason;
use crate::api::v1alpha1::AttachmentStatus;
use crate::planner::{Change, FaultKind, Finding, Goal, Progress, Step, role};

/// When Azure's support of a version of Spark ends in Synapse.
///
/// Source: <https://learn.microsoft.com/azure/synapse-analytics/spark/apache-spark-version-support>, and for 3.5
/// <https://learn.microsoft.com/azure/synapse-analytics/spark/apache-spark-3-runtime>; read in November 2026.
const SUPPORT: [(&str, Date); 6] = [
    ("2.4", date(2023, 9, 29)),
    ("3.1", date(2024, 1, 26)),
    ("3.2", date(2024, 7, 8)),
    ("3.3", date(2025, 3, 31)),
    ("3.4", date(2026, 3, 31)),
    ("3.5", date(2028, 10, 31)),
];

/// When Azure's support of this version of Spark ends, where that is known.
#[must_use]
pub fn end_of_support(spark_version: &str) -> Option<Date> {
    SUPPORT.iter().find(|(version, _)| *version == spark_version).map(|(_, end)| *end)
}

struct Beside {
    status: &'static str,
    reason: Reason,
    message: String,
}

/// What becomes of a condition.
enum Becomes {
    Said(Beside),
    /// Nobody looked: it says what it said.
    Kept,
    Gone,
}

fn said(status: &'static str, reason: Reason, message: impl Into<String>) -> Becomes {
    Becomes::Said(Beside { status, reason, message: message.into() })
}

/// The conditions beside those of kstatus, after a pass.
pub(super) fn conditions(previous: &AttachmentStatus, pass: &Pass<'_>) -> Vec<Condition> {
    let all = [("RoleGranted", role_granted(previous, pass)), ("PoolAvailable", pool_available(pass))];
    all.into_iter()
        .filter_map(|(kind, becomes)| {
            let before = condition(previous, kind);
            match becomes {
                Becomes::Gone => None,
                Becomes::Kept => before.cloned(),
                Becomes::Said(Beside { status, reason, message }) => Some(Condition {
                    type_: kind.to_owned(),
                    status: status.to_owned(),
                    reason: reason.to_string(),
                    message: shortened(&message, 1024),
                    observed_generation: pass.generation,
                    last_transition_time: before
                        .filter(|before| before.status == status)
                        .map_or_else(|| Time(seconds(pass.now)), |before| before.last_transition_time.clone()),
                }),
            }
        })
        .collect()
}

fn role_granted(previous: &AttachmentStatus, pass: &Pass<'_>) -> Becomes {
    let (plan, Some(observed)) = (pass.plan, pass.observed) else { return Becomes::Kept };
    // A grant, or the taking back of one, that Azure did not take.
    if let (Some(assignment), Step::Wait, true) =
        (&plan.assignment, plan.step, !matches!(plan.reason, Reason::Granting | Reason::Detaching))
    {
        let words = plan.words.as_ref().map(|words| format!(": {}: {}", words.code, words.message)).unwrap_or_default();
        return said("False", plan.reason, format!("the role {} is not as asked{words}", told(assignment)));
    }
    let Some(Goal::Attached(goal)) = pass.goal else { return Becomes::Kept };
    // What is told of one role counts for the next that cannot be taken back either.
    if plan.change == Change::Forget || goal.role.is_none() && observed.behind.roles.granted.iter().any(|one| one.is_ours) {
        return Becomes::Kept;
    }
    if goal.role.is_none() {
        return Becomes::Gone;
    }
    let waits = |why: &str| said("False", Reason::Granting, why);
    let was_granted = condition(previous, "RoleGranted").is_some_and(|one| one.status == "True");
    match &observed.compute {
        Finding::Unknown(_) => Becomes::Kept,
        Finding::Absent => waits("the role is granted once the pool is attached"),
        // Nobody looked at the role now.
        Finding::Present(_) if !plan.settled && was_granted => Becomes::Kept,
        Finding::Present(_) if !plan.settled => waits("the role is granted once the pool is attached as asked"),
        Finding::Present(_) => match role::missing(&observed.behind.roles, observed.asked) {
            Some(role::Next::Grant(one)) if plan.step == Step::Grant => waits(&format!("grants the role {}", told(&one))),
            Some(role::Next::Grant(one)) => waits(&format!("not granted: the role {}", told(&one))),
            Some(role::Next::Principal) => waits("Azure does not show the principal of the identity yet"),
            Some(_) => Becomes::Kept,
            None => {
                let all = observed.behind.roles.wanted.iter().filter_map(|(one, _)| one.as_ref());
                said("True", Reason::RoleGranted, all.map(told).collect::<Vec<_>>().join("; "))
            }
        },
    }
}

fn pool_available(pass: &Pass<'_>) -> Becomes {
    let Some(Goal::Attached(goal)) = pass.goal else { return Becomes::Kept };
    let (Some(pool), Some(finding)) = (&goal.pool, pass.observed.and_then(|observed| observed.behind.pool.as_ref())) else {
        return Becomes::Kept;
    };
    match finding {
        Finding::Absent => said("False", Reason::PoolNotFound, format!("there is no Spark pool {pool}")),
        Finding::Present(found) if matches!(found.progress, Progress::Failed | Progress::Deleting) => {
            said("False", Reason::PoolFailed, format!("the Spark pool {pool} is in state {}", found.state))
        }
        Finding::Present(found) => {
            let version = found.shown.spark_version.as_deref().unwrap_or_default();
            let today = pass.now.to_zoned(TimeZone::UTC).date();
            match end_of_support(version).filter(|end| *end < today) {
                Some(end) => said(
                    "True",
                    Reason::SparkOutOfSupport,
                    format!("the Spark pool {pool} has Spark {version}, whose support ended on {end}"),
                ),
                None => said("True", Reason::PoolAvailable, format!("the Spark pool {pool} is in state {}", found.state)),
            }
        }
        Finding::Unknown(fault) => match fault.kind {
            FaultKind::Unauthorized | FaultKind::NoSubscription | FaultKind::NoWorkspace | FaultKind::Refused => {
                said("Unknown", Reason::PoolUnreadable, format!("{}: {}", fault.words.code, fault.words.message))
            }
            FaultKind::Passing | FaultKind::Throttled(_) | FaultKind::NoCredential => Becomes::Kept,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn support_ends_in_the_order_of_versions() {
        assert!(SUPPORT.is_sorted());
        assert!(SUPPORT.is_sorted_by_key(|(_, end)| end));
        assert_eq!(end_of_support("3.4"), Some(date(2026, 3, 31)));
        assert_eq!(end_of_support("4.0"), None);
    }
}
