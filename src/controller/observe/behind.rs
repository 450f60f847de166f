//! Looks at what is behind an attachment: the link, the pool, the roles.

use jiff::Timestamp;

use super::fault;
use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::{AutoPause, AutoScale, LinkedServiceStatus, PoolStatus};
use crate::azure::{self, Freshness, wire};
use crate::planner::role::{Doubt, Granted, Roles, is_made_by, wanted};
use crate::planner::status::{between, role_trouble};
use crate::planner::{Assignment, Attached, Behind, Compute, Finding, Goal, LinkedService, Progress, SparkPool, pause};
use crate::resource_id::PoolId;

/// Follows the link of a goal, if it goes through one.
///
/// While Azure does not answer, what the status remembers of the link counts: nothing was undone. A refusal is an answer.
pub(super) async fn link(
    azure: &azure::Client,
    goal: &mut Attached,
    remembered: Option<&LinkedServiceStatus>,
    freshness: Freshness,
) -> Behind {
    let Some(link) = &goal.link else { return Behind::default() };
    let workspace = goal.compute.workspace();
    let finding = match azure.linked_service(workspace, &link.name, freshness.relaxed_to(pause::SLOW_LOOK)).await {
        Ok(Some(found)) => Finding::Present(LinkedService {
            name: link.name.clone(),
            resource_id: found.properties.linked_service_resource_id,
            principal: found.identity.and_then(|identity| identity.principal_id),
        }),
        Ok(None) => Finding::Absent,
        Err(error) => {
            let fault = fault(error);
            match remembered.filter(|known| known.name == link.name && !fault.kind.is_refusal()) {
                Some(known) => Finding::Present(LinkedService {
                    name: known.name.clone(),
                    resource_id: known.resource_id.clone(),
                    principal: known.principal_id.clone(),
                }),
                None => Finding::Unknown(fault),
            }
        }
    };
    if let Finding::Present(found) = &finding {
        goal.pool = PoolId::within(&found.resource_id, &link.pool).ok();
    }
    let links = match finding {
        // For the message alone: without an answer it says less.
        Finding::Absent => azure.linked_services(workspace).await.unwrap_or_default().into_iter().map(|one| one.name).collect(),
        _ => Vec::new(),
    };
    Behind { link: Some(finding), links, ..Behind::default() }
}

/// Looks at the pool and the roles behind a compute.
///
/// The pool is looked at anew before it is attached, and else seldom, once for all attachments that it has; the roles
/// seldom, unless another may have taken them back.
pub(super) async fn rest(
    azure: &azure::Client,
    object: &SynapseSparkAttachment,
    goal: &Goal,
    compute: &Finding<Compute>,
    (freshness, doubts): (Freshness, Vec<Doubt>),
    now: Timestamp,
    behind: &mut Behind,
) {
    let status = object.status.clone().unwrap_or_default();
    let granted = status.role_assignments.iter().map(|one| Granted {
        is_ours: is_made_by(&goal.owner().uid, one),
        ago: one.granted_at.as_ref().map(|at| between(at.0, now)),
        status: one.clone(),
    });
    behind.roles = Roles {
        granted: granted.collect(),
        wanted: Vec::new(),
        doubts,
        trouble: role_trouble(&status, object.metadata.generation, now),
    };
    let Goal::Attached(goal) = goal else { return };
    if let Some(id) = &goal.pool {
        let is_attached = matches!(compute, Finding::Present(compute) if compute.progress == Progress::Succeeded);
        let freshness = if is_attached { freshness.relaxed_to(pause::SLOW_LOOK) } else { freshness };
        behind.pool = match compute {
            // Azure does not answer, or the compute is on its way: nothing rests on the pool.
            Finding::Unknown(_) => None,
            Finding::Present(compute) if matches!(compute.progress, Progress::Working | Progress::Deleting) => None,
            _ => Some(match azure.pool(id, freshness).await {
                Ok(Some(found)) => Finding::Present(pool(id, &found)),
                Ok(None) => Finding::Absent,
                Err(error) => Finding::Unknown(fault(error)),
            }),
        };
    }
    let Finding::Present(compute) = compute else { return };
    let link = match &behind.link {
        Some(Finding::Present(link)) => Some(link),
        _ => None,
    };
    let roles = &mut behind.roles;
    for one in wanted(goal, compute, link) {
        let finding = match &one {
            Some(one) => match azure
                .role_assignment(
                    &grant(one),
                    if roles.doubt(one).is_some() { Freshness::Now } else { freshness.relaxed_to(pause::SLOW_LOOK) },
                )
                .await
            {
                Ok(Some(id)) => Finding::Present(id),
                Ok(None) => Finding::Absent,
                Err(error) => Finding::Unknown(fault(error)),
            },
            None => Finding::Absent,
        };
        roles.wanted.push((one, finding));
    }
}

/// An assignment, in the words of the client.
pub(crate) fn grant(one: &Assignment) -> azure::RoleAssignmentRequest {
    azure::RoleAssignmentRequest {
        workspace: one.workspace().to_owned(),
        role: one.role.clone(),
        principal: one.principal.clone(),
        scope: one.scope.clone(),
    }
}

fn pool(id: &PoolId, found: &wire::SparkPool) -> SparkPool {
    let properties = found.properties.clone();
    let state = properties.provisioning_state;
    SparkPool {
        progress: Progress::of(state.as_deref()),
        state: state.unwrap_or_else(|| "Succeeded".to_owned()),
        shown: PoolStatus {
            name: id.name().to_owned(),
            workspace_name: Some(id.workspace_name().to_owned()),
            spark_version: properties.spark_version,
            node_size: properties.node_size,
            node_size_family: properties.node_size_family,
            node_count: properties.node_count,
            auto_scale: properties.auto_scale.map(|scale| AutoScale {
                enabled: scale.enabled,
                min_node_count: scale.min_node_count,
                max_node_count: scale.max_node_count,
            }),
            auto_pause: properties
                .auto_pause
                .map(|pause| AutoPause { enabled: pause.enabled, delay_in_minutes: pause.delay_in_minutes }),
        },
    }
}
