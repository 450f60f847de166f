//! Role assignments and role definitions of Azure, which are not those of Synapse.

use uuid::Uuid;

use crate::azure::api_version;
use crate::azure::cache::Freshness;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::wire;
use crate::resource_id::StorageAccountId;

const PROVIDER: &str = "providers/Microsoft.Authorization";

impl Client {
    /// The role assignments of a principal at a storage account or above it, also those through its groups.
    ///
    /// Source: <https://learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest>.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not return all of them.
    pub async fn azure_role_assignments(
        &self,
        scope: &StorageAccountId,
        principal: Uuid,
        freshness: Freshness,
    ) -> Result<Vec<wire::AzureRoleAssignment>, Error> {
        let first = format!(
            "{scope}/{PROVIDER}/roleAssignments?api-version={}&$filter=atScope()%20and%20assignedTo('{principal}')",
            api_version::AUTHORIZATION
        );
        let request = self.list(Call::AzureRoleAssignments, scope.subscription(), first);
        self.cached.of_job_checks.role_assignments.get(&(scope.clone(), principal), freshness, request).await
    }

    /// A role of Azure that can be assigned at a storage account; `None` if there is none of this GUID.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure gives no such answer.
    pub async fn role_definition(
        &self,
        scope: &StorageAccountId,
        role: Uuid,
        freshness: Freshness,
    ) -> Result<Option<wire::RoleDefinition>, Error> {
        let request = async {
            let path = format!("{scope}/{PROVIDER}/roleDefinitions/{role}?api-version={}", api_version::AUTHORIZATION);
            match self.get(Call::RoleDefinition, scope.subscription(), &path).await {
                Ok(answer) => answer.read().map(Some),
                Err(Error::NotFound(_)) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.cached.of_job_checks.role_definitions.get(&(scope.clone(), role), freshness, request).await
    }
}
