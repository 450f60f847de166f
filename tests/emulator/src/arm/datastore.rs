//! The datastores of a Machine Learning workspace.

use serde_json::{Value, json};

use super::workspace::{WORKSPACES, parent};
use super::{Call, authorize, not_allowed, not_found, page};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::world::DATASTORE_TYPE;
use crate::world::seed::{Datastore, DatastoreType};

/// LIST, with the filters `isDefault`, `names` and `searchText` (SPEC).
pub(super) fn list(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let at = format!("/{}", segments[..8].join("/"));
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    authorize(&azure.world, &call.token, &format!("{DATASTORE_TYPE}/read"), &at)?;
    let workspace = parent(azure, &at, "datastores", "read")?;
    let asked = |key: &str| call.request.query_value(key);
    let default = match asked("isDefault").map(|text| text.to_ascii_lowercase()).as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(other) => return Err(Refusal::user_error(format!("The value '{other}' is not valid for isDefault."))),
    };
    let names = asked("names").map(|all| all.split(',').map(id::fold).collect::<Vec<_>>());
    let text = asked("searchText").map(|text| id::fold(&text)).unwrap_or_default();
    let fits = |one: &&Datastore| {
        let name = id::fold(id::name(&one.id));
        default.is_none_or(|wanted| one.is_default == wanted)
            && names.as_ref().is_none_or(|all| all.contains(&name))
            && name.contains(&text)
    };
    let all = azure.world.datastores_of(&id::fold(&workspace.id)).filter(fits).map(body);
    page(azure, call, &format!("{}/datastores", workspace.id), all)
}

/// GET of one (SPEC).
pub(super) fn one(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let (at, resource) = (format!("/{}", segments[..8].join("/")), format!("/{}", segments.join("/")));
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    authorize(&azure.world, &call.token, &format!("{DATASTORE_TYPE}/read"), &resource)?;
    let workspace = parent(azure, &at, "datastores", "read")?;
    let missing = || not_found(&format!("{WORKSPACES}/{}/datastores/{}", id::name(&workspace.id), segments[9]), &resource);
    azure.world.datastores.get(&id::fold(&resource)).map(|known| Answer::json(200, &body(known))).ok_or_else(missing)
}

/// As in the specification; credentials without a secret (REAL: Az.MachineLearningServices shows only their type).
fn body(one: &Datastore) -> Value {
    let mut properties = json!({
        "description": null,
        "tags": {},
        "properties": null,
        "isDefault": one.is_default,
        "credentials": {"credentialsType": one.credentials_type},
        "datastoreType": one.kind,
        "subscriptionId": id::subscription(&one.storage_account),
        "resourceGroup": id::part(&one.storage_account, "resourceGroups"),
        "accountName": id::name(&one.storage_account),
        "endpoint": "core.windows.net",
        "protocol": "https",
        "serviceDataAccessAuthIdentity": "None",
    });
    let key = match one.kind {
        DatastoreType::AzureBlob => "containerName",
        DatastoreType::AzureDataLakeGen2 => "filesystem",
        DatastoreType::AzureFile => "fileShareName",
    };
    properties[key] = json!(one.container);
    json!({"id": one.id, "name": id::name(&one.id), "type": DATASTORE_TYPE, "properties": properties})
}
