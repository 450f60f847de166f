//! Which role assignments an attachment needs.

use uuid::Uuid;

use crate::api::v1alpha1::RoleAssignmentStatus;
use crate::planner::identity::{Identity, ObservedIdentity};
use crate::resource_id::PoolId;

/// Synapse's built-in roles that concern Spark pools, by name and GUID.
///
/// Source: `GET https://{workspace}.dev.azuresynapse.net/roleDefinitions`, as the Azure SDK's recordings show it.
pub const ROLES: [(&str, &str); 3] = [
    ("Synapse Administrator", "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78"),
    ("Synapse Compute Operator", "e3844cc7-4670-42cb-9349-9bdac1ee7881"),
    ("Apache Spark Administrator", SPARK_ADMINISTRATOR),
];
const SPARK_ADMINISTRATOR: &str = "c3a6d2f1-a26f-4810-9b0f-591308d5cbf1";

/// The GUID of a role, given by name or GUID.
#[must_use]
pub fn role_id(role: &str) -> Option<String> {
    let known = ROLES.iter().find(|(name, _)| *name == role).map(|(_, id)| (*id).to_owned());
    known.or_else(|| Uuid::try_parse(role).ok().map(|id| id.to_string()))
}

/// The name of a role, or its GUID if it is none of [`ROLES`].
#[must_use]
pub fn role_name(id: &str) -> &str {
    ROLES.iter().find(|(_, known)| known.eq_ignore_ascii_case(id)).map_or(id, |(name, _)| name)
}

/// The desired role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its GUID, in lower case.
    pub id: String,
    /// On the whole workspace, not on the pool alone.
    pub workspace_wide: bool,
    /// Also Apache Spark Administrator, for the linked service's own identity.
    pub linked_service: bool,
}

impl Role {
    /// The assignments that this role requires; `None` for one whose principal Azure does not show yet.
    #[must_use]
    pub fn assignments(
        &self,
        pool: &PoolId,
        identity: &Identity,
        shown: &ObservedIdentity,
        link_principal: Option<&str>,
    ) -> Vec<Option<RoleAssignment>> {
        let workspace = format!("workspaces/{}", pool.workspace_name());
        let scope = if self.workspace_wide { workspace.clone() } else { format!("{workspace}/bigDataPools/{}", pool.name()) };
        let own = principal(identity, shown).map(|principal| RoleAssignment { role: self.id.clone(), principal, scope });
        let mut all = vec![own];
        if self.linked_service {
            let role = SPARK_ADMINISTRATOR.to_owned();
            all.push(link_principal.map(|principal| RoleAssignment { role, principal: principal.to_owned(), scope: workspace }));
        }
        all
    }
}

/// The principal as which jobs run: the system-assigned identity, else the first user-assigned one.
fn principal(identity: &Identity, shown: &ObservedIdentity) -> Option<String> {
    match (identity.system, identity.user.first()) {
        (true, _) => shown.principal_id.clone(),
        (false, Some(first)) => shown.user.iter().find(|one| one.id == *first).and_then(|one| one.principal_id.clone()),
        (false, None) => None,
    }
}

/// A role, assigned to a principal on a scope.
///
/// The GUID of an assignment is derived from the object, the principal, the
/// role and the scope. So a lost answer never leads to two assignments, and a
/// DELETE of that GUID can only revoke what this object assigned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleAssignment {
    /// The role's GUID.
    pub role: String,
    /// The principal's object ID in Entra.
    pub principal: String,
    /// `workspaces/{workspace}`, or `workspaces/{workspace}/bigDataPools/{pool}`.
    pub scope: String,
}

impl RoleAssignment {
    /// Its GUID, if the object with this UID creates it.
    #[must_use]
    pub fn id(&self, object_uid: &str) -> String {
        // An object's UID is a GUID. Any other text still gets a namespace of its own.
        let namespace = Uuid::try_parse(object_uid).unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, object_uid.as_bytes()));
        let text = format!("{}/{}/{}", self.principal, self.role, self.scope).to_ascii_lowercase();
        Uuid::new_v5(&namespace, text.as_bytes()).to_string()
    }

    /// The same in lower case: Azure compares without regard to case.
    #[must_use]
    pub fn folded(&self) -> Self {
        let [role, principal, scope] = [&self.role, &self.principal, &self.scope].map(|text| text.to_ascii_lowercase());
        Self { role, principal, scope }
    }

    /// The Synapse workspace.
    #[must_use]
    pub fn workspace(&self) -> &str {
        self.scope.split('/').nth(1).unwrap_or_default()
    }

    /// The command that creates it by hand.
    #[must_use]
    pub fn create_command(&self) -> String {
        format!(
            "az synapse role assignment create --workspace-name {} --role \"{}\" --assignee-object-id {} --assignee-principal-type ServicePrincipal --scope {}",
            self.workspace(),
            role_name(&self.role),
            self.principal,
            self.scope
        )
    }

    /// The command that revokes it by hand.
    #[must_use]
    pub fn delete_command(&self, id: &str) -> String {
        format!("az synapse role assignment delete --workspace-name {} --ids {id} --yes", self.workspace())
    }

    /// Whether the status entry is about this one.
    #[must_use]
    pub fn is(&self, recorded: &RoleAssignmentStatus) -> bool {
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        same(&self.role, &recorded.role_id) && same(&self.principal, &recorded.principal_id) && same(&self.scope, &recorded.scope)
    }
}

impl std::fmt::Display for RoleAssignment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {} for principal {}", role_name(&self.role), self.scope, self.principal)
    }
}

impl From<&RoleAssignmentStatus> for RoleAssignment {
    fn from(recorded: &RoleAssignmentStatus) -> Self {
        Self { role: recorded.role_id.clone(), principal: recorded.principal_id.clone(), scope: recorded.scope.clone() }
    }
}

/// Whether the object with this UID created the assignment, or is about to, as its GUID shows.
#[must_use]
pub fn is_created_by(object_uid: &str, recorded: &RoleAssignmentStatus) -> bool {
    RoleAssignment::from(recorded).id(object_uid) == recorded.assignment_id
}
