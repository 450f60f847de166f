//! Looks at one object and its compute, and puts it into the words of the plan.

pub(crate) mod behind;

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use crate::api::v1alpha1::{AttachmentStatus, AutoPause, AutoScale, OperationKind, PoolStatus, ProvisioningError};
use crate::api::{FINALIZER, RECONCILE_REQUESTED_AT, SynapseSparkAttachment};
use crate::azure::{self, Freshness, wire};
use crate::controller::index::Others;
use crate::planner::drift::tag;
use crate::planner::goal::OWNER_TAG;
use crate::planner::observed::ShownIdentity;
use crate::planner::{
    self, Behind, Compute, Fault, FaultKind, Finding, Goal, Observed, Operation, Outcome, Owner, Ownership, Progress, pause,
};
use crate::resource_id::{IdentityId, PoolId};
use crate::service_error::ServiceError;

/// What there is, for this goal of this object.
///
/// A link that the goal goes through is followed, and the goal knows its pool then.
pub async fn observe(
    azure: &azure::Client,
    object: &SynapseSparkAttachment,
    goal: &mut Goal,
    others: Others,
    freshness: Freshness,
    now: Timestamp,
) -> Observed {
    let status = object.status.clone().unwrap_or_default();
    let mut behind = match goal {
        Goal::Attached(goal) => behind::link(azure, goal, status.linked_service.as_ref(), freshness).await,
        Goal::Detached(_) => Behind::default(),
    };
    let claimed = object.finalizers().iter().any(|finalizer| finalizer == FINALIZER);
    let compute = match goal.compute() {
        // A deleted object without our finalizer: nothing rests on the answer.
        _ if !claimed && matches!(goal, Goal::Detached(_)) => Finding::Absent,
        Some(id) => match azure.compute(id, freshness).await {
            Ok(Some(found)) => Finding::Present(compute(&found, goal.owner(), &status)),
            Ok(None) => Finding::Absent,
            Err(error) => Finding::Unknown(fault(error)),
        },
        None => Finding::Absent,
    };
    let operation = match &status.operation {
        Some(kept) => {
            let running_for = planner::status::between(kept.started_at.0, now);
            let outcome = outcome(azure, goal, kept.path.as_deref(), kept.kind, running_for, &compute).await;
            Some(Operation { kind: kept.kind, running_for, outcome })
        }
        None => None,
    };
    behind::rest(azure, object, goal, &compute, (freshness, others.doubts), now, &mut behind).await;
    Observed {
        behind,
        claimed,
        elder: others.elder,
        compute,
        operation,
        applied: status.applied.clone(),
        asked: is_asked(object),
        trouble: planner::status::trouble(&status, now),
        failing_for: planner::status::failing_for(&status, now),
        waiting_for: planner::status::waiting_for(&status, now),
    }
}

/// How fresh the first look of a pass must be.
///
/// A deletion may let go of the object on the strength of it, and a user who asks wants to see what is.
#[must_use]
pub fn freshness(object: &SynapseSparkAttachment, goal: &Goal) -> Freshness {
    match goal {
        Goal::Attached(_) if !is_requested(object) => Freshness::Within(pause::FRESH_ENOUGH),
        _ => Freshness::Now,
    }
}

/// The value of the reconcile annotation.
#[must_use]
pub fn requested(object: &SynapseSparkAttachment) -> Option<&str> {
    object.annotations().get(RECONCILE_REQUESTED_AT).map(String::as_str)
}

/// Whether the user asks for something: by another spec, or by the annotation.
#[must_use]
pub fn is_asked(object: &SynapseSparkAttachment) -> bool {
    let seen = object.status.as_ref().and_then(|status| status.observed_generation);
    seen != object.metadata.generation || is_requested(object)
}

/// Whether the user asks for a look at once. An annotation that was taken away asks for nothing.
fn is_requested(object: &SynapseSparkAttachment) -> bool {
    let handled = object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref());
    requested(object).is_some_and(|value| Some(value) != handled)
}

