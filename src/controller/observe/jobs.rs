//! What the checks for Spark jobs rest on, as Azure shows it. A read that fails affects only the checks that need it.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use jiff::Timestamp;
use uuid::Uuid;

use crate::api::v1alpha1::AttachmentStatus;
use crate::azure::{self, Error, Freshness, wire};
use crate::controller::observe::compute::compute;
use crate::controller::observe::dependencies;
use crate::planner::jobs::facts::{
    Account, AccountNetwork, Assignment, AttachedCompute, Endpoint, Facts, SynapseRole, SynapseWorkspace,
};
use crate::planner::jobs::read::{Read, Unreadable};
use crate::planner::jobs::rights::{Permission, Role};
use crate::planner::{Attached, Finding, Goal};
use crate::resource_id::{PoolId, StorageAccountId, SynapseWorkspaceId, WorkspaceId};
use crate::spark_versions::day_of;

const COMPUTE: &str = "Microsoft.MachineLearningServices/workspaces/computes/read";
const LINKED_SERVICE: &str = "Microsoft.MachineLearningServices/workspaces/linkedServices/read";
const DATASTORE: &str = "Microsoft.MachineLearningServices/workspaces/datastores/read";
const WORKSPACE: &str = "Microsoft.MachineLearningServices/workspaces/read";
const IDENTITY: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/read";
const POOL: &str = "Microsoft.Synapse/workspaces/bigDataPools/read";
const SYNAPSE: &str = "Microsoft.Synapse/workspaces/read";
const FIREWALL: &str = "Microsoft.Synapse/workspaces/firewallRules/read";
const SYNAPSE_ROLE: &str = "a role in the Synapse workspace that contains Microsoft.Synapse/workspaces/read, as Synapse User";
const STORAGE: &str = "Microsoft.Storage/storageAccounts/read";
const ASSIGNMENTS: &str = "Microsoft.Authorization/roleAssignments/read";
const DEFINITIONS: &str = "Microsoft.Authorization/roleDefinitions/read";

/// Reads all that the checks of an attachment rest on.
pub async fn job_facts(azure: &azure::Client, goal: &Attached, now: Timestamp) -> Facts {
    let workspace = goal.compute.workspace();
    let (attached, pool, user_identity) = tokio::join!(attached(azure, goal), pool(azure, goal), user_identity(azure, goal));
    let synapse = match &pool {
        Ok(pool) => synapse(azure, &pool.workspace()).await,
        Err(why) => Err(why.clone()),
    };
    let mut facts = Facts {
        compute: goal.compute.clone(),
        spark_version: Ok(None),
        today: day_of(now),
        attached,
        identity: goal.identity.clone(),
        user_identity,
        synapse_roles: Ok(Vec::new()),
        firewall: Ok(Vec::new()),
        endpoints: Ok(Vec::new()),
        datastore: Ok(None),
        primary: Ok(None),
        synapse: synapse.as_ref().map(|(shown, _)| shown.clone()).map_err(Clone::clone),
        pool,
    };
    let principal = facts.principal().ok().map(ToOwned::to_owned);
    let (datastore, primary, ()) = tokio::join!(
        async { default_account(azure, workspace).await.transpose() },
        async { synapse.and_then(|(_, primary)| primary).transpose() },
        of_pool(azure, &mut facts, principal.as_deref()),
    );
    let mut accounts = Accounts { azure, principal: principal.and_then(|one| Uuid::try_parse(&one).ok()), read: BTreeMap::new() };
    facts.datastore = accounts.account(datastore).await;
    facts.primary = accounts.account(primary).await;
    facts
}

fn unreadable(permission: &'static str) -> impl Fn(Error) -> Unreadable {
    move |error| Unreadable { permission, error: error.to_string() }
}

/// What is not there, although something else names it.
fn absent(permission: &'static str, what: &dyn std::fmt::Display) -> Unreadable {
    Unreadable { permission, error: format!("{what} does not exist") }
}

async fn attached(azure: &azure::Client, goal: &Attached) -> Read<Option<AttachedCompute>> {
    let found = azure.compute(&goal.compute, Freshness::Now).await.map_err(unreadable(COMPUTE))?;
    Ok(found.map(|found| {
        let compute = compute(&found, &goal.owner, &AttachmentStatus::default());
        AttachedCompute { state: compute.details.state, identity: compute.identity }
    }))
}

