//! Whether a Spark job reaches its storage, and may read and write there.

use serde_json::Value;

use crate::action;
use crate::fault::Failure;
use crate::id;
use crate::world::blob::Store;
use crate::world::plan::Work;
use crate::world::seed::{StorageAccount, SynapseWorkspace};
use crate::world::{Assignment, World};

/// What a job does with blobs (INF; DOC: its identity needs Storage Blob Data Contributor).
const NEEDED: [&str; 2] = [
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
];

/// A container of a storage account, which is given by its ID.
struct Place {
    account: String,
    container: String,
}

impl World {
    /// Whether a job can use its storage: the datastores of its inputs and outputs, the default datastore, where its code is,
    /// and the primary storage of the Synapse workspace. The order of the checks is INF.
    pub(super) fn may_use_storage(
        &self,
        work: &Work,
        parent: &Value,
        synapse: &str,
        principal: Option<&str>,
    ) -> Result<(), Failure> {
        let Some(synapse) = self.synapse.get(&id::fold(synapse)) else {
            return Ok(());
        };
        if synapse.prevent_data_exfiltration {
            // That it is not supported is DOC; that a job fails, and this text, is INF.
            return failed(format!(
                "Azure Machine Learning does not support the Synapse workspace '{}', which has data exfiltration protection.",
                id::name(&synapse.id)
            ));
        }
        for place in self.places(work, parent, synapse)? {
            let Some(account) = self.storage.get(&id::fold(&place.account)) else {
                return failed(format!("The storage account '{}' was not found.", id::name(&place.account)));
            };
            if !self.reaches(synapse, account) {
                return Err(denied("AuthorizationFailure", "", account, &place.container));
            }
            let scope = format!("{}/blobServices/default/containers/{}", account.id, place.container);
            if principal.is_some_and(|principal| !self.may_use_data(principal, &scope, &NEEDED)) {
                return Err(denied("AuthorizationPermissionMismatch", " using this permission", account, &place.container));
            }
        }
        Ok(())
    }

    /// The containers that a job uses. A workspace whose seed has no datastore has none.
    fn places(&self, work: &Work, parent: &Value, synapse: &SynapseWorkspace) -> Result<Vec<Place>, Failure> {
        let workspace = work.compute.split("/computes/").next().unwrap_or_default();
        let mut found = Vec::new();
        if self.datastores_of(workspace).next().is_some() {
            found.extend(self.code_uri(work).and_then(|uri| self.place_at(uri)));
            let default = self.datastores_of(workspace).find(|one| one.is_default);
            found.extend(default.map(|one| Place { account: one.storage_account.clone(), container: one.container.clone() }));
            let mut uris = Vec::new();
            for ports in ["inputs", "outputs"] {
                texts(&work.properties[ports], &mut uris);
            }
            if uris.iter().any(|text| text.contains("${{parent.")) {
                for ports in ["inputs", "outputs"] {
                    texts(&parent[ports], &mut uris);
                }
            }
            for uri in uris {
                found.extend(self.place_of_datastore(workspace, uri)?.or_else(|| self.place_at(uri)));
            }
        }
        let lake = synapse.default_data_lake_storage.as_ref();
        found.extend(lake.map(|lake| Place { account: lake.resource_id.clone(), container: lake.filesystem.clone() }));
        Ok(found)
    }

    /// Where the code of a job is, if it or its component names a version of a code with an address.
    fn code_uri(&self, work: &Work) -> Option<&str> {
        let component = work.properties["componentId"].as_str().and_then(|component| self.assets.get(&id::fold(component)));
        let of_component = || component?["properties"]["componentSpec"]["code"].as_str();
        let code = work.properties["codeId"].as_str().or_else(of_component)?;
        let asset = self.assets.get(&id::fold(code.trim_start_matches("azureml:")))?;
        asset["properties"]["codeUri"].as_str()
    }

    /// Whether the file that a job starts was uploaded, if its code version is in a container for uploads. How a job without it
    /// fails is INF.
    pub(super) fn has_code(&self, work: &Work) -> Result<(), Failure> {
        let Some((_, uri)) = self.code_uri(work).and_then(|uri| uri.split_once("://")) else { return Ok(()) };
        let mut parts = uri.splitn(3, '/');
        let [host, container, folder] = std::array::from_fn(|_| parts.next().unwrap_or_default());
        let account = host.split('.').next().unwrap_or_default();
        let file = work.properties["entry"]["file"].as_str().unwrap_or_default();
        let blob = format!("{folder}/{file}").trim_start_matches('/').to_owned();
        let is_upload = |store: Store| store.account == account && container.starts_with(&store.upload(""));
        if !self.workspaces.values().map(Store::of).any(is_upload)
            || self.blobs.contains_key(&(account.to_owned(), container.to_owned(), blob))
        {
            return Ok(());
        }
        failed(format!("The file '{file}' was not found in the code of the job."))
    }

