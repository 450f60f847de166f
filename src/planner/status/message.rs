//! The messages of conditions and events: what happened, why, and what to do.

use crate::api::v1alpha1::{AttachmentStatus, ProvisioningError};
use crate::planner::cause::{Cause, Suspension};
use crate::planner::compute::Unreadable;
use crate::planner::finding::{Fault, FaultKind};
use crate::planner::goal::Goal;
use crate::planner::recipient::Recipient;
use crate::planner::roles::goal::RoleAssignment;
use crate::planner::status::jobs;
use crate::planner::status::report::Report;
use crate::planner::status::shown::Shown;
use crate::planner::status::time::turn;
use crate::planner::write::{NoEffect, Write};
use crate::refusal::Refusal;
use crate::service_error::Service;

/// Kubernetes allows 32,768 characters in a condition's message, but users read only the first hundreds.
const MAX_CHARACTERS: usize = 1024;

/// The message of the conditions Ready, Reconciling and Stalled.
pub(super) fn message(previous: &AttachmentStatus, shown: Shown, report: &Report<'_>) -> String {
    let cause = &report.decision.cause;
    let compute = match report.goal.and_then(Goal::compute) {
        Some(id) => format!("compute {} in workspace {}", id.name(), id.workspace().name()),
        None => "the compute".to_owned(),
    };
    let described = describe(previous, report, &compute);
    let what = match shown {
        Shown::StillReady => format!("In sync at the last successful observation. {}", capitalized(&described)),
        Shown::Unknown => {
            format!("No recent observation succeeded; in sync at the last one that did. {}", capitalized(&described))
        }
        Shown::Ready | Shown::Reconciling | Shown::Stalled | Shown::Suspended => described,
    };
    let orphaned = match cause.orphaned() {
        [] => String::new(),
        commands => {
            format!("; a role assignment could not be revoked and may remain. To revoke it, run: {}", commands.join("; "))
        }
    };
    let text = format!("{what}{}{orphaned}{}{}", manual_role_change(report), fields(report), azure_error(report));
    let text = capitalized(&text);
    let advice = cause.reason().advice_for(matches!(report.goal, Some(Goal::Detached(_))));
    let end = if advice.is_empty() || text.ends_with(['.', '!', '?']) { "" } else { "." };
    let space = if advice.is_empty() { "" } else { " " };
    shortened(&format!("{text}{end}{space}{advice}"), MAX_CHARACTERS)
}

/// The fields that differ, in parentheses.
fn fields(report: &Report<'_>) -> String {
    // None of them is corrected in place: the compute is to be detached.
    if matches!(report.decision.cause, Cause::WaitingForJobs(_) | Cause::JobsUnreadable(_)) {
        return String::new();
    }
    let names: Vec<_> = report.shown_drift().iter().map(|drift| drift.field.to_string()).collect();
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}

/// Azure's code and text: the compute's own errors are more specific than the operation's.
fn azure_error(report: &Report<'_>) -> String {
    let cause = &report.decision.cause;
    let compute = report.observed.and_then(|seen| seen.compute.present());
    let own = match cause {
        Cause::AttachFailed(_) | Cause::UpdateFailed(_) => compute.and_then(|compute| compute.details.errors.first()),
        _ => None,
    };
    let text = match own {
        Some(ProvisioningError { code, message }) if !code.is_empty() && !message.is_empty() => format!("{code}: {message}"),
        Some(ProvisioningError { code, message }) if !code.is_empty() || !message.is_empty() => format!("{code}{message}"),
        _ => cause.error().map(ToString::to_string).unwrap_or_default(),
    };
    match (text.as_str(), manual_role_change(report).as_str()) {
        ("", _) => text,
        (_, "") => format!(": {text}"),
        (_, _) => format!(". Synapse returned {text}"),
    }
}

