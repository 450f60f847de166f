//! The linked service and the Spark pool, as Azure shows them.

use crate::api::v1alpha1::{AttachmentStatus, LinkedServiceStatus, PoolStatus};
use crate::azure::{self, Freshness, wire};
use crate::controller::observe::compute::{auto_pause, auto_scale};
use crate::controller::observe::fault::fault;
use crate::planner::backoff::{ATTACH_DEPENDENCY_TTL, FRESH_ENOUGH};
use crate::planner::goal::Link;
use crate::planner::{Compute, Dependencies, Finding, Goal, LinkedService, PoolReference, Progress, SparkPool};
use crate::resource_id::{PoolId, WorkspaceId};

/// The linked service, if the spec names the pool through one.
pub(super) async fn link(azure: &azure::Client, goal: &Goal, status: &AttachmentStatus, freshness: Freshness) -> Dependencies {
    let Goal::Attached(goal) = goal else { return Dependencies::default() };
    let PoolReference::Link(link) = &goal.pool else { return Dependencies::default() };
    let workspace = goal.compute.workspace();
    let finding = find_link(azure, workspace, link, status.linked_service.as_ref(), freshness).await;
    let other_links = match finding {
        // Only for the message, which is shorter without an answer.
        Finding::Absent => azure.linked_services(workspace).await.unwrap_or_default().into_iter().map(|one| one.name).collect(),
        Finding::Present(_) | Finding::Unknown(_) => Vec::new(),
    };
    Dependencies { link: Some(finding), other_links, pool: None }
}

/// The linked service of this name.
async fn find_link(
    azure: &azure::Client,
    workspace: &WorkspaceId,
    link: &Link,
    recorded: Option<&LinkedServiceStatus>,
    freshness: Freshness,
) -> Finding<LinkedService> {
    match azure.linked_service(workspace, &link.name, freshness).await {
        Ok(Some(found)) => Finding::Present(LinkedService {
            name: link.name.clone(),
            resource_id: found.properties.linked_service_resource_id,
            principal: found.identity.and_then(|identity| identity.principal_id),
        }),
        Ok(None) => Finding::Absent,
        Err(error) => LinkedService::after(fault(error), &link.name, recorded),
    }
}

/// The pool: observed before it is attached, and otherwise rarely, once for all its attachments. No decision rests on it while
/// Azure gives no answer or is changing the compute.
pub(super) async fn pool(
    azure: &azure::Client,
    goal: &Goal,
    dependencies: &Dependencies,
    compute: &Finding<Compute>,
    freshness: Freshness,
) -> Option<Finding<SparkPool>> {
    let Goal::Attached(goal) = goal else { return None };
    let id = dependencies.resolve(&goal.pool)?;
    match compute {
        Finding::Unknown(_) => None,
        Finding::Present(compute) if compute.progress.is_ongoing() => None,
        Finding::Present(compute) if compute.progress == Progress::Succeeded => Some(find_pool(azure, &id, freshness).await),
        Finding::Present(_) | Finding::Absent => {
            let found = find_pool(azure, &id, freshness.at_most(ATTACH_DEPENDENCY_TTL)).await;
            let is_blocking = match &found {
                Finding::Absent => true,
                Finding::Present(pool) => !pool.is_usable(),
                Finding::Unknown(_) => false,
            };
            // It may have been created meanwhile, and the attachment is not observed again soon.
            let recent = freshness.at_most(FRESH_ENOUGH);
            Some(if is_blocking && recent != freshness { find_pool(azure, &id, recent).await } else { found })
        }
    }
}

async fn find_pool(azure: &azure::Client, id: &PoolId, freshness: Freshness) -> Finding<SparkPool> {
    match azure.pool(id, freshness).await {
        Ok(Some(found)) => Finding::Present(spark_pool(id, found)),
        Ok(None) => Finding::Absent,
        Err(error) => Finding::Unknown(fault(error)),
    }
}

fn spark_pool(id: &PoolId, found: wire::SparkPool) -> SparkPool {
    let properties = found.properties;
    let state = properties.provisioning_state;
    SparkPool {
        progress: Progress::of(state.as_deref()),
        state: state.unwrap_or_else(|| "Succeeded".to_owned()),
        details: PoolStatus {
            name: id.name().to_owned(),
            workspace_name: Some(id.workspace_name().to_owned()),
            spark_version: properties.spark_version,
            node_size: properties.node_size,
            node_size_family: properties.node_size_family,
            node_count: properties.node_count,
            auto_scale: properties.auto_scale.map(|scale| auto_scale(&scale)),
            auto_pause: properties.auto_pause.map(|pause| auto_pause(&pause)),
        },
    }
}