    /// The container of `azureml://datastores/NAME/paths/…`, or of the long form with a workspace.
    fn place_of_datastore(&self, workspace: &str, uri: &str) -> Result<Option<Place>, Failure> {
        let Some(path) = uri.strip_prefix("azureml://").filter(|path| path.contains("datastores/")) else {
            return Ok(None);
        };
        let name = id::part(path, "datastores").unwrap_or_default();
        let of = id::part(path, "workspaces").map_or_else(
            || workspace.to_owned(),
            |other| {
                let group = id::resource_group(path).unwrap_or_default();
                id::fold(&format!("{group}/providers/Microsoft.MachineLearningServices/workspaces/{other}"))
            },
        );
        match self.datastores.get(&format!("{of}/datastores/{}", id::fold(name))) {
            Some(one) => Ok(Some(Place { account: one.storage_account.clone(), container: one.container.clone() })),
            None => failed(format!("The datastore '{name}' was not found in the workspace '{}'.", id::name(&of))),
        }
    }

    /// The container of `abfss://CONTAINER@ACCOUNT.…`, or of `https://ACCOUNT.…/CONTAINER/…`, if the world has the account.
    fn place_at(&self, uri: &str) -> Option<Place> {
        let (_, rest) = uri.split_once("://")?;
        let (container, host) = match rest.split_once('@') {
            Some(both) => both,
            None => rest.split_once('/').map(|(host, path)| (path.split('/').next().unwrap_or_default(), host))?,
        };
        let (name, service) = host.split_once('.')?;
        if !service.starts_with("dfs.") && !service.starts_with("blob.") {
            return None;
        }
        // Names of accounts are unique in a cloud, being host names (DOC).
        let account = self.storage.values().find(|account| id::name(&account.id).eq_ignore_ascii_case(name))?;
        Some(Place { account: account.id.clone(), container: container.to_owned() })
    }

    /// Whether jobs of a Synapse workspace reach a storage account: it is open to all networks, or the workspace has an approved
    /// managed private endpoint to its blobs (DOC). Rules of its firewall do not help: the addresses of Synapse can't be in them
    /// (INF).
    fn reaches(&self, synapse: &SynapseWorkspace, account: &StorageAccount) -> bool {
        let is = |text: &str, expected: &str| text.eq_ignore_ascii_case(expected);
        if is(&account.public_network_access, "Enabled") && is(&account.network_acls.default_action, "Allow") {
            return true;
        }
        let Some(network) = &synapse.managed_virtual_network else {
            return false;
        };
        let network = id::fold(&format!("{}/managedVirtualNetworks/{network}", synapse.id));
        self.private_endpoints.iter().any(|(key, one)| {
            id::is_within(key, &network)
                && is(&one.private_link_resource_id, &account.id)
                && (is(&one.group_id, "blob") || is(&one.group_id, "dfs"))
                && is(&one.status, "Approved")
                && is(&one.provisioning_state, "Succeeded")
        })
    }

    /// Whether the roles of a principal allow all of these data actions at this scope. An assignment with a condition does not
    /// count, since conditions are not evaluated.
    fn may_use_data(&self, principal: &str, scope: &str, actions: &[&str]) -> bool {
        let (who, scope) = (self.with_groups(principal), id::fold(scope));
        let applies = |(at, one): &(String, &Assignment)| {
            one.seed.condition.is_none() && who.contains(&id::fold(&one.seed.principal_id)) && self.is_at_or_above(at, &scope)
        };
        let held: Vec<&Assignment> = self.assignments().filter(applies).map(|(_, one)| one).collect();
        actions.iter().all(|wanted| held.iter().any(|one| allows(one, wanted)))
    }
}

fn allows(one: &Assignment, wanted: &str) -> bool {
    let matches = |patterns: &[String]| patterns.iter().any(|pattern| action::covers(pattern, wanted));
    one.role.permissions.iter().any(|p| matches(&p.data_actions) && !matches(&p.not_data_actions))
}

/// All texts in a value.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => map.values().for_each(|v| texts(v, found)),
        Value::Array(all) => all.iter().for_each(|v| texts(v, found)),
        Value::String(text) => found.push(text),
        _ => {}
    }
}

fn failed<T>(message: String) -> Result<T, Failure> {
    Err(Failure::new("UserError", message))
}

/// The text of Spark's client of storage (REAL: azure-docs#55550; without a permission), with the codes of storage (DOC).
fn denied(code: &str, how: &str, account: &StorageAccount, container: &str) -> Failure {
    let name = id::name(&account.id);
    let message = format!(
        "Operation failed: \"This request is not authorized to perform this operation{how}.\", 403, HEAD, https://{name}.dfs.core.windows.net/{container}?upn=false&action=getStatus&timeout=90"
    );
    Failure::new(code, message)
}