fn describe(previous: &AttachmentStatus, report: &Report<'_>, compute: &str) -> String {
    let cause = &report.decision.cause;
    match cause {
        Cause::Attached => format!("{compute} is attached and in sync"),
        Cause::Suspended(what) => format!("Suspended; {}", suspended(*what, compute)),
        Cause::AddingFinalizer => "Adding the finalizer before the first write to Azure".to_owned(),
        Cause::Attaching => format!("Attaching {compute}"),
        Cause::Adopting => format!("Adopting {compute}, which has no owner"),
        Cause::AdoptingTransferred => format!("Adopting {compute}, which its former owner handed over to this object"),
        Cause::Updating => format!("Updating {compute}"),
        Cause::Resending => format!("Sending {compute} to Azure again, as requested"),
        Cause::Replacing => format!("{compute} is attached to another pool; detaching it, then attaching the pool in the spec"),
        Cause::ConfirmingAbsence => format!("Azure reports that {compute} does not exist; checking again before attaching it"),
        Cause::ConfirmingDetached => {
            format!("Azure reports that {compute} does not exist; checking again before removing the finalizer")
        }
        Cause::AwaitingWrite => format!("A request to change {compute} was not answered; waiting for its effect"),
        Cause::ReadingJobs => format!("Reading the jobs that use {compute}"),
        Cause::WaitingForJobs(found) => jobs::waiting(found, jobs::until(previous, report), compute),
        Cause::JobsUnreadable(fault) => {
            format!("{}. {}", jobs::unreadable(jobs::until(previous, report), compute), capitalized(&fault_text(fault)))
        }
        Cause::Detaching(_) => format!("Detaching {compute}"),
        Cause::Detached(_) => format!("{compute} is detached"),
        Cause::Retained => format!("{compute} stays in Azure"),
        Cause::Transferring(to) => format!("Handing {compute} over to {to} (cluster/namespace/name)"),
        Cause::Transferred { to, roles } => transferred(compute, to, roles),
        Cause::AssigningRole(one) => format!("Assigning the role {one}"),
        Cause::RevokingRole(one) => format!("Revoking the role {one}"),
        Cause::AwaitingPrincipal => "Waiting for Azure to report the principal ID of the managed identity".to_owned(),
        Cause::RoleAbandoned { assignment, .. } => format!("No longer tracking the role {assignment}"),
        Cause::Queued(queued) => {
            let turn = turn(previous.queued_until.as_ref(), report.now, queued.wait);
            format!("Waiting until Azure's request limits allow the next request for {compute}, at about {}", turn.0)
        }
        Cause::ReadFailed(fault) => read_failed(fault, report),
        Cause::WriteFailed { write, fault } => write_failed(write, fault),
        Cause::InvalidSpec(why) => format!("Invalid object: {why}"),
        Cause::InternalError(what) => format!("The operator failed with an internal error: {what}"),
        _ => blocked(cause, compute),
    }
}

fn transferred(compute: &str, to: &Recipient, roles: &[String]) -> String {
    let roles = match roles {
        [] => String::new(),
        commands => format!(
            ". Its role assignments in Synapse stay, and the new owner does not revoke them; to revoke them once they are no longer needed, run: {}",
            commands.join("; ")
        ),
    };
    format!(
        "{compute} was handed over to {to} (cluster/namespace/name); the operator no longer writes to Azure for this object{roles}"
    )
}

fn suspended(what: Suspension, compute: &str) -> String {
    match what {
        Suspension::InSync => format!("{compute} is attached and in sync"),
        Suspension::Attach => format!("{compute} does not exist and will not be attached"),
        Suspension::Adoption => format!("{compute} has no owner and will not be adopted"),
        Suspension::Update => format!("{compute} is not in sync with the spec and will not be changed"),
        Suspension::Transfer => format!("{compute} will not be handed over to the object that the annotation names"),
        Suspension::Roles => "role assignments differ from the spec and will not be changed".to_owned(),
        Suspension::Detach => format!("{compute} will not be detached, and this object stays until it is"),
    }
}

// Longer than other functions: a table with one row per cause.
fn blocked(cause: &Cause, compute: &str) -> String {
    match cause {
        Cause::ComputeTypeMismatch(kind) => format!("{compute} already exists with type {kind}"),
        Cause::AdoptionNotAllowed(pool) => {
            format!(
                "{compute} already exists without an owner, attached to {pool}, and spec.adoptionPolicy does not allow adopting it"
            )
        }
        Cause::PoolMismatch(pool) => format!("{compute} is attached to another pool, {pool}"),
        Cause::OwnedByAnother(tag) => format!("{compute} belongs to {tag} (cluster/namespace/name/uid)"),
        Cause::Duplicate(older) => format!("{compute} is already claimed by the older object {older}"),
        Cause::AttachFailed(_) => format!("Azure failed to attach {compute}"),
        Cause::UpdateFailed(_) => format!("Azure failed to update {compute}"),
        Cause::DetachFailed(_) => format!("Azure failed to detach {compute}"),
        Cause::DriftPersists => format!("Azure accepted the change to {compute} but does not show it"),
        Cause::NoEffect(NoEffect::Attach) => format!("Azure accepted the attach of {compute} but does not show it"),
        Cause::NoEffect(NoEffect::Detach) => format!("Azure accepted the detach of {compute} but still shows it"),
        Cause::NoEffect(NoEffect::DetachNotFound) => {
            format!("Azure shows {compute} but returns 404 for its detach, as if it did not exist")
        }
        Cause::OperationStuck { kind, state, since } => {
            let kind = format!("{kind:?}").to_lowercase();
            format!(
                "Azure has been working on the {kind} of {compute} since {since}, longer than usual; its operation is in state {state}"
            )
        }
        Cause::SafetyStop => {
            format!(
                "{compute} is missing, along with many others in its workspace; the operator does not re-attach them automatically"
            )
        }
        Cause::StateUnreadable(Unreadable { field, text }) if text.is_empty() => {
            format!("Azure shows {compute} without {field}; the operator changes nothing until it can read the value")
        }
        Cause::StateUnreadable(Unreadable { field, text }) => {
            format!(
                "Azure shows {compute} with {field} {text:?}, which cannot be parsed; the operator changes nothing until it can read the value"
            )
        }
        Cause::LinkedServiceNotFound { name, others } if others.is_empty() => {
            format!("Linked service {name} does not exist; the workspace has no linked services")
        }
        Cause::LinkedServiceNotFound { name, others } => {
            format!("The workspace has no linked service {name}; it has: {}", others.join(", "))
        }
        Cause::LinkedServiceUnusable { name, resource_id } => {
            format!("The linked service {name} points to {resource_id}, which is not a Synapse workspace")
        }
        Cause::PoolNotFound(pool) => format!("The Spark pool {pool} does not exist"),
        Cause::PoolFailed { pool, state } => format!("The Spark pool {pool} is in state {state}"),
        other => other.reason().to_string(),
    }
}