/// Asks after an operation only where the compute itself does not tell: while it works, its state says so.
async fn outcome(
    azure: &azure::Client,
    goal: &Goal,
    path: Option<&str>,
    kind: OperationKind,
    running_for: Duration,
    compute: &Finding<Compute>,
) -> Outcome {
    let tells = match compute {
        Finding::Present(compute) => matches!(compute.progress, Progress::Working | Progress::Deleting),
        Finding::Absent => kind == OperationKind::Detach,
        Finding::Unknown(_) => true,
    };
    let (false, Some(id)) = (tells, goal.compute()) else { return Outcome::Unknown };
    let Some(path) = path else { return Outcome::Ended };
    match azure.operation(id.workspace().subscription(), path).await {
        Ok(azure::State::Running) => Outcome::Running,
        Ok(azure::State::Succeeded | azure::State::Forgotten) => Outcome::Ended,
        Ok(azure::State::Failed(words)) => Outcome::Failed(self::words(words)),
        // Whoever may not ask will never know: after a while, what the compute shows has to do.
        Err(
            azure::Error::Unauthenticated(_)
            | azure::Error::Forbidden(_)
            | azure::Error::Rejected(_)
            | azure::Error::SubscriptionNotFound(_),
        ) if running_for > pause::UNREADABLE => Outcome::Ended,
        Err(_) => Outcome::Unknown,
    }
}

/// A compute of the wire, in the words of the plan.
#[must_use]
pub fn compute(found: &wire::Compute, owner: &Owner, status: &AttachmentStatus) -> Compute {
    let properties = &found.properties;
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let tags: std::collections::BTreeMap<_, _> = found.tags.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    let tag = tag(&tags, OWNER_TAG);
    // Somebody took the tag away from the very compute that we made: it is drift, not a stranger's compute.
    let remembered = status.applied.as_ref().and_then(|applied| applied.created_on.as_deref());
    let is_remembered = remembered.is_some() && remembered == properties.created_on.as_deref();
    let pool = found.pool();
    Compute {
        kind: properties.compute_type.clone(),
        pool: properties.resource_id.as_deref().and_then(|id| PoolId::parse(id).ok()),
        progress: Progress::of(properties.provisioning_state.as_deref()),
        state: properties.provisioning_state.clone().unwrap_or_else(|| "Succeeded".to_owned()),
        owner: match tag {
            Some(tag) => owner.of_tag(tag),
            None if is_remembered => Ownership::Ours,
            None => Ownership::Nobody,
        },
        identity: identity(found.identity.as_ref()),
        description: properties.description.clone(),
        tags,
        errors: wire::errors_of(properties.provisioning_errors.as_ref())
            .into_iter()
            .map(|(code, message)| ProvisioningError { code, message })
            .collect(),
        location: found.location.clone(),
        created_on: properties.created_on.clone(),
        modified_on: properties.modified_on.clone(),
        shown_pool: PoolStatus {
            name: pool.pool_name.unwrap_or_default(),
            workspace_name: pool.workspace_name,
            spark_version: pool.spark_version,
            node_size: pool.node_size,
            node_size_family: pool.node_size_family,
            node_count: pool.node_count,
            auto_scale: pool.auto_scale_properties.map(|scale| AutoScale {
                enabled: scale.enabled,
                min_node_count: scale.min_node_count,
                max_node_count: scale.max_node_count,
            }),
            auto_pause: pool
                .auto_pause_properties
                .map(|pause| AutoPause { enabled: pause.enabled, delay_in_minutes: pause.delay_in_minutes }),
        },
    }
}

fn identity(found: Option<&wire::Identity>) -> ShownIdentity {
    let Some(found) = found else { return ShownIdentity { kind: "None".to_owned(), ..ShownIdentity::default() } };
    let text = |value: &serde_json::Value, key: &str| value.get(key).and_then(serde_json::Value::as_str).map(ToOwned::to_owned);
    let user = found.user_assigned_identities.iter();
    ShownIdentity {
        kind: found.kind.clone(),
        system: found.has("SystemAssigned"),
        principal_id: found.principal_id.clone(),
        tenant_id: found.tenant_id.clone(),
        user: user
            .filter_map(|(id, one)| Some((IdentityId::parse(id).ok()?, text(one, "principalId"), text(one, "clientId"))))
            .collect(),
    }
}

/// An error of the client, in the words of the plan.
#[must_use]
pub fn fault(error: azure::Error) -> Fault {
    use azure::Error as E;
    let (kind, said) = match error {
        E::Unavailable { error: said, retry_after: None } | E::Conflict(said) => (FaultKind::Passing, said),
        E::Unavailable { error: said, retry_after: Some(pause) } | E::Throttled { retry_after: pause, error: said } => {
            (FaultKind::Throttled(pause), said)
        }
        E::Unauthenticated(said) | E::Forbidden(said) => (FaultKind::Unauthorized, said),
        E::CredentialUnavailable(said) => (FaultKind::NoCredential, said),
        E::ParentNotFound(said) => (FaultKind::NoWorkspace, said),
        E::SubscriptionNotFound(said) => (FaultKind::NoSubscription, said),
        E::NotFound(said) | E::Rejected(said) => (FaultKind::Refused, said),
    };
    Fault { kind, words: words(said) }
}

