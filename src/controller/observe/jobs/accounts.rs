//! The storage accounts that jobs use, and the roles of the principal on them.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use uuid::Uuid;

use super::reads::Reads;
use super::unreadable::absent;
use crate::azure::{self, Freshness, wire};
use crate::planner::backoff::JOB_CHECKS_TTL;
use crate::planner::jobs::facts::{Account, AccountNetwork, Assignment};
use crate::planner::jobs::read::{Read, Unreadable};
use crate::planner::jobs::rights::{Permission, Role};
use crate::resource_id::StorageAccountId;

const STORAGE: &str = "Microsoft.Storage/storageAccounts/read";
const ASSIGNMENTS: &str = "Microsoft.Authorization/roleAssignments/read";
const DEFINITIONS: &str = "Microsoft.Authorization/roleDefinitions/read";

/// The storage accounts that were read: both may be the same.
pub(super) struct Accounts<'a> {
    pub(super) azure: &'a azure::Client,
    pub(super) reads: Reads,
    pub(super) principal: Option<Uuid>,
    pub(super) read: BTreeMap<StorageAccountId, Account>,
}

impl Accounts<'_> {
    pub(super) async fn account(&mut self, id: Option<Read<StorageAccountId>>) -> Read<Option<Account>> {
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
        let found = self.reads.answer(STORAGE, self.azure.storage_account(id, self.reads.freshness)).await?;
        let is = |text: &Option<String>, value: &str| text.as_ref().is_none_or(|text| text.eq_ignore_ascii_case(value));
        Ok(found.map(|found| found.properties).map(|shown| AccountNetwork {
            is_open: is(&shown.public_network_access, "Enabled") && is(&shown.network_acls.default_action, "Allow"),
            is_hierarchical: shown.is_hns_enabled,
        }))
    }

    async fn roles(&self, scope: &StorageAccountId) -> Read<Vec<Assignment>> {
        let Some(principal) = self.principal else { return Ok(Vec::new()) };
        let found = self.azure.azure_role_assignments(scope, principal, self.reads.freshness);
        let found = self.reads.answer(ASSIGNMENTS, found).await?;
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
        let guid = guid.ok_or_else(|| Unreadable {
            permission: DEFINITIONS,
            error: format!("{id:?} is not the ID of a role"),
            is_refusal: true,
        })?;
        // What a role permits changes seldom, also where a user requests the current state.
        let found = self.azure.role_definition(scope, guid, Freshness::Within(JOB_CHECKS_TTL));
        let found = self.reads.answer(DEFINITIONS, found).await?;
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
