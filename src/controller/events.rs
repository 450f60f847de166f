//! Publishes events: on transitions only.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource;
use kube::runtime::events::{Event, EventType};

use crate::api::v1alpha1::{ActivityLogResult, AttachmentStatus, LastDriftStatus, PoolStatus};
use crate::api::{Reason, SynapseSparkAttachment};
use crate::controller::context::Context;
use crate::planner::jobs::brief;
use crate::planner::outputs::Done;
use crate::planner::status::jobs_ready::JOBS_READY;
use crate::planner::status::last_drift::explained;
use crate::planner::status::outputs::{CONDITION, left_behind};
use crate::planner::status::{condition, shortened};
use crate::planner::{Cause, Decision, Field, Finding, Report, Step};

/// An event's note has 1,024 bytes at most.
const MAX_NOTE_BYTES: usize = 1024;

/// Publishes what has changed from one status to the next.
pub(super) async fn publish_changes(
    ctx: &Context,
    object: &SynapseSparkAttachment,
    (previous, next): (&AttachmentStatus, &AttachmentStatus),
    report: &Report<'_>,
) {
    let reason = report.decision.cause.reason();
    let of_ready = |status| condition(status, "Ready").and_then(|ready| Reason::parse(&ready.reason));
    let is_ready = |status| condition(status, "Ready").is_some_and(|ready| ready.status == "True");
    let mut events = Vec::new();
    // A short wait is not shown, and a longer one needs no event: the status has its end. Nor does an unchanged state need one
    // after it.
    let was_waiting = of_ready(previous) == Some(Reason::Queued) && is_ready(previous) && is_ready(next);
    let is_news = reason != Reason::Queued && of_ready(previous) != Some(reason) && !was_waiting;
    if is_news && of_ready(next) == Some(reason) {
        events.push((reason, condition(next, "Stalled").is_some(), note(next, report)));
    }
    events.extend(dependencies(previous, next, reason));
    let changes = pool_changes(previous, next);
    if !changes.is_empty() {
        events.push((Reason::PoolChanged, false, changes.join("; ")));
    }
    events.extend(changed_by(previous, next).map(|note| (Reason::ComputeChanged, false, note)));
    events.extend(removed_identities(report));
    events.extend(orphaned(report));
    events.extend(guard_timed_out(previous, next, report));
    for (reason, is_warning, note) in events {
        publish(ctx, object, report, (reason, is_warning, note)).await;
    }
}

/// Publishes whether the ConfigMap of `spec.outputs` was written, and that a former one stays.
pub(super) async fn publish_outputs(
    ctx: &Context,
    object: &SynapseSparkAttachment,
    (previous, next): (&AttachmentStatus, &AttachmentStatus),
    (done, report): (&Done, &Report<'_>),
) {
    if let Some(note) = left_behind(previous, next, done) {
        // Events of one reason and object are one, with the first note, unless they are related to others.
        let related = previous.outputs.as_ref().map(|former| ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("ConfigMap".to_owned()),
            name: Some(former.config_map_name.clone()),
            namespace: object.metadata.namespace.clone(),
            ..ObjectReference::default()
        });
        publish_related(ctx, object, report, (Reason::OutputsForbidden, true, note), related).await;
    }
    let Some(now) = condition(next, CONDITION) else { return };
    let is_same = condition(previous, CONDITION).is_some_and(|before| before.reason == now.reason);
    let Some(reason) = Reason::parse(&now.reason).filter(|reason| !is_same && *reason != Reason::OutputsPending) else { return };
    publish(ctx, object, report, (reason, now.status != "True", now.message.clone())).await;
}

/// The message of Ready, what differs, and the ID by which Azure support finds the request. If the message is too long, its end
/// is cut off, and not what follows it.
fn note(next: &AttachmentStatus, report: &Report<'_>) -> String {
    let mut note = condition(next, "Ready").map(|ready| shortened(&ready.message, 400)).unwrap_or_default();
    for drift in report.shown_drift().iter().filter(|drift| drift.field != Field::Owner).take(2) {
        let (want, have) = (shortened(&drift.want, 80), shortened(&drift.have, 80));
        note = format!("{note}; {}: want {want:?}, have {have:?}", drift.field);
    }
    if let Some(id) = report.decision.cause.error().and_then(|error| error.correlation_id.as_deref()) {
        note = format!("{note} (x-ms-correlation-request-id {id})");
    }
    note
}

/// The conditions of dependencies and of jobs. No event is published for a pool that exists at the first observation and for checks
/// that passed at first, nor for what Ready reports already.
fn dependencies(previous: &AttachmentStatus, next: &AttachmentStatus, ready: Reason) -> Vec<(Reason, bool, String)> {
    let changed = ["RoleAssigned", "PoolAvailable", JOBS_READY].into_iter().filter_map(|kind| {
        let (before, now) = (condition(previous, kind), condition(next, kind)?);
        let is_same = before.is_some_and(|before| (&before.status, &before.reason) == (&now.status, &now.reason));
        let reason = Reason::parse(&now.reason).filter(|_| !is_same)?;
        let is_progress = matches!(reason, Reason::AssigningRole | Reason::RevokingRole | Reason::JobChecksPending);
        let is_first = matches!(reason, Reason::PoolAvailable | Reason::JobChecksPassed) && before.is_none();
        // An operator that may not read pools attaches them: by default it has no permission to.
        let is_old_spark = matches!(reason, Reason::SparkVersionEnding | Reason::SparkVersionUnsupported);
        let is_warning = (now.status != "True" && reason != Reason::PoolUnreadable) || is_old_spark;
        let note = || if kind == JOBS_READY { brief(&now.message) } else { shortened(&now.message, 800) };
        (!is_progress && !is_first && reason != ready).then(|| (reason, is_warning, note()))
    });
    changed.collect()
}