async fn pool(azure: &azure::Client, goal: &Attached) -> Read<PoolId> {
    let whole = Goal::Attached(goal.clone());
    let found = dependencies::link(azure, &whole, &AttachmentStatus::default(), Freshness::Now).await;
    let error = match &found.link {
        Some(Finding::Unknown(fault)) => fault.error.to_string(),
        _ => "the linked service leads to no pool".to_owned(),
    };
    found.resolve(&goal.pool).ok_or(Unreadable { permission: LINKED_SERVICE, error })
}

/// The principal of the user-assigned identity as which jobs run.
async fn user_identity(azure: &azure::Client, goal: &Attached) -> Read<Option<String>> {
    let Some(id) = goal.identity.job_identity() else { return Ok(None) };
    let found = azure.user_identity(id, Freshness::Now).await.map_err(unreadable(IDENTITY))?;
    Ok(found.and_then(|found| found.properties.principal_id))
}

/// The Synapse workspace, and the storage account of its primary storage.
async fn synapse(azure: &azure::Client, id: &SynapseWorkspaceId) -> Read<(SynapseWorkspace, Read<Option<StorageAccountId>>)> {
    let found = azure.synapse_workspace(id).await.map_err(unreadable(SYNAPSE))?.ok_or_else(|| absent(SYNAPSE, id))?;
    let shown = found.properties;
    let is = |text: &Option<String>, value: &str| text.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(value));
    let primary = shown.default_data_lake_storage.resource_id.filter(|id| !id.is_empty());
    let primary = primary.map(|text| StorageAccountId::parse(&text)).transpose();
    let workspace = SynapseWorkspace {
        id: id.clone(),
        has_managed_network: shown.managed_virtual_network.is_some_and(|name| !name.is_empty()),
        prevents_exfiltration: shown.managed_virtual_network_settings.prevent_data_exfiltration,
        is_public: !is(&shown.public_network_access, "Disabled"),
    };
    Ok((workspace, primary.map_err(|error| Unreadable { permission: SYNAPSE, error: error.to_string() })))
}

/// Fills in what concerns the pool and its Synapse workspace.
async fn of_pool(azure: &azure::Client, facts: &mut Facts, principal: Option<&str>) {
    let Ok(pool) = &facts.pool else { return };
    let (workspace, name) = (pool.workspace(), pool.workspace_name());
    let has_managed_network = facts.synapse.as_ref().is_ok_and(|synapse| synapse.has_managed_network);
    let endpoints = async { if has_managed_network { azure.managed_private_endpoints(name).await } else { Ok(Vec::new()) } };
    let roles = async {
        match principal {
            Some(principal) => azure.synapse_roles(name, principal).await,
            None => Ok(Vec::new()),
        }
    };
    let (found, firewall, endpoints, roles) =
        tokio::join!(azure.pool(pool, Freshness::Now), azure.firewall_rules(&workspace), endpoints, roles);
    facts.spark_version = found.map_err(unreadable(POOL)).map(|pool| pool.and_then(|pool| pool.properties.spark_version));
    facts.firewall = firewall
        .map_err(unreadable(FIREWALL))
        .map(|rules| rules.into_iter().map(|rule| (rule.properties.start_ip_address, rule.properties.end_ip_address)).collect());
    facts.endpoints = endpoints.map_err(unreadable(SYNAPSE_ROLE)).map(|all| all.into_iter().map(endpoint).collect());
    facts.synapse_roles = roles
        .map_err(unreadable(SYNAPSE_ROLE))
        .map(|all| all.into_iter().map(|one| SynapseRole { id: one.role_definition_id, scope: one.scope }).collect());
}

fn endpoint(one: wire::ManagedPrivateEndpoint) -> Endpoint {
    let shown = one.properties;
    Endpoint {
        name: one.name,
        target: shown.private_link_resource_id,
        group: shown.group_id,
        status: shown.connection_state.status.unwrap_or_default(),
    }
}

