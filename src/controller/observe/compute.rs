//! The compute, as Azure shows it.

use std::collections::BTreeMap;

use crate::api::v1alpha1::{AttachmentStatus, AutoPause, AutoScale, PoolStatus, ProvisioningError};
use crate::azure::{self, Source, wire};
use crate::controller::observe::fault::fault;
use crate::controller::observe::reading::ComputeReading;
use crate::planner::compute::Details;
use crate::planner::drift::tag;
use crate::planner::identity::UserAssigned;
use crate::planner::{Compute, Finding, OWNER_TAG, ObservedIdentity, Owner, PoolReading, Progress};
use crate::resource_id::{ComputeId, IdentityId};

/// The compute, or its absence; and where the answer comes from.
pub(super) async fn observe(
    azure: &azure::Client,
    id: &ComputeId,
    (owner, status): (&Owner, &AttachmentStatus),
    reading: ComputeReading,
) -> (Finding<Compute>, Option<Source>) {
    let answer = match reading {
        ComputeReading::Own(freshness) => azure.compute(id, freshness).await.map(|found| (found, Source::Get)),
        ComputeReading::Shared(ask) => azure.shared_compute(id, &ask).await,
    };
    match answer {
        Ok((Some(found), source)) => (Finding::Present(compute(&found, owner, status)), Some(source)),
        Ok((None, source)) => (Finding::Absent, Some(source)),
        Err(error) => (Finding::Unknown(fault(error)), None),
    }
}

/// A compute of the wire, in the planner's terms.
#[must_use]
pub fn compute(found: &wire::Compute, owner: &Owner, status: &AttachmentStatus) -> Compute {
    let properties = &found.properties;
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    // A tag of null is no tag.
    let tags = found.tags.iter().filter(|(_, value)| !value.is_null());
    let tags: BTreeMap<_, _> = tags.map(|(name, value)| (name.clone(), text(value))).collect();
    let tag = tag(&tags, OWNER_TAG).cloned();
    Compute {
        kind: properties.compute_type.clone(),
        pool: PoolReading::of(properties.resource_id.as_deref()),
        progress: Progress::of(properties.provisioning_state.as_deref()),
        owner: owner.of_compute(tag.as_deref(), properties.created_on.as_deref(), status.applied.as_ref()),
        identity: identity(found.identity.as_ref()),
        description: properties.description.clone(),
        tags,
        details: details(found),
    }
}

fn details(found: &wire::Compute) -> Details {
    let properties = &found.properties;
    let errors = wire::errors_of(properties.provisioning_errors.as_ref()).into_iter();
    Details {
        state: properties.provisioning_state.clone().unwrap_or_else(|| "Succeeded".to_owned()),
        errors: errors.map(|(code, message)| ProvisioningError { code, message }).collect(),
        location: found.location.clone(),
        created_on: properties.created_on.clone(),
        modified_on: properties.modified_on.clone(),
        modified_by: found.system_data.as_ref().and_then(wire::SystemData::last_modified_by),
        pool: pool(found),
        unmanaged: found.unmanaged.clone(),
    }
}

fn pool(found: &wire::Compute) -> PoolStatus {
    let pool = found.properties.pool.clone();
    PoolStatus {
        name: pool.pool_name.unwrap_or_default(),
        workspace_name: pool.workspace_name,
        spark_version: pool.spark_version,
        node_size: pool.node_size,
        node_size_family: pool.node_size_family,
        node_count: pool.node_count,
        auto_scale: pool.auto_scale_properties.map(|scale| auto_scale(&scale)),
        auto_pause: pool.auto_pause_properties.map(|pause| auto_pause(&pause)),
    }
}

/// How a pool scales, as Machine Learning and Synapse both spell it.
pub(super) fn auto_scale(scale: &wire::AutoScale) -> AutoScale {
    AutoScale { enabled: scale.enabled, min_node_count: scale.min_node_count, max_node_count: scale.max_node_count }
}

/// When a pool pauses, as Machine Learning and Synapse both spell it.
pub(super) fn auto_pause(pause: &wire::AutoPause) -> AutoPause {
    AutoPause { enabled: pause.enabled, delay_in_minutes: pause.delay_in_minutes }
}

pub(super) fn identity(found: Option<&wire::Identity>) -> ObservedIdentity {
    let Some(found) = found else { return ObservedIdentity { kind: "None".to_owned(), ..ObservedIdentity::default() } };
    let text = |value: &serde_json::Value, key: &str| value.get(key).and_then(serde_json::Value::as_str).map(ToOwned::to_owned);
    let (mut user, mut unreadable) = (Vec::new(), Vec::new());
    for (id, one) in &found.user_assigned_identities {
        match IdentityId::parse(id) {
            Ok(id) => {
                let (principal_id, client_id) = (text(one, "principalId"), text(one, "clientId"));
                user.push(UserAssigned { id, principal_id, client_id, own_principal_id: None });
            }
            Err(_) => unreadable.push(id.clone()),
        }
    }
    ObservedIdentity {
        kind: found.kind.clone(),
        system: found.has("SystemAssigned"),
        principal_id: found.principal_id.clone(),
        tenant_id: found.tenant_id.clone(),
        user,
        unreadable,
    }
}
