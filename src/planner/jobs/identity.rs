//! The compute, the identity that its jobs run as, and the role of that identity in Synapse.

use crate::planner::identity::{Identity, ObservedIdentity};
use crate::planner::jobs::commands;
use crate::planner::jobs::facts::{Facts, SynapseRole};
use crate::planner::jobs::outcome::{Fix, Outcome};
use crate::planner::roles::goal::{RoleAssignment, role_id};
use crate::resource_id::{IdentityId, PoolId};

/// The role that Microsoft's instructions name.
const ADMINISTRATOR: &str = "Synapse Administrator";
/// Other roles of Synapse whose actions include the use of a Spark pool, by name and GUID.
///
/// Source: <https://learn.microsoft.com/azure/synapse-analytics/security/synapse-workspace-synapse-rbac-roles>.
const OTHERS: [(&str, &str); 3] = [
    ("Synapse Contributor", "7572bffe-f453-4b66-912a-46cc5ef38fda"),
    ("Synapse Compute Operator", "e3844cc7-4670-42cb-9349-9bdac1ee7881"),
    ("Apache Spark Administrator", "c3a6d2f1-a26f-4810-9b0f-591308d5cbf1"),
];

fn reconcile() -> Fix {
    Fix::Advice("The operator writes it at its next reconcile; kubectl synapse reconcile requests one".to_owned())
}

/// The compute exists, and Azure is done with it.
pub(super) fn compute(facts: &Facts) -> Outcome {
    let status = || Fix::Advice("kubectl synapse status shows why".to_owned());
    match &facts.attached {
        Err(why) => why.into(),
        Ok(None) => Outcome::missing(format!("{} does not exist: the pool is not attached", facts.compute), status()),
        Ok(Some(shown)) if shown.state != "Succeeded" => {
            Outcome::missing(format!("{} has the state {}", facts.compute, shown.state), status())
        }
        Ok(Some(_)) => Outcome::ok(format!("{} is attached", facts.compute)),
    }
}

/// The compute has the identity that jobs run as, and that identity exists.
pub(super) fn identity(facts: &Facts) -> Outcome {
    if facts.identity == Identity::default() {
        let advice = Fix::Advice("Set spec.identity, or give each job the identity user_identity".to_owned());
        return Outcome::warning(
            "the attachment has no managed identity, so jobs run only as the user who submits them",
            Some(advice),
        );
    }
    let shown = match &facts.attached {
        Err(why) => return why.into(),
        Ok(compute) => compute.as_ref().map(|compute| &compute.identity),
    };
    match (facts.job_identity(), shown.map(|shown| &shown.principal_id)) {
        (Some(id), _) => user_assigned(facts, id, shown),
        (None, None) => Outcome::not_applicable("the attach creates the system-assigned identity"),
        (None, Some(Some(principal))) => {
            Outcome::ok(format!("jobs run as the system-assigned identity of the compute, principal {principal}"))
        }
        (None, Some(None)) => Outcome::missing("the compute has no system-assigned identity", reconcile()),
    }
}

fn user_assigned(facts: &Facts, id: &IdentityId, shown: Option<&ObservedIdentity>) -> Outcome {
    let own = match &facts.user_identity {
        Err(why) => return why.into(),
        Ok(None) => return Outcome::missing(format!("{id} does not exist"), commands::create_identity(id)),
        Ok(Some(own)) => own,
    };
    let Some(shown) = shown else { return Outcome::ok(format!("{id} exists, and the attach assigns it")) };
    match shown.user.iter().find(|one| one.id == *id).and_then(|one| one.principal_id.as_deref()) {
        None => Outcome::missing(format!("{id} is not assigned to the compute"), reconcile()),
        Some(principal) if !principal.eq_ignore_ascii_case(own) => Outcome::missing(
            format!("{id} was created again: its principal is {own}, and the compute still has the former one, {principal}"),
            reconcile(),
        ),
        Some(principal) => Outcome::ok(format!("jobs run as {id}, principal {principal}")),
    }
}

/// The identity has a role in Synapse that lets it use the pool.
pub(super) fn synapse_role(facts: &Facts) -> Outcome {
    let principal = match facts.principal() {
        Ok(principal) => principal,
        Err(outcome) => return outcome,
    };
    let (pool, roles) = match (&facts.pool, &facts.synapse_roles) {
        (Err(why), _) | (_, Err(why)) => return why.into(),
        (Ok(pool), Ok(roles)) => (pool, roles),
    };
    let administrator = role_id(ADMINISTRATOR).unwrap_or_default();
    let found = |role: &str, is_own: bool| {
        let fits = |one: &&SynapseRole| one.id.eq_ignore_ascii_case(role) && one.group.is_none() == is_own;
        roles.iter().filter(fits).find(|one| covers(one, pool))
    };
    if let Some(one) = found(&administrator, true) {
        return Outcome::ok(format!("principal {principal} is {ADMINISTRATOR} on {}", one.scope));
    }
    let scope = format!("workspaces/{}/bigDataPools/{}", pool.workspace_name(), pool.name());
    let wanted = RoleAssignment { role: administrator.clone(), principal: principal.to_owned(), scope };
    let fix = Fix::Command(wanted.create_command());
    if let Some((name, one)) = OTHERS.iter().find_map(|(name, role)| Some((name, found(role, true)?))) {
        let message = format!("principal {principal} is {name} on {}; Microsoft's instructions name {ADMINISTRATOR}", one.scope);
        return Outcome::warning(message, Some(fix));
    }
    let mut all = std::iter::once((ADMINISTRATOR, administrator.as_str())).chain(OTHERS);
    let none = format!("principal {principal} itself has no role on the pool {}", pool.name());
    match all.find_map(|(name, role)| Some((name, found(role, false)?))) {
        Some((name, SynapseRole { scope, group: Some(group), .. })) => Outcome::undecided(
            format!("{none}; the group {group} is {name} on {scope}, and whether it contains the principal is not evaluated"),
            fix,
        ),
        _ => Outcome::missing(format!("{none}, and no group has one that is enough"), fix),
    }
}

/// Whether the scope of a role contains the pool.
fn covers(role: &SynapseRole, pool: &PoolId) -> bool {
    let workspace = format!("workspaces/{}", pool.workspace_name());
    let own = format!("{workspace}/bigDataPools/{}", pool.name());
    role.scope.eq_ignore_ascii_case(&workspace) || role.scope.eq_ignore_ascii_case(&own)
}
