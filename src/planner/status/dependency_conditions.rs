//! The conditions of what an attachment, and its jobs, depend on: `RoleAssigned`, `PoolAvailable`, `JobsReady`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::Reason;
use crate::api::v1alpha1::AttachmentStatus;
use crate::planner::cause::Cause;
use crate::planner::decision::Step;
use crate::planner::dependencies::SparkPool;
use crate::planner::drift::is_in_sync;
use crate::planner::finding::{FaultKind, Finding};
use crate::planner::goal::{Attached, Goal};
use crate::planner::observed::Observed;
use crate::planner::roles::decide::{Next, missing};
use crate::planner::status::condition_change::{Change, set};
use crate::planner::status::conditions::transition;
use crate::planner::status::jobs_ready::{JOBS_READY, jobs_ready};
use crate::planner::status::message::shortened;
use crate::planner::status::report::Report;
use crate::planner::status::shown::condition;
use crate::planner::write::Write;
use crate::resource_id::PoolId;
use crate::spark_versions::{Support, day_of, lifecycle};

/// The longest message. That of `JobsReady` ends with a command.
const MAX_MESSAGE: usize = 2048;

pub(super) fn conditions(previous: &AttachmentStatus, report: &Report<'_>) -> Vec<Condition> {
    let all = [
        ("RoleAssigned", role_assigned(previous, report)),
        ("PoolAvailable", pool_available(report)),
        (JOBS_READY, jobs_ready(previous, report)),
    ];
    all.into_iter()
        .filter_map(|(kind, change)| match change {
            Change::Remove => None,
            Change::Keep => condition(previous, kind).cloned(),
            Change::Set { status, reason, message } => {
                Some(transition(previous, report, kind, (status, reason.as_str(), &shortened(&message, MAX_MESSAGE))))
            }
        })
        .collect()
}

fn role_assigned(previous: &AttachmentStatus, report: &Report<'_>) -> Change {
    let (cause, Some(seen)) = (&report.decision.cause, report.observed) else { return Change::Keep };
    // The roles of what is handed over stay as they are.
    let Some(Goal::Attached(goal)) = report.goal.filter(|goal| !goal.is_transfer()) else { return Change::Keep };
    if let Cause::WriteFailed { write, fault } = cause {
        match write {
            Write::AssignRole(one) => {
                return set("False", cause.reason(), format!("The role {one} could not be assigned: {}", fault.error));
            }
            Write::RevokeRole(one) => {
                return set("False", cause.reason(), format!("The role {one} could not be revoked: {}", fault.error));
            }
            Write::Put | Write::Detach => {}
        }
    }
    // The condition of one assignment that cannot be revoked also applies to the next one.
    let is_abandoned = matches!(cause, Cause::RoleAbandoned { .. });
    if is_abandoned || goal.role.is_none() && seen.roles.ours().next().is_some() {
        return Change::Keep;
    }
    match (&goal.role, &seen.compute) {
        (None, _) => Change::Remove,
        (Some(_), Finding::Unknown(_)) => Change::Keep,
        (Some(_), Finding::Absent) => set("False", Reason::AssigningRole, "The role is assigned once the pool is attached"),
        (Some(_), Finding::Present(_)) => role_of_attached(previous, report, (goal, seen)),
    }
}

fn role_of_attached(previous: &AttachmentStatus, report: &Report<'_>, (goal, seen): (&Attached, &Observed)) -> Change {
    let was_assigned = condition(previous, "RoleAssigned").is_some_and(|one| one.status == "True");
    let waiting = |why: &str| set("False", Reason::AssigningRole, why);
    match is_in_sync(goal, seen) {
        // The role was not observed.
        false if was_assigned => return Change::Keep,
        false => return waiting("The role is assigned once the compute is in sync"),
        true => {}
    }
    match missing(&seen.roles, seen.object.reconcile_requested) {
        Some(Next::Assign(one)) if matches!(report.decision.step, Step::AssignRole(_)) => {
            waiting(&format!("Assigning the role {one}"))
        }
        Some(Next::Assign(one)) => waiting(&format!("The role {one} is not assigned")),
        Some(Next::AwaitPrincipal) => waiting("Waiting for Azure to report the principal ID of the managed identity"),
        Some(Next::AwaitAnswer(_) | Next::Revoke(_)) => Change::Keep,
        None => {
            let all = seen.roles.wanted.iter().filter_map(|(one, _)| one.as_ref()).map(ToString::to_string);
            set("True", Reason::RoleAssigned, format!("Assigned: {}", all.collect::<Vec<_>>().join("; ")))
        }
    }
}

fn pool_available(report: &Report<'_>) -> Change {
    let (Some(Goal::Attached(goal)), Some(seen)) = (report.goal, report.observed) else { return Change::Keep };
    let (Some(pool), Some(finding)) = (seen.dependencies.resolve(&goal.pool), &seen.dependencies.pool) else {
        return Change::Keep;
    };
    match finding {
        Finding::Absent => set("False", Reason::PoolNotFound, format!("The Spark pool {pool} does not exist")),
        Finding::Present(found) if !found.is_usable() => {
            set("False", Reason::PoolFailed, format!("The Spark pool {pool} is in state {}", found.state))
        }
        Finding::Present(found) => usable_pool(&pool, found, report),
        Finding::Unknown(fault) => match fault.kind {
            FaultKind::Forbidden
            | FaultKind::SubscriptionNotFound
            | FaultKind::WorkspaceNotFound
            | FaultKind::Refused(_)
            | FaultKind::Rejected => {
                let (error, advice) = (fault.error.to_string(), Reason::PoolUnreadable.advice());
                let error = error.trim_end_matches('.');
                let message =
                    format!("The Spark pool {pool} cannot be read: {error}. This does not prevent the attachment. {advice}");
                set("Unknown", Reason::PoolUnreadable, message)
            }
            FaultKind::Unavailable(_)
            | FaultKind::Intercepted
            | FaultKind::Untrusted
            | FaultKind::Conflict
            | FaultKind::Throttled(_)
            | FaultKind::Queued(_)
            | FaultKind::Unauthenticated => Change::Keep,
        },
    }
}

/// Whether Ready or not: jobs run on the pool, for now.
fn usable_pool(pool: &PoolId, found: &SparkPool, report: &Report<'_>) -> Change {
    let version = found.details.spark_version.as_deref().unwrap_or_default();
    let today = day_of(report.now);
    let known = lifecycle(version).map(|one| (one, one.support(today, report.spark_version_warning)));
    // Dates and no number of days: the message stays the same until the state changes, and nothing is written meanwhile.
    match known {
        Some((one, Support::Ended)) => {
            let disabled = if one.is_disabled(today) { ". Azure may refuse to run jobs with it" } else { "" };
            let message =
                format!("The Spark pool {pool} runs Spark {version}, whose support ended on {}{disabled}", one.end_of_support);
            set("True", Reason::SparkVersionUnsupported, message)
        }
        Some((one, Support::Ending)) => {
            let (end, advice) = (one.end_of_support, Reason::SparkVersionEnding.advice());
            let message = format!("The Spark pool {pool} runs Spark {version}, whose support ends on {end}. {advice}");
            set("True", Reason::SparkVersionEnding, message)
        }
        Some((_, Support::Supported)) | None => {
            set("True", Reason::PoolAvailable, format!("The Spark pool {pool} is in state {}", found.state))
        }
    }
}
