//! The managed private endpoints of a Synapse workspace.

use serde_json::{Value, json};

use super::{Call, may_read};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::world::ENDPOINT_TYPE;
use crate::world::seed::ManagedPrivateEndpoint;

/// The folded ID of a managed virtual network of the workspace. The code for one that does not exist is NF.
fn network(azure: &Azure, call: &Call<'_>, name: &str) -> Result<String, Refusal> {
    may_read(azure, call)?;
    let workspace = azure.world.synapse.get(&id::fold(&call.workspace));
    let known = workspace.and_then(|w| w.managed_virtual_network.as_ref()).filter(|known| known.eq_ignore_ascii_case(name));
    let missing = || {
        let message = format!("The workspace '{}' has no managed virtual network '{name}'.", call.name);
        Refusal::new(404, "ManagedVirtualNetworkNotFound", message)
    };
    known.map(|known| id::fold(&format!("{}/managedVirtualNetworks/{known}", call.workspace))).ok_or_else(missing)
}

/// LIST, with an empty `nextLink` on the last page (SPEC: so its example); the size of a page is NF.
pub(super) fn endpoints(azure: &Azure, call: &Call<'_>, name: &str) -> Result<Answer, Refusal> {
    let network = network(azure, call, name)?;
    let skip = call.request.query_value("$skip").map_or(Ok(0), |text| text.parse::<usize>());
    let skip = skip.map_err(|_| Refusal::new(400, "ValidationError", "The continuation token is not valid."))?;
    let all: Vec<Value> = (azure.world.private_endpoints.iter())
        .filter(|(key, _)| id::is_within(key, &network))
        .map(|(_, one)| body(one))
        .collect();
    let (next, count) = (skip.saturating_add(azure.settings.page_size), all.len());
    let page: Vec<Value> = all.into_iter().skip(skip).take(azure.settings.page_size).collect();
    let version = call.request.query_value("api-version").unwrap_or_default();
    let link = if next < count {
        format!("{}{}?api-version={version}&$skip={next}", azure.origin(call.request), call.request.path)
    } else {
        String::new()
    };
    Ok(Answer::json(200, &json!({"value": page, "nextLink": link})))
}

/// GET of one (SPEC); the code of a missing one is NF.
pub(super) fn endpoint(azure: &Azure, call: &Call<'_>, network_name: &str, name: &str) -> Result<Answer, Refusal> {
    let network = network(azure, call, network_name)?;
    let found = azure.world.private_endpoints.get(&format!("{network}/managedprivateendpoints/{}", id::fold(name)));
    let missing =
        || Refusal::new(404, "ManagedPrivateEndpointNotFound", format!("There is no managed private endpoint '{name}'."));
    found.map(|one| Answer::json(200, &body(one))).ok_or_else(missing)
}

fn body(one: &ManagedPrivateEndpoint) -> Value {
    json!({
        "id": one.id,
        "name": id::name(&one.id),
        "type": ENDPOINT_TYPE,
        "properties": {
            "privateLinkResourceId": one.private_link_resource_id,
            "groupId": one.group_id,
            "provisioningState": one.provisioning_state,
            "connectionState": {"status": one.status, "description": "", "actionsRequired": ""},
            "isReserved": false,
        },
    })
}
