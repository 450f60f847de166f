//! Azure's own roles: definitions, assignments and groups.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::Timestamp;
use uuid::Uuid;

use super::World;
use super::seed::{AzureRole, AzureRoleAssignment, Group, ManagementGroup};
use crate::id;

/// The built-in roles that are served (DOC).
static BUILT_IN: LazyLock<Vec<AzureRole>> = LazyLock::new(|| {
    let text = include_str!("../../fixtures/doc/azure-built-in-roles.json");
    serde_json::from_str(text).expect("the fixture is tested")
});

/// An assignment of one of Azure's own roles.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// Its GUID.
    pub(crate) name: String,
    pub(crate) role: AzureRole,
    pub(crate) seed: AzureRoleAssignment,
}

impl Assignment {
    /// The scope as in an ID: empty for `/`.
    pub(crate) fn scope(&self) -> &str {
        self.seed.scope.trim_end_matches('/')
    }

    pub(crate) fn id(&self) -> String {
        format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", self.scope(), self.name)
    }
}

impl World {
    /// A role by its GUID, which is case-insensitive, or by its exact name.
    pub(crate) fn azure_role(&self, text: &str) -> Option<&AzureRole> {
        self.azure_roles().find(|role| role.id.eq_ignore_ascii_case(text) || role.role_name == text)
    }

    /// The built-in roles, and those of the seed.
    pub(crate) fn azure_roles(&self) -> impl Iterator<Item = &AzureRole> {
        BUILT_IN.iter().chain(self.custom_roles.values())
    }

    pub(crate) fn is_built_in(role: &AzureRole) -> bool {
        BUILT_IN.iter().any(|one| one.id == role.id)
    }

    /// The assignments in the order of their IDs (NF), each with its folded scope.
    pub(crate) fn assignments(&self) -> impl Iterator<Item = (String, &Assignment)> {
        self.assignments.values().map(|one| (id::fold(&one.seed.scope), one))
    }

    /// The folded IDs of the management groups that contain a scope, the nearest first.
    fn management_groups_above(&self, scope: &str) -> Vec<String> {
        let subscription = id::subscription(scope).unwrap_or_default();
        let mut next = self.management_groups.iter().find(|(_, group)| {
            group.subscriptions.iter().any(|one| one.rsplit('/').next().is_some_and(|s| s.eq_ignore_ascii_case(subscription)))
        });
        let mut found = Vec::new();
        while let Some((key, group)) = next.filter(|(key, _)| !found.contains(*key)) {
            found.push(key.clone());
            next = group.parent.as_ref().and_then(|parent| self.management_groups.get_key_value(&id::fold(parent)));
        }
        found
    }

    /// Whether the first of these folded scopes is the second, or contains it.
    pub(crate) fn is_at_or_above(&self, one: &str, other: &str) -> bool {
        id::is_within(other, one) || self.management_groups_above(other).iter().any(|group| group == one)
    }

    /// A principal, and the groups that it is a member of, also through other groups (DOC).
    pub(crate) fn with_groups(&self, principal: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::from([id::fold(principal)]);
        loop {
            let is_member = |member: &String| found.contains(&id::fold(member));
            let more: Vec<String> = (self.groups_of_entra.iter())
                .filter(|(key, _)| !found.contains(*key))
                .filter(|(_, group)| {
                    group.members.iter().any(is_member)
                        || group.identities_within.iter().any(|scope| self.has_identity_within(principal, &id::fold(scope)))
                })
                .map(|(key, _)| key.clone())
                .collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }

    /// Whether the principal is that of a compute or of a user-assigned identity in this folded scope.
    fn has_identity_within(&self, principal: &str, scope: &str) -> bool {
        let is = |id: &str| id.eq_ignore_ascii_case(principal);
        let of_computes = self.computes.within(scope).any(|c| c.body["identity"]["principalId"].as_str().is_some_and(is));
        of_computes
            || (self.identities.iter()).any(|(key, one)| id::is_within(key, scope) && one.principal_id.as_deref().is_some_and(is))
    }

    pub(super) fn add_management_group(&mut self, group: ManagementGroup) -> Result<(), String> {
        if !group.id.to_ascii_lowercase().starts_with("/providers/microsoft.management/managementgroups/") {
            return Err(format!("{:?} is not the ID of a management group", group.id));
        }
        self.management_groups.insert(id::fold(&group.id), group);
        Ok(())
    }

    pub(super) fn add_groups(&mut self, groups: Vec<Group>) {
        self.groups_of_entra.extend(groups.into_iter().map(|group| (id::fold(&group.object_id), group)));
    }

    pub(super) fn add_custom_role(&mut self, role: AzureRole) -> Result<(), String> {
        Uuid::parse_str(&role.id).map_err(|_| format!("the ID {:?} of the role {:?} is no GUID", role.id, role.role_name))?;
        if Self::is_built_in(&role) {
            return Err(format!("{} is the ID of a built-in role", role.id));
        }
        self.custom_roles.insert(id::fold(&role.id), role);
        Ok(())
    }

    pub(super) fn add_assignment(&mut self, now: Timestamp, mut seed: AzureRoleAssignment) -> Result<(), String> {
        let role = self.azure_role(&seed.role_id).ok_or_else(|| format!("{:?} is no role of Azure", seed.role_id))?.clone();
        let scope = id::fold(&seed.scope);
        let is_known = scope.is_empty() || self.management_groups.contains_key(&scope) || id::subscription(&scope).is_some();
        if !is_known {
            return Err(format!("{:?} is not the ID of a scope, or of no known management group", seed.scope));
        }
        let name = seed.id.clone().unwrap_or_else(|| self.guid().to_string());
        let is_group = self.groups_of_entra.contains_key(&id::fold(&seed.principal_id));
        let kind = if is_group { "Group" } else { "ServicePrincipal" };
        seed.principal_type = Some(seed.principal_type.unwrap_or_else(|| kind.into()));
        seed.created_on = Some(seed.created_on.unwrap_or_else(|| now.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string()));
        let assignment = Assignment { name, role, seed };
        self.assignments.insert(id::fold(&assignment.id()), assignment);
        Ok(())
    }

    /// The assignments, as in a seed.
    pub(super) fn azure_role_assignments(&self) -> Vec<AzureRoleAssignment> {
        let of = |one: &Assignment| AzureRoleAssignment {
            id: Some(one.name.clone()),
            role_id: one.role.id.clone(),
            ..one.seed.clone()
        };
        self.assignments.values().map(of).collect()
    }

    /// Removes what of this is within a folded ID; groups are removed by `/groups/OBJECT-ID`.
    pub(super) fn remove_access(&mut self, scope: &str) {
        self.assignments.retain(|key, _| !id::is_within(key, scope));
        self.management_groups.retain(|key, _| !id::is_within(key, scope));
        self.groups_of_entra.retain(|key, _| format!("/groups/{key}") != scope);
        self.custom_roles.retain(|key, _| !scope.ends_with(&format!("/providers/microsoft.authorization/roledefinitions/{key}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_roles_are_those_of_the_documentation() {
        let names: Vec<&str> = BUILT_IN.iter().map(|role| role.role_name.as_str()).collect();
        assert_eq!(
            names,
            [
                "Owner",
                "Contributor",
                "Reader",
                "Storage Blob Data Owner",
                "Storage Blob Data Contributor",
                "Storage Blob Data Reader"
            ]
        );
    }
}
