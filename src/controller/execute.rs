//! Carries out the one write of a decision. It decides nothing.

use tokio::time::Instant;

use crate::azure::{self, Assigned, wire};
use crate::controller::observe::fault;
use crate::controller::observe::roles::request;
use crate::planner::{ComputeSpec, Fault, RoleAssignment, Step, WriteResult};
use crate::resource_id::ComputeId;

/// A write to Azure for which everything is ready: the access token, the region.
pub(crate) enum Request<'a> {
    /// PUT of a compute.
    Put(&'a ComputeId, wire::Put),
    /// DELETE of a compute.
    Detach(&'a ComputeId),
    /// PUT of a role assignment, under this GUID.
    AssignRole(&'a RoleAssignment, String),
    /// DELETE of a role assignment, under this GUID.
    RevokeRole(&'a RoleAssignment, String),
}

/// Prepares the write of a step; none if the step writes nothing to Azure.
///
/// All that takes time comes first, so that nothing delays the write after the last check of the Lease.
pub(crate) async fn prepare<'a>(azure: &azure::Client, step: &'a Step, object_uid: &str) -> Result<Option<Request<'a>>, Fault> {
    let request = match step {
        Step::Wait | Step::Done | Step::AddFinalizer | Step::RemoveFinalizer => return Ok(None),
        Step::Put(spec) => {
            let location = match &spec.location {
                Some(location) => location.clone(),
                None => azure.location(spec.id.workspace()).await.map_err(fault)?,
            };
            azure.authenticate().await.map_err(fault)?;
            Request::Put(&spec.id, body(spec, location))
        }
        Step::Detach(id) => {
            azure.authenticate().await.map_err(fault)?;
            Request::Detach(id)
        }
        Step::AssignRole(one) => {
            azure.authenticate_to_synapse().await.map_err(fault)?;
            Request::AssignRole(one, one.id(object_uid))
        }
        Step::RevokeRole(one) => {
            azure.authenticate_to_synapse().await.map_err(fault)?;
            Request::RevokeRole(one, one.id(object_uid))
        }
    };
    Ok(Some(request))
}

impl Request<'_> {
    /// Sends the write, which must have ended at the deadline.
    pub(crate) async fn send(self, azure: &azure::Client, deadline: Option<Instant>) -> WriteResult {
        let sent = match self {
            Self::Put(id, put) => azure.put(id, &put, deadline).await.map(WriteResult::Accepted),
            Self::Detach(id) => match azure.detach(id, deadline).await {
                Err(azure::Error::NotFound(_)) => Ok(WriteResult::NotFound),
                sent => sent.map(WriteResult::Accepted),
            },
            Self::AssignRole(one, id) => azure.assign_role(&id, &request(one), deadline).await.map(|assigned| match assigned {
                Assigned::AlreadyExisted => WriteResult::AlreadyExists,
                Assigned::Created => WriteResult::Accepted(None),
            }),
            Self::RevokeRole(one, id) => {
                azure.revoke_role(&id, &request(one), deadline).await.map(|()| WriteResult::Accepted(None))
            }
        };
        sent.unwrap_or_else(|error| {
            let result = if error.was_not_sent() { WriteResult::NotSent } else { WriteResult::Failed };
            result(fault(error))
        })
    }
}

fn body(spec: &ComputeSpec, location: String) -> wire::Put {
    let identity = spec.identity.as_ref().map(|identity| wire::PutIdentity {
        kind: identity.kind(),
        user: identity.user.iter().map(ToString::to_string).collect(),
    });
    wire::Put {
        location,
        resource_id: spec.pool.to_string(),
        description: spec.description.clone(),
        identity,
        tags: spec.tags.clone().into_iter().collect(),
        unmanaged: spec.unmanaged.clone(),
    }
}