fn words(said: ServiceError) -> planner::Words {
    planner::Words { code: said.code, message: said.message, correlation: said.correlation_id }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::{AdoptionPolicy, Applied};
    use crate::planner::goal::Identity;
    use crate::planner::status::{Pass, status};
    use crate::planner::{Attached, Ownership, decide};
    use crate::resource_id::WorkspaceId;

    #[test]
    fn an_annotation_asks_once() {
        #[rustfmt::skip]
        let table = [
            // case                     annotation   handled      asks
            ("never asked",             None,        None,        false),
            ("asked",                   Some("one"), None,        true),
            ("heard",                   Some("one"), Some("one"), false),
            ("asked again",             Some("two"), Some("one"), true),
            ("the annotation was removed", None,     Some("one"), false),
        ];
        for (case, annotation, handled, asks) in table {
            let mut object = SynapseSparkAttachment::new("o", crate::api::v1alpha1::SynapseSparkAttachmentSpec::default());
            object.metadata.annotations = annotation.map(|value| [(RECONCILE_REQUESTED_AT.to_owned(), value.to_owned())].into());
            object.status = Some(AttachmentStatus {
                last_handled_reconcile_at: handled.map(ToOwned::to_owned),
                ..AttachmentStatus::default()
            });
            assert_eq!(is_requested(&object), asks, "{case}");
        }
    }

    #[test]
    fn only_the_compute_that_was_ours_stays_ours_without_its_tag() {
        let owner = Owner { cluster: "c".into(), namespace: "n".into(), name: "o".into(), uid: "u".into() };
        let pool = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Synapse/workspaces/w/bigDataPools/p";
        let goal = Goal::Attached(Attached {
            compute: WorkspaceId::new("s", "g", "w").and_then(|workspace| workspace.compute("o")).expect("an ID"),
            owner: owner.clone(),
            pool: Some(PoolId::parse(pool).expect("an ID")),
            link: None,
            role: None,
            identity: Identity::default(),
            description: None,
            tags: std::collections::BTreeMap::new(),
            replace: false,
            adopt: AdoptionPolicy::Never,
            suspend: false,
        });
        let (ours, theirs) = (Some("2026-01-01T00:00:00.0000001+00:00"), Some("2026-02-02T00:00:00.0000002+00:00"));
        let former = format!("{owner}x");
        let mut kept = AttachmentStatus { applied: Some(Applied::default()), ..AttachmentStatus::default() };
        #[rustfmt::skip]
        let passes = [
            // case                                  createdOn, tag,                      whose it is
            ("made by us",                           ours,      Some(owner.to_string()),  Ownership::Ours),
            ("somebody took the tag away",           ours,      None,                     Ownership::Ours),
            ("another was made in its place",        theirs,    None,                     Ownership::Nobody),
            ("and is still another's",               theirs,    None,                     Ownership::Nobody),
            ("even at the time of ours",             ours,      None,                     Ownership::Nobody),
            ("it was tagged as ours",                theirs,    Some(owner.to_string()),  Ownership::Ours),
            ("and then as somebody's",               theirs,    Some(former.clone()),     Ownership::Nobody),
            ("which counts from then on",            theirs,    None,                     Ownership::Nobody),
        ];
        for (case, created_on, tag, whose) in passes {
            let shown = wire::Compute {
                tags: tag.into_iter().map(|tag| (OWNER_TAG.to_uppercase(), tag.into())).collect(),
                properties: wire::Properties {
                    compute_type: "SynapseSpark".into(),
                    resource_id: Some(pool.to_owned()),
                    created_on: created_on.map(ToOwned::to_owned),
                    ..wire::Properties::default()
                },
                ..wire::Compute::default()
            };
            let found = compute(&shown, &owner, &kept);
            assert_eq!(found.owner, whose, "{case}");
            let observed = Observed {
                claimed: true,
                elder: None,
                compute: Finding::Present(found),
                operation: None,
                applied: kept.applied.clone(),
                asked: false,
                trouble: None,
                failing_for: Duration::ZERO,
                waiting_for: Duration::ZERO,
                behind: Behind::default(),
            };
            let plan = decide(&goal, &observed);
            let pass = Pass {
                goal: Some(&goal),
                observed: Some(&observed),
                plan: &plan,
                written: None,
                generation: Some(1),
                requested: None,
                now: Timestamp::UNIX_EPOCH,
            };
            kept = status(&kept, &pass);
        }
    }
}
