//! Plan + previous status + now → new status: what the user reads.
//!
//! Conditions cannot contradict: one private enum of health maps totally to
//! the kstatus trio Ready / Reconciling / Stalled, and nothing else sets one.
//! Source: <https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus>.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::api::Reason;
use crate::api::v1alpha1::{Applied, AttachmentStatus, IdentityStatus, OperationStatus, PoolStatus, UserAssignedStatus};
use crate::id::IdentityId;
use crate::plan::{Compute, Desired, Finding, Goal, Observed, Ownership, Plan, Step, Trouble};

/// How an attachment is, in the words of kstatus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    /// Current: Azure shows what was asked.
    Ready,
    /// In progress: on the way there.
    Progressing,
    /// Failed: it will not get there without somebody's help.
    Stalled,
    /// Neither: it is told to stand still.
    Halted,
}

impl Health {
    /// `still_ready`: it was Ready when Azure last answered, and nothing since says otherwise.
    fn of(plan: &Plan, still_ready: bool) -> Self {
        match plan.reason {
            Reason::Attached => Self::Ready,
            Reason::Suspended if plan.at_goal => Self::Ready,
            Reason::Suspended => Self::Halted,
            // Azure does not answer: what was true when it last did still counts, nothing was undone.
            Reason::Throttled | Reason::AzureUnavailable if still_ready => Self::Ready,
            Reason::Throttled
            | Reason::AzureUnavailable
            | Reason::Claiming
            | Reason::Attaching
            | Reason::Adopting
            | Reason::Updating
            | Reason::Replacing
            | Reason::Detaching
            | Reason::Released => Self::Progressing,
            Reason::NotOurs
            | Reason::OwnedByAnother
            | Reason::Duplicate
            | Reason::PoolDiffers
            | Reason::AttachFailed
            | Reason::DetachFailed
            | Reason::NotApplied
            | Reason::Unauthorized
            | Reason::NoCredential
            | Reason::WorkspaceNotFound
            | Reason::Refused
            | Reason::InvalidSpec
            | Reason::InternalError => Self::Stalled,
        }
    }
}

/// What Azure was just asked to do, as `act` tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The operation that it started.
    pub operation: OperationStatus,
    /// What it put there; none for a detach.
    pub applied: Option<Applied>,
}

/// What a pass knows when it is over.
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a> {
    /// What was asked; none if the spec could not be read.
    pub goal: Option<&'a Goal>,
    /// What was seen; none if nobody looked.
    pub observed: Option<&'a Observed>,
    /// What was decided.
    pub plan: &'a Plan,
    /// What was written to Azure.
    pub written: Option<&'a Written>,
    /// The generation of the spec that the pass read.
    pub generation: Option<i64>,
    /// The value of the reconcile annotation that the pass read.
    pub requested: Option<&'a str>,
    /// When.
    pub now: Timestamp,
}

/// The status after a pass. Equal to the previous one where nothing changed.
#[must_use]
pub fn status(previous: &AttachmentStatus, pass: &Pass<'_>) -> AttachmentStatus {
    let plan = pass.plan;
    let was_ready = previous.observed_generation == pass.generation
        && condition(previous, "Ready").is_some_and(|ready| ready.status == "True");
    let shown = pass.observed.map(|observed| &observed.compute);
    let health = Health::of(plan, was_ready && matches!(shown, Some(Finding::Unknown(_))));
    let mut next = AttachmentStatus {
        observed_generation: pass.generation,
        conditions: conditions(previous, health, plan, pass),
        drift: plan.drift.iter().map(Into::into).collect(),
        failing_since: failing_since(previous, health, plan, pass),
        last_handled_reconcile_at: pass.requested.map(ToOwned::to_owned).or_else(|| previous.last_handled_reconcile_at.clone()),
        applied: previous.applied.clone(),
        operation: previous.operation.clone(),
        ..AttachmentStatus::default()
    };
    match shown {
        Some(Finding::Present(compute)) => show(&mut next, compute, pass.goal),
        Some(Finding::Absent) => {}
        Some(Finding::Unknown(_)) | None => keep(&mut next, previous),
    }
    if let Some(compute) = pass.goal.and_then(Goal::compute) {
        next.compute_id = Some(compute.to_string());
        next.compute_name = Some(compute.name().to_owned());
    }
    if let Some(Goal::Attached(goal)) = pass.goal {
        let pool = next.pool.get_or_insert_with(PoolStatus::default);
        if pool.name.is_empty() {
            goal.pool.name().clone_into(&mut pool.name);
        }
    }
    if let Some(Finding::Present(compute)) = shown {
        remember(&mut next.applied, compute, plan, pass.goal);
    }
    match pass.written {
        Some(written) => {
            next.operation = Some(written.operation.clone());
            next.applied = written.applied.clone().or(next.applied);
        }
        // At the goal, or gone: no operation of ours is of interest any longer.
        None if plan.at_goal || plan.step == Step::Release => next.operation = None,
        None => {}
    }
    next
}

/// What to remember of what we put there, now that the compute is seen.
///
/// Of a compute that is not ours nothing: else a stranger's would look like the one that we once made.
fn remember(applied: &mut Option<Applied>, compute: &Compute, plan: &Plan, goal: Option<&Goal>) {
    if compute.owner != Ownership::Ours {
        *applied = None;
        return;
    }
    let Some(applied) = applied else { return };
    applied.created_on.clone_from(&compute.created_on);
    if let (true, Some(Goal::Attached(goal))) = (plan.at_goal, goal) {
        let in_order = compute.identity.user.iter().map(|(id, ..)| id).eq(&goal.identity.user);
        let order_kept = applied.order_kept.or((!applied.identities.is_empty()).then_some(in_order));
        *applied = Applied { order_kept, created_on: applied.created_on.take(), ..Desired::settled(goal) };
    }
}