fn read_failed(fault: &Fault, report: &Report<'_>) -> String {
    let is_of_credential = matches!(fault.error.service, Service::Entra | Service::Kubernetes);
    match (fault.kind, report.unanswered_dependency()) {
        (FaultKind::Unavailable(_), Some(what)) if !is_of_credential => format!("Cannot read {what}; retrying with backoff"),
        _ => fault_text(fault),
    }
}

fn fault_text(fault: &Fault) -> String {
    let service = fault.error.service;
    match fault.kind {
        FaultKind::Unavailable(_) => return format!("{service} is unavailable; retrying with backoff"),
        FaultKind::Unauthenticated if matches!(service, Service::ResourceManager | Service::Synapse) => {
            return format!("{service} rejects the access token");
        }
        FaultKind::Intercepted => {
            return format!("The response came from a proxy or firewall, not from {service}; retrying with backoff");
        }
        FaultKind::Untrusted => return format!("The certificate of {service} is not trusted; retrying with backoff"),
        FaultKind::Conflict => "Azure reports a conflict with another operation or a pending change; retrying with backoff",
        FaultKind::Throttled(_) => "Azure throttles the operator's requests; waiting as long as Azure requests",
        FaultKind::Queued(_) => "Waiting until Azure's request limits allow the next request",
        FaultKind::Unauthenticated => "Cannot obtain an access token from Microsoft Entra ID",
        FaultKind::Forbidden => "The identity that the operator uses is not authorized for the request",
        FaultKind::WorkspaceNotFound => "The workspace does not exist",
        FaultKind::SubscriptionNotFound => "The subscription does not exist, or belongs to another tenant",
        FaultKind::Rejected => "Azure rejects the request",
        FaultKind::Refused(refusal) => obstacle(refusal),
    }
    .to_owned()
}

const fn obstacle(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Lock => "A management lock in Azure prevents the change",
        Refusal::Provider => "The subscription is not registered for a resource provider that the request needs",
        Refusal::Subscription => "The subscription is disabled and therefore read-only",
        Refusal::Policy => "An Azure Policy assignment denies the request",
        Refusal::Network => "A firewall in Azure blocks the operator's IP address",
        Refusal::Quota => "An Azure quota is exceeded",
        Refusal::Dependency => "Another resource in Azure that the request depends on has failed",
        Refusal::Update => "Azure Machine Learning refuses to update the existing compute in place",
        Refusal::Identity => "A user-assigned identity does not exist",
    }
}

fn write_failed(write: &Write, fault: &Fault) -> String {
    match (write, fault.kind) {
        (Write::AssignRole(_) | Write::RevokeRole(_), FaultKind::Forbidden) => {
            "The operator may not manage Synapse role assignments".to_owned()
        }
        (Write::AssignRole(one), _) => format!("The role {one} could not be assigned. {}", capitalized(&fault_text(fault))),
        (Write::RevokeRole(one), _) => format!("The role {one} could not be revoked. {}", capitalized(&fault_text(fault))),
        (Write::Put | Write::Detach, _) => fault_text(fault),
    }
}

/// The command that changes a role assignment by hand, where the operator may not. It comes before Azure's text, which may be
/// long: events are cut off earlier than conditions.
fn manual_role_change(report: &Report<'_>) -> String {
    let Cause::WriteFailed { write, fault } = &report.decision.cause else { return String::new() };
    match write {
        _ if fault.kind != FaultKind::Forbidden => String::new(),
        Write::AssignRole(one) => {
            format!(". To assign the role, run: `{}`; to do without it, remove spec.synapseRole", one.create_command())
        }
        Write::RevokeRole(one) => format!(". This command revokes the role: `{}`", revoke_command(one, report.goal)),
        Write::Put | Write::Detach => String::new(),
    }
}

fn revoke_command(one: &RoleAssignment, goal: Option<&Goal>) -> String {
    one.delete_command(&one.id(goal.map(|goal| goal.owner().uid.as_str()).unwrap_or_default()))
}

fn capitalized(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// The text, or its beginning and `…`, with line ends as spaces.
#[must_use]
pub fn shortened(text: &str, longest: usize) -> String {
    if text.len() <= longest && !['\n', '\r', '\t'].iter().any(|end| text.contains(*end)) {
        return text.to_owned();
    }
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= longest {
        return flat;
    }
    flat.chars().take(longest - 1).chain(['…']).collect()
}
