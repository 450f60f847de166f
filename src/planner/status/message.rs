//! The words of the conditions of kstatus.

use std::fmt::Write as _;

use super::{Health, Pass, shortened};
use crate::api::Reason;
use crate::planner::{Change, Finding, Goal, Plan, role};

/// A condition's message has 32,768 characters at most in Kubernetes; people read the first hundreds.
const LONGEST: usize = 1024;

pub(super) fn message(health: Health, plan: &Plan, pass: &Pass<'_>) -> String {
    let compute = pass
        .goal
        .and_then(Goal::compute)
        .map_or_else(|| "the compute".to_owned(), |id| format!("compute {} in workspace {}", id.name(), id.workspace().name()));
    let about = &plan.about;
    let mut text = match plan.reason {
        Reason::Attached => format!("{compute} is attached as asked"),
        Reason::Claiming => "sets the finalizer before anything is written to Azure".to_owned(),
        Reason::Attaching => format!("Azure attaches {compute}"),
        Reason::Adopting => format!("takes over {compute}, which was nobody's"),
        Reason::Updating => format!("Azure updates {compute}"),
        Reason::Replacing => format!("{compute} is attached to another pool: detaches it, then attaches the pool of the spec"),
        Reason::Detaching => format!("Azure detaches {compute}"),
        Reason::Released => "nothing is left to detach".to_owned(),
        Reason::Suspended if plan.at_goal => format!("{compute} is attached as asked; suspended, so nothing is written to Azure"),
        Reason::Suspended => "suspended: nothing is written to Azure, and it is not as asked".to_owned(),
        Reason::Throttled | Reason::AzureUnavailable if health == Health::Ready => {
            format!("{compute} was attached as asked when Azure last answered; now it does not tell")
        }
        Reason::Throttled => "Azure asks for a pause".to_owned(),
        Reason::AzureUnavailable => "Azure does not answer, or not now; it is tried again with growing pauses".to_owned(),
        Reason::NotOurs => {
            format!("{compute} is there already: {about}, which spec.adoptionPolicy does not let this object take over")
        }
        Reason::OwnedByAnother => format!("{compute} belongs to {about} (cluster/namespace/name/uid)"),
        Reason::Duplicate => format!("the older object {about} asks for {compute} too"),
        Reason::PoolDiffers => format!("{compute} is attached to another pool, {about}"),
        Reason::AttachFailed => format!("Azure could not attach {compute}"),
        Reason::DetachFailed => format!("Azure could not detach {compute}"),
        Reason::NotApplied => format!("Azure took the change of {compute} and does not show it"),
        Reason::Unauthorized => "Azure refuses the operator's identity".to_owned(),
        Reason::NoCredential => "there is no token of Entra for it".to_owned(),
        Reason::WorkspaceNotFound => "Azure does not find the workspace".to_owned(),
        Reason::Refused => "Azure refuses the request".to_owned(),
        Reason::Granting => granting(plan),
        Reason::RoleForbidden => forbidden(plan, pass),
        Reason::LinkedServiceNotFound => format!("the workspace has no such linked service: {about}"),
        Reason::PoolNotFound => format!("there is no Spark pool {about}"),
        Reason::PoolFailed => format!("the Spark pool cannot be used: {about}"),
        // No plan has these.
        Reason::RoleGranted
        | Reason::RoleLeftBehind
        | Reason::PoolAvailable
        | Reason::SparkOutOfSupport
        | Reason::PoolUnreadable
        | Reason::PoolChanged => plan.reason.to_string(),
        Reason::InvalidSpec => about.clone(),
        Reason::InternalError => format!("a defect of the operator: {about}"),
    };
    if !plan.left_behind.is_empty() {
        let _ = write!(text, "; a role could not be taken back and may stay: {}", plan.left_behind.join("; "));
    }
    if let Some(fields) =
        (!plan.drift.is_empty()).then(|| plan.drift.iter().map(|drift| drift.field.to_string()).collect::<Vec<_>>().join(", "))
    {
        let _ = write!(text, " ({fields})");
    }
    let errors = pass.observed.and_then(|observed| match &observed.compute {
        Finding::Present(compute) if plan.reason == Reason::AttachFailed => compute.errors.first(),
        _ => None,
    });
    let (code, said) = match (&plan.words, errors) {
        (_, Some(error)) if !error.message.is_empty() || !error.code.is_empty() => (error.code.as_str(), error.message.as_str()),
        (Some(words), _) => (words.code.as_str(), words.message.as_str()),
        _ => ("", ""),
    };
    if !code.is_empty() || !said.is_empty() {
        let _ = write!(text, ": {code}{}{said}", if code.is_empty() || said.is_empty() { "" } else { ": " });
    }
    let advice = plan.reason.advice();
    if !advice.is_empty() {
        let _ = write!(text, "{} {advice}", if text.ends_with(['.', '!']) { "" } else { "." });
    }
    shortened(&text, LONGEST)
}

fn forbidden(plan: &Plan, pass: &Pass<'_>) -> String {
    let before = "Synapse does not let the operator change roles; somebody who may runs";
    match (&plan.assignment, pass.goal) {
        (Some(one), Some(goal)) if plan.change == Change::Revoke => {
            format!("{before} `{}`", one.delete_command(&one.id(&goal.owner().uid)))
        }
        (Some(one), _) => format!("{before} `{}`, or spec.synapseRole is taken away", one.create_command()),
        (None, _) => "Synapse does not let the operator change roles".to_owned(),
    }
}

fn granting(plan: &Plan) -> String {
    match &plan.assignment {
        Some(one) => match plan.change {
            Change::Grant => format!("grants the role {}", told(one)),
            Change::Revoke => format!("takes back the role {}", told(one)),
            Change::Forget => format!("leaves the role {}", told(one)),
        },
        None => "waits until Azure shows the principal of the identity, which is to get the role".to_owned(),
    }
}

/// An assignment, in words.
pub(super) fn told(one: &role::Assignment) -> String {
    format!("{} on {} to the principal {}", role::name_of(&one.role), one.scope, one.principal)
}
