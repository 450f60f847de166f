//! Writes the status, and only over the version that it was computed from.

use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::{Resource, ResourceExt};
use serde_json::json;

use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::AttachmentStatus;
use crate::controller::context::{Context, Error, FIELD_MANAGER};
use crate::controller::events;
use crate::controller::observe::{forced, requested};
use crate::controller::status_fields;
use crate::planner::outputs::Done;
use crate::planner::status::outputs::with_outputs;
use crate::planner::status::report::ObjectMeta;
use crate::planner::status::{status, with_outcome_of};
use crate::planner::{Decision, Goal, Observed, Report, Step, WriteResult};

/// The input of a report.
#[derive(Clone, Copy)]
pub(super) struct Draft<'a> {
    /// The object, as it was read.
    pub(super) object: &'a SynapseSparkAttachment,
    /// The goal; none if the spec cannot be parsed.
    pub(super) goal: Option<&'a Goal>,
    /// What was observed; none if nothing was.
    pub(super) observed: Option<&'a Observed>,
    /// The time now.
    pub(super) now: Timestamp,
}

impl<'a> Draft<'a> {
    fn report(self, ctx: &Context, decision: &'a Decision, written: Option<(&'a Decision, &'a WriteResult)>) -> Report<'a> {
        let object = ObjectMeta {
            generation: self.object.metadata.generation,
            requested: requested(self.object),
            forced: forced(self.object),
            created: self.object.creation_timestamp().map(|time| time.0),
        };
        Report {
            goal: self.goal,
            observed: self.observed,
            decision,
            written,
            object,
            resync: ctx.resync,
            spark_version_warning: ctx.spark_version_warning,
            now: self.now,
        }
    }

    fn previous(self) -> AttachmentStatus {
        self.object.status.clone().unwrap_or_default()
    }
}

/// The object after a report.
pub(super) enum Reported {
    /// As it was read.
    Unchanged,
    /// With another status.
    Stored(Box<SynapseSparkAttachment>),
    /// It does not exist any longer, or is about to be gone.
    Gone,
}

/// Stores what a reconcile found, if it changed, and publishes what is new.
///
/// # Errors
///
/// [`Error`] if Kubernetes refuses the status, or the object has changed since it was read.
pub(super) async fn report(ctx: &Context, draft: &Draft<'_>, decision: &Decision) -> Result<Reported, Error> {
    let (report, previous) = (draft.report(ctx, decision, None), draft.previous());
    ctx.metrics.observed(draft.object, &report, ctx.uses_own_identity(draft.object));
    ctx.ensure_leader()?;
    let next = ctx.process.definition.declared(status(&previous, &report));
    // When the finalizer is removed, the object is gone, and its status with it.
    let is_gone = decision.step == Step::RemoveFinalizer;
    let mut reported = if is_gone { Reported::Gone } else { Reported::Unchanged };
    if !is_gone && next != previous {
        let Some(stored) = apply(ctx, draft.object, &next).await? else { return Ok(Reported::Gone) };
        reported = Reported::Stored(Box::new(stored));
    }
    publish(ctx, draft, &previous, &next, &report).await;
    Ok(reported)
}

/// Stores what became of the ConfigMap of `spec.outputs`, if the status does not show it yet, and publishes it.
///
/// # Errors
///
/// [`Error`] if Kubernetes refuses the status, or the object has changed since it was read.
pub(super) async fn report_outputs(
    ctx: &Context,
    draft: &Draft<'_>,
    decision: &Decision,
    done: &Done,
) -> Result<Reported, Error> {
    let (report, previous) = (draft.report(ctx, decision, None), draft.previous());
    let next = ctx.process.definition.declared(with_outputs(&previous, &report, done));
    if next == previous {
        return Ok(Reported::Unchanged);
    }
    ctx.ensure_leader()?;
    let Some(stored) = apply(ctx, draft.object, &next).await? else { return Ok(Reported::Gone) };
    events::publish_outputs(ctx, draft.object, (&previous, &next), (done, &report)).await;
    Ok(Reported::Stored(Box::new(stored)))
}

/// The version of the object under which a write intent was stored.
pub(super) struct Stored(SynapseSparkAttachment);

/// Stores the write intent: without it nothing is sent. After a crash or a lost answer it shows that the write may have been
/// carried out.
///
/// # Errors
///
/// [`Error`] if Kubernetes refuses the status, the object has changed since it was read, or it is gone.
pub(super) async fn report_intent(ctx: &Context, draft: &Draft<'_>, decision: &Decision) -> Result<Stored, Error> {
    let report = draft.report(ctx, decision, Some((decision, &WriteResult::Intent)));
    ctx.ensure_leader()?;
    let next = ctx.process.definition.declared(status(&draft.previous(), &report));
    apply(ctx, draft.object, &next).await?.map(Stored).ok_or(Error::Conflict)
}

/// How often storing the outcome of a write is retried if the object has changed meanwhile.
const ATTEMPTS: u32 = 3;

/// Stores the outcome of a write, and publishes what is new.
///
/// # Errors
///
/// [`Error`] if Kubernetes refuses the status.
pub(super) async fn report_outcome(
    ctx: &Context,
    draft: &Draft<'_>,
    stored: Option<Stored>,
    written: (&Decision, &WriteResult),
    decision: &Decision,
) -> Result<(), Error> {
    let (report, previous) = (draft.report(ctx, decision, Some(written)), draft.previous());
    ctx.metrics.observed(draft.object, &report, ctx.uses_own_identity(draft.object));
    ctx.ensure_leader()?;
    let next = ctx.process.definition.declared(status(&previous, &report));
    let mut over = stored.map_or_else(|| draft.object.clone(), |stored| stored.0);
    let mut wanted = next.clone();
    for attempt in 1..=ATTEMPTS {
        if over.status.as_ref().unwrap_or(&AttachmentStatus::default()) == &wanted {
            break;
        }
        match apply(ctx, &over, &wanted).await {
            Ok(Some(_)) => break,
            Ok(None) => return Ok(()),
            Err(Error::Conflict) if attempt < ATTEMPTS => {}
            Err(error) => return Err(error),
        }
        let live = ctx.read(draft.object).await?;
        let Some(live) = live.filter(|live| live.uid() == draft.object.uid()) else { return Ok(()) };
        wanted = with_outcome_of(&live.status.clone().unwrap_or_default(), &next);
        over = live;
    }
    publish(ctx, draft, &previous, &next, &report).await;
    Ok(())
}

async fn publish(ctx: &Context, draft: &Draft<'_>, previous: &AttachmentStatus, next: &AttachmentStatus, report: &Report<'_>) {
    ctx.metrics.reported(draft.object, previous, next, report);
    events::publish_changes(ctx, draft.object, (previous, next), report).await;
}

/// Applies a status over the version of the object that it was computed from. Returns the object's next version, or none if the
/// object is gone.
async fn apply(
    ctx: &Context,
    object: &SynapseSparkAttachment,
    next: &AttachmentStatus,
) -> Result<Option<SynapseSparkAttachment>, Error> {
    let first = apply_once(ctx, object, next).await;
    if first.as_ref().is_err_and(Error::is_undeclared_field) {
        ctx.process.definition.compare_again();
    }
    let base = match &first {
        Ok(Some(stored)) if stored.status.as_ref() != Some(next) => stored,
        // The resulting status, with the fields that another manager owns in it, is not valid.
        Err(error) if error.is_invalid() => object,
        _ => return first,
    };
    let Some(version) = status_fields::take_over(ctx, base).await? else { return first };
    let mut base = base.clone();
    base.metadata.resource_version = Some(version);
    apply_once(ctx, &base, next).await
}

async fn apply_once(
    ctx: &Context,
    object: &SynapseSparkAttachment,
    next: &AttachmentStatus,
) -> Result<Option<SynapseSparkAttachment>, Error> {
    let body = json!({
        "apiVersion": SynapseSparkAttachment::api_version(&()),
        "kind": SynapseSparkAttachment::kind(&()),
        "metadata": {
            "name": object.name_any(),
            "namespace": object.namespace(),
            "uid": object.uid(),
            // Only this protects a later version: a wrong UID is accepted.
            "resourceVersion": object.resource_version(),
        },
        "status": next,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match ctx.api(object).patch_status(&object.name_any(), &params, &Patch::Apply(&body)).await {
        Ok(stored) => stored.0.map(Some).map_err(|_| Error::Conflict),
        Err(kube::Error::Api(refusal)) if refusal.code == 404 => {
            tracing::debug!("status not stored: the object is gone");
            Ok(None)
        }
        Err(kube::Error::Api(refusal)) if refusal.code == 409 => Err(Error::Conflict),
        Err(error) => Err(Error::refused("the status")(error)),
    }
}
