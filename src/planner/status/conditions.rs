//! The conditions of kstatus: Ready, Reconciling, Stalled.
//!
//! They cannot contradict each other: one [`Shown`] maps to all three, and nothing else sets one.
//! Source: <https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus>.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::v1alpha1::AttachmentStatus;
use crate::planner::status::message::message;
use crate::planner::status::report::Report;
use crate::planner::status::shown::{Shown, condition, shown};
use crate::planner::status::time::{not_after, stored};

pub(super) fn conditions(previous: &AttachmentStatus, report: &Report<'_>) -> Vec<Condition> {
    let shown = shown(previous, report);
    let (ready, other) = match shown {
        Shown::Ready | Shown::StillReady => ("True", None),
        Shown::Reconciling => ("False", Some("Reconciling")),
        Shown::Stalled => ("False", Some("Stalled")),
        Shown::Suspended => ("False", None),
        Shown::Unknown => ("Unknown", Some("Reconciling")),
    };
    let message = message(previous, shown, report);
    let reason = report.decision.cause.reason().as_str();
    let make = |kind: &str, status: &str| transition(previous, report, kind, (status, reason, &message));
    std::iter::once(make("Ready", ready)).chain(other.map(|kind| make(kind, "True"))).collect()
}

/// A condition with its time, which changes only when the status of the condition changes.
pub(super) fn transition(
    previous: &AttachmentStatus,
    report: &Report<'_>,
    kind: &str,
    (status, reason, message): (&str, &str, &str),
) -> Condition {
    let before = condition(previous, kind).filter(|before| before.status == status);
    Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: report.object.generation,
        last_transition_time: match before {
            Some(before) => not_after(&before.last_transition_time, report.now),
            // The object has not been Ready since it was created, which was before its first observation.
            None if previous.conditions.is_empty() && (kind, status) == ("Ready", "False") => {
                stored(report.object.created.unwrap_or(report.now))
            }
            None => stored(report.now),
        },
    }
}
