//! Role assignments of Synapse, on the data plane of the Synapse workspace.

use tokio::time::Instant;

use crate::azure::api_version;
use crate::azure::cache::Freshness;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::list::MAX_PAGES;
use crate::azure::throttle::Scope;
use crate::azure::transport::ApiRequest;
use crate::azure::wire::{self, RoleAssignmentRequest};
use crate::service_error::Service;

/// The result of [`Client::assign_role`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assigned {
    /// Synapse created the role assignment.
    Created,
    /// The principal has the role on this scope already.
    AlreadyExisted,
}

impl Client {
    /// The GUID of the role assignment of this role to this principal on this scope; `None` if Synapse lists none.
    ///
    /// # Errors
    ///
    /// [`Error`] if Synapse does not list them, which needs a right of its own.
    pub async fn role_assignment(&self, wanted: &RoleAssignmentRequest, freshness: Freshness) -> Result<Option<String>, Error> {
        self.cached.role_assignments.get(wanted, freshness, self.find_role_assignment(wanted)).await
    }

    async fn find_role_assignment(&self, wanted: &RoleAssignmentRequest) -> Result<Option<String>, Error> {
        let filter = [("roleId", &*wanted.role), ("principalId", &wanted.principal), ("scope", &wanted.scope)];
        let mut continuation = None;
        for _ in 0..MAX_PAGES {
            let mut request = self.data_plane_request(Call::RoleAssignments, wanted, None)?;
            request.url.query_pairs_mut().extend_pairs(filter);
            request.continuation = continuation;
            let answer = self.send(request).await.map_err(|error| error.of(Service::Synapse))?;
            let page: wire::RoleAssignments = answer.read()?;
            let found = page.value.into_iter().find(|one| one.is(wanted));
            continuation = answer.continuation.filter(|text| !text.is_empty());
            if found.is_some() || continuation.is_none() {
                return Ok(found.map(|one| one.id));
            }
        }
        Err(Error::unavailable(format!("the list of role assignments has more than {MAX_PAGES} pages")))
    }

    /// Assigns a role under this GUID. It is no error if the principal has the role already.
    ///
    /// The request ends at the deadline at the latest: a leader must not write after its lease.
    ///
    /// # Errors
    ///
    /// [`Error`]; after [`Error::Unavailable`] it is unknown whether Synapse processed the request, which may be repeated.
    pub async fn assign_role(
        &self,
        id: &str,
        wanted: &RoleAssignmentRequest,
        deadline: Option<Instant>,
    ) -> Result<Assigned, Error> {
        let mut request = self.data_plane_request(Call::AssignRole, wanted, Some(id))?;
        request.body = Some(wanted.body().to_string().into_bytes());
        request.deadline = deadline;
        self.cached.role_assignments.invalidate(wanted);
        let sent = self.send(request).await.map_err(|error| error.of(Service::Synapse));
        self.cached.role_assignments.invalidate(wanted);
        match sent {
            Ok(_) => Ok(Assigned::Created),
            // No document names the status of this code. Source: <https://github.com/Azure/azure-cli/issues/25872>.
            Err(Error::Conflict(error) | Error::Rejected(error)) if error.code == "RoleAssignmentAlreadyExists" => {
                Ok(Assigned::AlreadyExisted)
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes the role assignment of this GUID. It is no error if there is none, or no such Synapse workspace.
    ///
    /// The request ends at the deadline at the latest: a leader must not write after its lease.
    ///
    /// # Errors
    ///
    /// [`Error`]; after [`Error::Unavailable`] it is unknown whether Synapse processed the request.
    pub async fn revoke_role(&self, id: &str, assigned: &RoleAssignmentRequest, deadline: Option<Instant>) -> Result<(), Error> {
        let mut request = self.data_plane_request(Call::RevokeRole, assigned, Some(id))?;
        request.deadline = deadline;
        self.cached.role_assignments.invalidate(assigned);
        let sent = self.send(request).await.map_err(|error| error.of(Service::Synapse));
        self.cached.role_assignments.invalidate(assigned);
        match sent {
            Ok(_) | Err(Error::NotFound(_) | Error::ParentNotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A request for all role assignments of a workspace, or for one of them.
    fn data_plane_request(
        &self,
        call: Call,
        assignment: &RoleAssignmentRequest,
        id: Option<&str>,
    ) -> Result<ApiRequest<'_>, Error> {
        let path = id.map_or_else(|| "/roleAssignments".to_owned(), |id| format!("/roleAssignments/{id}"));
        let workspace = &assignment.workspace;
        let mut url = self
            .data_plane
            .url(workspace, &path)
            .ok_or_else(|| Error::unavailable(format!("{workspace:?} is not a valid name of a Synapse workspace")))?;
        url.query_pairs_mut().append_pair("api-version", api_version::SYNAPSE_DATA_PLANE);
        // The data plane has limits of its own for each workspace.
        let scope = Scope::Synapse(workspace.to_ascii_lowercase());
        let tokens = &self.tokens.synapse;
        Ok(ApiRequest { call, scope, url, tokens, body: None, continuation: None, deadline: None, new_connection: false })
    }
}
