//! Plan + previous status + now → new status: what the user reads.
//!
//! Conditions cannot contradict: one private enum of health maps totally to
//! the kstatus trio Ready / Reconciling / Stalled, and nothing else sets one.
//! Source: <https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus>.

mod beside;
mod message;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::api::Reason;
use crate::api::v1alpha1::{
    Applied, AttachmentStatus, IdentityStatus, LinkedServiceStatus, OperationStatus, PoolStatus, RoleAssignmentStatus,
    UserAssignedStatus,
};
use crate::planner::{
    Assignment, Change, Compute, Desired, Finding, Goal, Observed, Ownership, Plan, SparkPool, Step, Trouble, role,
};
use crate::resource_id::IdentityId;

pub use beside::end_of_support;
use message::message;

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
            | Reason::Granting
            | Reason::Released
            // These stand beside: no plan has them as its reason.
            | Reason::RoleGranted
            | Reason::RoleLeftBehind
            | Reason::PoolAvailable
            | Reason::SparkOutOfSupport
            | Reason::PoolUnreadable
            | Reason::PoolChanged => Self::Progressing,
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
            | Reason::RoleForbidden
            | Reason::LinkedServiceNotFound
            | Reason::PoolNotFound
            | Reason::PoolFailed
            | Reason::InvalidSpec
            | Reason::InternalError => Self::Stalled,
        }
    }
}

/// What Azure was just asked to do, as `act` tells it.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// To do something with the compute.
    Compute {
        /// The operation that it started.
        operation: OperationStatus,
        /// What it put there; none for a detach.
        applied: Option<Applied>,
    },
    /// To grant a role; or it is about to be asked, or was asked in vain, so that it is not forgotten whatever happens.
    Granted(RoleAssignmentStatus),
    /// To take back a role.
    Revoked(Assignment),
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
        linked_service: linked_service(previous, pass),
        role_assignments: role_assignments(previous, pass),
        ..AttachmentStatus::default()
    };
    next.conditions.extend(beside::conditions(previous, pass));
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
        match pass.observed.and_then(|observed| observed.behind.pool.as_ref()) {
            // Synapse knows its pool best.
            Some(Finding::Present(SparkPool { shown, .. })) => next.pool = Some(shown.clone()),
            // For the moment nobody asked, or it does not tell.
            Some(Finding::Unknown(_)) | None if condition(previous, "PoolAvailable").is_some_and(|one| one.status == "True") => {
                next.pool.clone_from(&previous.pool);
            }
            Some(Finding::Unknown(_) | Finding::Absent) | None => {}
        }
        let pool = next.pool.get_or_insert_with(PoolStatus::default);
        if let (true, Some(id)) = (pool.name.is_empty(), &goal.pool) {
            id.name().clone_into(&mut pool.name);
        }
    }
    if let Some(Finding::Present(compute)) = shown {
        remember(&mut next.applied, compute, plan, pass.goal);
    }
    match pass.written {
        Some(Written::Compute { operation, applied }) => {
            next.operation = Some(operation.clone());
            next.applied = applied.clone().or(next.applied);
        }
        // As asked, or gone: no operation of ours is of interest any longer.
        _ if plan.settled || plan.step == Step::Release => next.operation = None,
        _ => {}
    }
    next
}

fn linked_service(previous: &AttachmentStatus, pass: &Pass<'_>) -> Option<LinkedServiceStatus> {
    match (pass.goal, pass.observed.map(|observed| &observed.behind.link)) {
        (Some(Goal::Attached(goal)), _) if goal.link.is_none() => None,
        (_, Some(Some(Finding::Present(link)))) => Some(LinkedServiceStatus {
            name: link.name.clone(),
            resource_id: link.resource_id.clone(),
            principal_id: link.principal.clone(),
        }),
        (_, Some(Some(Finding::Absent))) => None,
        _ => previous.linked_service.clone(),
    }
}

/// The roles that the status remembers: what is ours to take back, and what others granted and counts while nobody answers.
fn role_assignments(previous: &AttachmentStatus, pass: &Pass<'_>) -> Vec<RoleAssignmentStatus> {
    let mut all = previous.role_assignments.clone();
    if let (Some(Goal::Attached(goal)), Some(observed)) = (pass.goal, pass.observed) {
        let (uid, roles) = (&goal.owner.uid, &observed.behind.roles);
        // Of what others granted, only what is wanted is of interest.
        if goal.pool.is_some() && matches!(observed.compute, Finding::Present(_)) {
            all.retain(|status| role::is_made_by(uid, status) || roles.wants(status));
        }
        for (one, finding) in &roles.wanted {
            let (Some(one), Finding::Present(id)) = (one, finding) else { continue };
            let known = all.iter().find(|known| one.is(known));
            let is_so = |known: &RoleAssignmentStatus| known.granted_at.is_some() && known.assignment_id.eq_ignore_ascii_case(id);
            // What was there already under our GUID, we made: an answer was lost.
            if known.is_none_or(|known| known.existed || !is_so(known)) {
                let seen = one.remembered(id.to_ascii_lowercase(), Some(Time(seconds(pass.now))), false);
                all.retain(|known| !one.is(known));
                all.push(seen);
            }
        }
    }
    match pass.written {
        Some(Written::Granted(granted)) => {
            all.retain(|known| !Assignment::from(granted).is(known));
            all.push(granted.clone());
        }
        Some(Written::Revoked(one)) => all.retain(|known| !one.is(known)),
        Some(Written::Compute { .. }) | None => {}
    }
    if let (Change::Forget, Some(one)) = (pass.plan.change, &pass.plan.assignment) {
        all.retain(|known| !one.is(known));
    }
    all
}

/// What the status remembers of a role that could not be granted or taken back, for this generation of the spec.
#[must_use]
pub fn role_trouble(status: &AttachmentStatus, generation: Option<i64>, now: Timestamp) -> Option<role::Trouble> {
    let is_of_now = |one: &&Condition| one.status == "False" && one.observed_generation == generation;
    let condition = condition(status, "RoleGranted").filter(is_of_now)?;
    let reason = Reason::parse(&condition.reason).filter(|reason| *reason != Reason::Granting)?;
    let is_refused = matches!(reason, Reason::RoleForbidden | Reason::Refused | Reason::NoCredential);
    // It may have failed before for another reason.
    let lasts = failing_for(status, now).min(between(condition.last_transition_time.0, now));
    Some(role::Trouble { is_refused, lasts })
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
    if let (true, Some(Goal::Attached(goal))) = (plan.settled, goal) {
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

/// The text, or its beginning and `…`, with line ends as spaces.
#[must_use]
pub fn shortened(text: &str, longest: usize) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= longest {
        return flat;
    }
    flat.chars().take(longest - 1).chain(['…']).collect()
}
