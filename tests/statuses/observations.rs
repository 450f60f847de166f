//! All that an observation can find.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use synapse_spark_operator::api::Reason;
use synapse_spark_operator::api::v1alpha1::{
    AttachmentStatus, DriftStatus, FailedStep, FailureStatus, OperationKind, OperationStatus,
};
use synapse_spark_operator::planner::backoff::STUCK_AFTER;
use synapse_spark_operator::planner::brake::Safety;
use synapse_spark_operator::planner::jobs::Conclusion;
use synapse_spark_operator::planner::status::time::stored;
use synapse_spark_operator::planner::{Compute, Finding, Job, Jobs, ObjectState, Observed, Ownership, PoolReading, Progress};

use crate::builders;
use crate::computes::{findings, operations, ours};
use crate::dependencies::{dependencies, roles};
use crate::faults::faults;
use crate::specs::pool;

/// All that an observation can find after this status. The usual observations come first.
pub fn observations(previous: &AttachmentStatus) -> Vec<Observed> {
    let usual: Vec<_> = findings()
        .into_iter()
        .map(|compute| Observed { applied: previous.applied.clone(), ..builders::seen(true, compute) })
        .collect();
    let mut all = Vec::new();
    for observed in &usual {
        for operation in operations() {
            let written = Observed { operation, ..observed.clone() };
            let variants = variants(&written);
            all.push(written);
            all.extend(variants);
        }
    }
    // Dependencies matter to a compute that is the object's own, or that is to be attached.
    let depends = |one: &&Observed| one.compute.present().is_none_or(|compute| compute.owner == Ownership::Ours);
    for dependencies in dependencies() {
        all.extend(usual.iter().filter(depends).map(|one| Observed { dependencies: dependencies.clone(), ..one.clone() }));
    }
    all.extend(with_roles(previous));
    all.extend(with_jobs(previous));
    all.extend(with_job_checks(previous));
    // Long enough to be shown, where something waits for Azure's request limits.
    for one in &mut all {
        one.object.queued_for = Duration::from_mins(1);
    }
    all
}

/// The same observation of an object in another state.
fn variants(usual: &Observed) -> Vec<Observed> {
    let of = |object| Observed { object, ..usual.clone() };
    let state = || usual.object.clone();
    let mut all = vec![of(ObjectState { reconcile_requested: true, ..state() })];
    if usual.operation.is_none() {
        all.push(of(ObjectState { older_claimant: Some("team-a/older".to_owned()), ..state() }));
        all.push(of(ObjectState { has_finalizer: false, ..state() }));
    }
    match &usual.compute {
        Finding::Absent => {
            all.push(Observed { absent_for: None, ..usual.clone() });
            all.push(of(ObjectState { safety: Safety { is_stopped: true, ..Safety::default() }, ..state() }));
        }
        Finding::Unknown(_) => all.push(of(ObjectState { unavailable_for: Duration::from_hours(1), ..state() })),
        Finding::Present(compute) if compute.progress == Progress::Working => {
            all.push(of(ObjectState { reconciling_for: Some(STUCK_AFTER), ..state() }));
        }
        Finding::Present(compute) => all.extend(compute.identity.unreadable.first().map(|id| {
            let shown = DriftStatus { have: id.clone(), ..DriftStatus::default() };
            of(ObjectState { reported_drift: vec![shown], ..state() })
        })),
    }
    if let Some(operation) = &usual.operation {
        let step = if operation.kind == OperationKind::Detach { FailedStep::Detach } else { FailedStep::Put };
        // The first failure is to be retried later; the second is due.
        let failures = [(3600, 10), (61, 59)].map(|(failing_for, since_attempt)| {
            builders::failure(step, Duration::from_secs(failing_for), Duration::from_secs(since_attempt))
        });
        all.extend(failures.map(|failure| Observed { failure: Some(failure), ..usual.clone() }));
    }
    all
}

