//! One set of builders of goals, computes and observations for all tests of the planner. Each gives the usual case; a test
//! changes what it is about.
//!
//! Longer than other files: one builder per kind of value, for all tests.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{
    AdoptionPolicy, AttachmentStatus, FailedStep, OperationKind, RoleAssignmentStatus, RolePhase,
};
use synapse_spark_operator::planner::backoff::EFFECT_SHOWS_AFTER;
use synapse_spark_operator::planner::compute::Details;
use synapse_spark_operator::planner::goal::{Link, Policy};
use synapse_spark_operator::planner::identity::UserAssigned;
use synapse_spark_operator::planner::roles::observed::{Recorded, Roles};
use synapse_spark_operator::planner::status::report::ObjectMeta;
use synapse_spark_operator::planner::status::status;
use synapse_spark_operator::planner::status::time::stored;
use synapse_spark_operator::planner::{
    Attached, Compute, Decision, Dependencies, Detached, FailureHistory, Fault, FaultKind, Finding, Goal, Identity, OWNER_TAG,
    ObjectState, Observed, ObservedIdentity, Operation, Outcome, Owner, Ownership, PoolReading, PoolReference, Progress, Report,
    RoleAssignment, WriteResult, decide,
};
use synapse_spark_operator::resource_id::{ComputeId, IdentityId, PoolId, WorkspaceId};
use synapse_spark_operator::service_error::ServiceError;

/// The time of a reconcile.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

/// When Azure created the compute, as Azure spells it: long before [`now`].
pub const CREATED_ON: &str = "2026-01-01T00:00:00.0000001+00:00";

/// The object that owns the compute.
pub fn owner() -> Owner {
    Owner { cluster: "cluster".into(), namespace: "team-a".into(), name: "pool".into(), uid: "uid".into() }
}

/// The compute's ID.
pub fn compute_id() -> ComputeId {
    WorkspaceId::new("s", "g", "w").and_then(|workspace| workspace.compute("pool")).expect("an ID")
}

/// A Spark pool; the spec names `wanted`.
pub fn pool(name: &str) -> PoolId {
    static WANTED: LazyLock<PoolId> = LazyLock::new(|| parsed_pool("wanted"));
    if name == "wanted" { WANTED.clone() } else { parsed_pool(name) }
}

