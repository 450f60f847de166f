//! Synapse roles and role assignments.

use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::seed::RoleAssignment;
use super::{World, later};
use crate::id;

/// A role definition (REAL).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Role {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Where it can be assigned, for example at `workspaces/{workspaceName}`.
    pub(crate) scopes: Vec<String>,
    /// Known of two roles only.
    #[serde(default)]
    pub(crate) data_actions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recording {
    role_definitions: Vec<Role>,
}

static ROLES: LazyLock<Vec<Role>> = LazyLock::new(|| {
    let text = include_str!("../../fixtures/real/synapse-role-definitions-2021-10-20.json");
    serde_json::from_str::<Recording>(text).expect("the recording is tested").role_definitions
});

/// The role that allows everything in its scope (DOC).
pub(crate) const ADMINISTRATOR: &str = "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78";

/// The roles that allow running Spark on a pool: Synapse Administrator (DOC: the role for the identity of an attached pool), and
/// Synapse Contributor, Synapse Compute Operator and Apache Spark Administrator (NF: the last two may use a pool by
/// their data actions (REAL), it is not documented whether that is sufficient for a job of Machine Learning).
pub(crate) const MAY_RUN_SPARK: [&str; 4] = [
    ADMINISTRATOR,
    "7572bffe-f453-4b66-912a-46cc5ef38fda",
    "e3844cc7-4670-42cb-9349-9bdac1ee7881",
    "c3a6d2f1-a26f-4810-9b0f-591308d5cbf1",
];

impl Role {
    pub(crate) fn all() -> &'static [Self] {
        &ROLES
    }

    /// By its GUID, which is case-insensitive, or by its exact name.
    pub(crate) fn find(text: &str) -> Option<&'static Self> {
        ROLES.iter().find(|r| r.id.eq_ignore_ascii_case(text) || r.name == text)
    }

    /// Whether it can be assigned at this scope of this workspace (REAL: the templates).
    pub(crate) fn is_assignable(&self, workspace: &str, scope: &str) -> bool {
        let segments: Vec<&str> = scope.split('/').collect();
        segments.get(1).is_some_and(|w| w.eq_ignore_ascii_case(workspace))
            && self.scopes.iter().any(|template| {
                let template: Vec<&str> = template.split('/').collect();
                template.len() == segments.len()
                    && template
                        .iter()
                        .zip(&segments)
                        .all(|(t, s)| if t.starts_with('{') { !s.is_empty() } else { t.eq_ignore_ascii_case(s) })
            })
    }
}

/// A role assignment.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) role: &'static Role,
    pub(crate) principal: String,
    pub(crate) principal_type: String,
    pub(crate) scope: String,
    /// The workspace's ID, as written.
    pub(crate) workspace: String,
    /// None: it existed from the beginning.
    pub(crate) granted: Option<Timestamp>,
}

impl Grant {
    /// Whether it applies to this scope, because it is at the scope itself or above.
    pub(crate) fn covers(&self, principal: &str, scope: &str) -> bool {
        self.principal.eq_ignore_ascii_case(principal) && id::is_within(&id::fold(scope), &id::fold(&self.scope))
    }

    pub(crate) fn is_same(&self, role: &str, principal: &str, scope: &str) -> bool {
        self.role.id.eq_ignore_ascii_case(role)
            && self.principal.eq_ignore_ascii_case(principal)
            && self.scope.eq_ignore_ascii_case(scope)
    }
}

impl World {
    /// The Synapse workspace of this name; they are unique in a cloud, being host names (DOC).
    pub(crate) fn synapse_named(&self, name: &str) -> Option<&str> {
        let found = self.synapse.values().find(|w| id::name(&w.id).eq_ignore_ascii_case(name));
        found.map(|w| w.id.as_str())
    }

    /// The role assignments of a workspace, in the order of their GUIDs (NF).
    pub(crate) fn grants<'a>(&'a self, workspace: &str) -> impl Iterator<Item = (&'a str, &'a Grant)> {
        let workspace = id::fold(workspace);
        let from = (workspace.clone(), String::new());
        let all = self.grants.range(from..).take_while(move |(key, _)| key.0 == workspace);
        all.map(|(key, grant)| (key.1.as_str(), grant))
    }

    /// Whether the principal could run Spark on this pool at this time; a role assignment takes effect after some time (DOC:
    /// minutes).
    pub(crate) fn may_run_spark(&self, principal: &str, pool: &str, at: Timestamp, propagation: Duration) -> bool {
        let workspace = pool.rsplitn(3, '/').last().unwrap_or_default();
        let scope = format!("workspaces/{}/bigDataPools/{}", id::name(workspace), id::name(pool));
        self.grants(workspace).any(|(_, grant)| {
            MAY_RUN_SPARK.contains(&grant.role.id.as_str())
                && grant.covers(principal, &scope)
                && grant.granted.is_none_or(|granted| later(granted, propagation) <= at)
        })
    }

    /// A role assignment of a seed.
    pub(super) fn add_grant(&mut self, given: RoleAssignment) -> Result<(), String> {
        let workspace = id::name(&given.workspace).to_owned();
        let role = Role::find(&given.role_id).ok_or_else(|| format!("{:?} is no role of Synapse", given.role_id))?;
        let scope = given.scope.unwrap_or_else(|| format!("workspaces/{workspace}"));
        if !role.is_assignable(&workspace, &scope) {
            return Err(format!("{} can't be assigned at the scope {scope:?} of the workspace {workspace:?}", role.name));
        }
        let guid = given.id.unwrap_or_else(|| self.guid().to_string());
        let grant = Grant {
            role,
            principal: given.principal_id,
            principal_type: given.principal_type.unwrap_or_else(|| "ServicePrincipal".into()),
            scope,
            workspace: given.workspace,
            granted: None,
        };
        self.grants.insert((id::fold(&grant.workspace), id::fold(&guid)), grant);
        Ok(())
    }

    /// The role assignments, as in a seed.
    pub(super) fn role_assignments(&self) -> Vec<RoleAssignment> {
        let of = |((_, guid), grant): (&(String, String), &Grant)| RoleAssignment {
            workspace: grant.workspace.clone(),
            id: Some(guid.clone()),
            role_id: grant.role.id.clone(),
            principal_id: grant.principal.clone(),
            principal_type: Some(grant.principal_type.clone()),
            scope: Some(grant.scope.clone()),
        };
        self.grants.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_assignable_where_it_was_recorded() {
        for (role, scope, expected) in [
            ("Synapse Administrator", "workspaces/ws/bigDataPools/pool", true),
            ("Synapse Administrator", "workspaces/WS", true),
            ("Synapse Administrator", "workspaces/other", false),
            ("Synapse Administrator", "workspaces/ws/bigDataPools", false),
            ("Synapse Administrator", "workspaces/ws/bigDataPools/", false),
            ("Apache Spark Administrator", "workspaces/ws/bigDataPools/pool", false),
            ("Apache Spark Administrator", "workspaces/ws", true),
            ("Synapse Administrator", "", false),
        ] {
            assert_eq!(Role::find(role).expect(role).is_assignable("ws", scope), expected, "{role} {scope}");
        }
        assert!(MAY_RUN_SPARK.iter().all(|r| Role::find(r).is_some()));
    }
}