/// The storage account of the default datastore. A datastore without the account's resource group is in the storage account of
/// the workspace, if the name is that of the account.
async fn default_account(azure: &azure::Client, workspace: &WorkspaceId) -> Read<Option<StorageAccountId>> {
    let found = azure.default_datastore(workspace).await.map_err(unreadable(DATASTORE))?;
    let Some(shown) = found.map(|found| found.properties) else { return Ok(None) };
    let Some(name) = shown.account_name.filter(|name| !name.is_empty()) else { return Ok(None) };
    if let (Some(subscription), Some(group)) = (&shown.subscription_id, &shown.resource_group)
        && let Ok(id) = StorageAccountId::new(subscription, group, &name)
    {
        return Ok(Some(id));
    }
    let own = azure.workspace_storage(workspace).await.map_err(unreadable(WORKSPACE))?.unwrap_or_default();
    let own = StorageAccountId::parse(&own).ok().filter(|own| own.name().eq_ignore_ascii_case(&name));
    let error = format!("Azure does not show the resource group of the storage account {name}");
    own.map(Some).ok_or(Unreadable { permission: DATASTORE, error })
}

/// The storage accounts that were read: both may be the same.
struct Accounts<'a> {
    azure: &'a azure::Client,
    principal: Option<Uuid>,
    read: BTreeMap<StorageAccountId, Account>,
}

impl Accounts<'_> {
    async fn account(&mut self, id: Option<Read<StorageAccountId>>) -> Read<Option<Account>> {
        let Some(id) = id.transpose()? else { return Ok(None) };
        if let Some(account) = self.read.get(&id) {
            return Ok(Some(account.clone()));
        }
        let (network, roles) = tokio::join!(self.network(&id), self.roles(&id));
        let account = Account { id: id.clone(), network, roles };
        self.read.insert(id, account.clone());
        Ok(Some(account))
    }

    async fn network(&self, id: &StorageAccountId) -> Read<Option<AccountNetwork>> {
        let found = self.azure.storage_account(id).await.map_err(unreadable(STORAGE))?;
        let is = |text: &Option<String>, value: &str| text.as_ref().is_none_or(|text| text.eq_ignore_ascii_case(value));
        Ok(found.map(|found| found.properties).map(|shown| AccountNetwork {
            is_open: is(&shown.public_network_access, "Enabled") && is(&shown.network_acls.default_action, "Allow"),
            is_hierarchical: shown.is_hns_enabled,
        }))
    }

    async fn roles(&self, scope: &StorageAccountId) -> Read<Vec<Assignment>> {
        let Some(principal) = self.principal else { return Ok(Vec::new()) };
        let found = self.azure.azure_role_assignments(scope, principal).await.map_err(unreadable(ASSIGNMENTS))?;
        let ids: BTreeSet<_> = found.iter().map(|one| one.properties.role_definition_id.clone()).collect();
        let roles = join_all(ids.into_iter().map(|id| async move { (id.clone(), self.role(scope, &id).await) })).await;
        let roles: BTreeMap<_, _> = roles.into_iter().collect();
        let assignment = |one: wire::AzureRoleAssignment| Assignment {
            role: roles[&one.properties.role_definition_id].clone(),
            scope: one.properties.scope,
            is_conditional: one.properties.condition.is_some_and(|condition| !condition.is_empty()),
        };
        Ok(found.into_iter().map(assignment).collect())
    }

    async fn role(&self, scope: &StorageAccountId, id: &str) -> Read<Role> {
        let guid = id.rsplit('/').next().and_then(|guid| Uuid::try_parse(guid).ok());
        let guid =
            guid.ok_or_else(|| Unreadable { permission: DEFINITIONS, error: format!("{id:?} is not the ID of a role") })?;
        let found = self.azure.role_definition(scope, guid).await.map_err(unreadable(DEFINITIONS))?;
        let shown = found.ok_or_else(|| absent(DEFINITIONS, &id))?.properties;
        let permission = |one: wire::RolePermission| Permission {
            actions: one.actions,
            not_actions: one.not_actions,
            data_actions: one.data_actions,
            not_data_actions: one.not_data_actions,
        };
        Ok(Role { name: shown.role_name, permissions: shown.permissions.into_iter().map(permission).collect() })
    }
}