/// What the status remembers of earlier failures of writes.
#[must_use]
pub fn trouble(status: &AttachmentStatus, now: Timestamp) -> Option<Trouble> {
    let stalled = condition(status, "Stalled")?;
    let failed = matches!(
        Reason::parse(&stalled.reason)?,
        // The last three: a try of such a write that was not even taken.
        Reason::AttachFailed
            | Reason::DetachFailed
            | Reason::NotApplied
            | Reason::Unauthorized
            | Reason::Refused
            | Reason::NoCredential
    );
    let (since, seen) = (status.failing_since.as_ref()?.0, stalled.last_transition_time.0);
    failed.then(|| Trouble { before: between(since, seen), ago: between(seen, now) })
}

/// For how long it has been failing.
#[must_use]
pub fn failing_for(status: &AttachmentStatus, now: Timestamp) -> Duration {
    status.failing_since.as_ref().map(|since| between(since.0, now)).unwrap_or_default()
}

/// For how long it has been on its way.
#[must_use]
pub fn waiting_for(status: &AttachmentStatus, now: Timestamp) -> Duration {
    condition(status, "Reconciling").map(|since| between(since.last_transition_time.0, now)).unwrap_or_default()
}

/// The time from one to the other; zero if a clock went back.
#[must_use]
pub fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// The condition of this type.
#[must_use]
pub fn condition<'a>(status: &'a AttachmentStatus, kind: &str) -> Option<&'a Condition> {
    status.conditions.iter().find(|condition| condition.type_ == kind)
}

fn conditions(previous: &AttachmentStatus, health: Health, plan: &Plan, pass: &Pass<'_>) -> Vec<Condition> {
    let message = message(health, plan, pass);
    let make = |kind: &str, is_true: bool| {
        let status = if is_true { "True" } else { "False" };
        let before = condition(previous, kind).filter(|before| before.status == status);
        Condition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: plan.reason.to_string(),
            message: message.clone(),
            observed_generation: pass.generation,
            // Only a flip is a transition: so a status that says the same is the same.
            last_transition_time: before.map_or_else(|| Time(seconds(pass.now)), |before| before.last_transition_time.clone()),
        }
    };
    let mut all = vec![make("Ready", health == Health::Ready)];
    match health {
        Health::Progressing => all.push(make("Reconciling", true)),
        Health::Stalled => all.push(make("Stalled", true)),
        Health::Ready | Health::Halted => {}
    }
    all
}

/// Kubernetes' times have whole seconds: what is kept must read back equal.
fn seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// The growing pauses start anew with a success, with another spec, and with a detach.
fn failing_since(previous: &AttachmentStatus, health: Health, plan: &Plan, pass: &Pass<'_>) -> Option<Time> {
    let kept = previous.failing_since.clone().filter(|_| previous.observed_generation == pass.generation);
    let fails = health == Health::Stalled || matches!(plan.reason, Reason::Throttled | Reason::AzureUnavailable);
    match health {
        _ if fails => Some(kept.unwrap_or_else(|| Time(seconds(pass.now)))),
        Health::Progressing => kept,
        Health::Ready | Health::Halted | Health::Stalled => None,
    }
}

fn show(next: &mut AttachmentStatus, compute: &Compute, goal: Option<&Goal>) {
    let identity = &compute.identity;
    let mut user: Vec<_> = identity.user.clone();
    if let Some(Goal::Attached(goal)) = goal {
        let place = |id: &IdentityId| goal.identity.user.iter().position(|wanted| wanted == id).unwrap_or(usize::MAX);
        user.sort_by_key(|(id, ..)| place(id));
    }
    let user_assigned = user.into_iter().map(|(id, principal_id, client_id)| UserAssignedStatus {
        resource_id: id.to_string(),
        principal_id,
        client_id,
    });
    next.provisioning_state = Some(compute.state.clone());
    next.location.clone_from(&compute.location);
    next.created_on.clone_from(&compute.created_on);
    next.modified_on.clone_from(&compute.modified_on);
    next.provisioning_errors.clone_from(&compute.errors);
    next.pool = Some(compute.shown_pool.clone());
    next.identity = (identity.system || !identity.user.is_empty()).then(|| IdentityStatus {
        kind: identity.kind.clone(),
        principal_id: identity.principal_id.clone(),
        tenant_id: identity.tenant_id.clone(),
        user_assigned: user_assigned.collect(),
    });
}

fn keep(next: &mut AttachmentStatus, previous: &AttachmentStatus) {
    let old = previous.clone();
    next.compute_id = old.compute_id;
    next.compute_name = old.compute_name;
    next.provisioning_state = old.provisioning_state;
    next.location = old.location;
    next.created_on = old.created_on;
    next.modified_on = old.modified_on;
    next.provisioning_errors = old.provisioning_errors;
    next.identity = old.identity;
    next.pool = old.pool;
}

/// A condition's message has 32,768 characters at most in Kubernetes; people read the first hundreds.
const LONGEST: usize = 1024;

fn message(health: Health, plan: &Plan, pass: &Pass<'_>) -> String {
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
        Reason::NoCredential => "Entra gives the operator no token".to_owned(),
        Reason::WorkspaceNotFound => "Azure does not find the workspace".to_owned(),
        Reason::Refused => "Azure refuses the request".to_owned(),
        Reason::InvalidSpec => about.clone(),
        Reason::InternalError => format!("a defect of the operator: {about}"),
    };
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

/// The text, or its beginning and `…`, with line ends as spaces.
#[must_use]
pub fn shortened(text: &str, longest: usize) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= longest {
        return flat;
    }
    flat.chars().take(longest - 1).chain(['…']).collect()
}
