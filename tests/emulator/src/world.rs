//! The resources in Azure, and how they change.
//!
//! A pure state machine: the time is an argument of every step, and operations end at
//! the first access to the world after they are due.

mod access;
mod add;
mod attach;
pub(crate) mod blob;
mod cluster;
mod computes;
mod identity;
pub(crate) mod job;
mod link;
mod operation;
pub(crate) mod plan;
mod pool;
mod read;
mod role;
pub(crate) mod seed;
mod storage;
pub(crate) mod studio;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

pub(crate) use access::Assignment;
pub(crate) use attach::{Started, Wanted};
use blob::Blobs;
use computes::Computes;
pub(crate) use job::Job;
pub(crate) use link::LINK_TYPE;
use operation::{OPERATION_MEMORY, busy};
pub(crate) use operation::{Operation, Progress, Verb};
pub(crate) use pool::{POOL_TYPE, SYNAPSE_TYPE};
use read::Stale;
pub(crate) use role::{ADMINISTRATOR, Grant, Role};

pub(crate) use storage::{DATASTORE_TYPE, ENDPOINT_TYPE, FIREWALL_TYPE, STORAGE_TYPE};

use crate::id;
use seed::{
    AzureRole, Datastore, FirewallRule, Group, Identity, Issuer, LinkedService, ManagedPrivateEndpoint, ManagementGroup, Policy,
    Pool, Principal, StorageAccount, Subscription, SynapseWorkspace, Workspace,
};
use studio::Studio;

/// A compute: the body of its GET, and its running operation.
#[derive(Debug)]
pub(crate) struct Compute {
    pub(crate) body: Value,
    /// The order of LIST.
    pub(crate) created: u64,
    pub(crate) operation: Option<Uuid>,
    /// The tags that show when the operation ends, if they don't show yet.
    hidden_tags: Option<Value>,
}

/// An access token that was issued.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) tenant: String,
    pub(crate) client: String,
    pub(crate) object: String,
    pub(crate) audience: String,
    pub(crate) expires: Timestamp,
}

/// All resources. The keys of the maps are folded IDs.
#[derive(Debug, Default)]
// Many fields: one per kind of state in Azure.
pub(crate) struct World {
    salt: Uuid,
    counter: u64,
    pub(crate) issuers: BTreeMap<String, Issuer>,
    pub(crate) principals: Vec<Principal>,
    pub(crate) subscriptions: BTreeMap<String, Subscription>,
    pub(crate) groups: BTreeMap<String, String>,
    pub(crate) workspaces: BTreeMap<String, Workspace>,
    pub(crate) synapse: BTreeMap<String, SynapseWorkspace>,
    pub(crate) pools: BTreeMap<String, Pool>,
    pub(crate) identities: BTreeMap<String, Identity>,
    pub(crate) computes: Computes,
    pub(crate) links: BTreeMap<String, LinkedService>,
    policies: BTreeMap<String, Policy>,
    pub(crate) storage: BTreeMap<String, StorageAccount>,
    pub(crate) datastores: BTreeMap<String, Datastore>,
    pub(crate) firewall_rules: BTreeMap<String, FirewallRule>,
    pub(crate) private_endpoints: BTreeMap<String, ManagedPrivateEndpoint>,
    management_groups: BTreeMap<String, ManagementGroup>,
    groups_of_entra: BTreeMap<String, Group>,
    custom_roles: BTreeMap<String, AzureRole>,
    assignments: BTreeMap<String, Assignment>,
    pub(crate) jobs: BTreeMap<String, Job>,
    /// Versions of components, codes and environments.
    pub(crate) assets: BTreeMap<String, Value>,
    /// What SDK v1 saved in each Machine Learning workspace.
    pub(crate) studios: BTreeMap<String, Studio>,
    pub(crate) blobs: Blobs,
    /// By workspace and GUID.
    pub(crate) grants: BTreeMap<(String, String), Grant>,
    pub(crate) operations: HashMap<Uuid, Operation>,
    due: BTreeSet<(Timestamp, Uuid)>,
    jobs_due: BTreeSet<(Timestamp, String)>,
    ended: VecDeque<(Timestamp, Uuid)>,
    stale: Stale,
    /// Detached computes, and until when their system-assigned identities still exist.
    deleted_identities: BTreeMap<String, Timestamp>,
    /// The principals of system-assigned identities, and when they were created.
    system_principals: BTreeMap<String, Timestamp>,
    tokens: HashMap<String, Token>,
}

impl World {
    /// An empty world. The salt makes its GUIDs differ from those of another world.
    pub(crate) fn new(salt: Uuid) -> Self {
        Self { salt, ..Self::default() }
    }

    /// A new GUID, which is the same in the next run.
    pub(crate) fn guid(&mut self) -> Uuid {
        self.counter += 1;
        Uuid::new_v5(&self.salt, &self.counter.to_be_bytes())
    }

