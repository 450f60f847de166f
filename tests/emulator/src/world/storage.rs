//! Storage accounts, datastores, and what controls the network of a Synapse workspace.

use super::World;
use super::add::checked;
use super::seed::{
    CredentialsType, Datastore, DatastoreType, FirewallRule, LOCATION, ManagedPrivateEndpoint, StorageAccount, Workspace,
};
use crate::id;

/// ARM's type name of a storage account.
pub(crate) const STORAGE_TYPE: &str = "Microsoft.Storage/storageAccounts";

/// ARM's type name of a datastore.
pub(crate) const DATASTORE_TYPE: &str = "Microsoft.MachineLearningServices/workspaces/datastores";

/// ARM's type name of a rule of the firewall of a Synapse workspace.
pub(crate) const FIREWALL_TYPE: &str = "Microsoft.Synapse/workspaces/firewallRules";

/// ARM's type name of a managed private endpoint.
pub(crate) const ENDPOINT_TYPE: &str = "Microsoft.Synapse/workspaces/managedVirtualNetworks/managedPrivateEndpoints";

impl World {
    /// The datastores of a workspace, given by its folded ID, in the order of their names (NF).
    pub(crate) fn datastores_of<'a>(&'a self, workspace: &str) -> impl Iterator<Item = &'a Datastore> + use<'a> {
        let prefix = format!("{workspace}/datastores/");
        self.datastores.range(prefix.clone()..).take_while(move |(key, _)| key.starts_with(&prefix)).map(|(_, one)| one)
    }

    pub(super) fn add_storage_account(&mut self, account: StorageAccount) -> Result<(), String> {
        checked(&account.id, STORAGE_TYPE)?;
        self.add_parents(&account.id)?;
        self.storage.insert(id::fold(&account.id), account);
        Ok(())
    }

    pub(super) fn add_firewall_rule(&mut self, rule: FirewallRule) -> Result<(), String> {
        checked(&rule.id, FIREWALL_TYPE)?;
        self.add_parents(&rule.id)?;
        self.add_synapse(rule.id.rsplitn(3, '/').last().unwrap_or_default());
        self.firewall_rules.insert(id::fold(&rule.id), rule);
        Ok(())
    }

    pub(super) fn add_private_endpoint(&mut self, one: ManagedPrivateEndpoint) -> Result<(), String> {
        checked(&one.id, ENDPOINT_TYPE)?;
        self.add_parents(&one.id)?;
        self.add_synapse(one.id.rsplitn(5, '/').last().unwrap_or_default());
        self.private_endpoints.insert(id::fold(&one.id), one);
        Ok(())
    }

    pub(super) fn add_datastore(&mut self, one: Datastore) -> Result<(), String> {
        checked(&one.id, DATASTORE_TYPE)?;
        checked(&one.storage_account, STORAGE_TYPE)?;
        self.add_parents(&one.id)?;
        let workspace = one.id.rsplitn(3, '/').last().unwrap_or_default();
        self.add_workspace(workspace, LOCATION);
        if one.is_default {
            // A workspace has one default datastore (DOC).
            let prefix = format!("{}/datastores/", id::fold(workspace));
            self.datastores
                .iter_mut()
                .filter(|(key, _)| key.starts_with(&prefix))
                .for_each(|(_, other)| other.is_default = false);
        }
        self.datastores.insert(id::fold(&one.id), one);
        Ok(())
    }

    /// The datastores with which Azure creates a workspace (DOC: their names and containers).
    pub(super) fn add_system_datastores(&mut self, workspace: &Workspace) -> Result<(), String> {
        let Some(account) = &workspace.storage_account else {
            return Ok(());
        };
        checked(account, STORAGE_TYPE)?;
        let guid = id::guid("workspace", &workspace.id);
        let credentials = match workspace.system_datastores_auth_mode.as_str() {
            "identity" => CredentialsType::None,
            _ => CredentialsType::AccountKey,
        };
        for (name, kind, container) in [
            ("workspaceblobstore", DatastoreType::AzureBlob, format!("azureml-blobstore-{guid}")),
            ("workspaceartifactstore", DatastoreType::AzureBlob, "azureml".into()),
            ("workspacefilestore", DatastoreType::AzureFile, format!("azureml-filestore-{guid}")),
            ("workspaceworkingdirectory", DatastoreType::AzureFile, format!("code-{guid}")),
        ] {
            let one = Datastore {
                id: format!("{}/datastores/{name}", workspace.id),
                is_default: name == "workspaceblobstore",
                kind,
                storage_account: account.clone(),
                container,
                credentials_type: credentials,
            };
            self.add_datastore(one)?;
        }
        Ok(())
    }

    /// Removes what of this is within a folded ID.
    pub(super) fn remove_storage(&mut self, scope: &str) {
        self.storage.retain(|key, _| !id::is_within(key, scope));
        self.datastores.retain(|key, _| !id::is_within(key, scope));
        self.firewall_rules.retain(|key, _| !id::is_within(key, scope));
        self.private_endpoints.retain(|key, _| !id::is_within(key, scope));
    }
}
