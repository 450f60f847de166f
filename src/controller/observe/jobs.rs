//! What the checks for Spark jobs rest on, as Azure shows it. A read that fails affects only the checks that need it.

mod accounts;
mod reads;
mod unreadable;

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::api::v1alpha1::AttachmentStatus;
use crate::azure::{self, Freshness, wire};
use crate::controller::observe::compute::compute;
use crate::controller::observe::dependencies;
use crate::planner::jobs::facts::{AttachedCompute, Endpoint, Facts, SynapseRole, SynapseWorkspace};
use crate::planner::jobs::read::{Read, Unreadable};
use crate::planner::{Attached, Finding, Goal};
use crate::resource_id::{PoolId, StorageAccountId, SynapseWorkspaceId, WorkspaceId};
use crate::spark_versions::day_of;
use accounts::Accounts;
pub use reads::Reads;
use unreadable::{absent, unreadable};

const COMPUTE: &str = "Microsoft.MachineLearningServices/workspaces/computes/read";
const LINKED_SERVICE: &str = "Microsoft.MachineLearningServices/workspaces/linkedServices/read";
const DATASTORE: &str = "Microsoft.MachineLearningServices/workspaces/datastores/read";
const WORKSPACE: &str = "Microsoft.MachineLearningServices/workspaces/read";
const IDENTITY: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/read";
const POOL: &str = "Microsoft.Synapse/workspaces/bigDataPools/read";
const SYNAPSE: &str = "Microsoft.Synapse/workspaces/read";
const FIREWALL: &str = "Microsoft.Synapse/workspaces/firewallRules/read";
const SYNAPSE_ROLE: &str = "a role in the Synapse workspace that contains Microsoft.Synapse/workspaces/read, as Synapse User";

/// What is known of an attachment before the rest is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The compute, if it exists.
    pub attached: Read<Option<AttachedCompute>>,
    /// The pool.
    pub pool: Read<PoolId>,
}

/// Reads all that the checks of an attachment rest on, as it is now.
pub async fn job_facts(azure: &azure::Client, goal: &Attached, now: Timestamp) -> Facts {
    let (attached, pool) = tokio::join!(attached(azure, goal), pool(azure, goal));
    Box::pin(job_facts_of(azure, goal, Known { attached, pool }, (Reads::NOW, now))).await
}

/// Reads the rest of what the checks of an attachment rest on.
pub async fn job_facts_of(azure: &azure::Client, goal: &Attached, known: Known, (reads, now): (Reads, Timestamp)) -> Facts {
    let workspace = goal.compute.workspace();
    let synapse = async {
        match &known.pool {
            Ok(pool) => synapse(azure, &pool.workspace(), reads).await,
            Err(why) => Err(why.clone()),
        }
    };
    let (user_identity, synapse) = tokio::join!(user_identity(azure, goal, reads), synapse);
    let mut facts = Facts {
        compute: goal.compute.clone(),
        spark_version: Ok(None),
        today: day_of(now),
        attached: known.attached,
        identity: goal.identity.clone(),
        user_identity,
        synapse_roles: Ok(Vec::new()),
        firewall: Ok(Vec::new()),
        endpoints: Ok(Vec::new()),
        datastore: Ok(None),
        primary: Ok(None),
        synapse: synapse.as_ref().map(|(shown, _)| shown.clone()).map_err(Clone::clone),
        pool: known.pool,
    };
    let principal = facts.principal().ok().map(ToOwned::to_owned);
    let (datastore, primary, ()) = tokio::join!(
        async { default_account(azure, workspace, reads).await.transpose() },
        async { synapse.and_then(|(_, primary)| primary).transpose() },
        of_pool(azure, &mut facts, principal.as_deref(), reads),
    );
    let principal = principal.and_then(|one| Uuid::try_parse(&one).ok());
    let mut accounts = Accounts { azure, reads, principal, read: BTreeMap::new() };
    facts.datastore = accounts.account(datastore).await;
    facts.primary = accounts.account(primary).await;
    facts
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
    let (error, is_refusal) = match &found.link {
        Some(Finding::Unknown(fault)) => (fault.error.to_string(), fault.kind.is_answer()),
        _ => ("the linked service leads to no pool".to_owned(), true),
    };
    found.resolve(&goal.pool).ok_or(Unreadable { permission: LINKED_SERVICE, error, is_refusal })
}