    /// Stores a token, and removes those that have expired.
    pub(crate) fn give(&mut self, now: Timestamp, text: String, token: Token) {
        let old = now.checked_sub(OPERATION_MEMORY).unwrap_or(Timestamp::MIN);
        self.tokens.retain(|_, t| t.expires > old);
        self.tokens.insert(text, token);
    }

    /// Revokes every token that was issued.
    pub(crate) fn revoke_tokens(&mut self) {
        self.tokens.clear();
    }

    pub(crate) fn token(&self, text: &str) -> Option<&Token> {
        self.tokens.get(text)
    }

    pub(crate) fn principal(&self, tenant: &str, client: &str) -> Option<&Principal> {
        self.principals.iter().find(|p| p.tenant_id.eq_ignore_ascii_case(tenant) && p.client_id.eq_ignore_ascii_case(client))
    }

    /// Whether anything in the world is of this tenant.
    pub(crate) fn has_tenant(&self, tenant: &str) -> bool {
        self.principals.iter().any(|p| p.tenant_id.eq_ignore_ascii_case(tenant))
            || self.subscriptions.values().any(|s| s.tenant_id.as_ref().is_some_and(|t| t.eq_ignore_ascii_case(tenant)))
    }

    /// The tenant of the subscription that this resource lies in.
    pub(crate) fn tenant_of(&self, resource: &str) -> Option<&str> {
        let subscription = self.subscriptions.get(&id::fold(id::subscription(resource)?))?;
        subscription.tenant_id.as_deref()
    }

    /// Removes this resource and everything below it, and returns how many resources were removed.
    pub(crate) fn remove(&mut self, resource: &str) -> usize {
        let scope = id::fold(resource);
        let before = self.len();
        self.subscriptions.retain(|key, _| !id::is_within(&format!("/subscriptions/{key}"), &scope));
        self.groups.retain(|key, _| !id::is_within(key, &scope));
        self.workspaces.retain(|key, _| !id::is_within(key, &scope));
        self.synapse.retain(|key, _| !id::is_within(key, &scope));
        self.pools.retain(|key, _| !id::is_within(key, &scope));
        self.identities.retain(|key, _| !id::is_within(key, &scope));
        self.computes.remove_if(|key| id::is_within(key, &scope));
        self.stale.forget(&scope);
        self.deleted_identities.retain(|key, _| !id::is_within(key, &scope));
        self.links.retain(|key, _| !id::is_within(key, &scope));
        self.jobs.retain(|key, _| !id::is_within(key, &scope));
        self.assets.retain(|key, _| !id::is_within(key, &scope));
        self.studios.retain(|key, _| !id::is_within(key, &scope));
        self.remove_blobs();
        self.grants.retain(|(key, guid), _| !id::is_within(&format!("{key}/roleassignments/{guid}"), &scope));
        self.remove_storage(&scope);
        self.remove_access(&scope);
        before - self.len()
    }

    fn len(&self) -> usize {
        self.subscriptions.len()
            + self.groups.len()
            + self.workspaces.len()
            + self.synapse.len()
            + self.pools.len()
            + self.identities.len()
            + self.computes.len()
            + self.deleted_identities.len()
            + self.links.len()
            + self.jobs.len()
            + self.assets.len()
            + self.grants.len()
            + self.storage.len()
            + self.datastores.len()
            + self.firewall_rules.len()
            + self.private_endpoints.len()
            + self.management_groups.len()
            + self.groups_of_entra.len()
            + self.custom_roles.len()
            + self.assignments.len()
    }
}

pub(crate) fn later(now: Timestamp, duration: Duration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// A time as the service writes it: seven fractional digits without trailing zeros, and `+00:00` (REAL).
pub(crate) fn timestamp(at: Timestamp) -> String {
    let ticks = format!("{:07}", at.subsec_nanosecond().max(0) / 100);
    let digits = ticks.strip_suffix('0').unwrap_or(&ticks);
    format!("{}.{digits}+00:00", at.strftime("%Y-%m-%dT%H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_seven_digits_or_six() {
        let at = |text: &str| timestamp(text.parse().expect("a time"));
        assert_eq!(at("2022-08-30T19:56:28.2261097Z"), "2022-08-30T19:56:28.2261097+00:00");
        assert_eq!(at("2022-08-30T19:56:59.264095Z"), "2022-08-30T19:56:59.264095+00:00");
        assert_eq!(at("2022-08-30T19:56:59Z"), "2022-08-30T19:56:59.000000+00:00");
    }

    #[test]
    fn guids_are_equal_for_the_same_salt() {
        let (mut one, mut same, mut other) = (World::new(Uuid::nil()), World::new(Uuid::nil()), World::new(Uuid::max()));
        let first = one.guid();
        assert_eq!(first, same.guid());
        assert_ne!(first, other.guid());
        assert_ne!(first, one.guid());
    }
}
