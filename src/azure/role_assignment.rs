//! Role assignments of Synapse, on the data plane of the Synapse workspace.

use std::sync::Arc;

use tokio::time::Instant;

use crate::azure::cache::Freshness;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::list::MAX_PAGES;
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
        let mut id = None;
        self.role_assignment_pages(&wanted.workspace, &filter, |page| {
            id = page.into_iter().find(|one| one.is(wanted)).map(|one| one.id);
            id.is_some()
        })
        .await?;
        Ok(id)
    }

    /// The roles of Synapse that are assigned on any scope of a workspace, to any principal.
    ///
    /// # Errors
    ///
    /// [`Error`] if Synapse does not list them, which needs a right of its own.
    pub async fn synapse_roles(&self, workspace: &str, freshness: Freshness) -> Result<Arc<Vec<wire::RoleAssignment>>, Error> {
        let request = async {
            let mut all = Vec::new();
            self.role_assignment_pages(workspace, &[], |page| {
                all.extend(page);
                false
            })
            .await?;
            Ok(Arc::new(all))
        };
        self.cached.of_job_checks.synapse_roles.get(&workspace.to_ascii_lowercase(), freshness, request).await
    }

    /// Drops what is known of this assignment. Called before and after a write.
    fn invalidate_role(&self, changed: &RoleAssignmentRequest) {
        self.cached.role_assignments.invalidate(changed);
        self.cached.of_job_checks.synapse_roles.invalidate(&changed.workspace.to_ascii_lowercase());
    }

    /// Reads the pages of a list of role assignments, until one has what is searched for.
    async fn role_assignment_pages(
        &self,
        workspace: &str,
        filter: &[(&str, &str)],
        mut is_found: impl FnMut(Vec<wire::RoleAssignment>) -> bool,
    ) -> Result<(), Error> {
        let mut continuation = None;
        for _ in 0..MAX_PAGES {
            let mut request = self.data_plane_request(Call::RoleAssignments, workspace, "/roleAssignments")?;
            request.url.query_pairs_mut().extend_pairs(filter);
            request.continuation = continuation;
            let answer = self.send(request).await.map_err(|error| error.of(Service::Synapse))?;
            let page: wire::RoleAssignments = answer.read()?;
            continuation = answer.continuation.filter(|text| !text.is_empty());
            if is_found(page.value) || continuation.is_none() {
                return Ok(());
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
        let mut request = self.role_assignment_request(Call::AssignRole, wanted, id)?;
        request.body = Some(wanted.body().to_string().into_bytes());
        request.deadline = deadline;
        self.invalidate_role(wanted);
        let sent = self.send(request).await.map_err(|error| error.of(Service::Synapse));
        self.invalidate_role(wanted);
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
        let mut request = self.role_assignment_request(Call::RevokeRole, assigned, id)?;
        request.deadline = deadline;
        self.invalidate_role(assigned);
        let sent = self.send(request).await.map_err(|error| error.of(Service::Synapse));
        self.invalidate_role(assigned);
        match sent {
            Ok(_) | Err(Error::NotFound(_) | Error::ParentNotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A request for one role assignment.
    fn role_assignment_request(&self, call: Call, assignment: &RoleAssignmentRequest, id: &str) -> Result<ApiRequest<'_>, Error> {
        self.data_plane_request(call, &assignment.workspace, &format!("/roleAssignments/{id}"))
    }
}