/// The principal of the user-assigned identity as which jobs run.
async fn user_identity(azure: &azure::Client, goal: &Attached, reads: Reads) -> Read<Option<String>> {
    let Some(id) = goal.identity.job_identity() else { return Ok(None) };
    let found = reads.answer(IDENTITY, azure.user_identity(id, reads.freshness)).await?;
    Ok(found.and_then(|found| found.properties.principal_id))
}

/// The Synapse workspace, and the storage account of its primary storage.
async fn synapse(
    azure: &azure::Client,
    id: &SynapseWorkspaceId,
    reads: Reads,
) -> Read<(SynapseWorkspace, Read<Option<StorageAccountId>>)> {
    let found = reads.answer(SYNAPSE, azure.synapse_workspace(id, reads.freshness)).await?;
    let found = found.ok_or_else(|| absent(SYNAPSE, id))?;
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
    Ok((workspace, primary.map_err(|error| Unreadable { permission: SYNAPSE, error: error.to_string(), is_refusal: true })))
}

/// Fills in what concerns the pool and its Synapse workspace.
async fn of_pool(azure: &azure::Client, facts: &mut Facts, principal: Option<&str>, reads: Reads) {
    let Ok(pool) = &facts.pool else { return };
    let (workspace, name) = (pool.workspace(), pool.workspace_name());
    let has_managed_network = facts.synapse.as_ref().is_ok_and(|synapse| synapse.has_managed_network);
    let freshness = reads.freshness;
    let endpoints = async {
        if !has_managed_network {
            return Ok(Vec::new());
        }
        reads.answer(SYNAPSE_ROLE, azure.managed_private_endpoints(name, freshness)).await
    };
    let roles = async {
        match principal {
            Some(principal) => {
                let all = reads.answer(SYNAPSE_ROLE, azure.synapse_roles(name, freshness)).await?;
                Ok(all.iter().filter_map(|one| synapse_role(one, principal)).collect())
            }
            None => Ok(Vec::new()),
        }
    };
    let (found, firewall, endpoints, roles) = tokio::join!(
        reads.answer(POOL, azure.pool(pool, freshness)),
        reads.answer(FIREWALL, azure.firewall_rules(&workspace, freshness)),
        endpoints,
        roles
    );
    facts.spark_version = found.map(|pool| pool.and_then(|pool| pool.properties.spark_version));
    facts.firewall = firewall
        .map(|rules| rules.into_iter().map(|rule| (rule.properties.start_ip_address, rule.properties.end_ip_address)).collect());
    facts.endpoints = endpoints.map(|all| all.into_iter().map(endpoint).collect());
    facts.synapse_roles = roles;
}

/// A role that the principal has itself, or by a group whose members are not known.
fn synapse_role(one: &wire::RoleAssignment, principal: &str) -> Option<SynapseRole> {
    let is_own = one.principal_id.eq_ignore_ascii_case(principal);
    let is_of_group = one.principal_type.eq_ignore_ascii_case("Group");
    let group = (!is_own).then(|| one.principal_id.clone());
    (is_own || is_of_group).then(|| SynapseRole { id: one.role_definition_id.clone(), scope: one.scope.clone(), group })
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
async fn default_account(azure: &azure::Client, workspace: &WorkspaceId, reads: Reads) -> Read<Option<StorageAccountId>> {
    let found = reads.answer(DATASTORE, azure.default_datastore(workspace, reads.freshness)).await?;
    let Some(shown) = found.map(|found| found.properties) else { return Ok(None) };
    let Some(name) = shown.account_name.filter(|name| !name.is_empty()) else { return Ok(None) };
    if let (Some(subscription), Some(group)) = (&shown.subscription_id, &shown.resource_group)
        && let Ok(id) = StorageAccountId::new(subscription, group, &name)
    {
        return Ok(Some(id));
    }
    let own = reads.answer(WORKSPACE, azure.workspace_storage(workspace, reads.freshness)).await?.unwrap_or_default();
    let own = StorageAccountId::parse(&own).ok().filter(|own| own.name().eq_ignore_ascii_case(&name));
    let error = format!("Azure does not show the resource group of the storage account {name}");
    own.map(Some).ok_or(Unreadable { permission: DATASTORE, error, is_refusal: true })
}
