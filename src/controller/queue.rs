//! Waiting for Azure's request limits: an object that waits holds no worker, and causes no request.

use jiff::Timestamp;
use kube::ResourceExt;

use crate::api::SynapseSparkAttachment;
use crate::azure::{self, Class, Kind, Object, Turn};
use crate::controller::context::Context;
use crate::controller::memory::{Intended, Waiting};
use crate::controller::observe::fault;
use crate::planner::{Cause, Decision, Fault, Priority, Queued, Step};
use crate::resource_id::ComputeId;

/// The object, as its places in line are kept.
pub(super) fn object_of(object: &SynapseSparkAttachment) -> Object {
    Object { namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
}

fn priority(object: &SynapseSparkAttachment) -> Priority {
    let (meta, status) = (&object.metadata, object.status.clone().unwrap_or_default());
    Priority::of(meta.deletion_timestamp.is_some(), meta.generation, &status)
}

const fn class(priority: Priority) -> Class {
    match priority {
        Priority::Deletion => Class::Deletion,
        Priority::Change => Class::Change,
        Priority::Attach => Class::Attach,
        Priority::Drift => Class::Drift,
        Priority::Resync => Class::Resync,
    }
}

/// The object for which the requests of a reconcile that begins at this time are sent.
pub(super) fn turn(object: &SynapseSparkAttachment, waiting: Option<&Waiting>, now: Timestamp) -> Turn {
    let is_resumed = waiting.and_then(|waiting| waiting.write).is_some_and(|write| write.is_resumed);
    let priority = priority(object).of_read(&object.status.clone().unwrap_or_default(), now);
    Turn { class: class(priority), object: object_of(object), is_resumed }
}

/// The object, for a request that may wait for all others.
pub(super) fn last(object: &SynapseSparkAttachment) -> Turn {
    Turn { class: Class::Resync, object: object_of(object), is_resumed: false }
}

/// The decision for an object that waits, and whose turn has not come: nothing is read.
pub(super) fn still_waiting(
    ctx: &Context,
    object: &SynapseSparkAttachment,
    waiting: &Waiting,
    now: Timestamp,
) -> Option<Decision> {
    let jobs = object.status.as_ref().and_then(|status| status.waiting_for_jobs.as_ref());
    // Its reads have become urgent: they get an earlier place.
    if waiting.write.is_none() && jobs.is_some_and(|wait| wait.until.0 <= now) {
        return None;
    }
    let wait = ctx.azure.turn_of(&object_of(object))?;
    Some(Decision::queued(Queued { wait, waited: waiting.since.elapsed(), is_write: waiting.write.is_some() }))
}

/// Takes the permit for a write of the compute, before the write is confirmed. Other steps need none.
pub(super) async fn reserve(azure: &azure::Client, object: &SynapseSparkAttachment, step: &Step) -> Result<azure::Client, Fault> {
    let (kind, compute) = match step {
        Step::Put(spec) => (Kind::Write, &spec.id),
        Step::Detach(compute) => (Kind::Delete, compute),
        Step::Wait | Step::Done | Step::AddFinalizer | Step::RemoveFinalizer | Step::AssignRole(_) | Step::RevokeRole(_) => {
            return Ok(azure.clone());
        }
    };
    match azure.reserve(kind, class(priority(object).of_write()), compute).await {
        Ok(reserved) => Ok(reserved),
        Err(error @ (azure::Error::Queued { .. } | azure::Error::Throttled { .. })) => Err(fault(error)),
        // A fault of the credential is reported when the write is prepared.
        Err(_) => Ok(azure.clone()),
    }
}

/// Takes the permit for a write that has waited for it.
pub(super) async fn reserve_again(
    azure: &azure::Client,
    object: &SynapseSparkAttachment,
    intended: Intended,
    compute: &ComputeId,
) -> Result<azure::Client, azure::Error> {
    azure.reserve(intended.kind, class(priority(object).of_write()), compute).await
}

/// Records what an object waits for, or that it no longer waits.
pub(super) fn keep(ctx: &Context, object: &SynapseSparkAttachment, decision: &Decision, write: Option<Intended>) {
    if matches!(decision.cause, Cause::Queued(_)) {
        ctx.objects.memory.wait(object, write);
    } else {
        ctx.objects.memory.stop_waiting(object);
        ctx.azure.withdraw(&object_of(object));
    }
}