fn parsed_pool(name: &str) -> PoolId {
    PoolId::parse(&format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Synapse/workspaces/w/bigDataPools/{name}"))
        .expect("an ID")
}

/// A user-assigned identity.
pub fn user(name: &str) -> IdentityId {
    IdentityId::parse(&format!(
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
    ))
    .expect("an ID")
}

/// The usual goal: the pool `wanted`, no identity, the default policies.
pub fn attached() -> Attached {
    Attached {
        compute: compute_id(),
        owner: owner(),
        pool: PoolReference::Id(pool("wanted")),
        identity: Identity::default(),
        role: None,
        description: None,
        tags: BTreeMap::new(),
        transfer_to: None,
        outputs: None,
        policy: Policy { replace: false, adopt: AdoptionPolicy::IfSamePool, suspend: false, waits_for_jobs: None },
        checks_jobs: false,
    }
}

/// The goal of an object that is being deleted.
pub fn detached() -> Detached {
    Detached {
        compute: Some(compute_id()),
        owner: owner(),
        retain: false,
        suspend: false,
        waits_for_jobs: None,
        transfer_to: None,
        unknown_annotation: None,
    }
}

/// The usual goal of an object that exists.
pub fn attach() -> Goal {
    Goal::Attached(attached())
}

/// The usual goal of an object that is being deleted.
pub fn detach() -> Goal {
    Goal::Detached(detached())
}

/// [`attach`], with `replacePolicy: Recreate`.
pub fn recreate() -> Goal {
    with_policy(AdoptionPolicy::IfSamePool, true, false)
}

/// [`attached`], with the pool named through the linked service `link`.
pub fn linked() -> Attached {
    Attached { pool: PoolReference::Link(Link { name: "link".into(), pool: "wanted".into() }), ..attached() }
}

/// [`attached`] with another policy.
pub fn with_policy(adopt: AdoptionPolicy, replace: bool, suspend: bool) -> Goal {
    Goal::Attached(Attached { policy: Policy { replace, adopt, suspend, waits_for_jobs: None }, ..attached() })
}

/// A compute that is ours and in sync with [`attached`], but for its progress.
pub fn compute(progress: Progress) -> Compute {
    Compute {
        kind: "SynapseSpark".into(),
        pool: PoolReading::Pool(pool("wanted")),
        progress,
        owner: Ownership::Ours,
        identity: ObservedIdentity::default(),
        description: None,
        tags: [(OWNER_TAG.to_owned(), owner().to_string())].into(),
        details: Details {
            state: format!("{progress:?}"),
            location: Some("eastus2".into()),
            created_on: Some(CREATED_ON.into()),
            ..Details::default()
        },
    }
}

/// A compute without an owner, attached to this pool.
pub fn unowned(pool: PoolId) -> Compute {
    Compute { owner: Ownership::Unowned, pool: PoolReading::Pool(pool), tags: BTreeMap::new(), ..compute(Progress::Succeeded) }
}

/// A compute that is ours, of another pool.
pub fn of_other_pool(progress: Progress) -> Compute {
    Compute { pool: PoolReading::Pool(pool("other")), ..compute(progress) }
}

/// A compute that is ours, with an identity that the spec does not name.
pub fn drifted() -> Compute {
    let mut drifted = compute(Progress::Succeeded);
    drifted.identity.system = true;
    drifted
}

/// A compute that Azure created at this time.
pub fn created(at: Timestamp, mut compute: Compute) -> Compute {
    compute.details.created_on = Some(at.to_string());
    compute
}

/// A user-assigned identity that Azure shows.
pub fn shown_user(name: &str) -> UserAssigned {
    UserAssigned { id: user(name), principal_id: None, client_id: None, own_principal_id: None }
}

/// An observation of this compute and nothing else. An absence is confirmed.
pub fn seen(has_finalizer: bool, compute: Finding<Compute>) -> Observed {
    Observed {
        object: ObjectState { has_finalizer, reconciling_for: Some(Duration::ZERO), ..ObjectState::default() },
        absent_for: matches!(compute, Finding::Absent).then_some(Duration::from_secs(15)),
        compute,
        operation: None,
        applied: None,
        failure: None,
        dependencies: Dependencies::default(),
        roles: Roles::default(),
        jobs: None,
    }
}

/// An observation of the finalizer and of a compute that is ours.
pub fn ours(progress: Progress) -> Observed {
    seen(true, Finding::Present(compute(progress)))
}

/// An observation of a compute that is ours and in sync with [`attached`].
pub fn in_sync() -> Observed {
    ours(Progress::Succeeded)
}

/// An observation of the finalizer and of no compute.
pub fn absent() -> Observed {
    seen(true, Finding::Absent)
}

/// An observation of the finalizer and of this compute.
pub fn shows(compute: Compute) -> Observed {
    seen(true, Finding::Present(compute))
}

/// This observation, of an object whose status records this write.
pub fn after(operation: Operation, observed: Observed) -> Observed {
    Observed { operation: Some(operation), ..observed }
}

/// This observation, of an object with an older claimant for the same compute.
pub fn younger(mut observed: Observed) -> Observed {
    observed.object.older_claimant = Some("team-a/older".into());
    observed
}

/// A finding that has no answer, because of this fault.
pub fn unknown<T>(kind: FaultKind) -> Finding<T> {
    Finding::Unknown(fault(kind))
}

/// A fault without a text.
pub fn fault(kind: FaultKind) -> Fault {
    Fault { kind, error: ServiceError::default() }
}

/// A write that Azure accepted this long ago. Its end was observed long ago.
pub fn accepted(kind: OperationKind, age: Duration, outcome: Outcome) -> Operation {
    let started_at = now().checked_sub(age).expect("a time");
    let pool = (kind != OperationKind::Detach).then(|| pool("wanted"));
    let ended_for = (outcome == Outcome::Ended).then_some(EFFECT_SHOWS_AFTER);
    Operation { kind, is_accepted: true, pool, started_at, age: Some(age), outcome, ended_for }
}

/// A running operation.
pub fn running() -> Outcome {
    Outcome::Running("InProgress".into())
}

/// A write whose successful end was observed this long ago.
pub fn ended(kind: OperationKind, ago: Duration) -> Operation {
    Operation { ended_for: Some(ago), ..accepted(kind, Duration::from_mins(1), Outcome::Ended) }
}

/// A write that was sent this long ago, without an answer.
pub fn unheard(kind: OperationKind, age: Duration) -> Operation {
    Operation { is_accepted: false, ..accepted(kind, age, Outcome::Unknown) }
}

/// A failure that began `failing_for` ago, whose last attempt failed `since_attempt` ago.
pub fn failure(step: FailedStep, failing_for: Duration, since_attempt: Duration) -> FailureHistory {
    FailureHistory {
        failing_for,
        failing_at_attempt: failing_for.saturating_sub(since_attempt),
        since_attempt: Some(since_attempt),
        step,
    }
}

/// A role, assigned to this principal on the pool.
pub fn role(principal: &str) -> RoleAssignment {
    RoleAssignment { role: "role".into(), principal: principal.into(), scope: "workspaces/w/bigDataPools/wanted".into() }
}

/// What the status records of an assignment under the GUID that our object derives.
pub fn role_status(one: &RoleAssignment, phase: RolePhase, assigned_at: Option<Timestamp>) -> RoleAssignmentStatus {
    RoleAssignmentStatus {
        assignment_id: one.id(&owner().uid),
        role_id: one.role.clone(),
        principal_id: one.principal.clone(),
        scope: one.scope.clone(),
        phase,
        assigned_at: assigned_at.map(stored),
        revocation_refused: false,
    }
}

/// An assignment of ours that the status records, confirmed this long ago.
pub fn recorded(one: &RoleAssignment, phase: RolePhase, confirmed_ago: Option<Duration>) -> Recorded {
    let at = confirmed_ago.map(|ago| now().checked_sub(ago).expect("a time"));
    Recorded { status: role_status(one, phase, at), is_ours: true, confirmed_ago }
}

/// A report of a reconcile of generation 1.
pub fn report<'a>(
    goal: &'a Goal,
    observed: &'a Observed,
    decision: &'a Decision,
    written: Option<(&'a Decision, &'a WriteResult)>,
) -> Report<'a> {
    Report {
        goal: Some(goal),
        observed: Some(observed),
        decision,
        written,
        object: ObjectMeta { generation: Some(1), requested: None, forced: None, created: None },
        resync: Duration::from_mins(5),
        spark_version_warning: 90,
        now: now(),
    }
}

/// The status after a reconcile that decides, and whose write (if it decides on one) ends with this result.
pub fn status_after(
    previous: &AttachmentStatus,
    goal: &Goal,
    observed: &Observed,
    result: Option<&WriteResult>,
) -> AttachmentStatus {
    let decided = decide(goal, observed);
    let reported = result.map_or_else(|| decided.clone(), |result| decided.after(result, observed));
    status(previous, &report(goal, observed, &reported, result.map(|result| (&decided, result))))
}

/// The previous status of an object that was Ready, with what its reconciles record.
pub fn ready_status() -> AttachmentStatus {
    status_after(&AttachmentStatus::default(), &attach(), &in_sync(), None)
}

/// A row of a decision table: the case, the goal, the observation, the name of the step and the reason.
pub type Row<'a> = (&'a str, &'a Goal, Observed, &'a str, Reason);

/// Decides each row of a table.
pub fn check(table: Vec<Row<'_>>) {
    for (case, goal, observed, step, reason) in table {
        let decision = decide(goal, &observed);
        assert_eq!((decision.step.name(), decision.cause.reason()), (step, reason), "{case}: {decision:?}");
    }
}