/// The identities whose IDs cannot be parsed, each with its full ID: the PUT removes them.
fn removed_identities(report: &Report<'_>) -> Vec<(Reason, bool, String)> {
    let (Some((Decision { step: Step::Put(_), .. }, result)), Some(seen)) = (report.written, report.observed) else {
        return Vec::new();
    };
    // Also a PUT whose answer is lost may have removed them.
    if result.is_certainly_not_carried_out() {
        return Vec::new();
    }
    let unreadable = seen.compute.present().map(|compute| compute.identity.unreadable.as_slice()).unwrap_or_default();
    unreadable.iter().map(|id| (Reason::Updating, true, format!("Removing the user-assigned identity {id}"))).collect()
}

/// Who changed the compute, once the Activity Log shows it.
fn changed_by(previous: &AttachmentStatus, next: &AttachmentStatus) -> Option<String> {
    let is_found = |last: &&LastDriftStatus| last.activity_log.as_ref().is_some_and(|log| log.result == ActivityLogResult::Found);
    let last = next.last_drift.as_ref().filter(is_found).filter(|_| previous.last_drift != next.last_drift)?;
    explained(last)
}

/// Orphaned role assignments, with the commands that revoke them.
fn orphaned(report: &Report<'_>) -> Option<(Reason, bool, String)> {
    let cause = &report.decision.cause;
    let is_final = report.decision.step == Step::RemoveFinalizer || matches!(cause, Cause::RoleAbandoned { .. });
    (is_final && !cause.orphaned().is_empty()).then(|| {
        let note = format!("A role assignment stays in Synapse. To revoke it, run: {}", cause.orphaned().join("; "));
        (Reason::RoleAssignmentOrphaned, true, shortened(&note, 1000))
    })
}

/// The detach no longer waits for jobs, although they have not ended, or may not have.
fn guard_timed_out(previous: &AttachmentStatus, next: &AttachmentStatus, report: &Report<'_>) -> Option<(Reason, bool, String)> {
    let is_timed_out = |status: &AttachmentStatus| status.waiting_for_jobs.as_ref().is_some_and(|wait| wait.timed_out);
    let jobs = report.observed.and_then(|seen| seen.jobs.as_ref()).filter(|_| is_timed_out(next) && !is_timed_out(previous))?;
    let although = match jobs {
        Finding::Present(jobs) => format!("although jobs have not ended: {jobs}"),
        Finding::Absent | Finding::Unknown(_) => "although the jobs that use it cannot be read".to_owned(),
    };
    let note = format!("spec.deletionGuardTimeout has passed; detaching the compute {although}");
    Some((Reason::DeletionGuardTimedOut, true, shortened(&note, 1000)))
}

/// The changes of a pool that existed before and still exists.
fn pool_changes(previous: &AttachmentStatus, next: &AttachmentStatus) -> Vec<String> {
    let exists = |status: &AttachmentStatus| condition(status, "PoolAvailable").is_some_and(|one| one.status == "True");
    let (true, true, Some(before), Some(now)) = (exists(previous), exists(next), &previous.pool, &next.pool) else {
        return Vec::new();
    };
    if (&before.workspace_name, &before.name) != (&now.workspace_name, &now.name) {
        return Vec::new();
    }
    let text = |pool: &PoolStatus| {
        let scale = pool.auto_scale.as_ref().filter(|scale| scale.enabled);
        let nodes = scale.map(|scale| format!("{}-{}", scale.min_node_count, scale.max_node_count));
        let own = |text: &Option<String>| text.clone().unwrap_or_default();
        [
            ("sparkVersion", own(&pool.spark_version)),
            ("nodeSize", own(&pool.node_size)),
            ("nodes", nodes.or_else(|| pool.node_count.map(|count| count.to_string())).unwrap_or_default()),
        ]
    };
    let pairs = text(before).into_iter().zip(text(now));
    pairs.filter(|(one, other)| one != other).map(|((field, before), (_, now))| format!("{field}: {before} → {now}")).collect()
}

async fn publish(ctx: &Context, object: &SynapseSparkAttachment, report: &Report<'_>, event: (Reason, bool, String)) {
    publish_related(ctx, object, report, event, None).await;
}

/// Events are informational: a failure to publish one does not fail the reconcile.
async fn publish_related(
    ctx: &Context,
    object: &SynapseSparkAttachment,
    report: &Report<'_>,
    (reason, is_warning, note): (Reason, bool, String),
    secondary: Option<ObjectReference>,
) {
    let reason = reason.as_str();
    if is_warning {
        tracing::warn!(reason, note, "warning event");
    } else {
        tracing::info!(reason, note, "status changed");
    }
    let event = Event {
        type_: if is_warning { EventType::Warning } else { EventType::Normal },
        reason: reason.to_owned(),
        note: Some(within(&note, MAX_NOTE_BYTES)),
        action: report.decision.step.name().to_owned(),
        secondary,
    };
    if let Err(error) = ctx.process.recorders.current().publish(&event, &object.object_ref(&())).await {
        tracing::debug!(%error, "event not published");
    }
}

/// The text, or as much of its beginning as fits into so many bytes.
fn within(text: &str, bytes: usize) -> String {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text[..end].to_owned()
}