/// Role assignments with a compute that is in sync, one that is not, one that is absent, and each fault.
fn with_roles(previous: &AttachmentStatus) -> Vec<Observed> {
    let computes = [Progress::Succeeded, Progress::Working, Progress::Failed].map(|progress| Finding::Present(ours(progress)));
    let findings = computes.into_iter().chain([Finding::Absent]).chain(faults().into_iter().map(Finding::Unknown));
    findings
        .flat_map(|compute| {
            let observed = Observed { applied: previous.applied.clone(), ..builders::seen(true, compute) };
            roles().into_iter().map(move |roles| Observed { roles, ..observed.clone() })
        })
        .collect()
}

/// Jobs, and each fault, with a compute of the pool of the spec and one of another pool.
fn with_jobs(previous: &AttachmentStatus) -> Vec<Observed> {
    let running = Job { name: "icy_tent_0123456789".into(), status: "Running".into() };
    let jobs = Finding::Present(Jobs { count: 1, first: vec![running] });
    let findings: Vec<_> = [jobs, Finding::Absent].into_iter().chain(faults().into_iter().map(Finding::Unknown)).collect();
    let other = Compute { pool: PoolReading::Pool(pool("otherpool")), ..ours(Progress::Succeeded) };
    let of = |compute: Compute| {
        let observed = Observed { applied: previous.applied.clone(), ..builders::seen(true, Finding::Present(compute)) };
        findings.iter().map(move |jobs| Observed { jobs: Some(jobs.clone()), ..observed.clone() })
    };
    of(ours(Progress::Succeeded)).chain(of(other)).collect()
}

/// What the checks for Spark jobs show, of a compute that is in sync.
fn with_job_checks(previous: &AttachmentStatus) -> Vec<Observed> {
    let known = |status, reason, message: &str| Conclusion::Known { status, reason, message: message.to_owned() };
    let all = [
        known("True", Reason::JobChecksPassed, "13 checks passed"),
        known("False", Reason::JobChecksFailed, "1 of 13 checks failed: synapse-role"),
        known("Unknown", Reason::JobChecksUnreadable, "1 of 13 checks could not be completed: synapse-role"),
        Conclusion::Unanswered { checks: vec!["synapse-role"], is_lasting: false },
        Conclusion::Unanswered { checks: vec!["synapse-role"], is_lasting: true },
        Conclusion::SubjectChanged,
    ];
    let usual =
        || Observed { applied: previous.applied.clone(), ..builders::seen(true, Finding::Present(ours(Progress::Succeeded))) };
    let of = |one| Observed { object: ObjectState { job_checks: Some(one), ..usual().object }, ..usual() };
    all.into_iter().map(of).collect()
}

/// The status that this observation rests on: it records the operation, the failure, the role assignments and the checks for Spark jobs.
pub fn recorded(previous: &AttachmentStatus, observed: &Observed) -> AttachmentStatus {
    let ago = |span: Duration| stored(builders::now().checked_sub(span).expect("a time"));
    let operation = observed.operation.as_ref().map(|operation| OperationStatus {
        kind: operation.kind,
        pending: !operation.is_accepted,
        path: operation.is_accepted.then(|| PATH.to_owned()),
        pool: operation.pool.as_ref().map(ToString::to_string),
        started_at: stored(operation.started_at),
    });
    let failure = observed.failure.or(observed.roles.failure).map(|failure| FailureStatus {
        since: ago(failure.failing_for),
        last_attempt: ago(failure.since_attempt.unwrap_or_default()),
        step: failure.step,
        refused: false,
    });
    let role_assignments = observed.roles.recorded.iter().map(|one| one.status.clone()).collect();
    let mut conditions = previous.conditions.clone();
    if observed.object.job_checks == Some(Conclusion::SubjectChanged) {
        // It was about another identity.
        conditions.push(Condition {
            type_: "JobsReady".to_owned(),
            status: "True".to_owned(),
            reason: Reason::JobChecksPassed.to_string(),
            message: "13 checks passed".to_owned(),
            observed_generation: previous.observed_generation,
            last_transition_time: stored(builders::now()),
        });
    }
    AttachmentStatus { operation, failure, role_assignments, conditions, ..previous.clone() }
}

/// The path of Azure's operation.
pub const PATH: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/providers/Microsoft.MachineLearningServices/locations/eastus2/computeOperationsStatus/1";
