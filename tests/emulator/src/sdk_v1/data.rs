//! The default datastore, and datasets.

use serde_json::{Value, json};

use super::{Call, WORKSPACES, no_such};
use crate::arm::is_allowed;
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::world::blob::{DEFAULT_DATASTORE, Store};

/// A datastore, of which a workspace has one here. The account's key is in it for those that may list secrets (DOC).
pub(super) fn datastore(azure: &Azure, call: &Call<'_>, name: &str) -> Result<Answer, Refusal> {
    if !name.eq_ignore_ascii_case(DEFAULT_DATASTORE) {
        return Err(no_such("datastore", name));
    }
    let workspace = &call.workspace.id;
    let Store { account, container } = Store::of(&call.workspace);
    let secrets = format!("{WORKSPACES}/datastores/listsecrets/action");
    let key = azure.world.account_key(&account).filter(|_| is_allowed(&azure.world, &call.token, &secrets, workspace));
    let body = json!({
        "name": DEFAULT_DATASTORE,
        "dataStoreType": "AzureBlob",
        "hasBeenValidated": true,
        "tags": {},
        "azureStorageSection": {
            "accountName": account,
            "containerName": container,
            "endpoint": "core.windows.net",
            "protocol": "https",
            "credentialType": if key.is_some() { "AccountKey" } else { "None" },
            "credential": key,
            "accountKey": key,
            "isSas": false,
            "subscriptionId": id::subscription(workspace),
            "resourceGroup": id::part(workspace, "resourceGroups"),
        },
    });
    Ok(Answer::json(200, &body))
}

/// Saves a dataset without a name. One that was saved before keeps its ID (INF).
pub(super) fn save(azure: &mut Azure, call: &Call<'_>) -> Result<Answer, Refusal> {
    let mut body = call.body()?;
    if steps(&body).is_none() {
        return Err(Refusal::user_error("The dataset has no 'dataflowJson' with 'meta.RsDataflow'."));
    }
    let guid = azure.world.guid().to_string();
    let studio = call.studio(azure);
    let same = studio.datasets.values().find(|known| ["dataflowJson", "datasetType"].iter().all(|key| known[key] == body[key]));
    if let Some(same) = same {
        return Ok(Answer::json(200, same));
    }
    body["id"] = json!(guid);
    let answer = Answer::json(200, &body);
    studio.datasets.insert(guid, body);
    Ok(answer)
}

/// A saved dataset as a version of a data asset, of which the client reads how to load it.
pub(super) fn dataflow(azure: &mut Azure, call: &Call<'_>, guid: &str) -> Result<Answer, Refusal> {
    let saved = call.studio(azure).datasets.get(guid).ok_or_else(|| no_such("dataset", guid))?;
    Ok(Answer::json(200, &json!({"legacyDataflow": steps(saved)})))
}

/// How the client loads the dataset: YAML in JSON in JSON.
fn steps(dataset: &Value) -> Option<Value> {
    let flow: Value = serde_json::from_str(dataset["dataflowJson"].as_str()?).ok()?;
    flow["meta"]["RsDataflow"].as_str().map(Value::from)
}
